"""Exhaustive search over all integers of a small neuron: an exact solution, or a proof that there is none.

Two integer programs speak for the chip. The *relaxed* one has a row for each tick, loosened by all that truncating
decays, and the rounding of its own coefficients, can do: no integers that the chip makes exact are missing from it, so
if it has no answer, neither has the chip. The *whole* one follows the chip's rule tick by tick, truncation included, in
the range in which all runtimes agree: its answers are exact, and if it has none at any exponent, there are none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from snnprog.arrays import Int64s
from snnprog.fixed_order import dot
from snnprog.integers.integer_problem import IntegerProblem
from snnprog.integers.rounding import IntegerNeuron
from snnprog.potential import RESIDUE
from snnprog.rounding import half_even, half_even_integer
from snnprog.rules.expressions import Hold, Rounding
from snnprog.rules.resolve import Form, Resolver, Sums
from snnprog.rules.rule import POTENTIAL, Step
from snnprog.solver import Division, IntegerProgram, find_integers

SOLVED = "solved"
# Of the relaxed rows' coefficients; what the rounding of these can add up to is taken off the rows. A third of the bits
# changed nothing on 5 specs.
FRACTION_BITS = 30
# CP-SAT's own deterministic seconds: for the relaxed rows, for one whole program, for whole programs at all exponents
# together, and for one at an exponent where something is left to look for anyway. A longer search only decides more:
# with RELAXED_EFFORT a third, nothing changed on 5 specs.
RELAXED_EFFORT, WHOLE_EFFORT = 4.0, 2.0
EXPONENTS_EFFORT, UNPROVABLE_EFFORT = 6.0, 0.25
# Maximum number of weights and coefficients of all rows for CP-SAT: beyond, it exceeds its effort.
MOST_TAPS, MOST_BINS = 64, 6000
WIDEST = 1 << 40
"""Of a variable that no register limits; CP-SAT multiplies it by a decay's factor within 63 bits."""


@dataclass(frozen=True, eq=False)
class Repair:
    """An exact neuron, or whether there is none; neither if the search failed or the time ran out."""

    neuron: IntegerNeuron | None
    is_impossible: bool = False
    is_out_of_time: bool = False
    effort: float = 0.0

    def verdict(self) -> str:
        """Return the result in a word."""
        return "repaired" if self.neuron is not None else "impossible" if self.is_impossible else "not repaired"


def is_small(problem: IntegerProblem) -> bool:
    """Whether a neuron is small enough for an exhaustive search to be worth its while."""
    return problem.taps.size <= MOST_TAPS and problem.columns.size <= MOST_BINS


def relaxed(problem: IntegerProblem, others: Sequence[IntegerProblem]) -> Repair:
    """Solve the relaxed rows; a neuron is exact at this exponent or, if the scale is free, at another.

    Where the scale is free, the rows at exponent 0 with a threshold and a bias in finer steps stand for all exponents.
    """
    integral = find_integers(relaxed_program(problem), effort=RELAXED_EFFORT)
    if integral.values is None:
        return Repair(None, integral.is_impossible)
    neurons = (other.exact_neuron(_unknowns(problem, other, integral.values), SOLVED) for other in others)
    return Repair(next((neuron for neuron in neurons if neuron is not None), None))


def relaxed_program(problem: IntegerProblem) -> IntegerProgram:
    """Return rows that all exact integers satisfy, at any exponent if the scale is free."""
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
    matrix = half_even(columns.T * unit)
    inexact = np.abs(matrix / unit - columns.T).max(axis=0, initial=0.0)
    inexact[:n_weights] += RESIDUE
    lost = dot(np.maximum(np.abs(lower), np.abs(upper)).astype(np.float64), inexact)
    least = np.floor((-problem.given - problem.leeway - lost) * unit).astype(np.int64)
    return IntegerProgram(matrix, least, lower, upper, _steps(problem, lower.size))


def whole(problem: IntegerProblem, effort: float = WHOLE_EFFORT) -> Repair:
    """Ask for the chip's rule at this exponent; with a free bias, of which it knows only some, it proves nothing."""
    integral = find_integers(whole_program(problem), effort=effort)
    if integral.values is None:
        is_impossible = integral.is_impossible and not problem.problem.box.is_bias_free
        return Repair(None, is_impossible, effort=integral.effort)
    allowed = None
    if problem.machine.is_threshold_subtracted and problem.problem.box.is_threshold_free:
        allowed = (int(integral.values[problem.taps.size]),) * 2
    neuron = problem.exact_neuron(integral.values[: problem.ranges[0].size], SOLVED, allowed=allowed)
    # None only where a bias alone, which no row of the program has a limit for, leaves the portable range
    return Repair(neuron, effort=integral.effort)


def whole_program(problem: IntegerProblem) -> IntegerProgram:
    """Return the chip's rule as an integer program: with current, potential and decayed values of each tick."""
    return _WholeRule(problem).program()


