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
from numpy.typing import NDArray

from snnprog.arrays import Bytes, Int64s, Integers, UInt64s
from snnprog.jit import compiled, prefetch
from snnprog.simulate.memory import CHUNK, FETCHED, LANES, SCAN_WORDS, SPREAD, Shape, Wires, Workspace

Count: TypeAlias = "np.uint64 | int"
UInt32s: TypeAlias = NDArray[np.uint32]
UnsignedIntegers: TypeAlias = NDArray[np.unsignedinteger]

ZERO, ONE, TWO, THREE, FOUR = (np.uint64(number) for number in range(5))

DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
"""A de Bruijn sequence: multiplied by a power of two, its highest 6 bits tell which one (Leiserson, Prokop and Randall,
"Using de Bruijn sequences to index a 1 in a computer word", 1998)."""

LINE_OF_BIT = np.zeros(64, np.uint8)
"""By the highest 6 bits of a product with `DE_BRUIJN`: the line, of 64, whose byte holds that bit in `collect`."""
for _bit in range(64):
    LINE_OF_BIT[(int(DE_BRUIJN) << _bit) % (1 << 64) >> 58] = _bit % 8 * 8 + _bit // 8


kept = compiled(nogil=True, _nrt=False)
"""Compiles a function when it is first called, so that it lets other threads run."""

inlined = compiled(nogil=True, _nrt=False, forceinline=True)
"""Inlines a function into its caller: passing the arrays at every tick would take as long."""


