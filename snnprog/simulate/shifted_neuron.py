"""One neuron's run in Xylo's integers, compiled: what `snnprog.simulate.neuron` is for Loihi's.

The rule is that of `snnprog.simulate.shifts`, which tests hold it against, event by event and with all that clips; a
run tells whether anything had to be clipped.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnprog.chips import Chip, ShiftSemantics
from snnprog.potential import PotentialMap
from snnprog.raster import Raster
from snnprog.simulate.neuron import NeuronSimulator, Run
from snnprog.spec import Dynamics

Int64s = NDArray[np.int64]


class ShiftedNeuronSimulator(NeuronSimulator):
    """Runs readout neurons that hear the spikes of a map, each pattern from rest.

    Parameters
    ----------
    chip, dynamics, mapping
        Its rule and limits, the neuron's decays, and what reaches it.
    """

    def __init__(self, chip: Chip, dynamics: Dynamics, mapping: PotentialMap) -> None:
        super().__init__(chip, dynamics, mapping)
        self.first, self.tap = mapping.arrival_events
        self.shifts = np.array([dynamics.current_decay, dynamics.potential_decay])

    def run(self, weights: Int64s, threshold: int, bias: int) -> Run:
        """Run a neuron; weights (taps,) with exponents applied."""
        spikes, potentials, is_portable = _run(
            self.first, self.tap, self.ends, self.shifts, self.semantics.potential_bits, weights, threshold, bias
        )
        return Run(spikes, potentials, bool(is_portable))


def neuron_simulator(chip: Chip, dynamics: Dynamics, mapping: PotentialMap) -> NeuronSimulator:
    """Return the simulator of a chip's rule."""
    kind = ShiftedNeuronSimulator if isinstance(chip.semantics, ShiftSemantics) else NeuronSimulator
    return kind(chip, dynamics, mapping)


@njit(cache=True, nogil=True, inline="always")
def _loss(value: int, shift: int) -> int:
    """Return what a decay takes."""
    taken = value >> shift
    return taken if taken != 0 else int(np.sign(value))


@njit(cache=True, nogil=True)
def _run(
    first: Int64s, tap: Int64s, ends: Raster, shifts: Int64s, bits: int, weights: Int64s, threshold: int, bias: int
) -> tuple[Raster, Int64s, bool]:
    """Return the spikes, the potentials before the reset, and whether nothing was clipped.

    Parameters
    ----------
    first, tap : int
        `PotentialMap.arrival_events`.
    ends : (ticks,) bool
        Which ticks are the last of their pattern.
    shifts : (2,) int
        The decays of current and potential.
    """
    spikes, potentials = np.zeros(ends.size, np.bool_), np.zeros(ends.size, np.int64)
    low, high = -(1 << bits), (1 << bits) - 1
    current = potential = 0
    is_portable = True
    for k in range(ends.size):
        for event in range(first[k], first[k + 1]):
            current += weights[tap[event]]
            is_portable &= low < current <= high
            current = min(max(current, low), high)
        current -= _loss(current, shifts[0])
        change = -_loss(potential, shifts[1])
        if change == -low:
            change = low
        for part in (current, bias, potential):
            change += part
            is_portable &= low < change <= high
            change = min(max(change, low), high)
        potential = change
        potentials[k] = potential
        if potential >= threshold:
            spikes[k] = True
            potential -= threshold
        if ends[k]:
            current = potential = 0
    return spikes, potentials, is_portable
