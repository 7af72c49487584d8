"""The operations of a rule as Amaranth values: one table with an entry for each node, exact on signed integers.

Amaranth widens every result so that nothing overflows; `fitted` then keeps as many bits as the proved interval of a
node takes (`snnprog.rules.ranges`). What the operations mean is said by `snnprog.rules.interpreter`, which tests
compare them with.

All roundings are one shift: ``(numerator + addend) >> bits``, where the addend depends on the rounding and on the sign
(`_addend`). A scaling's numerator is the signed product ``operand * factor``, the same that the rule has, so that a
proof of equality may take the product as given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import amaranth
from amaranth import C, Cat, Module, Mux, Shape, Signal, Value, signed, unsigned

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
    """Return a value with at most the bits of a shape; the value must lie within that shape's range."""
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
    """Return the addend of a numerator before its shift, so that its floor is the rounded quotient."""
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
    """Return the new value of a register."""
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
    """Return ``left * right``; for a constant with shifts and additions."""
    if isinstance(left, amaranth.Const):
        left, right = right, left
    if not isinstance(right, amaranth.Const) or isinstance(left, amaranth.Const):
        return left * right
    total: Value = C(0)
    for index, (bits, is_taken_off) in enumerate(digits_of(right.value)):
        term = left << bits
        total = keep(total - term if is_taken_off else total + term) if index or is_taken_off else term
    return total


def digits_of(constant: int) -> list[tuple[int, bool]]:
    """Return the powers of two, as exponents, that add up to a constant, and whether each is subtracted instead.

    These are the digits of its canonical signed form, in which no two neighbours are set: a third of all on average
    (Reitwiesner, "Binary arithmetic", Advances in Computers 1, 1960). The greatest comes first.
    """
    found, bits = [], 0
    while constant:
        digit = 2 - (constant & 3) if constant & 1 else 0
        if digit:
            found.append((bits, digit < 0))
        constant = constant - digit >> 1
        bits += 1
    return found[::-1]


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
    Scale: lambda keep, node, product: rounded(keep, product, node.bits, node.rounding),
    Leak: _leaking,
    Hold: lambda keep, node, operand: held(keep, operand, node),
    Compare: _compared,
    Select: lambda keep, node, condition, if_true, if_false: Mux(condition != 0, if_true, if_false),
    Min: lambda keep, node, left, right: Mux(left < right, left, right),
    Max: lambda keep, node, left, right: Mux(left > right, left, right),
    FloorDiv: lambda keep, node, left, right: left // right,
}
"""What each node is in hardware, of the values of its children, and a `Scale` of its product; `Ref` is looked up."""

DEPTHS: Mapping[type[Expression], float] = MappingProxyType(
    {
        Const: 0.0,
        Add: 1.0,
        Sub: 1.0,
        Mul: 1.5,
        Neg: 1.0,
        Shl: 0.0,
        Shr: 2.0,
        Scale: 1.0,
        Leak: 3.0,
        Hold: 1.5,
        Compare: 1.0,
        Select: 0.5,
        Min: 1.5,
        Max: 1.5,
        FloorDiv: 20.0,
    }
)
"""The delay of a node, in additions: a choice, estimated from its logic, used to place registers."""


@dataclass(frozen=True)
class TimedValue:
    """A value with its delay in a circuit.

    Attributes
    ----------
    value : amaranth.Value
    clocks : int
        How many registers lie before it: so many clocks after all sources hold still, it does.
    depth : float
        How long it takes from the nearest registers, in additions (`DEPTHS`).
    """

    value: Value
    clocks: int = 0
    depth: float = 0.0


