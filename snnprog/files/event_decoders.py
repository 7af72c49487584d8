"""Events of fixed length, decoded here: Prophesee's DAT and the 40-bit events of N-MNIST.

Each event is a word with fields, so NumPy decodes it without a library, and without changing the times of events that
are out of order (faery 0.7.1 replaces them by the latest earlier time).

Sources: docs.prophesee.ai, "DAT File Format"; Orchard et al., "Converting static image datasets to spiking neuromorphic
datasets using saccades" (2015), and its reader, for N-MNIST.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnprog.archive import read_bytes
from snnprog.errors import FormatError
from snnprog.files.event_formats import EVENT, Frame
from snnprog.files.event_recording import EventRecording

DAT_WRAP = 1 << 32  # microseconds: the range of 32 bits of time
ATIS_EVENT_BYTES = 5
ATIS_LIMIT_BYTES = 1 << 28  # a choice: N-MNIST's files have 20 kB, N-Caltech101's 1 MB
ATIS_OVERFLOW_ROW, ATIS_OVERFLOW_TIME = 240, 1 << 13


def read_dat(path: Path, frame: Frame) -> EventRecording:
    """Return the CD events of a DAT file: 32 bits of microseconds, 14 of x, 14 of y, 4 of polarity.

    A time that is before the last one by half of its range or more is assumed to have wrapped around.

    Raises
    ------
    FormatError
        If the file is missing or too large, or an event lies outside the sensor size in its header.
    """
    words = np.frombuffer(read_bytes(path), dtype="<u8", offset=frame.begin)
    events = np.zeros(words.size, dtype=EVENT)
    time = (words & (DAT_WRAP - 1)).astype(np.int64)
    time[1:] += DAT_WRAP * np.cumsum(np.diff(time) <= -DAT_WRAP // 2)
    events["t"], events["p"] = time, words >> 60 > 0
    events["x"], events["y"] = words >> 32 & 0x3FFF, words >> 46 & 0x3FFF
    if frame.size is not None:
        _check_inside(path, events, size=frame.size)
    return EventRecording(events, frame.name, sensor_size=frame.size)


def _check_inside(path: Path, events: NDArray[Any], *, size: tuple[int, int]) -> None:
    for name, extent in zip("xy", size, strict=True):
        outside = events[name] >= extent
        if outside.any():
            event = int(outside.argmax())
            raise FormatError(
                f"{path} is damaged: event {event} has {name} {events[name][event]}, and the sensor has 0 to"
                f" {extent - 1}"
            )


def read_atis(path: Path) -> EventRecording:
    """Return the 40-bit events of an ATIS, as in N-MNIST and N-Caltech101.

    Each has a byte of x, one of y, a bit of polarity and 23 bits of microseconds. A word with y = 240 is not an event:
    it adds 2^13 microseconds to all later times.

    Raises
    ------
    FormatError
        If the file is missing, too large, or cut off.
    """
    content = read_bytes(path)
    if len(content) % ATIS_EVENT_BYTES or len(content) > ATIS_LIMIT_BYTES:
        raise FormatError(
            f"{path} is cut off, or not an N-MNIST file: it has {len(content)} bytes, not a multiple of"
            f" {ATIS_EVENT_BYTES}, or more than {ATIS_LIMIT_BYTES}"
        )
    fields = np.frombuffer(content, dtype=np.uint8).reshape(-1, ATIS_EVENT_BYTES)
    is_overflow = fields[:, 1] == ATIS_OVERFLOW_ROW
    high, middle, low = (fields[:, column].astype(np.int64) for column in (2, 3, 4))
    time = ((high & 127) << 16 | middle << 8 | low) + ATIS_OVERFLOW_TIME * np.cumsum(is_overflow)
    kept = ~is_overflow
    events = np.zeros(int(np.count_nonzero(kept)), dtype=EVENT)
    events["x"], events["y"], events["t"], events["p"] = fields[kept, 0], fields[kept, 1], time[kept], high[kept] >> 7
    return EventRecording(events, "N-MNIST (40-bit ATIS events)")
