"""Exhaustive search over all weights and exponents of a very small neuron of a chip whose resets subtract.

Without truncation, weights leave an interval of thresholds that keep silences below and spikes above; truncation can
move its ends by ρ, no more. So what the chip makes exact is among the thresholds of the widened interval, and each of
them is run. Where none is exact, no integers are: unless something is clipped, which no program is allowed to rely on.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from snnprog.arrays import Int64s
from snnprog.integers.exhaustive import SOLVED, Repair
from snnprog.integers.integer_problem import IntegerProblem
from snnprog.rounding import half_even_integer
from snnprog.solver import check_time

# A choice of weights costs a row of a product, a run the chip's rule over all ticks: limits of effort. × 3 and ÷ 3 of
# each constant here: no change on 2 specs.
MOST_CHOICES, AT_ONCE, MOST_RUNS = 100_000, 4096, 50_000
# What floats can be wrong by, in LSBs, taken a thousand times too large: a threshold too many is one more run.
FLOAT_SLACK = 0.01


def is_countable(problem: IntegerProblem) -> bool:
    """Whether weights are so few that all can be tried; a free bias is not tried."""
    return not problem.problem.box.is_bias_free and _choices(problem) <= MOST_CHOICES


def every_weight(problems: Sequence[IntegerProblem]) -> Repair:
    """Try all weights of a neuron.

    Parameters
    ----------
    problems : sequence of IntegerProblem
        The neuron's, at every exponent that it may have.

    Raises
    ------
    UndecidedError
        If the time that `until` allows runs out.
    """
    runs, machine = 0, problems[0].machine
    bias = half_even_integer(problems[0].problem.box.bias[0] * machine.unit)
    for problem in problems:
        for mantissas, thresholds in _candidates(problem):
            for threshold in thresholds:
                runs += 1
                if runs > MOST_RUNS:
                    return Repair(None)
                if not machine.is_exact(mantissas << problem.problem.exponent, threshold, bias):
                    continue
                unknowns = problem.unknowns(mantissas, float(threshold), problem.problem.box.bias[0])
                return Repair(problem.exact_neuron(unknowns, SOLVED, allowed=(threshold, threshold)))
    return Repair(None, is_impossible=True)


def _values(problem: IntegerProblem) -> list[range]:
    """Return the possible weights of each tap that acts."""
    box = problem.problem.box
    ends = np.stack([box.weight_lower[problem.taps], box.weight_upper[problem.taps]]).astype(np.int64)
    return [range(low, high + 1, box.weight_step) for low, high in ends.T.tolist()]


def _choices(problem: IntegerProblem) -> float:
    return math.prod(float(len(values)) for values in _values(problem))  # inf if a float cannot hold it


def _candidates(problem: IntegerProblem) -> Iterator[tuple[Int64s, range]]:
    """Yield mantissas (taps,) with the thresholds that are possible despite truncation, if any."""
    rows, (low, high) = problem.problem, problem.chip.thresholds
    if not rows.box.is_threshold_free:
        low = high = int(rows.box.threshold[0])
    features = rows.features(np.arange(rows.raster.size))[:, problem.taps].T * rows.step
    fixed, error = rows.box.bias[0] * rows.bias_response, rows.leeway + FLOAT_SLACK
    everything = itertools.product(*_values(problem))
    while some := list(itertools.islice(everything, AT_ONCE)):
        check_time()
        chosen = np.array(some, dtype=np.int64).reshape(len(some), problem.taps.size)
        potential = np.einsum("ct,tk->ck", chosen, features) + fixed
        above = ((potential - error) / rows.threshold_response)[:, ~rows.raster].max(axis=1, initial=-np.inf)
        below = ((potential + error) / rows.threshold_response)[:, rows.raster].min(axis=1, initial=np.inf)
        first = np.maximum(np.ceil(above), low).astype(np.int64)
        last = np.minimum(np.floor(below), high).astype(np.int64)
        for index in np.flatnonzero(first <= last).tolist():
            mantissas = np.zeros(rows.potential_map.n_taps, np.int64)
            mantissas[problem.taps] = chosen[index]
            yield mantissas, range(int(first[index]), int(last[index]) + 1)
