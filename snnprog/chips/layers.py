"""Chips with two layers: hidden neurons, and readout neurons that feed no other neuron."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from snnprog.arrays import Bools, Int32s
from snnprog.calls import call_checked
from snnprog.errors import LimitError, SpecError
from snnprog.rules.typed import convert_fields


@call_checked
@dataclass(frozen=True, eq=False)
class Wiring:
    """The connections of a program: lines are inputs, then neurons; synapses lead from lines to neurons.

    Attributes
    ----------
    n_inputs, n_neurons : int
    outputs : (outputs,) int
        The neurons that are read out.
    pre, post, exponent : (synapses,) int
        Line, neuron and weight exponent of each synapse.
    """

    n_inputs: int
    n_neurons: int
    outputs: Int32s
    pre: Int32s
    post: Int32s
    exponent: Int32s

    @property
    def n_lines(self) -> int:
        """Number of lines."""
        return self.n_inputs + self.n_neurons


@call_checked
@dataclass(frozen=True)
class Layers:
    """The limits of a chip with one hidden and one readout layer.

    Each layer has one exponent for all weights into it. There is at most one synapse from one neuron to another. An
    input line is implemented by a hidden neuron that repeats it, which takes one more synapse.

    Attributes
    ----------
    most_inputs, most_hidden, most_outputs : int
        Channels and neurons; input lines count as hidden neurons, too.
    most_fan_out : int
        Hidden neurons that one line may feed.

    Raises
    ------
    SpecError
        If one of them is less than 1.
    """

    most_inputs: int
    most_hidden: int
    most_outputs: int
    most_fan_out: int

    def __post_init__(self) -> None:
        convert_fields(self, "the layers")
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise SpecError(f"{field.name} of the layers must be 1 or more, got {getattr(self, field.name)}")

    def check_wiring(self, wiring: Wiring, chip: str) -> None:
        """Raise `LimitError` unless the program fits, and the layers allow every synapse."""
        for item, found, most in (
            ("inputs", wiring.n_inputs, self.most_inputs),
            ("inputs and hidden neurons", wiring.n_lines - len(wiring.outputs), self.most_hidden),
            ("outputs", len(wiring.outputs), self.most_outputs),
        ):
            _check_most(item, found, most=most, chip=chip)
        is_output = np.zeros(wiring.n_lines, dtype=np.bool_)
        is_output[wiring.n_inputs + wiring.outputs] = True
        for synapse in np.flatnonzero(is_output[wiring.pre]).tolist():
            neuron = int(wiring.pre[synapse]) - wiring.n_inputs
            item, hint = (
                f"pre of synapse {synapse}",
                "outputs cannot feed neurons; read out a neuron that repeats it",
            )
            raise LimitError(item, f"neuron {neuron}, an output", f"an input or a hidden neuron on {chip}", hint)
        to_readout = is_output[wiring.n_inputs + wiring.post]
        for layer, chosen in (("hidden", ~to_readout), ("readout", to_readout)):
            shifts = np.unique(wiring.exponent[chosen]).tolist()
            if len(shifts) > 1:
                raise LimitError(f"exponents into the {layer} layer", shifts, f"equal on {chip}")
        self._check_synapses(wiring, ~to_readout, chip=chip)

    def _check_synapses(self, wiring: Wiring, is_hidden: Bools, *, chip: str) -> None:
        pairs, counts = np.unique(np.stack([wiring.pre, wiring.post]), axis=1, return_counts=True)
        if counts.max(initial=1) > 1:
            line, neuron = pairs[:, int(np.argmax(counts))].tolist()
            _check_most(f"synapses from line {line} to neuron {neuron}", int(counts.max()), most=1, chip=chip)
        fan_out = np.bincount(wiring.pre[is_hidden], minlength=wiring.n_inputs + 1)
        fan_out[: wiring.n_inputs] += 1  # the synapse that makes it a repeater
        _check_most(f"fan-out of line {int(np.argmax(fan_out))}", int(fan_out.max()), most=self.most_fan_out, chip=chip)


def _check_most(item: str, found: int, *, most: int, chip: str) -> None:
    if found > most:
        raise LimitError(item, found, f"0 to {most} on {chip}")
