"""The core for rules that gather events in their order (Xylo's), or whose neurons spike several times in a tick.

Ports are those of `snnprog.emit.hardware.core`; an input that spikes several times is sent several times, up to
`snnprog.emit.hardware.plan.MOST_COUNT`, and so is an output. Delays are 1.

What a clipped sum becomes depends on the order of its events, and on the register that they are added to. So events
wait until the tick begins in which they act. Memory ``counts`` has a word for each line: how often it spiked in the
last tick, and, for inputs, how often it spikes in the one that comes. A tick has two parts:

1. Lines in turn, inputs first, then neurons, each in rising order: if a line spiked in the last tick, its synapses are
   walked, and each event is gathered at once in the register that memory ``arriving`` holds. A line that spiked several
   times has each synapse gathered so many times, one after another, which is the same: all its additions have one sign.
   An input's count of the coming tick becomes that of the last one.
2. Neurons in turn, as in the other core. How often each spikes is noted in ``counts``, and it tells so if it is an
   output. The register goes back to ``arriving``; where the rule gathers in none, 0 does.

A tick takes a clock to start, `CLOCKS_TO_SCAN` for each line, and for each neuron what it takes in the other core; for
each synapse of a line that spiked `CLOCKS_TO_FIND`, and `CLOCKS_PER_EVENT` for each of its spikes; and one for each
output event. An input event takes `CLOCKS_PER_INPUT`.
"""

from __future__ import annotations

from typing import Any

from amaranth import C, Cat, Module, Mux, Signal
from amaranth.lib.wiring import Component

from snnprog.emit.hardware.core_parts import MOST_DEPTH, CoreMemories, plain_interface
from snnprog.emit.hardware.memory import SmallMemory
from snnprog.emit.hardware.plan import MOST_COUNT, CorePlan, bits_for
from snnprog.emit.hardware.step import AFTER, GatherStep, NeuronStep

CLOCKS_TO_SCAN, CLOCKS_TO_FIND, CLOCKS_PER_EVENT, CLOCKS_PER_INPUT = 2, 1, 2, 2
COUNT_BITS = MOST_COUNT.bit_length()


