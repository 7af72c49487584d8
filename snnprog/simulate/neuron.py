"""One neuron's run in the chip's integers, compiled: for searches that run the same neuron hundreds of times.

The rule is that of `snnprog.simulate.reference`, which tests hold it against, within the portable range; a run tells
whether it stayed there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from snnprog.arrays import Int64s, Raster
from snnprog.chips import Chip
from snnprog.potential import PotentialMap
from snnprog.spec import Dynamics
from snnprog.trace import Excursion


@dataclass(frozen=True, eq=False)
class Run:
    """What a neuron did.

    Attributes
    ----------
    spikes : (ticks of the map,) bool
        Where the potential reached the threshold.
    potentials : (ticks,) int
        Before the reset (after it where the map looks there), in the chip's units.
    is_portable : bool
        Whether all states stayed where all runtimes of the chip agree.
    excursion : Excursion or None
        The first that did not, where that was looked for; its neuron is 0.
    """

    spikes: Raster
    potentials: Int64s
    is_portable: bool
    excursion: Excursion | None = None


class NeuronSimulator:
    """Runs neurons that hear the spikes of a map, each pattern from rest.

    Parameters
    ----------
    chip, dynamics, mapping
        Its rule and limits, the neuron's decays, and what reaches it.
    """

    def __init__(self, chip: Chip, dynamics: Dynamics, mapping: PotentialMap) -> None:
        self.semantics, self.mapping = chip.semantics, mapping
        self.limits = np.array([chip.arrival_limit, chip.current_limit, chip.potential_limit])
        self.factors = np.array(
            [
                chip.semantics.current_factor(dynamics.current_decay),
                chip.semantics.potential_factor(dynamics.potential_decay),
            ]
        )
        self.ends = np.zeros(mapping.tape.ticks, dtype=np.bool_)
        self.ends[mapping.tape.ends] = True

    def run(self, weights: Int64s, threshold: int, bias: int) -> Run:
        """Run a neuron.

        Parameters
        ----------
        weights : (taps,) int
            Exponents applied.
        threshold : int
            The mantissa.
        bias : int
            In units of the potential.
        """
        shift = self.semantics.input_shift
        arrivals = np.rint(self.mapping.arrivals(weights.astype(np.float64))).astype(np.int64) << shift
        spikes, potentials, reached = run_neuron(
            arrivals,
            self.ends,
            self.factors,
            self.semantics.decay_bits,
            threshold << shift,
            bias,
            self.mapping.leaks.refractory,
        )
        return Run(spikes, potentials, bool((reached < self.limits).all()))


@njit(cache=True, nogil=True, inline="always")
def integrate(current: int, potential: int, arriving: int, factors: Int64s, bits: int, bias: int) -> tuple[int, int]:
    """Return current and potential one tick on, before the comparison: the chip's rule, compiled, in one place."""
    kept = (abs(current) * factors[0]) >> bits
    current = (kept if current >= 0 else -kept) + arriving
    kept = (abs(potential) * factors[1]) >> bits
    return current, (kept if potential >= 0 else -kept) + current + bias


@njit(cache=True, nogil=True)
def run_neuron(
    arrivals: Int64s, ends: Raster, factors: Int64s, bits: int, threshold: int, bias: int, refractory: int = 1
) -> tuple[Raster, Int64s, Int64s]:
    """Return the spikes, the potentials before the reset, and the greatest arrival, current and potential reached.

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
    refractory : int
        In ticks; while it lasts, the potential is 0.
    """
    spikes, potentials = np.zeros(arrivals.size, np.bool_), np.zeros(arrivals.size, np.int64)
    reached = np.zeros(3, np.int64)
    current = potential = held_for = 0
    for k in range(arrivals.size):
        current, potential = integrate(current, potential, arrivals[k], factors, bits, bias)
        if held_for > 0:
            potential, held_for = 0, held_for - 1
        reached[0] = max(reached[0], abs(arrivals[k]))
        reached[1] = max(reached[1], abs(current))
        reached[2] = max(reached[2], abs(potential))
        potentials[k] = potential
        if potential > threshold:
            spikes[k] = True
            potential, held_for = 0, refractory - 1
        if ends[k]:
            current = potential = held_for = 0
    return spikes, potentials, reached
