"""Recordings of event cameras and cochleas from files; the first bytes of a file decide how it is read.

===================  ==============================  =================================================
file                 module                          read by
===================  ==============================  =================================================
AEDAT 4              `snnprog.files.event_process`   aedat, or faery, in a process of its own
Prophesee ``.raw``   `snnprog.files.event_process`   faery, or evlib, in a process of its own
Prophesee ``.dat``   `snnprog.files.event_decoders`  this package
N-MNIST ``.bin``     `snnprog.files.event_decoders`  this package
``.npy``, ``.npz``   `snnprog.archive`               this package
``.h5``, ``.hdf5``   `snnprog.files.event_hdf5`      h5py, in a process of its own
===================  ==============================  =================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnprog.archive import array_of, check_regular, fields_of, read_archive, read_bytes, structured_of
from snnprog.arrays import Raster
from snnprog.calls import call_checked
from snnprog.checks import as_path
from snnprog.errors import FormatError, SnnprogError, SpecError
from snnprog.files.bounds import check_bins
from snnprog.files.event_columns import columns_of
from snnprog.files.event_decoders import read_atis, read_dat
from snnprog.files.event_formats import frame_of, kind_of
from snnprog.files.event_hdf5 import holds_events as hdf5_holds_events
from snnprog.files.event_hdf5 import read_event_hdf5
from snnprog.files.event_libraries import read_with_libraries
from snnprog.files.event_raster import EventRaster, from_events
from snnprog.files.event_recording import EventRecording
from snnprog.files.event_view import EventView
from snnprog.files.reading import Reading
from snnprog.files.spike_times import Binning
from snnprog.wording import counted

EVENT_SUFFIXES = (".aedat4", ".raw", ".dat", ".bin", ".npy", ".hdf5")
FIELDS, COLUMNS = ("x", "y", "t", "p"), {"x", "t"}
"""The fields of events, and those that are required."""

SHARED_SUFFIXES = (".npz", ".h5")
"""Suffixes of files that may hold events or rasters; they are read as events if a view of events is given."""


@call_checked
def read_events(path: str | Path, *, key: str | int | None = None) -> EventRecording:
    """Read a recording of an event camera or a cochlea; `snnprog.from_events` converts it to rasters.

    Parameters
    ----------
    path : path
        AEDAT 4, Prophesee ``.raw`` (EVT 2.0 and 3.0) and ``.dat``, N-MNIST's ``.bin``, a structured array in an
        ``.npy`` or ``.npz``, arrays x, y, t and p in an ``.npz``, or HDF5: SHD and SSC, Tonic's caches, and columns
        ``/events/x``, ``y``, ``t`` and ``p``. The first bytes select the format, not the suffix, except for
        ``.bin``.
    key : str or int, optional
        Which stream of an AEDAT 4 file with several, array of an ``.npz`` with several, or sample of SHD or SSC.

    Raises
    ------
    FormatError
        If the file is missing, damaged, cut off, of another format, takes more memory or time than a file of its size
        may, or holds several recordings and no key selects one.
    SpecError
        If a package that reads such files is missing: ``pip install 'snnprog[events]'``, and ``'snnprog[files]'`` for
        HDF5.
    """
    recordings = read_recordings(as_path("path", path), None if key is None else str(key))
    if len(recordings) != 1:
        raise FormatError(f"{path} gives {len(recordings)} recordings for {key!r}; name one sample")
    return recordings[0]


def read_recordings(path: Path, key: str | None) -> list[EventRecording]:
    """Return the recordings of a file: several only if a key names a range of samples."""
    check_regular(path)
    kind = kind_of(path)
    if kind == "hdf5":
        return read_event_hdf5(path, key)
    if kind == "npz":
        return [_of_npz(path, key)]
    if kind in ("aedat4", "prophesee"):
        frame, stream = frame_of(path, kind), _stream(path, kind, key)
        return [read_dat(path, frame) if frame.kind == "dat" else read_with_libraries(path, kind, stream)]
    if key is not None:
        raise FormatError(f"{path} holds one recording; omit {key!r}")
    return [read_atis(path) if kind == "atis" else _of_npy(path)]


def holds_events(path: Path, key: str | None = None) -> bool:
    """Return whether a file that may hold events or rasters holds events.

    Raises
    ------
    FormatError
        If it is missing or damaged.
    """
    if path.suffix == ".npz":
        members = read_archive(path, only=f"{key}.npy")
        names = _arrays_in(members, key)
        return set(names) >= COLUMNS or any(fields_of(path, members, name=name) for name in names)
    return path.suffix in EVENT_SUFFIXES or (path.suffix in SHARED_SUFFIXES and hdf5_holds_events(path))


def read_event_rasters(path: Path, reading: Reading) -> list[Raster]:
    """Return the rasters of an event file, one for each window of each recording in it.

    Raises
    ------
    FormatError
        If the file cannot be read, required options are missing, or the events contradict the options.
    """
    reading.check_takes(path, "key", "dt_ms", "starts_ms", "merge", "view")
    if path.suffix != ".npy":  # which may hold a raster: that is refused before `dt_ms` is demanded
        reading.timed(path)
    return rasters_of_recordings(path, read_recordings(path, reading.key), reading)


def rasters_of_recordings(path: Path, recordings: Sequence[EventRecording], reading: Reading) -> list[Raster]:
    """Return the rasters of recordings that were read; see `read_event_rasters`."""
    binning = reading.timed(path)
    windows = 1 if binning.starts_ms is None else len(binning.starts_ms)
    if reading.patterns not in (None, windows * len(recordings)):
        raise FormatError(
            f"{path} gives {windows * len(recordings)} of {reading.patterns} patterns; give starts_ms, where each of"
            " them begins, or samples"
        )
    view = reading.view or EventView()
    rasters: list[Raster] = []
    for recording in recordings:
        made = _rasters(path, recording, view, binning=binning)
        check_bins(path, windows * len(recordings), ticks=binning.ticks, neurons=made[0].raster.shape[1])
        _check_lines(path, made[0], reading.neurons)
        rasters += [each.raster for each in made]
    return rasters


def _rasters(path: Path, recording: EventRecording, view: EventView, *, binning: Binning) -> list[EventRaster]:
    try:
        made = from_events(
            recording,
            dt_ms=binning.dt_ms,
            ticks=binning.ticks,
            starts_ms=[0.0] if binning.starts_ms is None else binning.starts_ms,
            repeats="merge" if binning.merge else "refuse",
            **vars(view),
        )
    except SnnprogError as error:
        raise FormatError(f"{path}: {_in_words_of_files(str(error))}") from error
    if binning.starts_ms is None and made[0].outside_window:
        raise FormatError(
            f"{path} has {counted(made[0].outside_window, 'event')} before or after the {binning.ticks} ticks from time"
            " 0 on; give more ticks, starts_ms to cut windows, or origin = 'first'"
        )
    return made


def _in_words_of_files(message: str) -> str:
    """Return a message of `from_events` with the name of the option for files."""
    return message.replace(
        "take a shorter tick, or repeats='merge' or 'count'",
        "take a shorter tick, or allow merging (merge=True, --merge)",
    )


def _check_lines(path: Path, made: EventRaster, neurons: int | None) -> None:
    lines = made.raster.shape[1]
    if neurons not in (None, lines):
        polarities, rows, columns = made.size
        raise FormatError(
            f"{path} must have {neurons} lines, got {lines} ({polarities} polarities x {rows} rows x {columns}"
            " columns); set polarity, region or downsample"
        )


def _stream(path: Path, kind: str, key: str | None) -> int | None:
    if key is None:
        return None
    if kind != "aedat4" or not (key.isascii() and key.isdigit() and len(key) < 10):
        wanted = "give the number of a stream" if kind == "aedat4" else "it holds one recording; omit it"
        raise FormatError(f"{path} is read with {key!r}: {wanted}")
    return int(key)


def _of_npy(path: Path) -> EventRecording:
    return _recording(path, {"events.npy": read_bytes(path)}, "events", name="NumPy array")


def _of_npz(path: Path, key: str | None) -> EventRecording:
    members = read_archive(path, only=f"{key}.npy")
    names = _arrays_in(members, key)
    structured = [name for name in names if fields_of(path, members, name=name)]
    if not structured and set(names) >= COLUMNS:
        return _of_columns(path, {name: array_of(path, members, name=name) for name in names if name in FIELDS})
    if key is None and len(structured) != 1:
        raise FormatError(
            f"{path} holds {len(structured)} structured arrays ({', '.join(structured) or 'none'}) with the fields x,"
            f" y, t and p, and no arrays x, y, t and p; name one array, as in {path.name}:NAME"
        )
    return _recording(path, members, key or structured[0], name="NumPy archive")


def _of_columns(path: Path, columns: Mapping[str, NDArray[np.generic]]) -> EventRecording:
    shapes = {column.shape for column in columns.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 1:
        raise FormatError(f"{path} must hold lists {', '.join(columns)} of equal length, got shapes {sorted(shapes)}")
    events = np.zeros(next(iter(shapes)), dtype=[(name, column.dtype) for name, column in columns.items()])
    for name, column in columns.items():
        events[name] = column
    return _checked(path, events, name="NumPy archive")


def _arrays_in(members: Mapping[str, bytes], key: str | None) -> list[str]:
    return [name[:-4] for name in sorted(members) if name.endswith(".npy") and key in (None, name[:-4])]


def _recording(path: Path, members: Mapping[str, bytes], member: str, *, name: str) -> EventRecording:
    return _checked(path, structured_of(path, members, name=member), name=name)


def _checked(path: Path, events: NDArray[Any], *, name: str) -> EventRecording:
    """Return a recording from an array of events."""
    try:
        columns_of(events)
    except SpecError as error:
        raise FormatError(f"{path}: {error}") from error
    return EventRecording(events, name)
