"""Integers fitted by running them, for neurons that no rounding of real weights makes exact.

Real weights know nothing of what decays truncate, of where registers end, or of what a neuron does by itself in bins
that do not count. So the integers are moved while the chip's own rule runs them (`snnprog.simulate.fitting`), at one
exponent after another, from several starts, again and again and with more patience, until the neuron is exact or the
work allowed is done. Whether there are any, it cannot tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.integers.integer_problem import IntegerProblem
from snnprog.integers.rounding import FITTED, IntegerNeuron
from snnprog.potential import PotentialMap
from snnprog.rounding import half_even_integer
from snnprog.rules.neuron import parameter_names
from snnprog.simulate.fitting import FOUND, NONE_LEFT, OPEN, Fitter
from snnprog.simulate.moves import Movable
from snnprog.simulate.openings import Openings, openings_of
from snnprog.solver import check_time
from snnprog.spec.options import NO_WINDOW

# How many moves back a neuron may have been as bad, in one round after another, and how many times as many moves are
# tried with that. Most fits that succeed do so within some thousands of moves, so starting again finds more than going
# on: of 96 fits of 3 neurons, 69 succeeded, and 53 with the same work in one round each of 20, 100, 500 and 2000 with
# twice as many moves.
MEMORIES, MOVES_PER_MEMORY = (20, 20, 100, 20, 20, 100, 500, 2000), 200
# Small weights, of which all are tried as long as they are no more choices than runs are allowed: .3 µs each.
SMALL_WEIGHTS, FEW_RUNS, MANY_RUNS = (1, 2, 3, 4, 6, 8, 16, 32, 64, 128, 255), 100_000, 4_000_000
# The threshold of some starts, in steps of a weight. From the least threshold, weights of 0 are hard to leave: any one
# weight adds more than it mends. Of five neurons of specs whose circuit was known, one was found from there within 4e8
# ticks and events; from 64, all were within 2e8. 16 and 255 found all five, too.
RAISED = 64
# Runs between two looks at the clock: some 50 ms.
RUNS_AT_ONCE = 100_000
# Ticks and events that are run between two looks at the clock: some 50 ms.
AT_ONCE = 2_000_000


@dataclass(frozen=True, eq=False)
class Wanted:
    """The targets of a neuron.

    Attributes
    ----------
    counts : (ticks played,) bool
        Where it must do what its problem's raster says; elsewhere it runs freely.
    relevant : (ticks played,) bool
        Where noise must be survived, if any.
    window : (int, int)
        How many ticks before and after its own each spike of the raster may fall.
    synapses : int or None
        Maximum number of weights other than 0; any number, by default.
    """

    counts: Raster
    relevant: Raster
    window: tuple[int, int] = NO_WINDOW
    synapses: int | None = None

    def at(self, spikes: Raster, *, is_noisy: bool) -> Int64s:
        """Return the target of each tick, in the form for `Fitter`."""
        target = np.where(spikes, 1, -1)
        return np.where(self.counts, target, np.where(self.relevant & is_noisy, 2, 0)).astype(np.int64)

    def openings(self, spikes: Raster, mapping: PotentialMap, *, is_noisy: bool) -> Openings | None:
        """Return the windows of target spikes (ticks played,), if they have any."""
        if self.window == NO_WINDOW:
            return None
        return openings_of(
            spikes,
            self.counts,
            starts=mapping.played.starts,
            window=self.window,
            refractory=mapping.linear.refractory,
            elsewhere=2 if is_noisy else 0,
        )


@dataclass(frozen=True, eq=False)
class _FitStart:
    fitter: Fitter
    problem: IntegerProblem
    values: Int64s


def fitted(
    problems: Sequence[IntegerProblem],
    wanted: Wanted,
    *,
    starts: Sequence[tuple[IntegerProblem, Int64s]] = (),
    work: float,
    seed: tuple[int, ...],
) -> IntegerNeuron | None:
    """Return an exact neuron, or None if none was found.

    Parameters
    ----------
    problems : sequence of IntegerProblem
        The neuron's at the exponents that are tried, the finest first; where only proportions count, it has what all
        have. None if only the starts are tried.
    wanted : Wanted
    starts : sequence of (IntegerProblem, (unknowns,) int)
        Unknowns from which to start, beside weights of 0 with a high and with the least threshold.
    work : float
        Ticks and events that may be run.
    seed : tuple of int
        Of the moves.

    Raises
    ------
    UndecidedError
        If the time that `until` allows runs out.
    """
    grids = problems[:1] if any(each.problem.box.is_scale_free for each in problems) else problems
    zeros = [(each, _raised(each)) for each in grids] + [(each, _origin(each)) for each in grids[:1]]
    others = [(each, values) for each, values in starts if _has_weights(each, values)]
    begun = [_begun(problem, wanted, values) for problem, values in _distinct([*others, *zeros])]
    for start in begun:
        if start.fitter.fit(start.values.copy(), steps=0, memory=1, seed=1) == 0:
            return _neuron(start.problem, start.values, wanted)
    generator = np.random.default_rng([*seed, len(begun)])
    for memory in MEMORIES:
        for start in begun:
            moves, values = memory * MOVES_PER_MEMORY, start.values.copy()
            while moves > 0:
                check_time()
                if work <= 0.0:
                    return None
                at_once = int(min(AT_ONCE, work)) // start.fitter.cost
                steps = min(moves, max(at_once, memory))
                short = start.fitter.fit(values, steps=steps, memory=memory, seed=int(generator.integers(1, 1 << 62)))
                moves, work = moves - steps, work - steps * start.fitter.cost
                if short == 0:
                    return _neuron(start.problem, values, wanted)
    return None


@dataclass(frozen=True, eq=False)
class Swept:
    """An exact neuron, or None, and whether all integers that the neuron may have were tried."""

    neuron: IntegerNeuron | None
    is_complete: bool


def swept(problems: Sequence[IntegerProblem], wanted: Wanted, runs: int = FEW_RUNS) -> Swept:
    """Try all small weights at several exponents, and greater ones if there are few.

    Parameters
    ----------
    problems, wanted
        As for `fitted`.
    runs : int
        How often the neuron may be run at each exponent.
    """
    is_complete = True
    for problem in problems:
        found = _swept(_begun(problem, wanted, _origin(problem)), wanted, runs)
        if found.neuron is not None:
            return found
        is_complete = is_complete and found.is_complete
    return Swept(None, is_complete)


def _swept(start: _FitStart, wanted: Wanted, runs: int) -> Swept:
    problem, fitter = start.problem, start.fitter
    threshold = problem.taps.size if problem.problem.box.is_threshold_free else start.values.size
    before, steps = 0.0, np.ones(start.values.size)
    steps[: problem.taps.size] = problem.problem.box.weight_step
    for limit in SMALL_WEIGHTS:
        ranges = _small(problem, limit)
        values_each = (ranges[1] - ranges[0]) / steps + 1.0
        values_each[threshold : threshold + 1] = 1.0
        choices = math.prod(values_each.tolist())  # inf if a float cannot hold it
        is_all = bool((ranges[0] <= problem.ranges[0]).all() and (ranges[1] >= problem.ranges[1]).all())
        if choices == before and not is_all:
            continue
        if choices > runs:
            break
        before, values, left = choices, ranges[0].copy(), runs
        outcome = OPEN
        while outcome == OPEN and left > 0:
            check_time()
            outcome = fitter.sweep(values, ranges, threshold=threshold, runs=min(left, RUNS_AT_ONCE))
            left -= RUNS_AT_ONCE
        if outcome == FOUND:
            return Swept(_neuron(problem, values, wanted), False)
        if outcome == OPEN or is_all:
            return Swept(None, outcome == NONE_LEFT)
    return Swept(None, False)


def _small(problem: IntegerProblem, limit: int) -> tuple[Int64s, Int64s]:
    """Return the ranges of weights up to a limit, and of a free bias likewise; those of binary weights stay."""
    lower, upper = problem.ranges
    least, greatest = np.maximum(lower, -limit), np.minimum(upper, limit)
    weights, box = problem.taps.size, problem.problem.box
    kept = np.zeros(lower.size, np.bool_)
    kept[:weights] = box.weight_step > 1
    kept[weights : weights + 1] = box.is_threshold_free
    return np.where(kept, lower, least), np.where(kept, upper, greatest)


def _begun(problem: IntegerProblem, wanted: Wanted, values: Int64s) -> _FitStart:
    return _FitStart(_fitter(problem, wanted), problem, values)


def _fitter(problem: IntegerProblem, wanted: Wanted) -> Fitter:
    box, rule = problem.problem.box, problem.chip.rule
    lower, upper = problem.ranges
    names, place, known = parameter_names(rule), problem.taps.tolist(), {}
    factor = [1 << problem.problem.exponent] * len(place)
    if box.is_threshold_free:
        place.append(names.index("threshold"))
        factor.append(1)
    else:
        known["threshold"] = int(box.threshold[0])
    if box.is_bias_free:
        place.append(names.index("bias"))
        factor.append(problem.bias_step)
    else:
        known["bias"] = half_even_integer(box.bias[0] * problem.machine.unit)
    unknowns = Movable(
        place=np.array(place, np.int64),
        factor=np.array(factor, np.int64),
        lower=lower,
        upper=upper,
        bits=np.array([int(span).bit_length() for span in (upper - lower) // 2], np.int64),
        weights=problem.taps.size,
        step=box.weight_step,
        synapses=problem.taps.size if wanted.synapses is None else wanted.synapses,
    )
    spikes, is_noisy = problem.problem.spikes, box.noise > 0.0
    return Fitter(
        problem.machine.simulator,
        wanted.at(spikes, is_noisy=is_noisy),
        noise=math.ceil(box.noise * problem.machine.unit),
        unknowns=unknowns,
        parameters=known,
        openings=wanted.openings(spikes, problem.problem.potential_map, is_noisy=is_noisy),
    )


def _origin(problem: IntegerProblem) -> Int64s:
    """Return weights of 0 (or of the least allowed value), and the least threshold."""
    lower, upper = problem.ranges
    origin = np.clip(np.zeros_like(lower), lower, upper)
    if problem.problem.box.weight_step > 1:
        origin[: problem.taps.size] = lower[: problem.taps.size]
    return origin


def _raised(problem: IntegerProblem) -> Int64s:
    """Return the origin with a free threshold at some steps of a weight, from which moves of weights get somewhere."""
    raised, (lower, upper), place = _origin(problem), problem.ranges, problem.taps.size
    if problem.problem.box.is_threshold_free:
        raised[place] = min(max(RAISED << problem.problem.exponent, lower[place]), upper[place])
    return raised


def _has_weights(problem: IntegerProblem, values: Int64s) -> bool:
    """Return whether weights differ from those of the origin."""
    return bool((values != _origin(problem))[: problem.taps.size].any())


def _distinct(starts: Sequence[tuple[IntegerProblem, Int64s]]) -> list[tuple[IntegerProblem, Int64s]]:
    """Return starts without those that equal an earlier one."""
    by_values = {
        (problem.problem.exponent, values.tobytes()): (problem, values) for problem, values in reversed(starts)
    }
    return list(by_values.values())[::-1]


def _neuron(problem: IntegerProblem, values: Int64s, wanted: Wanted) -> IntegerNeuron:
    """Return the neuron of exact unknowns, with its threshold in the middle if all spikes are prescribed."""
    is_fixed = bool(wanted.counts.all()) and wanted.window == NO_WINDOW
    centred = problem.exact_neuron(values, FITTED) if is_fixed else None
    return centred or problem.run_neuron(values, FITTED, counts=wanted.counts)
