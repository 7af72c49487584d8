"""The fast simulator of Xylo's rule: `snnprog.simulate.shifts`, value for value, event-driven and compiled.

Spikes, states and excursions equal the reference's, whatever is clipped. Only the lines that have spiked are looked at;
patterns run on threads.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numba import njit

from snnprog.arrays import Bytes, Int32s, Int64s, Raster
from snnprog.chips import Chip, ShiftSemantics
from snnprog.program import Program
from snnprog.simulate.shifted_neuron import shifted_loss
from snnprog.trace import Excursion, Trace

QUANTITIES = ("current", "potential")
LOG_COLUMNS = 5
THREAD_WORK = 1 << 20
"""Neuron-ticks that are worth a second thread."""


class Wires(NamedTuple):
    """The synapses by line, then by neuron: those that leave line i are ``first[i]`` to ``first[i + 1]``."""

    first: Int64s
    post: Int64s
    weight: Int64s


class Cells(NamedTuple):
    """The neurons' parameters, each ``(neurons,)``; ``most`` is how often each may spike in a tick."""

    current_decay: Int64s
    potential_decay: Int64s
    threshold: Int64s
    bias: Int64s
    most: Int64s


class Record(NamedTuple):
    """What is taken down of a pattern: spike counts ``(ticks, neurons)``, states, and what was clipped first."""

    counts: Bytes
    currents: Int32s
    potentials: Int32s
    log: Int64s


def simulate_layers(
    program: Program, chip: Chip, semantics: ShiftSemantics, inputs: Sequence[Raster], *, state: bool
) -> list[Trace]:
    """Run a program on each input raster ``(ticks, inputs)``, each from rest; return one trace per raster."""
    wires, cells = _wires(program), _cells(program, semantics)

    def run(raster: Raster) -> Trace:
        record = _blank(len(raster), program.n_neurons, state)
        bits = semantics.current_bits, semantics.potential_bits
        clipped = _run(np.ascontiguousarray(raster), wires, cells, bits, record)
        return _trace(program, chip, record, clipped, state)

    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    work = sum(map(len, inputs)) * program.n_neurons
    threads = min(processors, len(inputs), 1 + work // THREAD_WORK)
    if threads < 2:
        return [run(raster) for raster in inputs]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, inputs))


def _wires(program: Program) -> Wires:
    order = np.lexsort((program.post, program.pre))
    counts = np.bincount(program.pre, minlength=program.n_inputs + program.n_neurons)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Wires(first, program.post[order].astype(np.int64), program.effective_weight()[order])


def _cells(program: Program, semantics: ShiftSemantics) -> Cells:
    most = np.full(program.n_neurons, semantics.most_hidden_spikes, np.int64)
    most[program.outputs] = semantics.most_readout_spikes
    return Cells(
        current_decay=program.current_decay.astype(np.int64),
        potential_decay=program.potential_decay.astype(np.int64),
        threshold=program.threshold.astype(np.int64),
        bias=program.bias.astype(np.int64),
        most=most,
    )


def _blank(ticks: int, neurons: int, state: bool) -> Record:
    states = np.zeros((2, ticks if state else 0, neurons), np.int32)
    counts = np.zeros((ticks, neurons), np.uint8)
    return Record(counts, states[0], states[1], np.zeros((neurons, LOG_COLUMNS), np.int64))


def _trace(program: Program, chip: Chip, record: Record, clipped: int, state: bool) -> Trace:
    limits = chip.current_limit, chip.potential_limit
    log = sorted(record.log[:clipped].tolist())
    return Trace(
        spikes=record.counts[:, program.outputs] > 0,
        currents=record.currents if state else None,
        potentials=record.potentials if state else None,
        excursions=tuple(
            Excursion(tick, neuron, QUANTITIES[quantity], value, limits[quantity])
            for tick, _, neuron, quantity, value in log
        ),
    )


@njit(cache=True, nogil=True)
def _run(raster: Raster, wires: Wires, cells: Cells, bits: tuple[int, int], record: Record) -> int:
    """Run a pattern; return how many rows the log has: tick, step within it, neuron, quantity and value."""
    ticks, n_inputs = raster.shape
    n_neurons = cells.bias.size
    low, high = -(1 << bits[0]), (1 << bits[0]) - 1
    lowest, highest = -(1 << bits[1]), (1 << bits[1]) - 1
    current, potential = np.zeros(n_neurons, np.int64), np.zeros(n_neurons, np.int64)
    is_noted, clipped = np.zeros(n_neurons, np.bool_), 0
    lines, times, active = np.zeros(n_inputs + n_neurons, np.int64), np.zeros(n_inputs + n_neurons, np.int64), 0
    for tick in range(ticks):
        for k in range(active):
            for synapse in range(wires.first[lines[k]], wires.first[lines[k] + 1]):
                neuron = wires.post[synapse]
                value = current[neuron] + times[k] * wires.weight[synapse]
                if not low < value <= high and not is_noted[neuron]:
                    is_noted[neuron] = True
                    record.log[clipped] = (tick, lines[k], neuron, 0, value)
                    clipped += 1
                current[neuron] = min(max(value, low), high)
        active = 0
        for line in range(n_inputs):
            if raster[tick, line]:
                lines[active], times[active] = line, 1
                active += 1
        for neuron in range(n_neurons):
            current[neuron] -= shifted_loss(current[neuron], cells.current_decay[neuron])
            value = -shifted_loss(potential[neuron], cells.potential_decay[neuron])
            value = lowest if value == -lowest else value
            step = n_inputs + n_neurons
            for part in (current[neuron], cells.bias[neuron], potential[neuron]):
                value += part
                if not lowest < value <= highest and not is_noted[neuron]:
                    is_noted[neuron] = True
                    record.log[clipped] = (tick, step, neuron, 1, value)
                    clipped += 1
                value = min(max(value, lowest), highest)
                step += 1
            count = min(max(value, 0) // cells.threshold[neuron], cells.most[neuron])
            potential[neuron] = value - count * cells.threshold[neuron]
            record.counts[tick, neuron] = count
            if count > 0:
                lines[active], times[active] = n_inputs + neuron, count
                active += 1
        if record.currents.shape[0]:
            record.currents[tick] = current
            record.potentials[tick] = potential
    return clipped
