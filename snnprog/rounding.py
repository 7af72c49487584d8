"""How real numbers become integers: the rule is named at the call.

Floor and ceiling have names already. Everything else is rounded to the nearest integer, halves to even, as NumPy and
Python do it: ties go up as often as down, so that they do not add up to a shift.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from snnprog.arrays import Floats, Int64s

HALF_STEP = 0.5
"""The most that rounding to the nearest moves a number, in steps of the grid: what certificates allow for."""


def half_even(values: Floats) -> Int64s:
    """Return the nearest integers, halves to even; they must fit 64 bits."""
    return np.rint(values).astype(np.int64)


def half_even_integer(value: float | Fraction) -> int:
    """Return the nearest integer of any size, halves to even."""
    return round(value)