class _WholeRule(Sums):
    """Collects variables and rows, tick after tick; a variable is a symbol, and every form has whole coefficients."""

    def __init__(self, problem: IntegerProblem) -> None:
        self.problem, self.rule = problem, problem.chip.rule
        self.mapping = problem.problem.potential_map
        lower, upper = problem.ranges
        self.lower, self.upper = lower.tolist(), upper.tolist()
        self.rows: list[tuple[dict[int, int], int]] = []
        self.divisions: list[Division] = []
        self.limits = self._limits()
        box, unit = problem.problem.box, problem.machine.unit
        self.fixed = dict(self.mapping.linear.given)
        self.scale: dict[str, tuple[int, int]] = {}
        if box.is_threshold_free:
            self.scale["threshold"] = problem.taps.size, 1
        else:
            self.fixed["threshold"] = int(box.threshold[0])
        if box.is_bias_free:
            self.scale["bias"] = lower.size - 1, problem.bias_step
        else:
            self.fixed["bias"] = half_even_integer(box.bias[0] * unit)

    def program(self) -> IntegerProgram:
        """Return the rule over all ticks."""
        first, tap = self.mapping.arrival_events
        spikes, ends = self.problem.problem.spikes, set(self.mapping.played.ends.tolist())
        state = rest = {name: Form() for name in self.rule.registers}
        resolver = Resolver(self.rule, self.fixed, self)
        for tick, is_spike in enumerate(spikes.tolist()):
            arriving = self._arriving(tap[first[tick] : first[tick + 1]])
            after = resolver.tick(state, spikes=int(is_spike), arriving=arriving)
            self._compare(after.compared, is_spike)
            state = rest if tick in ends else {name: self._bound(name, form) for name, form in after.state.items()}
        matrix = np.zeros((len(self.rows), len(self.lower)), np.int64)
        for index, (terms, _) in enumerate(self.rows):
            matrix[index, list(terms)] = list(terms.values())
        least = np.array([least for _, least in self.rows], dtype=np.int64)
        lower, upper = np.array(self.lower), np.array(self.upper)
        return IntegerProgram(matrix, least, lower, upper, _steps(self.problem, lower.size), tuple(self.divisions))

    def rounded(self, operand: Form, factor: Fraction, rounding: Rounding) -> Form:
        """Return a variable for ``operand * factor``, rounded."""
        dividend, limit = self._variable_of(operand, self.limits.get(POTENTIAL, WIDEST))
        quotient = self._new(limit)
        self.divisions.append(Division(quotient, dividend, factor.numerator, factor.denominator, rounding))
        return Form.symbol(str(quotient))

    def held(self, operand: Form, node: Hold, step: Step) -> Form:
        """Return a variable for a value, kept within the range in which all runtimes agree."""
        limit = min(min(-node.low, node.high) + 1, self.limits.get(step.name, WIDEST))
        return Form.symbol(str(self._variable_of(operand, limit)[0]))

    def _limits(self) -> dict[str, int]:
        """Return the limit of each watched step, and of the potential."""
        limits = {watch.step: watch.limit for watch in self.rule.watched}
        potential = int(self.mapping.linear.limits.potential * self.problem.machine.unit)
        return limits | {POTENTIAL: min(potential, WIDEST)}

    def _arriving(self, taps: Int64s) -> Form:
        """Return the sum of the arriving weights; taps without an unknown have no weight."""
        unknown_of = {int(tap): index for index, tap in enumerate(self.problem.taps)}
        terms: dict[str, Fraction | int] = {}
        for tap in taps.tolist():
            if tap in unknown_of:
                name = str(unknown_of[tap])
                terms[name] = terms.get(name, 0) + (1 << self.problem.problem.exponent)
        return Form(terms)

    def _bound(self, name: str, form: Form) -> Form:
        """Return a register as a variable, so that the rows of later ticks stay short."""
        if len(form.terms) < 2:
            return form
        return Form.symbol(str(self._variable_of(form, self.limits[POTENTIAL] if name == POTENTIAL else WIDEST)[0]))

    def _compare(self, compared: Form, is_spike: bool) -> None:
        """Require a potential above the threshold, or not; and if relevant, below twice the threshold."""
        unit, is_equal = self.rule.unit, self.rule.is_equal_a_spike
        limit = Form.symbol("threshold") if "threshold" in self.scale else Form.of(self.fixed["threshold"])
        above = compared.plus(limit.times(-unit))
        if is_spike:
            self._at_least(above, 0 if is_equal else 1)
            if self.mapping.is_after_reset.any():
                self._at_least(limit.times(2 * unit).plus(compared.times(-1)), 1 if is_equal else 0)
        else:
            self._at_least(above.times(-1), 1 if is_equal else 0)

    def _variable_of(self, form: Form, limit: int) -> tuple[int, int]:
        """Return a variable that equals a form and stays below a limit in magnitude, and that limit."""
        variable = self._new(limit)
        difference = Form.symbol(str(variable)).plus(form.times(-1))
        self._at_least(difference, 0)
        self._at_least(difference.times(-1), 0)
        return variable, limit

    def _new(self, limit: int) -> int:
        self.lower.append(1 - limit)
        self.upper.append(limit - 1)
        return len(self.lower) - 1

    def _at_least(self, form: Form, least: int) -> None:
        terms: dict[int, int] = {}
        for symbol, coefficient in form.terms.items():
            variable, scale = self.scale[symbol] if symbol in self.scale else (int(symbol), 1)
            terms[variable] = terms.get(variable, 0) + int(coefficient * scale)
        self.rows.append((terms, least - int(form.constant)))


def _steps(problem: IntegerProblem, variables: int) -> Int64s:
    steps = np.ones(variables, dtype=np.int64)
    steps[: problem.taps.size] = problem.problem.box.weight_step
    return steps


def _finer(problem: IntegerProblem) -> int:
    """Return into how many steps the relaxed rows divide those of threshold and bias."""
    return 1 << problem.chip.exponents[1] if problem.problem.box.is_scale_free else 1


def _unknowns(problem: IntegerProblem, other: IntegerProblem, values: Int64s) -> Int64s:
    """Return the answer of the relaxed rows as unknowns at another exponent; a threshold is found again there."""
    unknowns, ratio = values.copy(), other.problem.step / problem.problem.step
    if problem.problem.box.is_bias_free:
        unknowns[-1] = half_even_integer(values[-1] / _finer(problem) * ratio / other.bias_step)
    return np.clip(unknowns, *other.ranges)
