"""The serial line and its protocol in hardware, clock by clock in a simulator, with a stand-in for the core."""

from __future__ import annotations

from typing import Any

import pytest
from hardware_tools import need

need("amaranth")

from amaranth.sim import Simulator  # noqa: E402
from small_core import SmallCore  # noqa: E402

from snnprog.emit.hardware.link import SerialSystem  # noqa: E402
from snnprog.emit.hardware.protocol import RESYNC_BYTES, answer, events, frame  # noqa: E402
from snnprog.emit.hardware.uart import UartReceiver, UartTransmitter  # noqa: E402

IDENTITY = b"ABCDEFGH"
DIVIDER = 4
REFUSED = bytes([0x21, 0xD5, 0xB3])


def bits_of(byte: int, *, stop: int = 1) -> list[int]:
    return [0, *(byte >> place & 1 for place in range(8)), stop]


def received(line: list[int], divider: int, clocks_per_bit: float) -> bytes:
    """Return what a receiver makes of bits that a sender with a clock of its own puts on the line."""
    receiver, got = UartReceiver(), bytearray()
    simulator = Simulator(receiver)
    simulator.add_clock(1e-6)

    async def bench(context: Any) -> None:
        context.set(receiver.divider, divider)
        for clock in range(int((len(line) + 2) * clocks_per_bit)):
            place = int(clock / clocks_per_bit)
            context.set(receiver.line, line[place] if place < len(line) else 1)
            await context.tick()
            if context.get(receiver.bytes.valid):
                got.append(context.get(receiver.bytes.payload))

    simulator.add_testbench(bench)
    simulator.run()
    return bytes(got)


def exchanged(sent: bytes, *, clocks: int) -> bytes:
    """Return what a system answers within so many clocks after the last byte."""
    system, got = SerialSystem(SmallCore(), identity=IDENTITY), bytearray()
    simulator = Simulator(system)
    simulator.add_clock(1e-6)

    async def host(context: Any) -> None:
        context.set(system.divider, DIVIDER)
        for byte in sent:
            for bit in bits_of(byte):
                context.set(system.rx, bit)
                await context.tick().repeat(DIVIDER)
        await context.tick().repeat(clocks)

    async def listener(context: Any) -> None:
        while True:
            await context.tick()
            if not context.get(system.tx):
                await context.tick().repeat(DIVIDER // 2)
                byte = 0
                for place in range(8):
                    await context.tick().repeat(DIVIDER)
                    byte |= context.get(system.tx) << place
                await context.tick().repeat(DIVIDER)
                got.append(byte)

    simulator.add_testbench(host)
    simulator.add_testbench(listener, background=True)
    simulator.run()
    return bytes(got)


@pytest.mark.parametrize(("divider", "clocks_per_bit"), [(4, 4.0), (5, 5.0), (24, 24.0), (24, 23.2), (24, 24.8)])
def test_bytes_are_received_whatever_the_clocks(divider: int, clocks_per_bit: float) -> None:
    content = bytes([0x00, 0xFF, 0x55, 0xAA, 0x01, 0x80, 0x7E])
    line = [1, 1, *(bit for byte in content for bit in bits_of(byte))]
    assert received(line, divider, clocks_per_bit) == content


def test_a_byte_without_a_stop_bit_is_dropped() -> None:
    line = [1, *bits_of(0x12), *bits_of(0x34, stop=0), *[1] * 12, *bits_of(0x56)]
    assert received(line, 8, 8.0) == b"\x12\x56"


def test_a_disturbance_shorter_than_half_a_bit_is_no_byte() -> None:
    quarter_bits = [1] * 4 + [0] + [1] * 40 + [bit for bit in bits_of(0x5A) for _ in range(4)]
    assert received(quarter_bits, 32, 8.0) == b"\x5a"


@pytest.mark.parametrize("divider", [4, 7])
def test_what_is_sent_is_what_bits_of_says(divider: int) -> None:
    transmitter, levels = UartTransmitter(), []
    simulator = Simulator(transmitter)
    simulator.add_clock(1e-6)

    async def bench(context: Any) -> None:
        context.set(transmitter.divider, divider)
        for byte in b"\x9c\x01":
            context.set(transmitter.bytes.payload, byte)
            context.set(transmitter.bytes.valid, 1)
            while not context.get(transmitter.bytes.ready):
                levels.append(context.get(transmitter.line))
                await context.tick()
            levels.append(context.get(transmitter.line))
            await context.tick()
            context.set(transmitter.bytes.valid, 0)
        for _ in range(10 * divider):
            levels.append(context.get(transmitter.line))
            await context.tick()

    simulator.add_testbench(bench)
    simulator.run()
    first = levels.index(0)
    assert levels[first + divider // 2 :: divider][:10] == bits_of(0x9C)
    second = first + 10 * divider + levels[first + 10 * divider :].index(0)
    assert levels[second + divider // 2 :: divider][:10] == bits_of(0x01)


WORDS = [(3).to_bytes(4, "little"), (0xDEADBEEF).to_bytes(4, "little"), (77).to_bytes(4, "little")]


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        pytest.param(frame(b"I"), answer(b"I", IDENTITY), id="identity"),
        pytest.param(frame(b"T"), answer(b"T", events([0xFFFF])), id="silent tick"),
        pytest.param(frame(b"T", events([5, 2])), answer(b"T", events([2, 5, 0xFFFF])), id="events"),
        pytest.param(
            frame(b"E", events([9])) + frame(b"T", events([1])),
            answer(b"E") + answer(b"T", events([1, 9, 0xFFFF])),
            id="events of two frames",
        ),
        pytest.param(
            frame(b"E", events([9])) + frame(b"R") + frame(b"T"),
            answer(b"E") + answer(b"R") + answer(b"T", events([0xFFFF])),
            id="back to rest",
        ),
        pytest.param(
            frame(b"W", b"".join(WORDS)) + frame(b"P", bytes([3, 0, 0, 2])),
            answer(b"W") + answer(b"P", WORDS[1] + WORDS[2]),
            id="memory",
        ),
        pytest.param(frame(b"P", bytes([3, 0, 0, 0])), answer(b"P"), id="no words"),
        pytest.param(b"\0\0\0" + frame(b"I"), answer(b"I", IDENTITY), id="zeros before a frame"),
        pytest.param(frame(b"X", b"abc") + frame(b"T"), REFUSED + answer(b"T", events([0xFFFF])), id="unknown command"),
        pytest.param(
            frame(b"T")[:-1] + b"\0" + frame(b"P", bytes([0, 0, 0, 1])),
            REFUSED + answer(b"P", bytes(4)),
            id="a wrong checksum runs no tick",
        ),
        pytest.param(
            frame(b"T", events([5]))[:3] + bytes(RESYNC_BYTES) + frame(b"R") + frame(b"T"),
            REFUSED + answer(b"R") + answer(b"T", events([0xFFFF])),
            id="a lost byte, and zeros",
        ),
    ],
)
def test_frames_are_answered(sent: bytes, answered: bytes) -> None:
    assert exchanged(sent, clocks=40 * DIVIDER * (len(answered) + 2)) == answered
