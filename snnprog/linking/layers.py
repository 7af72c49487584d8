"""Chips whose readout neurons feed no neuron, and chips on which a neuron may spike several times in a tick.

An output that drives a wire stands in the hidden layer, where its readers receive it; if the system reads it out, too,
a copy with the same integers stands in the readout layer. A raster has one spike or none in a bin, so such an output
must be proved to spike at most once in a tick: by intervals, else by exploring the states of its part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.automata import never
from snnprog.chips import Chip
from snnprog.errors import LimitError
from snnprog.exploration.exact import Exploration
from snnprog.exploration.ticking import ProgramTicks
from snnprog.exploration.watching import Watching
from snnprog.linking.neurons import Arrays
from snnprog.program import NEURON_ARRAYS, Program
from snnprog.program_file import READOUT
from snnprog.rules.expressions import Expression, Ref, nodes
from snnprog.rules.ranges import Span, reach_of
from snnprog.simulate.layout import arriving_span
from snnprog.simulate.parameters import most_line_spikes, parameters_of
from snnprog.synapses import EXCITATORY, INHIBITORY

MOST_STATES = 20_000
"""States of a part that are explored to prove that an output spikes once: a second. A choice."""


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


def spikes_once(program: Program, neurons: Sequence[int]) -> bool:
    """Return whether neurons that drive wires are proved to spike at most once in a tick, for every input stream.

    Parameters
    ----------
    program : Program
        A part; its other neurons may be anything.
    neurons : sequence of int
        Outputs that drive wires: they are examined as neurons that are not read out.
    """
    if most_line_spikes(program) == 1:
        return True
    apart, chosen = _with_other_output(program), list(neurons)
    rule = apart.chip.rule
    spans = {name: Span.of(values) for name, values in parameters_of(apart).items()}
    reach = reach_of(rule, spans, arriving=arriving_span(apart))
    if reach.of(rule.fire, rule.fire.expression).high[chosen].max() <= 1:
        return True
    again = _Repeated(apart, chosen)
    sizes = {"n_inputs": program.n_inputs, "n_outputs": len(chosen)}
    watching = Watching(never(lambda _, spikes: any(spikes)).monitor(*sizes.values()), **sizes)
    exploration = Exploration(again, watching)
    exploration.explore(MOST_STATES)
    return exploration.is_closed


class _Repeated(ProgramTicks):
    """A program whose outputs are the second spikes of some neurons in a tick."""

    def __init__(self, program: Program, neurons: list[int]) -> None:
        super().__init__(program)
        self._neurons = neurons

    def outputs(self, spikes: Int64s) -> Raster:
        """Return which neurons spike more than once ``(states, neurons)``."""
        return spikes[:, self._neurons] > 1


def _with_other_output(program: Program) -> Program:
    """Return a program in which no neuron is read out but one more, which receives nothing."""
    names = (*NEURON_ARRAYS, READOUT)
    arrays: dict[str, Any] = {
        name: np.append(getattr(program, name), getattr(program, name)[program.outputs[0]]) for name in names
    }
    count = program.n_neurons
    return Program(
        chip=program.chip,
        n_inputs=program.n_inputs,
        n_neurons=count + 1,
        outputs=[count],
        synapses=program.synapses,
        **arrays,
    )


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
