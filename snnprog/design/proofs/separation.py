"""The linear program of verdicts: weights that lift the spikes over the threshold while the silences are kept.

The margin problem asks for room at every tick, and a solver's tolerance decides where there is hardly any. Here the
question is only whether there are weights at all, within the widest box that the chip has, so a silence may lie right
at the threshold, as the chip allows::

    maximise  lift + PENALTY sink ,   s (w · φ[k] + b β[k] - θ)  >=  lift at spikes,  >= sink at silences,   sink <= 0

The prices of its rows are what `snnprog.design.proofs.proving` makes a proof of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.certificate import widest_box
from snnprog.potential import Ticks
from snnprog.solver import LinearProgram, maximise

PENALTY = 1e3
LIFT_LIMIT = 1e6
FIRST_ROWS, MORE_ROWS, ROWS_PER_UNKNOWN = 400, 200, 2
VIOLATED = 1e-6
CLEARLY_LIFTED, CLEARLY_NOT = 1.0, -1e-3


@dataclass(frozen=True, eq=False)
class Separation:
    """The weights that come nearest to doing what is asked.

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
        If the solver gives up.
    """
    constrained = np.flatnonzero(problem.constrained)
    rows = constrained if constrained.size <= FIRST_ROWS else _first_rows(problem, prices)
    while True:
        answer, least = _solve(problem, rows)
        yield answer
        distance = problem.distance(answer.weights, answer.threshold, answer.bias) - problem.box.noise
        short = np.where(problem.raster, least[0], least[1]) - distance
        short[~problem.constrained] = -np.inf
        violated = np.flatnonzero(short > VIOLATED * (1.0 + abs(least).max()))
        new = np.setdiff1d(violated, rows)
        if new.size == 0:
            return
        rows = np.concatenate([rows, new[np.argsort(-short[new], kind="stable")[:MORE_ROWS]]])


def _first_rows(problem: NeuronProblem, prices: Floats | None) -> Ticks:
    hardest = problem.hardest(FIRST_ROWS // 2)
    if prices is None:
        return hardest
    count = max(FIRST_ROWS, ROWS_PER_UNKNOWN * (problem.potential_map.n_taps + 2))
    dearest = np.argsort(np.where(problem.constrained, -prices, 0.0), kind="stable")[:count]
    return np.union1d(hardest, dearest[prices[dearest] > 0.0])


def _solve(problem: NeuronProblem, rows: Ticks) -> tuple[Separation, Floats]:
    """Solve with some rows; return the answer, and the (lift, sink) that it promises."""
    box, taps = widest_box(problem), problem.potential_map.n_taps
    scale = max(1.0, float(np.abs(np.concatenate([box.weight_lower, box.weight_upper])).max(initial=0.0)))
    size = np.maximum(1.0, problem.norms[rows] + problem.bias_response[rows])
    signs = problem.signs[rows] / size
    due = problem.raster[rows]
    matrix = np.empty((rows.size, taps + 4))
    matrix[:, :taps] = problem.features(rows) * signs[:, None]
    matrix[:, taps] = -signs * problem.threshold_response[rows]
    matrix[:, taps + 1] = signs * problem.bias_response[rows]
    matrix[:, taps + 2] = np.where(due, -1.0 / size, 0.0)
    matrix[:, taps + 3] = np.where(due, 0.0, -1.0 / size)
    offsets = np.array([box.threshold, box.bias]).T
    optimum = maximise(
        LinearProgram(
            objective=np.concatenate([np.zeros(taps + 2), [1.0, PENALTY]]),
            matrix=matrix,
            least=box.noise / (size * scale),
            lower=np.concatenate([box.weight_lower, offsets[0], [-np.inf, -np.inf]]) / scale,
            upper=np.concatenate([box.weight_upper, offsets[1], [LIFT_LIMIT, 0.0]]) / scale,
        )
    )
    values, prices = optimum.values * scale, np.zeros(problem.raster.size)
    prices[rows] = optimum.duals / size
    threshold, bias = np.clip(values[taps : taps + 2], *offsets)
    lift, sink = values[taps + 2 :]
    weights = np.clip(values[:taps], box.weight_lower, box.weight_upper)
    answer = Separation(weights, float(threshold), float(bias), float(min(lift, sink) if sink < 0 else lift), prices)
    return answer, np.array([lift, sink])
