"""The board's side of the serial protocol (`snnprog.emit.hardware.protocol`), and a whole core on a serial line."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, C, Cat, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.crc import catalog
from amaranth.lib.wiring import In, Out, connect

from snnprog.emit.hardware.protocol import (
    ADDRESS_BITS,
    AHEAD_BYTES,
    COMMANDS,
    END_OF_EVENTS,
    ERROR,
    EVENT_BITS,
    IDENTITY_BYTES,
    TO_LOWER,
    WORD_BITS,
    WORD_BYTES,
)
from snnprog.emit.hardware.uart import DIVIDER_BITS, UartReceiver, UartTransmitter


def core_ports() -> wiring.Signature:
    """Return the ports of the protocol: the user's side of a core's plain interface.

    Members
    -------
    events_in : stream of an input line's number
        Input events of the next tick; between ticks.
    tick, clear : strobes
        Run a tick; go back to rest, with the program kept. Only while the core is not busy.
    busy : level
        Whether the core is at work; from the clock after a strobe on.
    events_out : stream of an output's number
        While the tick runs; busy falls after the last of them was taken.
    load : stream of an address and a word
        Writes memories.
    peek_address : stream of an address, peek_data : stream of a word
        Reads memories. The address is held until the word is taken.
    """
    return wiring.Signature(
        {
            "events_in": Out(stream.Signature(EVENT_BITS)),
            "tick": Out(1),
            "clear": Out(1),
            "busy": In(1),
            "events_out": In(stream.Signature(EVENT_BITS)),
            "load": Out(stream.Signature(data.StructLayout({"address": ADDRESS_BITS, "data": WORD_BITS}))),
            "peek_address": Out(stream.Signature(ADDRESS_BITS)),
            "peek_data": In(stream.Signature(WORD_BITS)),
        }
    )


class SerialLink(wiring.Component):
    """The board's side of the protocol: bytes from and to a serial line on one side, a core on the other.

    Parameters
    ----------
    identity : bytes
        What ``I`` answers.
    """

    def __init__(self, identity: bytes) -> None:
        assert len(identity) == IDENTITY_BYTES
        self.identity = identity
        super().__init__(
            {"received": In(stream.Signature(8)), "sent": Out(stream.Signature(8)), "core": Out(core_ports())}
        )

    def elaborate(self, platform: Any) -> Module:
        """Return the circuit: one state machine for both directions, since each frame is answered before the next."""
        m = Module()
        m.submodules.crc = self._crc = catalog.CRC16_IBM_3740().create()
        self._command, self._left, self._place = Signal(8), Signal(8), Signal(3)
        self._word, self._address, self._has_address = Signal(WORD_BITS), Signal(ADDRESS_BITS), Signal()
        m.d.comb += [
            self.core.events_in.payload.eq(self._word[-EVENT_BITS:]),
            self.core.load.payload.address.eq(self._address),
            self.core.load.payload.data.eq(self._word),
            self.core.peek_address.payload.eq(self._address),
        ]
        with m.FSM():
            self._frame(m)
            self._check(m)
            self._answer(m)
        return m

    def _is(self, commands: bytes) -> Value:
        return self._command.matches(*commands)

    def _receive(self, m: Module) -> Any:
        """Take a byte into the checksum; the body of the context runs with it."""
        m.d.comb += [
            self.received.ready.eq(1),
            self._crc.data.eq(self.received.payload),
            self._crc.valid.eq(self.received.valid),
        ]
        return m.If(self.received.valid)

    def _send(self, m: Module, byte: ValueLike, *, is_checked: bool = True) -> Any:
        """Offer a byte; the body of the context runs when it is taken."""
        m.d.comb += [self.sent.payload.eq(byte), self.sent.valid.eq(1)]
        if is_checked:
            m.d.comb += [self._crc.data.eq(byte), self._crc.valid.eq(self.sent.ready)]
        return m.If(self.sent.ready)

    def _frame(self, m: Module) -> None:
        with m.State("IDLE"):
            m.d.comb += self._crc.start.eq(1)
            m.d.sync += [self._place.eq(0), self._has_address.eq(0)]
            with self._receive(m):
                m.d.sync += self._command.eq(self.received.payload)
                with m.If(self.received.payload != 0):
                    m.next = "LENGTH"
        with m.State("LENGTH"), self._receive(m):
            m.d.sync += self._left.eq(self.received.payload)
            m.next = "PAYLOAD"
        with m.State("PAYLOAD"):
            with m.If(self._left == 0):
                m.d.sync += self._place.eq(0)
                m.next = "CHECK_HIGH"
            with m.Else(), self._receive(m):
                m.d.sync += [
                    self._word.eq(Cat(self._word[8:], self.received.payload)),
                    self._left.eq(self._left - 1),
                    self._place.eq(self._place + 1),
                ]
                with m.If(self._is(b"ET") & self._place[0]):
                    m.next = "EVENT"
                with m.If(self._is(b"WP") & (self._place[:2] == WORD_BYTES - 1)):
                    m.next = "WORD"
        with m.State("EVENT"):
            m.d.comb += self.core.events_in.valid.eq(1)
            with m.If(self.core.events_in.ready):
                m.next = "PAYLOAD"
        with m.State("WORD"):
            with m.If(~self._has_address):
                m.d.sync += [self._address.eq(self._word), self._has_address.eq(1)]
                m.next = "PAYLOAD"
            with m.Else():
                m.d.comb += self.core.load.valid.eq(self._is(b"W"))
                with m.If(self.core.load.ready):
                    m.d.sync += self._address.eq(self._address + 1)
                    m.next = "PAYLOAD"

    def _check(self, m: Module) -> None:
        with m.State("CHECK_HIGH"), self._receive(m):
            m.next = "CHECK_LOW"
        with m.State("CHECK_LOW"), self._receive(m):
            m.next = "RUN"
        is_right = self._crc.match_detected & self._is(COMMANDS)
        with m.State("RUN"), m.If(~self.core.busy):
            m.d.comb += [
                self.core.tick.eq(is_right & self._is(b"T")),
                self.core.clear.eq(is_right & self._is(b"R")),
            ]
            with m.If(~is_right):
                m.d.sync += self._command.eq(ERROR[0])
            m.next = "HEAD"

    def _answer(self, m: Module) -> None:
        with m.State("HEAD"):
            m.d.comb += self._crc.start.eq(1)
            with self._send(m, self._command | TO_LOWER):
                m.next = "BODY"
        with m.State("BODY"), m.Switch(self._command):
            with m.Case(*b"I"):
                identity = Array(C(byte, 8) for byte in self.identity)
                with self._send(m, identity[self._place]):
                    m.d.sync += self._place.eq(self._place + 1)
                    with m.If(self._place == IDENTITY_BYTES - 1):
                        m.next = "SUM_HIGH"
            with m.Case(*b"T"), m.If(self.core.events_out.valid | ~self.core.busy):
                m.next = "EVENT_LOW"
            with m.Case(*b"P"):
                m.next = "PEEK"
            with m.Default(), m.If(~self.core.busy):
                m.next = "SUM_HIGH"
        event = Mux(self.core.events_out.valid, self.core.events_out.payload, END_OF_EVENTS)
        with m.State("EVENT_LOW"), self._send(m, event[:8]):
            m.next = "EVENT_HIGH"
        with m.State("EVENT_HIGH"), self._send(m, event[8:]):
            m.d.comb += self.core.events_out.ready.eq(1)
            m.next = "SUM_HIGH"
            with m.If(self.core.events_out.valid):
                m.next = "BODY"
        self._peeked(m)
        with m.State("SUM_HIGH"), self._send(m, self._crc.crc[8:], is_checked=False):
            m.next = "SUM_LOW"
        with m.State("SUM_LOW"), self._send(m, self._crc.crc[:8], is_checked=False):
            m.next = "IDLE"

    def _peeked(self, m: Module) -> None:
        count = self._word[-8:]
        byte = self.core.peek_data.payload.word_select(self._place[:2], 8)
        with m.State("PEEK"):
            m.d.comb += self.core.peek_address.valid.eq(count != 0)
            with m.If(count == 0):
                m.next = "SUM_HIGH"
            with m.Elif(self.core.peek_data.valid), self._send(m, byte):
                m.d.sync += self._place.eq(self._place + 1)
                with m.If(self._place[:2] == WORD_BYTES - 1):
                    m.d.comb += self.core.peek_data.ready.eq(1)
                    m.d.sync += [self._address.eq(self._address + 1), count.eq(count - 1)]


class SerialSystem(wiring.Component):
    """A core on a serial line: receiver, transmitter, a queue of received bytes and the protocol.

    Parameters
    ----------
    core : Component
        With the plain interface (see `core_ports`).
    identity : bytes
        What the core is known by.

    Members
    -------
    divider : In(12)
        Clocks in a bit of the line.
    rx : In(1), tx : Out(1)
        The line, as seen from the core.
    """

    def __init__(self, core: wiring.Component, *, identity: bytes) -> None:
        self._parts = core, SerialLink(identity)
        super().__init__({"divider": In(DIVIDER_BITS), "rx": In(1, init=1), "tx": Out(1, init=1)})

    def elaborate(self, platform: Any) -> Module:
        """Return the circuit."""
        m = Module()
        m.submodules.core, m.submodules.link = core, link = self._parts
        m.submodules.queue = queue = fifo.SyncFIFOBuffered(width=8, depth=AHEAD_BYTES)
        m.submodules.receiver, m.submodules.transmitter = receiver, transmitter = UartReceiver(), UartTransmitter()
        m.d.comb += [
            receiver.divider.eq(self.divider),
            transmitter.divider.eq(self.divider),
            receiver.line.eq(self.rx),
            self.tx.eq(transmitter.line),
            queue.w_data.eq(receiver.bytes.payload),
            queue.w_en.eq(receiver.bytes.valid),
        ]
        connect(m, queue.r_stream, link.received)
        connect(m, link.sent, transmitter.bytes)
        for name in ("events_in", "load", "peek_address"):
            _pass(m, getattr(link.core, name), getattr(core, name))
        for name in ("events_out", "peek_data"):
            _pass(m, getattr(core, name), getattr(link.core, name))
        m.d.comb += [core.tick.eq(link.core.tick), core.clear.eq(link.core.clear), link.core.busy.eq(core.busy)]
        return m


def _pass(m: Module, source: Any, sink: Any) -> None:
    """Connect two streams whose numbers may differ in width: a core counts only up to its size."""
    m.d.comb += [
        Value.cast(sink.payload).eq(Value.cast(source.payload)),
        sink.valid.eq(source.valid),
        source.ready.eq(sink.ready),
    ]
