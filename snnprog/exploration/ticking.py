"""What the states of a program are made of.

A state is all that the next ticks depend on: the registers of the neurons, and how often each line spiked in the ticks
whose spikes are still in progress. Registers that the next tick does not depend on are 0 in it, so that states differ
only where their futures can.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from snnprog.arrays import Bools, Int64s
from snnprog.program import Program
from snnprog.rules.expressions import Expression, Ref, children
from snnprog.rules.ranges import FAR, SPANS, Span, reach_of
from snnprog.rules.rule import SPIKES, Rule
from snnprog.simulate.arrivals import Synapses
from snnprog.simulate.layout import NARROW_LIMIT, arriving_span, lean_rule
from snnprog.simulate.parameters import parameters_of


class ProgramTicks:
    """A program with what its states hold.

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
    parameters : mapping of str to (neurons,) int64
        What the rule reads of them, constants included.
    synapses : Synapses
        In the order in which they act.
    slots : (synapses,) int64
        The slot of the history that each synapse reads: lines in order, and for each line 1, 2, … ticks ago.
    depth, first : (lines,) and (lines + 1,) int64
        How many slots each line has, and its first one.
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
        self.synapses, self.slots = synapses, self.first[synapses.pre] + synapses.delay - 1


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
