"""Headers of event files, and a check that files are complete, before a library reads them.

Libraries treat the end of a truncated file as the end of the recording. So the structure of a file is checked
here first: the header, whether complete words follow it, and, in AEDAT 4, whether each packet ends within the file.

Sources: docs.prophesee.ai, "RAW File Format", "EVT 2.0 Format", "EVT 3.0 Format", "DAT File Format";
docs.inivation.com, "AEDAT 4.0", with its FlatBuffers schemas.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from snnprog.archive import SIZE_LIMIT_BYTES, SMALL_BYTES
from snnprog.errors import FormatError

AEDAT4, HDF5, NPY, ZIP = b"#!AER-DAT4.0\r\n", b"\x89HDF\r\n\x1a\n", b"\x93NUMPY", b"PK\3\4"
HEADER_LINES, LINE_BYTES = 1000, 4096  # a choice: cameras write about 20 lines of 100 bytes
LARGEST_SIZE = (2048, 2048)  # the range of coordinates in EVT 2.0 and 3.0: 11 bits
IO_HEADER_LIMIT = 1 << 24  # of text about a recording; known ones have 4 kB
CD_EVENTS = {0x00: "2D", 0x0C: "CD"}
EVENT = np.dtype([("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "?")])
"""The fields and types of events from libraries, as in Tonic."""

EVENT_RATIO = 128  # EVT 3.0's densest word has 2 bytes and makes 12 events of 13: 78 times as many


@dataclass(frozen=True)
class Frame:
    """The header of an event file.

    Attributes
    ----------
    kind : str
        The kind of reader: "aedat4", "evt2", "evt3" or "dat".
    name : str
        The name of the format in messages.
    size : (int, int), optional
        Width and height of the sensor, if they are in the header.
    begin : int
        Offset of the data.
    """

    kind: str
    name: str
    size: tuple[int, int] | None
    begin: int


def event_limit(size: int) -> int:
    """Return the maximum number of bytes of events for a file of a size."""
    return min(SIZE_LIMIT_BYTES, SMALL_BYTES + EVENT_RATIO * size)


def kind_of(path: Path) -> str:
    """Return "aedat4", "prophesee", "hdf5", "npy", "npz" or "atis", by the first bytes of an event file.

    Only N-MNIST's files ("atis") have no signature; they are recognised by their suffix, ``.bin``.

    Raises
    ------
    FormatError
        If it is not a supported event file, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            beginning = file.read(16)
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror}") from error
    marks = {AEDAT4: "aedat4", b"%": "prophesee", HDF5: "hdf5", NPY: "npy", ZIP: "npz"}
    kind = next((kind for mark, kind in marks.items() if beginning.startswith(mark)), None)
    if kind is not None:
        return kind
    if path.suffix == ".bin" and beginning:
        return "atis"
    if not beginning:
        raise FormatError(f"{path} is empty")
    version = re.match(rb"#!AER-DAT(\d\.\d)", beginning)
    if version is not None:
        raise FormatError(f"{path} is AEDAT {version[1].decode('ascii')}; AEDAT 4.0 is read: convert it first")
    raise FormatError(
        f"{path} is not an event recording: it begins with {beginning[:8]!r}; AEDAT 4, Prophesee .raw and .dat, N-MNIST"
        " .bin, .npy, .npz and .h5 are read"
    )


