"""The kernel of rules that gather event by event, or whose neurons spike several times in a tick: generated code.

Spikes, states and excursions equal those of the reference, with clipping. In a tick only lines that have spiked
within the longest delay are processed, in order; patterns run on threads. All registers have 64 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from snnprog.arrays import Bools, Bytes, Int64s, Raster
from snnprog.jit import entry_of
from snnprog.program import Program
from snnprog.rules.compiled import generated
from snnprog.rules.rule import COUNT, CURRENT, POTENTIAL, SPIKES, WEIGHT, Rule
from snnprog.rules.source import Writer, indented
from snnprog.simulate.arrivals import Synapses
from snnprog.simulate.memory import LOG_COLUMNS
from snnprog.simulate.parameters import parameters_of
from snnprog.simulate.threads import processors, side_by_side
from snnprog.trace import Excursion, Trace, as_states

THREAD_WORK = 1 << 20
"""Minimum number of neuron-ticks for a second thread."""

TEMPLATE = """

@compiled(nogil=True, error_model="numpy")
def run(raster, first_tick, wires, parameters, work, counts, states):
    kind = np.int64
    first, post, delay, weight, longest = wires
    registers, gathered, sent, last, noted, log = work
    ticks, n_inputs = raster.shape
    n_neurons, n_lines = gathered.size, first.size - 1
    if first_tick == 0:
        registers[:] = 0
        sent[:] = 0
        last[:] = -longest - 1
        noted[:] = False
    count = 0
    for at in range(ticks):
        tick = first_tick + at
{clear}
        for line in range(n_lines):
            if tick - last[line] > longest:
                continue
            for synapse in range(first[line], first[line + 1]):
                {times} = sent[(tick - delay[synapse]) % longest, line]
                if {times}:
                    neuron, {weight} = post[synapse], weight[synapse]
                    order = line * (longest + 1) + delay[synapse]
                    {target} = {gathered}
{gather}
                    {gathered} = {target}
        for neuron in range(n_neurons):
            order = n_lines * (longest + 1)
{load}
{steps}
{store}
            counts[at, neuron] = {spikes}
        for line in range(n_lines):
            {times} = kind(raster[at, line]) if line < n_inputs else counts[at, line - n_inputs]
            sent[tick % longest, line] = {times}
            if {times}:
                last[line] = tick
        if states.shape[1]:
{record}
    return count
