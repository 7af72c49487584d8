"""Target spikes in windows, tracked during a neuron's run, which determine the target of each tick.

The n-th spike that counts must fall in the n-th window. So while the next window is open, the neuron runs freely,
and its first spike there is the target spike; at the last tick of the window it is forced to spike, with the
smallest shortfall of any tick in that window. Outside, it must be silent. The target and the prescribed spike of a
tick are written before the tick is run.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.rules.neuron import FREE
from snnprog.rules.operations import inlined, operation

FAR = 1 << 40
"""More than any shortfall of a tick; marks a window that is not open yet."""


class Openings(NamedTuple):
    """The windows of one neuron over all patterns, and the current one.

    Attributes
    ----------
    first, last : (spikes,) int
        Range of ticks of each spike; the last ticks leave space for later spikes. Empty without windows.
    counts : (ticks,) bool
        Which ticks count; in others the neuron runs freely.
    elsewhere : int
        The target where the neuron runs freely, as in `snnprog.simulate.shortfall.Requirements.at`.
    state : (2,) int
        The next window, and the smallest shortfall in it so far.
    """

    first: Int64s
    last: Int64s
    counts: Raster
    elsewhere: int
    state: Int64s


def no_openings(ticks: int) -> Openings:
    """Return openings without windows."""
    nothing = np.zeros(0, np.int64)
    return Openings(nothing, nothing, np.ones(ticks, np.bool_), 0, np.zeros(2, np.int64))


def openings_of(
    target: Raster, counts: Raster, *, starts: Int64s, window: tuple[int, int], refractory: int, elsewhere: int
) -> Openings:
    """Return the windows of a target (ticks of all patterns,).

    Parameters
    ----------
    counts : (ticks,) bool
        Which ticks count.
    starts : (patterns,) int
        The first tick of each pattern.
    window : (int, int)
        How many ticks before and after its own a spike may fall.
    refractory : int
        Minimum distance between two spikes, in ticks.
    elsewhere : int
        See `Openings`.
    """
    due, ticks = np.flatnonzero(target & counts), np.arange(target.size)
    pattern = np.searchsorted(starts, ticks, side="right")
    first, last, latest, following = due.copy(), due.copy(), target.size, -1
    for index in range(due.size - 1, -1, -1):
        tick = due[index]
        latest = latest if pattern[tick] == following else target.size
        inside = counts & (pattern == pattern[tick]) & (np.abs(ticks - tick) <= np.where(ticks < tick, *window))
        places = ticks[inside & (ticks <= max(latest, int(ticks[inside][0])))]
        first[index], last[index] = places[0], places[-1]
        latest, following = int(places[-1]) - refractory, int(pattern[tick])
    return Openings(first, last, counts, elsewhere, np.zeros(2, np.int64))


@inlined
def ask(openings: Openings, at: Int64s, given: Int64s, tick: int) -> None:
    """Write the target of a tick, and the prescribed spike."""
    following = openings.state[0]
    is_due = following < openings.last.size and openings.first[following] <= tick <= openings.last[following]
    if not openings.counts[tick] or (is_due and tick < openings.last[following]):
        at[tick], given[tick] = openings.elsewhere, FREE
    elif is_due:
        at[tick], given[tick] = 1, 1
    else:
        at[tick], given[tick] = -1, 0


@operation
def begin(openings: Openings, at: Int64s, given: Int64s) -> None:
    """Begin with the first window, if there is any."""
    if openings.last.size == 0:
        return
    openings.state[0], openings.state[1] = 0, FAR
    ask(openings, at, given, 0)


@inlined
def follow(openings: Openings, at: Int64s, given: Int64s, ran: tuple[int, int, int, bool]) -> int:
    """Advance after a tick; return its shortfall.

    Parameters
    ----------
    ran : (int, int, int, bool)
        The tick, its shortfall for the target, its shortfall for a spike, and whether the neuron
        spiked.
    """
    tick, short, short_of_spike, is_spike = ran
    following = openings.state[0]
    is_open = following < openings.last.size and openings.counts[tick]
    if is_open and openings.first[following] <= tick <= openings.last[following]:
        if tick == openings.last[following]:
            short = min(short, openings.state[1])
        elif is_spike:
            short = max(short, short_of_spike)
        openings.state[1] = min(openings.state[1], short_of_spike)
        if is_spike:
            openings.state[0], openings.state[1] = following + 1, FAR
    if tick + 1 < at.size:
        ask(openings, at, given, tick + 1)
    return short
