"""The last word on a small neuron: integers that the chip makes exact, or the proof that there are none.

Two integer programs speak for the chip. The *relaxed* one has a row for each tick, loosened by all that truncating
decays, and the rounding of its own coefficients, can do: no integers that the chip makes exact are missing from it, so
if it has no answer, neither has the chip. The *whole* one follows the chip's rule tick by tick, truncation included, in
the range on which all runtimes agree: its answers are exact, and if it has none at any exponent, there are none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Int64s
from snnprog.integers.integer_problem import IntegerProblem
from snnprog.integers.rounding import IntegerNeuron
from snnprog.potential import RESIDUE
from snnprog.solver import Division, IntegerProgram, find_integers

SOLVED = "solved"
FRACTION_BITS = 30
RELAXED_EFFORT, WHOLE_EFFORT = 4.0, 2.0
# For the whole programs at all exponents together, and at one where nothing can be proved any more.
EXPONENTS_EFFORT, UNPROVABLE_EFFORT = 6.0, 0.25
MOST_TAPS, MOST_BINS = 64, 6000


@dataclass(frozen=True, eq=False)
class Repair:
    """An exact neuron, or whether there is none, proved; neither where all was in vain, or the time ran out."""

    neuron: IntegerNeuron | None
    is_impossible: bool = False
    is_out_of_time: bool = False
    effort: float = 0.0

    def without_proof(self) -> Repair:
        """Return the same, where what was searched is not all there is."""
        return Repair(self.neuron)

    @property
    def is_decided(self) -> bool:
        """Whether nothing is left to try."""
        return self.neuron is not None or self.is_impossible


def is_small(problem: IntegerProblem) -> bool:
    """Whether a neuron is small enough for an exhaustive search to be worth its while."""
    return problem.taps.size <= MOST_TAPS and problem.columns.size <= MOST_BINS


def relaxed(problem: IntegerProblem, others: Sequence[IntegerProblem]) -> Repair:
    """Ask the relaxed rows; a neuron is one that is exact at this exponent or, where the scale is free, at another.

    Where the scale is free, the rows at exponent 0 with a threshold and a bias in finer steps stand for all exponents.
    """
    integral = find_integers(relaxed_program(problem), effort=RELAXED_EFFORT)
    if integral.values is None:
        return Repair(None, integral.is_impossible)
    neurons = (other.exact_neuron(_unknowns(problem, other, integral.values), SOLVED) for other in others)
    return Repair(next((neuron for neuron in neurons if neuron is not None), None))


def relaxed_program(problem: IntegerProblem) -> IntegerProgram:
    """Return rows that everything which is exact on the chip satisfies, at any exponent where the scale is free."""
    box, columns, n_weights = problem.problem.box, problem.columns.copy(), problem.taps.size
    lower, upper = problem.ranges
    finer = _finer(problem)
    columns[n_weights:] /= finer
    upper[n_weights:] *= finer
    if box.is_bias_free:
        columns[-1] /= problem.bias_step
        upper[-1] = problem.chip.bias_limit * finer
        lower[-1] = -upper[-1]
    unit = float(1 << FRACTION_BITS)
    matrix = np.rint(columns.T * unit).astype(np.int64)
    inexact = np.abs(matrix / unit - columns.T).max(axis=0, initial=0.0)
    inexact[:n_weights] += RESIDUE
    lost = float(np.maximum(np.abs(lower), np.abs(upper)) @ inexact)
    least = np.floor((-problem.given - problem.truncation - lost) * unit).astype(np.int64)
    return IntegerProgram(matrix, least, lower, upper, _steps(problem, lower.size))


def whole(problem: IntegerProblem, effort: float = WHOLE_EFFORT) -> Repair:
    """Ask for the chip's rule at this exponent; with a free bias, of which it knows only some, it proves nothing."""
    integral = find_integers(whole_program(problem), effort=effort)
    if integral.values is None:
        is_impossible = integral.is_impossible and not problem.problem.box.is_bias_free
        return Repair(None, is_impossible, effort=integral.effort)
    neuron = problem.exact_neuron(integral.values[: problem.ranges[0].size], SOLVED)
    assert neuron is not None, "the whole program follows the chip's rule"
    return Repair(neuron, effort=integral.effort)


def whole_program(problem: IntegerProblem) -> IntegerProgram:
    """Return the chip's rule as an integer program: for each tick its current, its potential, and what they keep."""
    return _Rule(problem).program()


