"""SONATA, NWB and Neo: files as others write them are read, files of ours as others read them, and bad ones refused."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import h5py
import libsonata
import neo
import numpy as np
import pynwb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from numpy.typing import NDArray

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.errors import FormatError, SpecError
from snnprog.files import hdf5, hdf5_process
from snnprog.files.hdf5 import Hdf5
from snnprog.files.hdf5_copy import RefusalError
from snnprog.files.nwb import PARTS, recording_of_nwb
from snnprog.files.reading import Reading
from snnprog.files.sonata import rasters_of_sonata
from snnprog.processes.isolation import isolated
from snnprog.spec_file import load_spec

RASTERS = nps.arrays(np.bool_, nps.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9))
ONE = np.array([[1, 0, 0], [0, 0, 1], [0, 0, 0], [1, 0, 1]], dtype=bool)
Recording = Callable[[str], dict[str, NDArray[Any]]]
Times = list[list[float]]


def read_here(path: Path, names: tuple[str, ...]) -> Hdf5:
    """Read as the other process does, in this one: for files that are whole."""
    return Hdf5.of(path, hdf5_process.copy_parts(str(path), names))


def sonata_file(path: Path, change: Callable[[h5py.Group], None] = lambda group: None) -> Path:
    """Write a spike file as the SONATA guide has it: unsorted, in milliseconds, three nodes."""
    with h5py.File(path, "w") as file:
        group = file.create_group("spikes/cortex")
        times = group.create_dataset("timestamps", data=np.array([3.5, 0.1, 1.0, 3.0]))
        times.attrs["units"] = "ms"
        group.create_dataset("node_ids", data=np.array([2, 0, 2, 0], dtype="u8"))
        change(group)
    return path


def nwb_file(path: Path, trains: Times, ids: list[int] | None = None) -> Path:
    """Write units with PyNWB."""
    start = datetime(2024, 5, 1, tzinfo=timezone.utc)
    recording = pynwb.NWBFile(session_description="units", identifier="one", session_start_time=start)
    recording.add_unit_column("quality", "what else there may be")
    for row, train in enumerate(trains):
        recording.add_unit(spike_times=train, id=row if ids is None else ids[row], quality="good")
    with pynwb.NWBHDF5IO(path, "w") as io:
        io.write(recording)
    return path


# ---------------------------------------------------------------- SONATA


def test_a_sonata_file_is_read(tmp_path: Path) -> None:
    (raster,) = sp.read_rasters(sonata_file(tmp_path / "s.h5"), dt_ms=1.0, ticks=4, neurons=3, merge=True)
    assert np.array_equal(raster, ONE)


def test_nodes_are_chosen(tmp_path: Path) -> None:
    path = sonata_file(tmp_path / "s.h5")
    (raster,) = sp.read_rasters(f"{path}", dt_ms=1.0, ticks=4, ids=[2, 7, 0])
    assert np.array_equal(raster, ONE[:, [2, 1, 0]])


def test_a_population_is_chosen(tmp_path: Path) -> None:
    path = tmp_path / "s.h5"

    def add(group: h5py.Group) -> None:
        group.parent.copy(group, "thalamus")
        group.parent["thalamus/timestamps"].attrs["units"] = "s"

    sonata_file(path, add)
    (raster,) = sp.read_rasters(path, key="thalamus", dt_ms=1000.0, ticks=4, neurons=3)
    assert np.array_equal(raster, ONE)
    with pytest.raises(FormatError, match=r"holds 2 populations \(cortex, thalamus\); name one, as in s.h5:NAME"):
        sp.read_rasters(path, dt_ms=1.0, ticks=4, neurons=3)


ONE_ELEMENT = {
    "fixed length": np.array([b"s"]),
    "any length": np.array(["s"], dtype=h5py.string_dtype()),
    "two axes": np.array([[b"s"]]),
    "scalar": "s",
}


@pytest.mark.parametrize("value", ONE_ELEMENT.values(), ids=ONE_ELEMENT)
def test_a_unit_in_an_array_of_one_is_the_unit(tmp_path: Path, value: object) -> None:
    """R's writers put every attribute into an array."""
    path = sonata_file(tmp_path / "s.h5", unit(value))
    (raster,) = rasters_of_sonata(read_here(path, ("spikes",)), Reading(dt_ms=1000.0, ticks=4, neurons=3, merge=True))
    assert np.array_equal(raster, ONE)
    assert libsonata.SpikeReader(str(path))["cortex"].time_units == "s" if value == "s" else True


