"""What drives a neuron, tick by tick: what a spike in each bin adds to its potential.

A spike of line l at tick t is followed as if it were alone: its current and its potential obey the recurrence of the
neuron, one step per tick. So the contributions of all bins to the potential of one tick follow from those of the tick
before, whatever the number of delays. Only bins in which a spike may be are followed, as long as they contribute.

The compiled functions of this folder have loops in place of sorts, selections, and assignments of arrays to slices.
Numba takes .5 to 2.5 s to compile one of these: with them, the first robust design of a machine began 25 s later.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.jit import compiled

NEGLIGIBLE = 1e-13
"""A spike is dropped once it has arrived over all delays and contributes less than this, in LSBs: the sum of a million
such contributions is below the error of floats (`snnprog.robustness.setting.FLOAT_SLACK`)."""


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


class SpikeGroups(NamedTuple):
    """The bins in which spikes may be, in groups that share nothing but the budgets.

    A group is a spike that is not perturbed, or spikes of a line whose windows overlap one after another. It has one
    place for each tick from its first to its last. Before all these, which are in the order of their first ticks, comes
    the pool: one group without spikes for each line to which spikes may be added, with a place for each tick.

    Attributes
    ----------
    line : (groups,) int
    spikes : (groups, 2) int
        The first of its spikes, and the one after the last.
    places : (groups, 2) int
        The first of its places, and the one after the last.
    ticks : (places,) int
        The tick of each place, ascending in each group.
    shares : (places,) float
        1, or 0 for places of the pool that another group has as well.
    pool : int
        The number of groups of the pool.
    """

    line: Int64s
    spikes: Int64s
    places: Int64s
    ticks: Int64s
    shares: Floats
    pool: int


class DriveMoment(NamedTuple):
    """What each place contributes at one tick.

    Attributes
    ----------
    groups : SpikeGroups
    lags : (sides, lines, longest delay + 1) float
        The effect of a spike after each number of ticks, the longest delay first; one side if both are alike.
    currents, potentials : (sides, places) float
    begun : (groups,) int
        The first place of each group that is still followed.
    live : (groups,) int
        The groups that are followed; those of the pool are always the first ones.
    counts : (2,) int
        How many these are, and the next group to come.
    """

    groups: SpikeGroups
    lags: Floats
    currents: Floats
    potentials: Floats
    begun: Int64s
    live: Int64s
    counts: Int64s


@compiled(nogil=True)
def groups_of(drive: Drive) -> SpikeGroups:
    """Return the groups of a drive."""
    ticks, is_free, spikes_at, freedom = drive.is_cleared.size, drive.is_free, drive.spikes, drive.freedom
    jitter, missing, extra = freedom[0], freedom[1], freedom[2]
    in_pool, pool = np.zeros(is_free.size, np.int64), 0
    for line in range(is_free.size):
        if is_free[line] and extra > 0:
            in_pool[line] = pool
            pool += 1
    count, filled = pool + spikes_at.size, pool * ticks
    line_of, spikes, places = np.zeros(count, np.int64), np.zeros((count, 2), np.int64), np.zeros((count, 2), np.int64)
    at = np.empty(filled + spikes_at.size * min(2 * jitter + 1, ticks), np.int64)
    shares, count = np.ones(at.size), pool
    for line in range(is_free.size):
        begin, end = drive.first[line], drive.first[line + 1]
        is_moved = is_free[line] and jitter + missing + extra > 0
        moves, own = (jitter if is_moved else 0), in_pool[line]
        if is_free[line] and extra > 0:
            line_of[own], places[own, 0], places[own, 1] = line, own * ticks, (own + 1) * ticks
            for tick in range(ticks):
                at[own * ticks + tick] = tick
        while begin < end:
            stop = begin + 1
            while is_moved and stop < end and spikes_at[stop] - moves <= spikes_at[stop - 1] + moves:
                stop += 1
            line_of[count], spikes[count, 0], spikes[count, 1], places[count, 0] = line, begin, stop, filled
            for tick in range(max(0, spikes_at[begin] - moves), min(ticks - 1, spikes_at[stop - 1] + moves) + 1):
                at[filled] = tick
                filled += 1
                if is_moved and extra > 0:
                    shares[own * ticks + tick] = 0.0
            places[count, 1] = filled
            count, begin = count + 1, stop
    return _ordered(SpikeGroups(line_of[:count], spikes, places, at[:filled], shares[:filled], pool), ticks)


@compiled(nogil=True)
def _ordered(groups: SpikeGroups, ticks: int) -> SpikeGroups:
    """Return groups with those behind the pool in the order of their first ticks, by counting."""
    count, pool = groups.line.size, groups.pool
    before = np.zeros(ticks + 1, np.int64)
    for group in range(pool, count):
        before[groups.ticks[groups.places[group, 0]] + 1] += 1
    for tick in range(ticks):
        before[tick + 1] += before[tick]
    line_of, spikes, places = np.empty(count, np.int64), np.empty((count, 2), np.int64), np.empty((count, 2), np.int64)
    for group in range(count):
        to = group
        if group >= pool:
            tick = groups.ticks[groups.places[group, 0]]
            to = pool + before[tick]
            before[tick] += 1
        line_of[to] = groups.line[group]
        for end in range(2):
            spikes[to, end], places[to, end] = groups.spikes[group, end], groups.places[group, end]
    return SpikeGroups(line_of, spikes, places, groups.ticks, groups.shares, pool)


@compiled(nogil=True)
def _differ(one: Floats, other: Floats) -> bool:
    for line in range(one.shape[0]):
        for slot in range(one.shape[1]):
            if one[line, slot] != other[line, slot]:
                return True
    return False


@compiled(nogil=True)
def at_rest(drive: Drive) -> DriveMoment:
    """Return the moment before the first tick."""
    groups, delays = groups_of(drive), drive.delays
    sides, longest = (2 if _differ(drive.weights[0], drive.weights[1]) else 1), delays[delays.size - 1]
    lags = np.zeros((sides, drive.is_free.size, longest + 1))
    for side in range(sides):
        for line in range(drive.is_free.size):
            for slot in range(delays.size):
                lags[side, line, longest - delays[slot]] = drive.shares[2] * drive.weights[side, line, slot]
    currents, potentials = np.zeros((sides, groups.ticks.size)), np.zeros((sides, groups.ticks.size))
    begun, live, counts = (
        np.empty(groups.line.size, np.int64),
        np.empty(groups.line.size, np.int64),
        np.zeros(2, np.int64),
    )
    for group in range(begun.size):
        begun[group] = groups.places[group, 0]
    return DriveMoment(groups, lags, currents, potentials, begun, live, counts)


@compiled(nogil=True)
def advance(drive: Drive, moment: DriveMoment, tick: int) -> None:
    """Go on to a tick from the one before, in place.

    All is in one function, and arrays are taken out of the loops: each call and each array of a tuple takes as long as
    several places.
    """
    groups, sides = moment.groups, moment.lags.shape[0]
    line_of, places, ticks, shares = groups.line, groups.places, groups.ticks, groups.shares
    lags, currents, potentials = moment.lags, moment.currents, moment.potentials
    begun, live, shortest, longest = moment.begun, moment.live, drive.delays[0], drive.delays[drive.delays.size - 1]
    alpha, gamma = drive.shares[0], drive.shares[1]
    kept = 0.0 if tick > 0 and drive.is_cleared[tick - 1] else gamma
    count, coming = moment.counts[0], moment.counts[1]
    while coming < line_of.size and ticks[places[coming, 0]] + shortest <= tick:
        live[count] = coming
        count, coming = count + 1, coming + 1
    left = 0
    for index in range(count):
        group = live[index]
        line, begin, end = line_of[group], begun[group], places[group, 1]
        stop = min(end, begin + tick - shortest - ticks[begin] + 1)  # later places cannot contribute yet
        recent = min(stop, max(begin, begin + tick - longest - ticks[begin]))
        offset = longest - tick + ticks[begin] - begin
        for side in range(sides):
            for place in range(begin, recent):
                current = alpha * currents[side, place]
                currents[side, place] = current
                potentials[side, place] = kept * potentials[side, place] + current
            for place in range(recent, stop):
                current = alpha * currents[side, place] + shares[place] * lags[side, line, offset + place]
                currents[side, place] = current
                potentials[side, place] = kept * potentials[side, place] + current
        while begin < recent:
            size = 0.0
            for side in range(sides):
                size += abs(currents[side, begin]) + abs(potentials[side, begin])
            if size > NEGLIGIBLE:
                break
            for side in range(sides):
                currents[side, begin] = potentials[side, begin] = 0.0
            begin += 1
        begun[group] = begin
        if begin < end:
            live[left] = group
            left += 1
    moment.counts[0], moment.counts[1] = left, coming
