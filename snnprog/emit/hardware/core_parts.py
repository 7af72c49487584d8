"""Common parts of time-multiplexed cores: ports, memories, and their connections to the step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib.data import StructLayout
from amaranth.lib.stream import Signature
from amaranth.lib.wiring import In, Out

from snnprog.emit.hardware.memory import LargeMemory, SmallMemory
from snnprog.emit.hardware.plan import (
    IS_LAST,
    IS_OUTPUT,
    LINES,
    MEMORY_BITS,
    PLACE_BITS,
    SYNAPSES,
    CorePlan,
    Field,
    bits_for,
    word_widths,
)
from snnprog.emit.hardware.protocol import ADDRESS_BITS, WORD_BITS
from snnprog.emit.hardware.step import AFTER, BEFORE, SET, NeuronStep, clocks_of_step

MOST_DEPTH = 1.5
"""Between registers of the step, in additions: Loihi's step then takes 4 clocks. A choice; see benchmarks/fpga.py."""


def clocks_per_neuron(plan: CorePlan) -> int:
    """Return the clocks that each neuron takes in a tick: one to read, one to write, and those of its step."""
    return clocks_of_step(plan.chip.rule, plan.reach, most_depth=MOST_DEPTH) + 2


def plain_interface(*, inputs: int, events: int) -> dict[str, Any]:
    """Return the ports of a core (`snnprog.emit.hardware.core`).

    Parameters
    ----------
    inputs, events : int
        How many numbers there are for events in, and for events out.
    """
    word = StructLayout({"address": ADDRESS_BITS, "data": WORD_BITS})
    return {
        "events_in": In(Signature(unsigned(bits_for(inputs)))),
        "tick": In(1),
        "busy": Out(1),
        "done": Out(1),
        "events_out": Out(Signature(unsigned(bits_for(events)))),
        "load": In(Signature(word)),
        "peek_address": In(Signature(unsigned(ADDRESS_BITS))),
        "peek_data": Out(Signature(unsigned(WORD_BITS))),
        "clear": In(1),
    }


def value_of(place: Field, words: list[SmallMemory]) -> Value:
    """Return a field of the words at the outputs of some memories."""
    bits = words[place.word].found[place.first : place.first + place.shape.width]
    return bits.as_signed() if place.shape.signed else bits


@dataclass(frozen=True, eq=False)
class CoreMemories:
    """The memories of a core, by their names in `snnprog.emit.hardware.plan`; ``arriving`` has none there."""

    synapses: LargeMemory
    arriving: LargeMemory
    lines: SmallMemory
    columns: list[SmallMemory]
    states: list[SmallMemory]

    @classmethod
    def made(cls, m: Module, plan: CorePlan, *, arriving_bits: int, slots: int) -> CoreMemories:
        """Return new memories, and make them part of a module."""
        size = plan.size
        m.submodules.synapses = synapses = LargeMemory(word_widths(plan.synapse)[0], size.synapses)
        m.submodules.arriving = arriving = LargeMemory(arriving_bits, size.neurons * slots)
        m.submodules.lines = lines = SmallMemory(WORD_BITS, size.neurons + size.heard)
        columns = [SmallMemory(width, size.neurons) for width in word_widths(plan.parameters)]
        states = [SmallMemory(width, size.neurons) for width in word_widths(plan.stored)]
        for name, memories in (("column", columns), ("state", states)):
            for index, memory in enumerate(memories):
                m.submodules[f"{name}{index}"] = memory
        return cls(synapses, arriving, lines, columns, states)

    def connect_step(self, m: Module, plan: CorePlan, step: NeuronStep) -> tuple[Value, Value]:
        """Connect a step to the memories; return whether the neuron is an output, and whether it is the last."""
        for name, place in plan.stored.items():
            if hasattr(step, f"{BEFORE}{name}"):
                m.d.comb += getattr(step, f"{BEFORE}{name}").eq(value_of(place, self.states))
        for name, place in plan.parameters.items():
            if name not in (IS_OUTPUT, IS_LAST):
                m.d.comb += getattr(step, f"{SET}{name}").eq(value_of(place, self.columns))
        m.d.comb += step.gathered.eq(self.arriving.found)
        is_output, is_last = (value_of(plan.parameters[name], self.columns) for name in (IS_OUTPUT, IS_LAST))
        return is_output, is_last

    def connect_states(self, m: Module, plan: CorePlan, step: NeuronStep, *, is_clearing: Signal) -> None:
        """Write the results of a step, or 0, to the memories of states."""
        for index, memory in enumerate(self.states):
            after: list[Any] = []
            for name, place in plan.stored.items():
                if place.word == index:
                    after.append((place.first, getattr(step, f"{AFTER}{name}")))
            together = Cat(*(value for _, value in sorted(after, key=lambda each: each[0])))
            m.d.comb += memory.data.eq(Mux(is_clearing, 0, together))

    def connect_program(self, m: Module, load: Any, *, is_loading: Signal) -> None:
        """Write the loaded words to the memories of the program."""
        number = load.payload.address[PLACE_BITS : PLACE_BITS + MEMORY_BITS]
        for index, memory in enumerate([self.lines, *self.columns], LINES):
            m.d.comb += [
                memory.write_address.eq(load.payload.address),
                memory.data.eq(load.payload.data),
                memory.is_written.eq(is_loading & (number == index)),
            ]
        m.d.comb += self.synapses.data.eq(load.payload.data)
        m.d.comb += self.synapses.is_written.eq(is_loading & (number == SYNAPSES))

    def word_at(self, m: Module, plan: CorePlan, address: Value, others: tuple[LargeMemory, ...] = ()) -> Signal:
        """Return the word of a memory of states, or of one of the others, which follow them."""
        memories: list[Any] = [*self.states, *others]
        found = Signal(WORD_BITS)
        with m.Switch(address[PLACE_BITS : PLACE_BITS + MEMORY_BITS]):
            for number, memory in enumerate(memories, plan.first_state):
                with m.Case(number):
                    m.d.comb += found.eq(memory.found)
        return found
