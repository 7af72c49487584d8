"""The unique null vector of a few rows of integers.

Rows that contradict one another in just one way have one vector of prices, up to its size, and it is rational. It is
found by elimination in integers without fractions (Bareiss 1968), on the few columns that elimination modulo a prime
shows to matter: the rank modulo a prime is at most the true rank, so where it leaves one way, there is at most one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from snnprog.arrays import Int64s
from snnprog.solver import check_time

# A prime whose products fit 64 bits. An unlucky prime only hides a proof, with chance 1 in 10**9 a pivot.
PRIME = (1 << 31) - 1
WORK_LIMIT = 4_000_000_000
"""Bits of intermediate integers, times their number, that elimination may handle: some seconds."""


def null_vector(rows: Sequence[Sequence[int]]) -> list[int] | None:
    """Return the coprime integers y with ``Σ y[k] rows[k] = 0`` in the first columns that leave just one line of them.

    None, where all columns leave more than one line, or the integers would be too long to find it in seconds. The
    caller checks whether other columns are balanced, too.
    """
    count = len(rows)
    if count == 1:
        return None if any(rows[0]) else [1]
    residues = np.array([[value % PRIME for value in row] for row in rows], dtype=np.int64).reshape(count, -1)
    pivots = pivot_columns(residues, count - 1)
    if len(pivots) != count - 1:
        return None
    longest = max(abs(row[column]).bit_length() for row in rows for column in pivots)
    if count**3 * count * longest > WORK_LIMIT:
        return None
    return _solve([[row[column] for row in rows] for column in pivots])


def pivot_columns(residues: Int64s, most: int) -> list[int]:
    """Return the first columns, at most ``most``, that are independent modulo the prime."""
    rest = residues.copy()
    pivots: list[int] = []
    for column in range(rest.shape[1]):
        if len(pivots) == most:
            break
        below = np.flatnonzero(rest[len(pivots) :, column])
        if below.size == 0:
            continue
        here, found = len(pivots), len(pivots) + int(below[0])
        rest[[here, found]] = rest[[found, here]]
        inverse = pow(int(rest[here, column]), PRIME - 2, PRIME)
        factors = rest[here + 1 :, column] * inverse % PRIME
        rest[here + 1 :, column:] -= factors[:, None] * rest[here, column:] % PRIME
        rest[here + 1 :, column:] %= PRIME
        pivots.append(column)
    return pivots


def _solve(equations: list[list[int]]) -> list[int] | None:
    """Return the null vector of ``n - 1`` independent equations in n unknowns."""
    count = len(equations)
    free = list(range(count + 1))
    divisor = 1
    for step in range(count):
        pivot = next((j for j in range(step, count + 1) if equations[step][j]), None)
        if pivot is None:
            return None
        for equation in equations:
            equation[step], equation[pivot] = equation[pivot], equation[step]
        free[step], free[pivot] = free[pivot], free[step]
        head = equations[step]
        check_time()
        for index, equation in enumerate(equations):
            check_time()
            if index != step:
                factor = equation[step]
                equations[index] = [
                    (head[step] * a - factor * b) // divisor for a, b in zip(equation, head, strict=True)
                ]
        divisor = head[step]
    vector = [0] * (count + 1)
    vector[free[count]] = divisor
    for step in range(count):
        vector[free[step]] = -equations[step][count] * divisor // equations[step][step]
    return coprime([Fraction(value) for value in vector])


def coprime(values: Sequence[Fraction]) -> list[int]:
    """Return the smallest integers in the same proportions."""
    scale = math.lcm(*(value.denominator for value in values))
    integers = [int(value * scale) for value in values]
    common = math.gcd(*integers) or 1
    return [value // common for value in integers]
