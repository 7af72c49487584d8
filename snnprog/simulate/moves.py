"""Moves of one neuron's unknowns: the integers of its weights, threshold and the like.

A move changes one unknown, or moves an amount from one weight to another; counting goes through all values. The random
generator is xorshift64* (Vigna 2016), in integers, so it draws the same moves on every machine.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from snnprog.arrays import Int64s, UInt64s
from snnprog.rules.operations import operation


class Movable(NamedTuple):
    """The unknowns, weights first; (unknowns,) each.

    Attributes
    ----------
    place : int
        Index of the tap or the parameter.
    factor : int
        The change of that value by one step.
    lower, upper : int
        Its range.
    bits : int
        Moves are shorter than ``2**bits``.
    weights : int
        Number of weights.
    step : int
        Distance between neighbouring weights.
    synapses : int
        Maximum number of non-zero weights.
    """

    place: Int64s
    factor: Int64s
    lower: Int64s
    upper: Int64s
    bits: Int64s
    weights: int
    step: int
    synapses: int


@operation
def random_below(state: UInt64s, count: int) -> int:
    """Advance the generator; return a number from 0 to ``count - 1``."""
    bits = state[0]
    bits ^= bits >> np.uint64(12)
    bits ^= bits << np.uint64(25)
    bits ^= bits >> np.uint64(27)
    state[0] = bits
    return int(np.int64(((bits * np.uint64(2685821657736338717)) >> np.uint64(33)) % np.uint64(count)))


@operation
def synapses_of(unknowns: Movable, values: Int64s) -> int:
    """Return the number of non-zero weights; Numba takes 1 s to compile NumPy's function."""
    count = 0
    for index in range(unknowns.weights):
        if values[index] != 0:
            count += 1
    return count


@operation
def write_unknown(unknowns: Movable, index: int, values: Int64s, weight: Int64s, parameters: Int64s) -> None:
    """Write one unknown into the inputs of the run."""
    value = values[index] * unknowns.factor[index]
    if index < unknowns.weights:
        weight[unknowns.place[index]] = value
    else:
        parameters[unknowns.place[index]] = value


@operation
def install(unknowns: Movable, values: Int64s, weight: Int64s, parameters: Int64s) -> None:
    """Write all unknowns into the inputs of the run."""
    for index in range(values.size):
        write_unknown(unknowns, index, values, weight, parameters)


@operation
def apply(unknowns: Movable, values: Int64s, move: Int64s, sign: int, weight: Int64s, parameters: Int64s) -> None:
    """Make a move (``sign`` 1), or undo it (-1)."""
    for part in range(2):
        index = move[2 * part]
        if index < 0:
            continue
        values[index] += sign * move[2 * part + 1]
        write_unknown(unknowns, index, values, weight, parameters)


@operation
def draw(unknowns: Movable, values: Int64s, move: Int64s, state: UInt64s) -> bool:
    """Draw a move: (unknown, by how much, another or -1, by how much); return whether it stays within the ranges."""
    index = random_below(state, values.size)
    is_weight = index < unknowns.weights
    move[2] = -1
    if is_weight and unknowns.step > 1:
        length = unknowns.step if values[index] < 0 else -unknowns.step
    else:
        length = 1 + random_below(state, 1 << random_below(state, unknowns.bits[index] + 1))
        if random_below(state, 2):
            length = -length
    is_new = is_weight and unknowns.synapses < unknowns.weights and values[index] == 0
    if is_new and synapses_of(unknowns, values) >= unknowns.synapses:
        other = random_below(state, unknowns.weights)
        if values[other] == 0 or not unknowns.lower[other] <= 0 <= unknowns.upper[other]:
            return False
        move[2], move[3] = other, -values[other]
    elif is_weight and random_below(state, 2):
        other = random_below(state, unknowns.weights)
        if other != index:
            back = -length if unknowns.step == 1 else unknowns.step if values[other] < 0 else -unknowns.step
            after = values[other] + back
            is_crowded = unknowns.synapses < unknowns.weights and values[other] == 0
            if after < unknowns.lower[other] or after > unknowns.upper[other] or is_crowded:
                return False
            move[2], move[3] = other, back
    move[0], move[1] = index, length
    after = values[index] + length
    return bool(unknowns.lower[index] <= after <= unknowns.upper[index])


@operation
def count_up(unknowns: Movable, values: Int64s, lower: Int64s, upper: Int64s, threshold: int) -> bool:
    """Advance to the next values within these ranges, except the threshold's; return False after the last."""
    for index in range(values.size):
        if index == threshold:
            continue
        step = unknowns.step if index < unknowns.weights else 1
        if values[index] + step <= upper[index]:
            values[index] += step
            return True
        values[index] = lower[index]
    return False
