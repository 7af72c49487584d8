"""Rounding that re-optimises the rest: the surest weights are fixed at their integers, the others solved for again.

Each time the half of the free weights that lie nearest to integers become these, and the margin program is asked for
the widest margin that the others leave. Only what is still to be rounded counts as error, so the margin needed shrinks
with every round. (Diving, as in mixed-integer programming.)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from snnprog.design.answer import WidestMargin
from snnprog.design.margin import widest_margin
from snnprog.design.problem import NeuronProblem

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SHARE_FIXED = 0.5
AT_INTEGER = 1e-6


def reoptimised(problem: NeuronProblem) -> tuple[Integers, WidestMargin]:
    """Return mantissas (taps,) and the last answer, whose threshold and bias go with them.

    Raises
    ------
    SolverError
        If the solver gives up.
    """
    box, free = problem.box, problem.box.weight_lower < problem.box.weight_upper
    mantissas = box.nearest_weights(box.weight_lower)
    while True:
        rest = _with_fixed(problem, mantissas, free)
        answer = widest_margin(rest)
        if not free.any():
            return mantissas, answer
        real = answer.weights / problem.step
        nearest = box.nearest_weights(real)
        distance = np.where(free, np.abs(real - nearest), np.inf)
        count = int(np.ceil(SHARE_FIXED * free.sum()))
        sure = free & (distance <= max(np.sort(distance)[count - 1], AT_INTEGER))
        mantissas = np.where(sure, nearest, mantissas)
        free = free & ~sure


def _with_fixed(problem: NeuronProblem, mantissas: Integers, free: NDArray[np.bool_]) -> NeuronProblem:
    box = replace(
        problem.box,
        weight_lower=np.where(free, problem.box.weight_lower, mantissas),
        weight_upper=np.where(free, problem.box.weight_upper, mantissas),
    )
    norms = problem.potential_map.potential(free.astype(np.float64), problem.resets)
    return replace(problem, box=box, norms=np.maximum(norms, 0.0))
