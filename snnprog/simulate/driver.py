"""The kernel's loop over patterns and ticks, compiled once for all rules: it calls a rule's tick by its address."""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Bytes, Int64s, Integers, UInt64s
from snnprog.jit import called, compiled
from snnprog.simulate.loops import (
    ONE,
    ZERO,
    Count,
    begin,
    deliver,
    hear,
    inlined,
    kept,
    listen,
    move_to_front,
    note,
    record_spikes,
    record_state,
    silent_ticks,
)
from snnprog.simulate.memory import LANES, Shape, Wires, Workspace


@inlined
def integrate(work: Workspace, first: Count, blocks: tuple[Count, Count], shape: Shape, code: np.uint64) -> Count:
    """Advance blocks of neurons by one tick, until one leaves the portable range; return its number, or the last + 1.

    It reads and clears the queue from its slot's first index on, and writes ``marks``, ``seen`` and the cells.
    """
    block, last = blocks
    unit = work.cells.dtype.type(shape.unit)
    return called(code, work.cells, work.queue, work.marks, work.seen, first, block, last, unit)


@kept
def moving_cell(work: Workspace, first: Count, shape: Shape, code: np.uint64) -> Count:
    """Return a cell that a tick without arrivals would change, or their number if it would change nothing.

    A spike or an excursion counts as a change of its block's first cell. Each block is advanced, and put back once a
    cell has changed.
    """
    lanes = np.uint64(LANES)
    size = lanes * shape.fields
    for block in range(shape.padded // lanes):
        begin = block * size
        for i in range(size):
            work.kept[i] = work.cells[begin + i]
        moved = integrate(work, first, (block, block + ONE), shape, code) == block
        if work.marks[block] != np.uint32(0):
            moved = True
        at = ZERO
        while at < size and work.cells[begin + at] == work.kept[at]:
            at += ONE
        if moved or at < size:
            for i in range(size):
                work.cells[begin + i] = work.kept[i]
            return begin + at % size
    return np.uint64(work.cells.size)


@compiled(nogil=True, _nrt=False)
def run_patterns(
    raster: Bytes,
    ends: Int64s,
    first_tick: int,
    layout: tuple[Integers, UInt64s, UInt64s, Int64s, Wires, Shape, tuple[np.uint64, np.uint64, np.uint64]],
    work: Workspace,
    spikes: Bytes,
    currents: Integers,
    potentials: Integers,
) -> int:
    """Run patterns; fill their part of spikes and states; return how many excursions the log holds.

    Each starts from rest, but the first one may continue from ``work``: a run in pieces equals the whole run.

    Once no spike is on its way and a tick would change nothing, no tick does until an input spikes: those in between
    are recorded and skipped. To try this takes as long as a tick, so it is tried only if a cell that moved when it was
    tried last has stopped.

    Parameters
    ----------
    raster : (ticks of all patterns * inputs,) uint8
    ends : (patterns,) int64
        The tick after each pattern's last.
    first_tick : int
        The tick at which the first pattern continues; 0 to start from rest.
    layout
        Cells at rest, outputs, the fields that are recorded (none, or current and potential), the limit of each watch,
        wires, shape, and the addresses of the rule's ticks with the lines of the leaner one (`snnprog.simulate.ticks`).
    work : Workspace
    spikes : (ticks * outputs,) uint8
    currents, potentials : (ticks * neurons,) int32 or int64
        Empty if they are not recorded.
    """
    rest, outputs, recorded, watches, wires, shape, (any_code, calm_code, calm_lines) = layout
    cells, queue = work.cells, work.queue
    count = int(np.int64(0))  # a literal 0 would be a type of its own
    blocks = shape.padded // np.uint64(LANES)
    witness: Count = ZERO
    inputs = shape.n_inputs
    for pattern in range(ends.size):
        start = np.uint64(ends[pattern - 1]) if pattern else ZERO
        past = ZERO if pattern else np.uint64(first_tick)
        if past == ZERO:
            begin(work, rest)
        code = calm_code if work.calm[0] else any_code
        slot, tick, ticks = past % shape.period, ZERO, np.uint64(ends[pattern]) - start
        pending = past + shape.slots  # the last tick in which spikes may arrive; those before the first one, too
        while tick < ticks:
            # Between the delivery of a tick's spikes and their reading in the next: a read would wait for the writes.
            at = start + tick
            n_words, n_lines = listen(raster, at * inputs, work, shape)
            before = cells[witness]
            block: Count = ZERO
            while block < blocks:
                block = integrate(work, slot * shape.padded, (block, blocks), shape, code)
                if block < blocks:
                    count = note(work, count, pattern, past + tick, block, watches, shape)
                    block += ONE
            record_spikes(work.marks, outputs, spikes, at, shape.n_outputs)
            if currents.size:
                record_state(cells, recorded[0], currents, at, shape)
            if potentials.size:
                record_state(cells, recorded[1], potentials, at, shape)
            if shape.hears_neurons:
                n_lines += hear(n_words, work, shape)
            if n_lines > calm_lines:
                work.calm[0], code = False, any_code
            if n_lines:
                deliver(n_lines, slot, work, wires, shape)
                pending = past + tick + shape.slots
            tick += ONE
            slot += ONE
            if slot == shape.period:
                move_to_front(queue, shape)
                slot = ZERO
            if past + tick <= pending or cells[witness] != before:
                continue
            moving = moving_cell(work, slot * shape.padded, shape, code)
            if moving < np.uint64(cells.size):
                witness = moving
            else:
                skipped = silent_ticks(raster, start + tick, ticks - tick, inputs)
                for i in range((start + tick) * shape.n_outputs, (start + tick + skipped) * shape.n_outputs):
                    spikes[i] = 0
                for more in range(skipped):
                    if currents.size:
                        record_state(cells, recorded[0], currents, start + tick + more, shape)
                    if potentials.size:
                        record_state(cells, recorded[1], potentials, start + tick + more, shape)
                tick += skipped
                slot = (slot + skipped) % shape.period
    return count
