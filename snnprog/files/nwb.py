"""NWB files (``.nwb``): the spike times of ``/units``, which are sorted units of a recording.

Source: NWB format specification, "Units", and HDMF's ``VectorIndex``: ``spike_times`` holds the times of all units in
seconds, one unit after another, and ``spike_times_index`` the end of each one; ``obs_intervals`` holds the intervals in
which each unit was observed, in the same form. A unit's row is its column, unless ids of ``/units/id`` are given.

Why not PyNWB
-------------
PyNWB 4.2 was measured in the reading process (`snnprog.files.hdf5_process`) and rejected in favour of reading five
arrays with h5py:

- importing it takes .8 s of processor time (2 to 4 s on a cold disk) and 1,000 modules; h5py takes .15 s;
- it builds an object for everything in a file before it gives access to the units: 8.9 s for a file of 5 MB with 2,000
  time series, where the five arrays take .03 s; no limit can be set before that;
- it reads no more of units than this module, and checks less: an index that descends or points beyond the times
  is silently read as other spikes;
- files of NWB 1 are read by neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.errors import FormatError
from snnprog.files.hdf5 import Hdf5, read_hdf5
from snnprog.files.reading import Reading, RecordedRasters
from snnprog.files.spike_times import SpikeTimes, observed_bins, share_of

Reals = NDArray[np.floating]
IDS, SPIKES, INTERVALS = "units/id", "units/spike_times", "units/obs_intervals"
PARTS = (IDS, SPIKES, f"{SPIKES}_index", INTERVALS, f"{INTERVALS}_index")


def read_nwb(path: Path, reading: Reading) -> RecordedRasters:
    """Return the rasters of the units, and when they were observed.

    Raises
    ------
    FormatError
        If the file is missing, damaged, has no such units, or options are missing.
    """
    reading.check_takes(path, "dt_ms", "starts_ms", "ids", "merge")
    reading.binning(path)
    return recording_of_nwb(read_hdf5(path, PARTS), reading)


def times_of_nwb(path: Path, ids: Sequence[int] | None) -> SpikeTimes:
    """Return the spike times of the units, or of some, in order.

    Raises
    ------
    FormatError
        If the file is missing, damaged, or has no such units.
    """
    file = read_hdf5(path, PARTS)
    unit_ids = file.numbers(IDS, "iu")
    return _spikes(file, unit_ids, _rows(path, unit_ids.astype(np.int64).tolist(), ids))


def recording_of_nwb(file: Hdf5, reading: Reading) -> RecordedRasters:
    """Return the rasters of the units of a file that was read, and where they were observed; see `read_nwb`."""
    unit_ids = file.numbers(IDS, "iu")
    rows = _rows(file.path, unit_ids.astype(np.int64).tolist(), reading.ids)
    if reading.neurons not in (None, len(rows)):
        wanted = f"{reading.neurons} units{reading.of_source}"
        raise FormatError(f"{file.path} must have {wanted}, got {len(rows)}; choose with ids (--ids)")
    rasters = reading.bin(file.path, _spikes(file, unit_ids, rows))
    return RecordedRasters(rasters, _observed(file, unit_ids, rows=rows, reading=reading))


def _spikes(file: Hdf5, unit_ids: NDArray[np.generic], rows: Sequence[int]) -> SpikeTimes:
    times: Reals = file.numbers(SPIKES, "f")  # type: ignore[assignment]
    ends = _ends(file, SPIKES, unit_ids.size, times.size)
    begins = np.concatenate([[0], ends[:-1]])
    _check_times(file.path, times, begins, unit_ids)
    sizes = (ends - begins)[rows]
    place = np.repeat(begins[rows] - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes) + np.arange(sizes.sum())
    neuron = np.repeat(np.arange(len(rows)), sizes)
    return SpikeTimes(str(file.path), times[place].astype(np.float64), neuron, len(rows), share_of(times.dtype))


def _observed(
    file: Hdf5, unit_ids: NDArray[np.generic], *, rows: Sequence[int], reading: Reading
) -> list[Raster] | None:
    """Return which bins were completely observed, or None if that is not in the file, also for single units."""
    if INTERVALS.rpartition("/")[2] not in file.group("units"):
        return None
    intervals: Reals = file.numbers(INTERVALS, "f", axes=2)  # type: ignore[assignment]
    ends = _ends(file, INTERVALS, unit_ids.size, len(intervals))
    if intervals.shape[1] != 2 or not np.isfinite(intervals).all() or not (intervals[:, 0] <= intervals[:, 1]).all():
        raise FormatError(f"/{INTERVALS} in {file.path} must hold a start and a later end in each row, both finite")
    of_units: list[Floats] = np.split(intervals.astype(np.float64), ends[:-1])
    observed = [of_units[row] if len(of_units[row]) else np.array([[-np.inf, np.inf]]) for row in rows]
    return observed_bins(observed, reading.binning(file.path), share=share_of(intervals.dtype))


def _ends(file: Hdf5, name: str, n_units: int, size: int) -> Int64s:
    """Return the ends of the entries of each unit in an array."""
    ends = file.numbers(f"{name}_index", "iu").astype(np.int64)
    if ends.size != n_units or (np.diff(ends, prepend=0) < 0).any() or (ends[-1] if ends.size else 0) != size:
        what = name.rpartition("/")[2].replace("_", " ")
        raise FormatError(
            f"/units in {file.path} has {n_units} units, {ends.size} ends and {size} {what};"
            " the ends must ascend to the number of entries"
        )
    return ends


def _rows(path: Path, unit_ids: list[int], ids: Sequence[int] | None) -> list[int]:
    """Return the rows of the units to read."""
    if ids is None:
        return list(range(len(unit_ids)))
    row_of = {unit: row for row, unit in enumerate(unit_ids)}
    if len(row_of) != len(unit_ids):
        raise FormatError(f"/units/id in {path} has duplicate ids, so that units cannot be selected by id")
    missing = [unit for unit in ids if unit not in row_of]
    if missing:
        raise FormatError(f"{path} has no unit {missing[0]}; it has {', '.join(map(str, unit_ids[:20])) or 'none'}")
    return [row_of[unit] for unit in ids]


def _check_times(path: Path, times: Reals, begins: Int64s, unit_ids: NDArray[np.generic]) -> None:
    """Raise `FormatError` unless times are finite, non-negative, and ascend within each unit."""
    wrong = ~(np.isfinite(times) & (times >= 0))
    odd = wrong.copy()
    odd[1:] |= times[1:] < times[:-1]
    first = begins[(begins > 0) & (begins < times.size)]
    odd[first] = wrong[first]
    if odd.any():
        spike = int(odd.argmax())
        unit = unit_ids[int(np.searchsorted(begins, spike, side="right")) - 1]
        reason = "times must be finite and non-negative" if wrong[spike] else "the times of a unit must ascend"
        raise FormatError(f"/units in {path}: unit {unit} has a spike at {times[spike]:g} s; {reason}")
