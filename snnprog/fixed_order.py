"""Arithmetic with the same bits on every processor: sums in a fixed order, without libraries that choose their own.

A BLAS adds in the order that suits the processor, and the C library and NumPy have an ``exp``, ``log`` and ``pow`` for
each kind of it, which differ in the last bit. The last bits of weights decide about integers, so everything that leads
to weights is calculated here: by loops in which every addition and multiplication is rounded separately (IEEE 754). The
compiler may process several elements of a row at once, since the order within each element stays the same; without
`fastmath` it neither regroups sums nor fuses a product into a sum.

Python's `sum` of floats changed in Python 3.12, so `math.fsum`, which is exact, adds short lists.
NumPy's own sums, elementwise products and `einsum` (which uses no BLAS by default) have a fixed order, too.

The price: against OpenBLAS 0.3.29 with one thread, a Cholesky factor of 1000 unknowns takes 2.5 times as long, and the
design of a neuron near its limit, of which it is a part, 1.0 to 1.3 times up to 1000 taps, 1.7 times for 2000.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import get_blas_funcs

from snnprog.arrays import Floats, Int64s
from snnprog.jit import compiled

Matrix = NDArray[Any]
Between = Callable[[], None]
"""A callback between parts of long work, which may end it by raising."""

# Blocks of the matrix loops, in rows and columns: a block of single precision is 32 KB, the size of a first-level
# cache. They do not change the order of sums: rows are added from the first to the last.
BLOCK_ROWS, BLOCK_COLUMNS = 32, 256
# Rows between two calls of the callback: with 5000 columns, a second.
AT_ONCE = 512
# Digits of the powers that others are composed of: more than twice those of a float.
DIGITS = 50
COARSE = 2.0**26  # half of a double's digits, so that products are exact
LN2 = 0.6931471805599453
# The series of e^x, from 1 / 9! on, for x up to .35 (.35**10 / 10! is 8e-12), and of artanh x / x in x², up to .172.
TAYLOR = np.array([1.0 / math.factorial(order) for order in range(9, -1, -1)])
ARTANH = np.array([1.0 / order for order in range(11, 0, -2)])


def nothing() -> None:
    """Do nothing."""


def dot(first: Floats, second: Floats) -> float:
    """Return ``Σ first second`` of two vectors."""
    return float((first * second).sum())


def norm(vector: Floats) -> float:
    """Return the length of a vector."""
    return math.sqrt(dot(vector, vector))


def times(matrix: Matrix, vector: Matrix) -> Matrix:
    """Return ``matrix @ vector``."""
    product: Matrix = np.einsum("kj,j->k", matrix, vector)
    return product


def transposed_times(matrix: Matrix, vector: Matrix) -> Matrix:
    """Return ``vector @ matrix``."""
    product: Matrix = np.einsum("k,kj->j", vector, matrix)
    return product


def powers(base: float, exponents: Int64s) -> Floats:
    """Return ``base**exponents`` for whole exponents from 0: accurate to some units in the last place."""
    result = np.ones(exponents.shape)
    with localcontext() as context:
        context.prec = DIGITS
        square = Decimal(base)
        for bit in range(int(exponents.max(initial=0)).bit_length()):
            result *= np.where((exponents >> bit) & 1, float(square), 1.0)
            square *= square
    return result


@compiled(nogil=True)
def power(base: float, exponent: int) -> float:
    """Return ``base**exponent`` for a whole exponent from 0, by squaring."""
    result = 1.0
    while exponent > 0:
        if exponent & 1:
            result *= base
        base *= base
        exponent >>= 1
    return result


@compiled(nogil=True)
def sum_of_products(first: Floats, second: Floats) -> float:
    """Return ``Σ first second``, inside compiled code: four sums side by side, since each waits for its last term."""
    a = b = c = d = 0.0
    whole = first.size - first.size % 4
    for j in range(0, whole, 4):
        a += first[j] * second[j]
        b += first[j + 1] * second[j + 1]
        c += first[j + 2] * second[j + 2]
        d += first[j + 3] * second[j + 3]
    for j in range(whole, first.size):
        a += first[j] * second[j]
    return (a + b) + (c + d)


@compiled(nogil=True)
def exponential(value: float) -> float:
    """Return ``e**value`` to ten digits, for values up to 700 in magnitude."""
    halvings = math.floor(value / LN2 + 0.5)
    rest = value - halvings * LN2
    total = 0.0
    for coefficient in TAYLOR:
        total = total * rest + coefficient
    return math.ldexp(total, int(halvings))


@compiled(nogil=True)
def logarithm(value: float) -> float:
    """Return ``ln value`` to ten digits, for positive values."""
    share, exponent = math.frexp(value)
    if share < 0.7071067811865476:
        share, exponent = 2.0 * share, exponent - 1
    ratio = (share - 1.0) / (share + 1.0)  # ln s = 2 artanh((s - 1) / (s + 1)), whose argument is at most .172
    square, total = ratio * ratio, 0.0
    for coefficient in ARTANH:
        total = total * square + coefficient
    return 2.0 * ratio * total + exponent * LN2


@compiled(nogil=True)
def _add_gram(matrix: Matrix, rows: Matrix, first: int, sign: Any) -> None:
    """Add ``sign · rowsᵀ rows``, from column ``first`` on, to the upper triangle of a matrix, row after row.

    Four rows are added to two rows of the matrix at a time, which halves what is loaded; the values that this adds just
    below the diagonal are not used.
    """
    count, size = rows.shape
    for left in range(first, size, BLOCK_COLUMNS):
        right = min(left + BLOCK_COLUMNS, size)
        for top in range(0, count, BLOCK_ROWS):
            bottom = min(top + BLOCK_ROWS, count)
            for i in range(first, right, 2):
                start, other = max(i, left), min(i + 1, right - 1)
                here, there = matrix[i, start:right], matrix[other, start:right]
                for k in range(top, bottom - 3, 4):
                    one, two = rows[k, start:right], rows[k + 1, start:right]
                    three, four = rows[k + 2, start:right], rows[k + 3, start:right]
                    a, b, c, d = sign * rows[k, i], sign * rows[k + 1, i], sign * rows[k + 2, i], sign * rows[k + 3, i]
                    if other == i:
                        for j in range(here.size):
                            here[j] = here[j] + a * one[j] + b * two[j] + c * three[j] + d * four[j]
                        continue
                    e, f = sign * rows[k, other], sign * rows[k + 1, other]
                    g, h = sign * rows[k + 2, other], sign * rows[k + 3, other]
                    for j in range(here.size):
                        here[j] = here[j] + a * one[j] + b * two[j] + c * three[j] + d * four[j]
                        there[j] = there[j] + e * one[j] + f * two[j] + g * three[j] + h * four[j]
                for k in range(bottom - (bottom - top) % 4, bottom):
                    _add(here, sign * rows[k, i], rows[k, start:right])
                    if other != i:
                        _add(there, sign * rows[k, other], rows[k, start:right])


@compiled(nogil=True)
def _add(target: Matrix, share: Any, row: Matrix) -> None:
    for j in range(target.size):
        target[j] += share * row[j]


@compiled(nogil=True)
def _factorise_block(matrix: Matrix, top: int, sign: Any) -> bool:
    """Turn some rows of the upper triangle into those of U with ``Uᵀ U = matrix``, and subtract them from the rest.

    Return whether this succeeded.
    """
    bottom = min(top + BLOCK_ROWS, len(matrix))
    for k in range(top, bottom):
        if not matrix[k, k] > 0.0:
            return False
        pivot = np.sqrt(matrix[k, k])
        row = matrix[k, k:]
        for j in range(row.size):
            row[j] /= pivot
        for i in range(k + 1, bottom):
            _add(matrix[i, i:], sign * matrix[k, i], matrix[k, i:])
    _add_gram(matrix, matrix[top:bottom].copy(), bottom, sign)
    return True


@compiled(nogil=True)
def _mirror(matrix: Matrix) -> None:
    """Copy the upper triangle to the lower one."""
    for top in range(0, len(matrix), BLOCK_ROWS):
        for i in range(top, len(matrix)):
            for j in range(top, min(top + BLOCK_ROWS, i)):
                matrix[i, j] = matrix[j, i]


@compiled(nogil=True)
def _solve(factor: Matrix, values: Matrix) -> None:
    """Solve ``Uᵀ U x = values`` in place; the lower triangle mirrors U."""
    size = values.size
    for k in range(size):
        values[k] /= factor[k, k]
        _add(values[k + 1 :], -values[k], factor[k, k + 1 :])
    for k in range(size - 1, -1, -1):
        values[k] /= factor[k, k]
        _add(values[:k], -values[k], factor[k, :k])


def gram(rows: Matrix, *, between: Between = nothing) -> Matrix:
    """Return the upper triangle of ``rowsᵀ rows`` in the precision of the rows; the lower triangle is undefined.

    ``between`` is called between parts of the work.
    """
    product, rows = np.zeros((rows.shape[1],) * 2, dtype=rows.dtype), np.ascontiguousarray(rows)
    for top in range(0, len(rows), AT_ONCE):
        between()
        _add_gram(product, rows[top : top + AT_ONCE], 0, rows.dtype.type(1.0))
    return product


def coarse_gram(rows: Matrix, *, between: Between = nothing) -> Matrix:
    """Return the upper triangle of ``rowsᵀ rows`` for columns of length 1 at most, accurate to about ``2**-24``.

    The rows are rounded to multiples of ``2**-26``. Then every product is a multiple of ``2**-52``, and no partial
    sum of a column pair's products exceeds 1 (Cauchy and Schwarz) by more than the rounding changed the lengths: a
    double holds all of them exactly. So a BLAS may add them in any order, and is four times as fast as a loop.
    """
    rounded = np.rint(rows.astype(np.float64) * COARSE) / COARSE
    multiply = get_blas_funcs("syrk", dtype=np.float64)
    product: Matrix = np.zeros((rows.shape[1],) * 2, order="F")
    for top in range(0, len(rows), AT_ONCE):
        between()
        product = multiply(1.0, rounded[top : top + AT_ONCE].T, beta=1.0, c=product, lower=1, overwrite_c=1)
    return product.T


class Cholesky:
    """The Cholesky factor of a symmetric matrix; only the upper triangle is read.

    Parameters
    ----------
    matrix : (unknowns, unknowns) float
    between : callable, optional
        Called between parts of the work.

    Attributes
    ----------
    is_found : bool
        Whether the matrix is positive definite, within its precision.
    """

    def __init__(self, matrix: Matrix, *, between: Between = nothing) -> None:
        self._factor = np.array(matrix, order="C")
        self.is_found = self._factorise(between)

    def solve(self, right: Floats) -> Floats:
        """Return x with ``matrix x = right``, (unknowns,)."""
        values = right.astype(self._factor.dtype)
        _solve(self._factor, values)
        return values.astype(np.float64)

    def _factorise(self, between: Between) -> bool:
        for top in range(0, len(self._factor), BLOCK_ROWS):
            between()
            if not _factorise_block(self._factor, top, self._factor.dtype.type(-1.0)):
                return False
        _mirror(self._factor)
        return True
