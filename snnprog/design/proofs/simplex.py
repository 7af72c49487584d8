"""A simplex method in integers, for programs of a few dozen rows that floats cannot decide.

The tableau is kept in integers over one common denominator (Edmonds 1967), so nothing is ever rounded; Bland's rule
(1977) keeps it from cycling.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from snnprog.solver import check_time

Vector = Sequence[Fraction]

WORK_LIMIT = 4_000_000_000
"""Bits of the tableau's integers, times their number, that pivots may handle: some seconds."""


@dataclass(frozen=True)
class ExactOptimum:
    """The solution of a program.

    Attributes
    ----------
    is_feasible : bool
        Whether any point satisfies the rows.
    values : tuple of Fraction
        An optimal point; empty if there is none.
    prices : tuple of Fraction
        One per row, >= 0: of the objective, or, where no point satisfies the rows, of their contradiction.
    """

    is_feasible: bool
    values: tuple[Fraction, ...]
    prices: tuple[Fraction, ...]


def maximise_exactly(matrix: Sequence[Vector], most: Vector, *, objective: Vector) -> ExactOptimum | None:
    """Maximise ``objective · x`` subject to ``matrix x <= most`` and ``x >= 0``; the program must be bounded.

    None, where the integers become too long to find it in seconds.

    Raises
    ------
    UndecidedError
        If the time that `snnprog.solver.until` allows runs out.
    """
    tableau = _Tableau(matrix, most, objective)
    if tableau.is_deficient:
        tableau.enter_artificial()
        if not tableau.climb(tableau.shortage):
            return None
        if tableau.rows[tableau.shortage][-1] != 0:
            return ExactOptimum(False, (), tableau.prices(tableau.shortage))
    tableau.drop_artificial()
    if not tableau.climb(tableau.objective):
        return None
    return ExactOptimum(True, tableau.values(), tableau.prices(tableau.objective))


class _Tableau:
    """Rows of (variables, artificial, right side); then the objective, and the shortage, both to be raised."""

    def __init__(self, matrix: Sequence[Vector], most: Vector, objective: Vector) -> None:
        self.count, self.artificial = len(matrix), len(objective)
        scales = [
            math.lcm(*(value.denominator for value in (*row, end))) for row, end in zip(matrix, most, strict=True)
        ]
        self.scales = [*scales, math.lcm(*(value.denominator for value in objective)), 1]
        self.objective, self.shortage = self.count, self.count + 1
        self.rows = [
            [*(int(value * scale) for value in row), -1, int(end * scale)]
            for row, end, scale in zip(matrix, most, scales, strict=True)
        ]
        self.rows.append([*(-int(value * self.scales[self.objective]) for value in objective), 0, 0])
        self.rows.append([*([0] * self.artificial), 1, 0])
        self.denominator, self.work = 1, 0
        self.columns = list(range(self.artificial + 1))
        self.basis = [self.artificial + 1 + index for index in range(self.count)]

    @property
    def is_deficient(self) -> bool:
        return any(row[-1] < 0 for row in self.rows[: self.count])

    def enter_artificial(self) -> None:
        worst = min(range(self.count), key=lambda index: self.rows[index][-1])
        self._pivot(worst, self.artificial)

    def drop_artificial(self) -> None:
        """Drive the artificial variable, which is 0, out of the basis, and keep it out."""
        if self.artificial in self.basis:
            row = self.basis.index(self.artificial)
            column = next((index for index in range(len(self.columns)) if self.rows[row][index]), None)
            if column is not None:
                self._pivot(row, column)
        if self.artificial in self.columns:
            for each in self.rows:
                each[self.columns.index(self.artificial)] = 0

    def climb(self, target: int) -> bool:
        """Maximize one row's right side; False if that takes too long."""
        while self.work <= WORK_LIMIT:
            rising = [index for index, value in enumerate(self.rows[target][:-1]) if value < 0]
            if not rising:
                return True
            column = min(rising, key=self.columns.__getitem__)
            limits = [
                (Fraction(self.rows[index][-1], self.rows[index][column]), self.basis[index], index)
                for index in range(self.count)
                if self.rows[index][column] > 0
            ]
            self._pivot(min(limits)[2], column)
        return False

    def values(self) -> tuple[Fraction, ...]:
        held = {variable: row[-1] for variable, row in zip(self.basis, self.rows[: self.count], strict=True)}
        return tuple(Fraction(held.get(index, 0), self.denominator) for index in range(self.artificial))

    def prices(self, target: int) -> tuple[Fraction, ...]:
        reduced = dict(zip(self.columns, self.rows[target][:-1], strict=True))
        unit = self.denominator * self.scales[target]
        return tuple(
            Fraction(reduced.get(self.artificial + 1 + index, 0) * self.scales[index], unit)
            for index in range(self.count)
        )

    def _pivot(self, row: int, column: int) -> None:
        head = self.rows[row]
        sign, new, old = (1 if head[column] > 0 else -1), abs(head[column]), self.denominator
        self.work += new.bit_length() * len(self.rows) * len(head)
        for index, other in enumerate(self.rows):
            check_time()
            if index != row:
                factor = sign * other[column]
                changed = [(new * a - factor * b) // old for a, b in zip(other, head, strict=True)]
                changed[column] = -factor
                self.rows[index] = changed
        self.rows[row] = [sign * value for value in head]
        self.rows[row][column] = sign * old
        self.denominator = new
        self.basis[row], self.columns[column] = self.columns[column], self.basis[row]
