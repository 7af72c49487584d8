"""Recordings of events from files: each format as its writer has it, and one sentence for what is damaged.

The suite looks at a few changed files of each format; as many as wanted are looked at by::

    SNNPROG_HOSTILE_EVENTS=200 python -m pytest -q tests/test_event_files.py -k changed
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import h5py
import nir
import numpy as np
import pytest
from command_line import Command
from event_encoders import (
    Events,
    aedat4_bytes,
    atis_bytes,
    dat_bytes,
    events_of,
    evt2_bytes,
    evt3_bytes,
    random_events,
)
from numpy.typing import NDArray

import snnprog as sp
from snnprog import cli
from snnprog.files import event_libraries, event_process
from snnprog.files.event_formats import frame_of
from snnprog.files.hdf5_copy import Copy, RefusalError
from snnprog.processes.isolation import isolated

EVENTS = random_events(0, 500)
LONG = random_events(1, 400, last=60_000_000)  # three times the 24 bits of time that EVT 3.0 has
CHANGED = int(os.environ.get("SNNPROG_HOSTILE_EVENTS", "3"))

GOOD: Mapping[str, tuple[Callable[[Events], bytes], str, tuple[int, int] | None]] = {
    "plain.aedat4": (aedat4_bytes, "AEDAT 4.0", (34, 34)),
    "lz4.aedat4": (lambda events: aedat4_bytes(events, packing="lz4"), "AEDAT 4.0", (34, 34)),
    "zstd.aedat4": (lambda events: aedat4_bytes(events, packing="zstd"), "AEDAT 4.0", (34, 34)),
    "killed.aedat4": (lambda events: aedat4_bytes(events, has_table=False), "AEDAT 4.0", (34, 34)),
    "evt2.raw": (evt2_bytes, "EVT 2.0", (34, 34)),
    "evt3.raw": (evt3_bytes, "EVT 3.0", (34, 34)),
    "vectors.raw": (lambda events: evt3_bytes(events, vectors=True), "EVT 3.0", (34, 34)),
    "old.raw": (lambda events: evt2_bytes(events, size=None, end=False), "EVT 2.0", None),
    "cd.dat": (dat_bytes, "DAT 2", (34, 34)),
    "2d.dat": (lambda events: dat_bytes(events, kind=0, size=None), "DAT 2", None),
    "n.bin": (atis_bytes, "N-MNIST (40-bit ATIS events)", None),
}


def written(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def rows_of(events: NDArray[Any]) -> list[tuple[int, ...]]:
    """Return x, y, t and p of events, in an order of their own: events of one time have none."""
    return sorted(zip(*(events[name].astype(np.int64).tolist() for name in "tyxp"), strict=True))


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("events", [EVENTS, LONG, EVENTS[:0]], ids=["short", "long", "none"])
def test_a_file_gives_the_events_that_were_written(tmp_path: Path, name: str, events: Events) -> None:
    encode, format_name, size = GOOD[name]
    if not encode(events):
        pytest.skip("a file without events is an empty file")
    unique = np.unique(events) if name == "vectors.raw" else events
    recording = sp.read_events(written(tmp_path, name, encode(events)))
    assert rows_of(recording.events) == rows_of(unique)
    assert (recording.format, recording.sensor_size, recording.time_unit) == (format_name, size, "us")
    assert not recording.events.flags.writeable
    assert recording.reader.split()[0] == ("snnprog" if name == "n.bin" else "aedat" if "aedat" in name else "faery")


@pytest.mark.parametrize("name", [name for name in GOOD if not name.endswith(".bin")])
def test_the_first_bytes_decide_whatever_the_suffix(tmp_path: Path, name: str) -> None:
    recording = sp.read_events(written(tmp_path, "recording", GOOD[name][0](EVENTS)))
    assert recording.format == GOOD[name][1]


CUT = {
    ".raw": r"is cut off: EVT \d\.0 has words of \d bytes, and the last one has [13]",
    ".dat": r"is cut off: DAT has words of 8 bytes, and the last one has 7",
    ".bin": r"is cut off, or no N-MNIST file: it has \d+ bytes, which are no multiple of 5",
    ".aedat4": r"is cut off",
}


@pytest.mark.parametrize("name", GOOD)
def test_a_file_that_is_cut_off(tmp_path: Path, name: str) -> None:
    encode, suffix = GOOD[name][0], Path(name).suffix
    with pytest.raises(sp.FormatError, match=f"{name} is empty"):
        sp.read_events(written(tmp_path, name, b""))
    data = len(encode(EVENTS[:0]))  # where the data begin, or, in AEDAT 4, somewhat later
    for end in (len(encode(EVENTS)) - 1, data + 39):
        if suffix != ".aedat4" or end < data + 40:  # below: the end of AEDAT 4, where a table stands that nobody needs
            with pytest.raises(sp.FormatError, match=CUT[suffix]):
                sp.read_events(written(tmp_path, name, encode(EVENTS)[:end]))
    if suffix in (".raw", ".dat"):
        with pytest.raises(sp.FormatError, match="is cut off or damaged: a line of its header does not end"):
            sp.read_events(written(tmp_path, name, encode(EVENTS)[:20]))


@pytest.mark.parametrize("has_table", [True, False])
def test_packets_that_are_cut_off(tmp_path: Path, has_table: bool) -> None:
    whole = aedat4_bytes(EVENTS, length=50, has_table=has_table)
    packet = 8 + 4 + 36 + 16 * 50
    begin = len(aedat4_bytes(EVENTS[:0], has_table=False)) - (8 + 4 + 36)
    for end in (begin + 3, begin + 8, begin + packet + 100):
        with pytest.raises(sp.FormatError, match=r"is cut off"):
            sp.read_events(written(tmp_path, "cut.aedat4", whole[:end]))
    if not has_table:  # a recorder that was killed between packets leaves a file that is whole
        recording = sp.read_events(written(tmp_path, "whole.aedat4", whole[: begin + 2 * packet]))
        assert rows_of(recording.events) == rows_of(EVENTS[:100])


def test_streams(tmp_path: Path) -> None:
    path = written(tmp_path, "two.aedat4", aedat4_bytes(EVENTS, length=100, streams=(0, 3)))
    with pytest.raises(sp.FormatError, match=r"holds 2 streams of events \(0, 3\); say which, as in FILE:0"):
        sp.read_events(path)
    with pytest.raises(sp.FormatError, match=r"has no stream 1 of events; there are: 0, 3"):
        sp.read_events(path, key=1)
    with pytest.raises(sp.FormatError, match=r"is read with 'left': the number of a stream is needed"):
        sp.read_events(path, key="left")
    assert rows_of(sp.read_events(path, key=3).events) == rows_of(np.concatenate([EVENTS[100:200], EVENTS[300:400]]))
    with pytest.raises(sp.FormatError, match=r"is read with '1': it holds one recording; leave it out"):
        sp.read_events(written(tmp_path, "one.raw", evt2_bytes(EVENTS)), key=1)
    with pytest.raises(sp.FormatError, match=r"n\.bin holds one recording; leave '1' out"):
        sp.read_events(written(tmp_path, "n.bin", atis_bytes(EVENTS)), key=1)


def test_a_time_overflow_of_an_atis(tmp_path: Path) -> None:
    late = events_of([(1, 2, (1 << 23) - 1, 1), (3, 4, 1 << 23, 0), (5, 6, (1 << 23) + 5 * (1 << 13), 1)])
    assert sp.read_events(written(tmp_path, "late.bin", atis_bytes(late))).events.tolist() == late.tolist()


def test_data_that_begin_like_a_header(tmp_path: Path) -> None:
    """A word that begins with ``%`` and looks like text is data: the header ends with ``% end``."""
    text = bytes((0x25, 0x00, 0x0A, 0x60))  # row 37, and the low bits of the time
    row = evt3_bytes(EVENTS[:0], size=(60, 60)) + text + bytes((0x03, 0x28))
    recording = sp.read_events(written(tmp_path, "percent.raw", row))
    assert [event[:2] for event in recording.events.tolist()] == [(3, 37)]


REFUSED: Mapping[str, tuple[bytes, str]] = {
    "text.raw": (b"hello, there", r"text\.raw is no event recording: it begins with b'hello, t'; AEDAT 4,"),
    "old.aedat": (b"#!AER-DAT2.0\r\n#", r"old\.aedat is AEDAT 2\.0; AEDAT 4\.0 is read: convert it first"),
    "new.raw": (evt2_bytes(EVENTS).replace(b"evt 2.0", b"evt 2.1"), r"holds EVT 2\.1; EVT 2\.0 and 3\.0 are read"),
    "format.raw": (b"% format EVT4;height=1;width=1\n% end\n", r"holds EVT 4\.0; EVT 2\.0 and 3\.0 are read"),
    "size.raw": (evt2_bytes(EVENTS).replace(b"34x34", b"34x0 "), r"the sensor is 34 x 0; 1 to 16384 are possible"),
    "lines.raw": (b"% a b\n" * 2000, r"has more than 1000 lines of header; it is damaged"),
    "long.raw": (b"% " + b"a" * 9999, r"is cut off or damaged: a line of its header does not end"),
    "trigger.dat": (dat_bytes(EVENTS, kind=14), r"holds events of type 14 and 8 bytes; CD events of 8 bytes are read"),
    "version.dat": (dat_bytes(EVENTS, version=1), r"holds DAT 1; version 2 is read"),
    "header.dat": (dat_bytes(EVENTS[:0])[:-2], r"is cut off: it ends after its header"),
    "header.aedat4": (aedat4_bytes(EVENTS)[:100], r"is cut off or damaged: its header has 82 of \d+ bytes"),
    "wide.raw": (
        evt2_bytes(EVENTS, size=(20, 34)),
        r"it is damaged: (event \d+ has x \d+, and the sensor|faery says: x overflow)",
    ),
    "wide.dat": (dat_bytes(EVENTS, size=(34, 20)), r"it is damaged: (event|faery says)"),
    "fields.aedat4": (
        aedat4_bytes(EVENTS)[:18] + b"\xff" * 4 + aedat4_bytes(EVENTS)[22:],
        r"has a damaged header: its fields lie outside of it",
    ),
    "xml.aedat4": (
        aedat4_bytes(EVENTS).replace(b"<dv ", b"<d> "),
        r"it is damaged: aedat says: .*; faery says: ",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_files_that_are_refused(tmp_path: Path, name: str) -> None:
    content, message = REFUSED[name]
    with pytest.raises(sp.FormatError, match=message):
        sp.read_events(written(tmp_path, name, content))


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(sp.FormatError, match=r"gone\.raw cannot be read: No such file"):
        sp.read_events(tmp_path / "gone.raw")
    with pytest.raises(sp.FormatError, match=r"cannot be read: Is a directory"):
        sp.read_events(tmp_path)


# ---------------------------------------------------------------- NumPy and HDF5


def test_structured_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "e.npy", EVENTS)
    assert rows_of(sp.read_events(tmp_path / "e.npy").events) == rows_of(EVENTS)
    np.savez(tmp_path / "one.npz", events=EVENTS, label=np.array(3))
    assert rows_of(sp.read_events(tmp_path / "one.npz").events) == rows_of(EVENTS)
    np.savez_compressed(tmp_path / "two.npz", a=EVENTS, b=EVENTS[:7], label=np.array(3))
    assert len(sp.read_events(tmp_path / "two.npz", key="b").events) == 7
    for key, message in (
        (None, r"two\.npz holds 2 structured arrays \(a, b\) with the fields x, y, t and p; one is needed: say which"),
        ("label", r"array 'label' in .* has no fields; an array of structures is needed"),
        ("c", r"has no array 'c'"),
    ):
        with pytest.raises(sp.FormatError, match=message):
            sp.read_events(tmp_path / "two.npz", key=key)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((5, 4)), r"array 'events' in .* has no fields"),
        (np.array([None]), r"array 'events' in .* is of type object; plain numbers are needed"),
        (np.zeros(2, dtype=[("x", int), ("t", object)]), r"is of type .*; plain numbers are needed"),
        (np.zeros(2, dtype=[("x", int), ("t", int, 3)]), r"is of type .*; plain numbers are needed"),
        (np.zeros(2, dtype=[("x", int), ("y", int)]), r"e\.npy: events must be a structured array with the fields"),
    ],
)
def test_arrays_that_are_no_events(tmp_path: Path, array: NDArray[Any], message: str) -> None:
    np.save(tmp_path / "e.npy", array, allow_pickle=True)
    with pytest.raises(sp.FormatError, match=message):
        sp.read_events(tmp_path / "e.npy")


def test_an_array_that_is_cut_off(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, EVENTS)
    for end in (7, 60, len(buffer.getvalue()) - 1):
        with pytest.raises(sp.FormatError, match=r"malformed header|has no fields|bytes of data"):
            sp.read_events(written(tmp_path, "e.npy", buffer.getvalue()[:end]))


def cochlea_file(path: Path, samples: int = 4) -> list[tuple[NDArray[np.float16], NDArray[np.uint16]]]:
    """Write a file as SHD's are: lists of times in seconds (half precision) and of units, and labels."""
    rng = np.random.default_rng(4)
    made = []
    with h5py.File(path, "w") as file:
        times = file.create_dataset("spikes/times", (samples,), dtype=h5py.vlen_dtype(np.float16))
        units = file.create_dataset("spikes/units", (samples,), dtype=h5py.vlen_dtype(np.uint16))
        for sample in range(samples):
            count = 40 * sample
            made.append((np.sort(rng.random(count)).astype(np.float16), rng.integers(0, 700, count).astype(np.uint16)))
            times[sample], units[sample] = made[-1]
        file["labels"] = np.arange(samples)
    return made


