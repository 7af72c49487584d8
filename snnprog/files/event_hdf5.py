"""Events in HDF5 files: cochlea recordings (SHD, SSC), caches of Tonic, and cameras' ``/events`` groups.

============================  ==========================================================================
``/spikes/times``, ``units``  SHD and SSC: a list of seconds and one of channels for each sample
``/data/0``                   Tonic's ``DiskCachedDataset``: one structured array
``/events/x``, y, t and p     DSEC and others: columns in microseconds, plus ``/t_offset`` if present
============================  ==========================================================================

The process that reads HDF5 for this package copies them (`snnprog.files.hdf5_process`), of SHD and SSC only the
requested samples. SHD stores times in half precision, in steps of half a millisecond
from .5 s and of a millisecond from 1 s; they are used unchanged.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnprog.errors import FormatError
from snnprog.files.event_recording import EventRecording
from snnprog.files.hdf5 import Hdf5, read_hdf5

PARTS = ("spikes/times", "spikes/units", "data/0", "events", "t_offset")
SAMPLE_LIMIT = 1 << 12  # at a time; half of the reader's limit of objects, with two for each sample
SAMPLES = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?", re.ASCII)
INT64 = np.iinfo(np.int64)
SPIKE = np.dtype([("x", "<i8"), ("t", "<f8")])


def read_event_hdf5(path: Path, key: str | None) -> list[EventRecording]:
    """Return the recordings of an HDF5 file: one, or one for each sample that a key names, as in "3" or "0-9".

    Raises
    ------
    FormatError
        If the file is damaged, holds no supported events, or several samples and no key selects one.
    SpecError
        If h5py is not installed.
    """
    first, last = _samples(path, key)
    return recordings_of_hdf5(read_hdf5(path, PARTS, rows=(first, last + 1)), key)


def holds_events(path: Path) -> bool:
    """Return whether an HDF5 file holds supported events, and no SONATA spikes."""
    file = read_hdf5(path, PARTS, rows=(0, 0))
    return any(_is_there(file, name) for name in ("spikes/times", "data/0/t", "events/t"))


def recordings_of_hdf5(file: Hdf5, key: str | None) -> list[EventRecording]:
    """Return the recordings of a file that was read; see `read_event_hdf5`."""
    if _is_there(file, "spikes/times"):
        return _samples_of(file, key)
    name = next((name for name in ("data/0", "events") if _is_there(file, f"{name}/t")), None)
    if name is None:
        there = ", ".join(sorted(file.members.get("", ()))[:20]) or "nothing"
        raise FormatError(
            f"{file.path} must hold /spikes/times and units (SHD, SSC), /data/0 (Tonic) or /events/x, y, t and p,"
            f" got {there}"
        )
    if key is not None:
        raise FormatError(f"{file.path} holds one recording; omit {key!r}")
    columns = {field: file.numbers(f"{name}/{field}", "iufb") for field in "xytp" if _is_there(file, f"{name}/{field}")}
    return [_camera(file, name, columns)]


def _camera(file: Hdf5, name: str, columns: dict[str, NDArray[Any]]) -> EventRecording:
    lengths = {field: len(column) for field, column in columns.items()}
    if "x" not in columns or len(set(lengths.values())) != 1:
        found = ", ".join(f"{length} of {field}" for field, length in lengths.items())
        raise FormatError(f"/{name} in {file.path} must hold equal numbers of x and t (and y and p), got {found}")
    if "t_offset" in file.arrays:
        columns["t"] = _later(file, columns["t"], int(np.asarray(file.numbers("t_offset", "iu", axes=0))))
    events = np.zeros(len(columns["t"]), dtype=[(field, column.dtype) for field, column in columns.items()])
    for field, column in columns.items():
        events[field] = column
    return EventRecording(events, f"HDF5 events (/{name})")


def _later(file: Hdf5, times: NDArray[Any], offset: int) -> NDArray[Any]:
    """Return times with an offset; integers stay integers."""
    if times.dtype.kind == "f":
        return times.astype(np.float64) + offset
    if times.size and not (
        INT64.min <= int(times.min()) + offset <= INT64.max and int(times.max()) + max(offset, 0) <= INT64.max
    ):
        raise FormatError(f"/t_offset in {file.path} must keep times within 64 bits, got {offset}")
    return times.astype(np.int64) + offset


def _samples(path: Path, key: str | None) -> tuple[int, int]:
    if key is None:
        return 0, -1
    found = SAMPLES.fullmatch(key)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, -1)
    if not 0 <= first <= last < first + SAMPLE_LIMIT:
        raise FormatError(
            f"{path} is read sample by sample: give a number or a range of at most {SAMPLE_LIMIT}, as in"
            f" {path.name}:3 or {path.name}:0-9, got {key!r}"
        )
    return first, last


def _samples_of(file: Hdf5, key: str | None) -> list[EventRecording]:
    found = file.others.get("spikes/times", "an array of numbers")
    if " lists of " not in found:
        raise FormatError(f"/spikes/times in {file.path} must hold a list of numbers for each sample, got {found}")
    count = int(found.split()[0])
    if key is None:
        raise FormatError(
            f"{file.path} holds {count} samples; name one, as in {file.path.name}:3 or {file.path.name}:0-9"
        )
    first, last = _samples(file.path, key)
    if last >= count:
        raise FormatError(f"{file.path} has no sample {last}; there are 0 to {count - 1}")
    return [_sample(file, number) for number in range(first, last + 1)]


def _sample(file: Hdf5, number: int) -> EventRecording:
    times, units = (file.numbers(f"spikes/{name}/{number}", kinds) for name, kinds in (("times", "f"), ("units", "iu")))
    if len(times) != len(units):
        raise FormatError(f"sample {number} of {file.path} has {len(times)} times and {len(units)} units")
    events = np.zeros(len(times), dtype=SPIKE)
    events["x"], events["t"] = units, times
    return EventRecording(events, "SHD or SSC", time_unit="s")


def _is_there(file: Hdf5, name: str) -> bool:
    return name in file.arrays or name in file.members or name in file.others
