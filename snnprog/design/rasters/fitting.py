"""Weights that reproduce most of the targets, if no weights reproduce all.

Every row that falls short of its demand pushes the weights toward itself, but only so hard (the passive-aggressive
method of Crammer et al., J. Mach. Learn. Res. 7, 2006, 551-585, PA-I): the limit falls from pass to pass, so that in
the end no row is met at the cost of many others. Spikes that stay farthest from the threshold are then given up, and
the rest fitted again. What the weights are worth is not for the rows to say, but for the free run: its own spikes, with
its resets, can be done by construction.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats, Raster
from snnprog.design.problem import NeuronProblem
from snnprog.design.rasters.running import free_run
from snnprog.fixed_order import exponential, logarithm, sum_of_products
from snnprog.jit import compiled
from snnprog.rounding import HALF_STEP
from snnprog.solver import check_time

# × 3 and ÷ 3 of the first line changed the program on 1 of 3 specs, never the number of wrong bins.
#
# The effort: how often spikes are given up, passes over all rows in between, and how often the free run is examined.
ROUNDS, PASSES, PASSES_PER_LOOK = 24, 30, 6
# The share of the failed spikes that is given up at a time.
GIVEN_UP = 0.2
# The limit of a push at the last pass, as a share of that at the first; and how much harder a spike may push than a
# silence, because silences are many.
LEAST_PUSH, SPIKES_PUSH = 0.02, 2.0
# The entries of the rows that are held at a time: 64 MB of doubles.
ENTRIES_AT_ONCE = 1 << 23
# What a row must be cleared by where the scale is fixed, in steps of the grid: what rounding one weight can take.
FIXED_DEMAND = HALF_STEP


@dataclass(frozen=True, eq=False)
class Look:
    """The spikes of fitted weights in a free run.

    Attributes
    ----------
    raster : (ticks,) bool
    wrong : int
        Bins that count and differ from the target.
    weights : (taps,) float
    threshold, bias : float
        In weight LSBs or, where only proportions count, in any unit.
    """

    raster: Raster
    wrong: int
    weights: Floats
    threshold: float
    bias: float


def fitted(problem: NeuronProblem, care: Raster) -> Look:
    """Return the weights with the fewest wrong bins for the problem's raster in the bins that count (ticks,)."""
    fit, target, wanted, looks = Fit(problem), problem.spikes, care.copy(), []
    for _ in range(ROUNDS):
        signs = np.where(wanted, np.where(target, SPIKES_PUSH, -1.0), 0.0)
        for _ in fit.passes(problem, signs):
            done = free_run(problem, fit.weights, threshold=fit.threshold, bias=fit.bias)
            wrong = int(((done != target) & care).sum())
            looks.append(Look(done, wrong, fit.weights.copy(), fit.threshold, fit.bias))
        reach = problem.potential(fit.weights, fit.bias) - fit.threshold * problem.threshold_response
        failed = np.flatnonzero(wanted & target & (reach[: target.size] <= 0.0))
        if failed.size == 0:
            break
        hardest = failed[np.argsort(reach[failed], kind="stable")[: math.ceil(GIVEN_UP * failed.size)]]
        wanted[hardest] = False
        problem = problem.with_raster(target & wanted)
    return min(looks, key=lambda look: look.wrong)


class Fit:
    """Weights, threshold and bias of one neuron on their way.

    Attributes
    ----------
    weights : (taps,) float
    offsets : (2,) float
        Threshold and bias.
    """

    def __init__(self, problem: NeuronProblem) -> None:
        box, step = problem.box, problem.step
        ends = [(lower * step, upper * step) for lower, upper in zip(box.weight_lower, box.weight_upper, strict=True)]
        ends += [box.threshold, box.bias]
        self.bounds: Floats = np.array(ends).T.reshape(2, -1)
        self.demand = FIXED_DEMAND * problem.step
        if box.is_scale_free:
            self.demand = 1.0
            self.bounds[self.bounds < 0.0] = -np.inf
            self.bounds[self.bounds > 0.0] = np.inf
        self.weights = np.zeros(box.weight_lower.size)
        self.offsets = np.clip(np.zeros(2), *self.bounds[:, -2:])

    @property
    def threshold(self) -> float:
        """The threshold, in the unit of the weights."""
        return float(self.offsets[0])

    @property
    def bias(self) -> float:
        """The bias, in the unit of the weights."""
        return float(self.offsets[1])

    def passes(self, problem: NeuronProblem, signs: Floats) -> Iterator[None]:
        """Go over the rows again and again; stop for a look now and then.

        Parameters
        ----------
        problem : NeuronProblem
            Its raster says where the neuron resets.
        signs : (ticks,) float
            Positive where a spike is wanted, negative where silence is, 0 where it does not matter; their size is how
            hard a row may push.
        """
        rows = np.random.default_rng(0).permutation(np.flatnonzero(signs))
        chunks = np.array_split(rows, 1 + rows.size * self.weights.size // ENTRIES_AT_ONCE)
        features = problem.features(chunks[0]) if len(chunks) == 1 else None
        for index in range(PASSES):
            check_time()
            push = exponential(logarithm(LEAST_PUSH) * index / (PASSES - 1))
            for chunk in chunks:
                matrix = problem.features(chunk) if features is None else features
                _push(
                    matrix,
                    signs[chunk],
                    problem.bias_response[chunk],
                    problem.threshold_response[chunk],
                    self.bounds,
                    np.array([self.demand, push]),
                    self.weights,
                    self.offsets,
                )
            if (index + 1) % PASSES_PER_LOOK == 0:
                yield


@compiled()
def _push(
    features: Floats,
    signs: Floats,
    bias_response: Floats,
    threshold_response: Floats,
    bounds: Floats,
    settings: Floats,
    weights: Floats,
    offsets: Floats,
) -> None:
    """Let every row push once, no harder than ``settings[1]`` times what meets an average row."""
    demand, push = settings[0], settings[1]
    n_taps = weights.size
    squares = np.empty(len(features))
    for k in range(len(features)):
        squares[k] = sum_of_products(features[k], features[k])
    stiffness = max(squares.mean(), 1e-9) if len(features) else 1.0
    bias_moves = bounds[0, n_taps + 1] < bounds[1, n_taps + 1]
    for k in range(len(features)):
        beta, tau = bias_response[k], threshold_response[k]
        reach = sum_of_products(features[k], weights) + offsets[1] * beta - offsets[0] * tau
        shortfall = demand - np.sign(signs[k]) * reach
        if shortfall <= 0.0:
            continue
        square = squares[k] + stiffness * tau * tau + (stiffness * beta * beta if bias_moves else 0.0)
        change = np.sign(signs[k]) * min(shortfall / square, abs(signs[k]) * push * demand / stiffness)
        for j in range(n_taps):
            weights[j] = min(max(weights[j] + change * features[k, j], bounds[0, j]), bounds[1, j])
        offsets[0] = min(max(offsets[0] - change * stiffness * tau, bounds[0, n_taps]), bounds[1, n_taps])
        if bias_moves:
            moved = offsets[1] + change * stiffness * beta
            offsets[1] = min(max(moved, bounds[0, n_taps + 1]), bounds[1, n_taps + 1])
