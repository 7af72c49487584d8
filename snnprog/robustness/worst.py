"""The worst perturbation of one row: what moves a neuron's potential at one tick farthest to the wrong side.

With the resets known, the potential at tick k is a sum over the input spikes: a spike of line l at tick t adds
``f_l(t) = Σ_d W[l, d] h[t + d]``, where ``h[a]`` is the effect at tick k of one unit that arrives at tick a. So the
worst case separates by line, and along a line it is a dynamic programme over ticks. Windows of equal length, in the
order of their spikes, may be filled in that order: two spikes that cross can be exchanged. So the state before a tick
is how many of the line's spikes are dealt with, how many of these are missing, and how many were added. At tick t

- spikes whose windows hold t may be declared missing;
- one or more of the next spikes may be put at t, which adds ``f_l(t)`` once, because spikes in one tick merge;
- or a spike may be added, which adds ``f_l(t)`` as well;
- spikes whose window ends at t must be dealt with.

The best of each line for each budget are then combined over the lines: a knapsack over the missing and the added ones.
Weights that may change by a share of themselves do so to the wrong side: rows of spikes see the least, rows of silences
the greatest, because ``h`` is never negative.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.jit import compiled

Table = NDArray[np.float64]
NOWHERE = -np.inf


class Drive(NamedTuple):
    """What drives one neuron in one pattern.

    Attributes
    ----------
    weights : (2, lines, delays) float
        Weights in LSBs: the least that each may be, and the greatest.
    delays : (delays,) int
        Ascending, in ticks.
    shares : (3,) float
        α and γ, the shares of current and potential that remain after a tick, and the gain of an arriving spike.
    is_cleared : (ticks,) bool
        Whether the potential is 0 after the tick, whatever it was.
    first : (lines + 1,) int
        The spikes of line l are ``spikes[first[l]:first[l + 1]]``.
    spikes : (spikes,) int
        Ticks, ascending in each line.
    is_free : (lines,) bool
        Whether the spikes of a line are perturbed.
    freedom : (3,) int
        Jitter in ticks, and the greatest numbers of missing and of added spikes.
    """

    weights: Floats
    delays: Int64s
    shares: Floats
    is_cleared: Raster
    first: Int64s
    spikes: Int64s
    is_free: Raster
    freedom: Int64s


@compiled(nogil=True)
def _response(drive: Drive, row: int, response: Floats) -> int:
    """Fill in h up to the row's tick; return the first tick at which it may differ from 0."""
    alpha, gamma, gain = drive.shares
    potential, current, first = 1.0, 1.0, row
    response[row] = gain
    for tick in range(row - 1, -1, -1):
        potential = 0.0 if drive.is_cleared[tick] else gamma * potential
        current = potential + alpha * current
        response[tick] = gain * current
        if current == 0.0:
            break
        first = tick
    return first


@compiled(nogil=True, inline="always")
def _gain(drive: Drive, line: int, tick: int, side: int, opened: int, response: Floats) -> float:
    """Return f of one line at a tick, with the sign of the wrong side."""
    total = 0.0
    for slot in range(drive.delays.size):
        arrival = tick + drive.delays[slot]
        if opened <= arrival < response.size:
            total += drive.weights[side, line, slot] * response[arrival]
    return total if side else -total


@compiled(nogil=True)
def _gains(drive: Drive, line: int, reach: tuple[int, int, int], side: int, gains: Floats, response: Floats) -> None:
    """Fill in f of one line at the ticks of the reach at which a spike may be."""
    first, last, opened = reach
    if drive.is_free[line] and drive.freedom[2] > 0:
        gains[: last + 1 - first] = 0.0
        for slot in range(drive.delays.size):
            delay, weight = drive.delays[slot], drive.weights[side, line, slot] * (1.0 if side else -1.0)
            for tick in range(max(first, opened - delay), min(last, response.size - 1 - delay) + 1):
                gains[tick - first] += weight * response[tick + delay]
        return
    jitter = drive.freedom[0] if drive.is_free[line] else 0
    begun = first
    for spike in drive.spikes[drive.first[line] : drive.first[line + 1]]:
        begun = max(begun, spike - jitter)
        for tick in range(begun, min(last, spike + jitter) + 1):
            gains[tick - first] = _gain(drive, line, tick, side, opened, response)
        begun = max(begun, spike + jitter + 1)


