"""Rasters through files and back, and a sentence for every file that holds none."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from numpy.typing import NDArray
from untyped import untyped

import snnprog as sp
from snnprog.archive import write_archive
from snnprog.errors import FormatError, SpecError
from snnprog.files import read_rasters, split_key, write_rasters

STACKS = nps.arrays(np.bool_, nps.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=5))
ONE = np.array([[1, 0], [0, 0], [0, 1]], dtype=bool)


def csv_file(folder: Path, text: str | bytes) -> Path:
    path = folder / "events.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def npz_file(folder: Path, **arrays: NDArray[np.generic]) -> Path:
    write_archive(folder / "rasters.npz", arrays, texts={})
    return folder / "rasters.npz"


# ---------------------------------------------------------------- files, both ways


@settings(deadline=None)
@given(STACKS)
def test_csv_and_npz_come_back(tmp_path_factory: pytest.TempPathFactory, stack: NDArray[np.bool_]) -> None:
    patterns, ticks, neurons = stack.shape
    for suffix in (".csv", ".npz"):
        path = tmp_path_factory.getbasetemp() / f"come_back{suffix}"
        write_rasters(path, list(stack))
        again = read_rasters(path, ticks=ticks, neurons=neurons, patterns=patterns)
        assert np.array_equal(np.stack(again), stack)
        assert not any(raster.flags.writeable for raster in again)


@pytest.mark.parametrize("suffix", [".csv", ".npz"])
def test_files_are_the_same_twice(tmp_path: Path, suffix: str) -> None:
    for name in "ab":
        write_rasters(tmp_path / f"{name}{suffix}", [ONE, ~ONE])
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_the_text_of_a_csv(tmp_path: Path) -> None:
    write_rasters(tmp_path / "e.csv", [ONE, np.zeros((3, 2), dtype=bool), ONE])
    assert (tmp_path / "e.csv").read_text() == "pattern,tick,neuron\n0,0,0\n0,2,1\n2,0,0\n2,2,1\n"


def test_rasters_of_different_length(tmp_path: Path) -> None:
    write_rasters(tmp_path / "r.npz", [ONE, ONE[:1]], key="out")
    assert [read_rasters(tmp_path / "r.npz", key=f"out_{index}")[0].shape for index in (0, 1)] == [(3, 2), (1, 2)]


@pytest.mark.parametrize("name", ["r.dat2", "r", "r.NPZ"])
def test_other_suffixes(tmp_path: Path, name: str) -> None:
    ending = Path(name).suffix
    with pytest.raises(FormatError, match=f"{name} ends in '{ending}'; rasters are written to .npz, .csv and .h5"):
        write_rasters(tmp_path / name, [ONE])
    with pytest.raises(
        FormatError,
        match=rf"{name} ends in '{ending}'; rasters are read from \.npz, .*\.h5, \.nwb, \.aedat4, .*\.npy and \.hdf5",
    ):
        read_rasters(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_formats_of_other_tools_come_with_advice(tmp_path: Path) -> None:
    for name, advice in (("r.txt", "save the spikes as .csv"), ("r.mat", "scipy.io.loadmat"), ("r.nex", "sp.from_neo")):
        with pytest.raises(FormatError, match=rf"{name} ends in '{Path(name).suffix}'; {advice}"):
            read_rasters(tmp_path / name)


# ---------------------------------------------------------------- CSV

GOOD_CSV: dict[str, tuple[str | bytes, int | None, list[list[tuple[int, int]]]]] = {
    "plain": ("tick,neuron\n0,0\n2,1\n", None, [[(0, 0), (2, 1)]]),
    "header only": ("tick,neuron\n", None, [[]]),
    "no last newline": ("tick,neuron\n2,1", None, [[(2, 1)]]),
    "blank lines": ("tick,neuron\n\n0,0\n\n\n2,1\n\n", None, [[(0, 0), (2, 1)]]),
    "byte order mark": (b"\xef\xbb\xbftick,neuron\n2,1\n", None, [[(2, 1)]]),
    "Windows": ("tick,neuron\r\n2,1\r\n", None, [[(2, 1)]]),
    "spaces": (" tick , neuron \n 2 , 1 \n", None, [[(2, 1)]]),
    "unordered": ("tick,neuron\n2,1\n0,0\n", None, [[(0, 0), (2, 1)]]),
    "quoted": ('"tick","neuron"\n"2","1"\n', None, [[(2, 1)]]),
    "old Macintosh": ("tick,neuron\r2,1\r", None, [[(2, 1)]]),
    "zeros in front": ("tick,neuron\n002,-0\n", None, [[(2, 0)]]),
    "patterns": ("pattern,tick,neuron\n1,0,0\n0,2,1\n", None, [[(2, 1)], [(0, 0)]]),
    "silent first": ("pattern,tick,neuron\n1,0,0\n", None, [[], [(0, 0)]]),
    "silent last, unsaid": ("pattern,tick,neuron\n0,0,0\n", None, [[(0, 0)]]),
    "silent last, said": ("pattern,tick,neuron\n0,0,0\n", 3, [[(0, 0)], [], []]),
    "all silent": ("pattern,tick,neuron\n", 2, [[], []]),
}


@pytest.mark.parametrize(("text", "patterns", "events"), GOOD_CSV.values(), ids=GOOD_CSV)
def test_csv_is_read(
    tmp_path: Path, text: str | bytes, patterns: int | None, events: list[list[tuple[int, int]]]
) -> None:
    rasters = read_rasters(csv_file(tmp_path, text), ticks=3, neurons=2, patterns=patterns)
    assert [raster.shape for raster in rasters] == [(3, 2)] * len(events)
    assert [[(int(t), int(n)) for t, n in np.argwhere(raster)] for raster in rasters] == events


BAD_CSV: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "must be 'tick,neuron' or 'pattern,tick,neuron' or 'time_ms,neuron' or 'time_s,neuron', got"),
    "no header": ("0,0\n", "must be 'tick,neuron' or"),
    "other order": ("neuron,tick\n", "must be 'tick,neuron' or 'pattern,tick,neuron'"),
    "semicolons": ("tick;neuron\n0;0\n", "must be 'tick,neuron' or 'pattern,tick,neuron'"),
    "a field too few": ("tick,neuron\n0\n", "line 2: must have 2 integers, got '0'"),
    "a field too many": ("tick,neuron\n0,0\n0,0,0\n", "line 3: must have 2 integers, got '0,0,0'"),
    "pattern missing": ("pattern,tick,neuron\n0,0\n", "line 2: must have 3 integers, got '0,0'"),
    "fraction": ("tick,neuron\n0.0,0\n", "line 2: must have 2 integers, got '0.0,0'"),
    "text": ("tick,neuron\na,0\n", "line 2: must have 2 integers, got 'a,0'"),
    "blank field": ("tick,neuron\n,0\n", "line 2: must have 2 integers, got ',0'"),
    "underscore": ("tick,neuron\n1_0,0\n", "line 2: must have 2 integers, got '1_0,0'"),
    "plus": ("tick,neuron\n+1,0\n", "line 2: must have 2 integers, got '+1,0'"),
    "other digits": ("tick,neuron\n٣,0\n", "line 2: must have 2 integers, got '٣,0'"),
    "spaces only": ("tick,neuron\n   \n", "line 2: must have 2 integers, got '   '"),
    "huge": (f"tick,neuron\n{1 << 63},0\n", "line 2: must have 2 integers, got"),
    "very many digits": (f"tick,neuron\n{'1' * 5000},0\n", "line 2: must have 2 integers, got"),
    "very long field": (
        f"tick,neuron\n{'1' * 200_000},0\n",
        "line 2: it must have fewer than 65536 characters",
    ),
    "late": ("tick,neuron\n3,0\n", "events.csv, line 2: tick must be 0 to 2, because ticks = 3, got 3"),
    "negative": ("tick,neuron\n0,-1\n", "line 2: neuron must be 0 to 1, because neurons = 2, got -1"),
    "capital letters": ("Tick,Neuron\n0,0\n", "got 'Tick,Neuron'; write it in small letters"),
    "other separator": ("tick;neuron\n0;0\n", "got 'tick;neuron'; separate the columns by commas"),
    "turned columns": ("neuron,tick\n0,0\n", "got 'neuron,tick'; write the columns in that order"),
    "numbers alone": ("1,2\n", "got '1,2'; the first line must be a header, and the numbers follow it"),
    "a raster": ("0,1,0,0\n1,0,0,1\n", "; a .csv lists events; write a raster of 0 and 1 as an array: sp.write_"),
    "a raster with blanks": ("0 1 0 0\n", "; a .csv lists events; write a raster of 0 and 1 as an array: sp.write_"),
    "a raster of savetxt": ("0.000000000000000000e+00 " * 5 + "\n", "; a .csv lists events; write a raster"),
    "events or a raster": ("1,0\n", "the numbers follow it (a .csv lists events; write a raster of 0 and 1 as an"),
    "no line": ("", "got ''; the first line is empty"),
    "late after a mark and an empty line": ("tick,neuron\n0,\n\n1,0\n7,0\n", "line 5: tick must be 0 to 2, because"),
    "negative pattern": (
        "pattern,tick,neuron\n-1,0,0\n",
        "has patterns -1 to -1, but their number (count in a SPEC.toml, patterns= in Python) is 1, which allows",
    ),
    "far pattern": ("pattern,tick,neuron\n1000000000,0,0\n", "has 1000000001 rasters of 3 x 2; at most 1048576"),
    "twice": ("tick,neuron\n2,1\n0,0\n2,1\n", "events.csv: neuron 1 has 2 spikes in tick 2 of pattern 0; list each"),
    "two of them twice": (
        "pattern,tick,neuron\n1,0,0\n1,0,0\n0,2,1\n0,2,1\n0,2,1\n0,0,0\n",
        "neuron 1 has 3 spikes in tick 2 of pattern 0 (and 1 more bin like it); list each event once",
    ),
    "odd after many": ("tick,neuron\n" + "1,1\n" * 9 + "1;1\n", "line 11: must have 2 integers, got '1;1'"),
    "two numbers in one": ("tick,neuron\n1 2,0\n", "line 2: must have 2 integers, got '1 2,0'"),
    "comma at the end": ("tick,neuron\n1,0,\n", "line 2: must have 2 integers, got '1,0,'"),
    "two signs": ("tick,neuron\n--1,0\n", "line 2: must have 2 integers, got '--1,0'"),
    "no UTF-8": (
        b"tick,neuron\n\xe9,0\n",
        "events.csv cannot be read: it is not text in UTF-8 (byte 0xe9 at 1); save it as UTF-8",
    ),
    "UTF-16": (
        "tick,neuron\n1,0\n".encode("utf-16"),
        "events.csv cannot be read: it is not text in UTF-8 (it begins as UTF-16 does); save it as UTF-8",
    ),
    "times": ("tick,neuron\n1.5,0\n", "line 2: must have 2 integers, got '1.5,0'; for times, write the header time_ms"),
    "a name": ("tick,neuron\n1,left\n", "got '1,left'; the lines have no names: write their numbers, from 0"),
}


@pytest.mark.parametrize(("text", "message"), BAD_CSV.values(), ids=BAD_CSV)
def test_csv_is_refused(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(FormatError, match=re.escape(message)):
        read_rasters(csv_file(tmp_path, text), ticks=3, neurons=2)


def test_csv_events_that_are_listed_twice_are_merged_where_asked(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "tick,neuron\n2,1\n0,0\n2,1\n")
    (raster,) = read_rasters(path, ticks=3, neurons=2, merge=True)
    assert np.argwhere(raster).tolist() == [[0, 0], [2, 1]]


FIELDS = st.one_of(st.integers(-2, 9).map(str), st.text("0123-+.eE_ \t", max_size=4), st.sampled_from(["", "007"]))


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(["tick", "time_ms"]), st.lists(st.lists(FIELDS, min_size=2, max_size=2), max_size=4))
def test_files_mean_the_same_with_quotes(
    tmp_path_factory: pytest.TempPathFactory, column: str, rows: list[list[str]]
) -> None:
    """NumPy reads the plain file, if any line is right; quoted fields are read by Python, line by line."""
    path = tmp_path_factory.getbasetemp() / "quotes.csv"
    found = []
    for quote in ("", '"'):
        lines = [f"{column},neuron", *(",".join(f"{quote}{field}{quote}" for field in row) for row in rows)]
        path.write_text("\n".join(lines))
        try:
            dt_ms = 1.0 if column == "time_ms" else None
            found.append(np.argwhere(read_rasters(path, ticks=200, neurons=9, dt_ms=dt_ms, merge=True)).tolist())
        except FormatError:
            found.append(["refused"])
    assert found[0] == found[1]


def test_files_as_tools_write_them_are_not_read_line_by_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lines: list[list[str]] = []
    split = csv.reader

    def noted(given: list[str]) -> Iterator[list[str]]:
        lines.append(given)
        return split(given)

    monkeypatch.setattr("csv.reader", noted)
    path = csv_file(tmp_path, "time_s,neuron\r\n1.000000000000000000e+00,0\r\n 0.002, 1\r\n\r\n")
    assert read_rasters(path, ticks=1001, neurons=2, dt_ms=1.0)[0].sum() == 2
    path = csv_file(tmp_path, "pattern,tick,neuron\n0, 1 ,1\n\n1,0,0\n")
    assert len(read_rasters(path, ticks=2, neurons=2)) == 2
    assert lines == [["time_s,neuron"], ["pattern,tick,neuron"]]


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"ticks": 3}, "does not say how many neurons it has; give neurons$"),
        ({"neurons": 3}, r"does not say how long it lasts; give ticks \(--ticks.*\); its last event is at tick 0$"),
        ({"ticks": 0, "neurons": 1}, "must hold rasters of at least one tick, got 2 of 0 x 1"),
        ({"ticks": -3, "neurons": 1}, "must hold rasters of at least one tick,"),
        ({"ticks": 3, "neurons": -1}, "must hold rasters of at least one tick,"),
        ({"ticks": 3, "neurons": 1, "patterns": 0}, "must hold rasters of at least one tick,"),
        (
            {"ticks": 3, "neurons": 1, "patterns": 1},
            r"has patterns 1 to 1, but their number \(.*\) is 1, which allows 0 to 0",
        ),
        ({"ticks": 1 << 20, "neurons": 1 << 20}, "has 2 rasters of 1048576 x 1048576; at most 1048576 rasters"),
        ({"ticks": 1 << 62, "neurons": 0}, "has 2 rasters of 4611686018427387904 x"),
        ({"ticks": 1, "neurons": 1, "patterns": 1 << 40}, "has 1099511627776 rasters of 1 x 1; at most 1048576"),
    ],
)
def test_csv_of_sizes_that_do_not_fit(tmp_path: Path, sizes: dict[str, Any], message: str) -> None:
    path = csv_file(tmp_path, "pattern,tick,neuron\n1,0,0\n")
    with pytest.raises(FormatError, match=message):
        read_rasters(path, **sizes)


@pytest.mark.parametrize("count", [0, 65])
def test_what_an_npz_cannot_hold(tmp_path: Path, count: int) -> None:
    rasters = [np.zeros((1 + index, 1), dtype=bool) for index in range(count)]
    message = f"would hold {count} rasters of unequal shapes; an .npz holds 1 to 64 of them; write a .csv"
    with pytest.raises(FormatError, match=re.escape(message)):
        write_rasters(tmp_path / "x.npz", rasters)
    assert not list(tmp_path.iterdir())


def test_a_csv_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snnprog.files.events.CSV_LIMIT_BYTES", 10)
    with pytest.raises(FormatError, match=r"events\.csv has 16 bytes; at most 10 are read"):
        read_rasters(csv_file(tmp_path, "tick,neuron\n0,0\n"), ticks=1, neurons=1)


@pytest.mark.parametrize("name", ["missing.csv", "a\0.csv", "missing.npz", "a\0.npz"])
def test_files_that_are_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(FormatError, match=re.escape(name.replace("\0", "\\x00"))):
        read_rasters(tmp_path / name, ticks=1, neurons=1)


# ---------------------------------------------------------------- npz


@pytest.mark.parametrize("dtype", ["|b1", "|u1", "<i8", ">i2"])
def test_npz_of_bools_or_integers(tmp_path: Path, dtype: str) -> None:
    (raster,) = read_rasters(npz_file(tmp_path, spikes=ONE.astype(dtype)))
    assert np.array_equal(raster, ONE)


def test_npz_with_a_key(tmp_path: Path) -> None:
    path = npz_file(tmp_path, first=ONE, second=np.stack([~ONE, ONE]))
    assert len(read_rasters(path, key="first")) == 1
    assert np.array_equal(read_rasters(path, key="second")[0], ~ONE)


BAD_NPZ: dict[str, tuple[dict[str, NDArray[np.generic]], dict[str, Any], str]] = {
    "several": ({"b": ONE, "a": ONE}, {}, "holds 2 arrays (a, b); name one, as in rasters.npz:NAME"),
    "unknown key": ({"a": ONE}, {"key": "c"}, "has no array 'c'; it has a"),
    "one axis": ({"a": ONE[0]}, {}, "must have shape (ticks, neurons) or (patterns, ticks, neurons), got (2,)"),
    "four axes": ({"a": ONE[None, None]}, {}, "must have shape (ticks, neurons) or (patterns, ticks,"),
    "floats": ({"a": ONE.astype(float)}, {}, "must hold bools, got type float64; write array.astype(bool)"),
    "twos": ({"a": ONE.astype(int) * 2}, {}, "must hold bools, or integers 0 and 1,"),
    "no ticks": ({"a": ONE[:0]}, {}, "must have at least one tick"),
    "ticks": ({"a": ONE}, {"ticks": 4}, "must have 4 ticks, got 3"),
    "neurons": ({"a": ONE}, {"neurons": 1}, "must have 1 neuron, got 2"),
    "patterns": ({"a": ONE}, {"patterns": 2}, "must have 2 patterns, got 1"),
}


@pytest.mark.parametrize(("arrays", "options", "message"), BAD_NPZ.values(), ids=BAD_NPZ)
def test_npz_is_refused(
    tmp_path: Path, arrays: dict[str, NDArray[np.generic]], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(FormatError, match=re.escape(message)):
        read_rasters(npz_file(tmp_path, **arrays), **options)


def test_npz_without_arrays(tmp_path: Path) -> None:
    write_archive(tmp_path / "r.npz", {}, texts={"note.txt": "hello"})
    with pytest.raises(FormatError, match=r"r.npz must hold an array, got note.txt; is this another kind of file"):
        read_rasters(tmp_path / "r.npz")


def test_npz_of_very_many_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snnprog.files.arrays.PATTERN_LIMIT", 2)
    assert len(read_rasters(npz_file(tmp_path, a=np.stack([ONE] * 2)))) == 2
    with pytest.raises(FormatError, match="must have at most 2 patterns, got 3"):
        read_rasters(npz_file(tmp_path, a=np.stack([ONE] * 3)))


# ---------------------------------------------------------------- layouts


@pytest.mark.parametrize("axes", [*permutations(("patterns", "ticks", "neurons")), *permutations(("ticks", "neurons"))])
def test_an_array_in_any_layout(tmp_path: Path, axes: tuple[str, ...]) -> None:
    stack = np.random.default_rng(4).random((2, 3, 4)) < 0.5
    order = ("patterns", "ticks", "neurons")[-len(axes) :]
    stored = (stack if len(axes) == 3 else stack[0]).transpose([order.index(axis) for axis in axes])
    path = npz_file(tmp_path, spikes=np.ascontiguousarray(stored))
    rasters = read_rasters(path, layout=" , ".join(axes), ticks=3, neurons=4, patterns=2 if len(axes) == 3 else 1)
    assert np.array_equal(np.stack(rasters), stack if len(axes) == 3 else stack[:1])


@pytest.mark.parametrize(
    "layout", ["ticks", "ticks,ticks", "ticks,neurons,batch", "", 3, "patterns,neurons", "tn", ["ticks"]]
)
def test_what_is_no_layout(tmp_path: Path, layout: Any) -> None:
    path = npz_file(tmp_path, spikes=ONE)
    with pytest.raises(SpecError, match=r"layout must name the axes in order, as in 'patterns,ticks,neurons', got .*"):
        read_rasters(path, layout=layout)


def test_arrays_of_other_axes_than_their_layout(tmp_path: Path) -> None:
    path = npz_file(tmp_path, spikes=ONE)
    with pytest.raises(FormatError, match=r"has shape \(3, 2\); the layout 'patterns,ticks,neurons' has 3 axes"):
        read_rasters(path, layout="patterns,ticks,neurons")
    with pytest.raises(
        FormatError, match=r"must have 2 ticks, got 3; give layout = 'neurons,ticks' if neurons come first"
    ):
        read_rasters(path, ticks=2, neurons=3)
    with pytest.raises(FormatError, match=r"must have 2 ticks, got 3$"):
        read_rasters(path, ticks=2, neurons=2)


# ---------------------------------------------------------------- times in CSV

TIMES: dict[str, tuple[str, dict[str, Any], list[tuple[int, int]]]] = {
    "milliseconds": ("time_ms,neuron\n0.5,1\n2,0\n", {"dt_ms": 1.0}, [(0, 1), (2, 0)]),
    "seconds": ("time_s,neuron\n.0005,1\n2e-3,0\n", {"dt_ms": 1.0}, [(0, 1), (2, 0)]),
    "nothing": ("time_s,neuron\n", {"dt_ms": 1.0}, []),
    "powers": (
        "time_s,neuron\n5.0e-04,1\n2E-3,0\n.1e+1,1\n",
        {"dt_ms": 1.0, "ticks": 1001},
        [(0, 1), (2, 0), (1000, 1)],
    ),
    "quoted": ('time_ms,neuron\n"0.5","1"\n', {"dt_ms": 1.0}, [(0, 1)]),
    "edges": ("time_ms,neuron\n0.3,0\n0.1,0\n0.2,0\n", {"dt_ms": 0.1, "ticks": 4}, [(1, 0), (2, 0), (3, 0)]),
    "merged": ("time_ms,neuron\n0.3,0\n0.1,0\n", {"dt_ms": 1, "merge": True}, [(0, 0)]),
    "a window": ("time_ms,neuron\n0.5,1\n2,0\n", {"dt_ms": 1.0, "starts_ms": [1.5]}, [(0, 0)]),
}


@pytest.mark.parametrize(("text", "said", "events"), TIMES.values(), ids=TIMES)
def test_csv_of_times_is_read(tmp_path: Path, text: str, said: dict[str, Any], events: list[tuple[int, int]]) -> None:
    path = csv_file(tmp_path, text)
    (raster,) = read_rasters(path, **({"ticks": 3, "neurons": 2} | said))
    assert [(int(tick), int(neuron)) for tick, neuron in np.argwhere(raster)] == events


BAD_TIMES: dict[str, tuple[str, dict[str, Any], str]] = {
    "no dt": ("time_ms,neuron\n", {"dt_ms": None}, "holds times; give dt_ms, the milliseconds of a tick"),
    "no extent": ("time_ms,neuron\n", {"ticks": None}, r"does not say how long it lasts; give ticks \(--ticks"),
    "no extent of events": ("time_s,neuron\n2.5,0\n", {"ticks": None}, r"its last event is at 2.5 s$"),
    "negative": ("time_ms,neuron\n-1,0\n", {}, "line 2: must have a non-negative time and an integer, got '-1,0'"),
    "NaN": ("time_ms,neuron\nnan,0\n", {}, "line 2: must have a non-negative time and an integer, got 'nan,0'"),
    "infinite": ("time_ms,neuron\n1e999,0\n", {}, "line 2: must have a non-negative time and"),
    "a plus": ("time_ms,neuron\n+1,0\n", {}, r"line 2: must have a non-negative time and an integer, got '\+1,0'"),
    "minus zero": ("time_ms,neuron\n-0,0\n", {}, "line 2: must have a non-negative time and an integer, got '-0,0'"),
    "a neuron as a float": ("time_ms,neuron\n1,1.0\n", {}, "line 2: must have a non-negative time and an integer, got"),
    "a neuron in powers": ("time_ms,neuron\n1,1e0\n", {}, "line 2: must have a non-negative time and an integer, got"),
    "a huge neuron": (f"time_ms,neuron\n1,{1 << 63}\n", {}, "line 2: must have a non-negative time and an"),
    "a comma": ('time_ms,neuron\n"1,5",0\n', {}, "line 2: must have a non-negative time and an"),
    "a fraction of a neuron": ("time_ms,neuron\n1,0.5\n", {}, "line 2: must have a non-negative time and an integer,"),
    "a high neuron": ("time_ms,neuron\n1,0\n1,2\n", {}, "line 3: neuron must be 0 to 1, because neurons = 2"),
    "two in a tick": ("time_ms,neuron\n1,0\n1.5,0\n", {}, "neuron 0 has 2 spikes in tick 1 of 1 ms; take a shorter"),
    "after the end": ("time_ms,neuron\n3,0\n", {}, "has 1 spike after the last of 3 ticks, the last at 0.003 s"),
    "patterns": ("time_ms,neuron\n", {"patterns": 2}, "gives 1 of 2 patterns; give starts_ms, the beginning of each"),
    "a layout": ("time_ms,neuron\n", {"layout": "ticks,neurons"}, "layout does not apply to"),
    "dt for ticks": ("tick,neuron\n", {}, "dt_ms does not apply to"),
}


@pytest.mark.parametrize(("text", "said", "message"), BAD_TIMES.values(), ids=BAD_TIMES)
def test_csv_of_times_is_refused(tmp_path: Path, text: str, said: dict[str, Any], message: str) -> None:
    path = csv_file(tmp_path, text)
    with pytest.raises(FormatError, match=message):
        read_rasters(path, **({"ticks": 3, "neurons": 2, "dt_ms": 1.0} | said))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a.npz", ("a.npz", None)),
        ("a.npz:x", ("a.npz", "x")),
        ("a.h5:x:y", ("a.h5", "x:y")),
        ("a.npz:", ("a.npz", None)),
        ("a.csv:x", ("a.csv:x", None)),
    ],
)
def test_names_with_keys(name: str, parts: tuple[str, str | None]) -> None:
    assert split_key(name) == parts


@pytest.mark.parametrize("name", ["ticks", "neurons", "patterns"])
def test_a_size_must_be_an_integer(tmp_path: Path, name: str) -> None:
    path = csv_file(tmp_path, "tick,neuron\n0,0\n")
    sizes: dict[str, Any] = {"ticks": 3, "neurons": 2, name: [3, 4]}
    with pytest.raises(SpecError, match=rf"^{name} .*\[3, 4\]"):
        read_rasters(path, **sizes)


def test_what_is_written_must_be_a_list_of_rasters(tmp_path: Path) -> None:
    with pytest.raises(
        SpecError, match=r"rasters must be a list of rasters, got one array of shape .*; write \[rasters\]"
    ):
        sp.write_rasters(tmp_path / "x.csv", untyped(np.zeros((3, 2), dtype=bool)))


def test_views_of_events_do_not_apply_to_other_files(tmp_path: Path) -> None:
    path, view = csv_file(tmp_path, "tick,neuron\n"), sp.EventView(region=(0, 0, 2, 2), downsample=2)
    with pytest.raises(FormatError, match=r"^region and downsample do not apply to .*; omit them$"):
        sp.read_rasters(path, ticks=3, neurons=2, view=view)


def test_a_raster_in_an_npy_is_refused_before_times_are_asked_for(tmp_path: Path) -> None:
    np.save(tmp_path / "raster.npy", np.zeros((3, 2), dtype=bool))
    with pytest.raises(FormatError, match=r"got bool of shape \(3, 2\); a raster of bools is read from an \.npz"):
        sp.read_rasters(tmp_path / "raster.npy")
