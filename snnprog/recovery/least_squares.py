"""Least squares that report which unknowns are undetermined.

Singular values count towards the rank above ``σ₁ max(rows, columns) ε + 1e-9 √(rows columns)``. The first term is the
backward error of the decomposition; the second, by Weyl's inequality, the error of the rows of the map
(`snnprog.potential.RESIDUE`). An unknown has a component in the null space if it exceeds that tolerance divided by the
smallest singular value that counts, the bound on the rotation of a computed null space (Davis and Kahan).
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
    """The least-squares solution of one neuron, from a rank-revealing decomposition.

    Attributes
    ----------
    values : (unknowns,) float
        The minimum-norm solution.
    rank : int
    uncertainty : (unknowns,) float
        A bound on the change of each value by errors of the equations; infinite for values with a component in the
        null space.
    residual : float
        The maximum residual of an equation.
    is_consistent : bool
        Whether the errors can explain the residuals.
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
        """Yield solutions: of minimum norm; if that is not unique, a sparse one, and one that satisfies the signs."""
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