@dataclass(frozen=True)
class CircuitBuilder:
    """Builds expressions in a module, with registers between nodes of long paths.

    Registers hold a value a clock later, whether it has come to rest or not; the sources of a circuit hold still until
    all of it has. So no register must wait for another one.

    Attributes
    ----------
    module : amaranth.Module or None
        None to learn no more than how many clocks a circuit takes.
    most_depth : float or None
        After a node that is deeper than this comes a register; None for none at all.
    """

    module: Module | None
    most_depth: float | None = None

    def value_of(
        self,
        expression: Expression,
        values: Mapping[str, TimedValue],
        *,
        name: str,
        span_of: Callable[[Expression], Span],
    ) -> TimedValue:
        """Return the value of an expression.

        Parameters
        ----------
        values : mapping of str to TimedValue
            The latest value of every name that the expression reads.
        name : str
            What its signals are called.
        span_of : callable
            How far each part of the expression can go, which says how many bits are kept of it.
        """

        def keep(value: Value) -> Value:
            return self._kept(value, name, is_registered=False)

        def part(value: Value, depth: float, sources: Sequence[TimedValue]) -> TimedValue:
            clocks = max((each.clocks for each in sources), default=0)
            depth += max((each.depth for each in sources), default=0.0)
            is_registered = self.most_depth is not None and depth > self.most_depth
            signal = self._kept(value, name, is_registered=is_registered)
            return TimedValue(signal, clocks + 1, 0.0) if is_registered else TimedValue(signal, clocks, depth)

        def build(node: Expression) -> TimedValue:
            span = span_of(node)
            if span.least == span.greatest:
                return TimedValue(C(span.least))
            if isinstance(node, Ref):
                return values[node.name]
            if isinstance(node, Hold) and _is_idle(node, span_of(node.operand)):
                return build(node.operand)
            parts = [build(child) for child in children(node)]
            if (
                isinstance(node, FloorDiv)
                and self.most_depth is not None
                and _is_natural(*map(span_of, children(node)))
            ):
                return self._divided(*parts, span=span, name=name)
            if isinstance(node, Scale):
                parts = [part(product(keep, parts[0].value, parts[1].value), DEPTHS[Mul], parts)]
            found = OPERATIONS[type(node)](keep, node, *(each.value for each in parts))
            return part(fitted(found, shape_of(span)), DEPTHS[type(node)], parts)

        return build(expression)

    def _divided(self, dividend: TimedValue, divisor: TimedValue, *, span: Span, name: str) -> TimedValue:
        """Return the quotient of unsigned values, one bit after the other from the highest one, a register after each.

        What is left of the dividend's upper bits, after as many divisors as go into them, is shifted up by one bit of
        the dividend; the divisor goes into that once or not at all (long division, as with pen and paper).
        """
        found: list[Value] = []
        left: Value = C(0)
        for bit in reversed(range(len(dividend.value))):
            more = Cat(dividend.value[bit], left)
            found.append(self._kept(more >= divisor.value, name, is_registered=False))
            rest = Mux(found[-1], more - divisor.value, more)[: len(divisor.value)]
            left = self._kept(rest, name, is_registered=True)
        quotient = fitted(Cat(*reversed(found)), shape_of(span))
        clocks = max(dividend.clocks, divisor.clocks) + len(dividend.value) - 1
        return TimedValue(self._kept(quotient, name, is_registered=True), clocks + 1, 0.0)

    def _kept(self, value: Value, name: str, *, is_registered: bool) -> Value:
        """Return a signal with a value, now or a clock later, because Amaranth writes values at each use.

        A constant is left as it is.
        """
        if isinstance(value, amaranth.Const) or self.module is None:
            return value
        signal = Signal(value.shape(), name=name)
        self.module.d["sync" if is_registered else "comb"] += signal.eq(value)
        return signal


def _is_natural(dividend: Span, divisor: Span) -> bool:
    """Tell whether values can be divided as unsigned ones."""
    return dividend.least >= 0 and divisor.least > 0


def _is_idle(node: Hold, operand: Span) -> bool:
    """Return whether no value of a register reaches beyond its bounds."""
    return node.low <= operand.least and operand.greatest <= node.high
