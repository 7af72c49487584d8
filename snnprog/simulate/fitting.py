"""Fitting of one neuron's integers by running it: a compiled local search under the chip's own rule.

Each move changes one unknown, or moves an amount from one weight to another, and the neuron is run again under the
chip's rule, with truncation and clipping. The search minimises the *shortfall*: the sum, over the ticks with a
target, of the units by which the potential is on the wrong side of the threshold, and of the excess of states over
the range in which all runtimes agree. At ticks with a target, the neuron is forced to follow it, so that one
wrong tick does not affect the next ones; elsewhere it runs freely. So a neuron with a shortfall of 0 is exact.

A move is accepted if the shortfall is then at most the current one, or that of some moves ago (late acceptance: Burke
and Bykov, European Journal of Operational Research 258, 2017). All numbers are integers, including the random generator
(`snnprog.simulate.moves`), so the result is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from snnprog.arrays import Int64s, UInt64s
from snnprog.jit import address_of, called
from snnprog.rules.compiled import generated
from snnprog.rules.linear import SUBTRACT
from snnprog.rules.neuron import FREE, RunArrays, neuron_source, parameter_names
from snnprog.rules.operations import operation
from snnprog.rules.rule import Rule
from snnprog.simulate import openings as windows
from snnprog.simulate import shortfall as wrong
from snnprog.simulate.moves import Movable, apply, count_up, draw, install
from snnprog.simulate.neuron import NeuronSimulator
from snnprog.simulate.openings import Openings, begin, no_openings
from snnprog.simulate.shortfall import IMPORTS, LOOK, MORE, Requirements, beyond, next_threshold

MOVE_COST = 200
"""What a move takes beside its run, in ticks and events: .9 us, where each of these takes some 4 ns (measured with 16
to 100 ticks, with and without windows)."""

FOUND, NONE_LEFT, OPEN = range(3)
"""Results of a sweep: exact values found, none among the values tried, or not all were tried."""


@operation
def _run(code: np.uint64, run: RunArrays, required: Requirements, total: Int64s, allowed: np.int64 | int) -> int:
    """Run the neuron until its shortfall exceeds the allowed one; return the shortfall."""
    run.watched[:] = -1
    total[0] = 0
    begin(required.openings, required.at, run.given)
    called(code, run, required, allowed, total)
    return int(total[0] + beyond(required, run.watched))


@operation
def _fit(
    code: np.uint64,
    run: RunArrays,
    required: Requirements,
    unknowns: Movable,
    values: Int64s,
    late: Int64s,
    steps: int,
    state: UInt64s,
    work: tuple[Int64s, Int64s],
) -> int:
    """See `Fitter.fit`."""
    total, move = work
    install(unknowns, values, run.weight, run.parameters)
    now = _run(code, run, required, total, np.int64(np.iinfo(np.int64).max))
    late[:] = now
    for step in range(steps):
        if now == 0:
            break
        if not draw(unknowns, values, move, state):
            continue
        apply(unknowns, values, move, 1, run.weight, run.parameters)
        place = step % late.size
        allowed = max(now, late[place])
        then = _run(code, run, required, total, allowed)
        if then <= allowed:
            now = then
        else:
            apply(unknowns, values, move, -1, run.weight, run.parameters)
        late[place] = min(late[place], now)
    return now


@operation
def _sweep(
    code: np.uint64,
    run: RunArrays,
    required: Requirements,
    unknowns: Movable,
    values: Int64s,
    ranges: tuple[Int64s, Int64s],
    place: int,
    runs: int,
    work: tuple[Int64s, Int64s],
) -> int:
    """See `Fitter.sweep`."""
    lower, upper = ranges
    parameters, total = run.parameters, work[0]
    while runs > 0:
        install(unknowns, values, run.weight, parameters)
        low, high = parameters[required.threshold], parameters[required.threshold]
        if place < values.size:
            low, high = lower[place], upper[place]
        threshold = low
        while low <= high:
            parameters[required.threshold] = threshold
            runs -= 1
            if _run(code, run, required, total, np.int64(0)) == 0:
                if place < values.size:
                    values[place] = threshold
                return FOUND
            low, high, threshold = next_threshold(run, required, (low, high, threshold), total)
        if not count_up(unknowns, values, lower, upper, place):
            return NONE_LEFT
    return OPEN


@lru_cache(maxsize=64)
def _compiled(rule: Rule) -> Callable[..., np.uint64]:
    """Return the run of a neuron that adds up its shortfall."""
    text = neuron_source(rule, more=MORE, look=LOOK)
    run: Callable[..., np.uint64] = generated(IMPORTS + text, (wrong, windows)).run
    return run


class Fitter:
    """Fits the integers of one neuron.

    Parameters
    ----------
    simulator : NeuronSimulator
        The rule, and what reaches the neuron.
    required : (ticks,) int
        1 for a target spike, -1 for silence, 0 for a don't-care bin, 2 if only the noise must be tolerated.
    noise : int
        In units of the potential.
    unknowns : Movable
    parameters : mapping of str to int
        The known parameters.
    openings : Openings, optional
        The windows of target spikes, which replace ``required``.
    """

    def __init__(
        self,
        simulator: NeuronSimulator,
        required: Int64s,
        *,
        noise: int,
        unknowns: Movable,
        parameters: dict[str, int],
        openings: Openings | None = None,
    ) -> None:
        rule, names = simulator.rule, parameter_names(simulator.rule)
        first, tap = simulator.events
        openings = no_openings(required.size) if openings is None else openings
        given = np.where(required == 1, 1, np.where(required == -1, 0, FREE))
        self.required = Requirements(
            at=required,
            threshold=names.index("threshold"),
            unit=rule.unit,
            above=int(not rule.is_equal_a_spike),
            noise=noise,
            is_subtracted=simulator.mapping.linear.reset == SUBTRACT,
            is_free=bool((given == FREE).any() or openings.last.size),
            most=int(simulator.looks_after_resets),
            limits=np.array([watch.limit for watch in rule.watched], np.int64),
            openings=openings,
        )
        known = {**simulator.given, **parameters}
        self.unknowns = unknowns
        self._run = RunArrays(
            first=first,
            tap=tap,
            weight=np.zeros(simulator.mapping.n_taps, np.int64),
            ends=simulator.ends,
            given=given,
            parameters=np.array([known[name] for name in names], np.int64),
            found=np.zeros((3, required.size), np.int64),
            watched=np.zeros((len(rule.watched) + 1, 2), np.int64),
        )
        self._work = np.zeros(2, np.int64), np.zeros(4, np.int64)
        self._code = address_of(_compiled(rule), (self._run, self.required, 0, self._work[0]))

    @property
    def cost(self) -> int:
        """The cost of one move: ticks and events of a run, and what drawing and applying a move takes besides."""
        return int(self.required.at.size + self._run.tap.size) + MOVE_COST

    def fit(self, values: Int64s, *, steps: int, memory: int, seed: int) -> int:
        """Move ``values`` in place; return the final shortfall.

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
        late, state = np.zeros(memory, np.int64), np.array([seed], np.uint64)
        arguments = self._run, self.required, self.unknowns, values
        return int(_fit(self._code, *arguments, late, steps, state, self._work))

    def sweep(self, values: Int64s, ranges: tuple[Int64s, Int64s], *, threshold: int, runs: int) -> int:
        """Try all values within ranges, starting from ``values``, in place; return `FOUND`, `NONE_LEFT` or `OPEN`.

        Parameters
        ----------
        ranges : pair of (unknowns,) int
            The ranges of the unknowns.
        threshold : int
            Index of the unknown threshold; the number of unknowns if it is known.
        runs : int
            Maximum number of runs.
        """
        arguments = self._run, self.required, self.unknowns, values
        return int(_sweep(self._code, *arguments, ranges, threshold, runs, self._work))