class OrderedCore(Component):
    """The core; see the module's text.

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
        low, high = plan.weights
        most = plan.chip.exponents[1]
        m.submodules.gather = gather = GatherStep(
            plan.chip.rule, plan.reach, weight=(low << most, high << most), count=(1, 1)
        )
        memories = CoreMemories.made(m, plan, arriving_bits=step.gathered.shape().width, slots=1)
        m.submodules.counts = counts = SmallMemory(2 * COUNT_BITS, size.neurons + size.heard)

        # ---------------------------------------------------------------------------------------------- the counters
        n_lines = size.neurons + size.heard
        neuron, line = Signal(range(size.neurons), name="neuron"), Signal(range(n_lines), name="line")
        at, left = Signal(bits_for(size.synapses), name="at"), Signal(COUNT_BITS, name="left")
        waited = Signal(range(max(step.clocks, 2)))
        is_ticking = Signal()
        is_walking, is_clearing, is_counting = Signal(), Signal(), Signal()

        # ------------------------------------------------------------------------------------------- the neuron's step
        is_output, is_last = memories.connect_step(m, plan, step)
        memories.connect_states(m, plan, step, is_clearing=is_clearing)
        place = Mux(is_clearing, line[: len(neuron)], neuron)
        for memory in memories.states:
            m.d.comb += [
                memory.write_address.eq(place),
                memory.address.eq(Mux(is_ticking, neuron, self.peek_address.payload)),
            ]
        for memory in memories.columns:
            m.d.comb += memory.address.eq(neuron)
        kept = C(0) if plan.gathering is None else getattr(step, f"{AFTER}{plan.gathering}")

        # --------------------------------------------------------------------------------------------------- a synapse
        word = memories.synapses.found
        post, _, weight, exponent = (word[each.first : each.first + each.shape.width] for each in plan.synapse.values())
        m.d.sync += gather.weight.eq(weight.as_signed() * (C(1) << exponent))
        here = Mux(is_ticking, neuron, self.peek_address.payload)
        m.d.comb += [
            gather.gathered.eq(memories.arriving.found),
            gather.count.eq(1),
            memories.arriving.address.eq(Mux(is_walking, post, Mux(is_clearing, line, here))),
            memories.arriving.data.eq(Mux(is_walking, gather.after_gathered, Mux(is_clearing, 0, kept))),
            memories.synapses.address.eq(at),
        ]
        start, end = memories.lines.found[:16], memories.lines.found[16:]

        # ------------------------------------------------------------------------------------------------- the program
        is_loading = Signal()
        memories.connect_program(m, self.load, is_loading=is_loading)
        found = memories.word_at(m, plan, self.peek_address.payload, (memories.arriving,))
        m.d.comb += self.peek_data.payload.eq(found)

        # -------------------------------------------------------------------------------------- how often lines spiked
        heard = size.neurons + self.events_in.payload
        now, coming = counts.found[:COUNT_BITS], counts.found[COUNT_BITS:]
        m.d.comb += [
            memories.lines.address.eq(line),
            counts.address.eq(Mux(is_ticking, line, heard)),
            counts.write_address.eq(Mux(is_counting, neuron, line)),
            self.events_out.payload.eq(neuron),
            self.busy.eq(1),
        ]

        def follow(m: Module) -> None:
            """Go to the next line: inputs stand behind neurons, and come first."""
            m.d.sync += line.eq(line + 1)
            m.next = "SCAN"
            with m.If(line == n_lines - 1):
                m.d.sync += line.eq(0)
            with m.Elif(line == size.neurons - 1):
                m.next = "READ"

        def go_on(m: Module) -> None:
            m.d.sync += neuron.eq(neuron + 1)
            m.next = "READ"
            with m.If(is_last):
                m.d.comb += self.done.eq(1)
                m.d.sync += [neuron.eq(0), is_ticking.eq(0)]
                m.next = "IDLE"

        with m.FSM(init="CLEAR"):
            with m.State("CLEAR"):
                m.d.comb += [is_clearing.eq(1), memories.arriving.is_written.eq(1), counts.is_written.eq(1)]
                m.d.comb += [memory.is_written.eq(1) for memory in memories.states]
                m.d.sync += line.eq(line + 1)
                with m.If(line == n_lines - 1):
                    m.d.sync += line.eq(0)
                    m.next = "IDLE"
            with m.State("IDLE"):
                m.d.comb += self.busy.eq(0)
                m.d.sync += [at.eq(self.load.payload.address), line.eq(heard)]
                with m.If(self.clear):
                    m.d.sync += line.eq(0)
                    m.next = "CLEAR"
                with m.Elif(self.tick):
                    m.d.sync += [is_ticking.eq(1), line.eq(size.neurons)]
                    m.next = "SCAN"
                with m.Elif(self.load.valid):
                    m.next = "LOAD"
                with m.Elif(self.events_in.valid):
                    m.d.comb += [self.events_in.ready.eq(1), counts.is_read.eq(1)]
                    m.next = "COUNT"
                with m.Elif(self.peek_address.valid):
                    m.d.comb += [memory.is_read.eq(1) for memory in memories.states]
                    m.d.comb += memories.arriving.is_read.eq(1)
                    m.next = "PEEK"
            with m.State("LOAD"):
                m.d.comb += [is_loading.eq(1), self.load.ready.eq(1)]
                m.next = "IDLE"
            with m.State("COUNT"):
                m.d.comb += [counts.data.eq(Cat(now, (coming + 1)[:COUNT_BITS])), counts.is_written.eq(1)]
                m.next = "IDLE"
            with m.State("PEEK"):
                m.d.comb += [self.peek_data.valid.eq(1), self.peek_address.ready.eq(self.peek_data.ready)]
                with m.If(self.peek_data.ready):
                    m.next = "IDLE"
            with m.State("SCAN"):
                m.d.comb += [counts.is_read.eq(1), memories.lines.is_read.eq(1)]
                m.next = "LINE"
            with m.State("LINE"):
                m.d.comb += [counts.data.eq(coming), counts.is_written.eq(1)]
                m.d.sync += at.eq(start)
                with m.If((now == 0) | (start == end)):
                    follow(m)
                with m.Else():
                    m.next = "SYNAPSE"
            with m.State("SYNAPSE"):
                m.d.comb += memories.synapses.is_read.eq(1)
                m.d.sync += [at.eq(at + 1), left.eq(now)]
                m.next = "GATHER"
            with m.State("GATHER"):
                m.d.comb += [is_walking.eq(1), memories.arriving.is_read.eq(1)]
                m.next = "ADD"
            with m.State("ADD"):
                m.d.comb += [is_walking.eq(1), memories.arriving.is_written.eq(1)]
                m.d.sync += left.eq(left - 1)
                with m.If(left != 1):
                    m.next = "GATHER"
                with m.Elif(at != end[: len(at)]):
                    m.next = "SYNAPSE"
                with m.Else():
                    follow(m)
            with m.State("READ"):
                m.d.comb += [memory.is_read.eq(1) for memory in (*memories.columns, *memories.states)]
                m.d.comb += memories.arriving.is_read.eq(1)
                m.d.sync += waited.eq(0)
                m.next = "SETTLE" if step.clocks else "WRITE"
            with m.State("SETTLE"):
                m.d.sync += waited.eq(waited + 1)
                with m.If(waited == max(step.clocks - 1, 0)):
                    m.next = "WRITE"
            with m.State("WRITE"):
                m.d.comb += [memory.is_written.eq(1) for memory in memories.states]
                m.d.comb += memories.arriving.is_written.eq(1)
                m.d.comb += [is_counting.eq(1), counts.data.eq(step.spikes), counts.is_written.eq(1)]
                m.d.sync += left.eq(step.spikes)
                with m.If(is_output & (step.spikes != 0)):
                    m.next = "TELL"
                with m.Else():
                    go_on(m)
            with m.State("TELL"):
                m.d.comb += self.events_out.valid.eq(1)
                with m.If(self.events_out.ready):
                    m.d.sync += left.eq(left - 1)
                    with m.If(left == 1):
                        go_on(m)
        return m
