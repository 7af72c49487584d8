"""The operations of a rule as Amaranth values: one table with an entry for each node, exact on signed integers.

Amaranth widens every result so that nothing overflows; `fitted` then keeps as many bits as the proved interval of a
node takes (`snnprog.rules.ranges`). What the operations mean is said by `snnprog.rules.interpreter`, which tests
hold them against.

All roundings are one shift: ``(numerator + addend) >> bits``, where the addend depends on the rounding and on the sign
(`_addend`). A scaling's numerator is the signed product ``operand * factor``, the same that the rule has, so that a
proof of equality may take the product as given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import amaranth
from amaranth import C, Mux, Shape, Value, signed, unsigned

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
)
from snnprog.rules.ranges import Span

Keep = Callable[[Value], Value]


def shape_of(span: Span) -> Shape:
    """Return the narrowest shape that holds a span; it has at least one bit."""
    low, high = span.least, span.greatest
    if low >= 0:
        return unsigned(max(high.bit_length(), 1))
    return signed(max((~low).bit_length(), high.bit_length() if high > 0 else 0) + 1)


def fitted(value: Value, shape: Shape) -> Value:
    """Return a value with no more bits than a shape has; the value must lie within that shape's range."""
    if isinstance(value, amaranth.Const):
        return value
    bits = min(len(value), shape.width)
    kept = value[:bits]
    is_signed = shape.signed and (value.shape().signed or bits == shape.width)
    return kept.as_signed() if is_signed else kept


def rounded(keep: Keep, numerator: Value, bits: Value | int, rounding: Rounding) -> Value:
    """Return ``numerator / 2**bits``, rounded; ``bits`` is an integer or an unsigned value."""
    if rounding is Rounding.MOVING:
        floor = keep(numerator >> bits)
        return Mux(floor == 0, numerator != 0, floor)  # a negative numerator has a floor of -1 at most
    return (numerator + _addend(keep, numerator, bits, rounding=rounding)) >> bits


def _addend(keep: Keep, numerator: Value, bits: Value | int, *, rounding: Rounding) -> Value:
    """Return what is added to a numerator before it is shifted, so that its floor is the rounded quotient."""
    whole = keep(C(1) << bits)
    mask, half = whole - 1, whole >> 1
    is_negative = numerator < 0
    if rounding is Rounding.TOWARD_ZERO:
        return Mux(is_negative, mask, 0)
    if rounding is Rounding.AWAY_FROM_ZERO:
        return Mux(is_negative, 0, mask)
    if rounding is Rounding.HALF_UP:
        return half
    if rounding is Rounding.HALF_AWAY:
        return Mux(is_negative, mask - half, half)
    if rounding is Rounding.HALF_EVEN:
        is_odd = (numerator >> bits)[0]
        return mask - half + (is_odd & (half != 0))
    return C(0)


def held(keep: Keep, value: Value, node: Hold) -> Value:
    """Return what a register keeps."""
    if node.end is End.CLIP:
        return Mux(value > node.high, node.high, Mux(value < node.low, node.low, value))
    if node.end is End.FOLD:
        return Mux(value > node.high, value - node.span, Mux(value < node.low, value + node.span, value))
    above = value - node.low
    if node.span & (node.span - 1):
        return above % node.span + node.low
    bits = node.span.bit_length() - 1
    return keep(above + C(0, signed(bits + 1)))[:bits] + node.low


def product(keep: Keep, left: Value, right: Value) -> Value:
    """Return ``left * right``; of a value and a constant as shifts and additions."""
    if isinstance(left, amaranth.Const):
        left, right = right, left
    if not isinstance(right, amaranth.Const) or isinstance(left, amaranth.Const):
        return left * right
    terms = [-(left << bits) if is_taken_off else left << bits for bits, is_taken_off in digits_of(right.value)]
    total: Value = C(0)
    for index, term in enumerate(terms):
        total = keep(total + term) if index else term
    return total


def digits_of(constant: int) -> list[tuple[int, bool]]:
    """Return the powers of two, as exponents, that add up to a constant, and whether each is taken off instead.

    These are the digits of its canonical signed form, in which no two neighbours are set: a third of the bits on average
    (Reitwiesner, "Binary arithmetic", Advances in Computers 1, 1960).
    """
    found, bits = [], 0
    while constant:
        if constant & 1:
            digit = 2 - (constant & 3)
            found.append((bits, digit < 0))
            constant -= digit
        constant >>= 1
        bits += 1
    return found[::-1]


def _scaled(keep: Keep, node: Scale, operand: Value, factor: Value) -> Value:
    return rounded(keep, keep(product(keep, operand, factor)), node.bits, node.rounding)


def _leaking(keep: Keep, node: Leak, operand: Value, bits: Value) -> Value:
    return operand - rounded(keep, operand, bits, node.rounding)


def _compared(keep: Keep, node: Compare, left: Value, right: Value) -> Value:
    return left > right if node.operator == ">" else left >= right


OPERATIONS: Mapping[type[Expression], Callable[..., Value]] = {
    Const: lambda keep, node: C(node.value),
    Add: lambda keep, node, left, right: left + right,
    Sub: lambda keep, node, left, right: left - right,
    Mul: lambda keep, node, left, right: product(keep, left, right),
    Neg: lambda keep, node, operand: -operand,
    Shl: lambda keep, node, operand: operand << node.bits,
    Shr: lambda keep, node, operand, bits: rounded(keep, operand, bits, node.rounding),
    Scale: _scaled,
    Leak: _leaking,
    Hold: lambda keep, node, operand: held(keep, operand, node),
    Compare: _compared,
    Select: lambda keep, node, condition, if_true, if_false: Mux(condition != 0, if_true, if_false),
    Min: lambda keep, node, left, right: Mux(left < right, left, right),
    Max: lambda keep, node, left, right: Mux(left > right, left, right),
    FloorDiv: lambda keep, node, left, right: left // right,
}
"""What each node is in hardware, of the values of its children; `Ref` is looked up where a step is built."""


def value_of(
    expression: Expression, values: Mapping[str, Value], *, span_of: Callable[[Expression], Span], keep: Keep
) -> Value:
    """Return the value of an expression.

    Parameters
    ----------
    values : mapping of str to amaranth.Value
        The latest value of every name that the expression reads.
    span_of : callable
        How far each part of the expression can go, which says how many bits are kept of it.
    keep : callable
        Makes a signal of a value that is read more than once: Amaranth writes a value out wherever it is read.
    """

    def node_value(node: Expression) -> Value:
        span = span_of(node)
        if span.least == span.greatest:
            return C(span.least)
        if isinstance(node, Ref):
            return values[node.name]
        if isinstance(node, Hold) and _is_idle(node, span_of(node.operand)):
            return node_value(node.operand)
        found = OPERATIONS[type(node)](keep, node, *map(node_value, children(node)))
        return keep(fitted(found, shape_of(span)))

    return node_value(expression)


def _is_idle(node: Hold, operand: Span) -> bool:
    """Tell whether no value that a register is given reaches beyond its ends."""
    return node.low <= operand.least and operand.greatest <= node.high
