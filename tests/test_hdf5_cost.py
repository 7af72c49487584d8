"""What a hostile HDF5 file may cost: memory, time and other files, however small it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from processes import heirs_of, wait_until

import snnprog as sp
from snnprog.files.hdf5_copy import INDEX_FILE, NUMBERS_FILE, Copy, read_copy, write_copy

MEBIBYTE = 1 << 20
PEAK_BYTES = 256 * MEBIBYTE  # an interpreter with NumPy and h5py has 60 MiB, and 64 MiB are for small files

MEASURED = """
import resource, sys
import snnprog as sp
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    sp.read_rasters(sys.argv[1], dt_ms=1.0, ticks=9, neurons=2, merge=True)
except sp.SnnprogError as error:
    print(f"{type(error).__name__}: {error}")
child, own = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF))
print(max(child, own - before) << 10)
"""


def packed(group: h5py.Group, content: bytes, *, extent: int, filters: list[int]) -> None:
    """Write one chunk of packed bytes, whatever they unpack to."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((extent,))
    for number in filters:
        properties.set_filter(number, h5py.h5z.FLAG_OPTIONAL)
    space = h5py.h5s.create_simple((extent,))
    dataset = h5py.h5d.create(group.id, b"timestamps", h5py.h5t.IEEE_F64LE, space, properties)
    dataset.write_direct_chunk((0,), content)


def never_allocated(group: h5py.Group) -> None:
    group.create_dataset("timestamps", shape=(1 << 30,), dtype="f8", chunks=(1 << 20,))


def never_allocated_in_one(group: h5py.Group) -> None:
    group.create_dataset("timestamps", shape=(120 * MEBIBYTE,), dtype="f8")


def small_numbers(group: h5py.Group) -> None:
    group.create_dataset("timestamps", shape=(1000 * MEBIBYTE,), dtype="i1")


def packed_twice(group: h5py.Group) -> None:
    packed(group, zlib.compress(zlib.compress(bytes(64 * MEBIBYTE))), extent=8 * MEBIBYTE, filters=[1, 1])


def more_than_declared(group: h5py.Group) -> None:
    packed(group, zlib.compress(bytes(512 * MEBIBYTE)), extent=8, filters=[1])


def by_blosc(group: h5py.Group) -> None:
    packed(group, bytes(64), extent=8, filters=[32001])


def by_nobody(group: h5py.Group) -> None:
    packed(group, bytes(64), extent=8, filters=[999])


def one_long_text(group: h5py.Group) -> None:
    group.create_dataset("timestamps", shape=(), dtype=f"S{1 << 30}")


def many_texts(group: h5py.Group) -> None:
    group.create_dataset("timestamps", shape=(60_000,), dtype="S16384", chunks=(1,))


def one_long_text_of_many(group: h5py.Group) -> None:
    texts = group.create_dataset("timestamps", shape=(60_000,), dtype=h5py.string_dtype())
    texts[0] = "x" * MEBIBYTE


def very_many_chunks(group: h5py.Group) -> None:
    group.create_dataset("timestamps", shape=(1_000_000,), dtype="f8", chunks=(1,))


def one_large_chunk(group: h5py.Group) -> None:
    group.create_dataset("timestamps", shape=(4,), maxshape=(None,), dtype="f8", chunks=(1 << 28,))


def the_same_often(group: h5py.Group) -> None:
    dataset = group.create_dataset("timestamps", data=np.zeros(1 << 17))
    for index in range(3000):
        group[f"again{index}"] = dataset


def long_names(group: h5py.Group) -> None:
    for _ in range(14):
        group = group.create_group("n" * 60_000)
    for index in range(9000):
        group.create_group(f"{index}")


TOO_MUCH = "unpacks to more than [0-9]+ bytes, the most for a file of its size"
COSTLY: dict[str, tuple[Callable[[Any], None], str]] = {
    "never allocated": (never_allocated, TOO_MUCH),
    "never allocated, in one": (never_allocated_in_one, TOO_MUCH),
    "small numbers": (small_numbers, TOO_MUCH),
    "packed twice": (packed_twice, r"timestamps is compressed 2 times \(gzip, gzip\); write the file with gzip once"),
    "more than declared": (more_than_declared, "it is damaged, or a chunk unpacks to more than it declares"),
    "Blosc": (
        by_blosc,
        r"with Blosc \(HDF5 filter 32001\), which h5py does not support; install it .* pip install hdf5plugin",
    ),
    "no filter": (by_nobody, r"compressed with a filter \(HDF5 filter 999\), which h5py does not support"),
    "one long text": (one_long_text, TOO_MUCH),
    "many texts": (many_texts, TOO_MUCH),
    "one long text of many": (one_long_text_of_many, TOO_MUCH),
    "very many chunks": (very_many_chunks, TOO_MUCH),
    "one large chunk": (one_large_chunk, "is stored in chunks of 2147483648 bytes; at most [0-9]{8} are read"),
    "the same often": (the_same_often, TOO_MUCH),
    "long names": (long_names, "takes more memory than a file of its size may; store it without compression"),
}


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in other units elsewhere, or not limited")
@pytest.mark.parametrize(("write", "message"), COSTLY.values(), ids=COSTLY)
def test_what_costs_more_than_it_weighs_is_refused(tmp_path: Path, write: Callable[[Any], None], message: str) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        write(file.create_group("spikes/p"))
    size = (tmp_path / "x.h5").stat().st_size
    command = [sys.executable, "-c", MEASURED, str(tmp_path / "x.h5")]
    said, peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert re.search(rf"FormatError: .*x\.h5 cannot be read: .*{message}", said), said
    assert int(peak) < PEAK_BYTES + 1032 * size


