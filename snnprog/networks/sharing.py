"""Sharing of thresholds among neurons, because a core holds few of them: a core of Loihi 1 has eight.

A neuron's scale can be chosen, so another threshold gives the same network in other units, with other rounding. Each
neuron is rounded at the scales of a few dozen thresholds; of these, the number that a core has is chosen with
the minimum squared error of weights, thresholds and biases over all neurons. This is the p-median problem; a greedy
choice with exchanges comes close to the optimum (Teitz and Bart 1968).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.chips import Chip
from snnprog.networks.neuron import Grid, RealNeuron, ScaledNeuron
from snnprog.networks.scaling import at_scale, least_exponent
from snnprog.networks.trials import Trials

MOST_CANDIDATES = 96
"""Number of candidate thresholds. A choice, not a measurement."""

MOST_ROUNDED = 1 << 25
"""Maximum number of weights times thresholds that are rounded: some seconds. A choice, not a measurement."""

ROUNDS = 20
"""Maximum number of rounds of exchanges. A choice, not a measurement."""

EXACT = 1e-12
"""Share of a squared threshold below which a squared error is rounding of doubles."""


@dataclass(frozen=True, eq=False)
class OwnNeuron:
    """A neuron, or several that share their weights, rounded separately.

    Attributes
    ----------
    real : RealNeuron
    rounded : ScaledNeuron
    grid : Grid
        The grid of its weights.
    count : int
        Number of neurons that it represents.
    """

    real: RealNeuron
    rounded: ScaledNeuron
    grid: Grid
    count: int

    @property
    def is_free(self) -> bool:
        """Whether another scale is equivalent: not if the neuron is exact, or is read by its potential."""
        if not math.isfinite(self.real.threshold) or self.real.has_other_comparison:
            return False
        weights = self.rounded.mantissas * 2.0**self.rounded.exponents / self.rounded.scale
        return float(((weights - self.real.weights) ** 2).sum()) > EXACT * self.real.threshold**2

    def costs(self, chip: Chip, thresholds: Int64s) -> Floats:
        """(thresholds,) The squared error at each, in squared thresholds of all its neurons; infinite without room."""
        scales = thresholds / self.real.threshold
        tops = [least_exponent(self.real, self.grid, scale=float(scale)) for scale in scales]
        costs = np.full(thresholds.size, np.inf)
        for top in sorted({top for top in tops if top is not None}):
            places = np.array([place for place, each in enumerate(tops) if each == top])
            trials = Trials.of(self.real, chip, self.grid, top=top, scales=scales[places])
            held = places[np.isin(thresholds[places], trials.thresholds)]
            has_room = trials.has_room(self.rounded.portable_for) | (trials.thresholds <= self.rounded.threshold)
            costs[held] = np.where(has_room, trials.off, np.inf)
        return self.count * costs / self.real.threshold**2


def with_shared_thresholds(neurons: Sequence[OwnNeuron], chip: Chip) -> list[ScaledNeuron]:
    """Return neurons with as few thresholds as a core of the chip holds, or unchanged if that is impossible."""
    limit, own = chip.core.thresholds, [each.rounded for each in neurons]
    free = [place for place, each in enumerate(neurons) if each.is_free]
    fixed = np.unique([each.rounded.threshold for place, each in enumerate(neurons) if place not in set(free)])
    if limit is None or np.unique([each.threshold for each in own]).size <= limit or fixed.size >= limit:
        return own
    candidates = _candidates([own[place].threshold for place in free], neurons, fixed)
    costs = np.stack([neurons[place].costs(chip, candidates) for place in free])
    chosen = chosen_columns(costs, first=np.flatnonzero(np.isin(candidates, fixed)), count=limit)
    for place, row in zip(free, costs[:, chosen], strict=True):
        best = int(np.argmin(row))
        if np.isfinite(row[best]):
            each, threshold = neurons[place], float(candidates[chosen[best]])
            found = at_scale(each.real, chip, each.grid, scale=threshold / each.real.threshold)
            own[place] = own[place] if found is None else found
    return own


def _candidates(thresholds: Sequence[int], neurons: Sequence[OwnNeuron], fixed: Int64s) -> Int64s:
    """Return candidate thresholds: those of some of the neurons."""
    values = np.unique(thresholds)
    weights = sum(each.real.weights.size for each in neurons)
    count = min(values.size, MOST_CANDIDATES, max(2, MOST_ROUNDED // max(weights, 1)))
    some = values[np.unique(np.linspace(0, values.size - 1, count).astype(np.int64))]
    return np.union1d(some, fixed).astype(np.int64)


def chosen_columns(costs: Floats, *, first: Int64s, count: int) -> Int64s:
    """Return a number of columns with a small sum of minimum costs, including the first ones.

    Parameters
    ----------
    costs : (rows, columns) float
        Non-negative; infinite if a column is impossible.
    first : (columns,) int
        Columns that are always included.
    count : int
    """
    finite = np.where(np.isfinite(costs), costs, 0.0)
    costs = np.where(np.isfinite(costs), costs, 1e3 * finite.sum(axis=1).max(initial=1.0))
    chosen = first.tolist()
    while len(chosen) < min(count, costs.shape[1]):
        totals = np.minimum(costs, costs[:, chosen].min(axis=1, initial=np.inf)[:, None]).sum(axis=0)
        totals[chosen] = np.inf
        chosen.append(int(np.argmin(totals)))
    for _ in range(ROUNDS):
        before = list(chosen)
        for place in range(first.size, len(chosen)):
            others = chosen[:place] + chosen[place + 1 :]
            totals = np.minimum(costs, costs[:, others].min(axis=1, initial=np.inf)[:, None]).sum(axis=0)
            best = int(np.argmin(totals))
            chosen[place] = best if totals[best] < totals[chosen[place]] and best not in others else chosen[place]
        if chosen == before:
            break
    return np.array(chosen, np.int64)
