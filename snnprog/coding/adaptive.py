"""Encoders of streams whose gain and threshold follow the input: contrast, and receptive fields that move.

Each value has a running mean and a running mean absolute deviation (`snnprog.coding.following`). A row is encoded by
its distance from the mean in deviations, both as they were before that row; then they follow it. So an input line is
desensitised to the average, as retinal ganglion cells are, and needs no range that is known in advance (the idea of
Hadjiivanov 2021, arXiv:2104.05401, from its abstract; the rule here is ours).

An encoder stays immutable: ``transform`` starts from the state that it has, and ``partial_fit`` returns the encoder
with the state after the rows. A stream in chunks is the same spikes as in one piece::

    for chunk in chunks:
        spikes = encoder.transform(chunk)
        encoder = encoder.partial_fit(chunk)

Everything after `values_of` is in integers, so a microcontroller that has the same integers computes the same spikes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Floats, Int32s, Int64s, Raster
from snnprog.calls import call_checked
from snnprog.checks import as_integer, as_integers
from snnprog.coding.encoders import AXES, SILENT, check_fields, spikes_at
from snnprog.coding.samples import as_samples, as_values, check_fitted, check_least, fitted_to, unfitted
from snnprog.display.card import Displayed
from snnprog.errors import SpecError

PARTS = 64
"""Thresholds are whole parts of a deviation: a choice, rounding moves them by less than 1/100 of a deviation."""

RESOLUTION = 6
"""A deviation of the training samples is 2^6 to 2^7 units: no coarser than `PARTS`."""

MOST_REACH = 8.0
"""With `PARTS`, `LIMIT` and deviations of at most 2^20, products stay within 32 bits (2^20 * 64 * 8 = 2^29)."""

STATE = ("unit", "offset", "sums", "spreads")

Following = TypeVar("Following", bound="_Following")


def _no_state() -> Int32s:
    return np.zeros(0, np.int32)


@dataclass(frozen=True, eq=False, repr=False)
class _Following(Displayed):
    """An encoder that follows the mean and the deviation of each value.

    Attributes
    ----------
    memory : int
        Binary logarithm of the time constant in rows, 1 to 10.
    reach : float
        How far from the mean the outermost level or centre lies, in mean absolute deviations, at most 8.
    unit, offset : (values,) float
        A value v is the integer ``round((v - offset) / unit)``; units are powers of two, offsets multiples of them.
    sums, spreads : (values,) int32
        2^memory times the mean and the mean absolute deviation, in units.
    """

    memory: int = 6
    reach: float = 2.0
    unit: Floats = field(default_factory=unfitted, kw_only=True)
    offset: Floats = field(default_factory=unfitted, kw_only=True)
    sums: Int32s = field(default_factory=_no_state, kw_only=True)
    spreads: Int32s = field(default_factory=_no_state, kw_only=True)

    def __post_init__(self) -> None:
        from snnprog.coding.following import MOST_MEMORY  # compiles; only adaptive encoders need it

        object.__setattr__(self, "memory", as_integer("memory", self.memory))
        if not 1 <= self.memory <= MOST_MEMORY:
            raise SpecError(f"memory must be 1 to {MOST_MEMORY}, for 2 to {1 << MOST_MEMORY} rows, got {self.memory}")
        if not 0.0 < self.reach <= MOST_REACH:
            raise SpecError(f"reach must be above 0 and at most {MOST_REACH:g} deviations, got {self.reach!r}")
        for name in ("unit", "offset"):
            object.__setattr__(self, name, as_values(getattr(self, name)))
        for name in ("sums", "spreads"):
            object.__setattr__(self, name, as_integers(name, getattr(self, name)))
        if {getattr(self, name).shape for name in STATE} != {self.unit.shape} or not (self.unit > 0.0).all():
            raise SpecError("unit, offset, sums and spreads must have one entry for each value, and units be positive")

    def _summary(self) -> str:
        settings = "".join(f"{name} {value}, " for name, value in self.get_params().items())
        return f"{settings}{fitted_to(self.unit, 'value')}"

    def get_params(self, deep: bool = True) -> dict[str, object]:
        """Return the settings by name, without what was learned, as scikit-learn's ``clone`` requires."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name not in STATE}

    def fit(self: Following, samples: ArrayLike, y: object = None) -> Following:
        """Return this encoder with the mean and deviation of ``samples`` (samples, values), as another object.

        A value that does not vary has units of 1. ``y`` is ignored.
        """
        values = as_samples(samples, AXES)
        mean = values.mean(axis=0)
        deviation = np.abs(values - mean).mean(axis=0)
        exponents = np.frexp(np.where(deviation > 0.0, deviation, 1 << RESOLUTION))[1] - 1 - RESOLUTION
        unit = np.ldexp(1.0, exponents)
        offset = np.rint(mean / unit) * unit
        spreads = np.rint(deviation / unit).astype(np.int32) << self.memory
        return replace(self, unit=unit, offset=offset, sums=np.zeros_like(spreads), spreads=spreads)

    def partial_fit(self: Following, samples: ArrayLike, y: object = None) -> Following:
        """Return this encoder with its mean and deviation after ``samples`` (samples, values), as another object.

        An encoder that is not fitted is fitted to them. ``y`` is ignored.

        Raises
        ------
        SpecError
            If the samples are not finite numbers, or have another number of values than before.
        """
        if self.unit.size == 0:
            return self.fit(samples)
        _, _, sums, spreads = self._followed(self.values_of(samples))
        return replace(self, sums=sums, spreads=spreads)

    def values_of(self, samples: ArrayLike) -> Int64s:
        """Return samples (samples, values) as integers, in units; those beyond ±(2^19 - 1) are clipped.

        Raises
        ------
        SpecError
            If this encoder is not fitted, or was fitted to another number of values.
        """
        from snnprog.coding.following import LIMIT

        check_fitted(self, self.unit)
        values = as_samples(samples, AXES, n_columns=self.unit.size)
        return np.rint(np.clip((values - self.offset) / self.unit, -LIMIT, LIMIT)).astype(np.int64)

    def _followed(self, values: Int64s) -> tuple[Int64s, Int64s, Int32s, Int32s]:
        """Return mean and deviation (samples, values) at which each row is seen, and the sums after the last one."""
        from snnprog.coding.following import follow

        sums, spreads = self.sums.astype(np.int64), self.spreads.astype(np.int64)
        means, deviations = np.empty_like(values), np.empty_like(values)
        follow(values, sums, spreads, self.memory, means, deviations)
        return means, deviations, sums.astype(np.int32), spreads.astype(np.int32)

    def _seen(self, samples: ArrayLike) -> tuple[Int64s, Int64s]:
        """Return (samples, values) the distance of each value from its mean, and the deviation, in units."""
        values = self.values_of(samples)
        means, deviations, _, _ = self._followed(values)
        return values - means, deviations


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class Contrast(_Following):
    """Lines for each value that spike when it is far above its running mean, and others when it is far below.

    Those whose level is exceeded spike together, so a value near its mean is silent. First come the levels above the
    mean of the first value, nearest first, then those below it, then those of the second value.

    Attributes
    ----------
    levels : int
        Number of levels on each side, spaced evenly up to ``reach``.
    memory : int
        Binary logarithm of the time constant in rows, 1 to 10.
    reach : float
        The outermost level, in mean absolute deviations, at most 8.
    unit, offset : (values,) float
        A value v is the integer ``round((v - offset) / unit)``; `fit` finds powers of two, and multiples of them.
    sums, spreads : (values,) int32
        The state: 2^memory times the mean and the mean absolute deviation, in units.
    """

    levels: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "levels", as_integer("levels", self.levels))
        check_least("levels", self.levels, least=1)

    @property
    def n_lines(self) -> int:
        """Two lines for each level of each value."""
        return 2 * self.levels * self.unit.size

    @property
    def ticks(self) -> int:
        """1: a row is a tick."""
        return 1

    @property
    def thresholds(self) -> Int64s:
        """(levels,) The levels, in 64ths of a deviation."""
        return np.rint(PARTS * self.reach * np.arange(1, self.levels + 1) / self.levels).astype(np.int64)

    def transform(self, samples: ArrayLike) -> list[Raster]:
        """Return one raster ``(1, lines)`` per sample; concatenated, they are the raster of the stream.

        Raises
        ------
        SpecError
            If this encoder is not fitted, or the samples have another number of values or are not finite.
        """
        distances, deviations = self._seen(samples)
        levels = deviations[:, :, None] * self.thresholds
        sides = [PARTS * side * distances[:, :, None] > levels for side in (1, -1)]
        return list(np.concatenate(sides, axis=2).reshape(len(distances), 1, -1))


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class AdaptiveFields(_Following):
    """A population for each value whose receptive fields move with its mean and widen with its deviation.

    As `GaussianFields`, with centres spaced evenly from ``-reach`` to ``reach`` deviations around the running mean: the
    nearer a field's centre, the earlier its spike. The latency of a Gaussian activation is found without it, by
    comparing the distance with a radius for each latency.

    Attributes
    ----------
    fields : int
        Number of fields per value, at least 2.
    width : float
        Spacings per standard deviation of a field.
    last : int
        The latency in ticks of an activation of 0; full activation spikes at tick 0.
    least : float
        The activation below which a field is silent, between 0 and 1.
    memory : int
        Binary logarithm of the time constant in rows, 1 to 10.
    reach : float
        The outermost centre, in mean absolute deviations, at most 8.
    unit, offset : (values,) float
        A value v is the integer ``round((v - offset) / unit)``; `fit` finds powers of two, and multiples of them.
    sums, spreads : (values,) int32
        The state: 2^memory times the mean and the mean absolute deviation, in units.
    """

    fields: int = 6
    width: float = 0.7
    last: int = 15
    least: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self, fewest=2)
        if not 0.0 < self.least < 1.0:
            raise SpecError(f"least must be an activation between 0 and 1, got {self.least!r}")
        if self.radii[-1] > MOST_REACH * PARTS:
            widest = self.radii[-1] / PARTS
            raise SpecError(
                f"fields must end within {MOST_REACH:g} deviations of their centres, got {widest:.1f}; take more"
                " fields, or a greater width"
            )

    @property
    def n_lines(self) -> int:
        """Lines of all fields of the first value, then of the second, and so on."""
        return self.fields * self.unit.size

    @property
    def ticks(self) -> int:
        """One more than the last latency."""
        return self.last + 1

    @property
    def centres(self) -> Int64s:
        """(fields,) The distances of the centres from the mean, in 64ths of a deviation."""
        places = 2.0 * np.arange(self.fields) / (self.fields - 1) - 1.0
        return np.rint(PARTS * self.reach * places).astype(np.int64)

    @property
    def radii(self) -> Int64s:
        """(latencies,) The greatest distance from a centre at which each latency or an earlier one is reached.

        In 64ths of a deviation. A latency L is that of activations from ``1 - (L + 0.5) / last``, down to ``least``.
        """
        spread = 2.0 * self.reach / (self.fields - 1) / self.width
        bounds = [1.0 - (latency + 0.5) / self.last for latency in range(self.last)]
        activations = [*(bound for bound in bounds if bound > self.least), self.least]
        return np.array([math.floor(PARTS * spread * math.sqrt(-2.0 * math.log(each))) for each in activations])

    def transform(self, samples: ArrayLike) -> list[Raster]:
        """Return one raster ``(ticks, lines)`` per sample.

        Raises
        ------
        SpecError
            If this encoder is not fitted, or the samples have another number of values or are not finite.
        """
        distances, deviations = self._seen(samples)
        scales = deviations[:, :, None]
        away = np.abs(PARTS * distances[:, :, None] - scales * self.centres)
        latencies = (away[..., None] > scales[..., None] * self.radii).sum(axis=-1)
        silent = latencies == self.radii.size
        return spikes_at(np.where(silent, SILENT, latencies).reshape(len(distances), -1), self.ticks)
