"""Removal of hidden neurons that are not needed.

One after another, the last first, a hidden neuron is omitted, and all that listened to it are rebuilt without it:
outputs by design, other hidden neurons such that they still do what they did. If all succeed it is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from snnprog.design.hidden.craft import craft
from snnprog.design.hidden.draft import Draft, nearest
from snnprog.design.hidden.growth import attempt, lack_of
from snnprog.design.margins.answer import ROUNDING_PROOF
from snnprog.errors import UndecidedError
from snnprog.network import Neuron


@dataclass(frozen=True, eq=False)
class Assembled:
    """A draft and the neurons of its outputs, each with a weight for every line."""

    draft: Draft
    outputs: Mapping[int, Neuron]


def pruned(built: Assembled) -> Assembled:
    """Return the network without the hidden neurons that were not needed, within the time limit."""
    try:
        for index in reversed(range(len(built.draft.hidden))):
            built = _without(built, index) or built
    except UndecidedError:
        pass
    return built


def _without(built: Assembled, index: int) -> Assembled | None:
    """Return the network without one hidden neuron, or None if another cannot do without it."""
    line = built.draft.spec.n_inputs + index
    smaller, outputs = built.draft.without(index), {}
    for output, neuron in built.outputs.items():
        heard = bool(neuron.weights[:, line].any())
        deaf = replace(neuron, weights=np.delete(neuron.weights, line, axis=1))
        again = _output_again(smaller, output, before=neuron) if heard else deaf
        if again is None:
            return None
        outputs[output] = again
    hidden = list(smaller.hidden)
    for place in range(index, len(hidden)):
        if built.draft.hidden[place + 1].weights[:, line].any():
            again = _hidden_again(replace(smaller, hidden=tuple(hidden[:place])), hidden[place])
            if again is None:
                return None
            hidden[place] = again
    return Assembled(replace(smaller, hidden=tuple(hidden)), outputs)


def _output_again(draft: Draft, output: int, *, before: Neuron) -> Neuron | None:
    """Return an output's neuron for fewer lines, if it is not less sure than before."""
    neuron = attempt(draft, output, lack_of(draft, output).miss)
    if neuron is None or neuron.margin < min(before.margin, ROUNDING_PROOF):
        return None
    return neuron


def _hidden_again(earlier: Draft, neuron: Neuron) -> Neuron | None:
    """Return a hidden neuron that does the same with the lines before it."""
    wanted = np.where(neuron.raster, 1.0, -1.0)
    miss = nearest(earlier, resets=earlier.mapping.resets(neuron.raster), wanted=wanted)
    crafted = craft(earlier, miss.unknowns, value=wanted)
    if crafted is None or not np.array_equal(crafted.neuron.raster, neuron.raster):
        return None
    return crafted.neuron
