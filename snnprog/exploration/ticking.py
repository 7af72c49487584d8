"""One tick of a program for many states at once.

A state is all that the next ticks depend on: the registers of the neurons, and how often each line spiked in the ticks
whose spikes are still in progress. Registers that the next tick does not depend on are 0 in it, so that states differ
only where their futures can.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from snnprog.arrays import Bools, Bytes, Int64s, Raster
from snnprog.program import Program
from snnprog.rules.expressions import Expression, Ref, children
from snnprog.rules.interpreter import Interpreter
from snnprog.rules.ranges import FAR, SPANS, Span, reach_of
from snnprog.rules.rule import SPIKES, Rule
from snnprog.simulate.arrivals import Synapses
from snnprog.simulate.layout import NARROW_LIMIT, arriving_span, lean_rule
from snnprog.simulate.parameters import parameters_of

EXACT_SUM = 1 << 53
"""Sums of float64 are exact below it, and products of matrices of float64 are quick."""


@dataclass(frozen=True, eq=False)
class States:
    """Some states of a program, side by side.

    Attributes
    ----------
    registers : (states, registers, neurons) int64
    history : (states, slots) uint8
        How often each line spiked, by slot: lines in order, and for each line 1, 2, … ticks ago.
    """

    registers: Int64s
    history: Bytes

    def __len__(self) -> int:
        return len(self.history)

    def chosen(self, which: Int64s) -> States:
        """Return some of the states."""
        return States(self.registers[which], self.history[which])


class ProgramTicks:
    """A program, to be advanced from many states at once.

    Parameters
    ----------
    program : Program
    memory : int
        The least number of ticks for which states remember the spikes of every line that matters; more than the
        delays ask for where states are merged (see `snnprog.exploration.merging`).

    Attributes
    ----------
    rule : Rule
        The rule without what never matters to this program.
    interpreter : Interpreter
        The rule with the program's parameters.
    is_live : (registers, neurons) bool
        Where the next tick depends on the register.
    is_narrow : bool
        Whether 32 bits hold every register.
    most_spikes : int
        The most spikes of a neuron in one tick.
    """

    def __init__(self, program: Program, *, memory: int = 0) -> None:
        self.program, self.rule = program, lean_rule(program)
        names = {each.name for each in self.rule.parameters} | {each.name for each in self.rule.constants}
        self.parameters = {name: values for name, values in parameters_of(program).items() if name in names}
        self.interpreter = Interpreter(self.rule, self.parameters)
        spans = {name: Span.of(values) for name, values in self.parameters.items()}
        reach = reach_of(self.rule, spans, arriving=arriving_span(program))
        self.is_live = live_registers(self.rule, self.parameters, reach=reach.registers, neurons=program.n_neurons)
        self.is_narrow = all(span.magnitude < NARROW_LIMIT for span in reach.registers.values())
        self.most_spikes = max(1, reach.of(self.rule.fire, self.rule.fire.expression).greatest)
        synapses = Synapses.of(program).in_order()
        n_lines = program.n_inputs + program.n_neurons
        self.depth = np.zeros(n_lines, np.int64)
        np.maximum.at(self.depth, synapses.pre, synapses.delay)
        if memory:
            self.depth[self.depth > 0] = np.maximum(self.depth[self.depth > 0], memory)
            self.depth[program.n_inputs :] = np.maximum(self.depth[program.n_inputs :], memory)
        self.first = np.concatenate([[0], np.cumsum(self.depth)])
        self._synapses, self._slots = synapses, self.first[synapses.pre] + synapses.delay - 1
        self._weights = self._matrix(synapses, self._slots) if self.rule.is_sum else None
        self._newest = np.flatnonzero(self.depth)

    def _matrix(self, synapses: Synapses, slots: Int64s) -> np.ndarray[tuple[int, int], np.dtype[np.float64]] | None:
        """Return what a spike of each slot adds to each neuron; None where float64 might round the sums."""
        if np.abs(synapses.effective_weight.astype(np.float64)).sum() * 255 >= EXACT_SUM:
            return None
        matrix = np.zeros((self.first[-1], self.program.n_neurons))
        np.add.at(matrix, (slots, synapses.post), synapses.effective_weight)
        return matrix

    def rest(self) -> States:
        """Return the one state at rest."""
        shape = (1, len(self.rule.registers), self.program.n_neurons)
        return States(np.zeros(shape, np.int64), np.zeros((1, int(self.first[-1])), np.uint8))

    def named(self, registers: Int64s) -> dict[str, Int64s]:
        """Return registers by name, each ``(states, neurons)``."""
        return {name: registers[:, index] for index, name in enumerate(self.rule.registers)}

    def arriving(self, states: States) -> Int64s:
        """Return the gathering's target ``(states, neurons)`` after the arrivals of a tick."""
        target = self.rule.gather.target
        shape = (len(states), self.program.n_neurons)
        gathered = self.named(states.registers).get(target, np.zeros(shape, np.int64))
        if self._weights is not None:
            return gathered + (states.history @ self._weights).astype(np.int64)
        gathered = gathered.copy()
        weights = self._synapses.effective_weight
        for synapse, (slot, post) in enumerate(zip(self._slots, self._synapses.post, strict=True)):
            rows = np.flatnonzero(states.history[:, slot])
            if rows.size:
                counts = states.history[rows, slot].astype(np.int64)
                gather = self._interpreter_of(int(post)).gather
                gathered[rows, post] = gather(gathered[rows, post], weights[synapse], counts)
        return gathered

    @cache  # noqa: B019 - lives as long as the proof
    def _interpreter_of(self, neuron: int) -> Interpreter:
        """Return the rule with the parameters of one neuron."""
        return Interpreter(self.rule, {name: values[neuron] for name, values in self.parameters.items()})

    def tick(self, states: States) -> tuple[Int64s, Int64s]:
        """Return the registers after a tick, and how often each neuron spikes ``(states, neurons)``."""
        outcome = self.interpreter.tick(self.named(states.registers), self.arriving(states))
        shape = outcome.spikes.shape
        registers = np.stack([np.broadcast_to(outcome.state[name], shape) for name in self.rule.registers], axis=1)
        return np.where(self.is_live, registers, 0), outcome.spikes

    def outputs(self, spikes: Int64s) -> Raster:
        """Return which outputs spike ``(states, outputs)``."""
        return spikes[:, self.program.outputs] > 0

    def remembered(self, history: Bytes, *, rows: Bytes, spikes: Int64s) -> Bytes:
        """Return the history after a tick in which lines spiked: inputs as in ``rows``, neurons as in ``spikes``."""
        after = np.empty_like(history)
        after[:, 1:] = history[:, :-1]
        sent = np.concatenate([rows, spikes.astype(np.uint8)], axis=1)
        after[:, self.first[self._newest]] = sent[:, self._newest]
        return after


