"""Real weights that come close to a target: the support vector machine of a neuron with given resets.

With the resets of some raster, the potential is linear in the weights, and a bin is wrong where its row falls short of
the threshold. Instead of the cost of wrong bins, which is not convex, the squares of what the rows fall short of their
demand are minimised, each weighted by the cost of its bin (the squared hinge loss, as in Chang, Hsieh and Lin, J. Mach.
Learn. Res. 9, 2008, 1369-1398)::

    minimise  1/2 Σ_k c_k max(0, d - s_k (w·φ[k] - θ τ[k] + b β[k]))²  +  λ/2 ‖w‖²

with the columns scaled to about the same size. All products with rows are passes over the network's events, so no
matrix exists. The method is Nesterov's accelerated gradient, projected to the ranges of the unknowns (Beck and
Teboulle, SIAM J. Imaging Sci. 2, 2009, 183-202), and restarted where it goes uphill (O'Donoghue and Candès, Found.
Comput. Math. 15, 2015, 715-732). Sums have a fixed order (`snnprog.fixed_order`), so the weights are the same on every
machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats, Raster
from snnprog.design.margins.sweep import Sweeper
from snnprog.design.problem import NeuronProblem
from snnprog.design.rasters.running import free_run
from snnprog.fixed_order import dot, norm
from snnprog.rounding import HALF_STEP
from snnprog.solver import check_time

# How strongly weights are held back, beside columns of length 1, and the gradient steps of each fit, which starts from
# the one before: the first is cheap and generalises, the last comes closest. Of 127 spikes of a recorded unit, 46 bins
# were wrong after 300 steps in the place of 1000.
PENALTIES, STEPS = (0.1, 1e-2, 1e-3), (100, 300, 1000)
# How often the last is fitted again with the resets of its own spikes, and the steps of each.
ROUNDS, MORE_STEPS = 3, 400
# Steps of the power method for the steepest direction, and what its answer may be short by.
POWER_STEPS, CAUTION = 12, 1.3
# What a row must be cleared by where the scale is fixed, in steps of the grid: what rounding one weight can take.
FIXED_DEMAND = HALF_STEP


@dataclass(frozen=True, eq=False)
class RelaxedNeuron:
    """Weights (taps,), threshold and bias in LSBs or, where only proportions count, in any unit."""

    weights: Floats
    threshold: float
    bias: float


def relaxations(problem: NeuronProblem, costs: Floats, due: Raster) -> Iterator[RelaxedNeuron]:
    """Yield real weights that come close to the targets, with several penalties and resets.

    Parameters
    ----------
    problem : NeuronProblem
        Its ranges; its raster says where the neuron resets at first.
    costs : (ticks,) float
        What a wrong bin costs.
    due : (ticks,) bool
        Where spikes are due.
    """
    start = None
    last = PENALTIES[-1]
    for penalty, steps in (*zip(PENALTIES, STEPS, strict=True), *[(last, MORE_STEPS)] * ROUNDS):
        fit = _Fit(problem, costs, due, penalty)
        start = fit.minimised(None if start is None else start * fit.scale, steps) / fit.scale
        found = RelaxedNeuron(start[:-2], float(start[-2]), float(start[-1]))
        yield found
        if penalty == last:
            fired = free_run(problem, found.weights, threshold=found.threshold, bias=found.bias)
            problem = problem.with_raster(fired)


class _Fit:
    """One convex problem; unknowns are weights, threshold and bias, each times the size of its column."""

    def __init__(self, problem: NeuronProblem, costs: Floats, due: Raster, penalty: float) -> None:
        box, mapping = problem.box, problem.potential_map
        self.problem, self.costs, self.signs = problem, costs, np.where(due, 1.0, -1.0)
        self.sweeper = Sweeper(mapping, problem.raster) if mapping.linear.is_plain else None
        self.offsets = np.stack([-problem.threshold_response, problem.bias_response], axis=1)
        lower, upper = (end.copy() for end in problem.ends())
        self.demand = FIXED_DEMAND * problem.step
        if box.is_scale_free:
            self.demand = 1.0
            lower[lower < 0.0], upper[upper > 0.0] = -np.inf, np.inf
            lower[-2] = 0.0
        sizes = np.concatenate([self._adjoint(costs), (costs[:, None] * self.offsets**2).sum(axis=0)])
        self.scale = np.sqrt(np.maximum(sizes, float(costs.max(initial=1.0))))
        self.lower, self.upper = lower * self.scale, upper * self.scale
        self.held = penalty * np.concatenate([np.ones(mapping.n_taps), np.zeros(2)])

    def minimised(self, start: Floats | None, steps: int) -> Floats:
        """Return the unknowns (taps + 2,) after the steps."""
        here = np.clip(np.zeros(self.scale.size) if start is None else start, self.lower, self.upper)
        step = 1.0 / (CAUTION * self._steepness() + float(self.held.max()))
        ahead, momentum = here, 1.0
        for _ in range(steps):
            check_time()
            slope = self._gradient(ahead)
            there = np.clip(ahead - step * slope, self.lower, self.upper)
            if dot(slope, there - here) > 0.0:
                momentum = 1.0
            following = 0.5 + np.sqrt(0.25 + momentum**2)
            ahead = there + (momentum - 1.0) / following * (there - here)
            here, momentum = there, float(following)
        return here

    def _steepness(self) -> float:
        """Return about the largest curvature of the loss if all rows fall short."""
        vector, size = np.ones(self.scale.size), 1.0
        for _ in range(POWER_STEPS):
            vector = vector / norm(vector)
            vector = self._transposed(self.costs * self._reach(vector))
            size = norm(vector)
            if size == 0.0:
                return 1.0
        return size

    def _gradient(self, unknowns: Floats) -> Floats:
        short = np.maximum(self.demand - self.signs * self._reach(unknowns), 0.0)
        return self.held * unknowns - self._transposed(self.costs * self.signs * short)

    def _reach(self, unknowns: Floats) -> Floats:
        """Return by how much each potential exceeds the threshold, (ticks,)."""
        values = unknowns / self.scale
        weights = values[:-2]
        if self.sweeper is None:
            potential = self.problem.potential_map.potential(weights, self.problem.resets)
        else:
            potential = self.sweeper.potential(weights)
        reach: Floats = potential + values[-2] * self.offsets[:, 0] + values[-1] * self.offsets[:, 1]
        return reach

    def _transposed(self, prices: Floats) -> Floats:
        offsets = (prices[:, None] * self.offsets).sum(axis=0)
        pulled: Floats = np.concatenate([self._adjoint(prices), offsets]) / self.scale
        return pulled

    def _adjoint(self, prices: Floats) -> Floats:
        mapping = self.problem.potential_map
        adjoint: Floats = (
            mapping.adjoint(prices, self.problem.resets) if self.sweeper is None else self.sweeper.adjoint(prices)
        )
        return adjoint
