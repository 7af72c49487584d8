"""Linear programs over the few relevant rows of a neuron, which are added in a loop.

A neuron has a row for each of thousands of ticks, and few of them bind at the optimum. So a program starts with a few
rows, is solved, and adds those that its solution violates most, until all violated rows are in the program
(Kelley's cutting planes, 1960; here the cuts are the neuron's own rows). An optimum over some of the rows is at least
as good as the optimum over all of them, so every intermediate solution is a bound, and the last one satisfies all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.design.problem import NeuronProblem
from snnprog.potential import Ticks
from snnprog.solver import LinearProgram

T = TypeVar("T")

# How many of the hardest spikes, and of the hardest silences, are there from the start, and the smallest number of rows
# that may come in at a time. Only time depends on them, as long as optima are unique: × 3 and ÷ 3 gave another program
# on 1 of 5 specs, and between .9 and 1.3 of the time.
FIRST_ROWS, MORE_ROWS = 60, 100


class ActiveRows:
    """The rows of one neuron that its programs have needed so far; several programs may share them.

    Parameters
    ----------
    problem : NeuronProblem
        The neuron. Only its potential map, raster and resets play a part.
    first : (rows,) int
        The ticks whose rows are there from the start.
    most_new : int
        How many rows may come in at a time.
    growing : bool
        Whether a third of the rows that are there may come in, where that is more.

    Attributes
    ----------
    ticks : (rows,) int
    features : (rows, taps) float
        φ of these ticks, which is computed once.
    """

    def __init__(
        self, problem: NeuronProblem, first: Ticks, *, most_new: int = MORE_ROWS, growing: bool = True
    ) -> None:
        self._problem, self._most_new, self._growing = problem, most_new, growing
        self.ticks, self.features = first, problem.features(first)

    def signed(self, sizes: Floats | float = 1.0, taps: Int64s | None = None) -> Floats:
        """Return ``s [φ | -τ | β]``, each row divided by its size, over all taps or some of them."""
        features = self.features if taps is None else self.features[:, taps]
        return self._problem.signed_rows(self.ticks, sizes=sizes, features=features)

    def take_in(self, worst_first: Ticks) -> bool:
        """Add the first of these ticks that are not there yet; return whether there were any."""
        new = worst_first[~np.isin(worst_first, self.ticks)]
        most = max(self._most_new, self.ticks.size // 3) if self._growing else self._most_new
        self.ticks = np.concatenate([self.ticks, new[:most]])
        self.features = np.concatenate([self.features, self._problem.features(new[:most])])
        return bool(new.size)


def worst_first(values: Floats, least: float) -> Ticks:
    """Return the ticks whose value is below ``least``, the smallest value first, and the earliest of equal ones."""
    violated = np.flatnonzero(values < least)
    return violated[np.argsort(values[violated], kind="stable")]


def answers(rows: ActiveRows, solve: Callable[[ActiveRows], tuple[T, Ticks]]) -> Iterator[T]:
    """Solve a program over ever more of its rows; yield each answer, of which the last holds for all rows.

    Parameters
    ----------
    rows : ActiveRows
        Where to start; rows are added in place.
    solve : callable
        Return the answer over the active rows, and the ticks that it violates, the worst first.
    """
    while True:
        answer, violated = solve(rows)
        yield answer
        if not rows.take_in(violated):
            return


def margin_program(
    problem: NeuronProblem, rows: ActiveRows, *, scale: float, taps: Int64s | None = None, most: float = np.inf
) -> LinearProgram:
    """Return the program of the widest margin over some rows; its unknowns are weights, threshold, bias and margin.

    Parameters
    ----------
    scale : float
        The LSBs in one unit of each unknown: chosen so that all numbers of the program are near 1.
    taps : (taps,) int, optional
        The only taps with weights.
    most : float
        The margin above which none is sought.
    """
    slack = problem.slack[rows.ticks] / problem.step
    signed = rows.signed(slack, taps)
    lower, upper = problem.ends(taps)
    return LinearProgram(
        objective=np.append(np.zeros(lower.size), 1.0),
        matrix=np.column_stack([signed, np.full(slack.size, -1.0)]),
        least=problem.truncation[rows.ticks] / (slack * scale),
        lower=np.append(lower / scale, -np.inf),
        upper=np.append(upper, problem.step * most) / scale,
    )
