"""The run of one neuron as a linear program: the chip's rule with an unknown for each rounding.

A rounding ``r = round(c x)`` is a column of its own that lies within its error of ``c x``; equal sums that are rounded
alike share their column. So the rows hold for every integer program, decays truncated as on the chip, and a program
without an answer has prices that `snnprog.check_proof` accepts. All columns but roundings are in weight LSBs; these are
in units of the potential, divided by what one unit of the threshold is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.sparse import csr_matrix

from snnprog.arrays import Int64s, Raster
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.certificate import widest_box
from snnprog.design.proofs.referee import first_known
from snnprog.design.proofs.roundings import Ends, Rounded, gaps_of, key_of, meet, rounded_end
from snnprog.proof import BinRow, LimitRow, OrderRow, RegisterRow, Row
from snnprog.rules.expressions import Hold, Rounding
from snnprog.rules.linear import rounding_errors
from snnprog.rules.resolve import Form, Resolver, Sums
from snnprog.rules.rule import POTENTIAL, Step
from snnprog.solver import LinearProgram, check_time
from snnprog.spec import Spec, presynaptic_raster
from snnprog.spec.options import NO_WINDOW

Register = tuple[int, int, str]
"""A pattern, a tick and the name of a register."""

LIFT_LIMIT = 1e3
"""A bound for programs without rows against spikes, in units of the threshold; any value suffices."""


@dataclass(frozen=True)
class Assumed:
    """Assumptions about one neuron in addition to its spikes.

    Attributes
    ----------
    ranges : mapping of str or (str, int, int) to (int, int)
        What is assumed of unknowns: "threshold", "bias", or ("weight", line, delay).
    registers : mapping of (pattern, tick, register) to (int or None, int or None)
    bins : set of (int, int)
        The bins, as (pattern, tick), about which it is assumed whether they have a spike.
    """

    ranges: Mapping[object, tuple[int | None, int | None]]
    registers: Mapping[Register, tuple[int | None, int | None]]
    bins: Set[tuple[int, int]] = frozenset()


NOTHING_ASSUMED = Assumed({}, {})


class IntegerCourse(Sums):
    """Columns and rows of one neuron, from a walk over its ticks."""

    def __init__(self, problem: NeuronProblem, spec: Spec, assumed: Assumed = NOTHING_ASSUMED) -> None:
        self.problem, self.spec, self.rule, self.assumed = problem, spec, spec.chip.rule, assumed
        rule = self.rule
        self.history = (
            _histories(spec, problem)
            if spec.hidden != 0 and spec.fan_in != 0
            else np.zeros(problem.spikes.size, np.int64)
        )
        self.mapping, box = problem.potential_map, widest_box(problem)
        self.unit, taps = rule.unit, self.mapping.n_taps
        self.lower: list[float] = [*box.weight_lower.tolist(), box.threshold[0], box.bias[0]]
        self.upper: list[float] = [*box.weight_upper.tolist(), box.threshold[1], box.bias[1]]
        self._narrow(taps)
        self.columns: dict[str, tuple[int, int]] = {
            "threshold": (taps, 1),
            "bias": (taps + 1, self.unit),
        }
        self.columns |= {f"tap {tap}": (tap, 1) for tap in range(taps)}
        self.rounded_as: dict[object, str] = {}
        self.roundings: list[Rounded] = []
        self.facts: dict[object, Ends] = {}
        self.rows: list[tuple[Row, Form]] = []
        self.registers: dict[Register, Form] = {}
        self.limits = {watch.step: watch.limit for watch in rule.watched}
        self.watched: list[tuple[Form, int]] = []
        self.n_arrivals, self.is_gathering = 0, False
        self.rests_on: dict[int, list[int]] = {}  # a row of order -> those that it rests on
        self.fixed = dict(self.mapping.linear.given)
        self._walk()

    def _narrow(self, taps: int) -> None:
        names: list[object] = [
            ("weight", line, int(delay)) for delay in self.mapping.delays for line in range(self.mapping.n_lines)
        ]
        for column, name in enumerate([*names, "threshold", "bias"]):
            low, high = self.assumed.ranges.get(name, (None, None))
            scale = self.unit if column == taps + 1 else 1
            self.lower[column] = self.lower[column] if low is None else max(self.lower[column], low / scale)
            self.upper[column] = self.upper[column] if high is None else min(self.upper[column], high / scale)

    # ------------------------------------------------------------------------------------------------------ the walk

    def _walk(self) -> None:
        """Run all ticks up to the last that has a row, and note rows."""
        problem, mapping = self.problem, self.mapping
        first, tap = mapping.arrival_events
        tape, played = mapping.played, mapping.played.ticks
        rest = {name: Form() for name in self.rule.registers}
        state, looks = rest, np.atleast_1d(problem.constrained.reshape(-1, played).any(axis=0))
        wanted = {place[:2] for place in self.assumed.registers}
        decided = self._decided()
        is_known, lasting = (
            self._known(decided),
            [name for name in self.rule.registers if name not in self.rule.changed_by_spikes],
        )
        last, resolver = self._last_ticks(looks), Resolver(self.rule, self.fixed, self)
        for tick, is_spike in enumerate(problem.spikes.tolist()):
            pattern, local = tape.where(tick)
            if local > last[pattern]:
                continue
            state = rest if local == 0 else state
            arrivals = tap[first[tick] : first[tick + 1]].tolist()
            self.watched, self.n_arrivals = [], len(arrivals)
            self.is_gathering = bool(arrivals) or bool(self.history[tick])
            arriving = self._arriving(arrivals, int(self.history[tick]))
            after = resolver.tick(state, spikes=int(is_spike), arriving=arriving)
            state = dict(after.state)
            self._learn_comparison(after.compared, is_spike=bool(is_spike), is_known=bool(decided[tick]))
            if looks[tick]:
                self._note_rows(tick, pattern, local, compared=after.compared, left=state[POTENTIAL])
                self._note_limits(pattern, local)
            if (pattern, local) in wanted:
                self._note_registers(pattern, local, self._named(state))
            named = self._named(state) if is_known[tick] else {name: state[name] for name in lasting}
            self.registers |= {(pattern, local, name): form for name, form in named.items()}
            check_time()

    def _last_ticks(self, looks: Raster) -> list[int]:
        """Return the last tick of each pattern that has a row or an assumption; -1 if none has."""
        last = [-1] * len(self.mapping.played.lengths)
        places = [self.mapping.played.where(tick) for tick in np.flatnonzero(looks).tolist()]
        for pattern, local in [*places, *(place[:2] for place in self.assumed.registers)]:
            last[pattern] = max(last[pattern], local)
        return last

    def _decided(self) -> Raster:
        """Return the ticks at which it is known whether there is a spike."""
        spec, problem, tape = self.spec, self.problem, self.mapping.played
        decided: Raster = spec.care[:, problem.neuron] | problem.resets.is_held[: tape.ticks]
        if spec.window != NO_WINDOW:
            decided &= problem.constrained[: tape.ticks]
        for pattern, tick in self.assumed.bins:
            decided[int(tape.starts[pattern]) + tick] = True
        return decided

    def _known(self, decided: Raster) -> Raster:
        """Return after which ticks all registers are known: no bin since the last sure spike is open."""
        known, is_known = np.zeros_like(decided), False
        for tick, is_spike in enumerate(self.problem.spikes.tolist()):
            is_forgotten = bool(decided[tick]) and is_spike and self.mapping.linear.is_reset_to_zero
            is_first = self.mapping.played.where(tick)[1] == 0
            is_known = bool(decided[tick]) and (is_known or is_first or is_forgotten)
            known[tick] = is_known
        return known

    def _learn(self, form: Form, low: float, high: float) -> None:
        """Note the ends of a value, and of its negative."""
        low, high = meet((low, high), self.facts.get(key_of(form), (-np.inf, np.inf)))
        self.facts[key_of(form)] = low, high
        self.facts[key_of(form.times(-1))] = -high, -low

    def _learn_comparison(self, compared: Form, *, is_spike: bool, is_known: bool) -> None:
        """Record the bound that a spike, or silence, sets on the distance of the potential from the threshold."""
        excess = compared.plus(Form.symbol("threshold").times(-self.unit))
        if not is_known or excess.is_constant:
            return
        silence, spike = gaps_of(self.problem, self.unit)
        if is_spike:
            self._learn(excess, spike, self.ends(compared)[1] - self.unit * self.lower[self.mapping.n_taps])
        else:
            self._learn(excess, -np.inf, -silence)

    def _named(self, state: Mapping[str, Form]) -> dict[str, Form]:
        """Return registers and watched values by the names that a proof has for them."""
        return dict(state) | {f"#{place}": value for place, (value, _) in self._places()}

    def _places(self) -> Iterator[tuple[int, tuple[Form, int]]]:
        """Yield the watched values with their places in the tick; gathered values are watched after each arrival."""
        before = (self.n_arrivals - 1) * (self.rule.gather.name in self.limits)
        return ((index + before, each) for index, each in enumerate(self.watched) if index + before >= 0)

    def _arriving(self, taps: list[int], history: int) -> Form:
        """Return the arrivals: weights, and if hidden neurons are allowed, their effect after such a history."""
        terms: dict[str, Fraction | int] = {}
        if history:
            name = f"history {history}"
            if name not in self.columns:
                self.columns[name] = len(self.lower), 1
                self.lower.append(-np.inf)
                self.upper.append(np.inf)
            terms[name] = 1
        for each in taps:
            terms[f"tap {each}"] = terms.get(f"tap {each}", 0) + 1
        return Form(terms)

    def _note_rows(self, tick: int, pattern: int, local: int, *, compared: Form, left: Form) -> None:
        """Record the target of the bin, before the reset and, if it is examined there, after it."""
        problem, played = self.problem, self.mapping.played.ticks
        gaps = gaps_of(problem, self.unit)
        limit = Form.symbol("threshold").times(self.unit)
        excess = compared.plus(limit.times(-1))
        if problem.constrained[tick]:
            value = excess.plus(Form.of(-gaps[1])) if problem.raster[tick] else excess.times(-1).plus(Form.of(-gaps[0]))
            self.rows.append((BinRow(pattern, local, 1), value))
        if problem.constrained.size > played and problem.constrained[tick + played] and problem.raster[tick]:
            value = limit.plus(left.times(-1)).plus(Form.of(-gaps[0]))
            self.rows.append((BinRow(pattern, local, 1, is_after_reset=True), value))

    def _note_limits(self, pattern: int, local: int) -> None:
        """Note rows of watched values that the ranges alone do not keep below their limits."""
        for place, (value, limit) in self._places():
            low, high = self.ends(value)
            for side, beyond in ((1, high > limit - 1), (-1, low < 1 - limit)):
                if beyond:
                    row = LimitRow(pattern, local, place, side, 1)
                    self.rows.append((row, Form.of(limit - 1).plus(value.times(-side))))

    def _note_registers(self, pattern: int, local: int, state: Mapping[str, Form]) -> None:
        for name, form in state.items():
            low, high = self.assumed.registers.get((pattern, local, name), (None, None))
            if low is None and high is None:
                continue
            if high is not None:
                self.rows.append((RegisterRow(pattern, local, name, 1, 1), Form.of(high).plus(form.times(-1))))
            if low is not None:
                self.rows.append((RegisterRow(pattern, local, name, -1, 1), form.plus(Form.of(-low))))
            ends = -np.inf if low is None else float(low), np.inf if high is None else float(high)
            self._learn(form, *ends)

    # ---------------------------------------------------------------------------------------------- what sums become

    def rounded(self, operand: Form, factor: Fraction, rounding: Rounding) -> Form:
        """Return a column for ``operand * factor``, rounded; the same one for the same."""
        key = (key_of(operand), factor, rounding)
        if key not in self.rounded_as:
            name = f"rounded {len(self.rounded_as)}"
            self.rounded_as[key] = name
            low, high = self.ends(operand)
            column = len(self.lower)
            self.columns[name] = column, self.unit
            self.lower.append(rounded_end(low, factor, rounding, up=False) / self.unit)
            self.upper.append(rounded_end(high, factor, rounding, up=True) / self.unit)
            self.roundings.append(Rounded(name, column, operand, factor, rounding))
        return Form.symbol(self.rounded_as[key])

    def held(self, operand: Form, node: Hold, step: Step) -> Form:
        """Return the value itself if its limit is within the register's range; else an unbounded one."""
        if step.name == self.rule.gather.name and not self.is_gathering:
            return operand  # nothing is gathered
        limit = self.limits.get(step.name)
        if limit is not None:
            self.watched.append((operand, limit))
            self._learn(operand, 1 - limit, limit - 1)
        low, high = self.ends(operand)
        if node.low <= low and high <= node.high:
            return operand
        key = (key_of(operand), node)
        if key not in self.rounded_as:
            self.rounded_as[key] = f"held {len(self.rounded_as)}"
            self.columns[self.rounded_as[key]] = len(self.lower), self.unit
            self.lower.append(node.low / self.unit)
            self.upper.append(node.high / self.unit)
        return Form.symbol(self.rounded_as[key])

    def ends(self, form: Form) -> Ends:
        """Return the smallest and the largest that a sum can be, in units of the potential."""
        low = high = float(form.constant)
        for column, multiple in self.multiples(form):
            one, other = multiple * self.lower[column], multiple * self.upper[column]
            low, high = (low + one, high + other) if multiple > 0 else (low + other, high + one)
        return meet((low, high), self.facts.get(key_of(form), (-np.inf, np.inf)))

    # ------------------------------------------------------------------------------------------------- the program

    def program(self, *, has_answer: bool = True) -> LinearProgram:
        """Return the program that lifts the smallest cleared of all rows; its first rows are those in `rows`.

        Parameters
        ----------
        has_answer : bool
            Whether orders always hold, as they do if nothing but the chip's own ranges is assumed; else they are
            lifted, too, and nothing is lifted above 0.
        """
        entries: list[tuple[int, int, float]] = []
        least: list[float] = []
        lift = len(self.lower)
        for index, (_, form) in enumerate(self.rows):
            entries += [(index, column, value) for column, value in self._coefficients(form)]
            if not (has_answer and isinstance(self.rows[index][0], OrderRow)):
                entries.append((index, lift, -1.0))
            least.append(-float(form.constant) / self.unit)
        for each in self.roundings:
            terms = self._coefficients(each.operand, -float(each.factor))
            low, high = self.errors(each)
            offset = float(each.operand.constant * each.factor) / self.unit
            for sign, end in ((1.0, low / self.unit + offset), (-1.0, -high / self.unit - offset)):
                index = len(least)
                entries += [(index, column, sign * value) for column, value in [*terms, (each.column, 1.0)]]
                least.append(end)
        free = [each.column for each in self.roundings]  # what bounds them are their rows
        lower, upper = np.array([*self.lower, -np.inf]), np.array([*self.upper, LIFT_LIMIT])
        lower[free], upper[free] = -np.inf, np.inf
        rows, columns, values = zip(*entries, strict=True)
        matrix = csr_matrix((values, (rows, columns)), shape=(len(least), lift + 1))
        return LinearProgram(
            objective=np.eye(1, lift + 1, lift)[0],
            matrix=matrix,
            least=np.array(least),
            lower=lower,
            upper=upper,
        )

    def multiples(self, form: Form) -> list[tuple[int, float]]:
        """Return (column, multiple) of a sum, in units of the potential."""
        found = []
        for name, coefficient in form.terms.items():
            column, scale = self.columns[name]
            found.append((column, float(coefficient) * scale))
        return found

    def _coefficients(self, form: Form, times: float = 1.0) -> list[tuple[int, float]]:
        """Return (column, coefficient) of a multiple of a sum, in units of the threshold."""
        by = times / self.unit
        return [(column, multiple * by) for column, multiple in self.multiples(form)]

    def errors(self, each: Rounded) -> Ends:
        """Return the bounds of a rounding's error, one-sided if the sign of the value is known."""
        low, high = (float(end) for end in rounding_errors(each.factor, each.rounding))
        least, greatest = self.ends(each.operand)
        if each.rounding is Rounding.TOWARD_ZERO:
            return (0.0 if greatest <= 0 else low), (0.0 if least >= 0 else high)
        if each.rounding is Rounding.AWAY_FROM_ZERO:
            return (0.0 if least >= 0 else low), (0.0 if greatest <= 0 else high)
        if each.rounding is Rounding.MOVING and (greatest <= 0 or least * each.factor >= 1):
            return low, 0.0
        return low, high


def _histories(spec: Spec, problem: NeuronProblem) -> Int64s:
    """(ticks,) Return the number of the history that hidden neurons can know; 0 if they cannot have spiked.

    What they tell has passed two synapses at least. Without a bias, a history begins at the first spike.
    """
    lag, has_bias = 2 * min(spec.delays), problem.box.has_bias
    signs = np.zeros(spec.n_presynaptic) if spec.signs is None else np.array(spec.signs)
    numbers: dict[tuple[int, bytes], int] = {}
    found: list[int] = []
    for pattern, first in zip(spec.patterns, first_known(spec), strict=True):
        lines, number, is_excited = presynaptic_raster(spec, pattern), 0, has_bias
        for tick in range(pattern.ticks):
            heard = lines[tick - lag] if tick >= lag else np.zeros(lines.shape[1], np.bool_)
            if has_bias or number or heard.any():
                number = numbers.setdefault((number, np.packbits(heard).tobytes()), len(numbers) + 1)
            is_excited = is_excited or bool((heard & (signs >= 0)).any())
            found.append(number * (is_excited and tick >= first))
    return np.array(found, np.int64)
