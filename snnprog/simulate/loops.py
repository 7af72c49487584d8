"""The compiled loops of the kernel that do not depend on the rule: delivery of spikes, and recording.

Four rules keep them fast:

- Every intermediate result is cast back to the register's type, because Numba would widen it.
- All counts and indices are unsigned, because Numba would handle negative signed indices. Signed and
  unsigned are never mixed in one expression: Numba would convert them to floats.
- Functions called at every tick are inlined; the innermost additions are not, which saves registers.
- No function creates an array, so that arrays are not reference-counted (``_nrt=False``), which would take longer
  than a small network's tick.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from snnprog.arrays import Bytes, Int64s, Integers, UInt64s
from snnprog.jit import compiled
from snnprog.simulate.memory import LANES, SCAN_BYTES, Shape, Wires, Workspace

Count: TypeAlias = "np.uint64 | int"

ZERO, ONE, TWO, THREE, FOUR = (np.uint64(number) for number in range(5))


kept = compiled(nogil=True, _nrt=False)
"""Compiles a function when it is first called, so that it lets other threads run."""

inlined = compiled(nogil=True, _nrt=False, forceinline=True)
"""Inlines a function into its caller: passing the arrays at every tick would take as long."""


@inlined
def collect(words: UInt64s, first_line: Count, lines: UInt64s, count: Count) -> Count:
    """Append the lines that fired to ``lines`` with ``count`` entries; return the new count.

    ``words`` hold `SCAN_BYTES` bytes each, one per line, 1 where it fired.
    """
    for index in range(np.uint64(words.size)):
        word = words[index]
        if word != ZERO:
            line = first_line + np.uint64(SCAN_BYTES) * index
            for byte in range(np.uint64(SCAN_BYTES)):
                lines[count] = line + byte
                count += (word >> (np.uint64(8) * byte)) & ONE
    return count


@inlined
def deliver(
    lines: UInt64s, count: Count, slot: Count, queue: Integers, due: UInt64s, wires: Wires, shape: Shape
) -> None:
    """Add the weights of the lines that fired in the tick of a slot to the slots of the ticks at which they act."""
    n_due = ZERO
    for index in range(count):
        line = lines[index]
        for row in range(wires.row_first[line], wires.row_first[line + ONE]):
            due[n_due] = row
            n_due += ONE
    if n_due:
        add_rows(queue, due, n_due, slot, wires.row_delay, wires.rows, shape)
    if wires.listed_place.size:
        add_listed(queue, lines, count, slot, wires, shape)


@inlined
def add_listed(queue: Integers, lines: UInt64s, count: Count, slot: Count, wires: Wires, shape: Shape) -> None:
    """Add listed synapses, each at its index from the slot on."""
    kind = queue.dtype.type
    place, weight = wires.listed_place, wires.listed_weight
    base = (slot + ONE) * shape.padded
    for index in range(count):
        line = lines[index]
        for synapse in range(np.uint64(wires.listed_first[line]), np.uint64(wires.listed_first[line + ONE])):
            where = base + np.uint64(place[synapse])
            queue[where] = kind(queue[where] + kind(weight[synapse]))


@kept
def move_to_front(queue: Integers, shape: Shape) -> None:
    """Move pending arrivals to the front of the queue after a period, and clear the rest."""
    kept, passed = shape.slots * shape.padded, shape.period * shape.padded
    for i in range(kept):
        queue[i] = queue[passed + i]
    for i in range(kept, passed + kept):
        queue[i] = 0


@inlined
def add_rows(
    queue: Integers, due: UInt64s, n_due: Count, slot: Count, delay: UInt64s, rows: Integers, shape: Shape
) -> None:
    """Add rows to their slots, four at a time if they share one."""
    i, size = ZERO, shape.padded
    while i < n_due:
        acts = delay[due[i]]
        target = slot + acts
        if (
            i + THREE < n_due
            and delay[due[i + ONE]] == acts
            and delay[due[i + TWO]] == acts
            and delay[due[i + THREE]] == acts
        ):
            four = due[i] * size, due[i + ONE] * size, due[i + TWO] * size, due[i + THREE] * size
            add_four(queue, target * size, rows, four, size)
            i += FOUR
        else:
            add_one(queue, target * size, rows, due[i] * size, size)
            i += ONE


@kept
def add_one(queue: Integers, first: int, rows: Integers, row: int, size: int) -> None:
    """Add one row to a slot."""
    kind = queue.dtype.type
    for i in range(size):
        queue[first + i] = kind(queue[first + i] + kind(rows[row + i]))


@kept
def add_four(queue: Integers, first: int, rows: Integers, row: tuple[int, int, int, int], size: int) -> None:
    """Add four rows to a slot, which is read and written once instead of four times."""
    kind = queue.dtype.type
    one, two, three, four = row
    for i in range(size):
        pair = kind(kind(rows[one + i]) + kind(rows[two + i]))
        other = kind(kind(rows[three + i]) + kind(rows[four + i]))
        queue[first + i] = kind(queue[first + i] + kind(pair + other))


@kept
def note(work: Workspace, count: int, pattern: int, tick: Count, watched: Int64s, shape: Shape) -> int:
    """Append each neuron that has left the portable range for the first time; return the length of the log.

    Parameters
    ----------
    watched : (watches, 2) int64
        The limit of each, and the field that holds its value.
    """
    fields = np.int64(shape.fields)
    for which in range(len(watched)):
        limit, field = watched[which, 0], watched[which, 1]
        for neuron in range(work.noted.size):
            value = np.int64(work.cells[(neuron // LANES * fields + field) * LANES + neuron % LANES])
            if abs(value) >= limit and not work.noted[neuron]:
                work.noted[neuron] = True
                work.log[count, 0], work.log[count, 1] = pattern, np.int64(tick)
                work.log[count, 2], work.log[count, 3], work.log[count, 4] = neuron, which, value
                count += 1
    return count


@inlined
def record_spikes(fired: Bytes, outputs: UInt64s, spikes: Bytes, at: Count, n_outputs: int) -> None:
    """Write a tick's spikes of the outputs, or of the first neurons if no outputs are named."""
    base = at * n_outputs
    if outputs.size:
        for i in range(n_outputs):
            spikes[base + i] = fired[outputs[i]]
    else:
        for i in range(n_outputs):
            spikes[base + i] = fired[i]


@kept
def record_state(cells: Integers, field: Count, states: Integers, at: Count, shape: Shape) -> None:
    """Write a tick's values of one field of all neurons."""
    lanes, base = np.uint64(LANES), at * shape.n_neurons
    for neuron in range(shape.n_neurons):
        states[base + neuron] = cells[(neuron // lanes * shape.fields + field) * lanes + neuron % lanes]


@kept
def begin(work: Workspace, rest: Integers) -> None:
    """Reset everything to rest."""
    for i in range(np.uint64(rest.size)):
        work.cells[i] = rest[i]
    for i in range(np.uint64(work.queue.size)):
        work.queue[i] = 0
    for i in range(np.uint64(work.noted.size)):
        work.noted[i] = False
