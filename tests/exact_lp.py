"""Whether a neuron exists, by a simplex method in integers that shares nothing with the product.

A row says ``row · (w, θ, b) > 0`` at a spike and ``>= 0`` at a silence; the unknowns lie in a box.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

FAR = 10**12


def greatest_lift(
    rows: Sequence[Sequence[Fraction]], spikes: Sequence[bool], box: Sequence[tuple[Fraction, Fraction]]
) -> Fraction | None:
    """Return the most that all spikes can be lifted at once while each silence is kept; None if they cannot be kept.

    ``rows`` are signed: each is to be positive at a spike, and not negative at a silence.
    """
    lows = [low for low, _ in box]
    constraints, bounds = [], []
    for row, spike in zip(rows, spikes, strict=True):
        here = sum((a * low for a, low in zip(row, lows, strict=True)), start=Fraction(0))
        constraints.append([-a for a in row] + [Fraction(int(spike))])
        bounds.append(here + (FAR if spike else 0))
    for index, (low, high) in enumerate(box):
        constraints.append([Fraction(int(index == column)) for column in range(len(box) + 1)])
        bounds.append(Fraction(high) - Fraction(low))
    constraints.append([Fraction(0)] * len(box) + [Fraction(1)])
    bounds.append(Fraction(2 * FAR))
    optimum = maximum(constraints, bounds, [Fraction(0)] * len(box) + [Fraction(1)])
    return None if optimum is None else optimum - FAR


def is_possible(
    rows: Sequence[Sequence[Fraction]], spikes: Sequence[bool], box: Sequence[tuple[Fraction, Fraction]]
) -> bool:
    lift = greatest_lift(rows, spikes, box)
    return lift is not None and lift > 0


def maximum(
    matrix: Sequence[Sequence[Fraction]], bounds: Sequence[Fraction], objective: Sequence[Fraction]
) -> Fraction | None:
    """Return the maximum of ``objective · x`` over ``matrix x <= bounds``, ``x >= 0``; None if nothing satisfies it."""
    tableau = Tableau(matrix, bounds, objective)
    return tableau.solve()


class Tableau:
    """A dictionary with one artificial column; integers over one common denominator (Edmonds 1967)."""

    def __init__(
        self, matrix: Sequence[Sequence[Fraction]], bounds: Sequence[Fraction], objective: Sequence[Fraction]
    ) -> None:
        self.width = len(objective) + 1
        self.rows = [whole([*row, Fraction(-1), bound]) for row, bound in zip(matrix, bounds, strict=True)]
        self.scale = math.lcm(*(value.denominator for value in objective))
        self.rows.append([-int(value * self.scale) for value in objective] + [0, 0])
        self.rows.append([0] * len(objective) + [1, 0])
        self.denominator = 1
        self.outside = list(range(self.width))
        self.inside = [self.width + index for index in range(len(matrix))]

    def solve(self) -> Fraction | None:
        count, artificial = len(self.inside), self.width - 1
        worst = min(range(count), key=lambda index: Fraction(self.rows[index][-1], -self.rows[index][artificial]))
        if self.rows[worst][-1] < 0:
            self.pivot(worst, artificial)
        self.climb(self.rows[-1], banned=None)
        if self.rows[-1][-1] != 0:
            return None
        if artificial in self.inside:
            row = self.inside.index(artificial)
            columns = [column for column in range(self.width) if self.rows[row][column]]
            if columns:
                self.pivot(row, columns[0])
        self.climb(self.rows[-2], banned=artificial)
        return Fraction(self.rows[-2][-1], self.denominator * self.scale)

    def climb(self, objective: list[int], banned: int | None) -> None:
        """Pivot by Bland's rule until no column improves a row of objectives."""
        which = next(index for index, row in enumerate(self.rows) if row is objective)
        while True:
            columns = [
                column
                for column in range(self.width)
                if self.rows[which][column] < 0 and self.outside[column] != banned
            ]
            if not columns:
                return
            column = min(columns, key=lambda index: self.outside[index])
            candidates = [index for index in range(len(self.inside)) if self.rows[index][column] > 0]
            assert candidates, "everything lies in a box"
            ratio = min(Fraction(self.rows[index][-1], self.rows[index][column]) for index in candidates)
            tied = [i for i in candidates if Fraction(self.rows[i][-1], self.rows[i][column]) == ratio]
            self.pivot(min(tied, key=lambda index: self.inside[index]), column)

    def pivot(self, row: int, column: int) -> None:
        head, old = self.rows[row], self.denominator
        new = head[column]
        for index, other in enumerate(self.rows):
            if index != row:
                factor = other[column]
                changed = [(new * a - factor * b) // old for a, b in zip(other, head, strict=True)]
                changed[column] = -factor
                self.rows[index] = changed
        head[column] = old
        self.denominator = new
        if new < 0:
            self.denominator = -new
            self.rows = [[-value for value in other] for other in self.rows]
        self.inside[row], self.outside[column] = self.outside[column], self.inside[row]


def whole(values: Sequence[Fraction]) -> list[int]:
    """Return values times their common denominator."""
    scale = math.lcm(*(value.denominator for value in values))
    return [int(value * scale) for value in values]