def live_registers(rule: Rule, parameters: dict[str, Int64s], *, reach: Mapping[str, Span], neurons: int) -> Bools:
    """Return where the next tick depends on a register, ``(registers, neurons)``.

    A decay that leaves nothing of a register, say, makes the next tick independent of it. Each part of a step is
    calculated on spans: registers have any value that they can reach, parameters their own, everything else any at all.
    A part that has one value all the same depends on nothing.
    """
    return np.array([_Liveness(rule, parameters, reach, neurons).of(register) for register in rule.registers], np.bool_)


class _Liveness:
    """Follows through a tick what depends on one register."""

    def __init__(self, rule: Rule, parameters: dict[str, Int64s], reach: Mapping[str, Span], neurons: int) -> None:
        self.rule, self.neurons = rule, neurons
        self.anything = Span(np.full(neurons, -FAR), np.full(neurons, FAR))
        self.start = {name: Span.of(values) for name, values in parameters.items()} | dict(reach)

    def of(self, register: str) -> Bools:
        """Return for which neurons the state after a tick, or its spikes, depend on a register before it."""
        spans = dict(self.start)
        dependent: dict[str, Bools] = {register: np.ones(self.neurons, np.bool_)}
        for step in self.rule.all_steps:
            dependent[step.target] = self._depends(step.expression, spans, dependent)
            spans.pop(step.target, None)
        found: Bools = np.zeros(self.neurons, np.bool_)
        for name in (*self.rule.registers, SPIKES):
            found = found | dependent.get(name, False)
        return found

    def _depends(self, node: Expression, spans: Mapping[str, Span], dependent: Mapping[str, Bools]) -> Bools:
        if isinstance(node, Ref):
            return dependent.get(node.name, np.zeros(self.neurons, np.bool_))
        span = self._span(node, spans)
        found: Bools = np.zeros(self.neurons, np.bool_)
        for child in children(node):
            found = found | self._depends(child, spans, dependent)
        is_open: Bools = np.broadcast_to(span.low != span.high, (self.neurons,))
        return found & is_open

    def _span(self, node: Expression, spans: Mapping[str, Span]) -> Span:
        if isinstance(node, Ref):
            return spans.get(node.name, self.anything)
        return SPANS[type(node)](node, *(self._span(child, spans) for child in children(node)))
