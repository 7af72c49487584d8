"""The worst perturbation of one row: what moves a neuron's potential at one tick farthest to the wrong side.

With the resets known, the potential at a tick is a sum over the input spikes, and `snnprog.robustness.drive` follows
what a spike in each bin contributes. So the worst case separates by line, and into groups of spikes whose windows
overlap: `snnprog.robustness.group` finds the best of each for each budget of missing and added spikes. At ticks outside
all windows of a line, spikes can only be added: there, the greatest contributions of all lines are the best. All are
then combined: a knapsack over the budgets. Weights that may change by a share of themselves do so to the wrong side:
rows of spikes see the least, rows of silences the greatest, because a unit that arrives never lowers the potential.
"""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.jit import compiled
from snnprog.robustness.drive import Drive, DriveMoment, advance, at_rest
from snnprog.robustness.group import NOWHERE, Room, best_places, clear, greatest, of_few, sweep, trace, trace_one


@compiled(nogil=True)
def _room(drive: Drive, moment: DriveMoment) -> Room:
    groups, states, places, longest = moment.groups, 0, 0, 0
    budgets, count = (drive.freedom[1] + 1, drive.freedom[2] + 1), groups.line.size
    for group in range(count):
        spikes = groups.spikes[group, 1] - groups.spikes[group, 0]
        size = groups.places[group, 1] - groups.places[group, 0]
        longest = max(longest, size)
        if spikes > 1:
            places, states = max(places, size), max(states, spikes)
    states = min(states, 2 * drive.freedom[0] + 1) + 1
    table, values = np.empty((places + 1, states, *budgets)), np.empty((states, *budgets))
    own, best = np.empty((count, *budgets)), np.full((count + 1, *budgets), NOWHERE)
    best[0, 0, 0] = 0.0
    return Room(np.empty(longest), np.empty(budgets[1]), table, values, np.empty(budgets), own, best)


@compiled(nogil=True)
def _combine(before: Floats, own: Floats, best: Floats) -> None:
    """Fill in the best of a group together with all before it, for each budget."""
    for missing in range(best.shape[0]):
        for extra in range(best.shape[1]):
            value = NOWHERE
            for a in range(missing + 1):
                for b in range(extra + 1):
                    value = max(value, before[missing - a, extra - b] + own[a, b])
            best[missing, extra] = value


@compiled(nogil=True)
def _is_perturbed(drive: Drive, line: int) -> bool:
    return bool(drive.is_free[line]) and drive.freedom[0] + drive.freedom[1] + drive.freedom[2] > 0


@compiled(nogil=True)
def _pool_of(moment: DriveMoment) -> int:
    """Return how many groups of the pool are followed: all, or before the shortest delay, none."""
    return min(moment.groups.pool, int(moment.counts[0]))


@compiled(nogil=True)
def _of_many(drive: Drive, moment: DriveMoment, at: int, side: int, room: Room) -> None:
    """Fill in the best of a group of several spikes, for each budget, and the table."""
    groups, group = moment.groups, moment.live[at]
    begin, end = groups.places[group, 0], groups.places[group, 1]
    first, last = groups.spikes[group, 0], groups.spikes[group, 1]
    sign, own_side = (1.0 if side else -1.0), min(side, moment.lags.shape[0] - 1)
    for place in range(begin, end):
        room.gains[place - begin] = sign * moment.potentials[own_side, place]
    sweep(drive.spikes[first:last], groups.ticks[begin:end], drive.freedom[0], room, room.own[at])


@compiled(nogil=True)
def _of_all(drive: Drive, moment: DriveMoment, side: int, room: Room) -> float:
    """Fill in the best of each group and of the first groups together; return the best of all.

    The pool counts as one group, the last of its own.
    """
    live, places, spikes, line_of = moment.live, moment.groups.places, moment.groups.spikes, moment.groups.line
    own, best, top, is_free = room.own, room.best, room.top, drive.is_free
    has_budget, count, pool = best.shape[1] * best.shape[2] > 1, moment.counts[0], _pool_of(moment)
    sign, potentials = (1.0 if side else -1.0), moment.potentials[min(side, moment.lags.shape[0] - 1)]
    if pool:
        of_few(potentials[: places[pool - 1, 1]], sign, top, 0, best[pool])
    for at in range(pool, count):
        group = live[at]
        first, last = places[group, 0], places[group, 1]
        number = spikes[group, 1] - spikes[group, 0]
        if number > 1:
            _of_many(drive, moment, at, side, room)
        elif has_budget and is_free[line_of[group]]:
            of_few(potentials[first:last], sign, top, 1, own[at])
        else:
            clear(own[at])
            own[at, 0, 0] = greatest(potentials[first:last], sign)
        if has_budget:
            _combine(best[at], own[at], best[at + 1])
        else:
            best[at + 1, 0, 0] = best[at, 0, 0] + own[at, 0, 0]
    missing, extra = _best_budget(best[count])
    return float(best[count, missing, extra])


@compiled(nogil=True)
def _best_budget(best: Floats) -> tuple[int, int]:
    """Return the first numbers of missing and added spikes with the greatest value."""
    missing = extra = 0
    for a in range(best.shape[0]):
        for b in range(best.shape[1]):
            if best[a, b] > best[missing, extra]:
                missing, extra = a, b
    return missing, extra


def worst_potentials(drive: Drive, rows: Int64s, sides: Int64s) -> Floats:
    """Return (rows,) the least (side 0) or greatest (side 1) of ``W · φ`` at each row's tick over all perturbations."""
    worst: Floats = _worst_potentials(drive, rows, sides, np.argsort(rows, kind="stable"))
    return worst


