"""How wide the accumulators must be: proved for any input from the weights, or for the spec's patterns from them.

The portable range is where all runtimes of a chip agree; outside it some wrap, some clip, some raise. Bounds are in
weight LSBs, as the weights are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snnprog.chips import Chip
from snnprog.potential import PotentialMap, Resets

Floats = NDArray[np.float64]

ANY_INPUT = "any input"
SPEC_PATTERNS = "the spec's patterns"
NOTHING_SURE = "not even the spec's patterns"
SAFETY = 0.999


@dataclass(frozen=True)
class Widths:
    """The greatest magnitudes of what arrives in one tick, of the current and of the potential, in weight LSBs.

    Attributes
    ----------
    errors : tuple of float
        What rounding and truncation can add to each.
    """

    arrivals: float
    current: float
    potential: float
    errors: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def room(self, chip: Chip) -> float:
        """Return by what factor the real weights may be multiplied and stay in the portable range once rounded."""
        unit = 1 << chip.semantics.input_shift
        limits = (chip.arrival_limit, chip.current_limit, chip.potential_limit)
        used = (self.arrivals, self.current, self.potential)
        return min(
            max(SAFETY * limit / unit - error, 0.0) / max(value, 1e-9)
            for limit, value, error in zip(limits, used, self.errors, strict=True)
        )


def widths_for_any_input(weights: Floats, bias: float, threshold: float, mapping: PotentialMap) -> Widths:
    """Bound the widths over every input there can be, for weights (of any shape) and bias of one neuron in LSBs.

    Upward, a potential starts each tick at or below the threshold; downward, nothing but its leak stops it.
    """
    upward, downward = float(weights[weights > 0].sum()), float(-weights[weights < 0].sum())
    memory = 1.0 / (1.0 - mapping.alpha)
    fall = max(downward * memory - bias, 0.0)
    deepest = 0.0 if fall == 0.0 else np.inf if mapping.gamma == 1.0 else fall / (1.0 - mapping.gamma)
    highest = mapping.gamma * threshold + upward * memory + max(bias, 0.0)
    arrivals = max(upward, downward)
    return Widths(arrivals, arrivals * memory, max(highest, deepest))


def widths_for_patterns(weights: Floats, bias: float, step: float, mapping: PotentialMap, resets: Resets) -> Widths:
    """Return the widths over the spec's patterns, for weights (taps,) and bias of one neuron in LSBs.

    They are those of exact decays; the errors bound what rounding to a grid of this step, and truncation, can add.
    """
    potential = mapping.potential(weights, resets) + bias * mapping.bias_response(resets)
    everything = np.ones(mapping.n_taps)
    truncation = float(mapping.truncation(resets, biased=bias != 0.0).max(initial=0.0))
    return Widths(
        arrivals=_greatest(mapping.arrivals(weights)),
        current=_greatest(mapping.current(weights)),
        potential=_greatest(potential),
        errors=(
            step / 2 * _greatest(mapping.arrivals(everything)),
            step / 2 * _greatest(mapping.current(everything)) + truncation,
            step / 2 * _greatest(mapping.norms(resets)) + truncation,
        ),
    )


def _greatest(values: Floats) -> float:
    return float(np.abs(values).max(initial=0.0))
