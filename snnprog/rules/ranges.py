"""Proved bounds of every value of a rule, by intervals: sufficient widths, and ends that are never reached.

Each neuron's registers start at 0; one tick on intervals contains every possible tick from values inside them. The
intervals grow until they are stable; ends that keep growing jump to the next power of two (widening), which ends
soon, and a few more ticks then reduce the excess (narrowing; Cousot and Cousot 1977). After the
comparison a tick is calculated twice, once for a spike and once for none, each with the potentials that lead to it.

All ends are int64 arrays ``(neurons,)``; values beyond ±`FAR` count as unbounded and stay there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

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
    names_in,
    nodes,
    rebuilt,
)
from snnprog.rules.interpreter import rounded
from snnprog.rules.rule import COUNT, POTENTIAL, SPIKES, WEIGHT, Rule, Step, Watch

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

    @property
    def least(self) -> int:
        """The least of all neurons."""
        return int(np.min(self.low))

    @property
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
    return Span(*(np.clip(one + other, -FAR, FAR) for one, other in ((left.low, right.low), (left.high, right.high))))


def _negated(span: Span) -> Span:
    return Span(-span.high, -span.low)


def _product(left: Int64s, right: Int64s) -> Int64s:
    estimate = left.astype(np.float64) * right.astype(np.float64)
    with np.errstate(over="ignore"):
        return _far(left * right, estimate)


def _multiplied(left: Span, right: Span) -> Span:
    products = [_product(one, other) for one in (left.low, left.high) for other in (right.low, right.high)]
    return Span(np.minimum.reduce(products), np.maximum.reduce(products))


def _shifted(span: Span, bits: Span, rounding: Rounding) -> Span:
    ends = [rounded(end, by, rounding) for end in (span.low, span.high) for by in (bits.low, bits.high)]
    return Span(np.minimum.reduce(ends), np.maximum.reduce(ends))


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
    tick.nodes.clear()
    tick.after(state)
    return Reach(state, dict(tick.nodes))


class _Tick:
    """One tick on spans."""

    def __init__(self, rule: Rule, parameters: Spans, arriving: Span) -> None:
        self.rule, self.parameters, self.arriving = rule, parameters, arriving
        self.nodes: dict[tuple[str, Expression], Span] = {}
        where = next(index for index, step in enumerate(rule.steps) if step.target == SPIKES)
        self.before, self.fire, self.later = rule.steps[:where], rule.steps[where], rule.steps[where + 1 :]

    def after(self, state: Spans) -> dict[str, Span]:
        """Return the registers after a tick."""
        gather = self.rule.gather
        zero = Span.of(np.zeros_like(self.arriving.low))
        values: dict[str, Span] = {**self.parameters, gather.target: zero, **state}
        values |= {WEIGHT: self.arriving, COUNT: Span.of(1)}
        for step in (gather, *self.before, self.fire):
            values[step.target] = self._span(step, step.expression, values)
        found: dict[str, Span] = {}
        for case in self._cases(values):
            for step in self.later:
                case[step.target] = self._span(step, step.expression, case)
            for name in self.rule.registers:
                found[name] = found[name].joined(case[name]) if name in found else case[name]
        return found

    def _cases(self, values: Spans) -> list[dict[str, Span]]:
        """Return the possible values without a spike, and with spikes, with the potential restricted accordingly."""
        spikes, potential = values[SPIKES], values[POTENTIAL]
        limit = _multiplied(self.parameters["threshold"], Span.of(self.rule.unit))
        below = limit.high - (1 if self.rule.is_equal_a_spike else 0)
        above = limit.low + (0 if self.rule.is_equal_a_spike else 1)
        silent = Span(np.minimum(potential.low, below), np.minimum(potential.high, below))
        spiking = Span(np.maximum(potential.low, above), np.maximum(potential.high, above))
        once = Span(np.maximum(spikes.low, 1), np.maximum(spikes.high, 1))
        cases = [{**values, SPIKES: Span.of(np.zeros_like(spikes.low)), POTENTIAL: silent}]
        if (spikes.high > 0).any():
            cases.append({**values, SPIKES: once, POTENTIAL: spiking})
        return cases

    def _span(self, step: Step, node: Expression, values: Spans) -> Span:
        if isinstance(node, Ref):
            span = values[node.name]
        else:
            span = SPANS[type(node)](node, *(self._span(step, child, values) for child in children(node)))
        if step in self.later and values[SPIKES].least > 0:
            span = self._remainder(node, values, span=span)
        known = self.nodes.get((step.name, node))
        self.nodes[step.name, node] = span if known is None else known.joined(span)
        return span

    def _remainder(self, node: Expression, values: Spans, *, span: Span) -> Span:
        """Return the span of ``potential - spikes * limit``, the remainder after subtracting multiples of the limit."""
        unit, limits = self.rule.unit, Ref("threshold")
        names = (limits, Shl(limits, unit.bit_length() - 1), Mul(limits, Const(unit)))
        taken = [Mul(Ref(SPIKES), name) for name in names] + [Mul(name, Ref(SPIKES)) for name in names]
        if node not in [Sub(Ref(POTENTIAL), each) for each in taken]:
            return span
        limit, potential, spikes = _multiplied(values["threshold"], Span.of(unit)), values[POTENTIAL], values[SPIKES]
        most = _product(spikes.high, limit.low)
        least = np.zeros_like(potential.low) if self.rule.is_equal_a_spike else np.ones_like(potential.low)
        return Span(least, np.maximum(np.maximum(limit.high - 1, 0), potential.high - most))


def _target(rule: Rule, watch: Watch) -> str:
    return rule.step(watch.step).target


def simplified(rule: Rule, reach: Reach) -> Rule:
    """Return an equivalent rule for these bounds, without ends that are never reached and constant registers.

    Watches that no value can exceed are removed, too, and so are registers that stay 0.
    """
    still = {name for name, span in reach.registers.items() if span.magnitude == 0} - {POTENTIAL}
    fixed = frozenset(each.name for each in rule.parameters) | {each.name for each in rule.constants}
    lowering = _Lowering(reach, still, fixed)
    kept = [lowering.step(step) for step in rule.steps if step.target not in still]
    gather = lowering.step(rule.gather)
    read = {"threshold"}
    for step in (gather, *kept):
        read |= names_in(step.expression)
    return replace(
        rule,
        registers=tuple(name for name in rule.registers if name not in still),
        parameters=tuple(one for one in rule.parameters if one.name in read),
        constants=tuple(each for each in rule.constants if each.name in read),
        gather=gather,
        steps=tuple(kept),
        watched=tuple(
            watch
            for watch in rule.watched
            if _target(rule, watch) not in still and reach.watched(rule.step(watch.step)) >= watch.limit
        ),
    )


@dataclass(frozen=True)
class _Lowering:
    """Removes parts without effect; parts that only depend on parameters stay, so that few different rules result."""

    reach: Reach
    still: set[str]
    fixed: frozenset[str]

    def step(self, step: Step) -> Step:
        """Return a step without parts that have no effect; the comparison keeps its form."""
        if step.target == SPIKES:
            return step
        if {WEIGHT, COUNT} & names_in(step.expression):
            return replace(step, expression=self._gathered(step))
        return replace(step, expression=self._node(step, step.expression))

    def _gathered(self, step: Step) -> Expression:
        """Return a gathering without ends that are never reached; its target holds sums of some events."""
        return rebuilt(
            step.expression,
            lambda node: node.operand if isinstance(node, Hold) and self._is_within(step, node) else node,
        )

    def _is_within(self, step: Step, node: Hold) -> bool:
        return (step.name, node) in self.reach.nodes and self._is_idle(step, node)

    def _node(self, step: Step, node: Expression) -> Expression:
        span = self.reach.of(step, node)
        if isinstance(node, Const):
            return node
        if names_in(node) <= self.fixed:
            return Const(0) if isinstance(node, Ref) and span.magnitude == 0 else node
        if span.magnitude == 0:
            return Const(0)
        if isinstance(node, Select) and self.reach.of(step, node.condition).magnitude == 0:
            return self._node(step, node.if_false)
        if isinstance(node, Hold) and self._is_idle(step, node):
            return self._node(step, node.operand)
        parts = {name: self._node(step, part) for name, part in vars(node).items() if isinstance(part, Expression)}
        if isinstance(node, Add | Sub) and parts["right"] == Const(0):
            return parts["left"]
        if isinstance(node, Add) and parts["left"] == Const(0):
            return parts["right"]
        return replace(node, **parts) if parts else node

    def _is_idle(self, step: Step, node: Hold) -> bool:
        operand = self.reach.of(step, node.operand)
        return node.low <= operand.least and operand.greatest <= node.high
