"""The widest margin of a neuron, and the choice of method.

The relaxation method finds a margin at once where there is room for one. Where there is not, and for verdicts, a linear
program decides: by the simplex method where it is small, which ends in a corner, exactly; else by an interior point
method that starts where the relaxation method left off. What that loses to rounding, the simplex method settles.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from snnprog.arrays import Floats
from snnprog.design.margins.answer import (
    MILLIONTH,
    WidestMargin,
    is_comfortable,
    is_settled,
    is_wide,
    is_widest,
)
from snnprog.design.margins.interior import interior_margin
from snnprog.design.margins.lazy_rows import lazy_margin
from snnprog.design.margins.meeting import Unknowns
from snnprog.design.margins.quick import relax
from snnprog.design.margins.rows import Rows
from snnprog.design.problem import NeuronProblem

# Up to this many taps, or entries of all rows, the simplex method is the faster one. It ends in another answer, so
# three times as many gave another program on 1 of 4 specs, at 1.4 of the time; a third, none.
FEW_TAPS, SMALL = 40, 20_000


def safe_margin(problem: NeuronProblem) -> WidestMargin:
    """Return the first answer that survives rounding, or one whose bound proves that none does.

    In the second case, the margin is wide, or not above 0.

    Raises
    ------
    SolverError
        If the solver fails.
    """
    relaxed = relax(problem)
    answer = None if relaxed is None else relaxed.answer
    if answer is not None and answer.is_rounding_proof and np.isfinite(answer.bound):
        return answer
    return _solved(problem, None if relaxed is None else relaxed.unknowns, is_enough=is_settled)


def widest_margin(problem: NeuronProblem, near: WidestMargin | None = None) -> WidestMargin:
    """Maximise the margin of a neuron over weights, threshold and bias.

    The search ends early at an answer that is comfortably rounding-proof and at least half as wide as the widest.

    Parameters
    ----------
    near : WidestMargin, optional
        The answer to a similar problem, to start from.

    Raises
    ------
    SolverError
        If the solver fails.
    """
    if near is not None or _is_small(problem):
        return _solved(problem, None if near is None else _unknowns(problem, near))
    relaxed = relax(problem)
    answer = None if relaxed is None else relaxed.answer
    if answer is not None and is_comfortable(answer.margin, answer.bound):
        return answer
    return _solved(problem, None if relaxed is None else relaxed.unknowns)


def proved_margin(problem: NeuronProblem) -> WidestMargin:
    """Maximise the margin of a neuron until a bound proves that it is the widest, to a millionth.

    Raises
    ------
    SolverError
        If the solver fails.
    """
    relaxed = None if _is_small(problem) else relax(problem)
    lazily = partial(lazy_margin, is_enough=is_widest, short=MILLIONTH)
    return _solved(problem, None if relaxed is None else relaxed.unknowns, is_enough=is_widest, lazily=lazily)


def bound_of(problem: NeuronProblem, prices: Floats) -> float:
    """Return a margin that no weights exceed, from the prices of a similar problem; infinite for small problems.

    Parameters
    ----------
    prices : (ticks,) float
        Those of an answer: any are right, and better ones give a lower bound.
    """
    if _is_small(problem) or not prices.any():
        return math.inf
    rows = Rows(problem)
    priced = (prices * problem.slack)[rows.ticks]
    return rows.bound(priced, rows.transposed_times(priced)) * rows.unit


def _unknowns(problem: NeuronProblem, near: WidestMargin) -> Unknowns:
    """Return an answer as the relaxation method would have left it for this problem."""
    return Unknowns(near.weights, np.array([near.threshold, near.bias]), near.prices * problem.slack)


def _solved(
    problem: NeuronProblem,
    start: Unknowns | None,
    *,
    is_enough: Callable[[float, float], bool] = is_wide,
    lazily: Callable[[NeuronProblem], WidestMargin] = lazy_margin,
) -> WidestMargin:
    interior = None if _is_small(problem) else interior_margin(problem, start, is_enough=is_enough)
    return interior or lazily(problem)


def _is_small(problem: NeuronProblem) -> bool:
    if not problem.potential_map.linear.is_plain:
        return True  # the passes of the interior point method know of nothing else
    taps = problem.potential_map.n_taps
    return taps <= FEW_TAPS or int(problem.constrained.sum()) * taps <= SMALL
