"""The kernel's loop over patterns and ticks; it is compiled into the code of each rule.

`snnprog.simulate.kernel_source` copies the source of `run_patterns` into that code, where ``integrate`` is one tick of
the rule. It is a module so that it is read, linted and type-checked.
"""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Bytes, Int64s, Integers, UInt64s
from snnprog.simulate.loops import (
    ONE,
    ZERO,
    Count,
    begin,
    collect,
    copy_bytes,
    deliver,
    move_to_front,
    record_spikes,
    record_state,
    silent_ticks,
)
from snnprog.simulate.memory import Shape, Wires, Workspace


def integrate(
    work: Workspace,
    *,
    first: Count,
    shape: Shape,
    is_recorded: bool,
    watches: Int64s,
    count: int,
    pattern: int,
    tick: Count,
) -> int:
    """Advance all neurons by one tick; return the length of the log of excursions after it.

    Reads and clears the queue from its slot's first index on, writes ``fired`` and the cells.
    """
    raise NotImplementedError("each rule has its own")


def settles(cells: Integers, shape: Shape, is_recorded: bool) -> bool:
    """Return whether a tick without arrivals would change nothing: no register, no spike, no excursion."""
    raise NotImplementedError("each rule has its own")


def run_patterns(
    raster: Bytes,
    ends: Int64s,
    first_tick: int,
    layout: tuple[Integers, UInt64s, UInt64s, Int64s, Wires, Shape],
    work: Workspace,
    spikes: Bytes,
    currents: Integers,
    potentials: Integers,
) -> int:
    """Run patterns; fill their part of spikes and states; return how many excursions the log holds.

    Each starts from rest, but the first one may continue from ``work``: a run in pieces equals the whole run.

    Once no spike is on its way and a tick would change nothing, no tick does until an input spikes: those in between
    are recorded and skipped.

    Parameters
    ----------
    raster : (ticks of all patterns * inputs,) uint8
    ends : (patterns,) int64
        The tick after each pattern's last.
    first_tick : int
        The tick at which the first pattern continues; 0 to start from rest.
    layout
        Cells at rest, outputs, the fields that are recorded (none, or current and potential), the limit of each watch,
        wires, and shape.
    work : Workspace
    spikes : (ticks * outputs,) uint8
    currents, potentials : (ticks * neurons,) int32 or int64
        Empty if they are not recorded.
    """
    rest, outputs, recorded, watches, wires, shape = layout
    cells, queue, fired, stimulus, lines = work.cells, work.queue, work.fired, work.stimulus, work.lines
    count, is_recorded = 0, potentials.size > 0
    inputs, last = shape.n_inputs, np.uint64(ends[ends.size - 1])
    if last > ZERO:
        copy_bytes(raster, ZERO, stimulus, ZERO, inputs)
    for pattern in range(ends.size):
        start = np.uint64(ends[pattern - 1]) if pattern else ZERO
        past = ZERO if pattern else np.uint64(first_tick)
        if past == ZERO:
            begin(work, rest)
        slot, tick, ticks = past % shape.period, ZERO, np.uint64(ends[pattern]) - start
        pending = past + shape.slots  # the last tick in which spikes may arrive; those before the first one, too
        while tick < ticks:
            # Between the delivery of a tick's spikes and their reading in the next: a read would wait for the writes.
            at = start + tick
            n_lines = collect(work.stimulus_words, ZERO, lines, ZERO)
            if at + ONE < last:
                copy_bytes(raster, (at + ONE) * inputs, stimulus, ZERO, inputs)
            count = integrate(
                work,
                first=slot * shape.padded,
                shape=shape,
                is_recorded=is_recorded,
                watches=watches,
                count=count,
                pattern=pattern,
                tick=past + tick,
            )
            record_spikes(fired, outputs, spikes, at, shape.n_outputs)
            if currents.size:
                record_state(cells, recorded[0], currents, at, shape)
            if potentials.size:
                record_state(cells, recorded[1], potentials, at, shape)
            if shape.hears_neurons:
                n_lines = collect(work.fired_words, inputs, lines, n_lines)
            if n_lines:
                deliver(lines, n_lines, slot, work, wires, shape)
                pending = past + tick + shape.slots
            tick += ONE
            slot += ONE
            if slot == shape.period:
                move_to_front(queue, shape)
                slot = ZERO
            if past + tick > pending and settles(cells, shape, is_recorded):
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
                if skipped and start + tick < last:
                    copy_bytes(raster, (start + tick) * inputs, stimulus, ZERO, inputs)
    return count
