"""The preconditioner against the matrix that it factorises, written out."""

from __future__ import annotations

import numpy as np
import pytest

from snnprog.arrays import Floats
from snnprog.design.margins.factor import ByRows, ByUnknowns, factorised


def system(rows: int, unknowns: int) -> tuple[Floats, Floats, Floats]:
    generator = np.random.default_rng(rows)
    matrix = generator.normal(size=(rows, unknowns)) + 3.0
    return matrix, 10.0 ** generator.uniform(-2, 2, rows), 10.0 ** generator.uniform(-1, 1, unknowns)


@pytest.mark.parametrize("inverse", [ByRows, ByUnknowns])
@pytest.mark.parametrize(("precision", "accuracy"), [(np.float64, 1e-9), (np.float32, 1e-3)])
@pytest.mark.parametrize("unknowns", [50, 300])
def test_inverses_invert(
    inverse: type[ByRows] | type[ByUnknowns], precision: type, accuracy: float, unknowns: int
) -> None:
    """With one block, and with several."""
    matrix, weights, ends = system(unknowns - 20, unknowns)
    matrix -= matrix.mean(axis=0)
    right = np.random.default_rng(1).normal(size=unknowns)
    expected = np.linalg.solve((matrix.T * weights) @ matrix + np.diag(ends), right)
    solved = inverse(matrix.astype(precision), weights, ends).solve(right)
    np.testing.assert_allclose(solved, expected, rtol=0.0, atol=accuracy * np.abs(expected).max())


@pytest.mark.parametrize(("rows", "unknowns"), [(60, 20), (40, 1600)])
def test_the_margin_is_eliminated(rows: int, unknowns: int) -> None:
    matrix, weights, ends = system(rows, unknowns)
    others = np.array([5.0, 7.0])
    whole = np.column_stack([matrix, -np.ones(rows)])
    normal = (whole.T * weights) @ whole + np.diag(np.append(ends, 0.0))
    right = np.random.default_rng(2).normal(size=unknowns + 1)
    factor = factorised(np.append(others, weights), ends, matrix=matrix.copy(), chosen=2 + np.arange(rows))
    np.testing.assert_allclose(normal @ factor.solve(right), right, rtol=0.0, atol=1e-6)