def test_a_file_that_is_being_written_is_called_locked(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w"), pytest.raises(sp.FormatError, match="another program has it open and lock"):
        sp.read_rasters(tmp_path / "x.h5", dt_ms=1.0, ticks=9, neurons=2)


def test_an_h5py_that_is_something_else_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sp.write_rasters(tmp_path / "x.h5", [np.eye(2, dtype=bool)], dt_ms=1.0)
    shadows = tmp_path / "shadows"
    shadows.mkdir()
    (shadows / "h5py.py").touch()
    monkeypatch.syspath_prepend(str(shadows))
    with pytest.raises(sp.SpecError, match=r"x\.h5 needs h5py, and h5py cannot be imported \(AttributeError: .*h5py"):
        sp.read_rasters(tmp_path / "x.h5", dt_ms=1.0, ticks=2, neurons=2)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
def test_the_reader_ends_with_its_killed_parent(tmp_path: Path) -> None:
    """The reader waits for a pipe in the place of its h5py; its parent, the guard and itself are there by then."""
    sp.write_rasters(tmp_path / "x.h5", [np.eye(2, dtype=bool)], dt_ms=1.0)
    shadows = tmp_path / "shadows"
    shadows.mkdir()
    (shadows / "h5py.py").write_text("import time; time.sleep(600)", encoding="utf-8")
    script = (
        f"import sys; sys.path.insert(0, {str(shadows)!r}); import snnprog as sp\n"
        f"sp.read_rasters({str(tmp_path / 'x.h5')!r}, dt_ms=1.0, ticks=2, neurons=2)"
    )
    setting = {"SNNPROG_TEST_MARK": str(tmp_path)}
    parent = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, **setting})
    mark = f"SNNPROG_TEST_MARK={tmp_path}"
    assert wait_until(lambda: len(heirs_of(mark)) == 3)
    parent.kill()
    parent.wait()
    assert wait_until(lambda: heirs_of(mark) == [])


# ---------------------------------------------------------------- what crosses to the parent


def copy_of_some() -> Copy:
    copied = Copy(1000)
    copied.keep("a", "", np.array([[1.5, -2.0]], dtype=">f8"))
    copied.keep("a", "units", np.asarray("mé"))
    copied.keep("b", "", np.zeros((0, 3), dtype=np.uint8))
    copied.keep("c", "", np.array([["x", "yz"]]))
    copied.keep("d", "", np.array([True, False]))
    copied.list_members("", ["a", "b"])
    copied.skip("e", "complex128")
    return copied


def test_a_copy_crosses_the_border_whole(tmp_path: Path) -> None:
    copied = copy_of_some()
    write_copy(copied, tmp_path)
    came = read_copy(tmp_path, limit=1000)
    assert (came.index, came.members, came.others) == (copied.index, copied.members, copied.others)
    for array, wanted in zip(came.arrays, copied.arrays, strict=True):
        assert array.dtype == wanted.dtype
        assert np.array_equal(array, wanted)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('">f8"', '"|O8"'),
        ('">f8"', '">f4"'),
        ('">f8"', "8"),
        ("[1, 2]", "[1, -2]"),
        ("[1, 2]", "[1, 1073741824]"),
        ("[1, 2]", "[1.0, 2]"),
        ('["x", "yz"]', '["x"]'),
        ('["x", "yz"]', '["x", 3]'),
        ('["a", "b"]', '"ab"'),
        ('"complex128"', "[]"),
        ('"parts": [', '"parts": [3, '),
        ("{", ""),
    ],
)
def test_a_copy_that_lies_is_refused(tmp_path: Path, old: str, new: str) -> None:
    write_copy(copy_of_some(), tmp_path)
    index = (tmp_path / INDEX_FILE).read_text(encoding="utf-8")
    assert old in index
    (tmp_path / INDEX_FILE).write_text(index.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=r"\w"):
        read_copy(tmp_path, limit=1000)


def test_a_copy_of_other_bytes_is_refused(tmp_path: Path) -> None:
    write_copy(copy_of_some(), tmp_path)
    numbers = tmp_path / NUMBERS_FILE
    content = numbers.read_bytes()
    for wrong in (content + b"\0", content[:-1], content[:-1] + b"\2"):
        numbers.write_bytes(wrong)
        with pytest.raises(ValueError, match=r"expected \d+ bytes|buffer is smaller|bools must be"):
            read_copy(tmp_path, limit=1000)
