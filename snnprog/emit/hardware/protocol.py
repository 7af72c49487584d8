"""The protocol between a host and a core on a serial line: frames with lengths and checksums.

All numbers of more than one byte are little-endian, but for the checksum, whose high byte comes first. The host sends
frames and the board answers each, in order; a host may send up to `AHEAD_BYTES` bytes ahead of the answers.

A frame::

    byte 0        command, a capital letter
    byte 1        n, the number of bytes that follow before the checksum, 0 to 255
    n bytes       what the command needs
    2 bytes       CRC-16 of all bytes before, high byte first

An answer::

    byte 0        the command in lower case
    ...           what the command answers
    2 bytes       CRC-16 of all bytes before, high byte first

The CRC has polynomial 0x1021, starts as 0xFFFF and is neither reflected nor inverted (CRC-16/IBM-3740, in Python
``binascii.crc_hqx(data, 0xFFFF)``): every lost, added or changed byte of a frame shows but one in 65,536.

Commands, the bytes of their frames and what they are answered with:

``I``
    No bytes. Answered with 8 bytes, which say what core this is: the identity that the image of a program names.
``W`` address (4), words (4 each)
    Write words into memories, from the address on. Answered with no bytes.
``R``
    No bytes. Go back to rest: states, spikes that are under way and events; the program stays. Answered with no bytes.
``E`` events (2 each)
    Input events of the next tick, for ticks with more of them than a frame holds. Answered with no bytes.
``T`` events (2 each)
    Input events, too; then one tick. Answered with its output events (2 each), and FF FF behind them.
``P`` address (3), count (1)
    Read that many words, 0 to 255, from the address on. Answered with the words (4 each).

An event is the number of an input line, or of an output as the image numbers it; one that spikes several times is sent
several times.

A frame whose checksum is wrong, or whose command is unknown, is answered with ``!`` (0x21) and the CRC of that byte,
0xD5B3, and nothing is run. What a frame wrote before its checksum came, words and events, stays written: the host
resets the core, or loads it again.

A byte 0 where a frame would begin is skipped. So a host that does not know what the board waits for sends
`RESYNC_BYTES` zeros: they end any frame. Then it waits until the board is silent, and discards what it said.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable

AHEAD_BYTES = 512
"""The buffer of the board for pending frames: one block RAM of an iCE40."""

IDENTITY_BYTES = 8
ADDRESS_BITS, ADDRESS_BYTES = 24, 4
"""Of the bits, 4 name a core, 4 one of its memories, and 16 a word (`snnprog.emit.hardware.plan`)."""
WORD_BITS, WORD_BYTES = 32, 4
EVENT_BITS, EVENT_BYTES = 16, 2
END_OF_EVENTS = 0xFFFF
LONGEST_PAYLOAD = 255
RESYNC_BYTES = 2 + LONGEST_PAYLOAD + 2
COMMANDS = b"IWRETP"
ERROR = b"!"
TO_LOWER = 0x20  # in ASCII, what a capital letter and its small one differ in; "!" has it set


def frame(command: bytes, payload: bytes = b"") -> bytes:
    """Return the bytes of a frame."""
    return with_sum(command + bytes([len(payload)]) + payload)


def answer(command: bytes, content: bytes = b"") -> bytes:
    """Return the bytes that answer a command."""
    return with_sum(bytes([command[0] | TO_LOWER]) + content)


def with_sum(content: bytes) -> bytes:
    """Return bytes, followed by their checksum."""
    return content + binascii.crc_hqx(content, 0xFFFF).to_bytes(2, "big")


def events(numbers: Iterable[int]) -> bytes:
    """Return the bytes of events."""
    return b"".join(number.to_bytes(EVENT_BYTES, "little") for number in numbers)
