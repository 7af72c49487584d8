"""Hostile files: whatever is in them, the result is a valid object or `FormatError`, in bounded memory.

The suite looks at some; as many as wanted are looked at by::

    SNNPROG_HOSTILE_FILES=100000 python -m pytest -q -s tests/test_hostile_files.py
"""

from __future__ import annotations

import os
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import strict_reading
from hostile_files import FILE_NAMES, KINDS, Ending, Member, good_files, hostile_file, zip_bytes
from hostile_readers import READERS

from snnprog.archive import write_archive

FILES, TESTS = int(os.environ.get("SNNPROG_HOSTILE_FILES", "1000")), len(KINDS)
LIMIT_BYTES, PATTERN_LIMIT = 1 << 20, 1 << 16


def outcome_of(kind: str, path: Path) -> str:
    """Read a file as its kind is read; see `strict_reading.outcome_of`."""
    read, refusals = READERS[kind]
    return strict_reading.outcome_of(lambda: read(path), refusals)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the largest file that is read be small, so that reading up to the limit takes little time."""
    limits = ("archive.SIZE_LIMIT_BYTES", "files.bounds.SIZE_LIMIT_BYTES", "spec_file.SIZE_LIMIT_BYTES")
    for limit in (*limits, "files.events.CSV_LIMIT_BYTES", "documents.JSON_LIMIT_BYTES", "documents.TOML_LIMIT_BYTES"):
        monkeypatch.setattr(f"snnprog.{limit}", LIMIT_BYTES)
    for module in ("files.arrays", "files.bounds", "spec_file"):
        monkeypatch.setattr(f"snnprog.{module}.PATTERN_LIMIT", PATTERN_LIMIT)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kind", KINDS)
def test_a_stranger_s_file_is_read_or_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    good = good_files(folder)
    for name, content in good.items():
        (folder / FILE_NAMES[name]).write_bytes(content)
    for name in ("runner.py", "requirements.txt"):
        (folder / name).touch()
    monkeypatch.setenv("SNNPROG_BACKENDS", str(tmp_path))
    path = folder / FILE_NAMES[kind]
    tracemalloc.start()
    try:
        assert outcome_of(kind, path) == "accepted"
        counts: Counter[str] = Counter()
        for seed in range(FILES // TESTS):
            path.write_bytes(hostile_file(kind, good[kind], seed))
            try:
                counts[outcome_of(kind, path)] += 1
            except BaseException as error:
                raise AssertionError(f"{kind} of seed {seed}: {type(error).__name__}: {error}"[:2000]) from error
    finally:
        tracemalloc.stop()
    print(kind, dict(counts))
    assert counts["accepted"] > FILES // TESTS // 50
    assert counts.total() - counts["accepted"] > FILES // TESTS // 4


# ---------------------------------------------------------------------------------------------------- bombs


def directory_of_many(path: Path) -> None:
    member = Member(b"a" * 40, b"")
    path.write_bytes(zip_bytes([member] * 1000, Ending(count=3)))


def many_small_objects(path: Path) -> None:
    text = b'{"a": [' + b"[]," * (LIMIT_BYTES // 3 - 9) + b"0]}"
    path.write_bytes(zip_bytes([Member(b"program.json", text, 8)]))


def raster_of_twos(path: Path) -> None:
    write_archive(path, {"inputs": np.full((LIMIT_BYTES // 2, 1), 2, dtype=np.uint8)}, texts={})


def very_many_patterns_of_nothing(path: Path) -> None:
    write_archive(path, {"inputs": np.zeros((PATTERN_LIMIT, 1, 0), dtype=np.uint8)}, texts={})


def one_event_of_a_late_pattern(path: Path) -> None:
    path.write_bytes(b"pattern,tick,neuron\n58000,8,1\n")


def very_many_events(path: Path) -> None:
    path.write_bytes(b"tick,neuron\n" + b"0,0\n" * (LIMIT_BYTES // 4 - 3))


def one_row_of_very_many_fields(path: Path) -> None:
    path.write_bytes(b"tick,neuron\n" + b"," * (LIMIT_BYTES - 12))


def one_row_of_very_many_lines(path: Path) -> None:
    path.write_bytes(b"tick,neuron\n" + b'"\n",' * (LIMIT_BYTES // 4 - 3))


def the_same_patterns_very_often(path: Path) -> None:
    rasters = {"inputs": np.zeros((9, 10_000), dtype=bool), "targets": np.zeros((9, 1), dtype=bool)}
    write_archive(path.with_name("raster.npz"), rasters, texts={})
    pattern = '[[patterns]]\ninputs = "raster.npz:inputs"\ntargets = "raster.npz:targets"\n'
    path.write_text(pattern * 3000, encoding="utf-8")


BOMBS: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "directory of many": ("program", directory_of_many, "its directory has 86000 bytes; at most 65536"),
    "many small objects": ("program", many_small_objects, "must be of format 'snnp', got None"),
    "raster of twos": ("raster", raster_of_twos, r"must hold bools, or integers 0 and 1, got 2 at \(0, 0\)"),
    "patterns of nothing": ("raster", very_many_patterns_of_nothing, "must have 9 ticks, got 1"),
    "a late pattern": ("events", one_event_of_a_late_pattern, ""),
    "very many events": ("events", very_many_events, ""),
    "very many fields": ("events", one_row_of_very_many_fields, "line 2: .*must have fewer than 65536 characters"),
    "very many lines": ("events", one_row_of_very_many_lines, "line 2: .*must have 2 integers, got '"),
    "the same patterns": ("spec", the_same_patterns_very_often, r"names 12 patterns of 1080216 bins by .*number 11"),
}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("kind", "write", "message"), BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_read_or_refused(
    kind: str, write: Callable[[Path], None], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a file takes is bounded by the limits of sizes, here made small: a few dozen bytes for each byte of them."""
    path = tmp_path / FILE_NAMES[kind]
    write(path)
    read, refusals = READERS[kind]
    tracemalloc.start()
    try:
        if message:
            with pytest.raises(refusals, match=f"(?s){message}"):
                read(path)
        else:
            read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    print(f"{peak / LIMIT_BYTES:.1f} bytes for each byte of the limit")
    assert peak < 40 * LIMIT_BYTES
