"""SONATA spike files (``.h5``): ``/spikes/<population>/timestamps`` and ``node_ids``, one entry for each spike.

Source: SONATA developer guide, "Spike file". A node's id is its column, unless ids are chosen. Times are in the unit
of the attribute ``units``, by default milliseconds; the attribute ``sorting`` is checked.

Why not libsonata
-----------------
libsonata 0.2.2 was tried in the reading process (`snnprog.files.hdf5_process`). Its import is cheap (.02 s, while
h5py takes .15 s), but it is not safe for untrusted files, and reads no file that this module cannot read:

- it follows links and data that lead to other files, so that a file may expose the content of another one; this cannot
be
  switched off;
- a file without ``units``, or with ``sorting`` as a text or in an array, ends in "unable to read attribute";
- a node -2 becomes node 0, NaN is accepted as a time, and unknown units are passed on.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from snnprog.arrays import Bools, Floats, Int64s, Raster
from snnprog.errors import FormatError
from snnprog.files.hdf5 import Hdf5, check_installed, read_hdf5
from snnprog.files.reading import Reading
from snnprog.files.spike_times import SpikeTimes, share_of
from snnprog.output_files import write_bytes
from snnprog.raster import check_bin_ms, events_of_raster
from snnprog.wording import counted

SECONDS_IN = {"ms": 1e-3, "milliseconds": 1e-3, "millisecond": 1e-3, "s": 1.0, "seconds": 1.0, "second": 1.0}
SORTINGS = {"none": 0, "by_id": 1, "by_time": 2}
MAGIC, VERSION = 0x0A7A, (0, 1)
NODE_LIMIT = 1 << 62


def read_sonata(path: Path, reading: Reading) -> list[Raster]:
    """Return the rasters of one population.

    Raises
    ------
    FormatError
        If the file is missing, damaged or not a spike file, or options are missing.
    """
    reading.check_takes(path, "key", "dt_ms", "starts_ms", "ids", "merge")
    reading.binning(path)
    if reading.ids is None and reading.neurons is None:
        raise FormatError(f"{path} has no number of nodes; give the number of neurons, or ids")
    return rasters_of_sonata(read_hdf5(path, ["spikes"]), reading)


def times_of_sonata(path: Path, *, key: str | None, neurons: int, ids: Sequence[int] | None) -> SpikeTimes:
    """Return the spike times of one population.

    Raises
    ------
    FormatError
        If the file is missing, damaged or not a spike file.
    """
    return _spikes(read_hdf5(path, ["spikes"]), key, neurons, ids)


def rasters_of_sonata(file: Hdf5, reading: Reading) -> list[Raster]:
    """Return the rasters of one population of a file that was read; see `read_sonata`."""
    times = _spikes(file, reading.key, reading.neurons, reading.ids)
    if reading.neurons not in (None, times.neurons):
        raise FormatError(f"{file.path} is read with {times.neurons} ids; {reading.neurons} neurons were given")
    return reading.bin(file.path, times)


def _spikes(file: Hdf5, population: str | None, neurons: int | None, ids: Sequence[int] | None) -> SpikeTimes:
    """Return the spikes of one population of a file that was read."""
    populations = [name for name in file.group("spikes") if f"spikes/{name}" in file.members]
    if not populations and "spikes/times" in file.others:
        raise FormatError(f"{file.path} holds recordings of events (SHD, SSC); give sensor_size to read them")
    if not populations:
        raise FormatError(
            f"/spikes in {file.path} must hold a population of spikes, got none; is this another kind of file?"
        )
    if population is None and len(populations) != 1:
        raise FormatError(
            f"{file.path} holds {counted(len(populations), 'population')} ({', '.join(populations[:20])});"
            f" name one, as in {file.path.name}:NAME"
        )
    group = f"spikes/{population or populations[0]}"
    timestamps, nodes = file.numbers(f"{group}/timestamps", "iuf"), _nodes(file, f"{group}/node_ids")
    if timestamps.size != nodes.size:
        raise FormatError(f"/{group} in {file.path} has {timestamps.size} timestamps and {nodes.size} node_ids")
    seconds = timestamps.astype(np.float64) * _unit(file, f"{group}/timestamps")
    _check_times(file.path, group, seconds)
    _check_sorting(file, group, seconds=seconds, nodes=nodes)
    share = share_of(timestamps.dtype)
    if ids is not None:
        column, kept = _columns(nodes, ids)
        return SpikeTimes(str(file.path), seconds[kept], column[kept], len(ids), share)
    assert neurons is not None, "checked before the file is read"
    if nodes.max(initial=-1) >= neurons:
        raise FormatError(
            f"nodes of {file.path} must be 0 to {neurons - 1}, got {nodes.max()}; give more neurons, or ids"
        )
    return SpikeTimes(str(file.path), seconds, nodes, neurons, share)


def _nodes(file: Hdf5, name: str) -> Int64s:
    nodes = file.numbers(name, "iu")
    if nodes.size and not 0 <= nodes.min() <= nodes.max() <= NODE_LIMIT:
        odd = nodes.min() if nodes.min() < 0 else nodes.max()
        raise FormatError(f"nodes of /{name} in {file.path} must be 0 to {NODE_LIMIT}, got {odd}")
    return nodes.astype(np.int64)


def _unit(file: Hdf5, name: str) -> float:
    unit = file.attribute(name, "units")
    if unit is None:
        return SECONDS_IN["ms"]
    if str(unit) not in SECONDS_IN:
        raise FormatError(f"/{name} in {file.path} is in {unit!r}; known are {', '.join(SECONDS_IN)}")
    return SECONDS_IN[str(unit)]


def _check_times(path: Path, group: str, seconds: Floats) -> None:
    wrong = ~np.isfinite(seconds) | (seconds < 0)
    if wrong.any():
        spike = int(wrong.argmax())
        raise FormatError(f"/{group} in {path}: spike {spike} is at {seconds[spike]:g} s; times must be non-negative")


def _check_sorting(file: Hdf5, group: str, *, seconds: Floats, nodes: Int64s) -> None:
    """Raise `FormatError` if spikes are not in the declared order."""
    sorting = file.attribute(group, "sorting")
    number = SORTINGS.get(sorting) if isinstance(sorting, str) else sorting
    if number not in (None, *SORTINGS.values()) or (number is None and sorting is not None):
        raise FormatError(f"/{group} in {file.path} has the sorting {sorting!r}; known are {', '.join(SORTINGS)}")
    key, what = (seconds, "time") if number == SORTINGS["by_time"] else (nodes, "node")
    if number and (key[1:] < key[:-1]).any():
        raise FormatError(f"/{group} in {file.path} is declared as sorted by {what}, but is not")


def _columns(nodes: Int64s, ids: Sequence[int]) -> tuple[Int64s, Bools]:
    """Return the column of each node among ids, and which nodes have one."""
    values, columns = np.unique(np.asarray(ids, dtype=np.int64), return_index=True)
    place = np.minimum(np.searchsorted(values, nodes), values.size - 1)
    return columns[place], values[place] == nodes


def write_sonata(path: Path, rasters: Sequence[Raster], *, population: str, dt_ms: float | None) -> None:
    """Write one raster as a population, sorted by time; a spike is at the beginning of its tick.

    Raises
    ------
    FormatError
        If there are several rasters, the length of a tick is missing, or the file cannot be written.
    SpecError
        If h5py is not installed, or the length of a tick is not a positive number.
    """
    check_installed("h5py", f"writing {path}")
    import h5py

    if len(rasters) != 1:
        raise FormatError(f"{path} would hold {counted(len(rasters), 'pattern')}; SONATA has one: write an .npz")
    if dt_ms is None:
        raise FormatError(f"{path} holds times, and a raster has ticks; give dt_ms, the milliseconds of one")
    tick, neuron = events_of_raster(rasters[0])
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["magic"] = np.uint32(MAGIC)
        file.attrs["version"] = np.array(VERSION, dtype=np.uint32)
        group = file.create_group(f"spikes/{population}")
        group.attrs.create("sorting", SORTINGS["by_time"], dtype=h5py.enum_dtype(SORTINGS, basetype="u1"))
        times = group.create_dataset("timestamps", data=tick * check_bin_ms("dt_ms", dt_ms))
        times.attrs["units"] = "ms"
        group.create_dataset("node_ids", data=neuron.astype(np.uint64))
    write_bytes(path, buffer.getvalue())
