"""Encoders of samples that are lists of values: levels, latencies, Gaussian receptive fields, rates.

Each is fitted to the range of every value over the training samples. Beyond that range, a value counts as its end for
levels, latencies and rates; from receptive fields it fades away.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Floats, Raster
from snnprog.checks import as_integer
from snnprog.coding.samples import as_samples, as_values, check_least
from snnprog.errors import SpecError

AXES = ("samples", "values")
SILENT = -1


class Encoder(Protocol):
    """What turns samples into spikes.

    Attributes
    ----------
    n_lines : int
        Number of input lines.
    ticks : int
        Duration of each raster.
    """

    @property
    def n_lines(self) -> int: ...  # noqa: D102

    @property
    def ticks(self) -> int: ...  # noqa: D102

    def encode(self, samples: ArrayLike) -> list[Raster]:
        """Return one raster ``(ticks, lines)`` per sample."""


@dataclass(frozen=True, eq=False)
class _Ranged:
    """An encoder that knows the range of each value.

    Attributes
    ----------
    low, high : (values,) float
        The range of each value, in its own unit.
    """

    low: Floats
    high: Floats

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            object.__setattr__(self, name, as_values(getattr(self, name)))
        if self.low.shape != self.high.shape or (self.low > self.high).any():
            raise SpecError("low and high do not go together; each value needs a range from low to high")

    @property
    def span(self) -> Floats:
        """(values,) The width of each range; 1 where a value is always the same."""
        return np.where(self.high > self.low, self.high - self.low, 1.0)

    def share(self, samples: ArrayLike) -> Floats:
        """Return (samples, values) how far up its range each value lies, 0 to 1."""
        values = as_samples(samples, AXES, self.low.size)
        share: Floats = np.clip((values - self.low) / self.span, 0.0, 1.0)
        return share


@dataclass(frozen=True, eq=False)
class Levels(_Ranged):
    """A line for each level of each value; those that the value exceeds spike together at tick 0 (thermometer code).

    Attributes
    ----------
    low, high : (values,) float
        The range of each value, in its own unit.
    levels : int
        How many there are, evenly over the range.
    """

    levels: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "levels", as_integer("levels", self.levels))
        check_least("levels", self.levels, 1)

    @classmethod
    def fit(cls, samples: ArrayLike, levels: int = 16) -> Levels:
        """Return the encoder for the range of ``samples`` (samples, values)."""
        return cls(*_range_of(samples), levels)

    @property
    def n_lines(self) -> int:
        """Lines of all levels of the first value, then of the second, and so on."""
        return self.low.size * self.levels

    @property
    def ticks(self) -> int:
        """1: all spikes come at once."""
        return 1

    def encode(self, samples: ArrayLike) -> list[Raster]:
        """Return one raster ``(1, lines)`` per sample."""
        cuts = (np.arange(self.levels) + 0.5) / self.levels
        exceeded = self.share(samples)[:, :, None] > cuts
        return list(exceeded.reshape(len(exceeded), 1, -1))


@dataclass(frozen=True, eq=False)
class Latency(_Ranged):
    """A line for each value, which spikes once: the greater the value, the earlier.

    Attributes
    ----------
    low, high : (values,) float
        The range of each value, in its own unit.
    last : int
        The tick of the least value; the greatest spikes at tick 0.
    is_paired : bool
        Whether each value has a second line for which it counts from the other end (Kriener et al. 2021); those come
        after the first ones.
    """

    last: int = 15
    is_paired: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "last", as_integer("last", self.last))
        check_least("last", self.last, 1)

    @classmethod
    def fit(cls, samples: ArrayLike, last: int = 15, *, is_paired: bool = False) -> Latency:
        """Return the encoder for the range of ``samples`` (samples, values).

        Parameters
        ----------
        is_paired : bool
            Whether each value has a second line, for which it counts from the other end.
        """
        return cls(*_range_of(samples), last, is_paired)

    @property
    def n_lines(self) -> int:
        """One line per value, or two."""
        return self.low.size * (1 + self.is_paired)

    @property
    def ticks(self) -> int:
        """One more than the last latency."""
        return self.last + 1

    def encode(self, samples: ArrayLike) -> list[Raster]:
        """Return one raster ``(ticks, lines)`` per sample."""
        share = self.share(samples)
        both = np.concatenate([share, 1.0 - share], axis=1) if self.is_paired else share
        return _spikes_at(np.rint((1.0 - both) * self.last), self.ticks)


@dataclass(frozen=True, eq=False)
class GaussianFields(_Ranged):
    """A population for each value, tuned to different values: the nearer a field's centre, the earlier its spike.

    As in Bohte, Kok and La Poutré (2002): the centres lie evenly, the outer ones half a spacing beyond the range, the
    activation is a Gaussian of the distance, and fields that are hardly activated stay silent.

    Attributes
    ----------
    low, high : (values,) float
        The range of each value, in its own unit.
    fields : int
        How many per value, at least 3.
    width : float
        Spacings per standard deviation (Bohte's β is 1.5).
    last : int
        The latency in ticks of an activation of 0; full activation spikes at tick 0.
    least : float
        The activation below which a field is silent.
    """

    fields: int = 6
    width: float = 0.7
    last: int = 15
    least: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (("fields", 3), ("last", 1)):
            object.__setattr__(self, name, as_integer(name, getattr(self, name)))
            check_least(name, getattr(self, name), least)
        if not self.width > 0.0:
            raise SpecError(f"width is {self.width!r}; a positive number of spacings per deviation is needed")

    @classmethod
    def fit(cls, samples: ArrayLike, fields: int = 6) -> GaussianFields:
        """Return the encoder for the range of ``samples`` (samples, values)."""
        return cls(*_range_of(samples), fields)

    @property
    def n_lines(self) -> int:
        """Lines of all fields of the first value, then of the second, and so on."""
        return self.low.size * self.fields

    @property
    def ticks(self) -> int:
        """One more than the last latency."""
        return self.last + 1

    def encode(self, samples: ArrayLike) -> list[Raster]:
        """Return one raster ``(ticks, lines)`` per sample."""
        values = as_samples(samples, AXES, self.low.size)
        spacing = self.span / (self.fields - 2)
        centres = self.low[:, None] + spacing[:, None] * (np.arange(self.fields) - 0.5)
        activation = np.exp(-0.5 * ((values[:, :, None] - centres) * (self.width / spacing[:, None])) ** 2)
        latency = np.where(activation < self.least, SILENT, np.rint((1.0 - activation) * self.last))
        return _spikes_at(latency.reshape(len(values), -1), self.ticks)


@dataclass(frozen=True, eq=False)
class Rate(_Ranged):
    """A line for each value, which spikes at random: the greater the value, the more often.

    The spikes of a sample are drawn from the seed and the sample itself, so they are the same in any company.

    Attributes
    ----------
    low, high : (values,) float
        The range of each value, in its own unit.
    duration : int
        Ticks per sample.
    highest : float
        The chance of a spike per tick at the upper end of the range, up to 1: a rate in Hz, times the milliseconds of
        a tick, by 1000. At the lower end it is 0.
    seed : int
        Of the draw.
    """

    duration: int = 50
    highest: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (("duration", 1), ("seed", 0)):
            object.__setattr__(self, name, as_integer(name, getattr(self, name)))
            check_least(name, getattr(self, name), least)
        if not 0.0 < self.highest <= 1.0:
            raise SpecError(f"highest is {self.highest!r}; a chance above 0 and up to 1 is needed")

    @classmethod
    def fit(cls, samples: ArrayLike, duration: int = 50, highest: float = 0.5, *, seed: int = 0) -> Rate:
        """Return the encoder for the range of ``samples`` (samples, values).

        Parameters
        ----------
        seed : int
            Of the draw.
        """
        return cls(*_range_of(samples), duration, highest, seed)

    @property
    def n_lines(self) -> int:
        """One line per value."""
        return self.low.size

    @property
    def ticks(self) -> int:
        """The duration."""
        return self.duration

    def encode(self, samples: ArrayLike) -> list[Raster]:
        """Return one raster ``(ticks, lines)`` per sample."""
        return [self._drawn(share) for share in self.share(samples)]

    def _drawn(self, share: Floats) -> Raster:
        digest = hashlib.sha256(share.astype("<f8").tobytes()).digest()
        generator = np.random.default_rng([self.seed, *np.frombuffer(digest, dtype="<u4").tolist()])
        raster: Raster = generator.random((self.duration, share.size)) < self.highest * share
        return raster


def _range_of(samples: ArrayLike) -> tuple[Floats, Floats]:
    values = as_samples(samples, AXES)
    return values.min(axis=0), values.max(axis=0)


def _spikes_at(latency: Floats, ticks: int) -> list[Raster]:
    """Return rasters (ticks, lines) in which each line spikes at its latency, of (samples, lines), if at all."""
    return list(latency[:, None, :] == np.arange(ticks)[:, None])
