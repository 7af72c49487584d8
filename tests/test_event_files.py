"""Recordings of events from files: each format as its writer has it, and one sentence for what is damaged."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import faery
import h5py
import numpy as np
import pytest
from event_encoders import (
    Events,
    aedat4_bytes,
    atis_bytes,
    dat_bytes,
    events_of,
    evt2_bytes,
    evt3_bytes,
)
from event_recordings import EVENTS, GOOD, LONG, cochlea_file, rows_of, written
from numpy.typing import NDArray

import snnprog as sp


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
    assert recording.reader.split()[0] == {".aedat4": "aedat", ".raw": "faery"}.get(Path(name).suffix, "snnprog")


@pytest.mark.parametrize("name", [name for name in GOOD if not name.endswith(".bin")])
def test_the_first_bytes_decide_whatever_the_suffix(tmp_path: Path, name: str) -> None:
    recording = sp.read_events(written(tmp_path, "recording", GOOD[name][0](EVENTS)))
    assert recording.format == GOOD[name][1]


CUT = {
    ".raw": r"is cut off: EVT \d\.0 has words of \d bytes, and the last one has [13]",
    ".dat": r"is cut off: DAT has words of 8 bytes, and the last one has 7",
    ".bin": r"is cut off, or not an N-MNIST file: it has (2499|39) bytes, not a multiple of 5, or more than",
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
    with pytest.raises(sp.FormatError, match=r"holds 2 streams of events \(0, 3\); name one, as in FILE:0"):
        sp.read_events(path)
    with pytest.raises(sp.FormatError, match=r"has no stream 1 of events; there are: 0, 3"):
        sp.read_events(path, key=1)
    with pytest.raises(sp.FormatError, match=r"is read with 'left': give the number of a stream"):
        sp.read_events(path, key="left")
    assert rows_of(sp.read_events(path, key=3).events) == rows_of(np.concatenate([EVENTS[100:200], EVENTS[300:400]]))
    with pytest.raises(sp.FormatError, match=r"is read with '1': it holds one recording; omit it"):
        sp.read_events(written(tmp_path, "one.raw", evt2_bytes(EVENTS)), key=1)
    with pytest.raises(sp.FormatError, match=r"n\.bin holds one recording; omit '1'"):
        sp.read_events(written(tmp_path, "n.bin", atis_bytes(EVENTS)), key=1)


def test_a_time_overflow_of_an_atis(tmp_path: Path) -> None:
    late = events_of([(1, 2, (1 << 23) - 1, 1), (3, 4, 1 << 23, 0), (5, 6, (1 << 23) + 5 * (1 << 13), 1)])
    assert sp.read_events(written(tmp_path, "late.bin", atis_bytes(late))).events.tolist() == late.tolist()


def test_times_of_a_dat(tmp_path: Path) -> None:
    rows = [(1, 2, 100, 1), (3, 4, 50, 0), (3, 4, 2**32 - 1, 1), (5, 6, 3, 0), (7, 8, 1, 1)]
    read = sp.read_events(written(tmp_path, "e.dat", dat_bytes(events_of(rows)))).events
    assert read["t"].tolist() == [100, 50, 2**32 - 1, 2**32 + 3, 2**32 + 1]
    assert read[["x", "y", "p"]].tolist() == [(x, y, bool(p)) for x, y, _, p in rows]


def test_a_dat_as_faery_reads_it(tmp_path: Path) -> None:
    path = written(tmp_path, "e.dat", dat_bytes(LONG))
    packets = [packet.copy() for packet in faery.dat.Decoder(str(path), None, None)]
    other = np.concatenate(packets)
    assert rows_of(sp.read_events(path).events) == sorted(
        zip(*(other[name].astype(np.int64).tolist() for name in ("t", "y", "x", "payload")), strict=True)
    )


def test_data_that_begin_like_a_header(tmp_path: Path) -> None:
    """A word that begins with ``%`` and looks like text is data: the header ends with ``% end``."""
    text = bytes((0x25, 0x00, 0x0A, 0x60))  # row 37, and the low bits of the time
    row = evt3_bytes(EVENTS[:0], size=(60, 60)) + text + bytes((0x03, 0x28))
    recording = sp.read_events(written(tmp_path, "percent.raw", row))
    assert [event[:2] for event in recording.events.tolist()] == [(3, 37)]


REFUSED: Mapping[str, tuple[bytes, str]] = {
    "text.raw": (
        b"hello, there",
        r"is not an event recording: it begins with b'hello, t'; AEDAT 4, Prophesee \.raw and \.dat,",
    ),
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
    "wide.dat": (
        dat_bytes(EVENTS, size=(34, 20)),
        r"wide\.dat is damaged: event \d+ has y \d+, and the sensor has 0 to 19",
    ),
    "fields.aedat4": (
        aedat4_bytes(EVENTS)[:18] + b"\xff" * 4 + aedat4_bytes(EVENTS)[22:],
        r"has a damaged header: its fields lie outside it",
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
        (None, r"holds 2 structured arrays \(a, b\) with the fields x, y, t and p, and no arrays x, y, t and"),
        (
            "label",
            r"array 'label' in .* must be an array of structures with the fields x, y, t and p, got int64",
        ),
        ("c", r"has no array 'c'"),
    ):
        with pytest.raises(sp.FormatError, match=message):
            sp.read_events(tmp_path / "two.npz", key=key)


def test_columns_in_an_archive(tmp_path: Path) -> None:
    columns: dict[str, Any] = {name: EVENTS[name] for name in "xytp"}
    np.savez(tmp_path / "c.npz", **columns)
    assert rows_of(sp.read_events(tmp_path / "c.npz").events) == rows_of(EVENTS)
    view = sp.EventView((34, 34))
    (raster,) = sp.read_rasters(tmp_path / "c.npz", dt_ms=1.0, ticks=300, merge=True, view=view)
    assert np.array_equal(
        raster, sp.from_events(EVENTS, dt_ms=1, sensor_size=(34, 34), ticks=300, repeats="merge").raster
    )
    np.savez(tmp_path / "c.npz", **{**columns, "p": EVENTS["p"][1:]})
    with pytest.raises(
        sp.FormatError, match=r"must hold lists p, t, x, y of equal length, got shapes \[\(499,\), \(500"
    ):
        sp.read_events(tmp_path / "c.npz")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            np.zeros((5, 4)),
            r"must be an array of structures with the fields x, y, t and p, got float64 of shape \(5, 4\)$",
        ),
        (
            np.zeros((5, 4), dtype=bool),
            r"got bool of shape \(5, 4\); a raster of bools is read from an \.npz: np\.savez",
        ),
        (np.array([None]), r"array 'events' in .* must hold plain numbers, got type object"),
        (np.zeros(2, dtype=[("x", int), ("t", object)]), r"must hold plain numbers, got type .*"),
        (np.zeros(2, dtype=[("x", int), ("t", int, 3)]), r"must hold plain numbers, got type .*"),
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
        with pytest.raises(sp.FormatError, match=r"malformed header|got no fields|bytes of data"):
            sp.read_events(written(tmp_path, "e.npy", buffer.getvalue()[:end]))


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
        (None, r"shd\.h5 holds 4 samples; name one, as in shd\.h5:3 or shd\.h5:0-9"),
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
    with pytest.raises(sp.FormatError, match=r"holds one recording; omit '0'"):
        sp.read_events(tmp_path / "camera.h5", key=0)
    with h5py.File(tmp_path / "camera.h5", "r+") as file:
        file["t_offset"][...] = 2**63 - 9
    with pytest.raises(sp.FormatError, match=r"/t_offset in .* must keep times within 64 bits, got \d+"):
        sp.read_events(tmp_path / "camera.h5")
    with h5py.File(tmp_path / "camera.h5", "r+") as file:
        file["t_offset"][...] = 2
        del file["events/t"]
        file["events/t"] = EVENTS["t"] + 0.5
    assert np.array_equal(sp.read_events(tmp_path / "camera.h5").events["t"], EVENTS["t"] + 2.5)
    with h5py.File(tmp_path / "camera.h5", "r+") as file:
        del file["events/x"]
        file["events/x"] = np.zeros(3)
    with pytest.raises(
        sp.FormatError, match=r"/events in .* must hold equal numbers of x and t \(and y and p\), got 3 of x, 500"
    ):
        sp.read_events(tmp_path / "camera.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["frames"] = np.zeros(3)
    with pytest.raises(sp.FormatError, match=r"must hold /spikes/times and units \(SHD, SSC\).* got frames"):
        sp.read_events(tmp_path / "other.h5")
