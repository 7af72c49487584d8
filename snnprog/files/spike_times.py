"""Spikes as times, the form of recordings, and their conversion to rasters.

The parameters of a raster are never guessed: the length, number and beginning of ticks must be given.
Two spikes of a neuron in one tick are refused unless merging is allowed; so are spikes after the last tick, unless
windows are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.checks import as_flag, as_integer
from snnprog.errors import SpecError
from snnprog.raster import ROUNDING_SHARE, check_bin_ms, tick_of_time
from snnprog.wording import counted

WINDOW_LIMIT = 1 << 20


@dataclass(frozen=True, eq=False)
class SpikeTimes:
    """The spike times of neurons.

    Attributes
    ----------
    name : str
        Their name in messages.
    seconds : (spikes,) float64
    neuron : (spikes,) int64
        0 to ``neurons - 1``.
    neurons : int
    share : float
        Maximum relative error of a time, from its storage type.
    """

    name: str
    seconds: Floats
    neuron: Int64s
    neurons: int
    share: float = ROUNDING_SHARE


@dataclass(frozen=True)
class Binning:
    """The binning of times to ticks.

    Attributes
    ----------
    dt_ms : float
        Length of a tick.
    ticks : int
        Number of ticks of each raster.
    starts_ms : tuple of float, optional
        Beginning of each raster; by default one that begins at 0 and contains all spikes.
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
            raise SpecError(f"ticks must be at least 1, got {self.ticks}")
        if self.starts_ms is not None:
            object.__setattr__(self, "starts_ms", as_starts(self.starts_ms))
        object.__setattr__(self, "merge", as_flag("merge", self.merge))


def as_starts(values: ArrayLike) -> tuple[float, ...]:
    """Return the beginnings of windows.

    Raises
    ------
    SpecError
        If this is not a list of finite numbers.
    """
    try:
        starts = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise SpecError(f"starts_ms must be a list of numbers: {error}") from error
    if starts.ndim != 1 or not 0 < starts.size <= WINDOW_LIMIT or not np.isfinite(starts).all():
        raise SpecError(f"starts_ms must be a list of 1 to {WINDOW_LIMIT} finite numbers, got shape {starts.shape}")
    return tuple(starts.tolist())


def share_of(dtype: np.dtype[np.generic]) -> float:
    """Return the maximum relative error of a time of a type: half a unit in its last place, and an allowance."""
    is_coarse = np.issubdtype(dtype, np.floating) and dtype.itemsize < 8
    return ROUNDING_SHARE + (float(np.finfo(dtype.name).eps) / 2 if is_coarse else 0.0)


def rasters_of_times(times: SpikeTimes, binning: Binning) -> list[Raster]:
    """Return one raster ``(ticks, neurons)`` for each window.

    Raises
    ------
    SpecError
        If two spikes of a neuron share a tick and merging is not allowed, spikes lie after the last tick and no windows
        are given, or the times are stored too coarsely to distinguish ticks.
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
    """Return for each window which bins lie completely within the intervals in which each neuron was observed.

    Parameters
    ----------
    intervals : sequence of (intervals, 2) float64
        Per neuron: beginning and end in seconds, in any order; they may touch and overlap.
    share : float
        Relative tolerance of times: a bin that begins before an interval by no more counts as within it.
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
    """Return intervals (intervals, 2) in order, merging those that touch or overlap."""
    ordered = intervals[np.argsort(intervals[:, 0], kind="stable")]
    reached = np.maximum.accumulate(ordered[:, 1])
    is_first = np.concatenate([[True], ordered[1:, 0] > reached[:-1] + share * np.abs(reached[:-1])])
    is_last = np.concatenate([is_first[1:], [True]])
    return np.stack([ordered[is_first, 0], reached[is_last]], axis=1)


def _overlapping(intervals: Floats, start_s: float, *, binning: Binning) -> slice:
    """Return which ordered, disjoint intervals may share bins with a window, with a margin of a tick on either side."""
    tick_s = binning.dt_ms / 1000.0
    first = int(np.searchsorted(intervals[:, 1], start_s - tick_s))
    return slice(first, int(np.searchsorted(intervals[:, 0], start_s + (binning.ticks + 1) * tick_s)))


def _full_ticks(seconds: Floats, binning: Binning, *, start_s: float, share: float) -> Int64s:
    """Return the number of complete ticks from the start to each time; see `tick_of_time`."""
    bin_s = binning.dt_ms / 1000.0
    near = np.clip(seconds, start_s - (binning.ticks + 1) * bin_s, start_s + (binning.ticks + 1) * bin_s)
    slack = share * np.maximum(np.abs(near), abs(start_s))
    ticks: Int64s = np.floor((near - start_s + slack) * (1000.0 / binning.dt_ms)).astype(np.int64)
    return ticks


def _check_resolution(times: SpikeTimes, binning: Binning) -> None:
    farthest = float(np.abs(times.seconds).max(initial=0.0))
    if farthest * times.share > binning.dt_ms / 2000.0:
        raise SpecError(
            f"{times.name} stores times up to {farthest:g} s with errors up to {farthest * times.share * 1000:.2g} ms;"
            f" ticks of {binning.dt_ms:g} ms are too short for them"
        )


def _raster_from(times: SpikeTimes, binning: Binning, *, start_s: float) -> tuple[Raster, Floats]:
    """Return the raster of a beginning, and the times after its end."""
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
        f"{window}{more}; take a shorter tick, or allow merging (merge=True, --merge)"
    )


def joined(name: str, trains: Sequence[Floats], share: float) -> SpikeTimes:
    """Return spike trains, one per neuron in seconds, as one list of times."""
    sizes = [train.size for train in trains]
    seconds = np.concatenate([np.zeros(0), *trains])
    return SpikeTimes(name, seconds, np.repeat(np.arange(len(sizes)), sizes), len(sizes), share)