def test_a_cochlea(tmp_path: Path) -> None:
    made = cochlea_file(tmp_path / "shd.h5")
    for sample in (0, 3):
        recording = sp.read_events(tmp_path / "shd.h5", key=sample)
        times, units = made[sample]
        assert (recording.format, recording.time_unit, recording.sensor_size) == ("SHD or SSC", "s", None)
        assert np.array_equal(recording.events["t"], times.astype(np.float64))
        assert np.array_equal(recording.events["x"], units)
    raster = sp.from_events(recording, dt_ms=0.5, sensor_size=700, ticks=2000, repeats="count")
    assert raster.counts is not None
    byhand = np.zeros((2000, 700), dtype=int)
    np.add.at(byhand, ((times.astype(np.float64) * 2000).astype(int), units), 1)
    assert np.array_equal(raster.counts, byhand)
    for key, message in (
        (None, r"shd\.h5 holds 4 samples; say which, as in shd\.h5:3 or shd\.h5:0-9"),
        (4, r"shd\.h5 has no sample 4; there are 0 to 3"),
        ("first", r"give a number or a range of at most 4096, as in shd\.h5:3 or shd\.h5:0-9, got 'first'"),
        ("2-1", r"give a number or a range"),
        ("1-2", r"shd\.h5 gives 2 recordings for '1-2'; name one sample"),
    ):
        with pytest.raises(sp.FormatError, match=message):
            sp.read_events(tmp_path / "shd.h5", key=key)


