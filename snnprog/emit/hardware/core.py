"""The time-multiplexed core: one neuron step for all neurons in turn, and a program that is loaded at start.

Ports, beside ``clk`` and ``rst`` (active high, takes all states back to rest):

====================  =========================================================================================
``events_in``         stream in: the number of an input that spikes at this tick
``tick``              in: strobe that starts a tick with the events that were taken since the last one
``busy``              out: the core is at work; between ticks it is not, and takes events, words and strobes
``done``              out: strobe at the end of a tick, after its last event was taken
``events_out``        stream out: the number of an output that spikes in this tick, in rising order
``load``              stream in: ``address`` (24 bits) and ``data`` (32 bits) of a word of the program
``peek_address``      stream in: the address of a word of states; it is taken together with its answer
``peek_data``         stream out: the word
``clear``             in: strobe that takes all states back to rest; the program stays
====================  =========================================================================================

A stream's payload is taken in each clock in which ``valid`` and ``ready`` are both 1. While the core is not busy,
``clear`` goes before ``tick``, and both before words, words before events, and events before peeking.

One tick takes one clock to start, `clocks_per_neuron` for each neuron, and for each line that spikes
`CLOCKS_PER_LINE` and `CLOCKS_PER_SYNAPSE` for each of its synapses, if events are taken as soon as they are there.

1. Neurons in turn: the registers, the parameters and what has arrived are read; the step's registers settle; the
   registers are written back, and what had arrived is cleared.
2. A neuron that spikes tells so, if it is an output, and its synapses are walked at once: each adds its weight to what
   arrives ``delay`` ticks later. Delays are at least 1, so that nothing is added to what this tick still reads; and an
   addition ends before the next one begins, so that no addition misses the one before it.

Accumulators are a ring of ``longest_delay + 1`` slots; the slot of this tick is the one that is read.
"""

from __future__ import annotations

from typing import Any

from amaranth import C, Cat, Module, Mux, Signal
from amaranth.lib.wiring import Component

from snnprog.emit.hardware.core_parts import MOST_DEPTH, CoreMemories, plain_interface
from snnprog.emit.hardware.memory import SmallMemory
from snnprog.emit.hardware.plan import CorePlan, bits_for
from snnprog.emit.hardware.step import GatherStep, NeuronStep

CLOCKS_PER_LINE, CLOCKS_PER_SYNAPSE = 4, 2


