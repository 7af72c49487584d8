"""Spikes as times, which is how recordings keep them, and the rasters they become.

What a raster adds is never guessed: how long a tick is, how many there are, and where the first one begins are given.
Two spikes of a neuron in one tick are refused unless merging was asked for; so are spikes after the last tick, unless
windows were asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.checks import as_integer
from snnprog.errors import SpecError
from snnprog.raster import ROUNDING_SHARE, check_bin_ms, tick_of_time
from snnprog.wording import counted

WINDOW_LIMIT = 1 << 20


@dataclass(frozen=True, eq=False)
class SpikeTimes:
    """When neurons fired.

    Attributes
    ----------
    name : str
        What to call them in messages.
    seconds : (spikes,) float64
    neuron : (spikes,) int64
        0 to ``neurons - 1``.
    neurons : int
    share : float
        By how much of itself each time may be off, from how it was kept.
    """

    name: str
    seconds: Floats
    neuron: Int64s
    neurons: int
    share: float = ROUNDING_SHARE


@dataclass(frozen=True)
class Binning:
    """How times become ticks.

    Attributes
    ----------
    dt_ms : float
        Length of a tick.
    ticks : int
        In each raster.
    starts_ms : tuple of float, optional
        Where each raster begins; one that begins at 0 and holds all spikes, unless given.
    merge : bool
        Whether spikes of one neuron in one tick become one.
    """

    dt_ms: float
    ticks: int
    starts_ms: tuple[float, ...] | None = None
    merge: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "dt_ms", check_bin_ms("dt_ms", self.dt_ms))
        object.__setattr__(self, "ticks", as_integer("ticks", self.ticks))
        if self.ticks < 1:
            raise SpecError(f"ticks is {self.ticks}; at least one is needed")
        if self.starts_ms is not None:
            object.__setattr__(self, "starts_ms", as_starts(self.starts_ms))
        if not isinstance(self.merge, bool):
            raise SpecError(f"merge is {self.merge!r}; True or False is needed")


def as_starts(values: ArrayLike) -> tuple[float, ...]:
    """Return where windows begin.

    Raises
    ------
    SpecError
        If this is no list of finite numbers.
    """
    try:
        starts = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise SpecError(f"starts_ms is no list of numbers: {error}") from error
    if starts.ndim != 1 or not 0 < starts.size <= WINDOW_LIMIT or not np.isfinite(starts).all():
        raise SpecError(f"starts_ms has shape {starts.shape}; a list of 1 to {WINDOW_LIMIT} finite numbers is needed")
    return tuple(starts.tolist())


def share_of(dtype: np.dtype[np.generic]) -> float:
    """Return by how much of itself a time of that type may be off: half a unit in its last place, and what is added."""
    is_coarse = np.issubdtype(dtype, np.floating) and dtype.itemsize < 8
    return ROUNDING_SHARE + (float(np.finfo(dtype.name).eps) / 2 if is_coarse else 0.0)


def rasters_of_times(times: SpikeTimes, binning: Binning) -> list[Raster]:
    """Return one raster ``(ticks, neurons)`` for each window.

    Raises
    ------
    SpecError
        If two spikes of a neuron share a tick and merging was not asked for, spikes lie after the last tick and windows
        were not asked for, or the times are kept too coarsely to tell ticks apart.
    """
    _check_resolution(times, binning)
    order = np.argsort(times.seconds, kind="stable")
    times = SpikeTimes(times.name, times.seconds[order], times.neuron[order], times.neurons, times.share)
    if binning.starts_ms is None:
        raster, late = _raster_from(times, binning, start_s=0.0)
        if late.size:
            raise SpecError(
                f"{times.name} has {counted(late.size, 'spike')} after the last of {binning.ticks} ticks, the last at"
                f" {late[-1]:g} s; give more ticks, or starts_ms to cut windows"
            )
        return [raster]
    return [_raster_from(times, binning, start_s=start_ms / 1000.0)[0] for start_ms in binning.starts_ms]


def observed_bins(intervals: Sequence[Floats], binning: Binning, *, share: float) -> list[Raster]:
    """Return for each window which bins lie as a whole within the intervals in which each neuron was observed.

    Parameters
    ----------
    intervals : sequence of (intervals, 2) float64
        Per neuron: from when to when in seconds, in any order; they may touch and overlap.
    share : float
        By how much of itself each time may be off: a bin that begins that little before an interval lies within it.
    """
    starts_s = [start_ms / 1000.0 for start_ms in binning.starts_ms or (0.0,)]
    rasters = np.zeros((len(starts_s), binning.ticks, len(intervals)), dtype=np.bool_)
    for neuron, own in enumerate(intervals):
        joint = _united(own, share)
        for window, start_s in enumerate(starts_s):
            near = joint[_overlapping(joint, start_s, binning=binning)]
            first = -_full_ticks(-near[:, 0], binning, start_s=-start_s, share=share)
            last = _full_ticks(near[:, 1], binning, start_s=start_s, share=share)
            for begin, end in zip(first.tolist(), last.tolist(), strict=True):
                rasters[window, max(begin, 0) : max(end, 0), neuron] = True
    rasters.flags.writeable = False
    return list(rasters)


def _united(intervals: Floats, share: float) -> Floats:
    """Return intervals (intervals, 2) in order, those that touch or overlap as one."""
    ordered = intervals[np.argsort(intervals[:, 0], kind="stable")]
    reached = np.maximum.accumulate(ordered[:, 1])
    is_first = np.concatenate([[True], ordered[1:, 0] > reached[:-1] + share * np.abs(reached[:-1])])
    is_last = np.concatenate([is_first[1:], [True]])
    return np.stack([ordered[is_first, 0], reached[is_last]], axis=1)


def _overlapping(intervals: Floats, start_s: float, *, binning: Binning) -> slice:
    """Return which intervals, in order and apart, may share bins with a window: a tick more on either side."""
    tick_s = binning.dt_ms / 1000.0
    first = int(np.searchsorted(intervals[:, 1], start_s - tick_s))
    return slice(first, int(np.searchsorted(intervals[:, 0], start_s + (binning.ticks + 1) * tick_s)))


def _full_ticks(seconds: Floats, binning: Binning, *, start_s: float, share: float) -> Int64s:
    """Return how many ticks lie before each time as a whole, counted from the start; see `tick_of_time`."""
    bin_s = binning.dt_ms / 1000.0
    near = np.clip(seconds, start_s - (binning.ticks + 1) * bin_s, start_s + (binning.ticks + 1) * bin_s)
    slack = share * np.maximum(np.abs(near), abs(start_s))
    ticks: Int64s = np.floor((near - start_s + slack) * (1000.0 / binning.dt_ms)).astype(np.int64)
    return ticks


def _check_resolution(times: SpikeTimes, binning: Binning) -> None:
    farthest = float(np.abs(times.seconds).max(initial=0.0))
    if farthest * times.share > binning.dt_ms / 2000.0:
        raise SpecError(
            f"{times.name} keeps times up to {farthest:g} s with errors up to {farthest * times.share * 1000:.2g} ms;"
            f" ticks of {binning.dt_ms:g} ms are too short for them"
        )


def _raster_from(times: SpikeTimes, binning: Binning, *, start_s: float) -> tuple[Raster, Floats]:
    """Return the raster that begins there, and the times after its end."""
    first, last = _neighbourhood(times, binning, start_s=start_s)
    seconds, neuron = times.seconds[first:last], times.neuron[first:last]
    tick = tick_of_time(seconds, start_s=start_s, bin_ms=binning.dt_ms, ticks=binning.ticks, share=times.share)
    inside = (tick >= 0) & (tick < binning.ticks)
    raster = np.zeros((binning.ticks, times.neurons), dtype=np.bool_)
    raster[tick[inside], neuron[inside]] = True
    if not binning.merge and np.count_nonzero(raster) != np.count_nonzero(inside):
        _refuse_merging(times.name, tick[inside], neuron=neuron[inside], binning=binning, start_s=start_s)
    raster.flags.writeable = False
    return raster, np.concatenate([seconds[tick >= binning.ticks], times.seconds[last:]])


def _neighbourhood(times: SpikeTimes, binning: Binning, *, start_s: float) -> tuple[int, int]:
    """Return which of the sorted spikes may lie in a window: a tick more on either side."""
    tick_s = binning.dt_ms / 1000.0
    first, last = np.searchsorted(times.seconds, [start_s - tick_s, start_s + (binning.ticks + 1) * tick_s])
    return int(first), int(last)


def _refuse_merging(name: str, tick: Int64s, *, neuron: Int64s, binning: Binning, start_s: float) -> None:
    bins, counts = np.unique(np.stack([tick, neuron]), axis=1, return_counts=True)
    where, shared = int(np.argmax(counts > 1)), int(np.count_nonzero(counts > 1))
    more = f" (and {counted(shared - 1, 'more bin')} like it)" if shared > 1 else ""
    window = "" if binning.starts_ms is None else f" of the window from {start_s * 1000:g} ms"
    raise SpecError(
        f"{name}: neuron {bins[1, where]} has {counts[where]} spikes in tick {bins[0, where]} of {binning.dt_ms:g} ms"
        f"{window}{more}; take a shorter tick, or ask for merging"
    )


def joined(name: str, trains: Sequence[Floats], share: float) -> SpikeTimes:
    """Return spike trains, one per neuron in seconds, as one list of times."""
    sizes = [train.size for train in trains]
    seconds = np.concatenate([np.zeros(0), *trains])
    return SpikeTimes(name, seconds, np.repeat(np.arange(len(sizes)), sizes), len(sizes), share)
