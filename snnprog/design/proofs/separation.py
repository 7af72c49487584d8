"""The linear program of verdicts: weights that lift spikes over the threshold and keep silences below it.

The margin problem asks for room at every tick, and a solver's tolerance decides where there is hardly any. Here the
question is only whether there are weights at all, within the widest box that the chip has, so a silence may lie right
at the threshold, as the chip allows::

    maximise  lift + PENALTY sink ,   s (w · φ[k] + b β[k] - θ)  >=  lift at spikes,  >= sink at silences,   sink <= 0

The prices of its rows are what `snnprog.design.proofs.proving` makes a proof of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from snnprog.arrays import Floats
from snnprog.design.active_rows import ActiveRows, answers, worst_first
from snnprog.design.box import Box
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.certificate import widest_box
from snnprog.potential import Ticks
from snnprog.solver import LinearProgram, maximise

# What a sunken silence costs beside a lifted spike: enough that silences are kept first. × 3 and ÷ 3 of each constant
# here: another proof on 1 of 3 specs, with a third of FIRST_ROWS, else no change.
PENALTY = 1e3
# Keeps the program bounded where no spike is due; in LSBs.
LIFT_LIMIT = 1e6
# The rows there from the start, those that may come in at a time, and the dearest rows for each unknown of a program
# like it. More than for margins, because here all rows near the threshold bind.
FIRST_ROWS, MORE_ROWS, ROWS_PER_UNKNOWN = 400, 200, 2
# How far below what is promised a row may be, as a share of the promise and of 1 LSB: above GLOP's tolerance of 1e-8.
VIOLATED = 1e-6
# Lifts (in LSBs) that no tolerance of a solver explains; between the two the exact simplex method decides.
CLEARLY_LIFTED, CLEARLY_NOT = 1.0, -1e-3


@dataclass(frozen=True, eq=False)
class Separation:
    """The weights that come closest to the targets.

    Attributes
    ----------
    weights : (taps,) float
    threshold, bias : float
        In weight LSBs of exponent 0.
    lift : float
        By how much the least of the spikes clears the threshold, in LSBs; if the silences are not kept, at most by
        how much they are not.
    prices : (ticks,) float
        What each row costs.
    """

    weights: Floats
    threshold: float
    bias: float
    lift: float
    prices: Floats


def separations(problem: NeuronProblem, prices: Floats | None = None) -> Iterator[Separation]:
    """Solve the program of one neuron with more and more of its rows; the last answer holds for all.

    Each answer that lifts no spike already says that its rows contradict one another.

    Parameters
    ----------
    prices : (ticks,) float, optional
        Of a program like it; its dearest rows come first.

    Raises
    ------
    SolverError
        If the solver fails.
    """
    constrained = np.flatnonzero(problem.constrained)
    first = constrained if constrained.size <= FIRST_ROWS else _first_rows(problem, prices)
    rows = ActiveRows(problem, first, most_new=MORE_ROWS, growing=False)
    yield from answers(rows, partial(_solve, problem))


def _first_rows(problem: NeuronProblem, prices: Floats | None) -> Ticks:
    hardest = problem.hardest(FIRST_ROWS // 2)
    if prices is None:
        return hardest
    count = max(FIRST_ROWS, ROWS_PER_UNKNOWN * (problem.potential_map.n_taps + 2))
    dearest = np.argsort(np.where(problem.constrained, -prices, 0.0), kind="stable")[:count]
    return np.union1d(hardest, dearest[prices[dearest] > 0.0])


def _solve(problem: NeuronProblem, rows: ActiveRows) -> tuple[Separation, Ticks]:
    """Solve with some rows; return the answer, and the ticks at which less is reached than it promises."""
    box, taps = widest_box(problem), problem.potential_map.n_taps
    scale = max(1.0, float(np.abs(np.concatenate([box.weight_lower, box.weight_upper])).max(initial=0.0)))
    offsets = np.array([box.threshold, box.bias]).T
    sizes = np.maximum(1.0, problem.norms[rows.ticks] + problem.bias_response[rows.ticks])
    optimum = maximise(_linear_program(problem, rows, box, sizes, scale))
    values, prices = optimum.values * scale, np.zeros(problem.raster.size)
    prices[rows.ticks] = optimum.duals / sizes
    threshold, bias = np.clip(values[taps : taps + 2], *offsets)
    lift, sink = values[taps + 2 :]
    weights = np.clip(values[:taps], box.weight_lower, box.weight_upper)
    answer = Separation(weights, float(threshold), float(bias), float(min(lift, sink) if sink < 0 else lift), prices)
    return answer, _violated(problem, answer, lift=float(lift), sink=float(sink))


def _linear_program(problem: NeuronProblem, rows: ActiveRows, box: Box, sizes: Floats, scale: float) -> LinearProgram:
    """Build the rows, each divided by its size; weights, threshold, bias, lift and sink are divided by the scale."""
    due = problem.raster[rows.ticks]
    lifted, sunk = np.where(due, -1.0 / sizes, 0.0), np.where(due, 0.0, -1.0 / sizes)
    offsets = np.array([box.threshold, box.bias]).T
    return LinearProgram(
        objective=np.concatenate([np.zeros(box.weight_lower.size + 2), [1.0, PENALTY]]),
        matrix=np.column_stack([rows.signed(sizes), lifted, sunk]),
        least=box.noise / (sizes * scale),
        lower=np.concatenate([box.weight_lower, offsets[0], [-np.inf, -np.inf]]) / scale,
        upper=np.concatenate([box.weight_upper, offsets[1], [LIFT_LIMIT, 0.0]]) / scale,
    )


def _violated(problem: NeuronProblem, answer: Separation, *, lift: float, sink: float) -> Ticks:
    """Return the ticks at which less is reached than is promised, the worst first."""
    distance = problem.distance(answer.weights, answer.threshold, answer.bias) - problem.box.noise
    reached = distance - np.where(problem.raster, lift, sink)
    reached[~problem.constrained] = np.inf
    return worst_first(reached, -VIOLATED * (1.0 + max(abs(lift), abs(sink))))
