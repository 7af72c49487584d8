"""A stand-in for a core: 16 words of memory, a count of ticks in word 0, and outputs that spike as the inputs did."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Module, Signal
from amaranth.lib import wiring

from snnprog.emit.hardware.link import core_ports

WORDS = 16


class SmallCore(wiring.Component):
    """The plain interface, with an output for each of 16 inputs."""

    def __init__(self) -> None:
        super().__init__(dict(core_ports().flip().members))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        words = Array(Signal(32, name=f"word{place}") for place in range(WORDS))
        waiting, is_ticking = Signal(WORDS), Signal()
        m.d.comb += [
            self.events_in.ready.eq(1),
            self.load.ready.eq(1),
            self.busy.eq(is_ticking),
            self.peek_data.valid.eq(self.peek_address.valid),
            self.peek_address.ready.eq(self.peek_data.ready),
            self.peek_data.payload.eq(words[self.peek_address.payload[:4]]),
        ]
        with m.If(self.events_in.valid):
            m.d.sync += waiting.bit_select(self.events_in.payload[:4], 1).eq(1)
        with m.If(self.load.valid):
            m.d.sync += words[self.load.payload.address[:4]].eq(self.load.payload.data)
        with m.If(self.tick):
            m.d.sync += [is_ticking.eq(1), words[0].eq(words[0] + 1)]
        with m.If(self.clear):
            m.d.sync += waiting.eq(0)
        with m.If(is_ticking):
            with m.If(waiting == 0):
                m.d.sync += is_ticking.eq(0)
            for place in reversed(range(WORDS)):
                with m.If(waiting[place]):
                    m.d.comb += self.events_out.payload.eq(place)
            m.d.comb += self.events_out.valid.eq(waiting != 0)
            with m.If(self.events_out.valid & self.events_out.ready):
                m.d.sync += waiting.bit_select(self.events_out.payload[:4], 1).eq(0)
        return m
