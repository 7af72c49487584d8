"""Local search for one neuron's integers with the cheapest wrong bins, under the chip's own rule: compiled.

The neuron runs freely, with the resets of its own spikes. Each bin that counts and is wrong has a cost. A move changes
one unknown, or two in opposite directions: mostly the weight of a spike that arrived shortly before a wrong bin, in the
direction that mends this bin, by a random amount. Then the neuron is run again, until its cost exceeds the one that is
allowed. A move is accepted if it costs at most as much as now, or as some moves ago (late acceptance: Burke and Bykov,
European Journal of Operational Research 258, 2017); among equal costs, by how far wrong bins are from the threshold.

Where arriving weights are simply added up, what arrives at each tick is kept, and a move changes it where the tap has
spikes: so a run costs its ticks, whatever the number of synapses. Elsewhere the neuron is run spike by spike.

All draws are integers (`snnprog.simulate.moves`), and costs are added up in the order of ticks, so the result is the
same on every machine.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster, UInt64s
from snnprog.jit import address_of, called
from snnprog.rules.compiled import generated
from snnprog.rules.neuron import FREE, RunArrays, neuron_source, parameter_names
from snnprog.rules.operations import operation
from snnprog.rules.rule import Rule
from snnprog.simulate.moves import Movable, random_below, synapses_of
from snnprog.simulate.neuron import NeuronSimulator

MORE = ", demands, allowed, total"
LOOK = (
    "add_up(demands, tick, found, parameters[demands.threshold] * demands.unit, total)",
    "if total[0] > allowed:",
    "    return np.uint64(0)",
)
IMPORTS = """
from snnprog.simulate.descent import add_up
"""

LONGEST_SPAN = 7
"""Spikes that arrived in the last 1, 2, 4, … 64 ticks before a wrong bin are moved: 64 covers the delays of Loihi. Half
and twice as many changed the costs of the retina's impossible outputs by 2 %."""
OFFSETS = 16
"""One move in so many changes the threshold or a bias. Insensitive within × 3."""


class BinCosts(NamedTuple):
    """What a wrong bin costs.

    Attributes
    ----------
    cost : (ticks,) float
        The cost of each bin if it is wrong; 0 where it does not count.
    due : (ticks,) bool
        Where a spike is due.
    begin : (ticks,) int
        The first tick of each tick's pattern.
    threshold : int
        Index of the threshold among the parameters.
    unit : int
        One unit of the threshold in units of the potential.
    limits : (watches,) int
        Limits of the watched values.
    enough : float
        The search ends at this cost.
    """

    cost: Floats
    due: Raster
    begin: Int64s
    threshold: int
    unit: int
    limits: Int64s
    enough: float


class TapEntries(NamedTuple):
    """Which entries of the run's weights belong to each unknown weight, and which weights act at each tick.

    Attributes
    ----------
    entry_first, entry : (weights + 1,) int and (entries,) int
        The entries of weight j are ``entry[entry_first[j]:entry_first[j + 1]]``.
    tick_first, unknown : (ticks + 1,) int and (arrivals,) int
        The unknown weights whose spikes arrive at tick k are ``unknown[tick_first[k]:tick_first[k + 1]]``.
    """

    entry_first: Int64s
    entry: Int64s
    tick_first: Int64s
    unknown: Int64s


@operation
def add_up(demands: BinCosts, tick: int, found: Int64s, limit: int, total: Floats) -> None:
    """Add the cost of a tick that was run, and its distance from the threshold, if it is wrong."""
    if demands.cost[tick] > 0.0 and (found[0, tick] > 0) != demands.due[tick]:
        total[0] += demands.cost[tick]
        total[1] += abs(found[1, tick] - limit) + 1.0


@operation
def change(unknowns: Movable, arrivals: TapEntries, index: int, by: int, weight: Int64s, parameters: Int64s) -> None:
    """Add a number of steps to one unknown in the inputs of the run; parameters start from 0."""
    amount = by * unknowns.factor[index]
    if index < unknowns.weights:
        for position in range(arrivals.entry_first[index], arrivals.entry_first[index + 1]):
            weight[arrivals.entry[position]] += amount
    else:
        parameters[unknowns.place[index]] += amount


@operation
def is_better(cost: float, short: float, than: float, than_short: float) -> bool:
    """Return whether a cost, and among equal ones a distance, is at most another."""
    return cost < than or (cost == than and short <= than_short)


@operation
def is_portable(demands: BinCosts, watched: Int64s) -> bool:
    """Return whether no watched value left the range in which all runtimes agree."""
    return demands.limits.size == 0 or watched[: demands.limits.size, 0].max() < 0


