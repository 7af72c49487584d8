"""The nearest miss: weights that come closest to the targets if no weights reproduce them.

Rows that are not met cost the square of what they lack (the squared hinge of support vector machines), so the optimum
is unique and smooth, and L-BFGS (Nocedal 1980), projected on the bounds, finds it in some dozens of products with the
map. What each row lacks is its price: where the optimum is not 0, the prices are balanced over all taps there are, as a
certificate of infeasibility is, and a new line is worth as much as it upsets that balance.

Sums are NumPy's own, not a threaded library's, whose order of summation would depend on the machine. That is why
SciPy's L-BFGS-B, whose sums are BLAS's, is not used. It was tried: on three specs it took 7, 5 and 17 times as long,
and led to 1, 6 and 9 hidden neurons in place of 3, 10 and 6.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats
from snnprog.design.box import Box
from snnprog.fixed_order import dot
from snnprog.potential import PotentialMap, Resets, Ticks
from snnprog.solver import check_time

# Up to this many entries, 4 MB of doubles, the rows are written out.
DENSE = 1 << 19
# × 3 and ÷ 3 of what follows never changed an outcome, but where the search ends decides which hidden neurons are
# added: of 3 on one spec, it left between 1 and 5, in no one direction. So none of these numbers is better than its
# neighbours.
#
# Maximum number of steps, the moves that are remembered (Nocedal and Wright: 3 to 20), and the most halvings of a step.
ITERATIONS, MEMORY, HALVINGS = 1000, 12, 30
# Armijo's share of the descent that a step must bring (Nocedal and Wright: 1e-4); below the second, as a share of the
# loss, it brings nothing; a curvature below the third is rounding. × 3 and ÷ 3: no change.
SUFFICIENT, STALLED, NEGLIGIBLE = 1e-4, 1e-9, 1e-30
# The search ends where a number of steps leave more than this share of the loss.
SPELL, WORTH_A_SPELL = 20, 0.99
# What the square of a weight costs beside that of a lacking row: it makes the optimum unique.
STIFFNESS = 1e-4
# The distance, in LSBs, that meets a row in full where the scale is fixed: what 16 roundings can take.
FIXED_GAP = 8.0


@dataclass(frozen=True, eq=False)
class NearestMiss:
    """The weights of minimum loss.

    Attributes
    ----------
    unknowns : (taps + 2,) float
        Weights, threshold and bias. In weight LSBs where threshold or bias is fixed, else in any unit.
    excess : (ticks,) float
        How far each row is met: 1 and more in full, negative not at all; infinite for bins without a target.
    prices : (ticks,) float
        What each row lacks, times its weight; positive where a spike is due, negative where silence is.
    """

    unknowns: Floats
    excess: Floats
    prices: Floats


def nearest_miss(
    mapping: PotentialMap, box: Box, *, resets: Resets, wanted: Floats, start: Floats | None = None
) -> NearestMiss:
    """Return the weights of minimum loss.

    Parameters
    ----------
    mapping, box, resets
        The lines, where the unknowns may lie, and when the neuron resets.
    wanted : (ticks,) float
        Positive where a spike is due, negative where silence is; its size is the row's weight, 0 asks nothing.
    start : (taps + 2,) float, optional
        Unknowns to start from.
    """
    ticks = np.flatnonzero(wanted)
    signs, cost = np.sign(wanted), np.abs(wanted)
    gap, bounds = _scale(box)
    rows = _Rows(mapping, resets, ticks)

    def loss(unknowns: Floats) -> tuple[float, Floats]:
        return _loss(unknowns, rows, signs=signs[ticks], cost=cost[ticks], gap=gap)

    unknowns = _minimised(loss, np.zeros(mapping.n_taps + 2) if start is None else start, bounds=bounds)
    excess, prices = np.full(wanted.size, np.inf), np.zeros(wanted.size)
    excess[ticks] = signs[ticks] * rows.distance(unknowns) / gap
    prices[ticks] = (wanted[ticks]) * np.maximum(1.0 - excess[ticks], 0.0)
    return NearestMiss(unknowns, excess, prices)


class _Rows:
    """The rows of the given ticks, stored if they are small enough."""

    def __init__(self, mapping: PotentialMap, resets: Resets, ticks: Ticks) -> None:
        self.mapping, self.resets, self.ticks = mapping, resets, ticks
        self.beta, self.counts = mapping.bias_response(resets)[ticks], resets.threshold_response[ticks]
        is_small = ticks.size * mapping.n_taps <= DENSE
        self.features = mapping.rows(resets, ticks) if is_small else None

    def distance(self, unknowns: Floats) -> Floats:
        """Return how far the potential lies above the threshold."""
        weights, (threshold, bias) = unknowns[:-2], unknowns[-2:]
        if self.features is None:
            potential = self.mapping.potential(weights, self.resets)[self.ticks]
        else:
            potential = np.einsum("kt,t->k", self.features, weights)
        distance: Floats = potential + bias * self.beta - threshold * self.counts
        return distance

    def adjoint(self, prices: Floats) -> Floats:
        """Return the gradient of ``Σ prices · distance`` with respect to the unknowns."""
        if self.features is None:
            everywhere = np.zeros(self.resets.last.size)
            everywhere[self.ticks] = prices
            pull = self.mapping.adjoint(everywhere, self.resets)
        else:
            pull = np.einsum("kt,k->t", self.features, prices)
        return np.concatenate([pull, [-dot(prices, self.counts), dot(prices, self.beta)]])


def _loss(unknowns: Floats, rows: _Rows, *, signs: Floats, cost: Floats, gap: float) -> tuple[float, Floats]:
    lacking = np.maximum(1.0 - signs * rows.distance(unknowns) / gap, 0.0)
    weights = unknowns[:-2] / gap
    gradient = rows.adjoint(-2.0 * signs * cost * lacking / gap)
    gradient[:-2] += 2.0 * STIFFNESS * weights / gap
    return float((cost * lacking**2).sum() + STIFFNESS * (weights**2).sum()), gradient


def _minimised(loss: Callable[[Floats], tuple[float, Floats]], start: Floats, *, bounds: Floats) -> Floats:
    """Return the minimum of a smooth convex loss, given with its gradient, within bounds (2, unknowns)."""
    here = np.clip(start, *bounds)
    value, gradient = loss(here)
    pairs: deque[tuple[Floats, Floats]] = deque(maxlen=MEMORY)
    values = deque([np.inf], maxlen=SPELL)
    for _ in range(ITERATIONS):
        check_time()
        held = ((here <= bounds[0]) & (gradient > 0.0)) | ((here >= bounds[1]) & (gradient < 0.0))
        downhill = np.where(held, 0.0, -_curved(np.where(held, 0.0, gradient), pairs))
        step = 1.0 if pairs else 1.0 / max(1.0, float(np.abs(gradient).max()))
        for _ in range(HALVINGS):
            there = np.clip(here + step * downhill, *bounds)
            new_value, new_gradient = loss(there)
            if new_value <= value + SUFFICIENT * float((gradient * (there - here)).sum()):
                break
            step /= 2.0
        if not new_value < min(value * (1.0 - STALLED), values[0] * WORTH_A_SPELL):
            break
        values.append(new_value)
        moved, turned = there - here, new_gradient - gradient
        if min(float((moved * turned).sum()), float((turned**2).sum())) > NEGLIGIBLE:
            pairs.append((moved, turned))
        here, value, gradient = there, new_value, new_gradient
    return here


def _curved(gradient: Floats, pairs: deque[tuple[Floats, Floats]]) -> Floats:
    """Return the gradient times the inverse curvature that the last moves have shown (the two-loop recursion)."""
    curved, shares = gradient.copy(), []
    for moved, turned in reversed(pairs):
        share = float((moved * curved).sum()) / float((moved * turned).sum())
        shares.append(share)
        curved -= share * turned
    if pairs:
        moved, turned = pairs[-1]
        curved *= float((moved * turned).sum()) / float((turned**2).sum())
    for (moved, turned), share in zip(pairs, reversed(shares), strict=True):
        curved += (share - float((turned * curved).sum()) / float((moved * turned).sum())) * moved
    return curved


def _scale(box: Box) -> tuple[float, Floats]:
    """Return the distance that meets a row in full, and the bounds; the scale is free unless a bias fixes it."""
    low, high = box.weight_lower, box.weight_upper
    if box.has_bias and not box.is_bias_free:
        ends = np.array([box.threshold, box.bias]).T
        widest = 1 << box.widest_exponent
        return FIXED_GAP, np.stack([np.append(widest * low, ends[0]), np.append(widest * high, ends[1])])
    bias = np.inf if box.is_bias_free else 0.0
    lowest = np.concatenate([np.where(low < 0.0, -np.inf, 0.0), [0.0, -bias]])
    highest = np.concatenate([np.where(high > 0.0, np.inf, 0.0), [np.inf, bias]])
    return 1.0, np.stack([lowest, highest])
