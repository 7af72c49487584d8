"""Potentials under integer weights, modulo a prime: equal where they are equal, and hardly ever elsewhere.

The prime is ``2**61 - 1``, so ``2**61`` counts as 1, and a product of two residues is reduced by shifts and sums. Its
factors are cut into 30 and 31 bits, so that every part fits 64 unsigned bits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from snnprog.arrays import Raster, UInt64s
from snnprog.jit import compiled

# Different potentials are equal modulo the prime with chance 1 / PRIME.
PRIME = (1 << 61) - 1
PRIME_BITS, HALF_BITS = np.uint64(61), np.uint64(31)
CARRY_BITS = PRIME_BITS - HALF_BITS
MODULUS, HALF, CARRY = np.uint64(PRIME), np.uint64((1 << 31) - 1), np.uint64((1 << 30) - 1)
ZERO, ONE = np.uint64(0), np.uint64(1)


class Looks(NamedTuple):
    """What happens at each tick of a map.

    Attributes
    ----------
    begins, is_held, fires, is_after : (ticks,) bool
        Whether a pattern begins, the neuron is refractory, it spikes, and the tick stands for what its reset leaves.
    """

    begins: Raster
    is_held: Raster
    fires: Raster
    is_after: Raster


@compiled(nogil=True, inline="always")
def _reduced(value: np.uint64) -> np.uint64:
    """Return a sum of at most 64 bits modulo the prime."""
    value = (value >> PRIME_BITS) + (value & MODULUS)
    return value - MODULUS if value >= MODULUS else value


@compiled(nogil=True, inline="always")
def _product(one: np.uint64, other: np.uint64) -> np.uint64:
    """Return the product of two residues: ``(a 2**31 + b) (c 2**31 + d)``, with ``2**62 = 2``."""
    a, b, c, d = one >> HALF_BITS, one & HALF, other >> HALF_BITS, other & HALF
    middle = b * c + a * d
    return _reduced(((a * c) << ONE) + (middle >> CARRY_BITS) + ((middle & CARRY) << HALF_BITS) + b * d)


@compiled(nogil=True)
def residues(arriving: UInt64s, looks: Looks, numbers: UInt64s, is_reset_to_zero: bool) -> UInt64s:
    """Return the potential at each tick modulo the prime.

    Parameters
    ----------
    arriving : (ticks,) int
        The weights that arrive, below the prime.
    looks : Looks
    numbers : (5,) int
        Residues of what a tick keeps of the current and of the potential, the gain, the bias, and what a reset takes.
    is_reset_to_zero : bool
        Whether it takes everything instead.
    """
    alpha, gamma, gain, bias, threshold = numbers
    found = np.empty(arriving.size, np.uint64)
    current = potential = ZERO
    for k in range(arriving.size):
        if looks.begins[k]:
            current = potential = ZERO
        current = _reduced(_product(alpha, current) + _product(gain, arriving[k]))
        potential = ZERO if looks.is_held[k] else _reduced(_product(gamma, potential) + current + bias)
        found[k] = potential
        if looks.fires[k]:
            potential = ZERO if is_reset_to_zero else _reduced(potential + MODULUS - threshold)
            if looks.is_after[k]:
                found[k] = potential
    return found


@compiled(nogil=True)
def ratios(ours: UInt64s, others: UInt64s) -> UInt64s:
    """Return ``ours / others`` modulo the prime; 0 where the other is 0.

    One inverse, of the product of all, gives those of all in turn (Montgomery 1987).
    """
    products, product = np.empty(ours.size, np.uint64), ONE
    for k in range(ours.size):
        products[k] = product
        if others[k] != ZERO:
            product = _product(product, others[k])
    inverse, square = ONE, product  # the inverse is the power of 2**61 - 3, all of whose bits but the second are 1
    for bit in range(61):
        if bit != 1:
            inverse = _product(inverse, square)
        square = _product(square, square)
    found = np.zeros(ours.size, np.uint64)
    for k in range(ours.size - 1, -1, -1):
        if others[k] != ZERO:
            found[k] = _product(ours[k], _product(products[k], inverse))
            inverse = _product(inverse, others[k])
    return found
