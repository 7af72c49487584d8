"""Named roundings: ties, signs, and integers that no float can hold."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from snnprog.rounding import HALF_STEP, half_even, half_even_integer

TIES = [(-2.5, -2), (-1.5, -2), (-0.5, 0), (0.5, 0), (1.5, 2), (2.5, 2), (2.5000001, 3), (-7.0, -7)]


@pytest.mark.parametrize(("value", "nearest"), TIES)
def test_halves_go_to_even(value: float, nearest: int) -> None:
    assert half_even_integer(value) == half_even_integer(Fraction(value)) == nearest
    assert half_even(np.array([value])).tolist() == [nearest]
    assert abs(value - nearest) <= HALF_STEP


def test_large_fractions_stay_exact() -> None:
    assert half_even_integer(Fraction(2**200 + 1, 2)) == 2**199
