"""The best that the spikes of one group can contribute for each budget, and how.

A group is spikes of a line whose windows overlap (`snnprog.robustness.drive.SpikeGroups`). Its best is found by
a dynamic programme over ticks. Windows of equal length, in the order of their spikes, may be filled in that order: two
spikes that cross can be exchanged. So the state before a tick is how many of the spikes are dealt with, how many of
these are missing, and how many were added. At tick t

- spikes whose windows hold t may be declared missing;
- one or more of the next spikes may be put at t, whose contribution counts once, because spikes in one tick merge;
- or a spike may be added, with the same contribution;
- spikes whose window ends at t must be dealt with.

With one spike, or none, the greatest contributions are the best.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.jit import compiled

NOWHERE = -np.inf


class Room(NamedTuple):
    """Arrays to calculate in.

    Attributes
    ----------
    gains : (places of a group,) float
        What the places of a group contribute, with the sign of the wrong side.
    top : (extra + 1,) float
        The greatest of them.
    table : (places of a group + 1, states, missing + 1, extra + 1) float
    values : (states, missing + 1, extra + 1) float
    below : (missing + 1, extra + 1) float
    own : (groups, missing + 1, extra + 1) float
        The best of each group for each budget.
    best : (groups + 1, missing + 1, extra + 1) float
        The best of the first groups together.
    """

    gains: Floats
    top: Floats
    table: Floats
    values: Floats
    below: Floats
    own: Floats
    best: Floats


@compiled(nogil=True)
def _drop(room: Room, index: int, width: int) -> None:
    """Fill in the values of a tick, with spikes declared missing where that is better; states are in their order."""
    values = room.values
    for state in range(width + 1):
        for missing in range(values.shape[1]):
            for extra in range(values.shape[2]):
                value = room.table[index, state, missing, extra]
                if state > 0 and missing > 0:
                    value = max(value, values[state - 1, missing - 1, extra])
                values[state, missing, extra] = value


@compiled(nogil=True)
def clear(values: Floats) -> None:
    """Set the values of all budgets to `NOWHERE`."""
    for missing in range(values.shape[0]):
        for extra in range(values.shape[1]):
            values[missing, extra] = NOWHERE


@compiled(nogil=True)
def sweep(spikes: Int64s, ticks: Int64s, jitter: int, room: Room, own: Floats) -> None:
    """Fill in the table of a group of spikes, and its best for each budget.

    States count from the first spike whose window has not ended.
    """
    table, values, below, gains = room.table, room.values, room.below, room.gains
    begun = ended = 0
    states = min(table.shape[1], spikes.size + 1)
    for state in range(states):
        clear(table[0, state])
    table[0, 0, 0, 0] = 0.0
    for index in range(ticks.size):
        tick, gain = ticks[index], gains[index]
        while begun < spikes.size and spikes[begun] - jitter <= tick:
            begun += 1
        width = begun - ended
        _drop(room, index, width)
        shift = int(ended < spikes.size and spikes[ended] + jitter == tick)
        ended += shift
        for state in range(states):
            for missing in range(below.shape[0]):
                for extra in range(below.shape[1]):
                    best = NOWHERE
                    if state <= width:
                        value = values[state, missing, extra]
                        before = below[missing, extra] if state > 0 else NOWHERE
                        best = max(value, before + gain)
                        if extra > 0:
                            best = max(best, values[state, missing, extra - 1] + gain)
                        below[missing, extra] = max(before, value)
                    if state >= shift:
                        table[index + 1, state - shift, missing, extra] = best
        if shift:
            clear(table[index + 1, states - 1])
    clear(own)
    for state in range(states):
        for missing in range(below.shape[0]):
            for extra in range(below.shape[1]):
                own[missing, extra] = max(own[missing, extra], table[ticks.size, state, missing, extra])


@compiled(nogil=True)
def greatest(potentials: Floats, sign: float) -> float:
    """Return the greatest gain: four side by side, since each comparison waits for the one before it."""
    a = b = c = d = NOWHERE
    whole = potentials.size - potentials.size % 4
    for place in range(0, whole, 4):
        a = max(a, sign * potentials[place])
        b = max(b, sign * potentials[place + 1])
        c = max(c, sign * potentials[place + 2])
        d = max(d, sign * potentials[place + 3])
    for place in range(whole, potentials.size):
        a = max(a, sign * potentials[place])
    return max(max(a, b), max(c, d))


@compiled(nogil=True)
def of_few(potentials: Floats, sign: float, top: Floats, spikes: int, own: Floats) -> None:
    """Fill in the best of a group with one spike, or of the pool, which are its greatest gains."""
    for place in range(top.size):
        top[place] = NOWHERE
    if spikes + top.size <= 2:
        top[0] = greatest(potentials, sign)
    else:
        for potential in potentials:
            gain, place = sign * potential, top.size - 1
            if gain > top[place]:
                while place > 0 and top[place - 1] < gain:
                    top[place] = top[place - 1]
                    place -= 1
                top[place] = gain
    for missing in range(own.shape[0]):
        kept = spikes - missing
        own[missing, 0] = (NOWHERE if missing > spikes else 0.0) if kept <= 0 else top[0]
        for extra in range(1, top.size):
            own[missing, extra] = own[missing, extra - 1] + max(top[extra - 1 + max(kept, 0)], 0.0)


@compiled(nogil=True)
def trace(spikes: Int64s, ticks: Int64s, freedom: tuple[int, int, int], room: Room) -> tuple[Int64s, Int64s]:
    """Return where each spike of a group goes, (spikes,), -1 if it is missing, and the ticks of those added.

    Parameters
    ----------
    freedom : (int, int, int)
        Jitter, and the numbers of missing and added spikes in this group.
    """
    jitter, missing, extra = freedom
    table, values, gains = room.table, room.values, room.gains
    targets, added, n_added = np.full(spikes.size, ticks[-1]), np.empty(extra, np.int64), 0
    begun = spikes.size
    ended = 0
    while ended < spikes.size and spikes[ended] + jitter <= ticks[-1]:
        ended += 1
    state = 0
    for other in range(min(table.shape[1], spikes.size + 1)):
        if table[ticks.size, other, missing, extra] > table[ticks.size, state, missing, extra]:
            state = other
    for index in range(ticks.size - 1, -1, -1):
        tick, gain = ticks[index], gains[index]
        value = table[index + 1, state, missing, extra]
        while ended > 0 and spikes[ended - 1] + jitter >= tick:
            ended, state = ended - 1, state + 1
        while begun > 0 and spikes[begun - 1] - jitter > tick:
            begun -= 1
        _drop(room, index, begun - ended)
        if values[state, missing, extra] != value:
            if extra > 0 and values[state, missing, extra - 1] + gain == value:
                extra -= 1
                added[n_added] = tick
                n_added += 1
            else:
                state -= 1
                targets[ended + state] = tick
                while values[state, missing, extra] + gain != value:
                    state -= 1
                    targets[ended + state] = tick
        while values[state, missing, extra] != table[index, state, missing, extra]:
            state, missing = state - 1, missing - 1
            targets[ended + state] = -1
    return targets, added[:n_added]


@compiled(nogil=True)
def best_places(gains: Floats, count: int) -> Int64s:
    """Return the places of the greatest gains, the greatest first; of equal ones, the first."""
    order, found = np.empty(min(count, gains.size), np.int64), 0
    for place in range(gains.size):
        if found == order.size and (found == 0 or gains[place] <= gains[order[found - 1]]):
            continue
        found = min(found + 1, order.size)
        at = found - 1
        while at > 0 and gains[order[at - 1]] < gains[place]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = place
    return order


@compiled(nogil=True)
def trace_one(ticks: Int64s, gains: Floats, budget: tuple[int, int]) -> tuple[Int64s, Int64s]:
    """Return the same as `trace` for a group with one spike."""
    missing, extra = budget
    order, added, n_added = best_places(gains, extra + 1), np.empty(extra, np.int64), 0
    for place in order[1 - missing : 1 - missing + extra]:
        if gains[place] > 0.0:
            added[n_added] = ticks[place]
            n_added += 1
    return np.full(1, -1 if missing else ticks[order[0]]), added[:n_added]