@compiled(nogil=True)
def _drop(values: Table, width: int) -> None:
    """Declare spikes missing, in place, where that is better; states are in their order."""
    for state in range(width):
        for missing in range(1, values.shape[1]):
            for extra in range(values.shape[2]):
                before = values[state, missing - 1, extra]
                values[state + 1, missing, extra] = max(values[state + 1, missing, extra], before)


@compiled(nogil=True)
def _sweep(spikes: Int64s, jitter: int, first: int, gains: Floats, table: Table) -> Table:
    """Fill in the table of a line, (ticks + 1, states, missing + 1, extra + 1); return the best for each budget.

    States count from the first spike whose window has not ended.
    """
    begun = ended = 0
    while ended < spikes.size and spikes[ended] + jitter < first:
        ended += 1
    begun = ended
    ticks = gains.size
    table[0] = NOWHERE
    table[0, 0, 0, 0] = 0.0
    values = np.empty(table.shape[1:])
    below = np.empty(table.shape[2:])
    for index in range(ticks):
        tick, gain = first + index, gains[index]
        while begun < spikes.size and spikes[begun] - jitter <= tick:
            begun += 1
        width = begun - ended
        if width == 0 and table.shape[3] == 1:
            table[index + 1] = table[index]
            continue
        values[:] = table[index]
        _drop(values, width)
        shift = int(ended < spikes.size and spikes[ended] + jitter == tick)
        ended += shift
        below[:] = NOWHERE
        table[index + 1] = NOWHERE
        for state in range(width + 1):
            for missing in range(values.shape[1]):
                for extra in range(values.shape[2]):
                    best = max(values[state, missing, extra], below[missing, extra] + gain)
                    if extra > 0:
                        best = max(best, values[state, missing, extra - 1] + gain)
                    if state >= shift:
                        table[index + 1, state - shift, missing, extra] = best
                    below[missing, extra] = max(below[missing, extra], values[state, missing, extra])
    best_of = np.full(table.shape[2:], NOWHERE)
    for state in range(table.shape[1]):
        best_of = np.maximum(best_of, table[ticks, state])
    return best_of


@compiled(nogil=True)
def _reach(drive: Drive, row: int, opened: int) -> tuple[int, int, int]:
    """Return the first and the last tick at which spikes count for a row, with all windows that reach into them."""
    last = row - drive.delays[0]
    first = max(0, opened - drive.delays[-1] - 2 * drive.freedom[0])
    return first, last, opened


