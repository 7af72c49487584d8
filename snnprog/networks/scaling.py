"""How large a neuron's real weights become before they are rounded: its scale is free, as its potential is its own.

Weights, threshold and bias are multiplied by one factor. Where they already are a chip's integers, that is 1. Else the
largest weight becomes one of the chip's mantissas, the one for which all others fall nearest to mantissas, on the
coarsest grid on which nothing can leave the widths: a coarse grid has the finest threshold, and the least truncation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.chips import Chip
from snnprog.errors import LimitError
from snnprog.rounding import half_even, half_even_integer

WHOLE_SLACK = 1e-9
TINY = 1e-200
LEAST_SHARE = 1e-12  # of a threshold: smaller weights are none
ANY_INPUT, SOME_INPUTS = "any input", "some inputs"


@dataclass(frozen=True, eq=False)
class RealNeuron:
    """One neuron before it is rounded: what stands in `NirNetwork`, and its decays as the chip has them."""

    name: str
    weights: Floats
    threshold: float
    bias: float
    current_kept: float
    potential_kept: float


@dataclass(frozen=True, eq=False)
class ScaledNeuron:
    """One neuron in chip integers.

    Attributes
    ----------
    mantissas, exponents : (synapses,) int
    threshold, bias : int
    scale : float
        Chip units for each unit of the real weights.
    portable_for : str
        Over which inputs its widths are proved to stay where all runtimes agree.
    """

    mantissas: Int64s
    exponents: Int64s
    threshold: int
    bias: int
    scale: float
    portable_for: str


def scaled(neuron: RealNeuron, chip: Chip) -> ScaledNeuron:
    """Return a neuron in chip integers.

    Raises
    ------
    LimitError
        If no scale brings its threshold and bias into the chip's ranges.
    """
    as_it_is = _whole(neuron, chip)
    if as_it_is is not None:
        return as_it_is
    fine = _best_scale(neuron, chip)
    for exponent in range(chip.exponents[1], chip.exponents[0] - 1, -1):
        candidate = _rounded(neuron, chip, fine * (1 << exponent), exponent)
        if candidate is not None and candidate.portable_for == ANY_INPUT:
            return candidate
    candidate = _rounded(neuron, chip, fine, chip.exponents[0])
    assert candidate is not None, "the best scale leaves room"
    return candidate


def _whole(neuron: RealNeuron, chip: Chip) -> ScaledNeuron | None:
    """Return the neuron if its numbers are the chip's integers already."""
    unit = chip.unit
    numbers = np.concatenate([neuron.weights, [neuron.threshold, neuron.bias * unit]])
    whole = np.rint(numbers)
    if (np.abs(numbers - whole) > WHOLE_SLACK * np.maximum(np.abs(numbers), 1.0)).any():
        return None
    weights, threshold, bias = whole[:-2].astype(np.int64), int(whole[-2]), int(whole[-1])
    exponents = np.zeros(weights.size, dtype=np.int64)
    for _ in range(chip.exponents[1]):
        exponents += np.abs(weights) > chip.weight_limit << exponents
    is_held = (np.abs(weights) <= chip.weight_limit << exponents) & (weights % (1 << exponents) == 0)
    if not is_held.all() or not chip.thresholds[0] <= threshold <= chip.thresholds[1] or not chip.is_bias(bias):
        return None
    portable = (
        ANY_INPUT
        if _is_portable(neuron, chip, weights=weights.astype(np.float64), threshold=threshold, bias=bias)
        else SOME_INPUTS
    )
    return ScaledNeuron(weights >> exponents, exponents, threshold, bias, 1.0, portable)


def _best_scale(neuron: RealNeuron, chip: Chip) -> float:
    """Return the scale, on the finest grid, that brings weights nearest to mantissas, threshold and bias in range."""
    unit, largest = chip.unit, float(np.abs(neuron.weights).max(initial=0.0))
    room = min(chip.thresholds[1] / neuron.threshold, chip.bias_limit / unit / max(abs(neuron.bias), TINY))
    least = (chip.thresholds[0] - 0.5) / neuron.threshold
    if largest < neuron.threshold * LEAST_SHARE:
        return min(room, 2.0 ** math.floor(math.log2(room)))
    tops = np.arange(1, chip.weight_limit + 1)
    scales = tops / largest
    usable = (scales <= room) & (scales * (1 << chip.exponents[1]) >= least)
    if not usable.any():
        raise LimitError(
            f"threshold of {neuron.name}, in units of its largest weight",
            neuron.threshold / largest,
            f"up to {chip.thresholds[1]} on {chip.name}",
            "it would take more spikes than that to reach it",
        )
    errors = [
        np.abs(np.rint(neuron.weights * scale) - neuron.weights * scale).max() / top if is_usable else np.inf
        for scale, top, is_usable in zip(scales, tops, usable, strict=True)
    ]
    best = float(np.min(errors))
    nearest = np.flatnonzero(np.array(errors) <= best + WHOLE_SLACK)
    return float(scales[nearest[-1]])


def _rounded(neuron: RealNeuron, chip: Chip, scale: float, exponent: int) -> ScaledNeuron | None:
    """Return the neuron at a scale, on a grid; None where threshold or bias leave the chip's ranges."""
    unit = chip.unit
    threshold, bias = half_even_integer(neuron.threshold * scale), neuron.bias * scale * unit
    if not chip.thresholds[0] <= threshold <= chip.thresholds[1] or abs(bias) > chip.bias_limit:
        return None
    mantissas = half_even(neuron.weights * scale / (1 << exponent))
    whole_bias = chip.nearest_bias(bias)
    weights = (mantissas << exponent).astype(np.float64)
    portable = (
        ANY_INPUT if _is_portable(neuron, chip, weights=weights, threshold=threshold, bias=whole_bias) else SOME_INPUTS
    )
    exponents = np.full(mantissas.size, exponent, dtype=np.int64)
    return ScaledNeuron(mantissas, exponents, threshold, whole_bias, scale, portable)


def _is_portable(neuron: RealNeuron, chip: Chip, *, weights: Floats, threshold: int, bias: int) -> bool:
    """Tell whether no input whatever takes arrivals, current or potential beyond where all runtimes agree."""
    limits = chip.linear_rule(*chip.usual_decays).limits
    up, down = weights[weights > 0].sum(), -weights[weights < 0].sum()
    current_up, current_down = (each / max(1.0 - neuron.current_kept, TINY) for each in (up, down))
    potential_down = (current_down + max(-bias / chip.unit, 0)) / max(1.0 - neuron.potential_kept, TINY)
    potential_up = threshold + current_up + max(bias / chip.unit, 0)
    return bool(
        max(up, down) < float(limits.arrivals)
        and max(current_up, current_down) < float(limits.current)
        and max(potential_up, potential_down) < float(limits.potential)
    )
