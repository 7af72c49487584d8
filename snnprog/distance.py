"""How far apart two spike trains are, by the metric of Victor and Purpura.

J. D. Victor and K. P. Purpura, "Nature and precision of temporal coding in visual cortex: a metric-space analysis",
J. Neurophysiol. 76 (1996) 1310-1326: the least cost of turning one train into the other, where a spike may be added or
taken away at a cost of 1, and moved at a cost of ``cost_per_tick`` for each tick. A move beyond ``2 / cost_per_tick``
ticks is dearer than taking the spike away and adding it elsewhere.

Decisions
---------
- Unless said otherwise a tick costs 1/10, so spikes more than 20 ticks apart have nothing to do with each other: that
  is the time constant of the default potential, which keeps 0.95 of itself per tick.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Int64s
from snnprog.errors import SpecError
from snnprog.jit import compiled

COST_PER_TICK = 0.1


def victor_purpura(first: ArrayLike, second: ArrayLike, *, cost_per_tick: float = COST_PER_TICK) -> float:
    """Return the distance between two spike trains; exact, by dynamic programming over pairs of spikes.

    Parameters
    ----------
    first, second : (ticks,) bool
        The trains of one neuron: whether it fires at each tick. Their lengths may differ.
    cost_per_tick : float
        Of moving a spike, from 0 (only the numbers of spikes count) to infinity (only coinciding spikes match).

    Raises
    ------
    SpecError
        If a train is not one axis of bools, or the cost is negative or not a number.
    """
    if not cost_per_tick >= 0.0:
        raise SpecError(f"cost_per_tick is {cost_per_tick!r}; a number from 0 to inf is needed")
    # Any move at this cost is dearer than adding and taking away; it keeps infinity times no tick out of the sums.
    cost = min(float(cost_per_tick), 3.0)
    distance: float = _distance(_ticks_of("first", first), _ticks_of("second", second), cost)
    return distance


def _ticks_of(name: str, train: ArrayLike) -> Int64s:
    array = np.asarray(train)
    if array.ndim != 1 or (array.size and array.dtype.kind != "b"):
        raise SpecError(f"{name} is {array.dtype} of shape {array.shape}; one bool per tick is needed")
    return np.flatnonzero(array).astype(np.int64)


@compiled()
def _distance(first: Int64s, second: Int64s, cost: float) -> float:
    """Turn ever more of the first train's spikes into ever more of the second's, one row of costs at a time."""
    costs = np.arange(second.size + 1).astype(np.float64)
    for done in range(first.size):
        diagonal = costs[0]
        costs[0] = done + 1.0
        for other in range(second.size):
            moved = diagonal + cost * abs(first[done] - second[other])
            diagonal = costs[other + 1]
            costs[other + 1] = min(moved, min(diagonal, costs[other]) + 1.0)
    return float(costs[second.size])
