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
    deliver,
    move_to_front,
    note,
    record_spikes,
    record_state,
)
from snnprog.simulate.memory import Shape, Wires, Workspace


def integrate(cells: Integers, queue: Integers, *, first: Count, fired: Bytes, shift: Count, is_recorded: bool) -> bool:
    """Advance all neurons by one tick; return whether any left the portable range.

    Reads the queue from its slot's first index on, writes ``fired`` and the cells.
    """
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

    Parameters
    ----------
    raster : (ticks of all patterns * inputs,) uint8
    ends : (patterns,) int64
        The tick after each pattern's last.
    first_tick : int
        The tick at which the first pattern continues; 0 to start from rest.
    layout
        Cells at rest, outputs, the fields that are recorded (none, or current and potential), the limit and the field
        of each watch, wires, and shape.
    work : Workspace
    spikes : (ticks * outputs,) uint8
    currents, potentials : (ticks * neurons,) int32 or int64
        Empty if they are not recorded.
    """
    rest, outputs, recorded, watched, wires, shape = layout
    cells, queue, fired, stimulus, lines = work.cells, work.queue, work.fired, work.stimulus, work.lines
    count, is_recorded = 0, potentials.size > 0
    for pattern in range(ends.size):
        start = np.uint64(ends[pattern - 1]) if pattern else ZERO
        past = ZERO if pattern else np.uint64(first_tick)
        if past == ZERO:
            begin(work, rest)
        slot = past % shape.period
        for tick in range(np.uint64(ends[pattern]) - start):
            first = slot * shape.padded
            if integrate(cells, queue, first=first, fired=fired, shift=shape.shift, is_recorded=is_recorded):
                count = note(work, count, pattern, past + tick, watched, shape)
            at = start + tick
            record_spikes(fired, outputs, spikes, at, shape.n_outputs)
            if currents.size:
                record_state(cells, recorded[0], currents, at, shape)
            if potentials.size:
                record_state(cells, recorded[1], potentials, at, shape)
            for i in range(shape.n_inputs):
                stimulus[i] = raster[at * shape.n_inputs + i]
            n_lines = collect(work.stimulus_words, ZERO, lines, ZERO)
            if shape.hears_neurons:
                n_lines = collect(work.fired_words, shape.n_inputs, lines, n_lines)
            if n_lines:
                deliver(lines, n_lines, slot, queue, work.due, wires, shape)
            slot += ONE
            if slot == shape.period:
                move_to_front(queue, shape)
                slot = ZERO
    return count
