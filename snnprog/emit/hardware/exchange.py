"""The exchange that joins several cores: it starts their ticks together, and sends the spikes of each to all others.

``outside`` are the ports of a core (`snnprog.emit.hardware.core`), ``cores`` those of each core. A tick has two parts:

1. All cores run it at once. Each tells which of its neurons spike, if they are read out or heard by other cores; these
   numbers are kept, as many as the core has neurons.
2. When the last core is done, the numbers are taken one after another, those of core 0 first, each core's in the order
   in which it sent them. Each becomes an input event of every other core, and an output event if it is read out. The
   tick is done once all cores have taken all of them.

So a spike of tick t, which acts ``delay`` ticks later, is an event that other cores take before tick t + 1: they store
its synapses with ``delay - 1``, which may be 0.

An input event goes to all cores. A word goes to the core that its address names; the memory `OUTPUTS` of
`snnprog.emit.hardware.plan` is not in the core but here. The output event of neuron k of core c has the
number ``c * neurons + k``.
"""

from __future__ import annotations

from typing import Any

from amaranth import Array, Cat, Module, Signal
from amaranth.lib.wiring import Component, In, Out, Signature

from snnprog.emit.hardware.core_parts import plain_interface
from snnprog.emit.hardware.memory import SmallMemory
from snnprog.emit.hardware.plan import MEMORY_BITS, OUTPUTS, PLACE_BITS, CoreSize, bits_for


class SpikeExchange(Component):
    """The exchange of several cores; see the module's text for its ports.

    Parameters
    ----------
    size : CoreSize
    """

    def __init__(self, size: CoreSize) -> None:
        self.size = size
        outside = Signature(plain_interface(inputs=size.inputs, events=size.cores * size.neurons))
        core = Signature(plain_interface(inputs=size.heard, events=size.neurons))
        super().__init__({"outside": Out(outside), "cores": In(core).array(size.cores)})

    def elaborate(self, platform: Any) -> Module:
        """Return the logic."""
        size, outside, m = self.size, self.outside, Module()
        cores = [self.cores[index] for index in range(size.cores)]
        neuron_bits = bits_for(size.neurons)

        is_open, is_at_work = Signal(), Signal()  # words, strobes and events may come; some core is busy
        m.d.comb += [is_at_work.eq(Cat(core.busy for core in cores).any()), outside.busy.eq(~is_open | is_at_work)]
        m.d.comb += [core.tick.eq(is_open & outside.tick) for core in cores]
        m.d.comb += [core.clear.eq(is_open & outside.clear) for core in cores]

        # ------------------------------------------------------------------------------------- words, and spikes that
        # are sent
        outputs = Array(
            Signal(neuron_bits + 1, name=f"outputs{index}", reset_less=True) for index in range(size.cores)
        )  # part of the program, which a reset keeps
        self._words(m, cores, outputs, is_open=is_open)

        # ---------------------------------------------------------------------------------- the spikes that cores tell
        counts = Array(Signal(neuron_bits + 1, name=f"count{index}") for index in range(size.cores))
        spikes = [SmallMemory(neuron_bits, size.neurons) for _ in cores]
        at = Signal(neuron_bits + 1, name="at")
        for index, (core, memory) in enumerate(zip(cores, spikes, strict=True)):
            m.submodules[f"spikes{index}"] = memory
            m.d.comb += [
                core.events_out.ready.eq(1),
                memory.write_address.eq(counts[index]),
                memory.data.eq(core.events_out.payload),
                memory.is_written.eq(core.events_out.valid),
                memory.address.eq(at),
            ]
            with m.If(core.events_out.valid):
                m.d.sync += counts[index].eq(counts[index] + 1)
        found = Array(memory.found for memory in spikes)

        # ------------------------------------------------------------------------------------------ the event under way
        event, source = Signal(bits_for(size.heard), name="event"), Signal(range(size.cores), name="source")
        number = Cat(found[source], source)
        waiting = Signal(size.cores)  # for each core, whether it has still to take the event
        is_sent_outside, is_ending = (
            Signal(),
            Signal(),
        )  # whether the event goes outside, and whether it is one of a tick's end
        for index, core in enumerate(cores):
            m.d.comb += [core.events_in.valid.eq(waiting[index]), core.events_in.payload.eq(event)]
            with m.If(core.events_in.ready):
                m.d.sync += waiting[index].eq(0)
        m.d.comb += [outside.events_out.valid.eq(is_sent_outside), outside.events_out.payload.eq(number)]
        with m.If(outside.events_out.ready):
            m.d.sync += is_sent_outside.eq(0)

        with m.FSM(init="OPEN"):
            with m.State("OPEN"):
                m.d.comb += is_open.eq(1)
                m.d.sync += [at.eq(0), source.eq(0), is_ending.eq(0), event.eq(outside.events_in.payload)]
                with m.If(is_at_work | outside.clear):
                    pass
                with m.Elif(outside.tick):
                    m.d.sync += [count.eq(0) for count in counts]
                    m.next = "RUN"
                with m.Elif(~outside.load.valid & outside.events_in.valid):
                    m.d.comb += outside.events_in.ready.eq(1)
                    m.d.sync += waiting.eq(-1)
                    m.next = "SEND"
            with m.State("RUN"), m.If(~is_at_work):
                m.next = "NEXT"
            with m.State("NEXT"):
                m.d.comb += [memory.is_read.eq(1) for memory in spikes]
                m.d.sync += is_ending.eq(1)
                with m.If(at != counts[source]):
                    m.next = "TAKE"
                with m.Elif(source != size.cores - 1):
                    m.d.sync += [source.eq(source + 1), at.eq(0)]
                with m.Elif(~is_at_work):
                    m.d.comb += outside.done.eq(1)
                    m.next = "OPEN"
            with m.State("TAKE"):
                m.d.sync += [
                    event.eq(size.inputs + number),
                    waiting.eq(~(1 << source)),
                    is_sent_outside.eq(found[source] < outputs[source]),
                    at.eq(at + 1),
                ]
                m.next = "SEND"
            with m.State("SEND"), m.If(~waiting.any() & ~is_sent_outside):
                m.next = "OPEN"
                with m.If(is_ending):
                    m.next = "NEXT"
        return m

    def _words(self, m: Module, cores: list[Any], outputs: Array[Signal], *, is_open: Signal) -> None:
        """Send words to the core of their addresses, and words of states back."""
        outside = self.outside
        first, last = PLACE_BITS, PLACE_BITS + MEMORY_BITS
        loaded, peeked = outside.load.payload.address, outside.peek_address.payload
        is_output = loaded[first:last] == OUTPUTS
        for index, core in enumerate(cores):
            m.d.comb += [core.load.payload.eq(outside.load.payload), core.peek_address.payload.eq(peeked)]
            with m.If(is_open & outside.load.valid & (loaded[last:] == index)):
                m.d.comb += [core.load.valid.eq(~is_output), outside.load.ready.eq(core.load.ready | is_output)]
                with m.If(is_output):
                    m.d.sync += outputs[index].eq(outside.load.payload.data)
            with m.If(peeked[last:] == index):
                m.d.comb += [
                    core.peek_address.valid.eq(is_open & outside.peek_address.valid & ~outside.events_in.valid),
                    core.peek_data.ready.eq(outside.peek_data.ready),
                    outside.peek_data.valid.eq(core.peek_data.valid),
                    outside.peek_data.payload.eq(core.peek_data.payload),
                    outside.peek_address.ready.eq(core.peek_address.ready),
                ]
