"""Weights that meet a list of rows, by the relaxation method or a linear program.

The rows of perturbed inputs are written out, for there are only as many as have been the worst case of some weights.
Each is ``r · x >= m`` over weights, threshold and bias, in LSBs per unit of ``‖φ‖₁``. As in
`snnprog.design.margins.quick`, rows are met in turn by the smallest change that meets them, which ends soon if there is
room, and the result is stretched to the range of the weights. If that fails, a linear program finds the widest margin,
or prices of rows that exclude one another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.design.problem import NeuronProblem
from snnprog.fixed_order import sum_of_products, times
from snnprog.jit import compiled
from snnprog.solver import LinearProgram, maximise_within

PASSES = 1000
"""Passes over all rows before the linear program takes over: a choice between their times. The corners in which linear
programs end are worse for rows that are not there yet."""

STIFFNESS = np.array([40.0, 25.0])
"""How readily threshold and bias move beside one weight, as in `snnprog.design.margins.quick`."""

AIM = 1.1
"""What a row that is not met, whose sum must be 1, is brought to. With 1, the passes took 1.4 times as long."""

ENOUGH, AGAIN = 0.9, 10
"""The sum of a row that is met, and how often rows that were not are met again before all others are looked at."""

ROWS_PER_UNKNOWN = 2
"""How many rows for each unknown the linear program begins with. A choice: a corner of the optimum is where one row for
each unknown is tight."""

MOST_WORK = 1.0
"""The most that a linear program may take, in GLOP's deterministic time, about seconds. One of 758 rows over 386
unknowns (24 lines, 16 delays) took 9.5 s, and each round takes several; with 260 rows over 130 unknowns, .15."""

UNBOUNDED = 1e6
"""The margin above which none is sought, in scaled units, as in `snnprog.design.margins.lazy_rows`."""


@dataclass(frozen=True, eq=False)
class Meeting:
    """A solution: weights (taps,), threshold and bias in LSBs, and the prices of rows, (rows,), from a linear program.

    Attributes
    ----------
    margin : float
        The least of ``r · x`` over the rows, or an upper bound on it; 0 or less if rows exclude one another.
    """

    weights: Floats
    threshold: float
    bias: float
    margin: float
    prices: Floats | None = None


def met(problem: NeuronProblem, rows: Floats, *, least: Floats, taps: Int64s, start: Floats) -> Meeting | None:
    """Return weights that meet the rows, or None if a linear program for them takes too long.

    Parameters
    ----------
    problem : NeuronProblem
        For the ranges.
    rows : (rows, unknowns) float
        Over the taps that may have weights, the threshold and the bias.
    least : (rows,) float
        What each must exceed.
    taps : (unknowns - 2,) int
        The taps that may have weights.
    start : (unknowns,) float
        Where to begin.
    """
    if problem.box.is_scale_free:
        found = _relaxed(problem, rows, taps=taps, start=start)
        if found is not None:
            return found
    return widest(problem, rows, least=least, taps=taps, start=start)


def _relaxed(problem: NeuronProblem, rows: Floats, *, taps: Int64s, start: Floats) -> Meeting | None:
    """Meet the rows in turn, and stretch the result to the ranges; None if they are not met soon."""
    lower, upper = problem.ends(taps)
    stiffness = np.concatenate([np.ones(taps.size), np.sqrt(STIFFNESS) * [1.0, float(problem.box.is_bias_free)]])
    matrix = np.ascontiguousarray(rows * stiffness)
    values = np.divide(start, stiffness, out=np.zeros_like(start), where=stiffness > 0)
    signs = np.stack([np.where(lower < 0, -np.inf, 0.0), np.where(upper > 0, np.inf, 0.0)])
    signs[0, -2] = 0.0
    squares = np.einsum("ij,ij->i", matrix, matrix)
    if not squares.all() or not _pass(matrix, squares, values, signs):
        return None
    real = values * stiffness
    reach = np.where(real > 0, upper, lower)
    with np.errstate(divide="ignore"):
        stretch = float(np.abs(reach / np.where(real == 0, np.nan, real))[np.flatnonzero(real)].min(initial=np.inf))
    if not np.isfinite(stretch):
        return None
    real *= stretch
    return Meeting(real[: taps.size], float(real[-2]), float(real[-1]), float(times(rows, real).min()))


@compiled(nogil=True)
def _pass(matrix: Floats, squares: Floats, values: Floats, signs: Floats) -> bool:
    """Meet all rows in turn, in place, until all are met; return whether they are.

    After each pass over all rows come a few over those that were not met.
    """
    chosen = np.empty(matrix.shape[0], np.int64)
    for _ in range(PASSES):
        count, is_met = 0, True
        for row in range(matrix.shape[0]):
            total = _meet(matrix[row], squares[row], values, signs)
            is_met &= total > ENOUGH
            if total < 1.0:
                chosen[count] = row
                count += 1
        if is_met and _are_met(matrix, values):
            return True
        for _ in range(AGAIN):
            is_met = True
            for row in chosen[:count]:
                is_met &= _meet(matrix[row], squares[row], values, signs) > ENOUGH
            if is_met:
                break
    return False


@compiled(nogil=True)
def _are_met(matrix: Floats, values: Floats) -> bool:
    """Return whether the last moves of a pass left all rows met."""
    least = np.inf
    for row in range(matrix.shape[0]):
        least = min(least, sum_of_products(matrix[row], values))
    return bool(least > ENOUGH)


@compiled(nogil=True)
def _meet(row: Floats, square: float, values: Floats, signs: Floats) -> float:
    """Meet one row, in place; return its sum before."""
    total = sum_of_products(row, values)
    if total < 1.0:
        change = (AIM - total) / square
        for column in range(values.size):
            value = values[column] + change * row[column]
            values[column] = min(max(value, signs[0, column]), signs[1, column])
    return float(total)


def widest(problem: NeuronProblem, rows: Floats, *, least: Floats, taps: Int64s, start: Floats) -> Meeting | None:
    """Return the widest margin over the rows: over those that are tight first, and over more as they are violated.

    The parameters are those of `met`.

    The margin over some rows bounds that over all, so rows that exclude one another end the search at once. A linear
    program that takes too long ends it as well, with None.
    """
    chosen = np.sort(np.argsort(times(rows, start) - least, kind="stable")[: ROWS_PER_UNKNOWN * rows.shape[1]])
    while (answer := _widest_of(problem, rows[chosen], least=least[chosen], taps=taps)) is not None:
        values = np.concatenate([answer.weights, [answer.threshold, answer.bias]])
        short = answer.margin - (times(rows, values) - least)
        short[chosen] = 0.0
        new = np.argsort(-short, kind="stable")[: rows.shape[1]]
        new = new[short[new] > problem.tolerance]
        if answer.margin <= problem.tolerance or not new.size:
            prices = np.zeros(len(rows))
            prices[chosen] = answer.prices
            return replace(answer, prices=prices)
        chosen = np.sort(np.append(chosen, new))
    return None


def _widest_of(problem: NeuronProblem, rows: Floats, *, least: Floats, taps: Int64s) -> Meeting | None:
    """Return the widest margin over the rows, from one linear program, or None if it takes too long."""
    lower, upper = problem.ends(taps)
    scale = float(np.abs(np.concatenate([lower[:-2], upper[:-2], [1.0]])).max())
    ends = [np.append(end / scale, most) for end, most in ((lower, -np.inf), (upper, UNBOUNDED))]
    program = LinearProgram(
        objective=np.append(np.zeros(lower.size), 1.0),
        matrix=np.column_stack([rows, np.full(len(rows), -1.0)]),
        least=least / scale,
        lower=ends[0],
        upper=ends[1],
    )
    optimum = maximise_within(program, MOST_WORK)
    if optimum is None:
        return None
    values = optimum.values * scale
    return Meeting(values[: taps.size], float(values[-3]), float(values[-2]), float(values[-1]), optimum.duals)
