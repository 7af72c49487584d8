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
from snnprog.jit import compiled
from snnprog.simulate.instructions import count_bits, lowest, marked, prefetch, write_bits, write_sequence
from snnprog.simulate.memory import CHUNK, FETCHED, LANES, SCANNED, SHORT_ROW, SPREAD, Shape, Wires, Workspace

Count: TypeAlias = "np.uint64 | int"
UInt32s: TypeAlias = NDArray[np.uint32]
UnsignedIntegers: TypeAlias = NDArray[np.unsignedinteger]

ZERO, ONE, TWO, THREE, FOUR = (np.uint64(number) for number in range(5))

kept = compiled(nogil=True, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""Compiles a function when it is first called, so that it lets other threads run."""

inlined = compiled(nogil=True, _nrt=False, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""Inlines a function into its caller: passing the arrays at every tick would take as long."""


@inlined
def keep_bits(bits: np.uint64, first_line: Count, work: Workspace, n_words: Count) -> Count:
    """Append a word of lines that fired to those of a tick, unless it is 0; return their new number."""
    work.words[n_words] = bits
    work.first_lines[n_words] = first_line
    return n_words + (ONE if bits != ZERO else ZERO)


@inlined
def listen(raster: Bytes, at: Count, work: Workspace, shape: Shape) -> tuple[Count, Count]:
    """Begin the words of a tick with those of the inputs, found in a raster; return their number, and that of lines."""
    scanned, inputs = np.uint64(SCANNED), shape.n_inputs
    n_words: Count = ZERO
    n_lines: Count = ZERO
    for word in range(inputs // scanned):
        bits = marked(raster, at + word * scanned)
        n_words = keep_bits(bits, word * scanned, work, n_words)
        n_lines += count_bits(bits)
    others = inputs % scanned
    if others:
        first = inputs - others
        if at + first + scanned <= np.uint64(raster.size):
            bits = marked(raster, at + first)
        else:
            for i in range(others):
                work.last_bytes[i] = raster[at + first + i]
            bits = marked(work.last_bytes, ZERO)
        bits &= (ONE << others) - ONE
        n_words = keep_bits(bits, first, work, n_words)
        n_lines += count_bits(bits)
    return n_words, n_lines


@inlined
def hear(n_words: Count, work: Workspace, shape: Shape) -> Count:
    """Append the words of the neurons that fired to those of a tick; return the number of these neurons."""
    n_lines: Count = ZERO
    for word in range(np.uint64(work.mark_words.size)):
        bits = work.mark_words[word]
        n_words = keep_bits(bits, shape.n_inputs + word * np.uint64(SCANNED), work, n_words)
        n_lines += count_bits(bits)
    return n_lines


@inlined
def deliver(n_lines: Count, slot: Count, work: Workspace, wires: Wires, shape: Shape) -> None:
    """Add the weights of the lines that fired in the tick of a slot to the slots of the ticks at which they act.

    One loop lists the lines of all words, without a branch when it goes on to the next word: processors mispredict
    how often a loop runs. What a line leads to is looked up in a loop of its own, so that no look-up waits for another.
    """
    n_due: Count = ZERO
    n_chunks: Count = ZERO
    word: Count = ZERO
    lines, bits = work.lines, work.words[ZERO]
    for index in range(n_lines):
        lines[index] = work.first_lines[word] + lowest(bits)
        others, following = bits & (bits - ONE), work.words[word + ONE]
        is_last = (~others & (others - ONE)) >> np.uint64(SCANNED - 1)  # as a comparison, it would become a branch
        word += is_last
        bits = others | (following & (ZERO - is_last))
    if wires.rows.size:
        for index in range(n_lines):
            first, end = wires.row_first[lines[index]], wires.row_first[lines[index] + ONE]
            work.due[n_due] = first  # most lines have one row: then the loop is a branch that is predicted
            for row in range(first + ONE, end):
                work.due[n_due + row - first] = row
            n_due += end - first
    if n_due:
        add_rows(work.queue, work.due, n_due, slot, wires.row_delay, wires.rows, shape)
    if wires.listed.size:
        for index in range(n_lines):
            n_chunks = list_chunks(lines[index], wires, work.chunks, n_chunks)
    if n_chunks:
        base = (slot + ONE) * shape.padded
        add_words(work.queue, work.chunks, n_chunks, wires.listed, wires.weight, base, shape.weight_bits)


@inlined
def list_chunks(line: Count, wires: Wires, chunks: UInt32s, n_chunks: Count) -> Count:
    """Append the chunks of a line that fired, and return their new number.

    Always `SPREAD` are written at once, and those beyond a line's last are overwritten by the next line: a loop over a
    varying number of chunks would be a branch that processors mispredict at every line. Their synapses, which are in
    as many places of the memory as there are lines, are fetched meanwhile.
    """
    first = np.uint64(wires.chunk_first[line])
    own = np.uint64(wires.chunk_first[line + ONE]) - first
    done = ZERO
    while done < own:
        write_sequence(np.uint32(first + done), chunks, n_chunks + done)
        for more in range(np.uint64(SPREAD // FETCHED)):
            prefetch(wires.listed, (first + done + more * np.uint64(FETCHED)) * np.uint64(CHUNK))
        done += np.uint64(SPREAD)
    return n_chunks + own


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
    """Add rows to their slots, four at a time if they share one.

    Of few neurons, always four, if necessary with rows of 0: a branch that is mispredicted would take longer.
    """
    i, size = ZERO, shape.padded
    if shape.slots == ONE and size <= np.uint64(SHORT_ROW):
        for more in range(THREE):
            due[n_due + more] = delay.size
        while i < n_due:
            four = due[i] * size, due[i + ONE] * size, due[i + TWO] * size, due[i + THREE] * size
            add_four(queue, (slot + ONE) * size, rows, four, size)
            i += FOUR
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
def record_spikes(marks: UInt32s, outputs: UInt64s, spikes: Bytes, at: Count, n_outputs: Count) -> None:
    """Write a tick's spikes of the outputs, or of the first neurons if no outputs are named.

    Whole blocks are written where the next tick's spikes will overwrite what is too much.
    """
    base, lanes = at * n_outputs, np.uint64(LANES)
    if outputs.size:
        for i in range(n_outputs):
            spikes[base + i] = marks[outputs[i] // lanes] >> np.uint32(outputs[i] % lanes) & np.uint32(1)
        return
    whole = n_outputs // lanes
    if base + n_outputs + lanes <= np.uint64(spikes.size):
        whole = (n_outputs + lanes - ONE) // lanes
    for block in range(whole):
        write_bits(marks[block], spikes, base + block * lanes)
    for i in range(whole * lanes, n_outputs):
        spikes[base + i] = marks[whole] >> np.uint32(i - whole * lanes) & np.uint32(1)


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
    work.calm[0] = True
