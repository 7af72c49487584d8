"""Integer expressions: the small language in which the rule of a chip is written.

An expression is a value: it compares, hashes, pickles and prints, and runs nothing by itself. Python's operators build
it, so that a rule reads like a data sheet::

    v = Ref("potential")
    clip(scale(v, 4096 - Ref("potential_decay"), bits=12, rounding=Rounding.TOWARD_ZERO) + Ref("bias"), -2047, 2047)

The docstring of a node defines its meaning over unbounded integers. Executors (`snnprog.rules`) are tables
with one entry per node; `evaluate` walks an expression for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from operator import index
from typing import Any, TypeVar

from snnprog.errors import SpecError

Value = TypeVar("Value")


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


@dataclass(frozen=True)
class Expression:
    """An integer that is calculated from others; see the module docstring."""

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


@dataclass(frozen=True)
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
        if not hasattr(self.value, "__index__"):
            raise SpecError(f"{message}; for fractions there is scale")
        object.__setattr__(self, "value", index(self.value))


@dataclass(frozen=True)
class Ref(Expression):
    """A register, a parameter, or the result of an earlier step of the tick: the latest value of a name.

    Attributes
    ----------
    name : str
        The name of the register, the parameter or the step's target.
    """

    name: str


@dataclass(frozen=True)
class Add(Expression):
    """``left + right``."""

    left: Expression
    right: Expression


@dataclass(frozen=True)
class Sub(Expression):
    """``left - right``."""

    left: Expression
    right: Expression


@dataclass(frozen=True)
class Mul(Expression):
    """``left * right``."""

    left: Expression
    right: Expression


@dataclass(frozen=True)
class Neg(Expression):
    """``-operand``."""

    operand: Expression


@dataclass(frozen=True)
class Shl(Expression):
    """``operand * 2**bits``."""

    operand: Expression
    bits: int


@dataclass(frozen=True)
class Shr(Expression):
    """``operand / 2**bits``, rounded; ``bits`` is 0 or more, and may be a parameter of the neuron."""

    operand: Expression
    bits: Expression
    rounding: Rounding


@dataclass(frozen=True)
class Scale(Expression):
    """``operand * factor / 2**bits``, rounded once, at the end: a decay that multiplies; the factor is 0 or more."""

    operand: Expression
    factor: Expression
    bits: int
    rounding: Rounding


@dataclass(frozen=True)
class Leak(Expression):
    """``operand - Shr(operand, bits, rounding)``: a decay that shifts."""

    operand: Expression
    bits: Expression
    rounding: Rounding


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Compare(Expression):
    """1 if ``left`` is greater (``>``), or greater or equal (``>=``); else 0."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Select(Expression):
    """``if_true`` where the condition is not 0, else ``if_false``."""

    condition: Expression
    if_true: Expression
    if_false: Expression


@dataclass(frozen=True)
class Min(Expression):
    """The lesser of two."""

    left: Expression
    right: Expression


@dataclass(frozen=True)
class Max(Expression):
    """The greater of two."""

    left: Expression
    right: Expression


@dataclass(frozen=True)
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
    return [value for value in vars(expression).values() if isinstance(value, Expression)]


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


def scale(operand: Expression, factor: Expression | int, *, bits: int, rounding: Rounding) -> Expression:
    """Return ``operand * factor / 2**bits``, rounded once.

    Parameters
    ----------
    operand : Expression
        The value to scale.
    factor : Expression or int
        Of parameters and constants, non-negative.
    bits : int
        The power of two that is divided by.
    rounding : Rounding
        The rounding of a fraction.
    """
    return Scale(operand, as_expression(factor), bits, rounding)


def shift_right(operand: Expression, bits: Expression | int, *, rounding: Rounding) -> Expression:
    """Return ``operand / 2**bits``, rounded.

    Parameters
    ----------
    operand : Expression
        The dividend.
    bits : Expression or int
        The power of two, of parameters and constants.
    rounding : Rounding
        The rounding of a fraction.
    """
    return Shr(operand, as_expression(bits), rounding)


def leak(operand: Expression, bits: Expression | int, *, rounding: Rounding) -> Expression:
    """Return ``operand`` less ``operand / 2**bits``, of which the latter is rounded.

    Parameters
    ----------
    operand : Expression
        The value that decays.
    bits : Expression or int
        The power of two, of parameters and constants.
    rounding : Rounding
        The rounding of a fraction.
    """
    return Leak(operand, as_expression(bits), rounding)


def clip(operand: Expression, low: int, high: int) -> Expression:
    """Return the value limited to ``low`` … ``high``."""
    return Hold(operand, low, high, End.CLIP)


def saturate(operand: Expression, bits: int) -> Expression:
    """Return the value limited to the range of a two's complement register of a number of bits."""
    return Hold(operand, -(1 << bits - 1), (1 << bits - 1) - 1, End.CLIP)


def wrap(operand: Expression, bits: int) -> Expression:
    """Return the value wrapped to a two's complement register of a number of bits."""
    return Hold(operand, -(1 << bits - 1), (1 << bits - 1) - 1, End.WRAP)


def fold(operand: Expression, half: int) -> Expression:
    """Return the value folded once into ``(-half, half]``."""
    return Hold(operand, 1 - half, half, End.FOLD)


def select(condition: Expression, if_true: Expression | int, if_false: Expression | int) -> Expression:
    """Return ``if_true`` if the condition is not 0, else ``if_false``."""
    return Select(as_expression(condition), as_expression(if_true), as_expression(if_false))


def least(left: Expression, right: Expression | int) -> Expression:
    """Return the lesser of two."""
    return Min(left, as_expression(right))


def greatest(left: Expression, right: Expression | int) -> Expression:
    """Return the greater of two."""
    return Max(left, as_expression(right))
