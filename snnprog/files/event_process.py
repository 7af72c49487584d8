"""The process that decodes AEDAT 4 and EVT files, separate because native libraries may crash or hang.

aedat and faery read AEDAT 4, faery and evlib read EVT 2.0 and 3.0. They are tried in
order until one that is installed succeeds. Results are checked against the size of the sensor.

Measured with aedat 2.3.0, faery 0.7.1 and evlib 0.13.2 on files written by this project and a recording of a
Prophesee camera: all return the same events of AEDAT 4, EVT 2.0 and EVT 3.0. evlib does not read
AEDAT 4 with Zstandard and brings 700 MB of packages, so it is used if it is installed, but is not a dependency; faery
panics on EVT 2.1.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnprog.errors import FormatError
from snnprog.files.event_formats import EVENT, LARGEST_SIZE, Frame, event_limit, frame_of
from snnprog.files.hdf5_copy import REFUSED, UNUSABLE, Copy, RefusalError, write_copy
from snnprog.files.process_limits import READ_SHARES, limit_memory, limit_time_and_files
from snnprog.wording import counted

MESSAGE_CHARACTERS = 1000
REASON_FILE = "reason"
TOO_LARGE = "it unpacks to more than a file of its size may"
NO_OPERATION: Mapping[str, bytes] = MappingProxyType({"evt2": b"\0\0\0\xe0", "evt3": b"\0\xe0"})
"""A word of type OTHERS without content, which all readers skip ("EVT 2.0 Format" and "EVT 3.0 Format")."""

Chunks = Iterator[Mapping[str, NDArray[Any]]]


def imported(kind: str) -> tuple[dict[str, Any], list[str]]:
    """Return the packages that read a kind of file, by name, and why others cannot be imported."""
    libraries: dict[str, Any] = {}
    failures = []
    for package in READERS[kind]:
        try:
            libraries[package] = importlib.import_module(package)
        except Exception as error:
            failures.append(f"{package} cannot be imported: {error}")
    return libraries, failures


def copy_events(
    path: Path, frame: Frame, stream: int | None, *, libraries: Mapping[str, Any], copied: Copy, folder: Path
) -> None:
    """Copy the events of a file: arrays x, y, t and p, the reader, and the sensor size if known.

    Raises
    ------
    RefusalError
        If no library can read it, or a returned event lies outside the sensor.
    """
    failures = []
    for package, library in libraries.items():
        try:
            size, chunks = READERS[frame.kind][package](library, path, frame, stream, folder)
            events = _joined(chunks, copied)
        except (RefusalError, MemoryError):
            raise
        except BaseException as error:  # a panic of a Rust library is not an Exception
            failures.append(f"{package} says: {' '.join(str(error).split()) or type(error).__name__}")
            continue
        _check_inside(events, size)
        _keep(events, frame, size=size, reader=f"{package} {_version(package)}", copied=copied)
        return
    said = "; ".join(failures)
    raise RefusalError(f"{TOO_LARGE} ({said})" if "out of memory" in said else f"it is damaged: {said}")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "of unknown version"


def _joined(chunks: Chunks, copied: Copy) -> NDArray[Any]:
    """Return all events as one array of `EVENT`."""
    parts = []
    for chunk in chunks:
        part = np.zeros(len(chunk["t"]), dtype=EVENT)
        copied.grow(part.nbytes)
        if len(part) and int(chunk["t"].max()) > np.iinfo(np.int64).max:
            raise RefusalError(f"it is damaged: it has the impossible time {chunk['t'].max()}")
        for field in ("x", "y", "t", "p"):
            part[field] = chunk[field] if field != "p" else chunk[field] > 0
        parts.append(part)
    return np.concatenate([np.zeros(0, dtype=EVENT), *parts])


def _check_inside(events: NDArray[Any], size: tuple[int, int] | None) -> None:
    for name, extent in zip("xy", size or LARGEST_SIZE, strict=True):
        outside = (events[name] < 0) | (events[name] >= extent)
        if outside.any():
            event = int(outside.argmax())
            raise RefusalError(
                f"it is damaged: event {event} has {name} {events[name][event]}, and the sensor has 0 to {extent - 1}"
            )


def _keep(events: NDArray[Any], frame: Frame, *, size: tuple[int, int] | None, reader: str, copied: Copy) -> None:
    for name in ("x", "y", "t", "p"):
        copied.keep(name, "", np.ascontiguousarray(events[name]))
    for name, text in (("format", frame.name), ("reader", reader)):
        copied.keep("", name, np.asarray(text))
    copied.keep("", "size", np.asarray(size if size is not None else (), dtype=np.int64))


# ---------------------------------------------------------------- one function per library

Found = tuple[tuple[int, int] | None, Chunks]


def _aedat(library: Any, path: Path, frame: Frame, stream: int | None, folder: Path) -> Found:
    decoder = library.Decoder(str(path))
    streams = {
        int(number): (int(found["width"]), int(found["height"]))
        for number, found in decoder.id_to_stream().items()
        if found["type"] == "events"
    }
    chosen = _chosen(streams, stream)
    return streams[chosen], (packet["events"] for packet in decoder if packet["stream_id"] == chosen)


def _faery_aedat(library: Any, path: Path, frame: Frame, stream: int | None, folder: Path) -> Found:
    decoder = library.aedat.Decoder(str(path))
    streams = {track.id: track.dimensions for track in decoder.tracks() if track.data_type == "events"}
    chosen = _chosen(streams, stream)
    return streams[chosen], (_with_p(packet) for track, packet in decoder if track.id == chosen)


def _faery_evt(library: Any, path: Path, frame: Frame, stream: int | None, folder: Path) -> Found:
    decoder = library.evt.Decoder(str(_unmistakable(path, frame, folder)), LARGEST_SIZE, None)
    return frame.size, (_with_p(packet["events"]) for packet in decoder if "events" in packet)


def _evlib(library: Any, path: Path, frame: Frame, stream: int | None, folder: Path) -> Found:
    table = library.load_events(str(_unmistakable(path, frame, folder))).collect()
    times = table["t"].dt.total_microseconds() if hasattr(table["t"], "dt") else table["t"]
    columns = {"x": table["x"], "y": table["y"], "t": times, "p": table["polarity"]}
    return frame.size, iter([{name: np.asarray(column) for name, column in columns.items()}])


Reader = Callable[[Any, Path, Frame, "int | None", Path], Found]
READERS: Mapping[str, Mapping[str, Reader]] = MappingProxyType(
    {
        "aedat4": {"aedat": _aedat, "faery": _faery_aedat},
        "evt2": {"faery": _faery_evt, "evlib": _evlib},
        "evt3": {"faery": _faery_evt, "evlib": _evlib},
    }
)


def _with_p(packet: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
    return {**_columns(packet, "xyt"), "p": packet["on"]}


def _columns(packet: NDArray[Any], names: str) -> dict[str, NDArray[Any]]:
    return {name: packet[name] for name in names}


def _chosen(streams: Mapping[int, object], stream: int | None) -> int:
    """Return the stream of events to read: the requested or the only one."""
    there = ", ".join(map(str, sorted(streams))) or "none"
    if stream is None and len(streams) != 1:
        raise RefusalError(f"it holds {counted(len(streams), 'stream')} of events ({there}); name one, as in FILE:0")
    if stream is not None and stream not in streams:
        raise RefusalError(f"it has no stream {stream} of events; there are: {there}")
    return next(iter(streams)) if stream is None else stream


def _unmistakable(path: Path, frame: Frame, folder: Path) -> Path:
    """Return a file whose data do not begin with ``%``, which readers may take for a line of the header."""
    with path.open("rb") as file:
        file.seek(frame.begin)
        if file.read(1) != b"%":
            return path
        file.seek(0)
        header, data = file.read(frame.begin), file.read()
    copy = folder / "copy.raw"
    copy.write_bytes(header + NO_OPERATION[frame.kind] + data)
    return copy


def main(path: str, kind: str, stream: str, folder: str) -> int:
    """Copy the events of a file into a folder, or write the reason of a failure; return the exit code."""
    warnings.simplefilter("ignore")
    try:
        frame = frame_of(Path(path), kind)
        libraries, failures = imported(frame.kind)
        if not libraries:
            return _refuse(folder, "; ".join(failures), UNUSABLE)
        copied = Copy(event_limit(Path(path).stat().st_size))
        limit_time_and_files(copied.limit)
        limit_memory(READ_SHARES * copied.limit)
        copy_events(
            Path(path), frame, int(stream) if stream else None, libraries=libraries, copied=copied, folder=Path(folder)
        )
        write_copy(copied, Path(folder))
    except (RefusalError, FormatError) as refusal:
        return _refuse(folder, str(refusal), REFUSED)
    except MemoryError:
        return _refuse(folder, TOO_LARGE, REFUSED)
    return 0


def _refuse(folder: str, reason: str, code: int) -> int:
    with suppress(OSError):
        (Path(folder) / REASON_FILE).write_text(reason[:MESSAGE_CHARACTERS], encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
