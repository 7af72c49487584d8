"""One neuron in the chip's own integers, compiled: what its potential is while it does what its raster says.

It is the rule of `snnprog.chips.Semantics` for a neuron whose resets are given, so the potential before each reset
tells whether the neuron would have done the same on its own: above the threshold where it spikes, nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from snnprog.arrays import Int64s, Raster
from snnprog.chips import Chip, Range
from snnprog.integers.thresholds import threshold_between
from snnprog.potential import PotentialMap
from snnprog.simulate.neuron import integrate
from snnprog.simulate.shifted_neuron import ShiftedNeuronSimulator
from snnprog.spec import Dynamics

GOES_ON, RESETS, ENDS = 0, 1, 2
TRIED_THRESHOLDS = 12


@dataclass(frozen=True, eq=False)
class Course:
    """The potential before each reset, (ticks,) in its own units; and whether all runtimes agree on every state."""

    potential: Int64s
    is_portable: bool


class Machine:
    """A neuron of a chip that resets where it is told to.

    Parameters
    ----------
    chip, dynamics, mapping
        Its limits, decays and inputs.
    raster : (ticks,) bool
        Where its potential is to reach the threshold.
    """

    def __init__(self, chip: Chip, dynamics: Dynamics, mapping: PotentialMap, raster: Raster) -> None:
        self.raster = raster
        self.first, self.tap = mapping.arrival_events
        self.is_held = mapping.is_held(raster)
        self.after = np.where(raster | self.is_held, RESETS, GOES_ON)
        self.after[mapping.tape.ends] = ENDS
        semantics = chip.semantics
        self.current_factor = semantics.current_factor(dynamics.current_decay)
        self.potential_factor = semantics.potential_factor(dynamics.potential_decay)
        self.decay_bits = semantics.decay_bits
        self.rule = np.array([self.current_factor, self.potential_factor, self.decay_bits, semantics.input_shift])
        self.limits = np.array([chip.arrival_limit, chip.current_limit, chip.potential_limit])
        self.unit = 1 << semantics.input_shift

    def run(self, weights: Int64s, bias: int) -> Course:
        """Return the course under weights (taps,), exponents applied, and a bias in units of the potential."""
        resets = self.after, self.is_held
        potential, is_portable = _run(self.first, self.tap, *resets, self.rule, self.limits, weights, bias)
        return Course(potential, bool(is_portable))

    def threshold(self, weights: Int64s, bias: int, allowed: Range) -> int | None:
        """Return a threshold under which the neuron does what it is told, and all runtimes agree; None if none does."""
        course, unit = self.run(weights, bias), self.unit
        low = max(allowed[0], -(-int(course.potential[~self.raster].max(initial=allowed[0] * unit)) // unit))
        over = int(course.potential[self.raster].min(initial=(allowed[1] + 1) * unit)) - 1
        high = min(allowed[1], over // unit)
        return threshold_between(low, high, self.raster) if course.is_portable and low <= high else None

    def taps_at(self, tick: int) -> Int64s:
        """Return the taps through which something arrives at a tick."""
        return self.tap[self.first[tick] : self.first[tick + 1]]

    def is_reset(self, tick: int) -> bool:
        """Whether the potential after this tick is 0."""
        return bool(self.after[tick] != GOES_ON)

    def is_end(self, tick: int) -> bool:
        """Whether the pattern ends with this tick, and everything rests before the next."""
        return bool(self.after[tick] == ENDS)


class SubtractingMachine(Machine):
    """A neuron of a chip where a reset takes the threshold off: what it does depends on it, so some are tried."""

    def __init__(self, chip: Chip, dynamics: Dynamics, mapping: PotentialMap, raster: Raster) -> None:
        super().__init__(chip, dynamics, mapping, raster)
        self.mapping, self.resets = mapping, mapping.resets(raster[: mapping.played.ticks])
        self.simulator = ShiftedNeuronSimulator(chip, dynamics, mapping)

    def threshold(self, weights: Int64s, bias: int, allowed: Range) -> int | None:
        """Return a threshold under which the neuron does what it is told, and nothing clips; None if none is found."""
        free = self.mapping.potential(weights.astype(np.float64), self.resets)
        free = (free + bias * self.mapping.bias_response(self.resets)) / self.resets.threshold_response
        low = np.clip(free[~self.raster].max(initial=allowed[0]), *allowed)
        high = np.clip(free[self.raster].min(initial=allowed[1]), *allowed)
        middle = threshold_between(round(low), round(high), self.raster)
        for threshold in dict.fromkeys([middle, *np.linspace(low - 1, high + 1, TRIED_THRESHOLDS).round().tolist()]):
            if allowed[0] <= threshold <= allowed[1] and self.is_exact(weights, int(threshold), bias):
                return int(threshold)
        return None

    def is_exact(self, weights: Int64s, threshold: int, bias: int) -> bool:
        """Tell whether the neuron does what it is told, and nothing clips."""
        run = self.simulator.run(weights, threshold, bias)
        return run.is_portable and np.array_equal(run.spikes, self.raster)


def machine_of(chip: Chip, dynamics: Dynamics, mapping: PotentialMap, raster: Raster) -> Machine:
    """Return the machine of a chip's rule."""
    kind = SubtractingMachine if chip.semantics.is_threshold_subtracted else Machine
    return kind(chip, dynamics, mapping, raster)


@njit(cache=True)
def _run(
    first: Int64s, tap: Int64s, after: Int64s, is_held: Raster, rule: Int64s, limits: Int64s, weights: Int64s, bias: int
) -> tuple[Int64s, bool]:
    """See `Machine.run`."""
    course = np.empty(after.size, np.int64)
    current = potential = 0
    is_portable = True
    for k in range(after.size):
        arriving = 0
        for event in range(first[k], first[k + 1]):
            arriving += weights[tap[event]]
        arriving <<= rule[3]
        current, potential = integrate(current, potential, arriving, rule, rule[2], bias)
        if is_held[k]:
            potential = 0
        if abs(arriving) >= limits[0] or abs(current) >= limits[1] or abs(potential) >= limits[2]:
            is_portable = False
        course[k] = potential
        if after[k] != GOES_ON:
            potential = 0
        if after[k] == ENDS:
            current = 0
    return course, is_portable