class _Rule:
    """Collects variables and rows, tick after tick; a row is a dictionary from variable to coefficient."""

    def __init__(self, problem: IntegerProblem) -> None:
        self.problem, self.machine = problem, problem.machine
        lower, upper = problem.ranges
        self.lower, self.upper = lower.tolist(), upper.tolist()
        self.rows: list[tuple[dict[int, int], int]] = []
        self.divisions: list[Division] = []
        self.unknown_of = {int(tap): index for index, tap in enumerate(problem.taps)}

    def program(self) -> IntegerProgram:
        current = potential = None
        for tick in range(self.machine.after.size):
            current = self._state(self._arrivals(tick), current, self.machine.current_factor, self.machine.limits[1])
            flow = {current: 1}
            bias = self._bias(flow)
            if not self.machine.is_held[tick]:
                potential = self._state(flow, potential, self.machine.potential_factor, self.machine.limits[2], bias)
                self._compare(potential, bool(self.problem.problem.raster[tick]))
            if self.machine.is_reset(tick):
                potential = None
            if self.machine.is_end(tick):
                current = None
        matrix = np.zeros((len(self.rows), len(self.lower)), np.int64)
        for index, (terms, _) in enumerate(self.rows):
            matrix[index, list(terms)] = list(terms.values())
        least = np.array([least for _, least in self.rows], dtype=np.int64)
        lower, upper = np.array(self.lower), np.array(self.upper)
        return IntegerProgram(matrix, least, lower, upper, _steps(self.problem, lower.size), tuple(self.divisions))

    def _variable(self, limit: int) -> int:
        self.lower.append(1 - limit)
        self.upper.append(limit - 1)
        return len(self.lower) - 1

    def _arrivals(self, tick: int) -> dict[int, int]:
        arrivals: dict[int, int] = {}
        unit = self.machine.unit << self.problem.problem.exponent
        for tap in self.machine.taps_at(tick).tolist():
            if tap in self.unknown_of:  # what has no unknown has no weight
                arrivals[self.unknown_of[tap]] = arrivals.get(self.unknown_of[tap], 0) + unit
        limit = int(self.machine.limits[0])
        if arrivals:
            self._between(arrivals, 1 - limit, limit - 1)
        return arrivals

    def _bias(self, flow: dict[int, int]) -> int:
        """Add a free bias to what flows in; return a fixed one."""
        box = self.problem.problem.box
        if not box.is_bias_free:
            return round(box.bias[0] * self.machine.unit)
        flow[self.problem.ranges[0].size - 1] = self.problem.bias_step
        return 0

    def _state(self, flow: dict[int, int], before: int | None, factor: int, limit: int, constant: int = 0) -> int:
        """Return the variable of ``rz(before, factor) + flow + constant``."""
        state = self._variable(int(limit))
        terms = {state: -1, **flow}
        if before is not None and factor > 0:
            kept = self._variable(int(limit))
            self.divisions.append(Division(kept, before, factor, 1 << self.machine.decay_bits))
            terms[kept] = 1
        self._between(terms, -constant, -constant)
        return state

    def _compare(self, potential: int, spikes: bool) -> None:
        """Ask for a potential above the threshold, or not above it."""
        box, unit = self.problem.problem.box, self.machine.unit
        sign = 1 if spikes else -1
        terms, fixed = {potential: sign}, 0
        if box.is_threshold_free:
            terms[self.problem.taps.size] = -sign * unit
        else:
            fixed = sign * int(box.threshold[0]) * unit
        self.rows.append((terms, fixed + (1 if spikes else 0)))

    def _between(self, terms: dict[int, int], least: int, most: int) -> None:
        self.rows.append((terms, least))
        self.rows.append(({variable: -factor for variable, factor in terms.items()}, -most))


def _steps(problem: IntegerProblem, variables: int) -> Int64s:
    steps = np.ones(variables, dtype=np.int64)
    steps[: problem.taps.size] = problem.problem.box.weight_step
    return steps


def _finer(problem: IntegerProblem) -> int:
    """Return into how many steps the relaxed rows divide those of threshold and bias."""
    return 1 << problem.chip.exponents[1] if problem.problem.box.is_scale_free else 1


def _unknowns(problem: IntegerProblem, other: IntegerProblem, values: Int64s) -> Int64s:
    """Return the answer of the relaxed rows as unknowns at another exponent; a threshold is found anew there."""
    unknowns, ratio = values.copy(), other.problem.step / problem.problem.step
    if problem.problem.box.is_bias_free:
        unknowns[-1] = round(values[-1] / _finer(problem) * ratio / other.bias_step)
    return np.clip(unknowns, *other.ranges)
