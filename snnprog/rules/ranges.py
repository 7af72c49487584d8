"""Proved bounds of every value of a rule, by intervals: sufficient widths, and ends that are never reached.

Each neuron's registers start at 0; one tick on intervals contains every possible tick from values inside them. The
intervals grow until they are stable; ends that keep growing jump to the next power of two (widening), which ends
soon, and a few more ticks then reduce the excess (narrowing; Cousot and Cousot 1977). After the
comparison a tick is calculated twice, once for a spike and once for none, each with the potentials that lead to it.

All ends are int64 arrays ``(neurons,)``; values beyond ±`FAR` count as unbounded and stay there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.rules.expressions import (
    Add,
    Compare,
    Const,
    End,
    Expression,
    FloorDiv,
    Hold,
    Leak,
    Max,
    Min,
    Mul,
    Neg,
    Ref,
    Rounding,
    Scale,
    Select,
    Shl,
    Shr,
    Sub,
    children,
    nodes,
)
from snnprog.rules.interpreter import rounded
from snnprog.rules.rule import COUNT, POTENTIAL, SPIKES, WEIGHT, Rule, Step

FAR = 1 << 60
"""Beyond this, an int64 executor could overflow in a sum."""

GROWING, JUMPING, NARROWING = 4, 64, 3
"""Ticks that intervals grow exactly, ticks in which they may jump (each jump doubles, and 64 bits end), and ticks that
narrow them again; three bring Loihi's potentials to their fixed point up to one unit."""


@dataclass(frozen=True, eq=False)
class Span:
    """The least and the greatest value of each neuron, each ``(neurons,)`` int64."""

    low: Int64s
    high: Int64s

    @classmethod
    def of(cls, value: Int64s | int) -> Span:
        """Return the span of known values."""
        array = np.asarray(value, np.int64)
        return cls(array, array)

    @property
    def is_known(self) -> bool:
        """Whether every neuron has just one value."""
        return bool((self.low == self.high).all())

    @cached_property
    def least(self) -> int:
        """The least of all neurons."""
        return int(np.min(self.low))

    @cached_property
    def greatest(self) -> int:
        """The greatest of all neurons."""
        return int(np.max(self.high))

    @property
    def magnitude(self) -> int:
        """The greatest magnitude of all neurons."""
        return max(abs(self.least), abs(self.greatest))

    def joined(self, other: Span) -> Span:
        """Return the smallest span that contains both."""
        return Span(np.minimum(self.low, other.low), np.maximum(self.high, other.high))

    def is_within(self, other: Span) -> bool:
        """Return whether every neuron's span lies in the other one."""
        return bool((self.low >= other.low).all() and (self.high <= other.high).all())

    def widened(self, before: Span) -> Span:
        """Return the span with every end that has grown moved to the next power of two beyond."""
        return Span(
            np.where(self.low < before.low, -_power_beyond(-self.low), self.low),
            np.where(self.high > before.high, _power_beyond(self.high), self.high),
        )


def _power_beyond(values: Int64s) -> Int64s:
    """Return the smallest greater power of two, and 0 for values that are not positive."""
    exponents = np.ceil(np.log2(np.maximum(values, 1).astype(np.float64) + 1.0)).astype(np.int64)
    return np.where(values > 0, np.minimum(np.left_shift(1, np.minimum(exponents, 60)), FAR), 0)


def _far(values: Int64s, estimate: Floats) -> Int64s:
    """Return values, or ±`FAR` where their float estimate says that they lie beyond."""
    beyond = np.abs(estimate) >= FAR
    limited: Int64s = np.where(beyond, np.sign(estimate).astype(np.int64) * FAR, values)
    return limited


def _added(left: Span, right: Span) -> Span:
    sums = (left.low + right.low, left.high + right.high)
    return Span(*(np.minimum(np.maximum(end, -FAR), FAR) for end in sums))


def _negated(span: Span) -> Span:
    return Span(-span.high, -span.low)