@operation
def wrong_of(demands: BinCosts, found: Int64s, wrong: Int64s) -> int:
    """Write the wrong ticks of a run; return their number."""
    count = 0
    for tick in range(demands.due.size):
        if demands.cost[tick] > 0.0 and (found[0, tick] > 0) != demands.due[tick]:
            wrong[count] = tick
            count += 1
    return count


@operation
def draw(
    unknowns: Movable,
    arrivals: TapEntries,
    demands: BinCosts,
    values: Int64s,
    wrong: Int64s,
    count: int,
    move: Int64s,
    state: UInt64s,
) -> bool:
    """Draw a move: (unknown, by how much, another or -1, by how much); return whether it stays within the ranges."""
    move[2] = -1
    tick = wrong[random_below(state, count)]
    sign = 1 if demands.due[tick] else -1
    offsets = values.size - unknowns.weights
    if offsets and (unknowns.weights == 0 or random_below(state, OFFSETS) == 0):
        index = unknowns.weights + random_below(state, offsets)
        length = 1 + random_below(state, 1 << random_below(state, unknowns.bits[index] + 1))
        move[0], move[1] = index, length if random_below(state, 2) else -length
        return bool(unknowns.lower[index] <= values[index] + move[1] <= unknowns.upper[index])
    if unknowns.weights == 0:
        return False
    span = 1 << random_below(state, LONGEST_SPAN)
    first = arrivals.tick_first[max(demands.begin[tick], tick - span + 1)]
    last = arrivals.tick_first[tick + 1]
    if first < last:
        index = arrivals.unknown[first + random_below(state, last - first)]
    else:
        index = random_below(state, unknowns.weights)
    if unknowns.step > 1:
        length = unknowns.step
    else:
        length = 1 + random_below(state, 1 << random_below(state, unknowns.bits[index] + 1))
    move[0], move[1] = index, sign * length
    after = values[index] + move[1]
    if not unknowns.lower[index] <= after <= unknowns.upper[index]:
        return False
    is_limited = unknowns.synapses < unknowns.weights
    if is_limited and values[index] == 0 and synapses_of(unknowns, values) >= unknowns.synapses:
        other = random_below(state, unknowns.weights)
        if values[other] == 0 or not unknowns.lower[other] <= 0 <= unknowns.upper[other]:
            return False
        move[2], move[3] = other, -values[other]
    elif random_below(state, 2):
        other = random_below(state, unknowns.weights)
        back = values[other] - sign * length
        is_crowded = is_limited and values[other] == 0
        if other != index and unknowns.lower[other] <= back <= unknowns.upper[other] and not is_crowded:
            move[2], move[3] = other, -sign * length
    return True


@operation
def _run(code: np.uint64, run: RunArrays, demands: BinCosts, total: Floats, allowed: float) -> None:
    """Run the neuron until its cost exceeds the allowed one; write cost and distance from the threshold."""
    run.watched[:], total[:] = -1, 0.0
    called(code, run, demands, allowed, total)


@operation
def _descend(
    code: np.uint64,
    run: RunArrays,
    arrivals: TapEntries,
    demands: BinCosts,
    unknowns: Movable,
    values: Int64s,
    late: Floats,
    steps: int,
    state: UInt64s,
    work: tuple[Floats, Int64s, Int64s, Int64s],
) -> float:
    """See `Descent.run`."""
    total, move, wrong, best = work
    run.weight[:] = 0
    for index in range(values.size):
        change(unknowns, arrivals, index, values[index], run.weight, run.parameters)
    _run(code, run, demands, total, np.inf)
    if not is_portable(demands, run.watched):
        return np.inf
    cost, short = total[0], total[1]
    count = wrong_of(demands, run.found, wrong)
    late[0, :], late[1, :] = cost, short
    best[:], least = values, cost
    for step in range(steps):
        if least <= demands.enough:
            break
        if not draw(unknowns, arrivals, demands, values, wrong, count, move, state):
            continue
        for part in range(2):
            if move[2 * part] >= 0:
                values[move[2 * part]] += move[2 * part + 1]
                change(unknowns, arrivals, move[2 * part], move[2 * part + 1], run.weight, run.parameters)
        place = step % late.shape[1]
        _run(code, run, demands, total, max(cost, late[0, place]))
        is_accepted = is_better(total[0], total[1], cost, short) or is_better(
            total[0], total[1], late[0, place], late[1, place]
        )
        if is_accepted and is_portable(demands, run.watched):
            cost, short = total[0], total[1]
            count = wrong_of(demands, run.found, wrong)
            if cost < least:
                best[:], least = values, cost
        else:
            for part in range(2):
                if move[2 * part] >= 0:
                    values[move[2 * part]] -= move[2 * part + 1]
                    change(unknowns, arrivals, move[2 * part], -move[2 * part + 1], run.weight, run.parameters)
        if is_better(cost, short, late[0, place], late[1, place]):
            late[0, place], late[1, place] = cost, short
    values[:] = best
    return float(least)