@compiled(nogil=True)
def _worst_potentials(drive: Drive, rows: Int64s, sides: Int64s, order: Int64s) -> Floats:
    moment = at_rest(drive)
    room, now = _room(drive, moment), -1
    worst = np.empty(rows.size)
    for index in order:
        while now < rows[index]:
            now += 1
            advance(drive, moment, now)
        worst[index] = (1.0 if sides[index] else -1.0) * _of_all(drive, moment, sides[index], room)
    return worst


@compiled(nogil=True)
def _share(before: Floats, own: Floats, value: float, budget: tuple[int, int]) -> tuple[int, int]:
    """Return the budget that one group takes of the whole."""
    for a in range(budget[0] + 1):
        for b in range(budget[1] + 1):
            if before[budget[0] - a, budget[1] - b] + own[a, b] == value:
                return a, b
    return 0, 0


@compiled(nogil=True)
def _worst_now(drive: Drive, moment: DriveMoment, side: int, room: Room) -> tuple[Int64s, Int64s]:
    """Return a perturbation of the worst case at a moment, as `worst_spikes`."""
    groups, count, pool, best = moment.groups, moment.counts[0], _pool_of(moment), room.best
    targets, added, n_added = drive.spikes.copy(), np.empty((drive.freedom[2], 2), np.int64), 0
    _of_all(drive, moment, side, room)
    sign, own_side = (1.0 if side else -1.0), min(side, moment.lags.shape[0] - 1)
    gains = np.empty(groups.ticks.size)
    for place in range(gains.size):
        gains[place] = sign * moment.potentials[own_side, place]
    missing, extra = _best_budget(best[count])
    for at in range(count - 1, pool - 1, -1):
        group = moment.live[at]
        line, first, last = groups.line[group], groups.spikes[group, 0], groups.spikes[group, 1]
        begin, end = groups.places[group, 0], groups.places[group, 1]
        if _is_perturbed(drive, line):
            a, b = _share(best[at], room.own[at], best[at + 1, missing, extra], (missing, extra))
            ticks = groups.ticks[begin:end]
            if last - first > 1:
                _of_many(drive, moment, at, side, room)
                moved, more = trace(drive.spikes[first:last], ticks, (drive.freedom[0], a, b), room)
            else:
                moved, more = trace_one(ticks, gains[begin:end], (a, b))
            for index in range(last - first):
                targets[first + index] = moved[index]
            for tick in more:
                added[n_added, 0], added[n_added, 1] = line, tick
                n_added += 1
            missing, extra = missing - a, extra - b
    if pool and extra:
        for place in best_places(gains[: groups.places[pool - 1, 1]], extra):
            if gains[place] > 0.0:
                added[n_added, 0], added[n_added, 1] = groups.line[place // drive.is_cleared.size], groups.ticks[place]
                n_added += 1
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
    moment = at_rest(drive)
    for tick in range(row + 1):
        advance(drive, moment, tick)
    return _worst_now(drive, moment, side, _room(drive, moment))


@compiled(nogil=True)
def _response(drive: Drive, row: int, response: Floats) -> int:
    """Fill in what a unit arriving at each tick adds to the potential at a row; return the first that adds any."""
    alpha, gamma, gain = drive.shares[0], drive.shares[1], drive.shares[2]
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


@compiled(nogil=True)
def _ticks_of(line: int, moved: Int64s, added: Int64s, heard: Int64s) -> Int64s:
    """Return the ticks of a line's spikes, ascending, in an array that is large enough; -1 for those missing."""
    count = 0
    for tick in moved:
        count = _insert(heard, count, tick)
    for index in range(len(added)):
        if added[index, 0] == line:
            count = _insert(heard, count, added[index, 1])
    return heard[:count]


@compiled(nogil=True)
def _insert(values: Int64s, count: int, value: int) -> int:
    """Insert a value among the first ones, which ascend; return how many they are then."""
    place = count
    while place > 0 and values[place - 1] > value:
        values[place] = values[place - 1]
        place -= 1
    values[place] = value
    return count + 1


def worst_features(drive: Drive, rows: Int64s, sides: Int64s) -> Floats:
    """Return (rows, delays, lines) what each weight contributes to the potential in each row's worst case."""
    features: Floats = _worst_features(drive, rows, sides, np.argsort(rows, kind="stable"))
    return features


@compiled(nogil=True)
def _worst_features(drive: Drive, rows: Int64s, sides: Int64s, order: Int64s) -> Floats:
    slots, now = drive.delays.size, -1
    moment, response = at_rest(drive), np.empty(drive.is_cleared.size)
    room, features = _room(drive, moment), np.zeros((rows.size, slots, drive.is_free.size))
    heard = np.empty(drive.spikes.size + drive.freedom[2], np.int64)
    for index in order:
        row = rows[index]
        while now < row:
            now += 1
            advance(drive, moment, now)
        opened = _response(drive, row, response)
        targets, added = _worst_now(drive, moment, sides[index], room)
        for line in range(drive.is_free.size):
            last = -1
            for tick in _ticks_of(line, targets[drive.first[line] : drive.first[line + 1]], added, heard):
                if tick <= last:
                    continue
                last = tick
                for slot in range(slots):
                    arrival = tick + drive.delays[slot]
                    if opened <= arrival <= row:
                        features[index, slot, line] += response[arrival]
    return features
