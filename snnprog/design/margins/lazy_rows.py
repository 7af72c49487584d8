"""The widest margin of a small neuron: a linear program that sees only the rows that matter.

A neuron has a row for each of thousands of ticks, but few of them bind. So the program starts with a few, is solved,
and takes in the rows that its answer violates most, until none is left or the margin is good enough. Each optimum over
some of the rows bounds the margin over all of them from above; the answer's own worst row bounds it from below.
"""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Floats
from snnprog.design.margins.answer import COMFORTABLE, WidestMargin
from snnprog.design.problem import NeuronProblem
from snnprog.potential import Ticks
from snnprog.solver import LinearProgram, maximise

FIRST_ROWS = 60
MORE_ROWS = 100
UNBOUNDED = 1e6


def lazy_margin(problem: NeuronProblem) -> WidestMargin:
    """Maximise the margin of a neuron over weights, threshold and bias.

    The search ends early at an answer that is comfortably rounding-proof and at least half as wide as the widest.

    Raises
    ------
    SolverError
        If the solver gives up.
    """
    rows = problem.hardest(FIRST_ROWS)
    while True:
        answer, margins = _solve(problem, rows)
        violated = np.flatnonzero(margins < answer.bound - max(1e-7, 1e-4 * abs(answer.bound)))
        new = np.setdiff1d(violated, rows)
        if new.size == 0 or not answer.is_feasible or _is_good_enough(answer):
            return answer
        worst = new[np.argsort(margins[new], kind="stable")[: max(MORE_ROWS, rows.size // 3)]]
        rows = np.concatenate([rows, worst])


def _is_good_enough(answer: WidestMargin) -> bool:
    return answer.margin >= max(COMFORTABLE, answer.bound / 2)


def _solve(problem: NeuronProblem, rows: Ticks) -> tuple[WidestMargin, Floats]:
    """Solve with some of the rows; return the answer, and the margins of all ticks under it."""
    optimum = maximise(_linear_program(problem, rows))
    scale = _scale(problem)
    bound = float(optimum.values[-1]) * scale / problem.step
    values = optimum.values * scale
    taps = problem.potential_map.n_taps
    weights, threshold, bias = problem.clipped(values[:taps], values[taps : taps + 2])
    margins = problem.margins(weights, threshold, bias)
    prices = np.zeros(problem.raster.size)
    prices[rows] = optimum.duals / problem.slack[rows]
    answer = WidestMargin(
        weights=weights,
        threshold=threshold,
        bias=bias,
        margin=float(margins.min(initial=np.inf)),
        bound=bound,
        is_feasible=bound > problem.tolerance,
        prices=prices,
    )
    return answer, margins


def _scale(problem: NeuronProblem) -> float:
    """Return the greatest weight: in its units, all coefficients are near 1."""
    bounds = np.concatenate([problem.box.weight_lower, problem.box.weight_upper, [-1.0]])
    return problem.step * float(np.abs(bounds).max())


def _linear_program(problem: NeuronProblem, rows: Ticks) -> LinearProgram:
    """Build the rows, each divided by its slack; weights, threshold, bias and margin are divided by the scale.

    The margin's upper bound lies above what the rows allow one by one, so that it takes no price from them, but not far
    above: from a million, GLOP gives up now and then.
    """
    scale, box, step = _scale(problem), problem.box, problem.step
    slack = problem.slack[rows] / step
    signs = problem.signs[rows] / slack
    matrix = np.empty((rows.size, problem.potential_map.n_taps + 3))
    matrix[:, :-3] = problem.features(rows) * signs[:, None]
    matrix[:, -3] = -signs * problem.threshold_response[rows]
    matrix[:, -2] = signs * problem.bias_response[rows]
    matrix[:, -1] = -1.0
    lower = np.concatenate([step * box.weight_lower, [box.threshold[0], box.bias[0]]]) / scale
    upper = np.concatenate([step * box.weight_upper, [box.threshold[1], box.bias[1]]]) / scale
    least = problem.truncation[rows] / (slack * scale)
    widest = np.maximum(matrix[:, :-1] * lower, matrix[:, :-1] * upper).sum(axis=1) - least
    return LinearProgram(
        objective=np.concatenate([np.zeros(matrix.shape[1] - 1), [1.0]]),
        matrix=matrix,
        least=least,
        lower=np.append(lower, -np.inf),
        upper=np.append(upper, 1.0 + widest.min(initial=UNBOUNDED)),
    )
