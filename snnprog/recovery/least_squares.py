"""Least squares that tell what they could not find.

Singular values count towards the rank above ``σ₁ max(rows, columns) ε + 1e-9 √(rows columns)``. The first term is the
backward error of the decomposition; the second, by Weyl's inequality, what the map leaves out of its rows
(`snnprog.potential.RESIDUE`). The null space has a part in an unknown if more than that tolerance over the least
singular value that counts: so far may a computed null space turn (Davis and Kahan).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from scipy.linalg import qr, solve_triangular
from scipy.optimize import nnls

from snnprog.arrays import Floats, Int64s
from snnprog.potential import RESIDUE
from snnprog.recovery.observation import Equations

EPSILON = float(np.finfo(np.float64).eps)
LEAST_REACH = 1e-9


class LeastSquares:
    """The least squares of one neuron, from a decomposition that tells the rank.

    Attributes
    ----------
    values : (unknowns,) float
        The solution of least norm.
    rank : int
    uncertainty : (unknowns,) float
        By how much the errors of the equations can have moved each value at most; infinite where the null space has a
        part in it.
    residual : float
        By how much an equation is missed at most.
    is_consistent : bool
        Whether the errors can account for the residuals.
    """

    def __init__(self, equations: Equations) -> None:
        rows, right = equations.rows, equations.right
        count = rows.shape[1]
        triangle: Floats = np.linalg.qr(np.column_stack([rows, right]))[1][:count]
        self.matrix, self.right = triangle[:, :count], triangle[:, count]
        left, sizes, directions = np.linalg.svd(self.matrix, full_matrices=True)
        tolerance = sizes.max(initial=0.0) * max(rows.shape) * EPSILON + RESIDUE * float(np.sqrt(rows.size))
        self.rank = int((sizes > tolerance).sum())
        span, kept = directions[: self.rank], sizes[: self.rank]
        self.values: Floats = span.T @ ((left.T[: self.rank] @ self.right) / kept)
        reach = max(LEAST_REACH, tolerance / float(kept.min(initial=np.inf)))
        is_fixed = np.linalg.norm(directions[self.rank :], axis=0) <= reach
        moved = np.zeros(count)
        if equations.errors.any():
            moved = np.abs((span.T / kept**2) @ (span @ rows.T)) @ equations.errors
        self.uncertainty: Floats = np.where(is_fixed, moved, np.inf)
        missed = rows @ self.values - right
        self.residual = float(np.abs(missed).max(initial=0.0))
        allowed = np.linalg.norm(equations.errors) + tolerance * (1.0 + np.linalg.norm(self.values))
        self.is_consistent = bool(np.linalg.norm(missed) <= allowed)

    def candidates(self, signs: Int64s) -> Iterator[Floats]:
        """Yield solutions: that of least norm; if there are more, one on few unknowns, and one that obeys signs."""
        yield self.values
        if self.rank == self.values.size:
            return
        factor, triangle, order = qr(self.matrix, mode="economic", pivoting=True)
        basic = np.zeros_like(self.values)
        basic[order[: self.rank]] = solve_triangular(
            triangle[: self.rank, : self.rank], (factor.T @ self.right)[: self.rank]
        )
        yield basic
        if signs.any():
            ways = np.concatenate([np.eye(signs.size)[signs >= 0], -np.eye(signs.size)[signs <= 0]])
            with suppress(RuntimeError):  # too many iterations: no candidate
                yield nnls(self.matrix @ ways.T, self.right)[0] @ ways
