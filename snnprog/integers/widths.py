"""Required widths of accumulators, proved for any input from the weights, or for the spec's patterns.

The portable range is where all runtimes of a chip agree; outside it some wrap, some clip, some raise. Bounds are in
weight LSBs, as the weights are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats
from snnprog.potential import PotentialMap, Resets
from snnprog.rules.linear import SUBTRACT, Limits

ANY_INPUT = "any input"
SPEC_PATTERNS = "the spec's patterns"
NOTHING_SURE = "not even the spec's patterns"
SAFETY = 0.999
"""The share of a register that scales may fill: the rest covers rounding of the floats in their calculation."""


@dataclass(frozen=True)
class Widths:
    """The largest magnitudes of the arrivals of one tick, the current and the potential, in weight LSBs.

    Attributes
    ----------
    errors : tuple of float
        What rounding and truncation can add to each.
    """

    arrivals: float
    current: float
    potential: float
    errors: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def room(self, limits: Limits) -> float:
        """Return the largest factor for the real weights that keeps them in the portable range after rounding."""
        allowed = (float(limits.arrivals), float(limits.current), float(limits.potential))
        used = (self.arrivals, self.current, self.potential)
        return min(
            max(SAFETY * limit - error, 0.0) / max(value, 1e-9)
            for limit, value, error in zip(allowed, used, self.errors, strict=True)
        )


def widths_for_any_input(weights: Floats, bias: float, *, threshold: float, mapping: PotentialMap) -> Widths:
    """Bound the widths over every input there can be, for weights (of any shape) and bias of one neuron in LSBs.

    Upward, a potential that is reset to zero starts each tick at or below the threshold; downward, and where resets
    subtract, nothing is counted on but its leak.
    """
    upward, downward = float(weights[weights > 0].sum()), float(-weights[weights < 0].sum())
    if not mapping.linear.is_reset_to_zero:
        return _unstopped(upward, downward, bias=bias, mapping=mapping)
    memory = mapping.gain * _memory(mapping.alpha)
    fall = max(downward * memory - bias, 0.0)
    deepest = 0.0 if fall == 0.0 else np.inf if mapping.gamma == 1.0 else fall / (1.0 - mapping.gamma)
    highest = mapping.gamma * threshold + upward * memory + max(bias, 0.0)
    arrivals = max(upward, downward)
    return Widths(arrivals, arrivals * memory, max(highest, deepest))


def _unstopped(upward: float, downward: float, *, bias: float, mapping: PotentialMap) -> Widths:
    """Bound the widths of a neuron that adds up events one by one, and change and potential of a tick one by one.

    A decay that takes at least 1 of small values, and floors, can leave a magnitude greater by its loss than exact
    ones do; a current is greatest before it decays.
    """
    greatest = max(upward, downward)
    current_loss, potential_loss = mapping.linear.losses
    current, wrong = greatest * _memory(mapping.alpha), current_loss * _memory(mapping.alpha)
    push, kept = mapping.gain * current + abs(bias), _memory(mapping.gamma)
    change, wrong_change = 2.0 * push, 2.0 * (potential_loss + wrong)
    return Widths(
        greatest, current, max(push * kept, change), (0.0, wrong, max((potential_loss + wrong) * kept, wrong_change))
    )


def widths_for_patterns(
    weights: Floats, bias: float, *, threshold: float, step: float, mapping: PotentialMap, resets: Resets
) -> Widths:
    """Return the widths over the spec's patterns, for weights (taps,), bias and threshold of one neuron in LSBs.

    They are those of exact decays; the errors bound what rounding to a grid of this step, and truncation, can add.
    """
    if mapping.linear.reset == SUBTRACT:
        return _stepwise(weights, bias, threshold=threshold, step=step, mapping=mapping, resets=resets)
    potential = mapping.potential(weights, resets) + bias * mapping.bias_response(resets)
    everything = np.ones(mapping.n_taps)
    truncation = mapping.most_truncation(resets, biased=bias != 0.0)
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


def _stepwise(
    weights: Floats, bias: float, *, threshold: float, step: float, mapping: PotentialMap, resets: Resets
) -> Widths:
    """Return the widths over the spec's patterns, also after each event, and of each tick's change of the potential."""
    rising, falling = (mapping.arrivals(part) for part in (np.maximum(weights, 0.0), np.minimum(weights, 0.0)))
    current, is_first = mapping.current(weights), np.zeros(mapping.tape.ticks, np.bool_)
    is_first[mapping.tape.starts] = True
    before = np.where(is_first, 0.0, np.roll(current, 1))
    free = mapping.potential(weights, resets) + bias * mapping.bias_response(resets)
    potential = free - threshold * (resets.threshold_response - 1.0)
    decayed = (1.0 - mapping.gamma) * np.where(is_first, 0.0, np.roll(potential, 1))
    change = np.abs(decayed) + np.abs(current) + abs(bias) + 1.0
    everything, counts = np.ones(mapping.n_taps), resets.threshold_response.max(initial=1.0)
    truncation = mapping.most_truncation(resets, biased=bias != 0.0)
    arriving = step / 2 * _greatest(mapping.arrivals(everything))
    flowing = step / 2 * _greatest(mapping.current(everything)) + truncation
    standing = step / 2 * _greatest(mapping.norms(resets)) + truncation + counts / 2
    return Widths(
        arrivals=max(_greatest(rising), _greatest(falling)),
        current=max(_greatest(before + rising), _greatest(before + falling)),
        potential=max(_greatest(potential), _greatest(change)),
        errors=(arriving, flowing + arriving, 2.0 * standing + flowing),
    )


def _memory(share: float) -> float:
    """Return the limit of a sum that gains 1 and keeps a share in every tick."""
    return math.inf if share == 1.0 else 1.0 / (1.0 - share)


def _greatest(values: Floats) -> float:
    return float(np.abs(values).max(initial=0.0))
