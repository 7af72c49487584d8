"""Rounding that re-optimises the rest: the most certain weights are fixed at integers, the others solved again.

Each time a share of the free weights, those nearest to integers, are fixed there, and the margin program is solved
for the widest margin that the others leave. Only what is still to be rounded counts as error, so the margin needed
shrinks with every round. (Diving, as in mixed-integer programming.) The smaller the share, the better the integers, and
the more programs to solve. Once nothing is left to gain, all others are rounded as they were.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from snnprog.arrays import Bools, Int64s
from snnprog.design.margins.answer import WidestMargin
from snnprog.design.margins.margin import widest_margin
from snnprog.design.problem import NeuronProblem

MODERATE_ENTRIES = 100_000
"""Entries of all rows up to which many linear programs are worth it; × 3 and ÷ 3: no change on 1 spec that no integers
solve."""
AT_INTEGER = 1e-6  # weights that lie so near to integers are these: the tolerance of the solvers, 100 times over


def reoptimised(problem: NeuronProblem, share: float) -> tuple[Int64s, WidestMargin]:
    """Return mantissas (taps,) and the last feasible answer, whose threshold and bias go with them.

    Parameters
    ----------
    problem : NeuronProblem
        At the exponent that the mantissas are for.
    share : float
        Of the free weights, how many become integers at a time.

    Raises
    ------
    SolverError
        If the solver fails.
    """
    box, free = problem.box, problem.box.weight_lower < problem.box.weight_upper
    mantissas = box.nearest_weights(box.weight_lower)
    answer = widest_margin(problem)
    while True:
        real = answer.weights / problem.step
        nearest = box.nearest_weights(real)
        if not answer.is_feasible or not free.any():
            return np.where(free, nearest, mantissas), answer
        distance = np.where(free, np.abs(real - nearest), np.inf)
        count = int(np.ceil(share * free.sum()))
        sure = free & (distance <= max(np.sort(distance)[count - 1], AT_INTEGER))
        mantissas = np.where(sure, nearest, mantissas)
        free = free & ~sure
        better = widest_margin(_with_fixed(problem, mantissas, free=free))
        if not better.is_feasible:
            return np.where(free, nearest, mantissas), answer
        answer = better


def ideal(problem: NeuronProblem) -> WidestMargin:
    """Return the widest margin without truncation; if no weights are feasible, the nearest ones.

    Raises
    ------
    SolverError
        If the solver fails.
    """
    return widest_margin(replace(problem, truncation=np.zeros_like(problem.truncation)))


def _with_fixed(problem: NeuronProblem, mantissas: Int64s, *, free: Bools) -> NeuronProblem:
    box = replace(
        problem.box,
        weight_lower=np.where(free, problem.box.weight_lower, mantissas),
        weight_upper=np.where(free, problem.box.weight_upper, mantissas),
    )
    norms = problem.potential_map.potential(free.astype(np.float64), problem.resets)
    return replace(problem, box=box, norms=np.maximum(norms, 0.0))
