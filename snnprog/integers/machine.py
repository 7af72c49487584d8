"""Simulation of one neuron in the chip's integers, with prescribed spikes.

The potential that is compared at each tick tells whether it would have done so by itself: it reaches the threshold
where the neuron spikes, and nowhere else. Where a reset takes the threshold off, that potential depends on the
threshold, so some thresholds are tried.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.chips import Chip, Range
from snnprog.integers.thresholds import threshold_between
from snnprog.potential import PotentialMap
from snnprog.rounding import half_even_integer
from snnprog.rules.linear import SUBTRACT
from snnprog.simulate.neuron import NeuronSimulator

TRIED_THRESHOLDS = 12
"""Thresholds between the smallest and the largest that exact decays leave possible; their middle is tried first, which
is the one that rounding moves least, and does in nearly all cases."""


@dataclass(frozen=True, eq=False)
class Course:
    """The potential before each reset, (ticks,) in its own units; and whether all runtimes agree on every state."""

    potential: Int64s
    is_portable: bool


class Machine:
    """A neuron of a chip with prescribed resets.

    Parameters
    ----------
    chip, mapping
        Its limits, and its decays and inputs.
    raster : (ticks,) bool
        Where its potential is to reach the threshold.
    """

    def __init__(self, chip: Chip, mapping: PotentialMap, raster: Raster) -> None:
        self.mapping, self.raster, self.unit = mapping, raster, chip.unit
        self.is_equal_a_spike = chip.rule.is_equal_a_spike
        self.fired = raster[: mapping.played.ticks]
        self.resets = mapping.resets(self.fired)
        self.simulator = NeuronSimulator(chip.rule, mapping)

    @property
    def is_threshold_subtracted(self) -> bool:
        """Whether the neuron depends on its threshold beyond the comparison."""
        return self.mapping.linear.reset == SUBTRACT or self.mapping.linear.most_spikes > 1

    def run(self, weights: Int64s, bias: int) -> Course:
        """Return the course under weights (taps,), exponents applied, and a bias in units of the potential."""
        run = self.simulator.run(weights, 1, bias, self.fired)
        return Course(run.potentials, run.is_portable)

    def threshold(self, weights: Int64s, bias: int, allowed: Range) -> int | None:
        """Return a threshold with which the neuron has the prescribed spikes and all runtimes agree, or None."""
        if self.is_threshold_subtracted:
            return self._tried_threshold(weights, bias, allowed=allowed)
        course, unit, more = self.run(weights, bias), self.unit, int(self.is_equal_a_spike)
        silent = int(course.potential[~self.raster].max(initial=allowed[0] * unit - more)) + more
        due = int(course.potential[self.raster].min(initial=(allowed[1] + 1) * unit)) - 1 + more
        low, high = max(allowed[0], -(-silent // unit)), min(allowed[1], due // unit)
        return threshold_between(low, high, raster=self.raster) if course.is_portable and low <= high else None

    def _tried_threshold(self, weights: Int64s, bias: int, *, allowed: Range) -> int | None:
        free = self.mapping.potential(weights.astype(np.float64), self.resets)
        free = (free + bias / self.unit * self.mapping.bias_response(self.resets)) / self.resets.threshold_response
        low = np.clip(free[~self.raster].max(initial=allowed[0]), *allowed)
        high = np.clip(free[self.raster].min(initial=allowed[1]), *allowed)
        middle = threshold_between(half_even_integer(low), half_even_integer(high), raster=self.raster)
        for threshold in dict.fromkeys([middle, *np.linspace(low - 1, high + 1, TRIED_THRESHOLDS).round().tolist()]):
            if allowed[0] <= threshold <= allowed[1] and self.is_exact(weights, int(threshold), bias):
                return int(threshold)
        return None

    def is_exact(self, weights: Int64s, threshold: int, bias: int) -> bool:
        """Return whether the neuron has the prescribed spikes and all runtimes agree."""
        run = self.simulator.run(weights, threshold, bias)
        return run.is_portable and np.array_equal(run.spikes, self.raster)
