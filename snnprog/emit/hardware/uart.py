"""A serial line in hardware: receiver and transmitter of bytes, 8 data bits, no parity, 1 stop bit.

Both count clocks: a bit takes ``divider`` of them, which is an input, so that one circuit serves every rate. Where it
is a constant, synthesis leaves nothing of it. The receiver looks at the middle of each bit, so that the clocks of the
two sides may differ by about 4 %: after 9.5 bits it must still be within half a bit.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

DATA_BITS = 8
DIVIDER_BITS = 12
"""Down to 12,207 baud at 50 MHz."""


class UartReceiver(wiring.Component):
    """Turn a serial line into bytes.

    A byte is valid for one clock, whether it is taken or not. One whose stop bit is not 1 is dropped; so is the line's
    being 0 for long (a break).

    Members
    -------
    divider : In(12)
        Clocks in a bit, at least 4: the two of the synchroniser must be less than half a bit.
    line : In(1)
    bytes : Out(stream of 8 bits)
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "divider": In(DIVIDER_BITS),
                "line": In(1, init=1),
                "bytes": Out(stream.Signature(DATA_BITS, always_ready=True)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Return the circuit."""
        m = Module()
        line = Signal(init=1)
        m.submodules += FFSynchronizer(self.line, line, init=1)
        clocks = Signal(DIVIDER_BITS)
        # One place more than data bits: the start bit, a 0, is shifted through and out as the last data bit comes in.
        bits = Signal(DATA_BITS + 1)
        m.d.comb += self.bytes.payload.eq(bits[1:])
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [clocks.eq(self.divider[1:] - 1), bits.eq(~0)]
                with m.If(~line):
                    m.next = "BITS"
            with m.State("BITS"):
                m.d.sync += clocks.eq(clocks - 1)
                with m.If(clocks == 0):
                    m.d.sync += [clocks.eq(self.divider - 1), bits.eq(Cat(bits[1:], line))]
                    with m.If(~bits[0]):  # the middle of the stop bit
                        m.d.comb += self.bytes.valid.eq(line)
                        m.next = "IDLE"
                    with m.Elif(bits.all() & line):  # no start bit, a disturbance
                        m.next = "IDLE"
        return m


class UartTransmitter(wiring.Component):
    """Turn bytes into a serial line.

    Members
    -------
    divider : In(12)
        Clocks in a bit.
    bytes : In(stream of 8 bits)
    line : Out(1)
    """

    def __init__(self) -> None:
        super().__init__(
            {"divider": In(DIVIDER_BITS), "bytes": In(stream.Signature(DATA_BITS)), "line": Out(1, init=1)}
        )

    def elaborate(self, platform: Any) -> Module:
        """Return the circuit."""
        m = Module()
        clocks = Signal(DIVIDER_BITS)
        bits = Signal(DATA_BITS + 1)  # data, and the stop bit
        left = Signal(range(DATA_BITS + 2))
        m.d.comb += self.bytes.ready.eq((left == 0) & (clocks == 0))
        with m.If(clocks != 0):
            m.d.sync += clocks.eq(clocks - 1)
        with m.Elif(left != 0):
            m.d.sync += [self.line.eq(bits[0]), bits.eq(bits[1:]), left.eq(left - 1), clocks.eq(self.divider - 1)]
        with m.Elif(self.bytes.valid):
            m.d.sync += [
                self.line.eq(0),
                bits.eq(Cat(self.bytes.payload, 1)),
                left.eq(DATA_BITS + 1),
                clocks.eq(self.divider - 1),
            ]
        return m
