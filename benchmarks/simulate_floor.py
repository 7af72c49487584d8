"""The floor under the kernel: what the networks of `simulate.py` cost at least, as a hand-written loop on this machine.

The loop updates every neuron once per tick, with its constants as numbers and nothing watched or scanned, writes its
spike, and adds the weights of the synapses that carried a spike, each of which it finds in a list made in advance. It
gives the kernel's spikes, or the floor is refused. What it leaves out is what a simulator needs beyond arithmetic:
finding out who spiked, parameters of single neurons, patterns, states and excursions.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np

import snnprog as sp
from snnprog.arrays import Bytes, Int64s, Integers, Raster, UInt64s
from snnprog.jit import njit
from snnprog.simulate.layout import Layout
from snnprog.simulate.loops import (
    FOUR,
    ONE,
    THREE,
    TWO,
    ZERO,
    Count,
    UInt32s,
    add_four,
    add_one,
    add_words,
    move_to_front,
)
from snnprog.simulate.memory import Shape, Wires

DECAY_BITS, POTENTIAL_BITS = 12, 6
"""Of the Loihi rule: a decay is in 4096ths, and arrivals and thresholds count 64 units of the potential."""


@dataclass(frozen=True, eq=False)
class Known:
    """What is known in advance: which rows and which chunks of synapses act in a tick.

    Attributes
    ----------
    first_row, first_chunk : (ticks + 1,) uint64
        The first entry of each tick.
    rows : (entries,) uint64
    chunks : (entries,) uint32
    """

    first_row: UInt64s
    rows: UInt64s
    first_chunk: UInt64s
    chunks: UInt32s

    @classmethod
    def of(cls, layout: Layout, raster: Raster, spikes: Raster) -> Known:
        """Return it for a run."""
        tick, line = np.nonzero(np.concatenate([raster, spikes], axis=1))
        wires = layout.wires
        first_row, rows = _ranges(tick, line, wires.row_first.astype(np.int64), len(raster))
        first_chunk, chunks = _ranges(tick, line, wires.chunk_first.astype(np.int64), len(raster))
        return cls(first_row, rows, first_chunk, chunks.astype(np.uint32))


def _ranges(tick: Int64s, line: Int64s, first: Int64s, ticks: int) -> tuple[UInt64s, UInt64s]:
    """Return the first entry of each tick, and all numbers of the lines' ranges."""
    counts = first[line + 1] - first[line]
    ends = np.cumsum(counts)
    entries = np.arange(counts.sum()) + np.repeat(first[line] - (ends - counts), counts)
    per_tick = np.bincount(tick, weights=counts, minlength=ticks).astype(np.int64)
    return np.concatenate([[0], np.cumsum(per_tick)]).astype(np.uint64), entries.astype(np.uint64)


def floor_seconds(layout: Layout, program: sp.Program, raster: Raster, spikes: Raster, *, repeats: int) -> float:
    """Return the least seconds of processor time that the loop takes for a run.

    Raises
    ------
    ValueError
        If its spikes are not those given.
    """
    known, shape = Known.of(layout, raster, spikes), layout.shape
    found = np.zeros(spikes.size, np.uint8)
    keep = (1 << DECAY_BITS) - int(program.potential_decay[0])
    limit, unit = int(program.threshold[0]) << POTENTIAL_BITS, shape.unit << POTENTIAL_BITS
    numbers = np.array([keep, limit, unit, program.n_neurons], np.int32)
    sizes = Shape(*(np.uint64(number) for number in shape))  # type: ignore[arg-type]  # as in the kernel
    seconds = []
    for _ in range(repeats):
        potential = np.zeros(shape.padded, np.int32)
        queue = np.zeros((shape.period + shape.slots) * shape.padded, layout.arrivals)
        events = known.first_row, known.rows, known.first_chunk, known.chunks
        start = time.thread_time()
        _run(potential, queue, found, events, layout.wires, numbers, sizes)
        seconds.append(time.thread_time() - start)
    if not np.array_equal(found.view(np.bool_), spikes.reshape(-1)):
        raise ValueError("the floor's loop must give the kernel's spikes")
    return min(seconds[1:])


Function = TypeVar("Function", bound=Callable[..., object])


def minimal(function: Function) -> Function:
    """Compile a function, with the kernel's options."""
    return cast("Function", njit(nogil=True, _nrt=False, error_model="numpy")(function))


@minimal
def _update(potential: Integers, queue: Integers, found: Bytes, first: Count, at: Count, numbers: Integers) -> None:
    keep, limit, unit = numbers[0], numbers[1], numbers[2]
    for i in range(np.uint64(numbers[3])):
        value = potential[i]
        more = np.int32(4095) if value < 0 else np.int32(0)
        low = np.int32(np.int32(np.int32((value & np.int32(4095)) * keep) + more) >> np.int32(DECAY_BITS))
        value = np.int32(np.int32(np.int32(value >> np.int32(DECAY_BITS)) * keep) + low)
        value = np.int32(value + np.int32(queue[first + i] * unit))
        queue[first + i] = 0
        is_over = value > limit
        potential[i] = np.int32(0) if is_over else value
        found[at + i] = is_over


@minimal
def _add(queue: Integers, slot: Count, due: UInt64s, wires: Wires, padded: Count) -> None:
    """Add rows, four at a time: in these networks, all have one delay."""
    i, n_due = ZERO, np.uint64(due.size)
    while i < n_due:
        target = (slot + wires.row_delay[due[i]]) * padded
        if i + THREE < n_due:
            four = due[i] * padded, due[i + ONE] * padded, due[i + TWO] * padded, due[i + THREE] * padded
            add_four(queue, target, wires.rows, four, padded)
            i += FOUR
        else:
            add_one(queue, target, wires.rows, due[i] * padded, padded)
            i += ONE


@minimal
def _run(
    potential: Integers,
    queue: Integers,
    found: Bytes,
    known: tuple[UInt64s, UInt64s, UInt64s, UInt32s],
    wires: Wires,
    numbers: Integers,
    shape: Shape,
) -> None:
    first_row, rows, first_chunk, chunks = known
    slot = ZERO
    for tick in range(np.uint64(first_row.size - 1)):
        _update(potential, queue, found, slot * shape.padded, tick * shape.n_neurons, numbers)
        _add(queue, slot, rows[first_row[tick] : first_row[tick + ONE]], wires, shape.padded)
        acting = chunks[first_chunk[tick] : first_chunk[tick + ONE]]
        base = (slot + ONE) * shape.padded
        add_words(queue, acting, np.uint64(acting.size), wires.listed, wires.weight, base, shape.weight_bits)
        slot += ONE
        if slot == shape.period:
            move_to_front(queue, shape)
            slot = ZERO
