"""Arithmetic in a fixed order: right, and the same whatever the processor's own libraries do."""

from __future__ import annotations

import ast
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from snnprog.arrays import Floats
from snnprog.fixed_order import (
    Cholesky,
    coarse_gram,
    dot,
    exponential,
    gram,
    logarithm,
    norm,
    power,
    powers,
    sum_of_products,
    times,
    transposed_times,
)

PACKAGE = Path(__file__).resolve().parents[1] / "snnprog"
SIZES = [(1, 1), (3, 2), (31, 33), (64, 64), (200, 321), (70, 530)]


def rows_of(count: int, size: int) -> Floats:
    return np.random.default_rng([count, size]).standard_normal((count, size))


def test_products_are_right() -> None:
    rows, vector = rows_of(7, 5), np.arange(1.0, 6.0)
    assert times(rows, vector) == pytest.approx([math.fsum(row * vector) for row in rows])
    assert transposed_times(rows.T, vector) == pytest.approx(times(rows, vector))
    for size in range(9):
        first, second = rows_of(2, size)
        assert dot(first, second) == pytest.approx(math.fsum(first * second))
        assert sum_of_products(first, second) == pytest.approx(math.fsum(first * second))
        assert norm(first) == pytest.approx(math.hypot(*first))


@pytest.mark.parametrize(("count", "size"), SIZES)
@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_gram_adds_row_after_row(count: int, size: int, precision: type[np.float32] | type[np.float64]) -> None:
    rows = rows_of(count, size).astype(precision)
    plainly = np.zeros((size, size), dtype=precision)
    for row in rows:
        plainly += row[:, None] * row  # each product and each sum rounded by itself, in order
    assert (np.triu(gram(rows)) == np.triu(plainly)).all()


@pytest.mark.parametrize(("count", "size"), SIZES)
def test_coarse_gram_is_exact_for_rounded_rows(count: int, size: int) -> None:
    rows = rows_of(count, size)
    rows /= np.sqrt((rows**2).sum(axis=0))
    found = coarse_gram(rows.astype(np.float32))
    assert np.abs(np.triu(found - rows.T @ rows)).max() < 1e-6
    whole = np.rint(rows.astype(np.float32).astype(np.float64) * 2.0**26).astype(np.int64)
    for i, j in ((0, 0), (0, size - 1), (size - 1, size - 1)):
        products = sum(int(a) * int(b) for a, b in zip(whole[:, i], whole[:, j], strict=True))
        assert Fraction(float(found[i, j])) == Fraction(products, 1 << 52)


@pytest.mark.parametrize("size", [1, 2, 31, 32, 33, 97, 300])
def test_a_factor_solves(size: int) -> None:
    rows = rows_of(2 * size, size)
    matrix = np.triu(rows.T @ rows)  # what stands below is not read
    factor = Cholesky(matrix)
    assert factor.is_found
    whole, expected = matrix + np.triu(matrix, 1).T, np.arange(1.0, size + 1.0)
    assert factor.solve(whole @ expected) == pytest.approx(expected, rel=1e-6)
    single = Cholesky(matrix.astype(np.float32)).solve(whole @ expected)
    assert np.abs(whole @ (single - expected)).max() < 1e-3 * np.abs(whole @ expected).max()


def test_what_has_no_factor_says_so() -> None:
    assert not Cholesky(np.array([[1.0, 2.0], [2.0, 1.0]])).is_found
    assert not Cholesky(np.zeros((3, 3))).is_found
    assert not Cholesky(np.full((2, 2), np.nan)).is_found


def test_powers_are_right_to_the_last_places() -> None:
    exponents = np.array([0, 1, 2, 3, 17, 1000, 12345])
    for base in (0.0, 0.5, 163 / 4096, 4095 / 4096, 1.0):
        exact = [float(Fraction(base) ** int(exponent)) for exponent in exponents]
        assert powers(base, exponents) == pytest.approx(exact, rel=1e-14, abs=0.0)
        assert [power(base, int(exponent)) for exponent in exponents] == pytest.approx(exact, rel=1e-11, abs=1e-300)
    assert powers(0.5, np.zeros((2, 0), dtype=np.int64)).shape == (2, 0)


def test_exponentials_and_logarithms_have_ten_digits() -> None:
    for value in np.linspace(-600.0, 600.0, 4001).tolist():
        assert exponential(value) == pytest.approx(math.exp(value), rel=1e-10)
    for value in np.exp(np.linspace(-600.0, 600.0, 4001)).tolist():
        assert logarithm(value) == pytest.approx(math.log(value), rel=1e-10, abs=1e-10)
    assert (exponential(0.0), logarithm(1.0)) == (1.0, 0.0)


# Where a product is one of integers, which have no order, or of a sparse matrix, which SciPy adds up itself.
PRODUCTS = {"potential.py": 2, "design/rasters/choosing.py": 6, "design/proofs/needed.py": 3}
# The guesses of `needed` only say which conflict is looked at first.
LINEAR_ALGEBRA = {"design/proofs/needed.py"}
ORDERED = ["potential.py", "design", "integers", "networks/calibration", "compiler"]


def sources() -> list[Path]:
    return [file for part in ORDERED for file in sorted((PACKAGE / part).rglob("*.py")) or [PACKAGE / part]]


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_library_chooses_the_order(path: Path) -> None:
    """Matrix products, LAPACK, and functions that differ by processor stay out of what leads to weights."""
    name, tree = path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))
    products = sum(isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult) for node in ast.walk(tree))
    assert products == PRODUCTS.get(name, 0), "use snnprog.fixed_order, or say here why the order does not matter"
    numpy_functions = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "np"
    }
    forbidden = {"dot", "matmul", "vdot", "inner", "tensordot", "power", "exp", "log", "log2", "log10", "sin", "cos"}
    assert not numpy_functions & forbidden
    assert ("linalg" in numpy_functions) == (name in LINEAR_ALGEBRA)
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {module for module in imported if module and module.startswith("scipy.linalg")}


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_python_does_not_choose_it_either(path: Path) -> None:
    """The built-in `sum` of floats makes up for rounding from Python 3.12 on: 8 of 50 specs came out otherwise."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    summed = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "sum"]
    terms = [node.elt for node in summed if isinstance(node, (ast.GeneratorExp, ast.ListComp))]
    floats = [term for term in terms if isinstance(term, ast.Call) and getattr(term.func, "id", "") in ("dot", "float")]
    assert not floats, "use math.fsum"
