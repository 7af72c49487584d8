"""Encoders of samples that are lists of values: levels, latencies, Gaussian receptive fields, rates.

As in scikit-learn, ``fit`` learns from the training samples and ``transform`` returns spikes; but a fitted encoder is a
separate, immutable object. Each is fitted to the range of every value over the training samples. Values beyond that
range are clipped for levels, latencies and rates; the activation of receptive fields decreases.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields, replace
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.calls import call_checked
from snnprog.checks import as_flag, as_integer
from snnprog.coding.samples import as_samples, as_values, check_fitted, check_least, fitted_to, unfitted
from snnprog.display.card import Displayed
from snnprog.errors import SpecError

AXES = ("samples", "values")
SILENT = -1
GOLDEN = (5.0**0.5 - 1.0) / 2.0

Ranged = TypeVar("Ranged", bound="_Ranged")


class Encoder(Protocol):
    """Encodes samples as spikes.

    Attributes
    ----------
    n_lines : int
        Number of input lines.
    ticks : int
        Duration of each raster.
    """

    def fit(self, samples: ArrayLike) -> Encoder:
        """Return this encoder fitted to training samples."""

    @property
    def n_lines(self) -> int: ...  # noqa: D102

    @property
    def ticks(self) -> int: ...  # noqa: D102

    def transform(self, samples: ArrayLike) -> list[Raster]:
        """Return one raster ``(ticks, lines)`` per sample."""


@dataclass(frozen=True, eq=False, repr=False)
class _Ranged(Displayed):
    """An encoder that is fitted to the range of each value.

    Attributes
    ----------
    low, high : (values,) float
        The range of each value, in its own unit; empty before it is fitted.
    """

    low: Floats = field(default_factory=unfitted, kw_only=True)
    high: Floats = field(default_factory=unfitted, kw_only=True)

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            object.__setattr__(self, name, as_values(getattr(self, name)))
        if self.low.shape != self.high.shape or (self.low > self.high).any():
            raise SpecError("low and high must have equal lengths, with low <= high for each value")

    def _summary(self) -> str:
        settings = [each.name for each in fields(self) if each.name not in ("low", "high")]
        text = "".join(f"{name} {getattr(self, name)}, " for name in settings)
        return f"{text}{fitted_to(self.low, 'value')}"

    def fit(self: Ranged, samples: ArrayLike, y: object = None) -> Ranged:
        """Return this encoder fitted to the range of ``samples`` (samples, values), as another object.

        ``y`` is ignored.
        """
        values = as_samples(samples, AXES)
        return replace(self, low=values.min(axis=0), high=values.max(axis=0))

    def values_of(self, samples: ArrayLike) -> Floats:
        """Return samples (samples, values) as floats.

        Raises
        ------
        SpecError
            If this encoder is not fitted, or was fitted to another number of values.
        """
        check_fitted(self, self.low)
        return as_samples(samples, AXES, n_columns=self.low.size)

    @property
    def span(self) -> Floats:
        """(values,) The width of each range; 1 for a constant value."""
        return np.where(self.high > self.low, self.high - self.low, 1.0)

    def share(self, samples: ArrayLike) -> Floats:
        """Return (samples, values) the position of each value in its range, 0 to 1."""
        values = self.values_of(samples)
        share: Floats = np.clip((values - self.low) / self.span, 0.0, 1.0)
        return share


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class Levels(_Ranged):
    """A line for each level of each value; those that the value exceeds spike together at tick 0 (thermometer code).

    Attributes
    ----------
    levels : int
        Number of levels, spaced evenly over the range.
    low, high : (values,) float
        The range of each value, in its own unit, as `fit` finds it.
    """

    levels: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "levels", as_integer("levels", self.levels))
        check_least("levels", self.levels, least=1)

    @property
    def n_lines(self) -> int:
        """Lines of all levels of the first value, then of the second, and so on."""
        return self.low.size * self.levels

    @property
    def ticks(self) -> int:
        """1: all spikes come at once."""
        return 1

    def transform(self, samples: ArrayLike) -> list[Raster]:
        """Return one raster ``(1, lines)`` per sample."""
        cuts = (np.arange(self.levels) + 0.5) / self.levels
        exceeded = self.share(samples)[:, :, None] > cuts
        return list(exceeded.reshape(len(exceeded), 1, -1))


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class Latency(_Ranged):
    """A line for each value, which spikes once: the greater the value, the earlier.

    Attributes
    ----------
    last : int
        The tick of the least value; the greatest spikes at tick 0.
    is_paired : bool
        Whether each value has a second line with the reversed order (Kriener et al. 2021); these lines follow
        the others.
    low, high : (values,) float
        The range of each value, in its own unit, as `fit` finds it.
    """

    last: int = 15
    is_paired: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "last", as_integer("last", self.last))
        object.__setattr__(self, "is_paired", as_flag("is_paired", self.is_paired))
        check_least("last", self.last, least=1)

    @property
    def n_lines(self) -> int:
        """One line per value, or two."""
        return self.low.size * (1 + self.is_paired)

    @property
    def ticks(self) -> int:
        """One more than the last latency."""
        return self.last + 1

    def transform(self, samples: ArrayLike) -> list[Raster]:
        """Return one raster ``(ticks, lines)`` per sample."""
        share = self.share(samples)
        both = np.concatenate([share, 1.0 - share], axis=1) if self.is_paired else share
        return spikes_at(np.rint((1.0 - both) * self.last), self.ticks)


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class GaussianFields(_Ranged):
    """A population for each value, tuned to different values: the nearer a field's centre, the earlier its spike.

    As in Bohte, Kok and La Poutré (2002): the centres are spaced evenly, the outer ones half a spacing beyond the
    range, the activation is a Gaussian of the distance, and fields with low activation stay silent.

    Attributes
    ----------
    fields : int
        Number of fields per value, at least 3.
    width : float
        Spacings per standard deviation (Bohte's β is 1.5).
    last : int
        The latency in ticks of an activation of 0; full activation spikes at tick 0.
    least : float
        The activation below which a field is silent.
    low, high : (values,) float
        The range of each value, in its own unit, as `fit` finds it.
    """

    fields: int = 6
    width: float = 0.7
    last: int = 15
    least: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self, fewest=3)

    @property
    def n_lines(self) -> int:
        """Lines of all fields of the first value, then of the second, and so on."""
        return self.low.size * self.fields

    @property
    def ticks(self) -> int:
        """One more than the last latency."""
        return self.last + 1

    def transform(self, samples: ArrayLike) -> list[Raster]:
        """Return one raster ``(ticks, lines)`` per sample."""
        values = self.values_of(samples)
        spacing = self.span / (self.fields - 2)
        centres = self.low[:, None] + spacing[:, None] * (np.arange(self.fields) - 0.5)
        activation = np.exp(-0.5 * ((values[:, :, None] - centres) * (self.width / spacing[:, None])) ** 2)
        latency = np.where(activation < self.least, SILENT, np.rint((1.0 - activation) * self.last))
        return spikes_at(latency.reshape(len(values), -1), self.ticks)


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class Rate(_Ranged):
    """A line for each value, which spikes at random: the greater the value, the more often.

    The spikes of a sample are drawn from the seed and the sample, so they do not depend on other samples.

    Attributes
    ----------
    duration : int
        Ticks per sample.
    highest : float
        The probability of a spike per tick at the upper end of the range, at most 1: a rate in Hz, times the
        milliseconds of a tick, divided by 1000. At the lower end it is 0.
    seed : int
        Seed of the draw.
    low, high : (values,) float
        The range of each value, in its own unit, as `fit` finds it.
    """

    duration: int = 50
    highest: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (("duration", 1), ("seed", 0)):
            object.__setattr__(self, name, as_integer(name, getattr(self, name)))
            check_least(name, getattr(self, name), least=least)
        if not 0.0 < self.highest <= 1.0:
            raise SpecError(f"highest must be above 0 and at most 1, got {self.highest!r}")

    @property
    def n_lines(self) -> int:
        """One line per value."""
        return self.low.size

    @property
    def ticks(self) -> int:
        """The duration."""
        return self.duration

    def transform(self, samples: ArrayLike) -> list[Raster]:
        """Return one raster ``(ticks, lines)`` per sample."""
        return [self._drawn(share) for share in self.share(samples)]

    def _drawn(self, share: Floats) -> Raster:
        digest = hashlib.sha256(share.astype("<f8").tobytes()).digest()
        generator = np.random.default_rng([self.seed, *np.frombuffer(digest, dtype="<u4").tolist()])
        raster: Raster = generator.random((self.duration, share.size)) < self.highest * share
        return raster


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class EvenRate(_Ranged):
    """A line for each value, which spikes evenly: the greater the value, the more often; deterministic.

    A value at a share s of its range spikes ``round(s * duration)`` times, at equal distances rounded to
    ticks. Lines start at different phases, so that lines of equal rate do not spike together.

    Attributes
    ----------
    duration : int
        Ticks per sample.
    low, high : (values,) float
        The range of each value, in its own unit, as `fit` finds it.
    """

    duration: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "duration", as_integer("duration", self.duration))
        check_least("duration", self.duration, least=1)

    @property
    def n_lines(self) -> int:
        """One line per value."""
        return self.low.size

    @property
    def ticks(self) -> int:
        """The duration."""
        return self.duration

    def transform(self, samples: ArrayLike) -> list[Raster]:
        """Return one raster ``(ticks, lines)`` per sample."""
        counts = np.rint(self.share(samples) * self.duration).astype(np.int64)
        # Multiples of the golden ratio are spread evenly for any number of them (Knuth, volume 3, section 6.4).
        begins = np.floor(np.arange(self.low.size) * GOLDEN % 1.0 * self.duration).astype(np.int64)
        ticks = np.arange(self.duration + 1)[:, None]
        return list(np.diff((ticks * counts[:, None, :] + begins) // self.duration, axis=1) > 0)


def check_fields(encoder: object, *, fewest: int) -> None:
    """Check the settings of receptive fields, and make their numbers integers, in place.

    Raises
    ------
    SpecError
        If there are too few fields, or no latencies or widths.
    """
    for name, least in (("fields", fewest), ("last", 1)):
        number = as_integer(name, getattr(encoder, name))
        check_least(name, number, least=least)
        object.__setattr__(encoder, name, number)
    width = getattr(encoder, "width")  # noqa: B009
    if not width > 0.0:
        raise SpecError(f"width must be a positive number of spacings per deviation, got {width!r}")


def spikes_at(latency: Floats | Int64s, ticks: int) -> list[Raster]:
    """Return rasters (ticks, lines) in which each line spikes at its latency, if it has one in (samples, lines)."""
    return list(latency[:, None, :] == np.arange(ticks)[:, None])