@compiled(nogil=True)
def _own_reach(drive: Drive, line: int, reach: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return the part of the reach in which a spike of one line may be; its last tick is before its first if none."""
    first, last, opened = reach
    is_free = drive.is_free[line]
    if is_free and drive.freedom[2] > 0:
        return reach
    jitter = drive.freedom[0] if is_free else 0
    earliest, latest = last + 1, first - 1
    for spike in drive.spikes[drive.first[line] : drive.first[line + 1]]:
        if spike + jitter >= first and spike - jitter <= last:
            earliest, latest = min(earliest, spike - jitter), spike + jitter
    return max(first, earliest), min(last, latest), opened


@compiled(nogil=True)
def _of_line(drive: Drive, line: int, reach: tuple[int, int, int], gains: Floats, table: Table) -> Table:
    """Return the best of one line for each budget, (missing + 1, extra + 1)."""
    spikes = drive.spikes[drive.first[line] : drive.first[line + 1]]
    if drive.is_free[line]:
        return _sweep(spikes, drive.freedom[0], reach[0], gains, table)
    best = np.full(table.shape[2:], NOWHERE)
    best[0, 0] = 0.0
    for tick in spikes:
        if reach[0] <= tick <= reach[1]:
            best[0, 0] += gains[tick - reach[0]]
    return best


@compiled(nogil=True)
def _together(one: Table, other: Table) -> Table:
    """Return the best of two groups of lines for each budget."""
    best = np.full(one.shape, NOWHERE)
    for missing in range(one.shape[0]):
        for extra in range(one.shape[1]):
            for a in range(missing + 1):
                for b in range(extra + 1):
                    value = one[a, b] + other[missing - a, extra - b]
                    best[missing, extra] = max(best[missing, extra], value)
    return best


@compiled(nogil=True)
def _table_of(drive: Drive, ticks: int) -> Table:
    jitter, missing, extra = drive.freedom
    most = 0
    for line in range(drive.is_free.size):
        if drive.is_free[line]:
            most = max(most, drive.first[line + 1] - drive.first[line])
    return np.empty((ticks + 1, min(2 * jitter + 1, most) + 1, missing + 1, extra + 1))


@compiled(nogil=True)
def worst_potentials(drive: Drive, rows: Int64s, sides: Int64s) -> Floats:
    """Return (rows,) the least (side 0) or greatest (side 1) of ``W · φ`` at each row's tick over all perturbations."""
    ticks = drive.is_cleared.size
    response, gains, table = np.empty(ticks), np.empty(ticks), _table_of(drive, ticks)
    worst = np.empty(rows.size)
    for index in range(rows.size):
        row, side = rows[index], sides[index]
        reach = _reach(drive, row, _response(drive, row, response))
        count = reach[1] - reach[0] + 1
        best = np.full(table.shape[2:], NOWHERE)
        best[0, 0] = 0.0
        if count > 0:
            for line in range(drive.is_free.size):
                own = _own_reach(drive, line, reach)
                if own[1] >= own[0]:
                    _gains(drive, line, own, side, gains, response[: row + 1])
                    best = _together(best, _of_line(drive, line, own, gains[: own[1] - own[0] + 1], table))
        worst[index] = (1.0 if side else -1.0) * best.max()
    return worst


@compiled(nogil=True)
def _state_of(table: Table, missing: int, extra: int) -> int:
    best = 0
    for state in range(table.shape[0]):
        if table[state, missing, extra] > table[best, missing, extra]:
            best = state
    return best


@compiled(nogil=True)
def _trace(
    spikes: Int64s, jitter: int, first: int, gains: Floats, table: Table, budget: tuple[int, int]
) -> tuple[Int64s, Int64s]:
    """Return where each spike of a line goes, (spikes,), -1 if it is missing, and the ticks of those added."""
    targets, added, n_added = np.maximum(spikes, first + gains.size), np.empty(budget[1], np.int64), 0
    for place in range(spikes.size):
        if spikes[place] + jitter < first or spikes[place] - jitter > first + gains.size:
            targets[place] = spikes[place]
    missing, extra = budget
    state = _state_of(table[gains.size], missing, extra)
    values = np.empty(table.shape[1:])
    for index in range(gains.size - 1, -1, -1):
        tick = first + index
        ended, begun = 0, 0
        for spike in spikes:
            ended += spike + jitter < tick
            begun += spike - jitter <= tick
        values[:] = table[index]
        _drop(values, begun - ended)
        value = table[index + 1, state, missing, extra]
        state += int(ended < spikes.size and spikes[ended] + jitter == tick)
        if values[state, missing, extra] != value:
            if extra > 0 and values[state, missing, extra - 1] + gains[index] == value:
                extra -= 1
                added[n_added] = tick
                n_added += 1
            else:
                state -= 1
                targets[ended + state] = tick
                while values[state, missing, extra] + gains[index] != value:
                    state -= 1
                    targets[ended + state] = tick
        while values[state, missing, extra] != table[index, state, missing, extra]:
            state, missing = state - 1, missing - 1
            targets[ended + state] = -1
    return targets, added[:n_added]


@compiled(nogil=True)
def worst_spikes(drive: Drive, row: int, side: int) -> tuple[Int64s, Int64s]:
    """Return a perturbation of a row's worst case.

    Returns
    -------
    targets : (spikes,) int
        Where each spike of the drive goes; -1 if it is missing.
    added : (added, 2) int
        Line and tick of each spike that is added.
    """
    ticks, lines = drive.is_cleared.size, drive.is_free.size
    response, gains, table = np.empty(ticks), np.empty(ticks), _table_of(drive, ticks)
    reach = _reach(drive, row, _response(drive, row, response))
    count = reach[1] - reach[0] + 1
    targets, added, n_added = drive.spikes.copy(), np.empty((drive.freedom[2], 2), np.int64), 0
    if count <= 0:
        return targets, added[:0]
    best = np.full((lines + 1, *table.shape[2:]), NOWHERE)
    best[0, 0, 0] = 0.0
    each = np.empty((lines, *table.shape[2:]))
    for line in range(lines):
        own = _own_reach(drive, line, reach)
        _gains(drive, line, own, side, gains, response[: row + 1])
        each[line] = _of_line(drive, line, own, gains[: max(own[1] - own[0] + 1, 0)], table)
        best[line + 1] = _together(best[line], each[line])
    missing, extra = 0, 0
    for a in range(best.shape[1]):
        for b in range(best.shape[2]):
            if best[lines, a, b] > best[lines, missing, extra]:
                missing, extra = a, b
    for line in range(lines - 1, -1, -1):
        a, b = _share(best[line], each[line], best[line + 1, missing, extra], (missing, extra))
        own = _own_reach(drive, line, reach)
        if drive.is_free[line] and own[1] >= own[0]:
            _gains(drive, line, own, side, gains, response[: row + 1])
            begin, end = drive.first[line], drive.first[line + 1]
            spikes, mine = drive.spikes[begin:end], gains[: own[1] - own[0] + 1]
            _sweep(spikes, drive.freedom[0], own[0], mine, table)
            moved, more = _trace(spikes, drive.freedom[0], own[0], mine, table, (a, b))
            targets[begin:end] = moved
            for tick in more:
                added[n_added, 0], added[n_added, 1] = line, tick
                n_added += 1
        missing, extra = missing - a, extra - b
    return targets, added[:n_added]


@compiled(nogil=True)
def _share(before: Table, own: Table, value: float, budget: tuple[int, int]) -> tuple[int, int]:
    """Return the budget that one line takes of the whole."""
    for a in range(budget[0] + 1):
        for b in range(budget[1] + 1):
            if before[budget[0] - a, budget[1] - b] + own[a, b] == value:
                return a, b
    return 0, 0


@compiled(nogil=True)
def worst_features(drive: Drive, rows: Int64s, sides: Int64s) -> Table:
    """Return (rows, delays, lines) what each weight contributes to the potential in each row's worst case."""
    lines, slots = drive.is_free.size, drive.delays.size
    response = np.empty(drive.is_cleared.size)
    features = np.zeros((rows.size, slots, lines))
    for index in range(rows.size):
        row = rows[index]
        opened = _response(drive, row, response)
        targets, added = worst_spikes(drive, row, sides[index])
        for line in range(lines):
            begin, end = drive.first[line], drive.first[line + 1]
            extra = added[:, 1][added[:, 0] == line]
            for tick in np.unique(np.concatenate((targets[begin:end], extra))):
                for slot in range(slots):
                    arrival = tick + drive.delays[slot]
                    if tick >= 0 and opened <= arrival <= row:
                        features[index, slot, line] += response[arrival]
    return features