def _product(left: Int64s, right: Int64s) -> Int64s:
    estimate = left.astype(np.float64) * right.astype(np.float64)
    with np.errstate(over="ignore"):
        return _far(left * right, estimate)


def _ends(span: Span) -> tuple[Int64s, ...]:
    """Return both ends of a span, or one if they are the same array."""
    return (span.low,) if span.low is span.high else (span.low, span.high)


def _around(values: list[Int64s]) -> Span:
    """Return the smallest span that contains values."""
    if len(values) == 1:
        return Span(values[0], values[0])
    return Span(np.minimum.reduce(values), np.maximum.reduce(values))


def _multiplied(left: Span, right: Span) -> Span:
    is_near = left.magnitude * right.magnitude < FAR
    pairs = [(one, other) for one in _ends(left) for other in _ends(right)]
    return _around([one * other if is_near else _product(one, other) for one, other in pairs])


def _shifted(span: Span, bits: Span, rounding: Rounding) -> Span:
    return _around([rounded(end, by, rounding) for end in _ends(span) for by in _ends(bits)])


def _leaking(span: Span, bits: Span, *, rounding: Rounding) -> Span:
    """Return the span after a decay by shifting: values move toward 0, and past it at most by rounding."""
    ends = [end - rounded(end, by, rounding) for end in (span.low, span.high) for by in (bits.low, bits.high)]
    ends.append(np.zeros_like(ends[0]))
    slack = 0 if rounding in (Rounding.TOWARD_ZERO, Rounding.FLOOR, Rounding.MOVING) else 1
    low = np.where(span.low >= 0, 0, np.minimum.reduce(ends) - slack)
    high = np.where(span.high <= 0, 0, np.maximum.reduce(ends) + slack)
    return Span(low, high)


def _held(span: Span, node: Hold) -> Span:
    if node.end is End.CLIP:
        return Span(*(np.minimum(np.maximum(end, node.low), node.high) for end in (span.low, span.high)))
    stays = (span.low >= node.low) & (span.high <= node.high)
    if node.end is End.WRAP:
        return Span(np.where(stays, span.low, node.low), np.where(stays, span.high, node.high))
    below = np.where(span.low < node.low, np.minimum(node.low, span.low + node.span), node.low)
    above = np.where(span.high > node.high, np.maximum(node.high, span.high - node.span), node.high)
    return Span(np.where(stays, span.low, below), np.where(stays, span.high, above))


def _compared(node: Compare, left: Span, right: Span) -> Span:
    if node.operator == ">":
        return Span((left.low > right.high).astype(np.int64), (left.high > right.low).astype(np.int64))
    return Span((left.low >= right.high).astype(np.int64), (left.high >= right.low).astype(np.int64))


def _selected(node: Select, condition: Span, if_true: Span, if_false: Span) -> Span:
    both = if_true.joined(if_false)
    always, never = (condition.low > 0) | (condition.high < 0), (condition.low == 0) & (condition.high == 0)
    low = np.where(always, if_true.low, np.where(never, if_false.low, both.low))
    return Span(low, np.where(always, if_true.high, np.where(never, if_false.high, both.high)))