@pytest.mark.parametrize("below", [[], ["cortex"]])
def test_a_file_without_populations(tmp_path: Path, below: list[str]) -> None:
    with h5py.File(tmp_path / "s.h5", "w") as file:
        for name in below:
            file[f"spikes/{name}"] = np.zeros(3)
        file.require_group("spikes")
    with pytest.raises(
        FormatError, match=r"/spikes in .*s.h5 must hold a population of spikes, got none; is this another"
    ):
        sp.read_rasters(tmp_path / "s.h5", dt_ms=1.0, ticks=4, neurons=3)


@settings(deadline=None, max_examples=30)
@given(RASTERS, st.sampled_from([0.1, 1.0, 2.5]))
def test_sonata_comes_back_and_another_reads_it(
    tmp_path_factory: pytest.TempPathFactory, raster: Raster, dt_ms: float
) -> None:
    path = tmp_path_factory.getbasetemp() / "back.h5"
    sp.write_rasters(path, [raster], key="cells", dt_ms=dt_ms)
    ticks, neurons = raster.shape
    reading = Reading(ticks=ticks, neurons=neurons, dt_ms=dt_ms)
    assert np.array_equal(rasters_of_sonata(read_here(path, ("spikes",)), reading)[0], raster)
    theirs = libsonata.SpikeReader(str(path))["cells"]
    assert theirs.sorting == "by_time"
    events = [(round(time / dt_ms), node) for node, time in theirs.get()]
    assert sorted(events) == [(int(tick), int(neuron)) for tick, neuron in np.argwhere(raster)]