def test_samples_that_are_damaged(tmp_path: Path) -> None:
    cochlea_file(tmp_path / "shd.h5")
    with h5py.File(tmp_path / "shd.h5", "r+") as file:
        file["spikes/units"][1] = np.arange(39)
    with pytest.raises(sp.FormatError, match=r"sample 1 of .*shd\.h5 has 40 times and 39 units"):
        sp.read_events(tmp_path / "shd.h5", key=1)


def test_a_cache_of_tonic_and_columns_of_a_camera(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "cache.hdf5", "w") as file:
        file.create_dataset("data/0", data=EVENTS, compression="gzip")
        file["target/0"] = 3
    assert rows_of(sp.read_events(tmp_path / "cache.hdf5").events) == rows_of(EVENTS)
    with h5py.File(tmp_path / "camera.h5", "w") as file:
        for name in "xytp":
            file[f"events/{name}"] = EVENTS[name]
        file["t_offset"] = np.int64(10**12)
    late = EVENTS.copy()
    late["t"] += 10**12
    assert rows_of(sp.read_events(tmp_path / "camera.h5").events) == rows_of(late)
    with pytest.raises(sp.FormatError, match=r"camera\.h5 holds one recording; leave '0' out"):
        sp.read_events(tmp_path / "camera.h5", key=0)
    with h5py.File(tmp_path / "camera.h5", "r+") as file:
        del file["events/x"]
        file["events/x"] = np.zeros(3)
    with pytest.raises(
        sp.FormatError, match=r"/events in .* must hold as many x as t \(and y and p\), got 3 of x, 500"
    ):
        sp.read_events(tmp_path / "camera.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["frames"] = np.zeros(3)
    with pytest.raises(sp.FormatError, match=r"must hold /spikes/times and units \(SHD, SSC\).* got frames"):
        sp.read_events(tmp_path / "other.h5")


# ---------------------------------------------------------------- libraries that fail


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import time; time.sleep(600)", r"cannot be read: its reader did not finish within 1 s and was ended"),
        (
            "import os; os.abort()",
            rf"the library that reads it was ended by signal {signal.SIGABRT.value}: it is damaged",
        ),
        ("raise MemoryError('no more')", r"the process that reads it failed: MemoryError: no more"),
        ("import sys; sys.exit(5)", r"the process that reads it failed: 5"),
        ("print('no numbers')", r"what its reader wrote is invalid"),
    ],
)
def test_a_library_that_hangs_or_crashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, message: str
) -> None:
    monkeypatch.setattr(event_libraries, "own_module", lambda module, words: isolated(sys.executable, "-c", code))
    monkeypatch.setattr(event_libraries, "TIME_LIMIT_S", 1.0 if "sleep" in code else 60.0)
    with pytest.raises(sp.FormatError, match=message):
        sp.read_events(written(tmp_path, "e.raw", evt2_bytes(EVENTS)))


