"""Rounding of one neuron's real weights, and a certificate that bounds the effect.

Rounder is to the nearest grid point, halves to even. The threshold is chosen last, inside the interval that the
potentials leave: above every silence, below every spike. An interval that leaves room for every rounding is the
certificate; it rests on the linear map and its bounds alone, whatever the rounded weights turn out to be. A weight of 0
stays 0, unless weights are ±1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.design.box import Box
from snnprog.design.task import Task
from snnprog.network import Neuron
from snnprog.potential import PotentialMap
from snnprog.rounding import HALF_STEP, half_even, half_even_integer
from snnprog.spec import FREE

# What floats can be wrong by, in LSBs: potentials below 2**17 are right to 2**-35 each, and sums of thousands to 1e-7.
FLOAT_SLACK = 1e-6
NEAREST, FITTED = "nearest", "fitted"


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
        Whether every rounding of the scaled real weights to the nearest of this grid keeps the spikes, under the noise
        that must be survived.
    margin : float
        Distance of the potential from the threshold at the worst constrained tick, in weight LSBs of exponent 0,
        under the exact decays.
    rounding : str
        How the mantissas were found.
    """

    mantissas: Int64s
    exponent: int
    threshold: int
    bias: int
    scale: float
    certified: bool
    margin: float
    rounding: str = NEAREST


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


def _box_of(task: Task, neuron: Neuron) -> Box:
    """Return the ranges of a neuron's weights; taps may be absent if the design has none on them."""
    box = task.box
    if not task.spec.may_taps_be_absent:
        return box
    chosen = neuron.weights.ravel() != 0.0
    return replace(box, weight_lower=box.weight_lower * chosen, weight_upper=box.weight_upper * chosen)


class Rounder:
    """Rounds one designed neuron, at several scales if need be.

    Parameters
    ----------
    task : Task
        What was requested.
    neuron : Neuron
        Its real weights.
    constrained : (ticks,) bool
        Which ticks must come out right for the neuron to count as certified.
    mapping : PotentialMap
        The neuron's.

    Attributes
    ----------
    loudest : (taps,) float
        Maximum number of spikes that can come in one tick.
    """

    def __init__(self, task: Task, neuron: Neuron, constrained: Raster, mapping: PotentialMap) -> None:
        spec, chip = task.spec, task.spec.chip
        self.chip, self.neuron, self.mapping = chip, neuron, mapping
        self.is_scalable = spec.threshold == FREE and spec.bias in (FREE, 0) and not neuron.is_integral
        self.fixed_threshold = None if spec.threshold == FREE else int(spec.threshold)
        self.box = _box_of(task, neuron)
        self.greatest = float(np.abs(neuron.weights).max(initial=0.0))
        self.unit = chip.unit
        self.resets, self.raster = mapping.resets(neuron.raster), mapping.due_of(neuron.raster)
        self.constrained = constrained & ~self.resets.is_held
        spikes = np.ones(mapping.n_lines)
        spikes[spec.n_inputs :] = mapping.linear.most_spikes
        self.loudest: Floats = np.tile(spikes, mapping.delays.size)
        self.norms = mapping.potential((neuron.weights.ravel() != 0.0).astype(np.float64), self.resets)
        self.bias_response = mapping.bias_response(self.resets)
        self.truncation = mapping.truncation(self.resets, self.raster, biased=neuron.bias != 0.0) + spec.noise
        self.free_potential = mapping.potential(neuron.weights.ravel(), self.resets)

    def round(self, scale: float) -> IntegerNeuron:
        """Return the neuron with its real weights, bias and threshold multiplied by ``scale`` and rounded.

        The grid is the finest that holds the weights.
        """
        exponent = self._finest(scale)
        step = 1 << exponent
        real = self.neuron.weights * (scale / step)
        mantissas = self.box.nearest_weights(real.ravel()).reshape(real.shape)
        bias = self.chip.nearest_bias(self.neuron.bias * scale * self.unit)
        moved = step * self.box.weight_step * self.norms * HALF_STEP
        proof = self._interval(scale * self.free_potential, bias, error=moved + self.truncation)
        rounded = self.mapping.potential((mantissas * step).ravel().astype(np.float64), self.resets)
        plain = self._interval(rounded, bias, error=np.zeros_like(self.truncation))
        certified = self._admits(proof)
        threshold = self._threshold(proof if certified else plain)
        return IntegerNeuron(
            mantissas=mantissas,
            exponent=exponent,
            threshold=threshold,
            bias=bias,
            scale=scale,
            certified=certified,
            margin=self._margin(rounded, bias, threshold=threshold),
        )

    def first_certified(self, scales: Sequence[float]) -> IntegerNeuron:
        """Return the neuron at the first of several scales that certifies it, or at the middle one if none does."""
        tried: list[IntegerNeuron] = []
        for scale in scales:
            tried.append(self.round(scale))
            if tried[-1].certified:
                return tried[-1]
        return tried[len(tried) // 2]

    def as_it_is(self) -> IntegerNeuron:
        """Return a neuron that needs no rounding."""
        neuron, bias = self.neuron, half_even_integer(self.neuron.bias * self.unit)
        return IntegerNeuron(
            mantissas=half_even(neuron.weights / (1 << neuron.exponent)).astype(np.int64),
            exponent=neuron.exponent,
            threshold=int(neuron.threshold),
            bias=bias,
            scale=1.0,
            certified=False,
            margin=self._margin(self.free_potential, bias, threshold=int(neuron.threshold)),
            rounding=FITTED,
        )

    def filling(self, scale: float) -> float:
        """Return the largest scale, at most this one, at which the largest weight is the largest of its grid."""
        if not self.is_scalable or self.greatest == 0.0:
            return scale
        full = (self._limit * (1 << exponent) / self.greatest for exponent in self._grids)
        return max((one for one in full if one <= scale), default=scale)

    @property
    def _grids(self) -> range:
        """The exponents that the neuron may have: its own, and finer ones unless all neurons must have the same."""
        return range(self.neuron.exponent if self.chip.is_exponent_shared else 0, self.neuron.exponent + 1)

    @property
    def _limit(self) -> float:
        return float(np.maximum(-self.box.weight_lower, self.box.weight_upper).max(initial=1.0))

    def _finest(self, scale: float) -> int:
        """Return the exponent of the finest grid, at most the design's, that holds the scaled weights."""
        room = self._limit * (1.0 + FLOAT_SLACK)
        holding = (e for e in self._grids if self.greatest * scale <= room * (1 << e))
        return next(holding, self.neuron.exponent)

    def _interval(self, potential: Floats, bias: int, *, error: Floats) -> Interval:
        """Return the thresholds that survive errors of this size at each tick."""
        potential = potential + bias / self.unit * self.bias_response
        silent = self.constrained & ~self.raster
        due = self.constrained & self.raster
        counts = self.resets.threshold_response
        least = ((potential + error + FLOAT_SLACK) / counts)[silent].max(initial=-np.inf)
        below = ((potential - error - FLOAT_SLACK) / counts)[due].min(initial=np.inf)
        return Interval(float(least), float(below))

    def _margin(self, potential: Floats, bias: int, *, threshold: int) -> float:
        """Return the distance from the threshold at the worst tick, under exact decays."""
        above = potential + bias / self.unit * self.bias_response - threshold * self.resets.threshold_response
        distance = np.where(self.raster, above, -above)[self.constrained]
        return float(distance.min(initial=np.inf)) - FLOAT_SLACK

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