def test_sonata_files_are_the_same_twice(tmp_path: Path) -> None:
    for name in "ab":
        sp.write_rasters(tmp_path / f"{name}.h5", [ONE], dt_ms=1.0)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@pytest.mark.parametrize(
    ("rasters", "dt_ms", "message"),
    [
        ([ONE, ONE], 1.0, "would hold 2 patterns; SONATA has one: write an .npz"),
        ([], 1.0, "would hold 0 patterns"),
        ([ONE], None, "holds times, and a raster has ticks; give dt_ms, the milliseconds of one"),
    ],
)
def test_what_sonata_does_not_hold(tmp_path: Path, rasters: list[Raster], dt_ms: float | None, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        sp.write_rasters(tmp_path / "s.h5", rasters, dt_ms=dt_ms)
    assert not list(tmp_path.iterdir())


def replaced(name: str, values: object, dtype: str) -> Callable[[h5py.Group], None]:
    def change(group: h5py.Group) -> None:
        del group[name]
        group.create_dataset(name, data=np.array(values, dtype=dtype))

    return change


def deleted(name: str) -> Callable[[h5py.Group], None]:
    return lambda group: group.__delitem__(name)


def told(attribute: str, value: object) -> Callable[[h5py.Group], None]:
    return lambda group: group.attrs.__setitem__(attribute, value)


def unit(value: object) -> Callable[[h5py.Group], None]:
    return lambda group: group["timestamps"].attrs.__setitem__("units", value)


def linked(link: object) -> Callable[[h5py.Group], None]:
    def change(group: h5py.Group) -> None:
        del group["timestamps"]
        group["timestamps"] = link

    return change


def external(group: h5py.Group) -> None:
    del group["timestamps"]
    group.create_dataset("timestamps", shape=(4,), dtype="f8", external=[("/etc/hostname", 0, 32)])


def virtual(group: h5py.Group) -> None:
    del group["timestamps"]
    layout = h5py.VirtualLayout(shape=(4,), dtype="f8")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", shape=(4,))
    group.create_virtual_dataset("timestamps", layout)


def bomb(group: h5py.Group) -> None:
    del group["timestamps"]
    group.create_dataset("timestamps", shape=(1 << 40,), dtype="f8", chunks=(1 << 20,), compression="gzip")


def chunk_bomb(group: h5py.Group) -> None:
    del group["timestamps"]
    group.create_dataset("timestamps", shape=(4,), maxshape=(None,), dtype="f8", chunks=(1 << 28,))


def ring(group: h5py.Group) -> None:
    group["again"] = group


def bush(group: h5py.Group) -> None:
    """Make few groups that can be reached by very many ways."""
    branch = group.create_group("leaf")
    for level in range(9):
        upper = group.create_group(f"branch{level}")
        for way in range(10):
            upper[str(way)] = branch
        branch = upper


BAD_SONATA: dict[str, tuple[Callable[[h5py.Group], None], str]] = {
    "no timestamps": (deleted("timestamps"), "s.h5 has no /spikes/cortex/timestamps; /spikes/cortex holds node_ids"),
    "no node_ids": (deleted("node_ids"), "has no /spikes/cortex/node_ids; /spikes/cortex holds timestamps"),
    "texts": (replaced("timestamps", ["a"] * 4, "S1"), r"must be numbers, got <U1 of shape \(4,\)"),
    "two axes": (replaced("timestamps", [[0.0]], "f8"), "must be numbers, got float64 of shape .1, 1."),
    "complex": (replaced("timestamps", [0.0] * 4, "c16"), "must be numbers, got complex128"),
    "long floats": (replaced("timestamps", [0.0] * 4, "longdouble"), r"must be numbers, got float128 of shape \(4,\)"),
    "float nodes": (replaced("node_ids", [0.0] * 4, "f8"), "node_ids in .* must be integers, got float64 of .*"),
    "negative nodes": (replaced("node_ids", [0, 0, -1, 0], "i8"), "must be 0 to 4611686018427387904, got -1"),
    "huge nodes": (
        replaced("node_ids", [0, 0, 2**64 - 1, 0], "u8"),
        "must be 0 to 4611686018427387904, got 18446744073709551615",
    ),
    "high nodes": (replaced("node_ids", [0, 0, 3, 0], "u8"), "must be 0 to 2, got 3; give more neurons, or ids"),
    "lengths": (replaced("node_ids", [0], "u8"), "/spikes/cortex in .* has 4 timestamps and 1 node_ids"),
    "NaN": (replaced("timestamps", [0, np.nan, 0, 0], "f8"), "spike 1 is at nan s; times must be non-negative"),
    "negative": (replaced("timestamps", [0, 0, -2, 0], "f8"), r"spike 2 is at -0\.002 s; times must be non-negative"),
    "infinite": (replaced("timestamps", [np.inf, 0, 0, 0], "f8"), "spike 0 is at inf s"),
    "unknown unit": (unit("ticks"), "timestamps in .* is in 'ticks'; known are ms, milliseconds"),
    "unit of no text": (unit(3), "is in 3; known are ms"),
    "not by time": (told("sorting", 2), "is declared as sorted by time, but is not"),
    "not by id": (told("sorting", "by_id"), "is declared as sorted by node, but is not"),
    "several units": (
        unit(["s", "ms"]),
        "attribute 'units' of /spikes/cortex/timestamps in .* must be one number or text",
    ),
    "a unit of no type": (unit(np.void(b"s")), "must be one number or text, got .V1 of shape"),
    "an empty unit": (unit(h5py.Empty("S1")), "must be one number or text, got .S1 of shape None"),
    "orders": (
        told("sorting", [1, 2]),
        "attribute 'sorting' of /spikes/cortex in .* must be one number or text, got int64",
    ),
    "not by time, in a list": (told("sorting", [2]), "is declared as sorted by time, but is not"),
    "unknown order": (told("sorting", 7), "has the sorting 7; known are none, by_id, by_time"),
    "order of no meaning": (told("sorting", "random"), "has the sorting 'random'; known are none"),
    "soft link": (
        linked(h5py.SoftLink("/spikes/cortex/node_ids")),
        "/timestamps must be a part of the file, got a link to another place",
    ),
    "link to a file": (
        linked(h5py.ExternalLink("/etc/hostname", "/x")),
        "/timestamps must be a part of the file, got a link to another place",
    ),
    "data elsewhere": (
        external,
        "/spikes/cortex/timestamps keeps its data in other files; copy the data into this file",
    ),
    "virtual data": (virtual, "timestamps keeps its data in other files"),
    "huge": (bomb, "it unpacks to more than [0-9]{8} bytes, the most for a file of its size"),
    "huge chunks": (chunk_bomb, "timestamps is stored in chunks of 2147483648 bytes; at most [0-9]{8} are read of"),
    "by many ways": (bush, "more than 16 ways lead to one of its groups; write it once"),
    "in a ring": (ring, "leads back to a group that it is in"),
}


def refusal(path: Path, read: Callable[[Hdf5], object], parts: tuple[str, ...]) -> str:
    """Return the sentence that refuses a file, whichever side of the two processes says it."""
    try:
        read(read_here(path, parts))
    except (FormatError, RefusalError) as error:
        return str(error)
    pytest.fail("it was read")


@pytest.mark.parametrize(("change", "message"), BAD_SONATA.values(), ids=BAD_SONATA)
def test_sonata_is_refused(tmp_path: Path, change: Callable[[h5py.Group], None], message: str) -> None:
    path = sonata_file(tmp_path / "s.h5", change)
    reading = Reading(ticks=4, neurons=3, dt_ms=1.0, merge=True)
    assert re.search(message, refusal(path, lambda file: rasters_of_sonata(file, reading), ("spikes",)))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"ticks": 4, "neurons": 3}, "holds times; give dt_ms, the milliseconds of a tick"),
        ({"dt_ms": 1.0, "neurons": 3}, "has no duration; give the number of ticks"),
        ({"dt_ms": 1.0, "ticks": 4}, "has no number of nodes; give the number of neurons, or ids"),
        ({"dt_ms": 1.0, "ticks": 4, "neurons": 3, "layout": "ticks,neurons"}, "layout does not apply to"),
        (
            {"dt_ms": 1.0, "ticks": 4, "neurons": 3, "patterns": 2},
            "gives 1 of 2 patterns; give starts_ms, the beginning of each",
        ),
        (
            {"dt_ms": 1.0, "ticks": 1 << 40, "neurons": 3},
            "has 1 raster of 1099511627776 x 3; at most 1048576 rasters and 1073741824",
        ),
        (
            {"dt_ms": 1.0, "ticks": 4, "neurons": 1 << 40},
            "has 1 raster of 4 x 1099511627776; at most 1048576 rasters and 1073741824",
        ),
        ({"dt_ms": 1.0, "ticks": 4, "neurons": 2, "ids": [1]}, "is read with 1 ids; 2 neurons were given"),
        ({"dt_ms": 1.0, "ticks": 4, "neurons": 3, "key": "x"}, "has no /spikes/x/timestamps; /spikes holds cortex"),
    ],
)
def test_what_must_be_said_of_sonata(tmp_path: Path, said: dict[str, Any], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        sp.read_rasters(sonata_file(tmp_path / "s.h5"), **said)


@pytest.mark.parametrize(
    ("ids", "found"),
    [([], r"\(\)"), ([1, 1], r"\(1, 1\)"), ([-1], r"\(-1,\)"), ([1 << 63], r"\(9223372036854775808,\)")],
)
def test_ids_are_each_there_once(tmp_path: Path, ids: list[int], found: str) -> None:
    message = rf"ids must be 1 to 1048576 distinct integers from 0 to {1 << 62}, got {found}"
    with pytest.raises(SpecError, match=message):
        sp.read_rasters(sonata_file(tmp_path / "s.h5"), dt_ms=1.0, ticks=4, ids=ids)


# ---------------------------------------------------------------- NWB


TRAINS: Times = [[0.0001, 0.003], [], [0.001, 0.0035]]


def test_an_nwb_file_is_read(tmp_path: Path) -> None:
    path = nwb_file(tmp_path / "r.nwb", TRAINS, ids=[10, 4, 7])
    (raster,) = sp.read_rasters(path, dt_ms=1.0, ticks=4)
    assert np.array_equal(raster, ONE)
    (chosen,) = sp.read_rasters(path, dt_ms=1.0, ticks=4, neurons=2, ids=[7, 10])
    assert np.array_equal(chosen, ONE[:, [2, 0]])
    late, early = sp.read_rasters(path, dt_ms=1.0, ticks=2, starts_ms=[2.0, 0.0])
    assert np.array_equal(late, ONE[2:])
    assert np.array_equal(early, ONE[:2])


@settings(deadline=None, max_examples=15)
@given(st.lists(st.lists(st.integers(0, 400), unique=True), min_size=1, max_size=5))
def test_units_of_pynwb(tmp_path_factory: pytest.TempPathFactory, trains: list[list[int]]) -> None:
    path = tmp_path_factory.getbasetemp() / "units.nwb"
    trains[0] = trains[0] or [1]  # PyNWB writes no times where no unit has any
    nwb_file(path, [[tick / 1000 for tick in sorted(train)] for train in trains])
    (raster,) = recording_of_nwb(read_here(path, PARTS), Reading(dt_ms=1.0, ticks=401)).rasters
    assert [np.flatnonzero(column).tolist() for column in raster.T] == [sorted(train) for train in trains]


BAD_NWB: dict[str, tuple[str, object, str, str]] = {
    "no ids": ("id", None, "", "r.nwb has no /units/id; /units holds"),
    "no times": ("spike_times", None, "", "has no /units/spike_times; /units holds"),
    "no index": ("spike_times_index", None, "", "has no /units/spike_times_index"),
    "whole times": ("spike_times", [0, 0, 0, 0], "i8", "spike_times in .* must be numbers, got int64 of shape .4,."),
    "float index": ("spike_times_index", [2.0, 2.0, 4.0], "f8", "must be integers"),
    "descending index": (
        "spike_times_index",
        [3, 2, 4],
        "u1",
        "has 3 units, 3 ends and 4 spike times; the ends must ascend to the number of entries",
    ),
    "short index": ("spike_times_index", [2, 4], "u1", "has 3 units, 2 ends and 4 spike times"),
    "index beyond": ("spike_times_index", [2, 2, 5], "u1", "the ends must ascend to the number of entries"),
    "index not to the end": (
        "spike_times_index",
        [2, 2, 3],
        "u1",
        "has 3 units, 3 ends and 4 spike times; the ends must ascend to the",
    ),
    "huge index": (
        "spike_times_index",
        [2, 2, 2**64 - 1],
        "u8",
        "has 3 units, 3 ends and 4 spike times; the ends must ascend to the",
    ),
    "NaN": (
        "spike_times",
        [0, np.nan, 0, 0],
        "f8",
        "unit 0 has a spike at nan s; times must be finite and non-negative",
    ),
    "negative": (
        "spike_times",
        [0, 1, -1, 0],
        "f8",
        "unit 2 has a spike at -1 s; times must be finite and non-negative",
    ),
    "unsorted": ("spike_times", [1, 0, 0, 1], "f8", "unit 0 has a spike at 0 s; the times of a unit must ascend"),
}


@pytest.mark.parametrize(("name", "values", "dtype", "message"), BAD_NWB.values(), ids=BAD_NWB)
def test_nwb_is_refused(tmp_path: Path, name: str, values: object, dtype: str, message: str) -> None:
    path = nwb_file(tmp_path / "r.nwb", TRAINS)
    with h5py.File(path, "a") as file:
        del file["units"][name]
        if values is not None:
            file["units"].create_dataset(name, data=np.array(values, dtype=dtype))
    reading = Reading(dt_ms=1.0, ticks=4, merge=True)
    assert re.search(message, refusal(path, lambda file: recording_of_nwb(file, reading), PARTS))


def test_units_that_are_not_there(tmp_path: Path) -> None:
    path = nwb_file(tmp_path / "r.nwb", TRAINS, ids=[3, 3, 5])
    with pytest.raises(FormatError, match=r"has duplicate ids, so that units cannot be selected by id"):
        sp.read_rasters(path, dt_ms=1.0, ticks=4, ids=[3])
    path = nwb_file(tmp_path / "s.nwb", TRAINS)
    with pytest.raises(FormatError, match=r"s\.nwb has no unit 3; it has 0, 1, 2"):
        sp.read_rasters(path, dt_ms=1.0, ticks=4, ids=[1, 3])
    with pytest.raises(FormatError, match=r"must have 4 units, got 3"):
        sp.read_rasters(path, dt_ms=1.0, ticks=4, neurons=4)


Intervals = list[list[tuple[float, float]]]


def observed_file(path: Path, intervals: Intervals, trains: Times = TRAINS) -> Path:
    """Write units and when they were observed with PyNWB."""
    recording = pynwb.NWBFile("units", "one", datetime(2024, 5, 1, tzinfo=timezone.utc))
    for train, own in zip(trains, intervals, strict=True):
        recording.add_unit(spike_times=train, obs_intervals=own)
    with pynwb.NWBHDF5IO(path, "w") as io:
        io.write(recording)
    return path


def test_what_was_not_observed_is_told(tmp_path: Path) -> None:
    path = observed_file(tmp_path / "r.nwb", [[(0.0, 0.004)], [(0.0, 0.001), (0.001, 0.0025)], [(0.0005, 0.004)]])
    (observed,) = sp.read_observed(path, ticks=4, dt_ms=1.0)
    assert observed.T.astype(int).tolist() == [[1, 1, 1, 1], [1, 1, 0, 0], [0, 1, 1, 1]]
    late, early = sp.read_observed(path, ticks=2, dt_ms=1.0, starts_ms=[2.0, -1.0], ids=[2, 1])
    assert late.astype(int).tolist() == [[1, 0], [1, 0]]
    assert early.astype(int).tolist() == [[0, 0], [0, 1]]
    (raster,) = sp.read_rasters(path, ticks=4, dt_ms=1.0)
    assert np.array_equal(raster, ONE)


def test_a_file_that_does_not_tell_was_observed(tmp_path: Path) -> None:
    (observed,) = sp.read_observed(nwb_file(tmp_path / "r.nwb", TRAINS), ticks=4, dt_ms=1.0)
    assert observed.shape == (4, 3)
    assert observed.all()
    with pytest.raises(
        FormatError, match=r"must end in \.nwb, got '\.h5'; other formats have no intervals of observation"
    ):
        sp.read_observed(tmp_path / "s.h5", ticks=4, dt_ms=1.0)


BAD_INTERVALS: dict[str, tuple[str, object, str, str]] = {
    "no index": ("obs_intervals_index", None, "", "has no /units/obs_intervals_index"),
    "one axis": ("obs_intervals", [0.0] * 4, "f8", "obs_intervals in .* must be numbers, got float64 of shape .4,."),
    "three ends": ("obs_intervals", [[0.0, 1.0, 2.0]] * 3, "f8", "must hold a start and a later end in each row"),
    "backwards": ("obs_intervals", [[0.0, 1.0], [3.0, 2.0], [0.0, 1.0]], "f8", "a start and a later end in each row"),
    "NaN": ("obs_intervals", [[0.0, 1.0], [np.nan, 2.0], [0.0, 1.0]], "f8", "in each row, both finite"),
    "infinite": ("obs_intervals", [[-np.inf, -np.inf], [0.0, 2.0], [0.0, 1.0]], "f8", "in each row, both finite"),
    "descending": (
        "obs_intervals_index",
        [2, 1, 3],
        "u1",
        "has 3 units, 3 ends and 3 obs intervals; the ends must ascend to the number of entries",
    ),
}


@pytest.mark.parametrize(("name", "values", "dtype", "message"), BAD_INTERVALS.values(), ids=BAD_INTERVALS)
def test_intervals_that_are_none_are_refused(
    tmp_path: Path, name: str, values: object, dtype: str, message: str
) -> None:
    path = observed_file(tmp_path / "r.nwb", [[(0.0, 1.0)]] * 3)
    with h5py.File(path, "a") as file:
        del file["units"][name]
        if values is not None:
            file["units"].create_dataset(name, data=np.array(values, dtype=dtype))
    assert re.search(message, refusal(path, lambda file: recording_of_nwb(file, Reading(dt_ms=1.0, ticks=4)), PARTS))


def test_a_unit_without_intervals_was_observed(tmp_path: Path) -> None:
    path = observed_file(tmp_path / "r.nwb", [[(0.0, 0.002)]] * 3)
    with h5py.File(path, "a") as file:
        file["units/obs_intervals_index"][...] = [1, 1, 3]
    observed = recording_of_nwb(read_here(path, PARTS), Reading(dt_ms=1.0, ticks=4)).observed
    assert observed is not None
    assert len(observed) == 1
    assert observed[0].sum(axis=0).tolist() == [2, 4, 2]


def test_what_was_not_observed_does_not_count_in_a_spec(tmp_path: Path) -> None:
    observed_file(tmp_path / "r.nwb", [[(0.0, 0.004)], [(0.001, 0.003)], [(0.0, 0.004)]])
    np.savez(tmp_path / "care.npz", care=np.array([[1], [1], [0], [1]], dtype=bool))
    text = "[[patterns]]\ninputs = 'r.nwb'\ntargets = 'r.nwb'\ndt_ms = 1.0\nticks = 4\n"
    spec_path = tmp_path / "SPEC.toml"
    spec_path.write_text(f"{text}input_ids = [0, 2]\noutput_ids = [1]\n")
    assert load_spec(spec_path).care.ravel().tolist() == [False, True, True, False]
    spec_path.write_text(f"{text}input_ids = [0, 2]\noutput_ids = [1]\ncare = 'care.npz'\n")
    assert load_spec(spec_path).care.ravel().tolist() == [False, True, False, False]
    spec_path.write_text(f"{text}input_ids = [0, 1]\noutput_ids = [2]\n")
    with pytest.raises(FormatError) as caught:
        load_spec(spec_path)
    assert str(caught.value).endswith(
        "SPEC.toml: inputs must be observed at every tick, and column 1 of r.nwb was not at tick 0 of pattern 0;"
        " give starts_ms and ticks within its obs_intervals, or remove it from input_ids"
    )


# ---------------------------------------------------------------- Neo


@settings(deadline=None, max_examples=50)
@given(RASTERS, st.sampled_from([0.1, 0.25, 1.0, 2.5]), st.sampled_from([0.0, -5.0, 123.4]))
def test_neo_comes_back(raster: Raster, dt_ms: float, start_ms: float) -> None:
    trains = sp.to_neo(raster, dt_ms=dt_ms, start_ms=start_ms)
    assert [len(train) for train in trains] == raster.sum(axis=0).tolist()
    assert np.array_equal(sp.from_neo(trains, dt_ms=dt_ms), raster)
    segment = neo.Segment()
    segment.spiketrains.extend(trains)
    assert np.array_equal(sp.from_neo(segment, dt_ms=dt_ms), raster)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(("name", "length"), [("s", 1.0), ("ms", 1e3), ("us", 1e6)])
def test_units_and_beginnings_of_neo(name: str, length: float, dtype: str) -> None:
    times = np.array([0.503 * length, 0.51 * length], dtype=dtype)
    train = neo.SpikeTrain(times, units=name, t_start=0.5 * length, t_stop=0.52 * length)
    raster = sp.from_neo([train], dt_ms=1.0)
    assert raster.shape == (20, 1)
    assert np.flatnonzero(raster).tolist() == [3, 10]
    window = sp.from_neo([train, train], dt_ms=1.0, start_ms=502, ticks=5)
    assert np.argwhere(window).tolist() == [[1, 0], [1, 1]]


def train(times: list[float], start: float = 0.0, stop: float = 10.0) -> neo.SpikeTrain:
    return neo.SpikeTrain(times, units="ms", t_start=start, t_stop=stop)


BAD_NEO: dict[str, tuple[object, dict[str, Any], str]] = {
    "two in a tick": ([train([1.0, 1.5])], {}, "neuron 0 has 2 spikes in tick 1 of 1 ms .*; take a shorter tick, or"),
    "other ends": (
        [train([]), train([], stop=9.0)],
        {},
        "2 trains with 2 windows from t_start to t_stop; give start_ms",
    ),
    "other beginnings": ([train([]), train([], start=1.0)], {}, "2 trains with 2 windows from t_start to t_stop"),
    "nothing": ([], {}, "0 trains with 0 windows from t_start to t_stop; give start_ms and ticks"),
    "no whole ticks": ([train([])], {"dt_ms": 3.0}, "last 0.01 s, not a whole number of ticks of 3 ms; give start_ms"),
    "shorter than a tick": (
        [train([])],
        {"dt_ms": 25.0},
        r"the spike trains last 0\.01 s, not a whole number of ticks of 25 ms; give",
    ),
    "at the end": ([train([10.0])], {}, "have a spike at t_stop, after the last tick; give start_ms and"),
    "half a window": (
        [train([])],
        {"ticks": 3},
        "start_ms and ticks must be given together; give both, or neither for the window of the",
    ),
    "one train": (train([]), {}, "trains must be a neo.Segment or a list of neo.SpikeTrain, got a SpikeTrain"),
    "a number": (3, {}, r"trains must be a neo\.Segment or a list of neo\.SpikeTrain, got an int"),
    "arrays": ([np.zeros(3)], {}, r"trains\[0\] must be a neo.SpikeTrain, got an ndarray"),
    "no dt": ([train([])], {"dt_ms": 0}, "dt_ms must be a positive number of milliseconds, got 0"),
    "very many ticks": ([train([])], {"dt_ms": 1e-9}, "10000000000 ticks of 1 trains are more than 1073741824 bins"),
}


@pytest.mark.parametrize(("trains", "said", "message"), BAD_NEO.values(), ids=BAD_NEO)
def test_neo_is_refused(trains: Any, said: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        sp.from_neo(trains, **({"dt_ms": 1.0} | said))


def test_spikes_of_neo_are_merged_on_request() -> None:
    assert sp.from_neo([train([1.0, 1.5])], dt_ms=1.0, merge=True).sum() == 1


# ---------------------------------------------------------------- hostile HDF5 files


def test_damaged_files_are_refused_by_the_other_process(tmp_path: Path) -> None:
    path = sonata_file(tmp_path / "s.h5")
    whole = path.read_bytes()
    said: dict[str, Any] = {"dt_ms": 1.0, "ticks": 4, "neurons": 3}
    for content, message in (
        (whole[: len(whole) // 2], r"s\.h5 cannot be read: it is damaged \(OSError: .*truncated file"),
        (whole[:8], r"s\.h5 cannot be read: it is damaged"),
        (b"", r"is not an HDF5 file: it is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", r"s\.h5 is a pointer of Git LFS"),
        (b"PK\3\4" + whole[4:], r"s\.h5 is not an HDF5 file: it begins with b'PK"),
    ):
        path.write_bytes(content)
        with pytest.raises(FormatError, match=message):
            sp.read_rasters(path, **said)
    with pytest.raises(FormatError, match=r"gone\.h5 cannot be read: No such file"):
        sp.read_rasters(tmp_path / "gone.h5", **said)
    (tmp_path / "folder.h5").mkdir()
    with pytest.raises(FormatError, match=r"cannot be read: Is a directory"):
        sp.read_rasters(tmp_path / "folder.h5", **said)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "import time; time.sleep(600)",
            r"cannot be read: its reader did not finish within 1 s and was ended; it is damaged",
        ),
        ("import os; os.abort()", rf"the HDF5 library was ended by signal {signal.SIGABRT.value}: it is damaged"),
        ("raise MemoryError('no more')", r"the process that reads it failed: MemoryError: no more"),
        ("import sys; sys.exit(5)", r"the process that reads it failed: 5"),
    ],
)
def test_a_library_that_hangs_or_crashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, message: str
) -> None:
    monkeypatch.setattr(hdf5, "own_module", lambda module, words: isolated(sys.executable, "-c", code))
    monkeypatch.setattr(hdf5, "TIME_LIMIT_S", 1.0 if "sleep" in code else 60.0)
    with pytest.raises(FormatError, match=message):
        sp.read_rasters(sonata_file(tmp_path / "s.h5"), dt_ms=1.0, ticks=4, neurons=3)