def test_no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "e.raw", evt2_bytes(EVENTS))
    monkeypatch.setattr(event_libraries, "own_module", lambda module, words: isolated(sys.executable, "-c", NO_LIBRARY))
    with pytest.raises(sp.SpecError, match=r"e\.raw needs a package: pip install 'snnprog\[events\]' \(faery cannot"):
        sp.read_events(path)
    monkeypatch.setattr("importlib.import_module", lambda name: (_ for _ in ()).throw(ImportError("no such thing")))
    libraries, failures = event_process.imported("evt2")
    assert not libraries
    assert failures == ["faery cannot be imported: no such thing", "evlib cannot be imported: no such thing"]


NO_LIBRARY = "open('reason', 'w').write('faery cannot be imported'); raise SystemExit(4)"


class Column(list[int]):
    """What stands for a column of a table of evlib's."""

    @property
    def dt(self) -> SimpleNamespace:
        return SimpleNamespace(total_microseconds=lambda: self)


def stand_in(events: Events, polarities: tuple[int, int] = (-1, 1)) -> SimpleNamespace:
    """Return what stands for evlib, which reads the same events whatever the file."""
    table = {name: Column(events[name].tolist()) for name in "xyt"}
    table["polarity"] = Column(np.where(events["p"], polarities[1], polarities[0]).tolist())
    return SimpleNamespace(load_events=lambda path: SimpleNamespace(collect=lambda: table))


