"""Integers found by running them: for neurons that no rounding of real weights makes exact.

Real weights know nothing of what decays truncate, of where registers end, or of what a neuron does by itself in bins
that do not count. So the integers are moved while the chip's own rule runs them (`snnprog.simulate.fitting`), at one
exponent after another, from several starts, and with ever more patience, until the neuron is exact or the work allowed
is done. Whether there are any, it cannot tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.integers.integer_problem import IntegerProblem
from snnprog.integers.rounding import FITTED, IntegerNeuron
from snnprog.rounding import half_even_integer
from snnprog.rules.neuron import parameter_names
from snnprog.simulate.fitting import Fitter, Movable
from snnprog.solver import check_time

# How many moves back a neuron may have been as bad, and how many times as many moves are tried with that.
MEMORIES, MOVES_PER_MEMORY = (20, 100, 500, 2000), 400
# Small weights, of which all are tried as long as they are no more choices than this, about 1 µs each. Where thresholds
# must be scanned one by one, so many are, which costs so much more.
SMALL_WEIGHTS, FEW_CHOICES, MANY_CHOICES = (1, 2, 3, 4, 6, 8, 16, 32, 64, 128, 255), 50_000, 3_000_000
SCANNED_THRESHOLDS, SCANNING_COSTS = 64, 16
# Ticks and events that are run between two looks at the clock: some 50 ms.
AT_ONCE = 2_000_000


@dataclass(frozen=True, eq=False)
class Wanted:
    """What a neuron is to do.

    Attributes
    ----------
    counts : (ticks played,) bool
        Where it must do what its problem's raster says; elsewhere it does what it likes.
    asked : (ticks played,) bool
        Where noise must be survived, if any.
    """

    counts: Raster
    asked: Raster

    def at(self, spikes: Raster, *, is_noisy: bool) -> Int64s:
        """Return what is asked at each tick, as `Fitter` takes it."""
        asked = np.where(spikes, 1, -1)
        return np.where(self.counts, asked, np.where(self.asked & is_noisy, 2, 0)).astype(np.int64)


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
    """Return an exact neuron, or None where none was found.

    Parameters
    ----------
    problems : sequence of IntegerProblem
        The neuron's at the exponents that are tried.
    wanted : Wanted
    starts : sequence of (IntegerProblem, (unknowns,) int)
        Movable from which to start beside those that are all 0.
    work : float
        Ticks and events that may be run.
    seed : tuple of int
        Of the moves.

    Raises
    ------
    UndecidedError
        If the time that `until` allows runs out.
    """
    grids = [_begun(problem, wanted, _origin(problem)) for problem in problems]
    begun = [_begun(problem, wanted, values) for problem, values in starts]
    begun += grids
    generator = np.random.default_rng([*seed, len(begun)])
    for memory in MEMORIES:
        for start in begun:
            moves, values = memory * MOVES_PER_MEMORY, start.values.copy()
            while moves > 0:
                check_time()
                if work <= 0.0:
                    return None
                steps = min(moves, max(AT_ONCE // start.fitter.cost, memory))
                short = start.fitter.fit(values, steps=steps, memory=memory, seed=int(generator.integers(1, 1 << 62)))
                moves, work = moves - steps, work - steps * start.fitter.cost
                if short == 0:
                    return _neuron(start.problem, values, wanted)
    return None


def swept(problems: Sequence[IntegerProblem], wanted: Wanted, choices: int = FEW_CHOICES) -> IntegerNeuron | None:
    """Try all small weights, and greater ones where there are few; return an exact neuron, or None."""
    found = (_swept(_begun(problem, wanted, _origin(problem)), wanted, most=choices) for problem in problems)
    return next((neuron for neuron in found if neuron is not None), None)


def _swept(start: _FitStart, wanted: Wanted, *, most: int) -> IntegerNeuron | None:
    problem, fitter = start.problem, start.fitter
    weights, is_free = problem.taps.size, problem.problem.box.is_threshold_free
    lower, upper = problem.ranges
    is_scanned = fitter.asked.is_subtracted and fitter.asked.is_free and is_free
    most = most // SCANNING_COSTS if is_scanned else most
    before = 0.0
    for limit in SMALL_WEIGHTS:
        least, greatest = np.maximum(lower, -limit), np.minimum(upper, limit)
        if problem.problem.box.weight_step > 1:
            least[:weights], greatest[:weights] = lower[:weights], upper[:weights]
        if is_free:
            least[weights] = lower[weights]
            greatest[weights] = (
                min(upper[weights], lower[weights] + SCANNED_THRESHOLDS) if is_scanned else upper[weights]
            )
        choices = float(np.prod(np.delete(greatest - least + 1.0, weights if is_free else [])))
        if choices == before or choices > most:
            break
        check_time()
        before, values = choices, least.copy()
        found = fitter.sweep(values, (least, greatest), threshold=weights if is_free else values.size, steps=most)
        if found:
            return _neuron(problem, values, wanted)
    return None


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
    )
    return Fitter(
        problem.machine.simulator,
        wanted.at(problem.problem.spikes, is_noisy=box.noise > 0.0),
        noise=math.ceil(box.noise * problem.machine.unit),
        unknowns=unknowns,
        parameters=known,
    )


def _origin(problem: IntegerProblem) -> Int64s:
    """Return weights of 0 (where there is none, of the least that they may be), and the least threshold."""
    lower, upper = problem.ranges
    origin = np.clip(np.zeros_like(lower), lower, upper)
    if problem.problem.box.weight_step > 1:
        origin[: problem.taps.size] = lower[: problem.taps.size]
    return origin


def _neuron(problem: IntegerProblem, values: Int64s, wanted: Wanted) -> IntegerNeuron:
    """Return the neuron of unknowns that are exact; where it does all that it was told, its threshold in the middle."""
    centred = problem.exact_neuron(values, FITTED) if wanted.counts.all() else None
    return centred or problem.run_neuron(values, FITTED, counts=wanted.counts)
