"""The table that converts a rule to C: one text for each node of an expression.

Every text is of type ``int32_t`` where the proof of ranges says that the value and all that is calculated on the way to
it stay within 32 bits, else ``int64_t``. Nothing overflows, so nothing is undefined; see `snnprog.emit.c.helpers` about
shifts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import product

from snnprog.emit.c.helpers import ROUNDING_HELPERS, HelperSet
from snnprog.emit.c.types import INT32, INT64, IntegerType
from snnprog.errors import LimitError
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
    Rounding,
    Scale,
    Select,
    Shl,
    Shr,
    Sub,
)
from snnprog.rules.ranges import FAR, Span

NARROW = (1 << 31) - 1
"""The largest magnitude that 32 bits hold, of either sign."""

ATOM, PRODUCT, SUM, LOOSE = range(4)
"""How tightly a text is bound: a name or call, a product, a sum, anything else."""


@dataclass(frozen=True)
class Piece:
    """An expression in C.

    Attributes
    ----------
    text : str
    low, high : int
        Between which its value lies.
    binding : int
        `ATOM`, `PRODUCT`, `SUM` or `LOOSE`.
    is_wide : bool
        Whether its type is ``int64_t``.
    """

    text: str
    low: int
    high: int
    binding: int = ATOM
    is_wide: bool = False

    @classmethod
    def number(cls, value: int) -> Piece:
        """Return a constant."""
        return cls(str(value), value, value, ATOM if value >= 0 else SUM, abs(value) > NARROW)

    @property
    def magnitude(self) -> int:
        """The largest magnitude of its value."""
        return max(abs(self.low), abs(self.high))

    @property
    def is_number(self) -> bool:
        """Whether it is a constant."""
        return self.low == self.high and self.text == str(self.low)

    def inside(self, binding: int) -> str:
        """Return its text for a place with this precedence, in parentheses if necessary."""
        return self.text if self.binding <= binding else f"({self.text})"

    def as_type(self, kind: IntegerType) -> str:
        """Return its text, cast if it is wider or narrower than a type of 32 or 64 bits."""
        return self.text if self.is_wide == (kind is INT64) else f"({kind.name}){self.inside(ATOM)}"


def variable_of(name: str, span: Span) -> Piece:
    """Return a variable that holds values of a span."""
    return Piece(name, span.least, span.greatest, is_wide=span.magnitude > NARROW)


@dataclass(frozen=True)
class Place:
    """Where a text is made.

    Attributes
    ----------
    helpers : HelperSet
    low, high : int
        Between which the node's value lies.
    """

    helpers: HelperSet
    low: int
    high: int

    def kind(self, *magnitudes: int) -> IntegerType:
        """Return the type for calculating a value from others of these magnitudes."""
        most = max(abs(self.low), abs(self.high), *magnitudes)
        if most <= NARROW:
            return INT32
        if most < FAR << 2:
            return INT64
        raise LimitError(
            "a value of the rule", most, "within 64 bits", "give registers ends in the rule, or lower the weights"
        )

    def result(self, text: str, binding: int, kind: IntegerType) -> Piece:
        """Return the node's text, cast to 32 bits if these hold the value."""
        is_wide = max(abs(self.low), abs(self.high)) > NARROW
        if kind is INT64 and not is_wide:
            text, binding = f"(int32_t){text if binding == ATOM else f'({text})'}", ATOM
        return Piece(text, self.low, self.high, binding, is_wide)

    def call(self, helper: str, kind: IntegerType, *arguments: str) -> Piece:
        """Return the call of a helper."""
        return self.result(f"{self.helpers.name(helper, kind)}({', '.join(arguments)})", ATOM, kind)


def _wide_first(left: Piece, kind: IntegerType, binding: int) -> str:
    """Return the first operand, of 64 bits if the operation must be."""
    if kind is INT64 and not left.is_wide:
        return f"(int64_t){left.inside(ATOM)}"
    return left.inside(binding)


def _add(node: Add, place: Place, left: Piece, right: Piece) -> Piece:
    kind = place.kind(left.magnitude, right.magnitude)
    if right.is_number and right.low < 0:
        return place.result(f"{_wide_first(left, kind, SUM)} - {-right.low}", SUM, kind)
    return place.result(f"{_wide_first(left, kind, SUM)} + {right.inside(PRODUCT)}", SUM, kind)


def _sub(node: Sub, place: Place, left: Piece, right: Piece) -> Piece:
    kind = place.kind(left.magnitude, right.magnitude)
    return place.result(f"{_wide_first(left, kind, SUM)} - {right.inside(PRODUCT)}", SUM, kind)


def _mul(node: Mul, place: Place, left: Piece, right: Piece) -> Piece:
    return _times(place, left, right)


def _times(place: Place, left: Piece, right: Piece) -> Piece:
    if right.is_number and right.low == 1:
        return left
    kind = place.kind(left.magnitude, right.magnitude)
    return place.result(f"{_wide_first(left, kind, ATOM)} * {right.inside(ATOM)}", PRODUCT, kind)


def _neg(node: Neg, place: Place, operand: Piece) -> Piece:
    return place.result(f"-{operand.inside(ATOM)}", SUM, place.kind(operand.magnitude))


