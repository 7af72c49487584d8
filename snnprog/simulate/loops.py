"""The compiled loops of the fast simulator: one tick of all neurons, and the delivery of what fired.

The rule is that of `snnprog.simulate.reference`, value for value; the fields' names and the reasons for the layout
stand in `snnprog.simulate.layout`. Four things keep the loops as fast as they are:

- Every intermediate result is cast back to the register's type, because Numba would widen it. No register overflows:
  `layout.is_narrow` proves that for 32 bits.
- All counts and places are unsigned, because a signed index might be negative, which Numba would look after. Signed
  and unsigned never meet in one expression: Numba would make a float of them.
- What is called at every tick is inlined; the innermost additions are not, which their registers are grateful for.
- Nothing here makes an array, so that arrays need no counting of references (``_nrt=False``), which would cost more
  than a small network's tick.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
from numba import njit

from snnprog.arrays import Bools, Bytes, Int32s, Int64s, Integers, UInt64s
from snnprog.simulate.layout import (
    BIAS,
    CURRENT,
    CURRENT_FACTOR,
    DECAY_BITS,
    FIELDS,
    LANES,
    POTENTIAL,
    POTENTIAL_FACTOR,
    SCAN_BYTES,
    THRESHOLD,
    UNCLIPPED,
    UNWRAPPED,
    Rule,
    Shape,
    Wires,
)

Count: TypeAlias = "np.uint64 | int"

LOW_BITS = (1 << DECAY_BITS) - 1
LOG_COLUMNS = 5
ZERO, ONE, TWO, THREE, FOUR = (np.uint64(number) for number in range(5))


Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile a function when it is first called; the code is kept on disk, and lets other threads run."""
    return njit(cache=True, nogil=True, _nrt=False)(function)  # type: ignore[call-overload, no-any-return]


def inlined(function: Function) -> Function:
    """Compile a function into the one that calls it at every tick: handing over so many arrays would take as long."""
    return njit(cache=True, nogil=True, _nrt=False, forceinline=True)(function)  # type: ignore[call-overload, no-any-return]


class Workspace(NamedTuple):
    """What a run writes to, beside its results; one for each thread.

    Attributes
    ----------
    cells : (padded neurons * FIELDS,) int32 or int64
    queue : ((period + slots) * padded neurons,) integers
        What will arrive, by tick and neuron, in units of the wires' weights.
    fired, stimulus : (padded,) uint8
        Which neurons and inputs fire at this tick, filled up to whole words; the words are the same memory.
    lines : (inputs + padded neurons + SCAN_BYTES,) uint64
        Those that fired.
    due : (rows,) uint64
        Rows to be added.
    held_for : (neurons,) int32
        For how many ticks to come a potential stays 0; empty where every neuron may spike at every tick.
    noted : (neurons,) bool
        Which have left the portable range in this pattern.
    log : (entries, LOG_COLUMNS) int64
        Pattern, tick, neuron, quantity and value of each excursion: room for one per pattern and neuron.
    """

    cells: Integers
    queue: Integers
    fired: Bytes
    fired_words: UInt64s
    stimulus: Bytes
    stimulus_words: UInt64s
    lines: UInt64s
    due: UInt64s
    held_for: Int32s
    noted: Bools
    log: Int64s


@compiled
def scale(value: int, factor: int) -> int:
    """Return ``value * factor >> 12``, rounded toward zero, in two halves that stay below value and factor."""
    kind = type(factor)
    size = kind(abs(value))
    high = kind(kind(size >> kind(DECAY_BITS)) * factor)
    low = kind(kind(kind(size & kind(LOW_BITS)) * factor) >> kind(DECAY_BITS))
    kept = kind(high + low)
    return kept if value >= 0 else kind(-kept)


