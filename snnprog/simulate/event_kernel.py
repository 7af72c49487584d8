"""The kernel of rules that gather event by event, or whose neurons spike several times in a tick: generated code.

Spikes, states and excursions equal the reference's, whatever is held. In a tick only lines that have spiked within the
longest delay are looked at, in order; patterns run on threads. All registers have 64 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from snnprog.arrays import Int64s, Raster
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
"""Neuron-ticks that are worth a second thread."""

TEMPLATE = """

@compiled(nogil=True, error_model="numpy")
def run(raster, first, post, delay, weight, longest, parameters, registers, gathered, counts, states, log):
    kind = np.int64
    ticks, n_inputs = raster.shape
    n_neurons, n_lines = gathered.size, first.size - 1
    sent = np.zeros((longest, n_lines), np.int64)
    last = np.full(n_lines, -longest - 1)
    noted = np.zeros(n_neurons, np.bool_)
    count = 0
    for tick in range(ticks):
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
            counts[tick, neuron] = {spikes}
        for line in range(n_lines):
            {times} = kind(raster[tick, line]) if line < n_inputs else counts[tick, line - n_inputs]
            sent[tick % longest, line] = {times}
            if {times}:
                last[line] = tick
        if states.shape[1]:
{record}
    return count
"""


def simulate_events(program: Program, inputs: Sequence[Raster], *, state: bool) -> list[Trace]:
    """Run a program on each input raster ``(ticks, inputs)``, each from rest; return one trace per raster."""
    rule, synapses = program.chip.rule, Synapses.of(program).in_order()
    first = np.searchsorted(synapses.pre, np.arange(program.n_inputs + program.n_neurons + 1))
    wires = first, synapses.post, synapses.delay, synapses.effective_weight, program.max_delay
    values = parameters_of(program)
    parameters = np.array([values[name] for name in _parameter_names(rule)], np.int64)

    def run(raster: Raster) -> Trace:
        counts = np.zeros((len(raster), program.n_neurons), np.int64)
        states = np.zeros((2, len(raster) if state else 0, program.n_neurons), np.int64)
        room = np.zeros((len(rule.registers), program.n_neurons), np.int64), np.zeros(program.n_neurons, np.int64)
        log = np.zeros((program.n_neurons, LOG_COLUMNS), np.int64)
        noted = _runner(rule)(np.ascontiguousarray(raster), *wires, parameters, *room, counts, states, log)
        return Trace(
            spikes=counts[:, program.outputs] > 0,
            currents=as_states(states[0]) if state else None,
            potentials=as_states(states[1]) if state else None,
            excursions=_excursions(rule, log[:noted]),
        )

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
                f"states[{row}, tick] = registers[{registers[writer.name(name)]}]"
                for row, name in recorded.items()
                if name in rule.registers
            ],
            3,
        ),
    )