def frame_of(path: Path, kind: str) -> Frame:
    """Return the header of an AEDAT 4 or Prophesee file, after checking that the file is complete.

    Raises
    ------
    FormatError
        If it is cut off, or its header is damaged or names an unsupported format.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            return _aedat4(path, file, size) if kind == "aedat4" else _prophesee(path, file, size)
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror}") from error


# ---------------------------------------------------------------- Prophesee


def _prophesee(path: Path, file: BinaryIO, size: int) -> Frame:
    words, begin = _header(path, file)
    name = _version(words)
    sensor = _sensor_size(path, words)
    if name is None:
        return _dat(path, file, words, sensor=sensor, begin=begin, size=size)
    width = {"2.0": 4, "3.0": 2}.get(name)
    if width is None:
        raise FormatError(f"{path} holds EVT {name}; EVT 2.0 and 3.0 are read: convert it to one of them, or to DAT")
    _check_whole(path, size - begin, unit=width, name=f"EVT {name}")
    return Frame(f"evt{name[0]}", f"EVT {name}", sensor, begin)


def _header(path: Path, file: BinaryIO) -> tuple[dict[str, str], int]:
    """Return the words of a header, key to value, and where it ends: at a line ``% end``, or at one without a ``%``."""
    words: dict[str, str] = {}
    begin = 0
    for _ in range(HEADER_LINES):
        line = file.readline(LINE_BYTES)
        if not line.startswith(b"%"):
            return words, begin
        if not line.endswith(b"\n"):
            raise FormatError(f"{path} is cut off or damaged: a line of its header does not end")
        begin += len(line)
        key, _, value = line[1:].decode("utf-8", errors="replace").strip().partition(" ")
        if key == "end":
            return words, begin
        words[key.lower()] = value.strip()
    raise FormatError(f"{path} has more than {HEADER_LINES} lines of header; it is damaged")


def _version(words: dict[str, str]) -> str | None:
    """Return the version of EVT, as in "2.0", of a ``.raw``; None for other files."""
    found = re.match(r"EVT(\d(\.\d)?)", words.get("format", ""), re.ASCII | re.IGNORECASE)
    text = found[1] if found else words.get("evt")
    return None if text is None else text if "." in text else f"{text}.0"


def _sensor_size(path: Path, words: dict[str, str]) -> tuple[int, int] | None:
    """Return width and height, in any form of the header."""
    fields = dict(field.split("=", 1) for field in words.get("format", "").split(";") if "=" in field)
    geometry = words.get("geometry", "").split("x")
    width, height = geometry if len(geometry) == 2 else (words.get("width"), words.get("height"))
    width, height = fields.get("width", width), fields.get("height", height)
    if width is None or height is None:
        return None
    if not all(
        re.fullmatch(r"\d{1,5}", side.strip(), re.ASCII) and 0 < int(side) <= 1 << 14 for side in (width, height)
    ):
        raise FormatError(f"{path} has a damaged header: the sensor is {width} x {height}; 1 to {1 << 14} are possible")
    return int(width), int(height)


def _dat(
    path: Path, file: BinaryIO, words: dict[str, str], *, sensor: tuple[int, int] | None, begin: int, size: int
) -> Frame:
    file.seek(begin)
    found = file.read(2)
    if len(found) < 2:
        raise FormatError(f"{path} is cut off: it ends after its header")
    if words.get("version", "2") not in ("2", "2.0"):
        raise FormatError(f"{path} holds DAT {words['version']}; version 2 is read")
    if found[0] not in CD_EVENTS or found[1] != 8:
        raise FormatError(f"{path} holds events of type {found[0]} and {found[1]} bytes; CD events of 8 bytes are read")
    _check_whole(path, size - begin - 2, unit=8, name="DAT")
    return Frame("dat", "DAT 2", sensor, begin + 2)


def _check_whole(path: Path, size: int, *, unit: int, name: str) -> None:
    if size % unit:
        raise FormatError(f"{path} is cut off: {name} has words of {unit} bytes, and the last one has {size % unit}")


# ---------------------------------------------------------------- AEDAT 4


def _aedat4(path: Path, file: BinaryIO, size: int) -> Frame:
    """Walk from packet to packet: 4 bytes of stream, 4 of length, and the packet itself."""
    header, begin = _io_header(path, file)
    end = _table_place(path, header)
    if not (end == -1 or begin <= end <= size):
        raise FormatError(f"{path} is cut off: its file table is declared at byte {end}, and it has {size} bytes")
    end = size if end == -1 else end
    place = begin
    while place < end:
        file.seek(place)
        head = file.read(min(8, end - place))
        length = struct.unpack("<i", head[4:])[0] if len(head) == 8 else -1
        if length < 0 or place + 8 + length > end:
            raise FormatError(
                f"{path} is cut off or damaged: its packet at byte {place} does not end before byte {end}"
            )
        place += 8 + length
    return Frame("aedat4", "AEDAT 4.0", None, begin)


def _io_header(path: Path, file: BinaryIO) -> tuple[bytes, int]:
    file.seek(len(AEDAT4))
    prefix = file.read(4)
    length = struct.unpack("<I", prefix)[0] if len(prefix) == 4 else 0
    header = file.read(length) if length <= IO_HEADER_LIMIT else b""
    if not header or len(header) < length:
        raise FormatError(f"{path} is cut off or damaged: its header has {len(header)} of {length} bytes")
    return header, len(AEDAT4) + 4 + length


def _table_place(path: Path, header: bytes) -> int:
    """Return the second field of the FlatBuffers table of the header: the offset of the file table, or -1."""
    try:
        (table,) = struct.unpack_from("<I", header)
        vtable = table - struct.unpack_from("<i", header, table)[0]
        (length,) = struct.unpack_from("<H", header, vtable)
        (place,) = struct.unpack_from("<H", header, vtable + 6) if length >= 8 else (0,)
        return int(struct.unpack_from("<q", header, table + place)[0]) if place else -1
    except struct.error as error:
        raise FormatError(f"{path} has a damaged header: its fields lie outside it") from error
