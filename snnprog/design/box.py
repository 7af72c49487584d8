"""Where the unknowns of a neuron may lie: the ranges that a spec and its chip leave to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.chips import Range
from snnprog.potential import PotentialMap
from snnprog.rounding import half_even
from snnprog.spec import FREE, Spec


@dataclass(frozen=True)
class Box:
    """The ranges of the unknowns , in weight LSBs; a fixed threshold or bias has equal ends.

    A free bias has steps of ``2**bias_exponent`` units of the potential, and reaches as far as these allow.
    Neighbouring weights lie ``weight_step`` apart: 1, or 2 where they are ±1 and never 0. The noise is what every row
    must leave room for. The chip has grids of steps ``2**exponent`` for these ``exponents``, the finest first, and
    biases with those from the first to the second of ``bias_exponents``; whether a potential that equals the threshold
    is a spike is its, too.
    """

    weight_lower: Floats
    weight_upper: Floats
    threshold: tuple[float, float]
    bias: tuple[float, float]
    exponents: tuple[int, ...]
    bias_exponents: Range
    bias_exponent: int
    least_threshold: float
    is_equal_a_spike: bool
    noise: float = 0.0
    weight_step: int = 1

    @property
    def widest_exponent(self) -> int:
        """The exponent of the grid that reaches farthest."""
        return self.exponents[-1]

    @property
    def is_threshold_free(self) -> bool:
        """Whether the threshold is designed."""
        return self.threshold[0] < self.threshold[1]

    @property
    def is_bias_free(self) -> bool:
        """Whether the bias is designed."""
        return self.bias[0] < self.bias[1]

    def nearest_weights(self, mantissas: Floats) -> Int64s:
        """Return the nearest integers (taps,) that weights may be (halves to even; where there is no 0, 0 to +1)."""
        signed = np.where(mantissas < 0.0, -1.0, 1.0) if self.weight_step > 1 else half_even(mantissas)
        return np.clip(signed, self.weight_lower, self.weight_upper).astype(np.int64)

    def without_zero(self) -> Box:
        """Return the box in which no weight that may not be 0 reaches there; see `weight_step`."""
        if self.weight_step == 1:
            return self
        lower, upper = self.weight_lower, self.weight_upper
        rising, falling = np.where(lower == 0.0, upper, lower), np.where(upper == 0.0, lower, upper)
        return replace(self, weight_lower=rising, weight_upper=falling)

    @property
    def has_bias(self) -> bool:
        """Whether there is, or may be, a bias."""
        return self.bias != (0.0, 0.0)

    @property
    def is_scale_free(self) -> bool:
        """Whether weights, threshold and bias may shrink together, so that only their proportions count."""
        return self.is_threshold_free and (self.is_bias_free or not self.has_bias)

    def with_bias_exponent(self, exponent: int) -> Box:
        """Return the box in which a free bias has steps as near to these as the chip has; a fixed one stays."""
        if not self.is_bias_free:
            return self
        exponent = min(max(exponent, self.bias_exponents[0]), self.bias_exponents[1])
        low, high = (end * 2.0 ** (exponent - self.bias_exponent) for end in self.bias)
        return replace(self, bias=(low, high), bias_exponent=exponent)


def box_of(spec: Spec, potential_map: PotentialMap) -> Box:
    """Return the ranges that a spec and its chip leave to each neuron; taps that never act have no weight.

    Weights of ±1 with a sign have no choice.

    Hidden neurons, whose lines the map has between inputs and outputs, may have weights of either sign. A threshold
    that scales with the weights may shrink to nothing with them; beside a fixed bias it is the chip's.
    """
    chip = spec.chip
    given = spec.signs or (0,) * spec.n_presynaptic
    n_hidden = potential_map.n_lines - spec.n_presynaptic
    signs = np.array([*given[: spec.n_inputs], *[0] * n_hidden, *given[spec.n_inputs :]])
    limit = 0.0 if spec.fan_in == 0 else float(spec.mantissas.limit)
    least = limit if spec.mantissas.is_binary else 0.0
    lines = len(spec.delays)
    unit = float(chip.unit)
    threshold, bias = spec.threshold, spec.bias
    bias_exponents = chip.free_bias_exponents
    bias_top = (chip.bias_mantissas[1] << bias_exponents[0]) / unit
    least_threshold = 0.0 if bias in (FREE, 0) else float(chip.thresholds[0])
    used = potential_map.is_tap_used
    return Box(
        weight_lower=used * np.tile(np.where(signs > 0, least, -limit), lines),
        weight_upper=used * np.tile(np.where(signs < 0, -least, limit), lines),
        threshold=(least_threshold, float(chip.thresholds[1])) if threshold == FREE else (float(threshold),) * 2,
        bias=(-bias_top, bias_top) if bias == FREE else (bias / unit, bias / unit),
        exponents=chip.design_exponents,
        bias_exponents=bias_exponents,
        bias_exponent=bias_exponents[0],
        least_threshold=float(chip.thresholds[0]),
        is_equal_a_spike=chip.rule.is_equal_a_spike,
        noise=spec.noise,
        weight_step=spec.mantissas.step,
    )
