"""One neuron's run in Xylo's integers, compiled: what `snnprog.simulate.neuron` is for Loihi's.

The rule is that of `snnprog.simulate.shifts`, which tests hold it against, event by event and with all that clips; a
run tells what had to be clipped first. One spike per tick is what a run knows of; a neuron that may have several is
found out by what the reset leaves (see `snnprog.design.once`).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from snnprog.arrays import Int64s, Raster
from snnprog.chips import Chip, ShiftSemantics
from snnprog.potential import PotentialMap
from snnprog.simulate.neuron import NeuronSimulator, Run
from snnprog.spec import Dynamics
from snnprog.trace import Excursion

QUANTITIES = ("current", "potential")


class ShiftedNeuronSimulator(NeuronSimulator):
    """Runs neurons that hear the spikes of a map, each pattern from rest.

    Parameters
    ----------
    chip, dynamics, mapping
        Its rule and limits, the neuron's decays, and what reaches it.
    """

    def __init__(self, chip: Chip, dynamics: Dynamics, mapping: PotentialMap) -> None:
        super().__init__(chip, dynamics, mapping)
        self.first, self.tap = mapping.arrival_events
        self.shifts = np.array([dynamics.current_decay, dynamics.potential_decay])
        self.looks = np.stack([self.ends, mapping.is_after_reset])

    def run(self, weights: Int64s, threshold: int, bias: int) -> Run:
        """Run a neuron; weights (taps,) with exponents applied."""
        spikes, potentials, clipped = _run(
            self.first, self.tap, self.looks, self.shifts, self.semantics.potential_bits, weights, threshold, bias
        )
        tick, quantity, value = clipped.tolist()
        if tick < 0:
            return Run(spikes, potentials, is_portable=True)
        limit = int(self.limits[1 + quantity])
        excursion = Excursion(self.mapping.tape.where(tick)[1], 0, QUANTITIES[quantity], value, limit)
        return Run(spikes, potentials, is_portable=False, excursion=excursion)


def neuron_simulator(chip: Chip, dynamics: Dynamics, mapping: PotentialMap) -> NeuronSimulator:
    """Return the simulator of a chip's rule."""
    kind = ShiftedNeuronSimulator if isinstance(chip.semantics, ShiftSemantics) else NeuronSimulator
    return kind(chip, dynamics, mapping)


@njit(cache=True, nogil=True, inline="always")
def shifted_loss(value: int, shift: int) -> int:
    """Return what a decay takes."""
    taken = value >> shift
    return taken if taken != 0 else int(np.sign(value))


@njit(cache=True, nogil=True)
def _run(
    first: Int64s, tap: Int64s, looks: Raster, shifts: Int64s, bits: int, weights: Int64s, threshold: int, bias: int
) -> tuple[Raster, Int64s, Int64s]:
    """Return the spikes, the potentials where they are looked at, and what was clipped first.

    Parameters
    ----------
    first, tap : int
        `PotentialMap.arrival_events`.
    looks : (2, ticks) bool
        Which ticks are the last of their pattern, and which are looked at after the reset.
    shifts : (2,) int
        The decays of current and potential.

    Returns
    -------
    spikes : (ticks,) bool
        Where what is looked at reaches the threshold.
    potentials : (ticks,) int
    clipped : (3,) int
        Tick (-1 if nothing was), current (0) or potential (1), and the value.
    """
    ticks = looks.shape[1]
    spikes, potentials = np.zeros(ticks, np.bool_), np.zeros(ticks, np.int64)
    clipped = np.array([-1, 0, 0])
    low, high = -(1 << bits), (1 << bits) - 1
    current = potential = 0
    for k in range(ticks):
        for event in range(first[k], first[k + 1]):
            current += weights[tap[event]]
            if clipped[0] < 0 and not low < current <= high:
                clipped[:] = k, 0, current
            current = min(max(current, low), high)
        current -= shifted_loss(current, shifts[0])
        change = -shifted_loss(potential, shifts[1])
        if change == -low:
            change = low
        for part in (current, bias, potential):
            change += part
            if clipped[0] < 0 and not low < change <= high:
                clipped[:] = k, 1, change
            change = min(max(change, low), high)
        left = change - threshold if change >= threshold else change
        potentials[k] = left if looks[1, k] else change
        spikes[k] = potentials[k] >= threshold
        potential = left
        if looks[0, k]:
            current = potential = 0
    return spikes, potentials, clipped
