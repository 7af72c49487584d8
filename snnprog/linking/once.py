"""Whether neurons spike at most once in a tick, for every input stream.

Intervals are tried first, then all states that the program can reach, if there are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from snnprog.automata import never
from snnprog.exploration.advance import Watched
from snnprog.exploration.exact import Exploration
from snnprog.exploration.ticking import ProgramTicks
from snnprog.exploration.watching import Watching
from snnprog.program import NEURON_ARRAYS, SYNAPSE_ARRAYS, Program
from snnprog.program_file import READOUT
from snnprog.rules.ranges import Span, reach_of
from snnprog.simulate.layout import arriving_span
from snnprog.simulate.parameters import most_line_spikes, parameters_of

MOST_STATES = 20_000
"""States that are explored: less than a second. A choice."""
MOST_LINES = 8
"""Input lines of a program that is explored: each state is tried with every row of them. A choice."""


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
    return all(explored_once(*_feeding(apart, neuron)) for neuron in chosen)


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


def _feeding(program: Program, neuron: int) -> tuple[Program, int]:
    """Return the program of all that reaches a neuron, and of the neuron that is read out; and its index there."""
    wanted = np.zeros(program.n_inputs + program.n_neurons, np.bool_)
    wanted[[program.n_inputs + neuron, -1]] = True
    before = 0
    while before < int(wanted.sum()):
        before = int(wanted.sum())
        wanted[program.pre[wanted[program.n_inputs + program.post]]] = True
    kept = wanted[program.n_inputs + program.post]
    line = np.cumsum(wanted) - 1
    n_inputs, neurons = int(wanted[: program.n_inputs].sum()), wanted[program.n_inputs :]
    arrays: dict[str, Any] = {name: getattr(program, name)[neurons] for name in (*NEURON_ARRAYS, READOUT)}
    arrays |= {name: getattr(program, name)[kept] for name in SYNAPSE_ARRAYS}
    arrays["pre"], arrays["post"] = line[arrays["pre"]], line[program.n_inputs + arrays["post"]] - n_inputs
    count = int(neurons.sum())
    found = Program(chip=program.chip, n_inputs=n_inputs, n_neurons=count, outputs=[count - 1], **arrays)
    return found, int(line[program.n_inputs + neuron]) - n_inputs


def explored_once(program: Program, neuron: int) -> bool:
    """Return whether all states are known, and the neuron spikes at most once in each."""
    if program.n_inputs > MOST_LINES:
        return False
    monitor = never(lambda _, spikes: spikes[0]).monitor(program)
    watching = Watching(monitor, n_inputs=program.n_inputs, n_outputs=1)
    watched = Watched(np.array([neuron]), least=2)
    exploration = Exploration(ProgramTicks(program), watching, watched=watched)
    exploration.explore(MOST_STATES)
    return exploration.is_closed
