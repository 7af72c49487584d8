"""One tick of a program from many packed states, as compiled code that is made from the rule.

A state is a row of words: the number of the monitor's state, then the history (how often each line spiked, by slot,
with as many bits as its spikes take), then the registers on which the next tick depends, with 32 or 64 bits. A line's
slots stand in the order of their age, so one shift of the history makes every spike a tick older.

Neurons at rest at which nothing arrives stay as they are, and are passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from snnprog.arrays import Bools, Int32s, Int64s, UInt64s
from snnprog.exploration.states import inlined, place_of
from snnprog.exploration.ticking import ProgramTicks
from snnprog.jit import compiled
from snnprog.rules.compiled import generated
from snnprog.rules.interpreter import Interpreter
from snnprog.rules.rule import COUNT, SPIKES, WEIGHT, Rule
from snnprog.rules.source import Writer, indented

WORD_BITS = 64
"""Bits of a word of a packed state: those of uint64."""
COUNT_BITS = 8
"""Bits of a slot where neurons spike more than once in a tick: 255 at most (`snnprog.simulate.parameters`)."""

ADVANCE = """
from snnprog.exploration.advance import packed, shifted, unpacked


@compiled(nogil=True, error_model="numpy")
def advanced(rows, first, last, values, live, wires, outputs, least, after, keys):
    kind, registers, is_narrow = np.int64, wires.registers, wires.is_narrow
    per_word = 2 if is_narrow else 1
    fired, sums = np.zeros(wires.newest_word.size, np.int64), np.zeros(wires.newest_word.size, np.int64)
    for state in range(first, last):
        row, to, key = rows[state], after[state - first], keys[state - first]
        shifted(row, to, wires.keep, wires.bits)
        key[:] = 0
        key[0] = row[0]
        for i in range(fired.size):
            sums[i] = {begin}
        for byte in range(8 * wires.keep.size):
            spikes = (row[1 + byte // 8] >> np.uint64(8 * (byte % 8))) & np.uint64(255)
            slot = byte * wires.slots_per_byte
            while spikes != 0:
                {count} = kind(spikes & wires.mask)
                if {count} != 0:
                    for s in range(wires.first[slot], wires.first[slot + 1]):
                        i, {weight}, {target} = wires.post[s], wires.weight[s], sums[wires.post[s]]
{gather}
                        sums[i] = {target}
                spikes >>= wires.bits
                slot += 1
        for i in range(fired.size):
            fired[i] = 0
{load}
            {target} = sums[i]
            if wires.is_still[i] and {is_at_rest}:
                continue
{read}
{steps}
{store}
            fired[i] = {spikes}
            if {spikes} != 0 and wires.newest_word[i] >= 0:
                to[wires.newest_word[i]] |= np.uint64({spikes}) << wires.newest_place[i]
        for output in range(outputs.size):
            if fired[outputs[output]] >= least:
                key[1 + output // {word_bits}] |= np.uint64(1) << np.uint64(output % {word_bits})
"""


class StateWires(NamedTuple):
    """Where the spikes and the registers of a state stand.

    Attributes
    ----------
    first : (slots + 1,) int64
        The first synapse of each slot. So synapses are in the order in which they act, by line and delay.
    post, weight : (synapses,) int64
        The neuron that a synapse leads to, and what it adds.
    newest_word, newest_place : (neurons,) int64, uint64
        Where a neuron's spikes of the present tick go; -1 where nobody reads them.
    keep : (history words,) uint64
        The bits that a shift fills with older spikes.
    bits, mask : uint64
        The bits of a slot.
    slots_per_byte : int
    registers : int
        The first word of the registers.
    is_narrow : bool
        Whether two registers share a word.
    is_still : (neurons,) bool
        Whether a neuron whose registers are 0, and at which nothing arrives, is silent and stays so.
    """

    first: Int64s
    post: Int64s
    weight: Int64s
    newest_word: Int64s
    newest_place: UInt64s
    keep: UInt64s
    bits: np.uint64
    mask: np.uint64
    slots_per_byte: int
    registers: int
    is_narrow: bool
    is_still: Bools


@inlined
def shifted(row: UInt64s, to: UInt64s, keep: UInt64s, bits: np.uint64) -> None:
    """Write the history a tick later, without new spikes, and zeros for the registers."""
    carry = np.uint64(0)
    for index in range(keep.size):
        word = row[1 + index]
        to[1 + index] = ((word << bits) | carry) & keep[index]
        carry = word >> np.uint64(np.uint64(64) - bits)
    to[1 + keep.size :] = 0


@inlined
def unpacked(word: np.uint64, index: int, is_narrow: bool) -> np.int64:
    """Return the register with an index from its word.

    It takes no arrays, as in `packed`: Numba counts references to each array that a function is given, which took
    nine tenths of the time of a tick.
    """
    if is_narrow:
        return np.int64(np.int32(np.uint32((word >> np.uint64(32 * (index % 2))) & np.uint64(0xFFFFFFFF))))
    return np.int64(word)


@inlined
def packed(value: np.int64, index: int, is_narrow: bool) -> np.uint64:
    """Return a word with a register at its place, and zeros elsewhere."""
    if is_narrow:
        return np.uint64((np.uint64(value) & np.uint64(0xFFFFFFFF)) << np.uint64(32 * (index % 2)))
    return np.uint64(value)


@compiled(nogil=True, error_model="numpy")
def follow(
    begun: int,
    after: UInt64s,
    numbers: Int64s,
    answers: Any,
    masks: UInt64s,
    rows: UInt64s,
    count: int,
    places: Int32s,
    origins: Int32s,
) -> tuple[int, int, int]:
    """Enter the states that follow some states, from one of them on, as long as there is room.

    Parameters
    ----------
    begun : int
        The first of the states that is followed.
    after : (states, words) uint64
        The states a tick later, without the spikes of input lines, and with the number of a pair of a monitor's state
        and outputs instead of that of a state.
    numbers : (states,) int64
        The number of the state before.
    answers : Answers
        What the monitor says to each pair.
    masks : (rows, words) uint64
        The bits that the input spikes of a row set in a state.
    rows, count, places
        The set of states; see `snnprog.exploration.states`.
    origins : (capacity, 2) int32
        The state and the row from which each state was reached.

    Returns
    -------
    reached, count, wrong : int
        The first state that is not followed yet, how many states there are, and the row with which the outputs of
        state ``reached`` are wrong; -1 if there is none.
    """
    for index in range(begun, after.shape[0]):
        first, last = answers.first[after[index, 0]], answers.first[after[index, 0] + np.uint64(1)]
        if count + last - first > rows.shape[0]:
            return index, count, -1
        for answer in range(first, last):
            if answers.after[answer] < 0:
                return index, count, answers.row[answer]
            fresh, mask = rows[count], masks[answers.row[answer]]
            for word in range(fresh.size):
                fresh[word] = after[index, word] | mask[word]
            fresh[0] = np.uint64(answers.after[answer])
            place = place_of(rows, places, fresh)
            if places[place] < 0:
                places[place] = count
                origins[count, 0], origins[count, 1] = numbers[index], answers.row[answer]
                count += 1
    return after.shape[0], count, -1


class Watched(NamedTuple):
    """The neurons that a monitor watches.

    Attributes
    ----------
    neurons : (outputs,) int64
    least : int
        The spikes in a tick that count as a spike of an output.
    """

    neurons: Int64s
    least: int = 1


class StateWords:
    """How the states of a program are packed, and the code that advances them.

    Parameters
    ----------
    ticks : ProgramTicks
    watched : Watched

    Attributes
    ----------
    width : int
        Words of a state.
    key_width : int
        Words of a monitor's state with outputs.
    """

    def __init__(self, ticks: ProgramTicks, watched: Watched) -> None:
        program = ticks.program
        self.ticks, self.watched = ticks, watched
        slots = int(ticks.first[-1])
        self.bits = 1 if ticks.most_spikes == 1 else COUNT_BITS
        history = -(-slots * self.bits // WORD_BITS)
        live = np.flatnonzero(ticks.is_live)
        self.live = np.full(ticks.is_live.shape, -1, np.int64)
        self.live.flat[live] = np.arange(live.size)
        self.width = 1 + history + (-(-live.size // 2) if ticks.is_narrow else live.size)
        self.key_width = 1 + -(-watched.neurons.size // WORD_BITS)
        self.wires = self._wires(history)
        code = _code(ticks.rule)
        self._values = np.stack(
            [np.broadcast_to(ticks.parameters[name], program.n_neurons) for name in code.parameters]
            or [np.zeros(program.n_neurons, np.int64)]
        )
        self._advanced = code.advanced

    def rest(self, monitor: int) -> UInt64s:
        """Return the state at rest ``(1, words)``."""
        state = np.zeros((1, self.width), np.uint64)
        state[0, 0] = monitor
        return state

    def advanced(self, rows: UInt64s, first: int, last: int) -> tuple[UInt64s, UInt64s]:
        """Return states a tick later without input spikes, and each one's state of the monitor with its outputs."""
        after = np.empty((last - first, self.width), np.uint64)
        keys = np.empty((last - first, self.key_width), np.uint64)
        self._advanced(rows, first, last, self._values, self.live, self.wires, *self.watched, after, keys)
        return after, keys

    def masks(self, rows: np.ndarray[Any, np.dtype[np.uint8]]) -> UInt64s:
        """Return the bits that input spikes ``(rows, inputs)`` set in a state, ``(rows, words)``."""
        found = np.zeros((len(rows), self.width), np.uint64)
        for line in np.flatnonzero(self.ticks.depth[: rows.shape[1]]).tolist():
            word, place = self._place(self.ticks.first[line])
            found[:, word] |= rows[:, line].astype(np.uint64) << place
        return found

    def _place(self, slot: Int64s) -> tuple[Int64s, UInt64s]:
        bit = np.asarray(slot, np.int64) * self.bits
        return 1 + bit // WORD_BITS, (bit % WORD_BITS).astype(np.uint64)

    def _wires(self, history: int) -> StateWires:
        ticks, program = self.ticks, self.ticks.program
        order, slots = np.argsort(ticks.slots, kind="stable"), int(ticks.first[-1])
        depth, first = ticks.depth[program.n_inputs :], ticks.first[program.n_inputs : -1]
        newest_word, newest_place = self._place(first)
        keep = np.zeros((history, WORD_BITS // self.bits), np.bool_)
        keep.flat[:slots] = True
        keep.flat[ticks.first[:-1][ticks.depth > 0]] = False
        bits = np.repeat(keep, self.bits, axis=1)
        return StateWires(
            first=np.searchsorted(ticks.slots[order], np.arange(slots + 1)).astype(np.int64),
            post=ticks.synapses.post[order],
            weight=ticks.synapses.effective_weight[order].astype(np.int64),
            newest_word=np.where(depth > 0, newest_word, -1),
            newest_place=newest_place,
            keep=np.packbits(bits, axis=1, bitorder="little").view("<u8").ravel().astype(np.uint64),
            bits=np.uint64(self.bits),
            mask=np.uint64((1 << self.bits) - 1),
            slots_per_byte=8 // self.bits,
            registers=1 + history,
            is_narrow=ticks.is_narrow,
            is_still=_is_still(ticks),
        )


def _is_still(ticks: ProgramTicks) -> Bools:
    """Return which neurons stay silent and at rest while nothing arrives."""
    rest = np.zeros(ticks.program.n_neurons, np.int64)
    after = Interpreter(ticks.rule, ticks.parameters).tick(dict.fromkeys(ticks.rule.registers, rest), rest)
    registers = np.stack([np.broadcast_to(after.state[name], rest.shape) for name in ticks.rule.registers])
    found: Bools = (after.spikes == 0) & ~((registers != 0) & ticks.is_live).any(axis=0)
    return found


class _Code(NamedTuple):
    """The compiled tick of a rule, and the parameters that it reads, in order."""

    advanced: Callable[..., None]
    parameters: tuple[str, ...]


@lru_cache(maxsize=64)
def _code(rule: Rule) -> _Code:
    writer, target = Writer(frozenset()), rule.gather.target
    parameters = (*(each.name for each in rule.parameters), *(each.name for each in rule.constants))
    loads = [f"{writer.name(name)} = {_load(at)}" for at, name in enumerate(rule.registers)]
    reads = [f"{writer.name(name)} = values[{at}, i]" for at, name in enumerate(parameters)]
    at_rest = [f"{writer.name(name)} == 0" for name in dict.fromkeys((*rule.registers, target))]
    begin = _load(rule.registers.index(target)) if target in rule.registers else "kind(0)"
    stores = [line for at, name in enumerate(rule.registers) for line in _store(at, writer.name(name))]
    text = ADVANCE.format(
        begin=begin,
        target=writer.name(target),
        load=indented(loads, 3),
        read=indented(reads, 3),
        is_at_rest=" and ".join(at_rest),
        count=writer.name(COUNT),
        weight=writer.name(WEIGHT),
        gather=indented(writer.step(rule.gather), 6),
        steps=indented(writer.steps(rule.steps), 3),
        store=indented(stores, 3),
        spikes=writer.name(SPIKES),
        word_bits=WORD_BITS,
    )
    return _Code(generated(text).advanced, parameters)


def _load(register: int) -> str:
    """Return the code for the value of a register of neuron i; 0 where no tick depends on it."""
    place = f"live[{register}, i]"
    return f"unpacked(row[registers + {place} // per_word], {place}, is_narrow) if {place} >= 0 else kind(0)"


def _store(register: int, value: str) -> list[str]:
    """Return the code that writes a register of neuron i over zeros."""
    place = f"live[{register}, i]"
    return [f"if {place} >= 0:", f"    to[registers + {place} // per_word] |= packed({value}, {place}, is_narrow)"]
