"""Weights that meet a list of rows, by the relaxation method or a linear program.

The rows of perturbed inputs are written out, for there are only as many as have been the worst case of some weights.
Each is ``r · x >= m`` over weights, threshold and bias, in LSBs per unit of ``‖φ‖₁``. As in
`snnprog.design.margins.quick`, rows are met in turn by the smallest change that meets them, which ends soon if there is
room, and the result is stretched to the range of the weights. If that fails, a linear program finds the widest margin,
or prices of rows that exclude one another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.design.problem import NeuronProblem
from snnprog.fixed_order import sum_of_products, times
from snnprog.jit import compiled
from snnprog.solver import LinearProgram, maximise

PASSES = 2000
"""Passes over all rows before the linear program takes over. A choice: a tenth of a second. The corners in which linear
programs end are worse for rows that are not there yet."""

STIFFNESS = np.array([40.0, 25.0])
"""How readily threshold and bias move beside one weight, as in `snnprog.design.margins.quick`."""

AIM = 1.1
"""What a row that is not met, whose sum must be 1, is brought to. With 1, the passes took 1.4 times as long."""

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


def met(problem: NeuronProblem, rows: Floats, *, least: Floats, taps: Int64s, start: Floats) -> Meeting:
    """Return weights that meet the rows.

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
    return _widest(problem, rows, least=least, taps=taps)


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

    Rows that were met are looked at again only once the others are nearly met.
    """
    chosen, count = np.arange(matrix.shape[0]), matrix.shape[0]
    for _ in range(PASSES):
        is_whole, is_met, left = count == matrix.shape[0], True, 0
        for at in range(count):
            row = chosen[at]
            total = sum_of_products(matrix[row], values)
            if total < 1.0:
                is_met &= total > 0.9
                change = (AIM - total) / squares[row]
                for column in range(values.size):
                    value = values[column] + change * matrix[row, column]
                    values[column] = min(max(value, signs[0, column]), signs[1, column])
                if is_whole:
                    chosen[left] = row
                    left += 1
        if is_met and is_whole:
            return True
        if is_whole:
            count = left
        elif is_met:
            count = matrix.shape[0]
            chosen[:] = np.arange(count)
    return False


def _widest(problem: NeuronProblem, rows: Floats, *, least: Floats, taps: Int64s) -> Meeting:
    """Return the widest margin over the rows."""
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
    optimum = maximise(program)
    values = optimum.values * scale
    return Meeting(values[: taps.size], float(values[-3]), float(values[-2]), float(values[-1]), optimum.duals)