def _shl(node: Shl, place: Place, operand: Piece) -> Piece:
    return _times(place, operand, Piece.number(1 << node.bits)) if node.bits else operand


def _scale(node: Scale, place: Place, operand: Piece, factor: Piece) -> Piece:
    return scaled(place, operand, factor, bits=Piece.number(node.bits), rounding=node.rounding)


def _shr(node: Shr, place: Place, operand: Piece, bits: Piece) -> Piece:
    return scaled(place, operand, Piece.number(1), bits=bits, rounding=node.rounding)


def scaled(place: Place, operand: Piece, factor: Piece, *, bits: Piece, rounding: Rounding) -> Piece:
    """Return ``operand * factor / 2**bits``, rounded: as one product if it fits, else in two parts."""
    if factor.is_number and bits.is_number and factor.low == 1 << bits.low:
        return operand
    corners = [one * other for one, other in product((operand.low, operand.high), (factor.low, factor.high))]
    whole, helper = 1 << bits.high, ROUNDING_HELPERS[rounding]
    most = max(*map(abs, corners), place.low, place.high) + whole
    parts = max(operand.magnitude, factor.magnitude * whole + whole, most // whole + factor.magnitude + 1)
    if most <= NARROW or (parts > NARROW and most < FAR << 2):
        inner = replace(place, low=min(corners), high=max(corners))
        numerator = operand if factor.is_number and factor.low == 1 else _times(inner, operand, factor)
        return _divided(place, numerator, bits, helper=helper, most=most)
    kind = place.kind(parts)
    count = bits.as_type(INT32)
    return place.call(f"split_{helper}", kind, operand.as_type(kind), factor.as_type(kind), count)


def _divided(place: Place, numerator: Piece, bits: Piece, *, helper: str, most: int) -> Piece:
    """Return a numerator over ``2**bits``, rounded; C's own division if it is the same."""
    kind = place.kind(most)
    is_same = helper == "toward_zero" or (helper == "shift_down" and numerator.low >= 0)
    if is_same and bits.is_number:
        return place.result(f"{_wide_first(numerator, kind, PRODUCT)} / {1 << bits.low}", PRODUCT, kind)
    return place.call(helper, kind, numerator.as_type(kind), bits.as_type(INT32))


def _leak(node: Leak, place: Place, operand: Piece, bits: Piece) -> Piece:
    whole = max(operand.magnitude, 1)
    taken = scaled(replace(place, low=-whole, high=whole), operand, Piece.number(1), bits=bits, rounding=node.rounding)
    kind = place.kind(operand.magnitude, taken.magnitude)
    return place.result(f"{_wide_first(operand, kind, SUM)} - {taken.inside(PRODUCT)}", SUM, kind)


def _hold(node: Hold, place: Place, operand: Piece) -> Piece:
    span = node.span
    if node.end is End.CLIP:
        kind = place.kind(operand.magnitude, node.low, node.high)
        return place.call("clip", kind, operand.as_type(kind), str(node.low), str(node.high))
    kind = place.kind(operand.magnitude + span, abs(node.low) + span, node.high)
    if node.end is End.FOLD:
        return place.call("fold", kind, operand.as_type(kind), str(node.low), str(node.high), str(span))
    if span & (span - 1) == 0:
        return place.call("wrap", kind, operand.as_type(kind), str(node.low), str(span - 1))
    return place.call("wrap_any", kind, operand.as_type(kind), str(node.low), str(span))


def _compare(node: Compare, place: Place, left: Piece, right: Piece) -> Piece:
    return Piece(f"{left.inside(SUM)} {node.operator} {right.inside(SUM)}", place.low, place.high, LOOSE)


def _select(node: Select, place: Place, condition: Piece, if_true: Piece, if_false: Piece) -> Piece:
    kind = INT64 if if_true.is_wide or if_false.is_wide else INT32
    is_compared = isinstance(node.condition, Compare)
    test = condition.text if is_compared else f"{condition.inside(SUM)} != 0"
    return place.result(f"{test} ? {if_true.inside(SUM)} : {if_false.inside(SUM)}", LOOSE, kind)


def _extreme(helper: str) -> Callable[..., Piece]:
    def text(node: Expression, place: Place, left: Piece, right: Piece) -> Piece:
        kind = place.kind(left.magnitude, right.magnitude)
        return place.call(helper, kind, left.as_type(kind), right.as_type(kind))

    return text


def _floor_div(node: FloorDiv, place: Place, left: Piece, right: Piece) -> Piece:
    kind = place.kind(left.magnitude, right.magnitude)
    return place.call("quotient" if left.low >= 0 else "divide", kind, left.as_type(kind), right.as_type(kind))


TEXTS: Mapping[type[Expression], Callable[..., Piece]] = {
    Const: lambda node, place: Piece.number(node.value),
    Add: _add,
    Sub: _sub,
    Mul: _mul,
    Neg: _neg,
    Shl: _shl,
    Shr: _shr,
    Scale: _scale,
    Leak: _leak,
    Hold: _hold,
    Compare: _compare,
    Select: _select,
    Min: _extreme("least"),
    Max: _extreme("greatest"),
    FloorDiv: _floor_div,
}
"""The C of each node, from the node, the place and the pieces of its children; `step` writes `Ref`."""
