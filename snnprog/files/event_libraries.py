"""Safe reading of AEDAT 4 and Prophesee files: by libraries in a separate process, with limits.

See `snnprog.files.event_process`. The results are plain arrays, and every fault is one sentence.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from snnprog.archive import check_regular, read_bytes
from snnprog.errors import FormatError, SnnprogError, SpecError
from snnprog.files.event_formats import EVENT, event_limit
from snnprog.files.event_recording import EventRecording
from snnprog.files.hdf5_copy import REFUSED, UNUSABLE, Copy, RefusalError, read_copy
from snnprog.files.reader_failures import reading_failure
from snnprog.processes.commands import Ending, ending_of
from snnprog.processes.isolation import own_module
from snnprog.processes.surroundings import ONE_THREAD
from snnprog.temporaries import temporary_folder

READER, REASON_FILE = "snnprog.files.event_process", "reason"
TIME_LIMIT_S = 120.0


def read_with_libraries(path: Path, kind: str, stream: int | None) -> EventRecording:
    """Return the events of an AEDAT 4 file or a Prophesee ``.raw`` whose structure was checked.

    Raises
    ------
    FormatError
        If the file is missing, damaged or cut off, holds no such stream of events, or takes more memory or time than a
        file of its size may.
    SpecError
        If no package that reads it is installed.
    """
    size = check_regular(path)
    with temporary_folder() as folder:
        words = [str(path.absolute()), kind, "" if stream is None else str(stream), str(folder)]
        ending = ending_of(own_module(READER, words), limit_s=TIME_LIMIT_S, folder=folder, settings=ONE_THREAD)
        if ending.failure:
            raise _error(path, ending, folder)
        try:
            return _recording(read_copy(folder, limit=event_limit(size)))
        except (ValueError, KeyError, RefusalError) as error:
            raise FormatError(f"{path} cannot be read: its reader wrote an invalid result: {error}") from error


def _recording(copied: Copy) -> EventRecording:
    parts = dict(zip((name or attribute for name, attribute in copied.index), copied.arrays, strict=True))
    events = np.zeros(len(parts["t"]), dtype=EVENT)
    for field in ("x", "y", "t", "p"):
        events[field] = parts[field]
    size = [int(side) for side in parts["size"]]
    return EventRecording(
        events=events,
        format=str(parts["format"]),
        reader=str(parts["reader"]),
        sensor_size=(size[0], size[1]) if size else None,
    )


def _error(path: Path, ending: Ending, folder: Path) -> SnnprogError:
    """Return the error for a failed reading process."""
    reason = _reason(folder)
    if ending.code == UNUSABLE:
        return SpecError(f"reading {path} needs a package: pip install 'snnprog[events]' ({reason})")
    if ending.code == REFUSED and reason:
        return FormatError(f"{path} cannot be read: {reason}")
    return reading_failure(path, ending, library="the library that reads it")


def _reason(folder: Path) -> str:
    try:
        return read_bytes(folder / REASON_FILE).decode("utf-8", errors="replace")
    except FormatError:
        return ""
