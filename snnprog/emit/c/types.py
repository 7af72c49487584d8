"""C's integer types, and numbers written in C."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Integers


@dataclass(frozen=True)
class IntegerType:
    """An integer type of ``stdint.h``.

    Attributes
    ----------
    name : str
    size : int
        In bytes.
    low, high : int
        What it holds.
    """

    name: str
    size: int
    low: int
    high: int

    def holds(self, low: int, high: int) -> bool:
        """Return whether it holds all values from ``low`` to ``high``."""
        return self.low <= low and high <= self.high


def _types() -> tuple[IntegerType, ...]:
    found = []
    for size in (1, 2, 4, 8):
        bits = 8 * size
        found.append(IntegerType(f"uint{bits}_t", size, 0, (1 << bits) - 1))
        found.append(IntegerType(f"int{bits}_t", size, -(1 << bits - 1), (1 << bits - 1) - 1))
    return tuple(found)


TYPES = _types()
"""Narrow ones first; of two that are equally wide, the unsigned one."""

BYTE = TYPES[0]
INT32, INT64 = (next(each for each in TYPES if each.name == name) for name in ("int32_t", "int64_t"))


def narrowest(low: int, high: int) -> IntegerType:
    """Return the narrowest type that holds all values from ``low`` to ``high``."""
    return next(each for each in TYPES if each.holds(low, high))


def narrowest_signed(low: int, high: int) -> IntegerType:
    """Return the narrowest type that holds all values from ``low`` to ``high``, and negatives, too."""
    return next(each for each in TYPES if each.low < 0 and each.holds(low, high))


def value_type(low: int, high: int) -> IntegerType:
    """Return the narrowest type for numbers that are calculated with: of several bytes, only signed ones.

    An unsigned operand of an ``int``'s width would make C's arithmetic unsigned, also where an ``int`` has 16 bits.
    """
    found = narrowest(low, high)
    return found if found.size == 1 else narrowest_signed(low, high)


def type_of(values: Integers) -> IntegerType:
    """Return the narrowest type that holds all entries of an array."""
    return narrowest(int(np.min(values, initial=0)), int(np.max(values, initial=0)))