"""


class _Work(NamedTuple):
    """The state between ticks.

    Attributes
    ----------
    registers : (registers, neurons) int64
    gathered : (neurons,) int64
        The input of a tick, if it is not a register.
    sent : (longest delay, lines) int64
        Number of spikes of each line in the latest ticks; the index of a tick is its number modulo the longest delay.
    last : (lines,) int64
        The tick in which each line spiked last.
    noted : (neurons,) bool
        Whether each has left the portable range.
    log : (neurons, LOG_COLUMNS) int64
        Tick, order within it, neuron, watch and value of each excursion.
    """

    registers: Int64s
    gathered: Int64s
    sent: Int64s
    last: Int64s
    noted: Bools
    log: Int64s


@dataclass(frozen=True, eq=False)
class EventNetwork:
    """A program in the form for generated code.

    Attributes
    ----------
    program : Program
    wires : tuple
        The first synapse of each line; neuron, delay and effective weight of each synapse; and the longest delay.
    parameters : (parameters and constants, neurons) int64
    """

    program: Program
    wires: tuple[Int64s, Int64s, Int64s, Int64s, int]
    parameters: Int64s

    @classmethod
    def of(cls, program: Program) -> EventNetwork:
        """Return the network of a program."""
        synapses, values = Synapses.of(program).widened.in_order(), parameters_of(program)
        first = np.searchsorted(synapses.pre, np.arange(program.n_inputs + program.n_neurons + 1))
        wires = first, synapses.post, synapses.delay, synapses.effective_weight, program.max_delay
        return cls(program, wires, np.array([values[name] for name in _parameter_names(program.chip.rule)], np.int64))


class EventStepper:
    """Runs one pattern event by event, in steps.

    Parameters
    ----------
    network : EventNetwork
    state : bool
        Whether currents and potentials are recorded.
    """

    def __init__(self, network: EventNetwork, *, state: bool) -> None:
        program = network.program
        self._network, self._state, self._rule = network, state, program.chip.rule
        neurons, lines = program.n_neurons, program.n_inputs + program.n_neurons
        self._work = _Work(
            registers=np.zeros((len(self._rule.registers), neurons), np.int64),
            gathered=np.zeros(neurons, np.int64),
            sent=np.zeros((program.max_delay, lines), np.int64),
            last=np.zeros(lines, np.int64),
            noted=np.zeros(neurons, np.bool_),
            log=np.zeros((neurons, LOG_COLUMNS), np.int64),
        )
        sample = np.zeros((1, program.n_inputs), np.uint8)
        self._code = entry_of(_runner(self._rule), self._arguments(sample, 0, *self._room(1)))

    def step(self, stimulus: Bytes, first_tick: int) -> Trace:
        """Continue with the spike counts ``(ticks, inputs)`` of a stimulus; from rest if ``first_tick`` is 0."""
        counts, states = self._room(len(stimulus))
        noted = self._code(*self._arguments(stimulus, first_tick, counts, states))
        return Trace(
            spikes=counts[:, self._network.program.outputs] > 0,
            currents=as_states(states[0]) if self._state else None,
            potentials=as_states(states[1]) if self._state else None,
            excursions=_excursions(self._rule, self._work.log[:noted]),
        )

    def _room(self, ticks: int) -> tuple[Int64s, Int64s]:
        neurons = self._network.program.n_neurons
        return np.zeros((ticks, neurons), np.int64), np.zeros((2, ticks if self._state else 0, neurons), np.int64)

    def _arguments(self, stimulus: Bytes, first_tick: int, counts: Int64s, states: Int64s) -> tuple[object, ...]:
        stimulus = stimulus.view()
        stimulus.flags.writeable = False  # a separate type to Numba: one is enough
        return stimulus, first_tick, self._network.wires, self._network.parameters, self._work, counts, states


def simulate_events(program: Program, inputs: Sequence[Raster], *, state: bool) -> list[Trace]:
    """Run a program on each input raster ``(ticks, inputs)``, each from rest; return one trace per raster."""
    network = EventNetwork.of(program)

    def run(raster: Raster) -> Trace:
        return EventStepper(network, state=state).step(np.ascontiguousarray(raster).view(np.uint8), 0)

    work = sum(map(len, inputs)) * program.n_neurons
    threads = min(processors(), len(inputs), 1 + work // THREAD_WORK)
    return side_by_side(run, inputs, threads=threads)


def _excursions(rule: Rule, log: Int64s) -> tuple[Excursion, ...]:
    found = []
    for tick, _, neuron, which, value in sorted(log.tolist()):
        watch = rule.watched[which]
        found.append(Excursion(tick, neuron, rule.step(watch.step).target, value, watch.limit))
    return tuple(found)


def _parameter_names(rule: Rule) -> list[str]:
    return [*(each.name for each in rule.parameters), *(each.name for each in rule.constants)]


@lru_cache(maxsize=64)
def _runner(rule: Rule) -> Callable[..., int]:
    runner: Callable[..., int] = generated(event_source(rule)).run
    return runner


def event_source(rule: Rule) -> str:
    """Return the code that runs a network event by event."""
    writer = Writer.of(rule)
    registers = {writer.name(name): index for index, name in enumerate(rule.registers)}
    parameters = {writer.name(name): index for index, name in enumerate(_parameter_names(rule))}
    target = writer.name(rule.gather.target)
    is_register = target in registers
    place = f"registers[{registers[target]}, neuron]" if is_register else "gathered[neuron]"
    gather, steps = writer.step(rule.gather), writer.steps(rule.steps)
    looks: dict[bool, list[str]] = {True: [], False: []}
    for index, watch in enumerate(rule.watched):
        for number, variable in enumerate(writer.watches[watch.step]):
            looks[watch.step == rule.gather.name] += [
                f"if abs({variable}) >= {watch.limit} and not noted[neuron]:",
                "    noted[neuron] = True",
                f"    log[count] = (tick, order + {number}, neuron, {index}, {variable})",
                "    count += 1",
            ]
    loads = [f"{name} = registers[{index}, neuron]" for name, index in registers.items()]
    loads += [f"{name} = parameters[{index}, neuron]" for name, index in parameters.items()]
    recorded = {0: CURRENT, 1: POTENTIAL}
    gather_loads = [f"{name} = parameters[{index}, neuron]" for name, index in parameters.items()]
    return TEMPLATE.format(
        clear=indented(["pass" if is_register else "gathered[:] = 0"], 2),
        times=writer.name(COUNT),
        weight=writer.name(WEIGHT),
        target=target,
        gathered=place,
        gather=indented(gather_loads + gather + looks[True], 5),
        load=indented(loads + ([] if is_register else [f"{target} = gathered[neuron]"]), 3),
        steps=indented(steps + looks[False], 3),
        store=indented([f"registers[{index}, neuron] = {name}" for name, index in registers.items()], 3),
        spikes=writer.name(SPIKES),
        record=indented(
            [
                f"states[{row}, at] = registers[{registers[writer.name(name)]}]"
                for row, name in recorded.items()
                if name in rule.registers
            ],
            3,
        ),
    )