class NeuronCore(Component):
    """The core; see the module's text for its ports.

    Parameters
    ----------
    plan : CorePlan
        The chip's rule and how much there is room for.
    """

    def __init__(self, plan: CorePlan) -> None:
        self.plan = plan
        self._step = NeuronStep(plan.chip.rule, plan.reach, most_depth=MOST_DEPTH)
        super().__init__(plain_interface(inputs=plan.size.heard, events=plan.size.neurons))

    def elaborate(self, platform: Any) -> Module:
        """Return the logic."""
        plan, m = self.plan, Module()
        size, step = plan.size, self._step
        m.submodules.step = step
        neuron_bits, slot_bits = bits_for(size.neurons), bits_for(size.longest_delay + 1)
        place_bits = bits_for(size.synapses)

        # ------------------------------------------------------------------------------------------------ memories
        gathered = step.gathered.shape()
        low, high = plan.weights
        most = plan.chip.exponents[1]
        m.submodules.gather = gather = GatherStep(
            plan.chip.rule, plan.reach, weight=(low << most, high << most), count=(1, 1)
        )
        memories = CoreMemories.made(m, plan, arriving_bits=gathered.width, slots=size.longest_delay + 1)
        synapses, arriving, lines = memories.synapses, memories.arriving, memories.lines
        columns, states = memories.columns, memories.states

        # ---------------------------------------------------------------------------------------------- the counters
        neuron, slot = Signal(neuron_bits, name="neuron"), Signal(slot_bits, name="slot")
        at = Signal(place_bits, name="at")
        waited = Signal(range(max(step.clocks, 2)))
        is_ticking = Signal()

        # ------------------------------------------------------------------------------------------- the neuron's step
        is_clearing = Signal()
        is_output, is_last = memories.connect_step(m, plan, step)
        memories.connect_states(m, plan, step, is_clearing=is_clearing)
        for memory in states:
            m.d.comb += [
                memory.write_address.eq(neuron),
                memory.address.eq(Mux(is_ticking, neuron, self.peek_address.payload)),
            ]

        # --------------------------------------------------------------------------------------------------- a synapse
        word = synapses.found
        post, delay, weight, exponent = (
            word[place.first : place.first + place.shape.width] for place in plan.synapse.values()
        )
        m.d.sync += gather.weight.eq(weight.as_signed() * (C(1) << exponent))
        is_walking = Signal()
        m.d.comb += [
            gather.gathered.eq(arriving.found),
            gather.count.eq(1),
            arriving.address.eq(Mux(is_walking, Cat(post, (slot + delay)[:slot_bits]), Cat(neuron, slot))),
            arriving.data.eq(Mux(is_walking, gather.after_gathered, 0)),
            synapses.address.eq(at),
        ]
        start, end = lines.found[:16], lines.found[16:]

        # ------------------------------------------------------------------------------------------------- the program
        is_loading = Signal()
        memories.connect_program(m, self.load, is_loading=is_loading)
        for memory in columns:
            m.d.comb += memory.address.eq(neuron)
        m.d.comb += [
            lines.address.eq(Mux(is_ticking, neuron, size.neurons + self.events_in.payload)),
            self.events_out.payload.eq(neuron),
            self.busy.eq(1),
        ]
        found = memories.word_at(m, plan, self.peek_address.payload)
        m.d.comb += self.peek_data.payload.eq(found)

        def read(memories: list[SmallMemory]) -> list[Any]:
            return [memory.is_read.eq(1) for memory in memories]

        def walk(m: Module) -> None:
            m.d.comb += synapses.is_read.eq(1)
            m.d.sync += at.eq(at + 1)
            m.next = "GATHER"
            with m.If(at == end[:place_bits]):
                m.next = "NEXT"

        def go_on(m: Module) -> None:
            m.d.sync += neuron.eq(neuron + 1)
            m.next = "READ"
            with m.If(is_last):
                m.d.comb += self.done.eq(1)
                m.d.sync += [neuron.eq(0), slot.eq(slot + 1), is_ticking.eq(0)]
                m.next = "IDLE"

        with m.FSM(init="CLEAR"):
            with m.State("CLEAR"):
                m.d.comb += [is_clearing.eq(1), arriving.is_written.eq(1)]
                m.d.comb += [memory.is_written.eq(1) for memory in states]
                m.d.sync += Cat(neuron, slot).eq(Cat(neuron, slot) + 1)
                with m.If(Cat(neuron, slot).all()):
                    m.next = "IDLE"
            with m.State("IDLE"):
                m.d.comb += self.busy.eq(0)
                m.d.sync += at.eq(self.load.payload.address)
                with m.If(self.clear):
                    m.d.sync += slot.eq(0)
                    m.next = "CLEAR"
                with m.Elif(self.tick):
                    m.d.sync += is_ticking.eq(1)
                    m.next = "READ"
                with m.Elif(self.load.valid):
                    m.next = "LOAD"
                with m.Elif(self.events_in.valid):
                    m.d.comb += [self.events_in.ready.eq(1), lines.is_read.eq(1)]
                    m.next = "LINE"
                with m.Elif(self.peek_address.valid):
                    m.d.comb += read(states)
                    m.next = "PEEK"
            with m.State("LOAD"):
                m.d.comb += [is_loading.eq(1), self.load.ready.eq(1)]
                m.next = "IDLE"
            with m.State("PEEK"):
                m.d.comb += [self.peek_data.valid.eq(1), self.peek_address.ready.eq(self.peek_data.ready)]
                with m.If(self.peek_data.ready):
                    m.next = "IDLE"
            with m.State("READ"):
                m.d.comb += [*read(columns), *read(states), arriving.is_read.eq(1)]
                m.d.sync += waited.eq(0)
                m.next = "SETTLE" if step.clocks else "WRITE"
            with m.State("SETTLE"):
                m.d.sync += waited.eq(waited + 1)
                with m.If(waited == max(step.clocks - 1, 0)):
                    m.next = "WRITE"
            with m.State("WRITE"):
                m.d.comb += [memory.is_written.eq(1) for memory in states]
                m.d.comb += arriving.is_written.eq(1)
                with m.If(step.spikes):
                    m.next = "SPIKE"
                with m.Else():
                    go_on(m)
            with m.State("SPIKE"):
                m.d.comb += [self.events_out.valid.eq(is_output), lines.is_read.eq(1)]
                with m.If(self.events_out.ready | ~is_output):
                    m.next = "LINE"
            with m.State("LINE"):
                m.d.sync += at.eq(start)
                m.next = "SYNAPSE"
            with m.State("SYNAPSE"):
                walk(m)
            with m.State("GATHER"):
                m.d.comb += [is_walking.eq(1), arriving.is_read.eq(1)]
                m.next = "ADD"
            with m.State("ADD"):
                m.d.comb += [is_walking.eq(1), arriving.is_written.eq(1)]
                walk(m)
            with m.State("NEXT"):
                with m.If(is_ticking):
                    go_on(m)
                with m.Else():
                    m.next = "IDLE"
        return m
