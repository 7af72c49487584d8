"""One neuron's real weights become integers, and the certificate that says what rounding can do to them.

Rounding is to the nearest grid point, halves to even. The threshold is chosen last, inside the interval that the
potentials leave: above every silence, below every spike. An interval that leaves room for every rounding is the
certificate; it rests on the linear map and its bounds alone, whatever the rounded weights turn out to be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snnprog.chips import Chip
from snnprog.network import Neuron
from snnprog.potential import PotentialMap
from snnprog.raster import Raster
from snnprog.spec import FREE, Spec

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FLOAT_SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class IntegerNeuron:
    """One neuron in chip integers.

    Attributes
    ----------
    mantissas : (delays, lines) int
    exponent, threshold, bias : int
    scale : float
        What the real weights were multiplied by before they were rounded.
    certified : bool
        Whether every rounding of the scaled real weights to the nearest of this grid keeps the spikes.
    margin : float
        Distance of the potential from the threshold at the worst constrained tick, in weight LSBs of exponent 0,
        under the exact decays.
    """

    mantissas: Integers
    exponent: int
    threshold: int
    bias: int
    scale: float
    certified: bool
    margin: float


@dataclass(frozen=True)
class Interval:
    """Thresholds that separate silences (at or below) from spikes (above), in weight LSBs."""

    least: float
    below: float

    @property
    def is_empty(self) -> bool:
        """Whether no integer lies inside."""
        return math.ceil(self.least) >= self.below

    def middle(self, top: int) -> int:
        """Return the integer inside, at most ``top``, that is farthest from both ends."""
        first, last = math.ceil(self.least), min(math.ceil(self.below) - 1, top)
        return first + (last - first) // 2


class Rounding:
    """Rounds one designed neuron, at several scales if need be.

    Parameters
    ----------
    spec, chip
        What was asked for, and its limits.
    mapping : PotentialMap
        The spec's linear map.
    neuron : Neuron
        Its real weights.
    constrained : (ticks,) bool
        Which ticks must come out right for the neuron to count as certified.
    """

    def __init__(self, spec: Spec, chip: Chip, mapping: PotentialMap, neuron: Neuron, constrained: Raster) -> None:
        self.chip, self.neuron, self.mapping = chip, neuron, mapping
        self.is_scalable = spec.threshold == FREE and spec.bias in (FREE, 0)
        self.fixed_threshold = None if spec.threshold == FREE else int(spec.threshold)
        self.step = 1 << neuron.exponent
        self.unit = 1 << chip.semantics.input_shift
        self.resets = mapping.resets(neuron.raster)
        self.constrained = constrained
        self.norms = mapping.potential((neuron.weights.ravel() != 0.0).astype(np.float64), self.resets)
        self.bias_response = mapping.bias_response(self.resets)
        self.truncation = mapping.truncation(self.resets, biased=neuron.bias != 0.0)
        self.free_potential = mapping.potential(neuron.weights.ravel(), self.resets)

    def round(self, scale: float) -> IntegerNeuron:
        """Return the neuron with its real weights, bias and threshold multiplied by ``scale`` and rounded."""
        mantissas = np.rint(self.neuron.weights * (scale / self.step)).astype(np.int64)
        bias = self.chip.nearest_bias(self.neuron.bias * scale * self.unit)
        proof = self._interval(scale * self.free_potential, bias, self.step * self.norms / 2 + self.truncation)
        rounded = self.mapping.potential((mantissas * self.step).ravel().astype(np.float64), self.resets)
        plain = self._interval(rounded, bias, np.zeros_like(self.truncation))
        certified = self._admits(proof)
        threshold = self._threshold(proof if certified else plain)
        return IntegerNeuron(
            mantissas=mantissas,
            exponent=self.neuron.exponent,
            threshold=threshold,
            bias=bias,
            scale=scale,
            certified=certified,
            margin=min(threshold - plain.least, plain.below - threshold),
        )

    def _interval(self, potential: Floats, bias: int, error: Floats) -> Interval:
        """Return the thresholds that survive errors of this size at each tick."""
        potential = potential + bias / self.unit * self.bias_response
        silent = self.constrained & ~self.neuron.raster
        due = self.constrained & self.neuron.raster
        least = (potential + error)[silent].max(initial=-np.inf)
        below = (potential - error)[due].min(initial=np.inf)
        return Interval(float(least) + FLOAT_SLACK, float(below) - FLOAT_SLACK)

    def _on_chip(self, interval: Interval) -> Interval:
        return Interval(max(interval.least, float(self.chip.thresholds[0])), interval.below)

    def _admits(self, interval: Interval) -> bool:
        if self.fixed_threshold is not None:
            return interval.least <= self.fixed_threshold < interval.below
        possible = self._on_chip(interval)
        return not possible.is_empty and possible.least <= self.chip.thresholds[1]

    def _threshold(self, interval: Interval) -> int:
        if self.fixed_threshold is not None:
            return self.fixed_threshold
        possible, (low, top) = self._on_chip(interval), self.chip.thresholds
        if math.isinf(possible.below):
            return min(max(math.ceil(possible.least), math.ceil(self.neuron.threshold)), top)
        return min(max(possible.middle(top), low), top)
