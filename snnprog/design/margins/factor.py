"""The preconditioner of the interior point method: its normal equations over the rows that weigh most, factorised.

The idea: near the optimum, the weights d = prices / slacks of the rows that bind exceed those of the others by many
orders of magnitude, so a factor over the chosen rows is nearly the inverse of the whole system, and conjugate gradients
need few rounds. What must hold is only that the factor is symmetric and positive definite: then the solution is right
however few rows were chosen, and a bad choice costs time. So single precision will do, and a diagonal that is too small
to factorise is raised, tenfold each time, until it can be.

The margin is eliminated first, which centres the rows, so that what is left keeps its digits::

    Σ d (r, -1)(r, -1)ᵀ + diag(ends, 0)   over the chosen rows r

Many rows are factorised by unknowns, in the precision they come in; few rows by rows (Woodbury's identity), always in
double precision, because there large terms cancel.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, get_blas_funcs, get_lapack_funcs

from snnprog.arrays import Floats, Int64s

Matrix = NDArray[Any]

# From so many unknowns on, a factor by rows may be the cheaper one; below, by unknowns always is in time. × 3 and ÷
# 3: no change on 3 specs, which are smaller.
MANY_UNKNOWNS = 1500
# The size of the inverted diagonal blocks, of the order of a processor's cache. Sums come in another order with another
# size, so programs differ, as exact; a third of it took .67 of the time on 3 specs.
BLOCK = 128


class Inverse(Protocol):
    """Applies the inverse of ``Σ d r rᵀ + diag(ends)`` to ``(unknowns,)``."""

    def solve(self, right: Floats) -> Floats:
        """Apply it."""


class Factor:
    """The factor, and what the whole system is made of.

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
        return np.append(values, right[-1] / self._total + self._mean @ values)


def factorised(weights: Floats, ends: Floats, *, matrix: Matrix, chosen: Int64s) -> Factor:
    """Return the factor over the rows ``matrix``, which stand at ``chosen`` among all; the matrix is used up."""
    total = float(weights[chosen].sum())
    mean = (weights[chosen] / total).astype(matrix.dtype) @ matrix
    matrix -= mean
    few = matrix.shape[1] >= MANY_UNKNOWNS and matrix.shape[0] < matrix.shape[1] / 2
    inverse = (ByRows if few else ByUnknowns)(matrix, weights[chosen], ends)
    return Factor(weights, ends, mean.astype(np.float64), total, inverse)


class Triangle:
    """A Cholesky factor L that is used often: its diagonal blocks are inverted, so that all else is products."""

    def __init__(self, lower: Matrix) -> None:
        count, invert = len(lower), get_lapack_funcs("trtri", dtype=lower.dtype)
        self._precision = lower.dtype
        self._blocks = []
        for start in range(0, count, BLOCK):
            end = min(start + BLOCK, count)
            inverse, _ = invert(lower[start:end, start:end], lower=1)
            self._blocks.append((slice(start, end), slice(end, count), inverse, lower[end:, start:end]))

    def solve(self, right: Floats) -> Floats:
        """Return x with ``L Lᵀ x = right``, (unknowns,)."""
        values = right.astype(self._precision)
        for here, below, inverse, beside in self._blocks:
            values[here] = inverse @ values[here]
            values[below] -= beside @ values[here]
        for here, below, inverse, beside in reversed(self._blocks):
            values[here] = (values[here] - values[below] @ beside) @ inverse
        return values.astype(np.float64)


class ByUnknowns:
    """``Σ d r rᵀ + diag(ends)``, its diagonal scaled to 1, as a Cholesky factor (unknowns, unknowns)."""

    def __init__(self, matrix: Matrix, weights: Floats, ends: Floats) -> None:
        precision, top = matrix.dtype, float(weights.max())
        matrix *= np.sqrt(weights / top).astype(precision)[:, None]
        self._scale = 1.0 / np.sqrt(np.einsum("ij,ij->j", matrix, matrix) * top + ends)
        matrix *= (np.sqrt(top) * self._scale).astype(precision)
        multiply = get_blas_funcs("syrk", dtype=precision)
        factorise = get_lapack_funcs("potrf", dtype=precision)
        normal = multiply(1.0, matrix.T, lower=1)
        diagonal = np.einsum("ii->i", normal)
        diagonal += (ends * self._scale**2).astype(precision)
        ridge, failed = np.finfo(precision).eps, 1
        while failed:
            diagonal += precision.type(ridge)
            cholesky, failed = factorise(normal, lower=1)
            ridge *= 10.0
        self._triangle = Triangle(cholesky)

    def solve(self, right: Floats) -> Floats:
        """See `Inverse`."""
        solved: Floats = self._triangle.solve(right * self._scale) * self._scale
        return solved


class ByRows:
    """The same by ``(G + BᵀB)⁻¹ = G⁻¹ - G⁻¹ Bᵀ (1 + B G⁻¹ Bᵀ)⁻¹ B G⁻¹``, with a Cholesky factor (rows, rows)."""

    def __init__(self, matrix: Matrix, weights: Floats, ends: Floats) -> None:
        self._scale = 1.0 / np.sqrt(ends)
        self._rows = matrix.astype(np.float64, copy=False)
        self._rows *= np.sqrt(weights)[:, None]
        self._rows *= self._scale
        inner = get_blas_funcs("syrk", dtype=np.float64)(1.0, self._rows.T, trans=1, lower=1)
        np.einsum("ii->i", inner)[:] += 1.0
        self._triangle = Triangle(cholesky(inner, lower=True, overwrite_a=True, check_finite=False))

    def solve(self, right: Floats) -> Floats:
        """See `Inverse`."""
        scaled = right * self._scale
        solved: Floats = (scaled - self._triangle.solve(self._rows @ scaled) @ self._rows) * self._scale
        return solved
