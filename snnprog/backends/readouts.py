"""Read potentials from the recorded states of a run, for outputs that are read by their potential.

Such an output never spikes. An integrator without a leak has no bound for all inputs, so every run is
checked: if the output spikes, its potential reached the threshold and was reset, the recorded potentials are wrong, and
an error is raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from snnprog.errors import LimitError
from snnprog.names import Names, labelled
from snnprog.program import Program
from snnprog.trace import Trace


def reads_potentials(program: Program) -> bool:
    """Return whether any output is read by its potential."""
    return bool(program.is_read_by_potential.any())


def read_out(program: Program, traces: Sequence[Trace], *, state: bool, first: int = 0) -> tuple[Trace, ...]:
    """Return traces with their readouts, and with the names of the program's neurons.

    Parameters
    ----------
    traces : sequence of Trace
        With states, if any output is read by its potential.
    state : bool
        Whether the traces keep their states.
    first : int
        The number of the first of these patterns, for messages.

    Raises
    ------
    LimitError
        If an output that is read by its potential has spiked.
    """
    if reads_potentials(program):
        readouts = Readouts(program, state=state)
        traces = [readouts.read(trace, pattern=pattern) for pattern, trace in enumerate(traces, first)]
    return tuple(with_names(traces, program.output_names, program.neuron_names))


def with_names(traces: Iterable[Trace], output_names: Names | None, neuron_names: Names | None) -> list[Trace]:
    """Return traces with the names of their program's outputs and neurons."""
    if neuron_names is None:
        return list(traces)
    return [replace(trace, output_names=output_names, neuron_names=neuron_names) for trace in traces]


class Readouts:
    """The outputs of a program that are read by their potential.

    Parameters
    ----------
    program : Program
    state : bool
        Whether traces keep their states.
    """

    def __init__(self, program: Program, *, state: bool) -> None:
        self._outputs, self._is_read, self._state = program.outputs, program.is_read_by_potential, state
        self._names = program.output_names

    def read(self, trace: Trace, *, pattern: int | None = None, first_tick: int = 0) -> Trace:
        """Return a trace with its readout.

        Parameters
        ----------
        trace : Trace
            With its states.
        pattern, first_tick : int
            The pattern and the first tick of the trace, for messages.

        Raises
        ------
        LimitError
            If an output that is read by its potential has spiked.
        """
        assert trace.potentials is not None, "states are recorded"
        if (trace.spikes & self._is_read).any():
            tick, output = np.argwhere(trace.spikes & self._is_read)[0].tolist()
            raise LimitError(
                f"the potential of {labelled('output', output, self._names)} (neuron {self._outputs[output]})",
                f"the threshold at tick {first_tick + tick}{'' if pattern is None else f' of pattern {pattern}'}",
                "below its threshold, because the output is read by its potential",
                "lower the weights, their exponents or the bias of that neuron",
            )
        readout = np.where(self._is_read, trace.potentials[:, self._outputs], 0).astype(trace.potentials.dtype)
        kept = trace if self._state else replace(trace, currents=None, potentials=None)
        return replace(kept, readout=readout)
