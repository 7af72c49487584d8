"""Chips whose readout neurons feed no neuron, and chips on which a neuron may spike several times in a tick.

An output that drives a wire stands in the hidden layer, where its readers receive it; if the system reads it out, too,
a copy with the same integers stands in the readout layer. A raster has one spike or none in a bin, so such an output
must be proved to spike at most once in a tick (`snnprog.linking.once`).
"""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Int64s
from snnprog.chips import Chip
from snnprog.errors import LimitError
from snnprog.linking.neurons import Arrays
from snnprog.rules.expressions import Expression, Ref, nodes
from snnprog.synapses import EXCITATORY, INHIBITORY


def with_readouts(
    neurons: Arrays, synapses: Arrays, outputs: Int64s, *, n_inputs: int
) -> tuple[Arrays, Arrays, Int64s]:
    """Return neurons, synapses and outputs where each output that feeds neurons is read from a copy."""
    feeds = np.isin(outputs + n_inputs, synapses["pre"])
    count = neurons["threshold"].size
    copies = np.where(feeds, count + np.cumsum(feeds) - 1, outputs)
    parts = [synapses]
    for output, copy in zip(outputs[feeds].tolist(), copies[feeds].tolist(), strict=True):
        chosen = synapses["post"] == output
        again = {name: array[chosen] for name, array in synapses.items()}
        parts.append(again | {"post": np.full(int(chosen.sum()), copy)})
    return (
        {name: np.concatenate([array, array[outputs[feeds]]]) for name, array in neurons.items()},
        {name: np.concatenate([each[name] for each in parts]) for name in synapses},
        copies,
    )


def with_shared_exponents(synapses: Arrays, outputs: Int64s, *, chip: Chip) -> Arrays:
    """Return synapses with one exponent for all into each layer, as the chip needs them.

    Raises
    ------
    LimitError
        If no exponent has all weights of a layer.
    """
    found = {name: array.copy() for name, array in synapses.items()}
    is_readout = np.isin(synapses["post"], outputs)
    for layer, chosen in (("hidden", ~is_readout), ("readout", is_readout)):
        if np.unique(synapses["exponent"][chosen]).size < 2:
            continue
        added = synapses["weight"][chosen] << synapses["exponent"][chosen]
        exponent = _exponent_of(added, chip)
        if exponent is None:
            shifts = np.unique(synapses["exponent"][chosen]).tolist()
            hint = "no exponent has all weights of the parts; compile the parts with the same exponent"
            raise LimitError(f"exponents into the {layer} layer", shifts, f"equal on {chip.name}", hint)
        found["exponent"][chosen] = exponent
        found["weight"][chosen] = added >> exponent
        found["sign_mode"][chosen] = np.where(added < 0, INHIBITORY, EXCITATORY)
    return found


def _exponent_of(added: Int64s, chip: Chip) -> int | None:
    ranges = chip.weight_ranges
    for exponent in range(chip.exponents[0], chip.exponents[1] + 1):
        mantissas = added >> exponent
        is_whole = (mantissas << exponent == added).all()
        if is_whole and ranges.inhibitory[0] <= mantissas.min() and mantissas.max() <= ranges.excitatory[1]:
            return exponent
    return None


def is_readout_only_capped(chip: Chip) -> bool:
    """Return whether neurons that are read out differ from others at most by the number of spikes in a tick."""
    rule = chip.rule
    different = {each.name for each in rule.constants if each.hidden != each.readout}
    read = [name for step in rule.all_steps for node in nodes(step.expression) for name in _names_of(node)]
    most = rule.firing.most
    capped = [] if most is None else [name for node in nodes(most) for name in _names_of(node)]
    return sorted(name for name in read if name in different) == sorted(name for name in capped if name in different)


def _names_of(node: Expression) -> list[str]:
    return [node.name] if isinstance(node, Ref) else []
