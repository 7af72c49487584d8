"""Read potentials from the recorded states of a run, for outputs that are read by their potential.

Such an output never spikes. An integrator without a leak has no bound that holds for every input, so every run is
checked: if the output spikes, its potential reached the threshold and was reset, the recorded potentials are wrong, and
an error is raised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from snnprog.errors import LimitError
from snnprog.program import Program
from snnprog.trace import Trace


def reads_potentials(program: Program) -> bool:
    """Return whether any output is read by its potential."""
    return bool(program.is_read_by_potential.any())


def read_out(program: Program, traces: Sequence[Trace], *, state: bool, first: int = 0) -> tuple[Trace, ...]:
    """Return traces with their readouts.

    Parameters
    ----------
    traces : sequence of Trace
        With states, where any output is read by its potential.
    state : bool
        Whether the states are kept, too.
    first : int
        The number of the first of these patterns, for messages.

    Raises
    ------
    LimitError
        If an output that is read by its potential has spiked.
    """
    if not reads_potentials(program):
        return tuple(traces)
    return tuple(_read_out(program, trace, pattern, state=state) for pattern, trace in enumerate(traces, first))


def _read_out(program: Program, trace: Trace, pattern: int, *, state: bool) -> Trace:
    assert trace.potentials is not None, "states are recorded"
    is_read = program.is_read_by_potential
    wrong = np.argwhere(trace.spikes & is_read)
    if wrong.size:
        tick, output = wrong[0].tolist()
        raise LimitError(
            f"the potential of output {output} (neuron {program.outputs[output]})",
            f"at its threshold at tick {tick} of pattern {pattern}",
            "less, because it is read by its potential",
            "lower the weights, their exponents or the bias of that neuron",
        )
    readout = np.where(is_read, trace.potentials[:, program.outputs], 0).astype(trace.potentials.dtype)
    kept = trace if state else replace(trace, currents=None, potentials=None)
    return replace(kept, readout=readout)
