"""Writers of event recordings for tests, one per format, each from the public description of that format.

Events are structured arrays of `EVENT`, with times that do not decrease; a writer returns the bytes of a file.

Sources: docs.prophesee.ai, "EVT 2.0 Format", "EVT 3.0 Format", "RAW File Format" and "DAT File Format";
docs.inivation.com, "AEDAT 4.0", with its FlatBuffers schemas; flatbuffers.dev, "FlatBuffers internals"; the LZ4 frame
format 1.6.4 and RFC 8878 (Zstandard), of which only stored blocks are written; garrickorchard.com, "N-MNIST", for the
40-bit events.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

EVENT = np.dtype([("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "?")])
Events = NDArray[np.void]


def events_of(rows: Sequence[tuple[int, int, int, int]]) -> Events:
    """Return events from rows of x, y, t and p."""
    return np.array(rows, dtype=EVENT)


def random_events(seed: int, count: int, *, size: tuple[int, int] = (34, 34), last: int = 300_000) -> Events:
    """Return that many events on a sensor of (width, height), sorted by time in microseconds."""
    rng = np.random.default_rng(seed)
    events = np.zeros(count, dtype=EVENT)
    events["x"], events["y"] = rng.integers(0, size[0], count), rng.integers(0, size[1], count)
    events["t"] = np.sort(rng.integers(0, last, count))
    events["p"] = rng.random(count) < 0.5
    return events


# ---------------------------------------------------------------- N-MNIST


def atis_bytes(events: Events) -> bytes:
    """Return 40-bit events: x, y, then polarity and 23 bits of time, with an overflow event for each 2^13 beyond."""
    written, passed = bytearray(), 0
    for x, y, t, p in events.tolist():
        while t - passed >= 1 << 23:
            passed += 1 << 13
            written += bytes((0, 240, 0, 0, 0))
        written += bytes((x, y)) + (int(p) << 23 | (t - passed)).to_bytes(3, "big")
    return bytes(written)


# ---------------------------------------------------------------- Prophesee


def raw_header(version: str, size: tuple[int, int] | None, *, end: bool = True) -> bytes:
    lines = ["% date 2024-05-01 10:00:00", f"% evt {version}"]
    lines += [] if size is None else [f"% geometry {size[0]}x{size[1]}"]
    return "".join(f"{line}\n" for line in [*lines, *(["% end"] if end else [])]).encode("ascii")


def evt2_bytes(events: Events, *, size: tuple[int, int] | None = (34, 34), end: bool = True) -> bytes:
    """Return an EVT 2.0 file; the high 28 bits of time are written whenever they change."""
    words: list[int] = []
    high = -1
    for x, y, t, p in events.tolist():
        if t >> 6 != high:
            high = t >> 6
            words.append(0b1000 << 28 | high & 0xFFFFFFF)
        words.append(int(p) << 28 | (t & 63) << 22 | x << 11 | y)
    return raw_header("2.0", size, end=end) + struct.pack(f"<{len(words)}I", *words)


def evt3_bytes(
    events: Events, *, size: tuple[int, int] | None = (34, 34), end: bool = True, vectors: bool = False
) -> bytes:
    """Return an EVT 3.0 file, single events or vectors of 12 and 8 where neighbours fired at once."""
    words: list[int] = []
    time, row = -1, -1
    for x, y, t, p, mask, width in _vectors(events) if vectors else _singles(events):
        if t != time:
            passed = range((time >> 12) + 1, (t >> 12) + 1) if time >= 0 else (t >> 12,)
            words += [0b1000 << 12 | high & 0xFFF for high in passed]  # each, as a camera writes them in silence, too
            words.append(0b0110 << 12 | t & 0xFFF)
            time = t
        if y != row:
            words.append(y)
            row = y
        if width == 1:
            words.append(0b0010 << 12 | p << 11 | x)
        else:
            words += [0b0011 << 12 | p << 11 | x, (0b0100 if width == 12 else 0b0101) << 12 | mask]
    return raw_header("3.0", size, end=end) + struct.pack(f"<{len(words)}H", *words)


def _singles(events: Events) -> list[tuple[int, int, int, int, int, int]]:
    return [(x, y, t, int(p), 1, 1) for x, y, t, p in events.tolist()]


def _vectors(events: Events) -> list[tuple[int, int, int, int, int, int]]:
    """Return (x, y, t, p, mask, width) of words: runs of one time, row and polarity, 12 or 8 columns wide."""
    found: list[tuple[int, int, int, int, int, int]] = []
    for x, y, t, p in sorted(set(events.tolist()), key=lambda event: (event[2], event[1], event[3], event[0])):
        base, row, time, on, mask, width = found[-1] if found else (0, -1, -1, 0, 0, 12)
        if (row, time, on) == (y, t, int(p)) and x - base < width:
            found[-1] = (base, row, time, on, mask | 1 << (x - base), width)
        else:
            found.append((x, y, t, int(p), 1, 12 if len(found) % 2 else 8))
    return found


def dat_bytes(events: Events, *, size: tuple[int, int] | None = (34, 34), kind: int = 12, version: int = 2) -> bytes:
    """Return a DAT file of CD events: 32 bits of time, 14 of x, 14 of y, 4 of polarity."""
    lines = ["% Data file containing CD events", f"% Version {version}"]
    lines += [] if size is None else [f"% Width {size[0]}", f"% Height {size[1]}"]
    words = [t | x << 32 | y << 46 | int(p) << 60 for x, y, t, p in events.tolist()]
    return (
        "".join(f"{line}\n" for line in lines).encode("ascii")
        + bytes((kind, 8))
        + struct.pack(f"<{len(words)}Q", *words)
    )


# ---------------------------------------------------------------- AEDAT 4


def aedat4_bytes(
    events: Events,
    *,
    size: tuple[int, int] = (34, 34),
    packing: str = "none",
    length: int = 100,
    has_table: bool = True,
    streams: Sequence[int] = (0,),
) -> bytes:
    """Return an AEDAT 4.0 file; packets of ``length`` events go to the streams in turn."""
    packets = [events[first : first + length] for first in range(0, len(events), length)] or [events]
    body, table = b"", []
    offset = 14 + len(_io_header(size, packing, table_at=0, streams=streams))
    for number, packet in enumerate(packets):
        content = _packed(_event_packet(packet), packing)
        stream = streams[number % len(streams)]
        table.append((offset + len(body), stream, len(content), packet))
        body += struct.pack("<ii", stream, len(content)) + content
    at = offset + len(body) if has_table else -1
    ending = _packed(_file_table(table), packing) if has_table else b""
    return b"#!AER-DAT4.0\r\n" + _io_header(size, packing, table_at=at, streams=streams) + body + ending


PACKINGS = {"none": 0, "lz4": 1, "zstd": 3}


def _packed(content: bytes, packing: str) -> bytes:
    if packing == "none":
        return content
    return _lz4_frame(content) if packing == "lz4" else _zstd_frame(content)


def _io_header(size: tuple[int, int], packing: str, *, table_at: int, streams: Sequence[int]) -> bytes:
    """Return the size-prefixed FlatBuffers table IOHeader: compression, place of the file data table, description."""
    nodes = "".join(
        f'<node name="{stream}" path="/mainloop/Recorder/outInfo/{stream}/">'
        '<attr key="compression" type="string">NONE</attr><attr key="originalModuleName" type="string">camera</attr>'
        '<attr key="originalOutputName" type="string">events</attr>'
        '<attr key="typeDescription" type="string">Array of events (polarity ON/OFF).</attr>'
        '<attr key="typeIdentifier" type="string">EVTS</attr>'
        f'<node name="info" path="/mainloop/Recorder/outInfo/{stream}/info/">'
        f'<attr key="sizeX" type="int">{size[0]}</attr><attr key="sizeY" type="int">{size[1]}</attr>'
        '<attr key="source" type="string">camera</attr></node></node>'
        for stream in streams
    )
    text = f'<dv version="2.0"><node name="outInfo" path="/mainloop/Recorder/outInfo/">{nodes}</node></dv>'.encode()
    # root at 24 (vtable at 8: sizes 10 and 20; fields at 16, 8, 4), description at 44, all counted without the prefix
    vtable = struct.pack("<5H", 10, 20, 16, 8, 4).ljust(12, b"\0")
    table = struct.pack("<iIqi", 20 - 8, 20, table_at, PACKINGS[packing])
    content = struct.pack("<I4s", 20, b"IOHE") + vtable + table
    content += bytes(4) + struct.pack("<I", len(text)) + text + b"\0"
    content = content.ljust(-(-len(content) // 8) * 8, b"\0")
    return struct.pack("<I", len(content)) + content


def _event_packet(events: Events) -> bytes:
    """Return the size-prefixed FlatBuffers table EventPacket; events are 16 bytes each, at a multiple of 8."""
    content = struct.pack("<I4s", 16, b"EVTS") + struct.pack("<3H2x", 6, 8, 4)
    content += struct.pack("<iI", 16 - 8, 12) + bytes(8) + struct.pack("<I", len(events))
    content += b"".join(struct.pack("<qhhB3x", t, x, y, int(p)) for x, y, t, p in events.tolist())
    return struct.pack("<I", len(content)) + content


def _file_table(packets: Sequence[tuple[int, int, int, Events]]) -> bytes:
    """Return the size-prefixed FlatBuffers table FileDataTable: where each packet begins, and what is in it."""
    count = len(packets)
    content = struct.pack("<I4s", 16, b"FTAB") + struct.pack("<3H2x", 6, 8, 4) + struct.pack("<iI", 16 - 8, 4)
    content += struct.pack("<I", count)
    vtable = 28 + 4 * count
    vtable += -vtable % 4
    first = vtable + 16  # a vtable of 14 bytes, padded
    first += (4 - first) % 8  # counted with the prefix, longs stand at multiples of 8
    tables = b""
    for number, (offset, stream, length, events) in enumerate(packets):
        place = first + 48 * number
        content += struct.pack("<I", place - (24 + 4 + 4 * number))
        times = events["t"] if len(events) else np.zeros(1, dtype=np.int64)
        tables += struct.pack("<i", place - vtable) + struct.pack("<ii", stream, length)
        tables += bytes(0) + struct.pack("<4xqqqq", offset, len(events), int(times[0]), int(times[-1]))
    content = content.ljust(vtable, b"\0")
    content += struct.pack("<7H", 14, 48, 16, 4, 24, 32, 40)
    content = content.ljust(first, b"\0") + tables
    return struct.pack("<I", len(content)) + content


def _zstd_frame(content: bytes) -> bytes:
    """Return a Zstandard frame of stored blocks (RFC 8878, sections 3.1.1.1 and 3.1.1.2)."""
    frame = struct.pack("<IBI", 0xFD2FB528, 0b10100000, len(content))  # single segment, content size of 4 bytes
    blocks = [content[first : first + (1 << 16)] for first in range(0, len(content), 1 << 16)] or [b""]
    for number, block in enumerate(blocks):
        header = len(block) << 3 | (number == len(blocks) - 1)
        frame += header.to_bytes(3, "little") + block
    return frame


def zstd_bomb(blocks: int) -> bytes:
    """Return a Zstandard frame of 4 bytes for each 128 KiB that it unpacks to: blocks of one byte, repeated."""
    header = struct.pack("<IBB", 0xFD2FB528, 0, 0x58)  # a window of 2 MiB, and no content size
    block = [(1 << 17 << 3 | 1 << 1 | is_last).to_bytes(3, "little") + b"\0" for is_last in (0, 1)]
    return header + block[0] * (blocks - 1) + block[1]


def _lz4_frame(content: bytes) -> bytes:
    """Return an LZ4 frame of stored blocks of at most 64 KiB, independent of each other."""
    descriptor = bytes((0b01100000, 0b01000000))
    frame = struct.pack("<I", 0x184D2204) + descriptor + bytes(((_xxh32(descriptor) >> 8) & 0xFF,))
    for first in range(0, len(content), 1 << 16):
        block = content[first : first + (1 << 16)]
        frame += struct.pack("<I", 1 << 31 | len(block)) + block
    return frame + bytes(4)


def _xxh32(content: bytes) -> int:
    """Return the XXH32 hash with seed 0 of less than 16 bytes (xxHash specification 0.1.1)."""
    first, second, third, fourth, fifth = 2654435761, 2246822519, 3266489917, 668265263, 374761393
    value, mask = fifth + len(content), 0xFFFFFFFF
    whole = len(content) // 4 * 4
    for place in range(0, whole, 4):
        value = (value + struct.unpack_from("<I", content, place)[0] * third) & mask
        value = (value << 17 | value >> 15) * fourth & mask
    for byte in content[whole:]:
        value = (value + byte * fifth) & mask
        value = (value << 11 | value >> 21) * first & mask
    value = (value ^ value >> 15) * second & mask
    value = (value ^ value >> 13) * third & mask
    return value ^ value >> 16
