"""The preconditioner of the interior point method: the factorised normal equations over the rows with most weight.

The idea: near the optimum, the weights d = prices / slacks of the rows that bind exceed those of the others by many
orders of magnitude, so a factor over the chosen rows is nearly the inverse of the whole system, and conjugate gradients
need few rounds. The factor only needs to be symmetric and positive definite: then the solution is correct
for any choice of rows, and a bad choice costs time. So single precision will do, and a diagonal that is too small
to factorise is raised, tenfold each time, until it can be.

The margin is eliminated first, which centres the rows, so that what is left keeps its digits::

    Σ d (r, -1)(r, -1)ᵀ + diag(ends, 0)   over the chosen rows r

Many rows are factorised by unknowns, in the precision they come in; few rows by rows (Woodbury's identity), always in
double precision, because there large terms cancel.

Far from the optimum, the weights of the rows are alike, and leaving out all products between taps is enough: see
`by_taps`, which costs a few passes over the network's events instead of a factor.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.design.margins.rows import Rows
from snnprog.fixed_order import Cholesky, Matrix, coarse_gram, dot, gram, times, transposed_times
from snnprog.solver import check_time

# From this many unknowns on, a factor by rows is the cheaper one, if they are few: 47 ms instead of 123 for a design of
# 1000 taps on 1600 ticks, whose factors have 84 to 160 rows.
MANY_UNKNOWNS = 200
# The share of a column's square that must remain, or its products with taps are skipped, too.
SINGULAR = 1e-3


class Inverse(Protocol):
    """Applies the inverse of ``Σ d r rᵀ + diag(ends)`` to ``(unknowns,)``."""

    def solve(self, right: Floats) -> Floats:
        """Apply it."""


class Factor:
    """The factor, and the parts of the whole system.

    Attributes
    ----------
    weights : (rows,) float
        d, the prices over the slacks, of all rows.
    ends : (unknowns,) float
        The same of the ends of the ranges.
    """

    def __init__(self, weights: Floats, ends: Floats, mean: Floats, total: float, inverse: Inverse) -> None:
        self.weights, self.ends = weights, ends
        self._mean, self._total, self._inverse = mean, total, inverse

    def solve(self, right: Floats) -> Floats:
        """Apply the inverse to ``(unknowns + 1,)``, the margin last."""
        values = self._inverse.solve(right[:-1] + right[-1] * self._mean)
        return np.append(values, right[-1] / self._total + dot(self._mean, values))


def factorised(weights: Floats, ends: Floats, *, matrix: Matrix, chosen: Int64s) -> Factor:
    """Return the factor over the rows ``matrix``, which stand at ``chosen`` among all; the matrix is used up."""
    total = float(weights[chosen].sum())
    mean = transposed_times(matrix, (weights[chosen] / total).astype(matrix.dtype))
    matrix -= mean
    few = matrix.shape[1] >= MANY_UNKNOWNS and matrix.shape[0] < matrix.shape[1] / 2
    inverse = (ByRows if few else ByUnknowns)(matrix, weights[chosen], ends)
    return Factor(weights, ends, mean.astype(np.float64), total, inverse)


def by_taps(weights: Floats, ends: Floats, rows: Rows) -> Factor:
    """Return the factor over all rows without the products between taps; those with threshold and bias remain."""
    total = float(weights.sum())
    mean = rows.transposed_times(weights) / total
    return Factor(weights, ends, mean, total, ByTaps(weights, ends, rows, mean, total))


class ByTaps:
    """``Σ d (r - mean)(r - mean)ᵀ + diag(ends)`` without the products between taps: a diagonal, and its last columns.

    The columns of threshold and bias are eliminated (Schur's complement), unless what they leave out makes that
    negative.
    """

    def __init__(self, weights: Floats, ends: Floats, rows: Rows, mean: Floats, total: float) -> None:
        taps = rows.taps.size
        own = np.maximum(rows.squared_times(weights) - total * mean[:taps] ** 2, 0.0) + ends[:taps]
        self._inverse = 1.0 / own
        others = rows.columns - mean[taps:]
        across = [rows.transposed_times(weights * column)[:taps] for column in others.T]
        self._across = np.array(across).reshape(others.shape[1], taps)
        block = np.einsum("k,ki,kj->ij", weights, others, others) + np.diag(ends[taps:])
        left = block - np.einsum("ij,j,kj->ik", self._across, self._inverse, self._across)
        if not (Cholesky(left).is_found and (np.diag(left) > SINGULAR * np.diag(block)).all()):
            self._across, left = np.zeros_like(self._across), np.diag(np.diag(block))
        self._block = Cholesky(left)

    def solve(self, right: Floats) -> Floats:
        """See `Inverse`."""
        taps = self._inverse.size
        alone = right[:taps] * self._inverse
        others = self._block.solve(right[taps:] - times(self._across, alone))
        return np.concatenate([alone - transposed_times(self._across, others) * self._inverse, others])


def _positive(matrix: Matrix, ridge: float) -> Cholesky:
    """Return the factor of a matrix whose diagonal is raised, by ten times as much each time, until there is one."""
    factor = Cholesky(matrix, between=check_time)
    while not factor.is_found:
        ridge *= 10.0
        np.einsum("ii->i", matrix)[:] += matrix.dtype.type(ridge)
        factor = Cholesky(matrix, between=check_time)
    return factor


class ByUnknowns:
    """``Σ d r rᵀ + diag(ends)``, its diagonal scaled to 1, as a Cholesky factor (unknowns, unknowns)."""

    def __init__(self, matrix: Matrix, weights: Floats, ends: Floats) -> None:
        precision, top = matrix.dtype, float(weights.max())
        matrix *= np.sqrt(weights / top).astype(precision)[:, None]
        self._scale = 1.0 / np.sqrt(np.einsum("ij,ij->j", matrix, matrix) * top + ends)
        matrix *= (np.sqrt(top) * self._scale).astype(precision)
        normal = (coarse_gram if precision == np.float32 else gram)(matrix, between=check_time).astype(precision)
        diagonal = np.einsum("ii->i", normal)
        diagonal += (ends * self._scale**2).astype(precision)
        ridge = float(np.finfo(precision).eps)
        diagonal += precision.type(ridge)
        self._factor = _positive(normal, ridge)

    def solve(self, right: Floats) -> Floats:
        """See `Inverse`."""
        solved: Floats = self._factor.solve(right * self._scale) * self._scale
        return solved


class ByRows:
    """The same by ``(G + BᵀB)⁻¹ = G⁻¹ - G⁻¹ Bᵀ (1 + B G⁻¹ Bᵀ)⁻¹ B G⁻¹``, with a Cholesky factor (rows, rows)."""

    def __init__(self, matrix: Matrix, weights: Floats, ends: Floats) -> None:
        self._scale = 1.0 / np.sqrt(ends)
        self._rows = matrix.astype(np.float64, copy=False)
        self._rows *= np.sqrt(weights)[:, None]
        self._rows *= self._scale
        inner = gram(self._rows.T, between=check_time)
        np.einsum("ii->i", inner)[:] += 1.0
        # Its eigenvalues are 1 and more, but where rows weigh 1e18, rounding takes the 1.
        greatest = float(np.einsum("ii->i", inner).max())
        self._factor = _positive(inner, float(np.finfo(np.float64).eps) * greatest)

    def solve(self, right: Floats) -> Floats:
        """See `Inverse`."""
        scaled = right * self._scale
        solved: Floats = (
            scaled - transposed_times(self._rows, self._factor.solve(times(self._rows, scaled)))
        ) * self._scale
        return solved
