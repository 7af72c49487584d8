"""Exact verdicts on small neurons, for cases within a solver's tolerance."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.certificate import Certificate, certify, widest_box
from snnprog.design.proofs.nullvector import coprime
from snnprog.design.proofs.pull import exact_bits, pull
from snnprog.design.proofs.separation import Separation
from snnprog.design.proofs.simplex import maximise_exactly

# What a simplex method in integers does within seconds; of the specs of `benchmarks/constants.py` none needs it.
MOST_ROWS, MOST_TAPS, MOST_BITS = 60, 40, 1500
# More than any lift within the widest box: the program shifts its lift by this to have all unknowns at 0 or above.
FAR = 10**12


def settle(problem: NeuronProblem, doubtful: Separation) -> Certificate | Separation:
    """Return a proof that a small neuron cannot be built, or exact weights as floats; a large one stays in doubt."""
    ticks = np.flatnonzero(problem.constrained).tolist()
    if len(ticks) > MOST_ROWS or problem.potential_map.n_taps > MOST_TAPS:
        return doubtful
    bits = exact_bits(problem, dict.fromkeys(ticks, 1))
    if bits > MOST_BITS:
        return doubtful
    rows = [_row(problem, tick, bits) for tick in ticks]
    lower, upper = _box(problem)
    spikes = [bool(problem.raster[tick]) for tick in ticks]
    matrix = [[*(-value for value in row), Fraction(spike)] for row, spike in zip(rows, spikes, strict=True)]
    most = [
        sum((a * low for a, low in zip(row, lower, strict=True)), start=Fraction(FAR * spike))
        for row, spike in zip(rows, spikes, strict=True)
    ]
    width = len(lower) + 1
    matrix += [[Fraction(column == index) for column in range(width)] for index in range(width)]
    most += [high - low for low, high in zip(lower, upper, strict=True)] + [Fraction(2 * FAR)]
    optimum = maximise_exactly(matrix, most, objective=[*([Fraction(0)] * (width - 1)), Fraction(1)])
    if optimum is None:
        return doubtful
    proof = certify(problem, dict(zip(ticks, coprime(optimum.prices[: len(ticks)]), strict=True)))
    if proof is not None:
        return proof
    values = [float(value + low) for value, low in zip(optimum.values, lower, strict=False)]
    return replace(
        doubtful,
        weights=np.array(values[:-2]),
        threshold=values[-2],
        bias=values[-1],
        lift=float(optimum.values[-1] - FAR),
    )


def _row(problem: NeuronProblem, tick: int, bits: int) -> list[Fraction]:
    """Return the row that must not be negative at a tick: coefficients of the taps, the threshold and the bias."""
    pulled, unit = pull(problem, {tick: 1}, bits), 1 << bits
    taps = range(problem.potential_map.n_taps)
    row = [Fraction(pulled.taps.get(tap, (0, 0))[0], unit) for tap in taps]
    return [*row, Fraction(pulled.threshold[0], unit), Fraction(pulled.bias[0], unit)]


def _box(problem: NeuronProblem) -> tuple[list[Fraction], list[Fraction]]:
    box = widest_box(problem)
    lower, upper = (
        [Fraction(float(value)) for value in (*weights, box.threshold[end], box.bias[end])]
        for end, weights in enumerate((box.weight_lower, box.weight_upper))
    )
    return lower, upper