@lru_cache(maxsize=64)
def _compiled(rule: Rule) -> Callable[..., np.uint64]:
    """Return the run of a neuron that adds up its cost."""
    text = neuron_source(rule, more=MORE, look=LOOK)
    run: Callable[..., np.uint64] = generated(IMPORTS + text, (sys.modules[__name__],)).run
    return run


class Descent:
    """The local search for one neuron.

    Parameters
    ----------
    simulator : NeuronSimulator
        The rule, and what reaches the neuron.
    due : (ticks,) bool
        Where spikes are due.
    costs : (ticks,) float
        The cost of each bin if it is wrong.
    unknowns : Movable
    parameters : mapping of str to int
        The known parameters.
    enough : float
        The search ends at this cost.
    """

    def __init__(
        self,
        simulator: NeuronSimulator,
        due: Raster,
        costs: Floats,
        *,
        unknowns: Movable,
        parameters: dict[str, int],
        enough: float = 0.0,
    ) -> None:
        rule, names, ticks = simulator.rule, parameter_names(simulator.rule), due.size
        starts = simulator.mapping.played.starts
        self.demands = BinCosts(
            cost=costs,
            due=due,
            begin=starts[simulator.mapping.played.pattern],
            threshold=names.index("threshold"),
            unit=rule.unit,
            limits=np.array([watch.limit for watch in rule.watched], np.int64),
            enough=enough,
        )
        self._arrivals = _arrivals(simulator, unknowns)
        first, tap = simulator.events
        if rule.is_sum:
            first, tap = np.arange(ticks + 1), np.arange(ticks)
        self._events, self._ends = (first, tap), simulator.ends
        known = {**simulator.given, **parameters}
        self.unknowns, self._run = unknowns, _compiled(rule)
        self._parameters = np.array([known.get(name, 0) for name in names], np.int64)
        self._entries = ticks if rule.is_sum else simulator.mapping.n_taps

    @property
    def cost(self) -> int:
        """The work of one move: ticks and events of a run, and the entries that a weight has."""
        entries = self._arrivals.entry.size // max(self.unknowns.weights, 1)
        return int(self.demands.due.size + self._events[1].size + entries)

    def run(self, values: Int64s, *, steps: int, memory: int, seed: int) -> float:
        """Move ``values`` in place to the cheapest that are found; return their cost: infinity if they overrun a limit.

        Parameters
        ----------
        values : (unknowns,) int
        steps : int
            Maximum number of moves.
        memory : int
            Number of moves back for late acceptance.
        seed : int
            Seed of the moves, at least 1.
        """
        ticks = self.demands.due.size
        run = RunArrays(
            *self._events,
            weight=np.zeros(self._entries, np.int64),
            ends=self._ends,
            given=np.full(ticks, FREE, np.int64),
            parameters=self._parameters.copy(),
            found=np.zeros((3, ticks), np.int64),
            watched=np.zeros((self.demands.limits.size + 1, 2), np.int64),
        )
        work = np.zeros(2), np.zeros(4, np.int64), np.zeros(ticks, np.int64), values.copy()
        late, state = np.zeros((2, memory)), np.array([seed], np.uint64)
        code = address_of(self._run, (run, self.demands, 0.0, work[0]))
        arguments = self._arrivals, self.demands, self.unknowns, values
        return float(_descend(code, run, *arguments, late, steps, state, work))


def _arrivals(simulator: NeuronSimulator, unknowns: Movable) -> TapEntries:
    first, tap = simulator.events
    number = np.full(simulator.mapping.n_taps, -1, np.int64)
    number[unknowns.place[: unknowns.weights]] = np.arange(unknowns.weights)
    tick, unknown = np.repeat(np.arange(first.size - 1), np.diff(first)), number[tap]
    tick, unknown = tick[unknown >= 0], unknown[unknown >= 0]
    tick_first = np.searchsorted(tick, np.arange(first.size))
    if not simulator.rule.is_sum:
        each = np.arange(unknowns.weights + 1)
        return TapEntries(each, unknowns.place[: unknowns.weights].copy(), tick_first, unknown)
    by_unknown = np.argsort(unknown, kind="stable")
    entry_first = np.searchsorted(unknown[by_unknown], np.arange(unknowns.weights + 1))
    return TapEntries(entry_first, tick[by_unknown], tick_first, unknown)