USES: tuple[Callable[[Path], object], ...] = (
    lambda path: sp.read_rasters(path, dt_ms=1.0, ticks=4, neurons=3),
    lambda path: sp.write_rasters(path, [ONE], dt_ms=1.0),
)


@pytest.mark.parametrize("use", USES)
def test_a_missing_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: Callable[[Path], object]
) -> None:
    path = sonata_file(tmp_path / "s.h5")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SpecError, match=r"s\.h5 needs h5py; install it with: pip install 'snnprog\[files\]'"):
        use(path)
    with pytest.raises(SpecError, match="reading Neo's spike trains needs neo"):
        sp.from_neo([], dt_ms=1.0)


# ---------------------------------------------------------------- real recordings


def recorded(recording: Recording, name: str) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    arrays = recording(name)
    assert json.loads(str(arrays["meta"]))
    return arrays["spike_times_s"], arrays["neuron_index"]


def test_a_retina_through_sonata_nwb_and_neo(tmp_path: Path, recording: Recording) -> None:
    seconds, unit_of = recorded(recording, "retina_Wong1993_Adult.npz")
    trains = [np.sort(seconds[unit_of == unit]) for unit in range(unit_of.max() + 1)]
    said: dict[str, Any] = {"dt_ms": 1.0, "ticks": 5000, "starts_ms": [10_000.0, 60_000.0], "merge": True}
    nwb = sp.read_rasters(nwb_file(tmp_path / "retina.nwb", [train.tolist() for train in trains]), **said)
    with h5py.File(tmp_path / "retina.h5", "w") as file:
        file["spikes/retina/timestamps"], file["spikes/retina/node_ids"] = seconds * 1000, unit_of.astype("u8")
    sonata = sp.read_rasters(tmp_path / "retina.h5", neurons=len(trains), **said)
    stop = float(np.ceil(seconds.max()))
    kept = [neo.SpikeTrain(train, units="s", t_stop=stop) for train in trains]
    for index, start in enumerate(said["starts_ms"]):
        raster = sp.from_neo(kept, dt_ms=1.0, start_ms=start, ticks=5000, merge=True)
        assert np.array_equal(nwb[index], raster)
        assert np.array_equal(sonata[index], raster)
        assert raster.sum() > 50


RETINA = """
delays = "1-20"
dynamics = {{ tau_potential = 50.0 }}
[[patterns]]
inputs = "{name}"
input_ids = [0, 1, 2, 6, 13, 14, 15, 21, 25, 50]
targets = "{name}"
output_ids = [40]
dt_ms = 2.0
ticks = 2500
starts_ms = [100_000.0]
merge = true
"""


def test_a_spec_from_a_retina_compiles(tmp_path: Path, recording: Recording) -> None:
    seconds, unit_of = recorded(recording, "retina_Wong1993_Adult.npz")
    nwb_file(tmp_path / "retina.nwb", [seconds[unit_of == unit].tolist() for unit in range(unit_of.max() + 1)])
    with h5py.File(tmp_path / "retina.h5", "w") as file:
        file["spikes/retina/timestamps"], file["spikes/retina/node_ids"] = seconds * 1000, unit_of.astype("u8")
    specs = []
    for name in ("retina.nwb", "retina.h5"):
        (tmp_path / "SPEC.toml").write_text(RETINA.format(name=name))
        specs.append(sp.load_spec(tmp_path / "SPEC.toml"))
    assert specs[0].digest() == specs[1].digest()
    assert sp.verify(sp.compile(specs[0]).program, specs[1]).exact
