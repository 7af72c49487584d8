"""The reference: a rule, interpreted on NumPy arrays of int64, node by node.

This is the simplest executor, and all others are checked against it. Axes are those of the given
arrays, any that broadcast: here ``(patterns, neurons)``. Parts of a step that read only parameters and constants are
calculated once.

Values are int64, and wrap beyond 63 bits, in every executor: this is possible only in a rule whose registers have no
ends and no decay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Int64s
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
    Table,
    evaluate,
    names_in,
    rebuilt,
)
from snnprog.rules.rule import COUNT, POTENTIAL, SPIKES, WEIGHT, Rule, Step

Values = Mapping[str, Int64s]
Note = Callable[[str, Int64s], None]
"""Called with a watched step and a value before clipping."""


@dataclass(frozen=True, eq=False)
class _Known(Expression):
    """A part of an expression whose value is known; it is evaluated at once, and never compared."""

    values: Int64s

    def __post_init__(self) -> None:
        """Keep the array as it is."""


def rounded(numerator: Int64s, bits: Int64s | int, rounding: Rounding) -> Int64s:
    """Return ``numerator / 2**bits``, rounded."""
    result: Int64s
    if rounding is Rounding.FLOOR:
        result = numerator >> bits
    elif rounding is Rounding.MOVING:
        floor = numerator >> bits
        result = np.where(floor == 0, np.sign(numerator), floor)
    elif rounding is Rounding.TOWARD_ZERO:
        result = np.sign(numerator) * (np.abs(numerator) >> bits)
    elif rounding is Rounding.AWAY_FROM_ZERO:
        result = -np.sign(numerator) * (-np.abs(numerator) >> bits)
    else:
        result = _nearest(numerator, bits, rounding)
    return result


def _nearest(numerator: Int64s, bits: Int64s | int, rounding: Rounding) -> Int64s:
    """Return ``numerator / 2**bits``, rounded to the nearest integer; the rounding defines the treatment of halves."""
    half = np.left_shift(1, np.asarray(bits)) >> 1
    result: Int64s
    if rounding is Rounding.HALF_UP:
        result = (numerator + half) >> bits
    elif rounding is Rounding.HALF_AWAY:
        result = np.sign(numerator) * ((np.abs(numerator) + half) >> bits)
    else:
        is_odd = (numerator >> bits) & 1
        result = np.where(np.asarray(bits) == 0, numerator, (numerator + half - 1 + is_odd) >> bits)
    return result


def held(values: Int64s, node: Hold) -> Int64s:
    """Return the value that a register keeps."""
    kept: Int64s
    if node.end is End.CLIP:
        kept = np.minimum(np.maximum(values, node.low), node.high)
    elif node.end is End.WRAP:
        kept = node.low + (values - node.low) % node.span
    else:
        kept = values - node.span * (values > node.high) + node.span * (values < node.low)
    return kept


def _compared(node: Compare, left: Int64s, right: Int64s) -> Int64s:
    return (left > right if node.operator == ">" else left >= right).astype(np.int64)


OPERATIONS: Table[Int64s] = {
    Const: lambda node: np.array(node.value, np.int64),
    _Known: lambda node: node.values,
    Add: lambda node, left, right: left + right,
    Sub: lambda node, left, right: left - right,
    Mul: lambda node, left, right: left * right,
    Neg: lambda node, operand: -operand,
    Shl: lambda node, operand: operand << node.bits,
    Shr: lambda node, operand, bits: rounded(operand, bits, node.rounding),
    Scale: lambda node, operand, factor: rounded(operand * factor, node.bits, node.rounding),
    Leak: lambda node, operand, bits: operand - rounded(operand, bits, node.rounding),
    Hold: lambda node, operand: held(operand, node),
    Compare: _compared,
    Select: lambda node, condition, if_true, if_false: np.where(condition != 0, if_true, if_false),
    Min: lambda node, left, right: np.minimum(left, right),
    Max: lambda node, left, right: np.maximum(left, right),
    FloorDiv: lambda node, left, right: left // right,
}
"""The function of each node on arrays; `Interpreter.tick` looks up names."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """The result of one tick.

    Attributes
    ----------
    state : mapping of str to array
        The registers after the tick.
    spikes : int64
        Number of spikes of each neuron.
    compared : int64
        The potential that was compared with the threshold, before the reset.
    """

    state: dict[str, Int64s]
    spikes: Int64s
    compared: Int64s


class Interpreter:
    """A rule with the parameters of some neurons.

    Parameters
    ----------
    rule : Rule
    parameters : mapping of str to (neurons,) int64
        All parameters that the rule reads, including its constants, by name.
    """

    def __init__(self, rule: Rule, parameters: Values) -> None:
        self.rule, self.parameters = rule, dict(parameters)
        fixed = frozenset(self.parameters)
        self._gather = _hoisted(rule.gather.expression, fixed, parameters=self.parameters)
        self._steps = [(step, _hoisted(step.expression, fixed, parameters=self.parameters)) for step in rule.steps]
        self._watched = {watch.step for watch in rule.watched}

    def rest(self, shape: tuple[int, ...]) -> dict[str, Int64s]:
        """Return all registers at rest, each of this shape."""
        return {name: np.zeros(shape, np.int64) for name in self.rule.registers}

    def value(self, expression: Expression) -> Int64s:
        """Return the value of an expression of parameters and constants only."""
        return evaluate(_hoisted(expression, frozenset(self.parameters), parameters=self.parameters), OPERATIONS)

    def gather(self, gathered: Int64s, weight: Int64s, count: Int64s | int, note: Note | None = None) -> Int64s:
        """Return the gathering's target after one event: spikes that arrive together over one synapse each."""
        values = {self.rule.gather.target: gathered, WEIGHT: weight, COUNT: np.asarray(count, np.int64)}
        return self._value(self.rule.gather, self._gather, values, note)

    def tick(self, state: Values, gathered: Int64s, note: Note | None = None) -> Outcome:
        """Return one tick, from the registers before it and the target of the gathering."""
        values = {**state, self.rule.gather.target: gathered}
        compared = values[POTENTIAL]
        for step, expression in self._steps:
            if step.target == SPIKES:
                compared = values[POTENTIAL]
            values[step.target] = self._value(step, expression, values, note)
        after = {name: values[name] for name in self.rule.registers}
        shape = np.broadcast_shapes(np.shape(compared), np.shape(values[SPIKES]), np.shape(gathered))
        return Outcome(after, np.broadcast_to(values[SPIKES], shape), np.broadcast_to(compared, shape))

    def _value(self, step: Step, expression: Expression, values: Values, note: Note | None) -> Int64s:
        table: dict[type[Expression], Callable[..., Int64s]] = {**OPERATIONS, Ref: lambda node: values[node.name]}
        if note is None or step.name not in self._watched:
            return evaluate(expression, table)
        holds = 0

        def hold(node: Hold, operand: Int64s) -> Int64s:
            nonlocal holds
            holds += 1
            note(step.name, operand)
            return held(operand, node)

        value = evaluate(expression, {**table, Hold: hold})
        if not holds:
            note(step.name, value)
        return value


def _hoisted(expression: Expression, fixed: frozenset[str], *, parameters: Values) -> Expression:
    """Return the expression with all parts that only read ``fixed`` names calculated."""
    table: dict[type[Expression], Callable[..., Int64s]] = {
        **OPERATIONS,
        Ref: lambda node: parameters[node.name],
    }

    def calculated(node: Expression) -> Expression:
        return _Known(evaluate(node, table)) if names_in(node) <= fixed else node

    return rebuilt(expression, calculated)
