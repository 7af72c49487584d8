"""Whether neurons spike at most once in a tick, for every input stream.

Intervals are tried first, then all states that the program can reach, if there are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from snnprog.arrays import Bytes, Int64s
from snnprog.automata import all_rows
from snnprog.exploration.ticking import ProgramTicks
from snnprog.program import NEURON_ARRAYS, SYNAPSE_ARRAYS, Program
from snnprog.program_file import READOUT
from snnprog.rules.interpreter import Interpreter
from snnprog.rules.ranges import Span, reach_of
from snnprog.simulate.layout import arriving_span
from snnprog.simulate.parameters import most_line_spikes, parameters_of

MOST_STATES = 20_000
"""States that are explored: seconds. A choice."""
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
    ticks = _Ticks(program)
    rows = np.array(all_rows(program.n_inputs), np.uint8)
    registers, history = ticks.rest()
    known = {registers.tobytes() + history.tobytes()}
    while len(history) and len(known) <= MOST_STATES:
        registers, spikes = ticks.tick(registers, history)
        if (spikes[:, neuron] > 1).any():
            return False
        fresh: list[tuple[Int64s, Bytes]] = []
        for row in rows:
            after = ticks.remembered(history, row=row, spikes=spikes)
            for state, past in zip(registers, after, strict=True):
                name = state.tobytes() + past.tobytes()
                if name not in known:
                    known.add(name)
                    fresh.append((state, past))
        if not fresh:
            return True
        registers, history = np.stack([each[0] for each in fresh]), np.stack([each[1] for each in fresh])
    return False


class _Ticks:
    """Advances many states of a program: registers ``(states, registers, neurons)``, and spikes under way by slot."""

    def __init__(self, program: Program) -> None:
        self._ticks = ticks = ProgramTicks(program)
        self._interpreter = Interpreter(ticks.rule, ticks.parameters)
        self._of_neuron = [
            Interpreter(ticks.rule, {name: values[neuron] for name, values in ticks.parameters.items()})
            for neuron in range(program.n_neurons)
        ]
        self._newest = np.flatnonzero(ticks.depth)

    def rest(self) -> tuple[Int64s, Bytes]:
        """Return the one state at rest."""
        shape = (1, len(self._ticks.rule.registers), self._ticks.program.n_neurons)
        return np.zeros(shape, np.int64), np.zeros((1, int(self._ticks.first[-1])), np.uint8)

    def tick(self, registers: Int64s, history: Bytes) -> tuple[Int64s, Int64s]:
        """Return the registers after a tick, and how often each neuron spikes ``(states, neurons)``."""
        rule = self._ticks.rule
        state = {name: registers[:, index] for index, name in enumerate(rule.registers)}
        gathered = state.get(rule.gather.target, np.zeros_like(registers[:, 0])).copy()
        synapses = self._ticks.synapses
        for slot, post, weight in zip(self._ticks.slots, synapses.post, synapses.effective_weight, strict=True):
            some = np.flatnonzero(history[:, slot])
            counts = history[some, slot].astype(np.int64)
            gathered[some, post] = self._of_neuron[post].gather(gathered[some, post], weight, counts)
        outcome = self._interpreter.tick(state, gathered)
        after = np.stack([np.broadcast_to(outcome.state[name], gathered.shape) for name in rule.registers], axis=1)
        return np.where(self._ticks.is_live, after, 0), outcome.spikes

    def remembered(self, history: Bytes, *, row: Bytes, spikes: Int64s) -> Bytes:
        """Return the spikes under way after a tick with these of the inputs and of the neurons."""
        after = np.empty_like(history)
        after[:, 1:] = history[:, :-1]
        sent = np.concatenate([np.broadcast_to(row, (len(history), len(row))), spikes.astype(np.uint8)], axis=1)
        after[:, self._ticks.first[self._newest]] = sent[:, self._newest]
        return after
