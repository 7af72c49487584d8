"""NWB files (``.nwb``): the spike times of ``/units``, which are sorted units of a recording.

Source: NWB format specification, "Units", and HDMF's ``VectorIndex``: ``spike_times`` holds the times of all units in
seconds, one unit after another, and ``spike_times_index`` where each one ends. A unit's row is its column, unless ids
are chosen, which are those of ``/units/id``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Int64s, Raster
from snnprog.errors import FormatError
from snnprog.files.hdf5 import Hdf5, read_hdf5
from snnprog.files.reading import Reading
from snnprog.files.spike_times import SpikeTimes, share_of

Reals = NDArray[np.floating]
PARTS = ("units/id", "units/spike_times", "units/spike_times_index")


def read_nwb(path: Path, reading: Reading) -> list[Raster]:
    """Return the rasters of the units.

    Raises
    ------
    FormatError
        If the file is missing, damaged, has no such units, or what is said beside it is too little.
    """
    reading.check_takes(path, "dt_ms", "starts_ms", "ids", "merge")
    reading.binning(path)
    return rasters_of_nwb(read_hdf5(path, PARTS), reading)


def rasters_of_nwb(file: Hdf5, reading: Reading) -> list[Raster]:
    """Return the rasters of the units of a file that was read; see `read_nwb`."""
    return reading.bin(file.path, _spikes(file, reading.neurons, reading.ids))


def _spikes(file: Hdf5, neurons: int | None, ids: Sequence[int] | None) -> SpikeTimes:
    unit_ids, index = file.numbers(PARTS[0], "iu"), file.numbers(PARTS[2], "iu")
    times: Reals = file.numbers(PARTS[1], "f")  # type: ignore[assignment]
    ends = index.astype(np.int64)
    begins = np.concatenate([[0], ends[:-1]])
    if index.size != unit_ids.size or (ends < begins).any() or (ends[-1] if ends.size else 0) != times.size:
        raise FormatError(
            f"/units in {file.path} has {unit_ids.size} units, {index.size} ends and {times.size} spike times;"
            " the ends of all units ascend to the number of times"
        )
    rows = _rows(file.path, unit_ids.astype(np.int64).tolist(), ids)
    if neurons is not None and len(rows) != neurons:
        raise FormatError(f"{file.path} has {len(rows)} units; {neurons} were announced")
    _check_times(file.path, times, begins, unit_ids)
    sizes = (ends - begins)[rows]
    place = np.repeat(begins[rows] - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes) + np.arange(sizes.sum())
    neuron = np.repeat(np.arange(len(rows)), sizes)
    return SpikeTimes(str(file.path), times[place].astype(np.float64), neuron, len(rows), share_of(times.dtype))


def _rows(path: Path, unit_ids: list[int], ids: Sequence[int] | None) -> list[int]:
    """Return the rows of the units that are read."""
    if ids is None:
        return list(range(len(unit_ids)))
    row_of = {unit: row for row, unit in enumerate(unit_ids)}
    if len(row_of) != len(unit_ids):
        raise FormatError(f"/units/id in {path} has an id twice, so that units cannot be chosen by their ids")
    missing = [unit for unit in ids if unit not in row_of]
    if missing:
        raise FormatError(f"{path} has no unit {missing[0]}; it has {', '.join(map(str, unit_ids[:20])) or 'none'}")
    return [row_of[unit] for unit in ids]


def _check_times(path: Path, times: Reals, begins: Int64s, unit_ids: NDArray[np.generic]) -> None:
    """Raise `FormatError` unless times are finite, not negative, and ascend within each unit."""
    wrong = ~(np.isfinite(times) & (times >= 0))
    wrong[1:] |= times[1:] < times[:-1]
    first = begins[(begins > 0) & (begins < times.size)]
    wrong[first] = ~(np.isfinite(times[first]) & (times[first] >= 0))
    if wrong.any():
        spike = int(wrong.argmax())
        unit = unit_ids[int(np.searchsorted(begins, spike, side="right")) - 1]
        raise FormatError(
            f"/units in {path}: unit {unit} has a spike at {times[spike]:g} s out of order;"
            " times are finite, from 0, and ascend"
        )
