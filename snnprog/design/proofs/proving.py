"""Conversion of a solver's floating-point prices to an exact proof.

Prices that prove a contradiction have an exact pull of 0 on every tap of either sign. Floats do so only approximately.
Where few rows have a price, the exact prices are the null vector of those rows. Where many have, the float prices are
corrected, by what they still pull in exact arithmetic, until what is left open is less than a hair.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from snnprog.arrays import Floats
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.certificate import Certificate, certify
from snnprog.design.proofs.nullvector import null_vector
from snnprog.design.proofs.pull import EXACT_BITS_LIMIT, exact_bits, pull
from snnprog.fixed_order import Cholesky, gram, times, transposed_times
from snnprog.potential import Ticks
from snnprog.rounding import half_even_integer

# A proof is checked, so these decide only whether one is found, and how long it is. × 3 and ÷ 3 of each: never
# another outcome on 6 specs that are refused or nearly, and another proof on 1, with a third of FEW_ROWS or of
# ROWS_PER_UNKNOWN.
#
# The share of the dearest price below which a row has none, just above what GLOP leaves.
WORTHLESS = 1e-9
# Up to how many rows the null vector is requested, whose integers grow with their number; and how many rows are kept
# for each unknown (one more than there are unknowns would do, if the prices were those of a corner).
FEW_ROWS, ROWS_PER_UNKNOWN = 60, 4
# A column counts as balanced if its pull is below this share of what it would be unsigned.
BALANCED = 1e-6
# Prices begin with all bits of a double and some more; the other bits are for the corrections to fill.
PRICE_BITS, CORRECTED_BITS = 60, 140
# Each correction gains digits until `HAIR` is reached; after this many, there is none to reach.
CORRECTIONS = 6
# The ridge of the corrector's system, as a share of its trace: a few hundred roundings of doubles.
REGULAR = 1e-13


def prove(problem: NeuronProblem, prices: Floats) -> Certificate | None:
    """Return a proof from prices ``(ticks,)`` that nearly are one, or None if none comes of them.

    A proof that leaves nothing open is preferred. Prices from inside the range of optimal ones are more than it takes:
    the largest few per unknown are kept.
    """
    support = _support(problem, prices)
    if support.size == 0:
        return None
    exact = _by_null_vector(problem, prices, support=support) if support.size <= FEW_ROWS else None
    return exact or _by_correction(problem, prices, support=support)


def prove_roughly(problem: NeuronProblem, prices: Floats) -> Certificate | None:
    """Return the proof that prices ``(ticks,)`` are as the solver left them, or None if they leave more than a hair.

    It takes a tenth of the time of `prove`, and now and then finds none where that does.
    """
    support = _support(problem, prices)
    if support.size == 0:
        return None
    top = float(prices[support].max())
    rounded = {int(tick): half_even_integer(float(prices[tick]) / top * (1 << PRICE_BITS)) for tick in support}
    return certify(problem, rounded)


def _support(problem: NeuronProblem, prices: Floats) -> Ticks:
    """Return the ticks that have a price worth keeping, the dearest few per unknown."""
    support = np.flatnonzero(problem.constrained & (prices > WORTHLESS * prices.max(initial=0.0)))
    most = ROWS_PER_UNKNOWN * (problem.potential_map.n_taps + 2)
    if support.size > most:
        support = np.sort(support[np.argsort(-prices[support], kind="stable")[:most]])
    return support


def _by_null_vector(problem: NeuronProblem, prices: Floats, *, support: Ticks) -> Certificate | None:
    """Return the proof of the only prices, if there are any, under which all that is nearly balanced is balanced."""
    ticks = [int(tick) for tick in support]
    bits = exact_bits(problem, dict.fromkeys(ticks, 1))
    if bits > EXACT_BITS_LIMIT:
        return None
    pulls = [pull(problem, {tick: 1}, bits) for tick in ticks]
    columns = _balanced_columns(problem, prices, support=support)
    taps = problem.potential_map.n_taps
    rows = [
        [
            (each.taps.get(column, (0, 0)) if column < taps else each.threshold if column == taps else each.bias)[0]
            for column in columns
        ]
        for each in pulls
    ]
    vector = null_vector(rows)
    if vector is None:
        return None
    side = 1 if max(vector, key=abs) > 0 else -1
    if min(side * value for value in vector) < 0:
        return None
    return certify(problem, dict(zip(ticks, (side * value for value in vector), strict=True)))


def _balanced_columns(problem: NeuronProblem, prices: Floats, *, support: Ticks) -> list[int]:
    """Return the taps (then the threshold, ``taps``, and the bias, ``taps + 1``) that the prices pull nearly nowhere.

    Those that must be balanced come first, then those that may but need not be.
    """
    signed = prices[support] * problem.signs[support]
    features = problem.features(support)
    offsets = np.column_stack([problem.threshold_response[support], problem.bias_response[support]])
    pulls, gross = transposed_times(features, signed), transposed_times(features, prices[support])
    offset_pulls, offset_gross = np.abs(transposed_times(offsets, signed)), transposed_times(offsets, prices[support])
    balanced = np.abs(pulls) <= BALANCED * gross
    box = problem.box
    two_sided = (box.weight_lower < 0.0) & (box.weight_upper > 0.0)
    one_sided = ~two_sided & (box.weight_lower < box.weight_upper)
    columns = [int(tap) for tap in np.flatnonzero(balanced & two_sided)]
    taps = problem.potential_map.n_taps
    if box.is_bias_free and offset_pulls[1] <= BALANCED * offset_gross[1]:
        columns.append(taps + 1)
    columns += [int(tap) for tap in np.flatnonzero(balanced & one_sided)]
    if offset_pulls[0] <= BALANCED * offset_gross[0]:
        columns.append(taps)
    return columns


def _by_correction(problem: NeuronProblem, prices: Floats, *, support: Ticks) -> Certificate | None:
    """Return the proof of corrected prices, the first that leaves less than a hair open."""
    top = float(prices[support].max())
    integers = [
        half_even_integer(float(price) / top * (1 << PRICE_BITS)) << CORRECTED_BITS for price in prices[support]
    ]
    certificate = certify(problem, dict(zip(support.tolist(), integers, strict=True)))
    if certificate is not None:
        return certificate
    columns = _balanced_columns(problem, prices, support=support)
    correct = _Corrector(problem.signed_rows(support)[:, columns], prices[support] / top)
    if not correct.is_possible:
        return None
    unit = 1 << (PRICE_BITS + CORRECTED_BITS)
    for _ in range(CORRECTIONS):
        residual = _residual(problem, dict(zip(support.tolist(), integers, strict=True)), columns=columns, unit=unit)
        largest = float(np.abs(residual).max(initial=0.0))
        if largest == 0.0:
            return None
        change = correct(residual / largest)
        integers = [
            max(0, value + half_even_integer(Fraction(float(step) * largest) * unit))
            for value, step in zip(integers, change, strict=True)
        ]
        certificate = certify(problem, dict(zip(support.tolist(), integers, strict=True)))
        if certificate is not None:
            return certificate
    return None


class _Corrector:
    """The changes of prices that take a residual away: the least there are, or where there are many, the least share.

    Fewer rows than columns have, up to their size, one vector of prices to come to. Of more rows, each changes by no
    more than it has, so that prices stay above 0.
    """

    def __init__(self, system: Floats, prices: Floats) -> None:
        rows, columns = system.shape
        self._weighted = system if rows <= columns + 1 else prices[:, None] ** 2 * system
        self._is_by_rows = rows <= columns + 1
        normal = gram(system.T) + 1.0 if self._is_by_rows else gram(prices[:, None] * system)
        self._factor = Cholesky(normal + REGULAR * np.trace(normal) * np.eye(len(normal)))
        self.is_possible = self._factor.is_found

    def __call__(self, residual: Floats) -> Floats:
        if self._is_by_rows:
            return self._factor.solve(-times(self._weighted, residual))
        return times(self._weighted, self._factor.solve(-residual))


def _residual(problem: NeuronProblem, prices: dict[int, int], *, columns: list[int], unit: int) -> Floats:
    """Return the exact pull of prices, in units of ``1 / unit``, at each column."""
    pulled, taps = pull(problem, prices), problem.potential_map.n_taps
    whole = 1 << pulled.bits
    values = []
    for column in columns:
        offsets = (pulled.threshold, pulled.bias)
        low, _ = pulled.taps.get(column, (0, 0)) if column < taps else offsets[column - taps]
        values.append(low / (whole * unit))
    return np.array(values)
