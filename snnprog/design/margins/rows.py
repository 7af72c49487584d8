"""A neuron's margin problem scaled for a solver, with rows given only by their products.

Every unknown is scaled to a range of at most [-1, 1]; the rows R are never written out, because a product with them is
a pass over the network's events::

    maximise m   subject to   R x - m >= c ,   lower <= x <= upper

For prices ``y >= 0`` that sum to 1, no x has more margin than ``Σ_j max(lower_j g_j, upper_j g_j) - y·c`` with
``g = Rᵀ y``: a bound that holds whatever the prices are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Floats, Int64s
from snnprog.design.margins.answer import WidestMargin
from snnprog.design.margins.sweep import Sweeper
from snnprog.design.problem import NeuronProblem
from snnprog.fixed_order import dot, times

Precision = type[np.float32] | type[np.float64]

# The least distance from an end: a few units of the last place of a range of [-1, 1], so that none is 0 or less.
# × 3 and ÷ 3: no change on 2 specs.
EDGE = 1e-15


class Rows:
    """The scaled linear program of one neuron, its rows given only by their products.

    Unknowns stand in order: the weights that are free, then the threshold and the bias where they are free.

    Attributes
    ----------
    lower, upper : (unknowns,) float
    least : (rows,) float
        c, one per constrained tick.
    unit : float
        Weight LSBs per unit of a weight, and of the margin.
    """

    def __init__(self, problem: NeuronProblem) -> None:
        self.problem, box, step = problem, problem.box, problem.step
        self.sweeper = Sweeper(problem.potential_map, problem.raster)
        self.ticks = np.flatnonzero(problem.constrained)
        self.taps = np.flatnonzero(box.weight_upper > box.weight_lower)
        self.unit = step * float(np.maximum(-box.weight_lower, box.weight_upper).max(initial=1.0 / step))
        self.factor = np.where(problem.constrained, problem.signs / problem.slack, 0.0)
        reach = self.unit * float(problem.norms.max(initial=0.0))
        reach += max(np.abs(box.bias)) * float(problem.bias_response.max(initial=0.0))
        ranges = np.array([(box.threshold[0], min(box.threshold[1], box.threshold[0] + reach + 1.0)), box.bias])
        self.free = np.flatnonzero(ranges[:, 0] < ranges[:, 1])
        self.fixed = np.where(ranges[:, 0] < ranges[:, 1], 0.0, ranges[:, 0])
        self.units = np.abs(ranges).max(axis=1)[self.free]
        self.lower = np.concatenate([step * box.weight_lower[self.taps] / self.unit, ranges[self.free, 0] / self.units])
        self.upper = np.concatenate([step * box.weight_upper[self.taps] / self.unit, ranges[self.free, 1] / self.units])
        self.offsets = np.stack([-self.factor, self.factor * problem.bias_response], axis=1)[self.ticks]
        truncation = (problem.truncation / problem.slack)[self.ticks]
        self.least = (truncation - times(self.offsets, self.fixed)) / self.unit
        self.columns = self.offsets[:, self.free] * (self.units / self.unit)
        self._is_whole = self.ticks.size == self.factor.size and self.taps.size == self.sweeper.n_taps
        self._offset_columns = np.ascontiguousarray(self.columns.T)

    def real(self, values: Floats) -> tuple[Floats, float, float]:
        """Return weights, threshold and bias in LSBs."""
        weights = np.zeros(self.problem.potential_map.n_taps)
        weights[self.taps] = values[: self.taps.size] * self.unit
        offsets = self.fixed.copy()
        offsets[self.free] = values[self.taps.size :] * self.units
        return weights, float(offsets[0]), float(offsets[1])

    def scaled(self, weights: Floats, offsets: Floats) -> Floats:
        """Return the unknowns for weights and offsets of any size, stretched so that the largest weight is 1."""
        top = float(np.abs(weights[self.taps]).max(initial=0.0)) or 1.0
        scaled: Floats = np.concatenate([weights[self.taps], offsets[self.free] * (self.unit / self.units)]) / top
        return scaled

    def times(self, values: Floats) -> Floats:
        """Return ``R x``, (rows,)."""
        product: Floats = self.factor * self.sweeper.potential(self._weights(values))
        product = product if self._is_whole else product[self.ticks]
        for column, value in zip(self._offset_columns, values[self.taps.size :], strict=True):
            product += column * value
        return product

    def transposed_times(self, prices: Floats) -> Floats:
        """Return ``Rᵀ y``, (unknowns,)."""
        pulls = self.sweeper.adjoint(self._spread(prices) * self.factor)
        offsets = (self._offset_columns * prices).sum(axis=1)
        return np.concatenate([pulls if self._is_whole else pulls[self.taps], offsets])

    def _weights(self, values: Floats) -> Floats:
        """Return the weights of all taps among the unknowns, 0 where they are not free."""
        if self._is_whole:
            return values[: self.taps.size]
        weights = np.zeros(self.sweeper.n_taps)
        weights[self.taps] = values[: self.taps.size]
        return weights

    def _spread(self, prices: Floats) -> Floats:
        """Return prices of the rows as prices of all ticks."""
        if self._is_whole:
            return prices
        spread = np.zeros(self.factor.size)
        spread[self.ticks] = prices
        return spread

    def squared_times(self, weights: Floats) -> Floats:
        """Return ``Σ_k weights[k] r²`` of the taps' columns, (taps,)."""
        return self.sweeper.squared_adjoint(self._spread(weights) * self.factor**2)[self.taps]

    def some(self, rows: Int64s, precision: Precision) -> NDArray[np.floating]:
        """Return rows of R, (len(rows), unknowns), in single or double precision."""
        ticks = self.ticks[rows]
        matrix = np.empty((rows.size, self.lower.size), dtype=precision)
        if self.taps.size == self.sweeper.n_taps:
            self.sweeper.rows(self.factor, ticks, matrix[:, : self.taps.size])
        else:
            features = np.empty((rows.size, self.sweeper.n_taps), dtype=precision)
            self.sweeper.rows(self.factor, ticks, features)
            matrix[:, : self.taps.size] = features[:, self.taps]
        matrix[:, self.taps.size :] = self.columns[rows]
        return matrix

    def bound(self, prices: Floats, pull: Floats) -> float:
        """Return the bound that prices prove, with ``pull = Rᵀ y``."""
        widest = np.maximum(self.lower * pull, self.upper * pull).sum()
        return float((widest - dot(prices, self.least)) / prices.sum())

    def room(self, values: Floats) -> tuple[Floats, Floats]:
        """Return the distances of the unknowns from the ends of their ranges, above 0 whatever rounding says."""
        return np.maximum(values - self.lower, EDGE), np.maximum(self.upper - values, EDGE)

    def margin(self, values: Floats) -> float:
        """Return the margin of the worst row."""
        return float((self.times(values) - self.least).min())

    def answer(self, values: Floats, prices: Floats, bound: float) -> WidestMargin:
        """Return the answer in LSBs, its margin measured on all rows once more."""
        weights, threshold, bias = self.real(values)
        return WidestMargin(
            weights=weights,
            threshold=threshold,
            bias=bias,
            margin=float(self.problem.margins(weights, threshold, bias).min()),
            bound=bound * self.unit,
            is_feasible=bound * self.unit > self.problem.tolerance,
            prices=self._spread(prices) / self.problem.slack,
        )
