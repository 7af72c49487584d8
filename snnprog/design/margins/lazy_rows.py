"""The widest margin of a small neuron, by a linear program over its relevant rows.

A neuron has a row for each of thousands of ticks, but few of them bind. So the program starts with a few, is solved,
and takes in the rows that its answer violates most, until none is left or the margin is good enough. Each optimum over
some of the rows bounds the margin over all of them from above; the answer's own worst row bounds it from below.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from snnprog.design.active_rows import FIRST_ROWS, ActiveRows, answers, margin_program, worst_first
from snnprog.design.margins.answer import WidestMargin, is_comfortable
from snnprog.design.problem import NeuronProblem
from snnprog.potential import Ticks
from snnprog.solver import LinearProgram, maximise

# The margin's upper bound where no row gives one, in scaled units: × 3 and ÷ 3 changed nothing on 3 specs.
UNBOUNDED = 1e6
# A row counts as violated if it is short of the bound by this share of it, or less where that is requested, and at
# least by so much: ten times what GLOP leaves (1e-8 is its primal tolerance), so that the loop does not chase the
# solver's own errors.
SHORT, LEAST_SHORT = 1e-4, 1e-7


def lazy_margin(
    problem: NeuronProblem, *, is_enough: Callable[[float, float], bool] = is_comfortable, short: float = SHORT
) -> WidestMargin:
    """Maximise the margin of a neuron over weights, threshold and bias; end early at an answer that is good enough.

    Parameters
    ----------
    is_enough : callable
        Whether a margin is good enough, given a bound on all margins.
    short : float
        A row counts as violated if it is short of the bound by this share of it.

    Raises
    ------
    SolverError
        If the solver fails.
    """
    rows = ActiveRows(problem, problem.hardest(FIRST_ROWS))
    for answer in answers(rows, partial(_solve, problem, short)):
        if not answer.is_feasible or is_enough(answer.margin, answer.bound):
            break
    return answer


def _solve(problem: NeuronProblem, short: float, rows: ActiveRows) -> tuple[WidestMargin, Ticks]:
    """Solve with some of the rows; return the answer, and the ticks whose margins under it fall short of its bound."""
    optimum = maximise(_linear_program(problem, rows))
    scale = _scale(problem)
    bound = float(optimum.values[-1]) * scale / problem.step
    values = optimum.values * scale
    taps = problem.potential_map.n_taps
    weights, threshold, bias = problem.clipped(values[:taps], values[taps : taps + 2])
    margins = problem.margins(weights, threshold, bias)
    prices = np.zeros(problem.raster.size)
    prices[rows.ticks] = optimum.duals / problem.slack[rows.ticks]
    answer = WidestMargin(
        weights=weights,
        threshold=threshold,
        bias=bias,
        margin=float(margins.min(initial=np.inf)),
        bound=bound,
        is_feasible=bound > problem.tolerance,
        prices=prices,
    )
    return answer, worst_first(margins, bound - max(LEAST_SHORT, short * abs(bound)))


def _scale(problem: NeuronProblem) -> float:
    """Return the largest weight: in its units, all coefficients are near 1."""
    bounds = np.concatenate([problem.box.weight_lower, problem.box.weight_upper, [-1.0]])
    return problem.step * float(np.abs(bounds).max())


def _linear_program(problem: NeuronProblem, rows: ActiveRows) -> LinearProgram:
    """Build the program over these rows, with the margin bounded only by single rows.

    The upper bound lies above that, so that it takes no price from the rows, but not far above: from a million, GLOP
    fails now and then.
    """
    program = margin_program(problem, rows, scale=_scale(problem))
    products = [program.matrix[:, :-1] * end[:-1] for end in (program.lower, program.upper)]
    widest = np.maximum(*products).sum(axis=1) - program.least
    upper = np.append(program.upper[:-1], 1.0 + widest.min(initial=UNBOUNDED))
    return replace(program, upper=upper)