def copied(folder: Path, path: Path, libraries: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    copy = Copy(1 << 24)
    frame = frame_of(path, "prophesee")
    event_process.copy_events(path, frame, None, libraries=libraries, copied=copy, folder=folder)
    return dict(zip((name or attribute for name, attribute in copy.index), copy.arrays, strict=True))


def test_where_one_library_fails_another_is_tried(tmp_path: Path) -> None:
    def fail(*_: object) -> None:
        raise ValueError("not that\none")

    path = written(tmp_path, "e.raw", evt2_bytes(EVENTS))
    broken = SimpleNamespace(evt=SimpleNamespace(Decoder=fail))
    parts = copied(tmp_path, path, {"faery": broken, "evlib": stand_in(EVENTS)})
    assert parts["reader"].item().startswith("evlib ")
    assert all(np.array_equal(parts[name], EVENTS[name]) for name in "xytp")
    with pytest.raises(RefusalError, match="it is damaged: faery says: not that one"):
        copied(tmp_path, path, {"faery": broken})
    outside = events_of([(0, 0, 0, 0), (34, 0, 1, 0)])
    with pytest.raises(RefusalError, match="it is damaged: event 1 has x 34, and the sensor has 0 to 33"):
        copied(tmp_path, path, {"faery": broken, "evlib": stand_in(outside)})


def changed_copy(good: bytes, seed: str) -> bytes:
    """Return a copy with some bytes exchanged, flipped, left out or added, most of them near the beginning."""
    random, content = Random(seed), bytearray(good)
    for _ in range(random.choice((1, 1, 2, 5, 20))):
        place = random.randrange(len(content) if random.random() < 0.5 else min(len(content), 600))
        kind, noise = random.randrange(5), random.randbytes(random.randrange(1, 9))
        if kind == 0:
            content[place] ^= 1 << random.randrange(8)
        elif kind == 1:
            del content[place : place + len(noise)]
        elif kind == 2:
            content[place:place] = noise
        elif kind == 3:
            content[place : place + 4] = random.choice((b"\xff\xff\xff\xff", bytes(4), b"\xff\xff\xff\x7f"))
        else:
            content[place : place + len(noise)] = noise
    return bytes(content)


@pytest.mark.parametrize("name", GOOD)
def test_changed_files_are_read_or_refused(tmp_path: Path, name: str) -> None:
    good = GOOD[name][0](EVENTS[:150])
    for number in range(CHANGED):
        path = written(tmp_path, name, changed_copy(good, f"{name} {number}"))
        said, count = outcome_of(path)
        assert "\n" not in said
        assert len(said) < 1500
        assert count < 1 << 16


def outcome_of(path: Path) -> tuple[str, int]:
    """Return why a file is refused, and how many events it has."""
    try:
        return "", len(sp.read_events(path).events)
    except sp.FormatError as error:
        return str(error), 0


# ---------------------------------------------------------------- as rasters, in SPEC.toml and on the command line


def test_rasters_of_a_recording(tmp_path: Path) -> None:
    path = written(tmp_path, "e.aedat4", aedat4_bytes(EVENTS))
    plain = sp.from_events(EVENTS, dt_ms=1.0, sensor_size=(34, 34), ticks=300, repeats="merge")
    (raster,) = sp.read_rasters(path, dt_ms=1.0, ticks=300, merge=True)
    assert np.array_equal(raster, plain.raster)
    view = sp.EventView(polarity="merged", region=(0, 0, 17, 34), downsample=2)
    halves = sp.read_rasters(path, dt_ms=1.0, ticks=150, merge=True, starts_ms=[0.0, 150.0], view=view, neurons=153)
    whole = sp.from_events(
        EVENTS,
        dt_ms=1.0,
        sensor_size=(34, 34),
        ticks=300,
        repeats="merge",
        polarity="merged",
        region=(0, 0, 17, 34),
        downsample=2,
    )
    assert np.array_equal(np.concatenate(halves), whole.raster)
    for options, message in (
        ({}, r"e\.aedat4 holds times, and a raster has ticks; give dt_ms"),
        ({"dt_ms": 1.0}, r"e\.aedat4 does not tell how long it lasts; give the number of ticks"),
        ({"dt_ms": 1.0, "ticks": 300, "ids": [1]}, r"ids is given for .*, which has no use for it"),
        ({"dt_ms": 1.0, "ticks": 9}, r"\d+ events before or after the 9 ticks from time 0 on; give more ticks"),
        ({"dt_ms": 50.0, "ticks": 6}, r"events in tick .*; take a shorter tick, or ask for merging"),
        ({"dt_ms": 1.0, "ticks": 300, "merge": True, "neurons": 7}, r"gives 2312 lines \(2 polarities x 34 rows x 34"),
        ({"dt_ms": 1.0, "ticks": 300, "merge": True, "patterns": 2}, r"gives 1 of 2 patterns; give starts_ms"),
        (
            {"dt_ms": 1.0, "ticks": 300, "view": sp.EventView(time_unit="s")},
            r"time_unit is 's', and AEDAT 4\.0 has 'us'",
        ),
    ):
        with pytest.raises(sp.FormatError, match=message):
            sp.read_rasters(path, **options)


def test_files_that_hold_rasters_or_events(tmp_path: Path) -> None:
    np.savez(tmp_path / "e.npz", events=EVENTS)
    cochlea_file(tmp_path / "shd.h5")
    with pytest.raises(sp.FormatError, match=r"plain numbers are needed"):
        sp.read_rasters(tmp_path / "e.npz")
    with pytest.raises(sp.FormatError, match=r"holds recordings of events \(SHD, SSC\); give sensor_size to read them"):
        sp.read_rasters(tmp_path / "shd.h5", dt_ms=1.0, ticks=9, neurons=700)
    said: dict[str, Any] = {"dt_ms": 1.0, "ticks": 1000, "merge": True}
    (raster,) = sp.read_rasters(tmp_path / "e.npz", view=sp.EventView((34, 34)), **said)
    assert raster.shape == (1000, 2312)
    samples = sp.read_rasters(tmp_path / "shd.h5", key="1-3", view=sp.EventView(700, downsample=100), **said)
    assert [each.shape for each in samples] == [(1000, 7)] * 3


SPEC = """
delays = "1-3"

[[patterns]]
inputs = "{inputs}"
targets = "targets.npz"
dt_ms = 1.0
ticks = 300
merge = true
{options}
"""


@pytest.mark.parametrize(
    ("name", "options", "lines"),
    [
        ("e.aedat4", "", 2312),
        ("e.raw", 'polarity = "on"\ndownsample = 17', 4),
        ("e.bin", 'sensor_size = [34, 34]\nregion = [2, 3, 4, 5]\norigin = "first"', 8),
        ("e.npz", 'sensor_size = [34, 34]\ntime_unit = "us"', 2312),
        ("shd.h5:3", "sensor_size = 700\nstarts_ms = [100.0]\ndownsample = 350", 2),
    ],
)
def test_a_spec_of_a_recording(tmp_path: Path, name: str, options: str, lines: int) -> None:
    written(tmp_path, "e.aedat4", aedat4_bytes(EVENTS))
    written(tmp_path, "e.raw", evt3_bytes(EVENTS))
    written(tmp_path, "e.bin", atis_bytes(EVENTS))
    np.savez(tmp_path / "e.npz", events=EVENTS)
    cochlea_file(tmp_path / "shd.h5")
    np.savez(tmp_path / "targets.npz", targets=np.zeros((300, 1), dtype=bool))
    (tmp_path / "SPEC.toml").write_text(SPEC.format(inputs=name, options=options), encoding="utf-8")
    (pattern,) = sp.load_spec(tmp_path / "SPEC.toml").patterns
    assert pattern.inputs.shape == (300, lines)
    assert pattern.inputs.any()


def test_a_spec_that_says_too_much(tmp_path: Path) -> None:
    np.savez(tmp_path / "e.npz", inputs=np.zeros((300, 3), dtype=bool))
    np.savez(tmp_path / "targets.npz", targets=np.zeros((300, 1), dtype=bool))
    text = (
        SPEC.format(inputs="e.npz", options="sensor_size = 3").replace("dt_ms = 1.0\n", "").replace("merge = true", "")
    )
    (tmp_path / "SPEC.toml").write_text(text, encoding="utf-8")
    with pytest.raises(sp.FormatError, match="gives sensor_size, which no file of it has a use for"):
        sp.load_spec(tmp_path / "SPEC.toml")
    (tmp_path / "SPEC.toml").write_text(text.replace("sensor_size = 3", 'polarity = "up"'), encoding="utf-8")
    written(tmp_path, "e.bin", atis_bytes(EVENTS))
    (tmp_path / "SPEC.toml").write_text(
        SPEC.format(inputs="e.bin", options='sensor_size = [34, 34]\npolarity = "up"'), encoding="utf-8"
    )
    with pytest.raises(sp.SpecError, match="polarity must be 'both', 'merged', 'on' or 'off', got 'up'"):
        sp.load_spec(tmp_path / "SPEC.toml")


VIEW = ("--region", "0,0,34,17", "--downsample", 17, "--polarity", "merged")


def test_run_on_a_recording(command: Command, detector: Path, tmp_path: Path) -> None:
    view = sp.EventView(polarity="merged", region=(0, 0, 34, 17), downsample=17)
    for name, content, more in (
        ("e.aedat4", aedat4_bytes(EVENTS), ()),
        ("e.bin", atis_bytes(EVENTS), ("--sensor-size", "34,34", "--time-unit", "us", "--origin", "zero")),
    ):
        path = written(tmp_path, name, content)
        words = ("run", detector, path, "--ticks", 300, "--dt-ms", 1, "--merge", *VIEW, *more)
        code, out, _ = command(*words, "-o", tmp_path / "out.npz")
        assert code == cli.EXACT
        assert "in 1 pattern" in out
        inputs = sp.read_rasters(
            written(tmp_path, "same.raw", evt2_bytes(EVENTS)), dt_ms=1.0, ticks=300, merge=True, view=view
        )
        (trace,) = sp.run(sp.load(detector), inputs)
        assert np.array_equal(sp.read_rasters(tmp_path / "out.npz")[0], trace.spikes)
    assert command(*words, "-o", tmp_path / "out.h5")[0] == cli.EXACT
    code, _, err = command("run", detector, path, "--ticks", 300, "--dt-ms", 1, "--sensor-size", "34,x")
    assert (code, "no list of numbers" in err) == (cli.BAD_USAGE, True)
    code, _, err = command("run", detector, path, "--ticks", 300, "--dt-ms", 1)
    assert (code, "sensor_size must be given" in err) == (cli.BAD_USAGE, True)


def test_report_on_a_recording(command: Command, detector: Path, tmp_path: Path) -> None:
    path = written(tmp_path, "e.raw", evt3_bytes(EVENTS))
    said = ("--ticks", 100, "--dt-ms", 1, "--merge", "--starts-ms", "0,200", *VIEW)
    assert command("report", detector, "--inputs", path, *said, "-o", tmp_path / "p.html")[0] == cli.EXACT
    assert (tmp_path / "p.html").is_file()


def test_quantize_on_a_recording(command: Command, tmp_path: Path) -> None:
    nodes = {
        "input": nir.Input(np.array([2])),
        "w": nir.Linear(np.array([[0.7, 0.9]])),
        "n": nir.LIF(tau=np.array([0.02]), r=np.array([10.0]), v_leak=np.zeros(1), v_threshold=np.ones(1)),
        "output": nir.Output(np.array([1])),
    }
    nir.write(tmp_path / "n.nir", nir.NIRGraph(nodes, [("input", "w"), ("w", "n"), ("n", "output")]))
    path = written(tmp_path, "e.raw", evt3_bytes(EVENTS))
    said = ("--inputs", path, "--ticks", 100, "--starts-ms", "0,150", "--merge", *VIEW)
    code, out, _ = command("quantize", tmp_path / "n.nir", "--dt-ms", 1, *said, "-o", tmp_path / "n.snnp", "--json")
    assert code == cli.EXACT
    assert '"wrong_bins": 0' in out