@inlined
def collect(words: UInt64s, first_line: Count, lines: UInt64s, count: Count) -> Count:
    """Append the lines that fired to ``lines`` with ``count`` entries, in any order; return the new count.

    ``words`` hold 8 lines each, one per byte, 1 where it fired. `SCAN_WORDS` words together make one of 64 bits, whose
    bits are taken from the lowest on: so processors mispredict one branch for 64 lines, not one for each that fired.
    """
    for group in range(np.uint64(words.size // SCAN_WORDS)):
        first, bits = group * np.uint64(SCAN_WORDS), ZERO
        for index in range(np.uint64(SCAN_WORDS)):
            bits |= words[first + index] << index
        line = first_line + first * np.uint64(SCAN_WORDS)
        while bits != ZERO:
            lowest = bits & (~bits + ONE)
            lines[count] = line + np.uint64(LINE_OF_BIT[(lowest * DE_BRUIJN) >> np.uint64(58)])
            count += ONE
            bits ^= lowest
    return count


@inlined
def deliver(lines: UInt64s, count: Count, slot: Count, work: Workspace, wires: Wires, shape: Shape) -> None:
    """Add the weights of the lines that fired in the tick of a slot to the slots of the ticks at which they act."""
    if wires.rows.size:
        n_due = ZERO
        for index in range(count):
            line = lines[index]
            for row in range(wires.row_first[line], wires.row_first[line + ONE]):
                work.due[n_due] = row
                n_due += ONE
        if n_due:
            add_rows(work.queue, work.due, n_due, slot, wires.row_delay, wires.rows, shape)
    if wires.listed.size:
        n_chunks = spread(lines, count, wires, work.chunks)
        if n_chunks:
            base = (slot + ONE) * shape.padded
            add_words(work.queue, work.chunks, n_chunks, wires.listed, wires.weight, base, shape.weight_bits)


@inlined
def spread(lines: UInt64s, count: Count, wires: Wires, chunks: UInt32s) -> Count:
    """Write the chunks of the lines that fired, and return their number.

    Always `SPREAD` are written at once, and those beyond a line's last are overwritten by the next line: a loop over a
    varying number of chunks would be a branch that processors mispredict at every line. Their synapses, which are in
    as many places of the memory as there are lines, are fetched meanwhile.
    """
    n_chunks = ZERO
    for index in range(count):
        first = np.uint64(wires.chunk_first[lines[index]])
        own = np.uint64(wires.chunk_first[lines[index] + ONE]) - first
        done = ZERO
        while done < own:
            for more in range(np.uint64(SPREAD)):
                chunks[n_chunks + done + more] = np.uint32(first + done + more)
            for more in range(np.uint64(SPREAD // FETCHED)):
                prefetch(wires.listed, (first + done + more * np.uint64(FETCHED)) * np.uint64(CHUNK))
            done += np.uint64(SPREAD)
        n_chunks += own
    return n_chunks


@kept
def add_words(
    queue: Integers,
    chunks: UInt32s,
    n_chunks: Count,
    listed: UnsignedIntegers,
    weight: Integers,
    base: Count,
    bits: Count,
) -> None:
    """Add chunks of listed synapses, each at its index from a base on."""
    kind, signed = queue.dtype.type, weight.dtype.type
    for index in range(n_chunks):
        first = np.uint64(chunks[index]) * np.uint64(CHUNK)
        for each in range(np.uint64(CHUNK)):
            word = np.uint64(listed[first + each])
            where = base + (word >> bits)
            queue[where] = kind(queue[where] + kind(signed(word)))


@kept
def move_to_front(queue: Integers, shape: Shape) -> None:
    """Move pending arrivals to the front of the queue after a period; the rest was cleared as it was read."""
    kept, passed = shape.slots * shape.padded, shape.period * shape.padded
    for i in range(kept):
        queue[i] = queue[passed + i]
    for i in range(passed, passed + kept):
        queue[i] = 0


@inlined
def add_rows(
    queue: Integers, due: UInt64s, n_due: Count, slot: Count, delay: UInt64s, rows: Integers, shape: Shape
) -> None:
    """Add rows to their slots, four at a time if they share one."""
    i, size = ZERO, shape.padded
    while i < n_due:
        acts = delay[due[i]]
        first = (slot + acts) * size
        if (
            i + THREE < n_due
            and delay[due[i + ONE]] == acts
            and delay[due[i + TWO]] == acts
            and delay[due[i + THREE]] == acts
        ):
            four = due[i] * size, due[i + ONE] * size, due[i + TWO] * size, due[i + THREE] * size
            add_four(queue, first, rows, four, size)
            i += FOUR
        else:
            add_one(queue, first, rows, due[i] * size, size)
            i += ONE


@kept
def add_one(queue: Integers, first: Count, rows: Integers, row: Count, size: Count) -> None:
    """Add one row to a slot."""
    kind = queue.dtype.type
    for i in range(size):
        queue[first + i] = kind(queue[first + i] + kind(rows[row + i]))


@kept
def add_four(
    queue: Integers, first: Count, rows: Integers, row: tuple[Count, Count, Count, Count], size: Count
) -> None:
    """Add four rows to a slot, which is read and written once instead of four times."""
    kind = queue.dtype.type
    one, two, three, four = row
    for i in range(size):
        pair = kind(kind(rows[one + i]) + kind(rows[two + i]))
        other = kind(kind(rows[three + i]) + kind(rows[four + i]))
        queue[first + i] = kind(queue[first + i] + kind(pair + other))


@kept
def note(work: Workspace, count: int, pattern: int, tick: Count, block: Count, watches: Int64s, shape: Shape) -> int:
    """Append each neuron of a block that has left the portable range for the first time; return the log's length.

    Parameters
    ----------
    watches : (watches,) int64
        The limit of each.
    """
    lanes = np.int64(LANES)
    first = np.int64(block) * lanes
    for which in range(len(watches)):
        for neuron in range(first, min(first + lanes, np.int64(shape.n_neurons))):
            value = np.int64(work.seen[which * lanes + neuron - first])
            if abs(value) >= watches[which] and not work.noted[neuron]:
                work.noted[neuron] = True
                work.log[count, 0], work.log[count, 1] = pattern, np.int64(tick)
                work.log[count, 2], work.log[count, 3], work.log[count, 4] = neuron, which, value
                count += 1
    return count


@inlined
def record_spikes(fired: Bytes, outputs: UInt64s, spikes: Bytes, at: Count, n_outputs: Count) -> None:
    """Write a tick's spikes of the outputs, or of the first neurons if no outputs are named."""
    base = at * n_outputs
    if outputs.size:
        for i in range(n_outputs):
            spikes[base + i] = fired[outputs[i]]
    else:
        copy_bytes(fired, ZERO, spikes, base, n_outputs)


@inlined
def copy_bytes(source: Bytes, first: Count, target: Bytes, base: Count, count: Count) -> None:
    """Copy bytes."""
    for i in range(count):
        target[base + i] = source[first + i]


@kept
def record_state(cells: Integers, field: Count, states: Integers, at: Count, shape: Shape) -> None:
    """Write a tick's values of one field of all neurons."""
    lanes, base = np.uint64(LANES), at * shape.n_neurons
    for neuron in range(shape.n_neurons):
        states[base + neuron] = cells[(neuron // lanes * shape.fields + field) * lanes + neuron % lanes]


@kept
def silent_ticks(raster: Bytes, first: Count, most: Count, n_inputs: Count) -> Count:
    """Return how many ticks, from a first one on and at most so many, pass before an input spikes."""
    for tick in range(most):
        some, base = np.uint8(0), (first + tick) * n_inputs
        for i in range(n_inputs):
            some |= raster[base + i]
        if some:
            return tick
    return most


@kept
def begin(work: Workspace, rest: Integers) -> None:
    """Reset everything to rest."""
    for i in range(np.uint64(rest.size)):
        work.cells[i] = rest[i]
    for i in range(np.uint64(work.queue.size)):
        work.queue[i] = 0
    for i in range(np.uint64(work.noted.size)):
        work.noted[i] = False
