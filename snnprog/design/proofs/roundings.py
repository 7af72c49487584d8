"""Roundings of a neuron's integers: their operands, bounds of values, and margins to the threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from snnprog.design.problem import NeuronProblem
from snnprog.rules.expressions import Rounding
from snnprog.rules.interpreter import rounded
from snnprog.rules.resolve import Form

Ends = tuple[float, float]

LARGEST_EXACT = 2.0**53
"""Up to here, a float holds every integer. Ends grow with each tick where a reset subtracts a free threshold."""


@dataclass(frozen=True)
class Rounded:
    """One rounding: its name and column, its value, and its mode."""

    name: str
    column: int
    operand: Form
    factor: Fraction
    rounding: Rounding


def gaps_of(problem: NeuronProblem, unit: int) -> tuple[int, int]:
    """Return by how many units of the potential silence and a spike must clear the threshold, noise included."""
    noise = -(-Fraction(problem.box.noise) * unit // 1)
    is_equal = problem.box.is_equal_a_spike
    return int(noise) + is_equal, int(noise) + 1 - is_equal


def rounded_end(value: float, factor: Fraction, rounding: Rounding, *, up: bool) -> float:
    """Return an end of ``value * factor``, rounded, for an end of the value; infinite where floats are not exact."""
    if not math.isfinite(value):
        return value
    if abs(value) > LARGEST_EXACT:
        return math.inf if up else -math.inf
    whole = math.ceil(value) if up else math.floor(value)
    return float(rounded_integer(whole, factor, rounding))


def rounded_integer(value: int, factor: Fraction, rounding: Rounding) -> int:
    """Return ``value * factor`` as the chip rounds it; the factor's denominator is a power of two."""
    bits = factor.denominator.bit_length() - 1
    return int(rounded(np.array(value * factor.numerator, np.int64), bits, rounding))


def key_of(form: Form) -> object:
    """Return the key of equal sums."""
    return form.constant, frozenset(form.terms.items())


def meet(one: Ends, other: Ends) -> Ends:
    """Return the bounds of the intersection."""
    return max(one[0], other[0]), min(one[1], other[1])
