"""Integers as two's complement bit-vectors of SMT-LIB: terms, their ranges and their widths."""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[int, int]


def unsigned_width(value: int) -> int:
    """Return the bits of an unsigned number up to a value; at least 1."""
    return max(value.bit_length(), 1)


def signed_width(low: int, high: int) -> int:
    """Return the bits of a two's complement number from ``low`` to ``high``; at least 1."""
    return max((value if value >= 0 else ~value).bit_length() for value in (low, high)) + 1


@dataclass(frozen=True)
class Vector:
    """An integer as a two's complement bit-vector, with the minimum width for its range.

    Attributes
    ----------
    text : str
        A name, or any other term of SMT-LIB.
    low, high : int
        The range, both ends included.
    """

    text: str
    low: int
    high: int

    @property
    def width(self) -> int:
        """Its bits."""
        return signed_width(self.low, self.high)

    @property
    def size(self) -> int:
        """Its greatest magnitude."""
        return max(abs(self.low), abs(self.high))

    @property
    def is_known(self) -> bool:
        """Whether it has one value."""
        return self.low == self.high

    @property
    def factor(self) -> Operand:
        """It as an operand of a multiplication: unsigned if it is non-negative."""
        if self.low < 0:
            return Operand(self.text, self.width, self.low, self.high)
        width = unsigned_width(self.high)
        return Operand(resized(self.text, self.width, width), width, self.low, self.high)

    def integer(self, value: int) -> int:
        """Return the integer of its bits, given as an unsigned number."""
        return integer(value, self.width)

    def is_within(self, low: int, high: int) -> str:
        """Return, as a formula, that it is within a range."""
        width = max(self.width, signed_width(low, high))
        text = self.at(width)
        return f"(and (bvsle {number(low, width)} {text}) (bvsle {text} {number(high, width)}))"

    def at(self, width: int) -> str:
        """Return it with a number of bits, at least its own."""
        return resized(self.text, self.width, width)


def number(value: int, width: int) -> str:
    """Return an integer, modulo ``2**width``."""
    return f"(_ bv{value % (1 << width)} {width})"


def integer(value: int, width: int) -> int:
    """Return the two's complement integer of bits given as an unsigned number."""
    return value - (1 << width) if value >> (width - 1) else value


def resized(text: str, width: int, to: int, *, is_signed: bool = True) -> str:
    """Return a vector with more bits of the same value, or without its upper bits."""
    if to == width:
        return text
    if to < width:
        return f"((_ extract {to - 1} 0) {text})"
    return f"((_ {'sign' if is_signed else 'zero'}_extend {to - width}) {text})"


@dataclass(frozen=True)
class Operand:
    """An operand of a multiplication or division.

    Attributes
    ----------
    text : str
        A term without `let`.
    width : int
    low, high : int
        Its range; it is two's complement where ``low`` is negative.
    """

    text: str
    width: int
    low: int
    high: int

    @property
    def is_signed(self) -> bool:
        """Whether it is two's complement."""
        return self.low < 0

    @property
    def is_negative(self) -> str:
        """Formula: it is negative."""
        return f"(bvslt {self.text} {number(0, self.width)})" if self.is_signed else "false"

    @property
    def magnitude(self) -> str:
        """Its magnitude, unsigned, in the same width."""
        return f"(ite {self.is_negative} (bvneg {self.text}) {self.text})" if self.is_signed else self.text

    @property
    def unsigned(self) -> Operand:
        """Its magnitude as a factor."""
        return Operand(self.magnitude, self.width, 0, max(-self.low, self.high))

    def most(self, width: int) -> str:
        """Return the maximum magnitude for its sign, in a number of bits."""
        return f"(ite {self.is_negative} {number(-self.low, width)} {number(self.high, width)})"

    @property
    def is_within(self) -> str:
        """Formula: it is within its range."""
        low, high = number(self.low, self.width), number(self.high, self.width)
        if self.is_signed:
            return f"(and (bvsle {low} {self.text}) (bvsle {self.text} {high}))"
        return f"(and (bvule {low} {self.text}) (bvule {self.text} {high}))"

    def extended(self, width: int) -> str:
        """Return it with a number of bits, or without its upper ones."""
        return resized(self.text, self.width, width, is_signed=self.is_signed)
