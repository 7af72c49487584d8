"""The distance between two spike trains, by the metric of Victor and Purpura.

J. D. Victor and K. P. Purpura, "Nature and precision of temporal coding in visual cortex: a metric-space analysis",
J. Neurophysiol. 76 (1996) 1310-1326: the least cost of turning one train into the other, where a spike may be added or
removed at a cost of 1, and moved at a cost of ``cost_per_tick`` for each tick. A move beyond ``2 / cost_per_tick``
ticks costs more than removing the spike and adding it elsewhere.

Decisions
---------
- By default a tick costs 1/10, so spikes more than 20 ticks apart are never matched: 20 ticks is the time constant of
  the default potential, which keeps 0.95 of itself per tick.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Int64s
from snnprog.calls import call_checked
from snnprog.errors import SpecError
from snnprog.jit import compiled

COST_PER_TICK = 0.1


@call_checked
def victor_purpura(first: ArrayLike, second: ArrayLike, *, cost_per_tick: float = COST_PER_TICK) -> float:
    """Return the exact distance between two spike trains, by dynamic programming over pairs of spikes.

    Parameters
    ----------
    first, second : (ticks,) bool
        The trains of one neuron: whether it fires at each tick. Their lengths may differ.
    cost_per_tick : float
        Cost of moving a spike by a tick, from 0 (only the numbers of spikes count) to infinity (only coinciding spikes
        match).

    Raises
    ------
    SpecError
        If a train is not one axis of bools, or the cost is negative or not a number.
    """
    if not cost_per_tick >= 0.0:
        raise SpecError(f"cost_per_tick must be a non-negative number, got {cost_per_tick!r}")
    # Any move at this cost exceeds adding and removing; it avoids infinity times 0 ticks in the sums.
    cost = min(float(cost_per_tick), 3.0)
    distance: float = _distance(_ticks_of("first", first), _ticks_of("second", second), cost)
    return distance


def _ticks_of(name: str, train: ArrayLike) -> Int64s:
    array = np.asarray(train)
    if array.ndim != 1 or (array.size and array.dtype.kind != "b"):
        raise SpecError(f"{name} must be one bool for each tick, got {array.dtype} of shape {array.shape}")
    return np.flatnonzero(array).astype(np.int64)


@compiled()
def _distance(first: Int64s, second: Int64s, cost: float) -> float:
    """Calculate the costs of turning prefixes of the first train into prefixes of the second, row by row."""
    costs = np.arange(second.size + 1).astype(np.float64)
    for done in range(first.size):
        diagonal = costs[0]
        costs[0] = done + 1.0
        for other in range(second.size):
            moved = diagonal + cost * abs(first[done] - second[other])
            diagonal = costs[other + 1]
            costs[other + 1] = min(moved, min(diagonal, costs[other]) + 1.0)
    return float(costs[second.size])