@inlined
def integrate(cells: Integers, queue: Integers, first: Count, fired: Bytes, rule: Rule) -> bool:
    """Advance all neurons by one tick; return whether any left the portable range.

    Reads the queue from its slot's first place on, writes ``fired`` and the cells, in which `UNWRAPPED` and `UNCLIPPED`
    keep what the registers would have held without a limit.
    """
    kind = cells.dtype.type
    shift, half, whole, top = kind(rule.shift), kind(rule.half), kind(2 * rule.half), kind(rule.top)
    arrival_limit, current_limit = kind(rule.arrival_limit), kind(rule.current_limit)
    potential_limit = kind(rule.potential_limit)
    left = kind(0)
    for block in range(np.uint64(fired.size // LANES)):
        cell, lane = block * np.uint64(FIELDS * LANES), block * np.uint64(LANES)
        for i in range(np.uint64(LANES)):
            arrivals = kind(kind(queue[first + lane + i]) << shift)
            kept = scale(
                cells[cell + np.uint64(CURRENT * LANES) + i], cells[cell + np.uint64(CURRENT_FACTOR * LANES) + i]
            )
            current = kind(kept + kind(np.int32(arrivals)))
            cells[cell + np.uint64(UNWRAPPED * LANES) + i] = current
            is_out = (kind(abs(arrivals)) >= arrival_limit) | (kind(abs(current)) >= current_limit)
            current = (
                kind(current - whole) if current > half else kind(current + whole) if current <= -half else current
            )
            cells[cell + np.uint64(CURRENT * LANES) + i] = current
            kept = scale(
                cells[cell + np.uint64(POTENTIAL * LANES) + i], cells[cell + np.uint64(POTENTIAL_FACTOR * LANES) + i]
            )
            potential = kind(kind(kept + current) + cells[cell + np.uint64(BIAS * LANES) + i])
            cells[cell + np.uint64(UNCLIPPED * LANES) + i] = potential
            left |= kind(is_out | (kind(abs(potential)) >= potential_limit))
            potential = kind(min(max(potential, kind(-top)), top))
            fires = potential > cells[cell + np.uint64(THRESHOLD * LANES) + i]
            cells[cell + np.uint64(POTENTIAL * LANES) + i] = kind(0) if fires else potential
            fired[lane + i] = fires
    return bool(left != 0)


@inlined
def integrate_arrivals(cells: Integers, queue: Integers, first: Count, fired: Bytes, rule: Rule) -> bool:
    """Do what `integrate` does where no neuron keeps a current, and what arrives never wraps."""
    kind = cells.dtype.type
    shift, top = kind(rule.shift), kind(rule.top)
    arrival_limit, potential_limit = kind(rule.arrival_limit), kind(rule.potential_limit)
    left = kind(0)
    for block in range(np.uint64(fired.size // LANES)):
        cell, lane = block * np.uint64(FIELDS * LANES), block * np.uint64(LANES)
        for i in range(np.uint64(LANES)):
            current = kind(kind(queue[first + lane + i]) << shift)
            cells[cell + np.uint64(CURRENT * LANES) + i] = current
            kept = scale(
                cells[cell + np.uint64(POTENTIAL * LANES) + i], cells[cell + np.uint64(POTENTIAL_FACTOR * LANES) + i]
            )
            potential = kind(kind(kept + current) + cells[cell + np.uint64(BIAS * LANES) + i])
            cells[cell + np.uint64(UNCLIPPED * LANES) + i] = potential
            left |= kind((kind(abs(current)) >= arrival_limit) | (kind(abs(potential)) >= potential_limit))
            potential = kind(min(max(potential, kind(-top)), top))
            fires = potential > cells[cell + np.uint64(THRESHOLD * LANES) + i]
            cells[cell + np.uint64(POTENTIAL * LANES) + i] = kind(0) if fires else potential
            fired[lane + i] = fires
    return bool(left != 0)


@compiled
def hold(cells: Integers, fired: Bytes, held_for: Int32s, refractory: Int32s) -> None:
    """Take back what neurons did that are refractory, and begin the refractory periods of those that fire."""
    for neuron in range(refractory.size):
        if held_for[neuron]:
            cell = neuron // LANES * FIELDS * LANES + neuron % LANES
            cells[cell + POTENTIAL * LANES] = cells[cell + UNCLIPPED * LANES] = 0
            fired[neuron] = 0
            held_for[neuron] -= 1
        elif fired[neuron]:
            held_for[neuron] = refractory[neuron] - 1


@inlined
def collect(words: UInt64s, first_line: Count, lines: UInt64s, count: Count) -> Count:
    """Append the lines that fired to ``lines``, which hold ``count``; return how many they are then.

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
    """Add listed synapses, each at its place from the slot on."""
    kind = queue.dtype.type
    place, weight = wires.listed_place, wires.listed_weight
    base = (slot + ONE) * shape.padded
    for index in range(count):
        line = lines[index]
        for synapse in range(np.uint64(wires.listed_first[line]), np.uint64(wires.listed_first[line + ONE])):
            where = base + np.uint64(place[synapse])
            queue[where] = kind(queue[where] + kind(weight[synapse]))


@compiled
def move_to_front(queue: Integers, shape: Shape) -> None:
    """Bring what is still to arrive to the queue's front, after a period; nothing is behind it then."""
    kept, passed = shape.slots * shape.padded, shape.period * shape.padded
    for i in range(kept):
        queue[i] = queue[passed + i]
    for i in range(kept, passed + kept):
        queue[i] = 0


@inlined
def add_rows(
    queue: Integers, due: UInt64s, n_due: Count, slot: Count, delay: UInt64s, rows: Integers, shape: Shape
) -> None:
    """Add rows to their slots, four at a time where they share one."""
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


@compiled
def add_one(queue: Integers, first: int, rows: Integers, row: int, size: int) -> None:
    """Add one row to a slot."""
    kind = queue.dtype.type
    for i in range(size):
        queue[first + i] = kind(queue[first + i] + kind(rows[row + i]))


@compiled
def add_four(queue: Integers, first: int, rows: Integers, row: tuple[int, int, int, int], size: int) -> None:
    """Add four rows to a slot, which is read and written once instead of four times."""
    kind = queue.dtype.type
    one, two, three, four = row
    for i in range(size):
        pair = kind(kind(rows[one + i]) + kind(rows[two + i]))
        other = kind(kind(rows[three + i]) + kind(rows[four + i]))
        queue[first + i] = kind(queue[first + i] + kind(pair + other))


@compiled
def note(work: Workspace, count: int, pattern: int, tick: Count, first: Count, rule: Rule) -> int:
    """Append each neuron that has left the portable range for the first time; return how many the log holds."""
    limits = (rule.arrival_limit, rule.current_limit, rule.potential_limit)
    for quantity in range(3):
        for neuron in range(work.noted.size):
            cell = neuron // LANES * FIELDS * LANES + neuron % LANES
            if quantity == 0:
                value = np.int64(work.queue[np.int64(first) + neuron]) << rule.shift
            elif quantity == 1:
                value = np.int64(work.cells[cell + UNWRAPPED * LANES])
            else:
                value = np.int64(work.cells[cell + UNCLIPPED * LANES])
            if abs(value) >= limits[quantity] and not work.noted[neuron]:
                work.noted[neuron] = True
                work.log[count, 0], work.log[count, 1] = pattern, np.int64(tick)
                work.log[count, 2], work.log[count, 3], work.log[count, 4] = neuron, quantity, value
                count += 1
    return count


@inlined
def record_spikes(fired: Bytes, outputs: UInt64s, spikes: Bytes, at: Count, n_outputs: int) -> None:
    """Write a tick's spikes of the outputs, or of the first neurons where no outputs are named."""
    base = at * n_outputs
    if outputs.size:
        for i in range(n_outputs):
            spikes[base + i] = fired[outputs[i]]
    else:
        for i in range(n_outputs):
            spikes[base + i] = fired[i]


@compiled
def record_state(cells: Integers, field: int, states: Int32s, at: Count, n_neurons: int) -> None:
    """Write a tick's values of one field of all neurons."""
    lanes, fields, base = np.uint64(LANES), np.uint64(FIELDS), at * n_neurons
    for neuron in range(n_neurons):
        cell = (neuron // lanes * fields + np.uint64(field)) * lanes + neuron % lanes
        states[base + neuron] = np.int32(cells[cell])


@compiled
def begin(work: Workspace, rest: Integers) -> None:
    """Bring everything to rest."""
    for i in range(np.uint64(rest.size)):
        work.cells[i] = rest[i]
    for i in range(np.uint64(work.queue.size)):
        work.queue[i] = 0
    for i in range(np.uint64(work.noted.size)):
        work.noted[i] = False
    for i in range(np.uint64(work.held_for.size)):
        work.held_for[i] = 0


@compiled
def run_patterns(
    raster: Bytes,
    ends: Int64s,
    layout: tuple[Integers, UInt64s, Int32s, Wires, Rule, Shape],
    work: Workspace,
    spikes: Bytes,
    currents: Int32s,
    potentials: Int32s,
) -> int:
    """Run patterns, each from rest; fill their part of spikes and states; return how many excursions the log holds.

    Parameters
    ----------
    raster : (ticks of all patterns * inputs,) uint8
    ends : (patterns,) int64
        The tick after each pattern's last.
    layout
        As in `snnprog.simulate.layout.Layout`: cells, outputs, refractory, wires, rule, shape.
    work : Workspace
    spikes : (ticks * outputs,) uint8
    currents, potentials : (ticks * neurons,) int32
        Empty where states are not recorded.
    """
    rest, outputs, refractory, wires, rule, shape = layout
    cells, queue, fired, stimulus, lines = work.cells, work.queue, work.fired, work.stimulus, work.lines
    count = 0
    for pattern in range(ends.size):
        start = np.uint64(ends[pattern - 1]) if pattern else ZERO
        begin(work, rest)
        slot = ZERO
        for tick in range(np.uint64(ends[pattern]) - start):
            first = slot * shape.padded
            if rule.has_currents:
                has_left = integrate(cells, queue, first, fired, rule)
            else:
                has_left = integrate_arrivals(cells, queue, first, fired, rule)
            if refractory.size:
                hold(cells, fired, work.held_for, refractory)
            if has_left:
                count = note(work, count, pattern, tick, first, rule)
            at = start + tick
            record_spikes(fired, outputs, spikes, at, shape.n_outputs)
            if currents.size:
                record_state(cells, CURRENT, currents, at, shape.n_neurons)
                record_state(cells, POTENTIAL, potentials, at, shape.n_neurons)
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
