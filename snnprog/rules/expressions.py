"""Integer expressions: the small language in which the rule of a chip is written.

An expression is a value: it compares with other expressions, hashes, pickles and prints, and runs nothing by itself.
Python's operators build it, so that a rule reads like a data sheet::

    v = Ref("potential")
    clip(scale(v, 4096 - Ref("potential_decay"), bits=12, rounding=Rounding.TOWARD_ZERO) + Ref("bias"), -2047, 2047)

The docstring of a node defines its meaning over unbounded integers. Executors (`snnprog.rules`) are tables
with one entry per node; `evaluate` walks an expression for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from numbers import Number
from operator import index
from types import MappingProxyType
from typing import Any, TypeVar

from snnprog.calls import call_checked
from snnprog.errors import SpecError
from snnprog.rules.typed import Convert, convert_fields, kinds_of

Value = TypeVar("Value")

UNTESTED = "a rule cannot test a value with if, and, or, min, max or ==; use select, least, greatest, or >= and <="
UNLOGICAL = "a rule has no & and no |; use select, or the product of two comparisons for 'and', and greatest for 'or'"
UNROUNDED = "a rule has no / and no >>; use shift_right or scale, which name the rounding, or // for rounding down"

LONGEST_SHOWN = 40
"""Characters of a wrong name in a message. A choice: longer than any valid name."""


class Rounding(str, Enum):
    """The rounding of a quotient to an integer; all of them keep 0."""

    TOWARD_ZERO = "toward zero"
    AWAY_FROM_ZERO = "away from zero"
    FLOOR = "floor"
    HALF_UP = "nearest, halves up"
    HALF_AWAY = "nearest, halves away from zero"
    HALF_EVEN = "nearest, halves to even"
    MOVING = "floor, but at least 1 in magnitude"
    """The subtracted amount changes every value: floor, or the sign of the value where that is 0 (Xylo)."""


class End(str, Enum):
    """The behaviour of a register for a value beyond its ends."""

    CLIP = "clip"
    """Clip to the end."""
    WRAP = "wrap"
    """Wrap around to the other end, repeatedly if necessary."""
    FOLD = "fold"
    """Wrap around to the other end once; a value that is still outside stays outside (Lava's current)."""


@dataclass(frozen=True, eq=False)
class Expression:
    """An integer that is calculated from others; see the module docstring.

    Raises
    ------
    SpecError
        If a field has a value of another type, or a rule tests its value with ``if``, ``and``, ``min`` or ``==``.
    """

    def __post_init__(self) -> None:
        convert_fields(self, "an expression in a rule", CONVERSIONS)

    def __eq__(self, other: object) -> bool:
        """Return whether two expressions are the same; refuse numbers, because the value is not known yet."""
        if isinstance(other, Number):
            raise SpecError(UNTESTED)
        if not isinstance(other, Expression):
            return NotImplemented
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def __bool__(self) -> bool:
        """Refuse a test of the value, which is not known yet."""
        raise SpecError(UNTESTED)

    def __add__(self, other: Expression | int) -> Expression:
        """Return the sum."""
        return Add(self, as_expression(other))

    def __radd__(self, other: int) -> Expression:
        """Return the sum."""
        return Add(Const(other), self)

    def __sub__(self, other: Expression | int) -> Expression:
        """Return the difference."""
        return Sub(self, as_expression(other))

    def __rsub__(self, other: int) -> Expression:
        """Return the difference."""
        return Sub(Const(other), self)

    def __mul__(self, other: Expression | int) -> Expression:
        """Return the product."""
        return Mul(self, as_expression(other))

    def __rmul__(self, other: int) -> Expression:
        """Return the product with the number last, as required for a multiple of the threshold."""
        return Mul(self, Const(other))

    def __neg__(self) -> Expression:
        """Return the negative."""
        return Neg(self)

    def __lshift__(self, bits: int) -> Expression:
        """Return the value times ``2**bits``."""
        return Shl(self, bits)

    def __floordiv__(self, other: Expression | int) -> Expression:
        """Return the quotient, rounded down."""
        return FloorDiv(self, as_expression(other))

    def __truediv__(self, other: object) -> Expression:
        """Refuse a quotient, or a shift, without a rounding."""
        raise SpecError(UNROUNDED)

    __rtruediv__ = __rshift__ = __truediv__

    def __and__(self, other: object) -> Expression:
        """Refuse a logical operator."""
        raise SpecError(UNLOGICAL)

    __or__ = __and__

    def __mod__(self, other: object) -> Expression:
        """Refuse a remainder, which no rule has."""
        raise SpecError("a rule has no %; use wrap(value, bits) for the overflow of a register")

    def __abs__(self) -> Expression:
        """Refuse a magnitude, which is not an operation of its own."""
        raise SpecError("a rule has no abs; use greatest(value, -value)")

    def __gt__(self, other: Expression | int) -> Expression:
        """Return 1 if this is greater, else 0."""
        return Compare(">", self, as_expression(other))

    def __ge__(self, other: Expression | int) -> Expression:
        """Return 1 if this is greater or equal, else 0."""
        return Compare(">=", self, as_expression(other))

    def __lt__(self, other: Expression | int) -> Expression:
        """Return 1 if this is less, else 0."""
        return Compare(">", as_expression(other), self)

    def __le__(self, other: Expression | int) -> Expression:
        """Return 1 if this is less or equal, else 0."""
        return Compare(">=", as_expression(other), self)


@call_checked
@dataclass(frozen=True, eq=False)
class Const(Expression):
    """An integer that is the same for every neuron at every tick.

    Raises
    ------
    SpecError
        If the value is not an integer.
    """

    value: int

    def __post_init__(self) -> None:
        message = f"a rule calculates with integers and expressions, got {self.value!r}"
        if isinstance(self.value, bool):
            raise SpecError(f"{message}; it has no == and no !=")
        given: object = self.value
        if isinstance(given, str):
            raise SpecError(f"{message}; Ref({given[:LONGEST_SHOWN]!r}) reads a name")
        if not hasattr(self.value, "__index__"):
            raise SpecError(f"{message}; for fractions there is scale")
        object.__setattr__(self, "value", index(self.value))


@call_checked
@dataclass(frozen=True, eq=False)
class Ref(Expression):
    """A register, a parameter, or the result of an earlier step of the tick: the latest value of a name.

    Attributes
    ----------
    name : str
        The name of the register, the parameter or the step's target.
    """

    name: str


@dataclass(frozen=True, eq=False)
class Add(Expression):
    """``left + right``."""

    left: Expression
    right: Expression


@dataclass(frozen=True, eq=False)
class Sub(Expression):
    """``left - right``."""

    left: Expression
    right: Expression


@dataclass(frozen=True, eq=False)
class Mul(Expression):
    """``left * right``."""

    left: Expression
    right: Expression


@dataclass(frozen=True, eq=False)
class Neg(Expression):
    """``-operand``."""

    operand: Expression


@dataclass(frozen=True, eq=False)
class Shl(Expression):
    """``operand * 2**bits``."""

    operand: Expression
    bits: int


@dataclass(frozen=True, eq=False)
class Shr(Expression):
    """``operand / 2**bits``, rounded; ``bits`` is 0 or more, and may be a parameter of the neuron."""

    operand: Expression
    bits: Expression
    rounding: Rounding


@dataclass(frozen=True, eq=False)
class Scale(Expression):
    """``operand * factor / 2**bits``, rounded once, at the end: a decay that multiplies; the factor is 0 or more."""

    operand: Expression
    factor: Expression
    bits: int
    rounding: Rounding


@dataclass(frozen=True, eq=False)
class Leak(Expression):
    """``operand - Shr(operand, bits, rounding)``: a decay that shifts."""

    operand: Expression
    bits: Expression
    rounding: Rounding


@dataclass(frozen=True, eq=False)
class Hold(Expression):
    """The value of a register from ``low`` to ``high``, both included, after an assignment; `End` defines overflow."""

    operand: Expression
    low: int
    high: int
    end: End

    @property
    def span(self) -> int:
        """Number of values of the register."""
        return self.high - self.low + 1


@dataclass(frozen=True, eq=False)
class Compare(Expression):
    """1 if ``left`` is greater (``>``), or greater or equal (``>=``); else 0."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, eq=False)
class Select(Expression):
    """``if_true`` where the condition is not 0, else ``if_false``."""

    condition: Expression
    if_true: Expression
    if_false: Expression


@dataclass(frozen=True, eq=False)
class Min(Expression):
    """The lesser of two."""

    left: Expression
    right: Expression


@dataclass(frozen=True, eq=False)
class Max(Expression):
    """The greater of two."""

    left: Expression
    right: Expression


@dataclass(frozen=True, eq=False)
class FloorDiv(Expression):
    """``left / right``, rounded down; ``right`` is at least 1."""

    left: Expression
    right: Expression


NODES: tuple[type[Expression], ...] = (
    Const,
    Ref,
    Add,
    Sub,
    Mul,
    Neg,
    Shl,
    Shr,
    Scale,
    Leak,
    Hold,
    Compare,
    Select,
    Min,
    Max,
    FloorDiv,
)
"""Every kind of node; an executor has an entry for each."""

Table = Mapping[type[Expression], Callable[..., Value]]
"""An executor: node type -> function of the node and of the values of its children, in the order of its fields."""


def evaluate(expression: Expression, table: Table[Value]) -> Value:
    """Return the value of an expression by a table, children first."""
    values = [evaluate(child, table) for child in children(expression)]
    return table[type(expression)](expression, *values)


def children(expression: Expression) -> list[Expression]:
    """Return the children of an expression, in the order of its fields."""
    kind: type = type(expression)
    return [getattr(expression, name) for name in _child_names(kind)]


@cache
def _child_names(kind: type) -> tuple[str, ...]:
    """Return the names of the fields that hold children."""
    return tuple(name for name, each in kinds_of(kind).items() if each is Expression)


def rebuilt(expression: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """Return the expression with every node, children first, replaced by ``change``."""
    values: dict[str, Any] = {
        name: rebuilt(value, change) if isinstance(value, Expression) else value
        for name, value in vars(expression).items()
    }
    return change(type(expression)(**values))


def nodes(expression: Expression) -> Iterator[Expression]:
    """Yield an expression and all its descendants, children first."""
    for child in children(expression):
        yield from nodes(child)
    yield expression


def names_in(expression: Expression) -> frozenset[str]:
    """Return the names that an expression reads."""
    return frozenset(node.name for node in nodes(expression) if isinstance(node, Ref))


def as_expression(value: Expression | int) -> Expression:
    """Return the expression, or the constant.

    Raises
    ------
    SpecError
        If it is neither an expression nor an integer.
    """
    return value if isinstance(value, Expression) else Const(value)


CONVERSIONS: Mapping[type, Convert] = MappingProxyType(
    {Expression: lambda _name, value: as_expression(value)}  # type: ignore[arg-type]  # `Const` checks it
)
"""The conversion of the operands of nodes and of steps."""
