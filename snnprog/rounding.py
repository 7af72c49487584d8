"""Rounding of real numbers to integers; the caller names the rule.

Floor and ceiling have names already. Everything else is rounded to the nearest integer, halves to even, as in NumPy and
Python: ties go up as often as down, so that they cause no bias.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from snnprog.arrays import Floats, Int64s

HALF_STEP = 0.5
"""The largest change by rounding to the nearest, in steps of the grid; certificates allow for it."""


def half_even(values: Floats) -> Int64s:
    """Return the nearest integers, halves to even; they must fit in 64 bits."""
    return np.rint(values).astype(np.int64)


def half_even_integer(value: float | Fraction) -> int:
    """Return the nearest integer of any size, halves to even."""
    return round(value)
