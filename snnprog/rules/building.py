"""Functions that build the expressions of a rule for which Python has no operator: `snnprog.rules.expressions`."""

from __future__ import annotations

from snnprog.calls import call_checked
from snnprog.checks import as_integer
from snnprog.errors import SpecError
from snnprog.rules.expressions import (
    End,
    Expression,
    Hold,
    Leak,
    Max,
    Min,
    Rounding,
    Scale,
    Select,
    Shr,
    as_expression,
)

WIDEST_REGISTER = 54
"""Bits of two's complement that hold the greatest magnitude of a rule, ``2**53``: `snnprog.rules.limits`."""


@call_checked
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


@call_checked
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


@call_checked
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


@call_checked
def clip(operand: Expression, low: int, high: int) -> Expression:
    """Return the value limited to ``low`` … ``high``."""
    return Hold(operand, low, high, End.CLIP)


@call_checked
def saturate(operand: Expression, bits: int) -> Expression:
    """Return the value limited to the range of a two's complement register of a number of bits."""
    return Hold(operand, *_ends(bits), End.CLIP)


@call_checked
def wrap(operand: Expression, bits: int) -> Expression:
    """Return the value wrapped to a two's complement register of a number of bits."""
    return Hold(operand, *_ends(bits), End.WRAP)


@call_checked
def fold(operand: Expression, half: int) -> Expression:
    """Return the value folded once into ``(-half, half]``."""
    half = as_integer("half of fold", half)
    return Hold(operand, 1 - half, half, End.FOLD)


def _ends(bits: int) -> tuple[int, int]:
    """Return the ends of a two's complement register."""
    width = as_integer("bits of a register", bits)
    if not 1 <= width <= WIDEST_REGISTER:
        raise SpecError(f"bits of a register must be 1 to {WIDEST_REGISTER}, got {width}")
    return -(1 << width - 1), (1 << width - 1) - 1


@call_checked
def select(condition: Expression, if_true: Expression | int, if_false: Expression | int) -> Expression:
    """Return ``if_true`` if the condition is not 0, else ``if_false``."""
    return Select(as_expression(condition), as_expression(if_true), as_expression(if_false))


@call_checked
def least(left: Expression, right: Expression | int) -> Expression:
    """Return the lesser of two."""
    return Min(left, as_expression(right))


@call_checked
def greatest(left: Expression, right: Expression | int) -> Expression:
    """Return the greater of two."""
    return Max(left, as_expression(right))
