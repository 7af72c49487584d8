"""One neuron's run in the chip's integers, compiled: for searches that run the same neuron hundreds of times.

The rule is that of `snnprog.simulate.reference`, which tests hold it against, within the portable range; whoever calls
sees from the potentials whether a run stayed there.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnprog.raster import Raster

Int64s = NDArray[np.int64]


@njit(cache=True)
def run_neuron(
    arrivals: Int64s, ends: Raster, factors: Int64s, bits: int, threshold: int, bias: int
) -> tuple[Raster, Int64s]:
    """Return the spikes, and the potentials before the reset, of a neuron at rest at the start of each pattern.

    Parameters
    ----------
    arrivals : (ticks of all patterns,) int
        What arrives, in units of the current.
    ends : (ticks,) bool
        Which ticks are the last of their pattern.
    factors : (2,) int
        `Semantics.current_factor` and `Semantics.potential_factor`, in units of ``2**-bits``.
    threshold, bias : int
        In units of the potential.
    """
    spikes, potentials = np.zeros(arrivals.size, np.bool_), np.zeros(arrivals.size, np.int64)
    current = potential = 0
    for k in range(arrivals.size):
        kept = (abs(current) * factors[0]) >> bits
        current = (kept if current >= 0 else -kept) + arrivals[k]
        kept = (abs(potential) * factors[1]) >> bits
        potential = (kept if potential >= 0 else -kept) + current + bias
        potentials[k] = potential
        if potential > threshold:
            spikes[k] = True
            potential = 0
        if ends[k]:
            current = potential = 0
    return spikes, potentials