def _divided(node: FloorDiv, left: Span, right: Span) -> Span:
    ends = [end // np.maximum(by, 1) for end in (left.low, left.high) for by in (right.low, right.high)]
    return Span(np.minimum.reduce(ends), np.maximum.reduce(ends))


SPANS: Mapping[type[Expression], Callable[..., Span]] = {
    Const: lambda node: Span.of(node.value),
    Add: lambda node, left, right: _added(left, right),
    Sub: lambda node, left, right: _added(left, _negated(right)),
    Mul: lambda node, left, right: _multiplied(left, right),
    Neg: lambda node, operand: _negated(operand),
    Shl: lambda node, operand: _multiplied(operand, Span.of(1 << node.bits)),
    Shr: lambda node, operand, bits: _shifted(operand, bits, node.rounding),
    Scale: lambda node, operand, factor: _shifted(_multiplied(operand, factor), Span.of(node.bits), node.rounding),
    Leak: lambda node, operand, bits: _leaking(operand, bits, rounding=node.rounding),
    Hold: lambda node, operand: _held(operand, node),
    Compare: _compared,
    Select: _selected,
    Min: lambda node, left, right: Span(np.minimum(left.low, right.low), np.minimum(left.high, right.high)),
    Max: lambda node, left, right: Span(np.maximum(left.low, right.low), np.maximum(left.high, right.high)),
    FloorDiv: _divided,
}
"""The function of each node on spans; `Ref` is looked up by the tick."""

Spans = Mapping[str, Span]


@dataclass(frozen=True, eq=False)
class Reach:
    """Bounds of the values of a rule, for some neurons and any input.

    Attributes
    ----------
    registers : mapping of str to Span
        Between ticks.
    nodes : mapping of (str, Expression) to Span
        Every part of every step's expression, by the step's name.
    """

    registers: Spans
    nodes: Mapping[tuple[str, Expression], Span] = field(repr=False)

    def of(self, step: Step, node: Expression) -> Span:
        """Return the span of a part of a step."""
        return self.nodes[step.name, node]

    def watched(self, step: Step) -> int:
        """Return the maximum magnitude of a step before clipping, or of its value without clipping."""
        holds = [node.operand for node in nodes(step.expression) if isinstance(node, Hold)]
        return max(self.of(step, node).magnitude for node in (holds or [step.expression]))


def reach_of(rule: Rule, parameters: Spans, *, arriving: Span) -> Reach:
    """Return bounds of the values of neurons, for any input.

    Parameters
    ----------
    parameters : mapping of str to Span
        Of each parameter and constant that the rule reads.
    arriving : Span
        Bounds of the sum of any events that can arrive together in a tick; they include 0.
    """
    tick = _Tick(rule, parameters, arriving)
    state: dict[str, Span] = {name: Span.of(np.zeros_like(arriving.low)) for name in rule.registers}
    for round_number in range(GROWING + JUMPING):
        after = tick.after(state)
        grown = {name: span.joined(after[name]) for name, span in state.items()}
        if all(grown[name].is_within(state[name]) for name in state):
            break
        is_jumping = round_number >= GROWING
        state = {name: span.widened(state[name]) if is_jumping else span for name, span in grown.items()}
    else:
        far = Span(np.full_like(arriving.low, -FAR), np.full_like(arriving.low, FAR))
        state = dict.fromkeys(state, far)
    zero = Span.of(np.zeros_like(arriving.low))
    for _ in range(NARROWING):
        state = {name: span.joined(zero) for name, span in tick.after(state).items()}
    notes: dict[tuple[str, Expression], Span] = {}
    tick.after(state, notes)
    return Reach(state, notes)


@dataclass(frozen=True, eq=False)
class _TickNode:
    """A node of a step with its children.

    Attributes
    ----------
    fixed : Span or None
        Its span if that follows from parameters alone.
    is_remainder : bool
        Whether it is what remains of the potential after subtracting the limit once for each spike.
    """

    node: Expression
    children: tuple[_TickNode, ...]
    fixed: Span | None
    is_remainder: bool


Notes = dict[tuple[str, Expression], Span]


class _Tick:
    """One tick on spans."""

    def __init__(self, rule: Rule, parameters: Spans, arriving: Span) -> None:
        self.rule, self.parameters, self.arriving = rule, parameters, arriving
        self.zero = Span.of(np.zeros_like(arriving.low))
        self.limit = _multiplied(parameters["threshold"], Span.of(rule.unit))
        where = next(index for index, step in enumerate(rule.steps) if step.target == SPIKES)
        written = {rule.gather.target, WEIGHT, COUNT, *rule.registers, *(step.target for step in rule.steps)}
        self.fixed = {name: span for name, span in parameters.items() if name not in written}
        self.remainders = _remainders(rule)
        self.before = [(step, self._part(step.expression)) for step in (rule.gather, *rule.steps[: where + 1])]
        self.later = [(step, self._part(step.expression, is_later=True)) for step in rule.steps[where + 1 :]]

    def _part(self, node: Expression, *, is_later: bool = False) -> _TickNode:
        parts = tuple(self._part(child, is_later=is_later) for child in children(node))
        fixed = None
        if isinstance(node, Ref):
            fixed = self.fixed.get(node.name)
        elif all(part.fixed is not None for part in parts):
            fixed = SPANS[type(node)](node, *(part.fixed for part in parts))
        return _TickNode(node, parts, fixed, is_later and node in self.remainders)

    def after(self, state: Spans, notes: Notes | None = None) -> dict[str, Span]:
        """Return the registers after a tick, and add the span of every part of every step to notes."""
        values: dict[str, Span] = {**self.parameters, self.rule.gather.target: self.zero, **state}
        values |= {WEIGHT: self.arriving, COUNT: Span.of(1)}
        for step, part in self.before:
            values[step.target] = self._span(step, part, values, notes)
        found: dict[str, Span] = {}
        for case in self._cases(values):
            for step, part in self.later:
                case[step.target] = self._span(step, part, case, notes)
            for name in self.rule.registers:
                found[name] = found[name].joined(case[name]) if name in found else case[name]
        return found

    def _cases(self, values: Spans) -> list[dict[str, Span]]:
        """Return the possible values without a spike, and with spikes, with the potential restricted accordingly."""
        spikes, potential, limit = values[SPIKES], values[POTENTIAL], self.limit
        below = limit.high - (1 if self.rule.is_equal_a_spike else 0)
        above = limit.low + (0 if self.rule.is_equal_a_spike else 1)
        silent = Span(np.minimum(potential.low, below), np.minimum(potential.high, below))
        spiking = Span(np.maximum(potential.low, above), np.maximum(potential.high, above))
        once = Span(np.maximum(spikes.low, 1), np.maximum(spikes.high, 1))
        cases = [{**values, SPIKES: Span.of(np.zeros_like(spikes.low)), POTENTIAL: silent}]
        if (spikes.high > 0).any():
            cases.append({**values, SPIKES: once, POTENTIAL: spiking})
        return cases

    def _span(self, step: Step, part: _TickNode, values: Spans, notes: Notes | None) -> Span:
        node, span = part.node, part.fixed
        if isinstance(node, Ref):
            span = values[node.name]
        elif span is None or notes is not None:
            span = SPANS[type(node)](node, *[self._span(step, child, values, notes) for child in part.children])
        if part.is_remainder and values[SPIKES].least > 0:
            span = self._remainder(values)
        if notes is not None:
            known = notes.get((step.name, node))
            notes[step.name, node] = span if known is None else known.joined(span)
        return span

    def _remainder(self, values: Spans) -> Span:
        """Return the span of ``potential - spikes * limit``, the remainder after subtracting multiples of the limit."""
        limit, potential, spikes = self.limit, values[POTENTIAL], values[SPIKES]
        most = _product(spikes.high, limit.low)
        least = np.zeros_like(potential.low) if self.rule.is_equal_a_spike else np.ones_like(potential.low)
        return Span(least, np.maximum(np.maximum(limit.high - 1, 0), potential.high - most))


def _remainders(rule: Rule) -> frozenset[Expression]:
    """Return the expressions of the potential less the limit for each spike."""
    limit = Ref("threshold")
    names = (limit, Shl(limit, rule.unit.bit_length() - 1), Mul(limit, Const(rule.unit)))
    taken = [Mul(Ref(SPIKES), name) for name in names] + [Mul(name, Ref(SPIKES)) for name in names]
    return frozenset(Sub(Ref(POTENTIAL), each) for each in taken)
