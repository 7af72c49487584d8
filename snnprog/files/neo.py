"""Conversion from and to Neo's spike trains; `neo` reads the formats of most recording systems.

A train's times may have any unit and start: by default the first tick begins at ``t_start`` and the last one ends at
``t_stop``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from snnprog.archive import SIZE_LIMIT_BYTES
from snnprog.arrays import Floats, Raster
from snnprog.calls import call_checked
from snnprog.checks import as_flag
from snnprog.errors import SpecError
from snnprog.files.hdf5 import check_installed
from snnprog.files.spike_times import Binning, SpikeTimes, joined, rasters_of_times, share_of
from snnprog.raster import ROUNDING_SHARE, as_raster, check_bin_ms
from snnprog.wording import a_type, counted

if TYPE_CHECKING:
    import neo

NAME = "the spike trains"


@call_checked
def from_neo(
    trains: neo.Segment | Iterable[neo.SpikeTrain],
    *,
    dt_ms: float,
    start_ms: float | None = None,
    ticks: int | None = None,
    merge: bool = False,
) -> Raster:
    """Return the raster of a Neo segment, or of a list of spike trains: one column for each train, in order.

    Parameters
    ----------
    trains : neo.Segment or iterable of neo.SpikeTrain
    dt_ms : float
        Milliseconds of a tick.
    start_ms : float, optional
        Beginning of the first tick; by default the trains' common ``t_start``. Requires ``ticks``.
    ticks : int, optional
        Number of ticks; by default up to the trains' common ``t_stop``.
    merge : bool
        Whether spikes of one train in one tick become one instead of being refused.

    Raises
    ------
    SpecError
        If neo is not installed, these are not spike trains, two spikes of a train share a tick and ``merge`` is not
        set, or no window is given and those of the trains differ or are not a whole number of ticks.
    """
    merge, chosen = as_flag("merge", merge), _as_trains(trains)
    tick_ms = check_bin_ms("dt_ms", dt_ms)
    if (start_ms is None) != (ticks is None):
        raise SpecError("start_ms and ticks must be given together; give both, or neither for the window of the trains")
    share = max((share_of(train.dtype) for train in chosen), default=ROUNDING_SHARE)
    times = joined(NAME, [_seconds(train) for train in chosen], share)
    window = _own_window(chosen, tick_ms, times=times) if start_ms is None or ticks is None else (start_ms, ticks)
    binning = Binning(tick_ms, window[1], (window[0],), merge)
    if binning.ticks * max(len(chosen), 1) > SIZE_LIMIT_BYTES:
        raise SpecError(f"{binning.ticks} ticks of {len(chosen)} trains are more than {SIZE_LIMIT_BYTES} bins")
    (raster,) = rasters_of_times(times, binning)
    return raster


@call_checked
def to_neo(raster: ArrayLike, *, dt_ms: float, start_ms: float = 0.0) -> list[neo.SpikeTrain]:
    """Return one Neo spike train for each column of a raster ``(ticks, neurons)``, with spikes at tick starts.

    Parameters
    ----------
    raster : (ticks, neurons) bool
    dt_ms : float
        Milliseconds of a tick.
    start_ms : float
        Beginning of the first tick.

    Raises
    ------
    SpecError
        If neo is not installed, or the raster or the length of a tick is invalid.
    """
    check_installed("neo", "creating Neo's spike trains")
    import neo

    spikes, tick_ms = as_raster(raster, "raster"), check_bin_ms("dt_ms", dt_ms)
    stop_ms = start_ms + len(spikes) * tick_ms
    return [
        neo.SpikeTrain(start_ms + np.flatnonzero(column) * tick_ms, units="ms", t_start=start_ms, t_stop=stop_ms)
        for column in spikes.T
    ]


def _as_trains(trains: Any) -> Sequence[Any]:
    check_installed("neo", "reading Neo's spike trains")
    import neo

    chosen = trains.spiketrains if isinstance(trains, neo.Segment) else trains
    if isinstance(chosen, neo.SpikeTrain) or not isinstance(chosen, Iterable):
        raise SpecError(f"trains must be a neo.Segment or a list of neo.SpikeTrain, got {a_type(trains)}")
    collected = list(chosen)
    for index, train in enumerate(collected):
        if not isinstance(train, neo.SpikeTrain):
            raise SpecError(f"trains[{index}] must be a neo.SpikeTrain, got {a_type(train)}")
    return collected


def _own_window(trains: Sequence[Any], tick_ms: float, *, times: SpikeTimes) -> tuple[float, int]:
    """Return the beginning of the trains, in milliseconds, and their number of ticks."""
    ends = sorted({(float(_seconds(train.t_start)), float(_seconds(train.t_stop))) for train in trains})
    if len(ends) != 1:
        raise SpecError(
            f"{counted(len(trains), 'train')} with {counted(len(ends), 'window')} from t_start to t_stop;"
            " give start_ms and ticks"
        )
    start, stop = ends[0]
    ticks = (stop - start) * 1000.0 / tick_ms
    slack = times.share * (abs(start) + abs(stop))
    if abs(ticks - round(ticks)) * tick_ms / 1000.0 > slack or round(ticks) < 1:
        raise SpecError(
            f"{NAME} last {stop - start:g} s, not a whole number of ticks of {tick_ms:g} ms; give start_ms and ticks"
        )
    if times.seconds.max(initial=start) >= stop - slack:
        raise SpecError(f"{NAME} have a spike at t_stop, after the last tick; give start_ms and ticks")
    return start * 1000.0, round(ticks)


def _seconds(times: Any) -> Floats:
    """Return times of any unit in seconds; Neo's own conversion would round single precision once more."""
    seconds: Floats = times.magnitude.astype(np.float64) * float(times.units.rescale("s").magnitude)
    return seconds
