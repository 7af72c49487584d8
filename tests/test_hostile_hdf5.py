"""Hostile HDF5 files: rasters or networks, or one sentence; and what is damaged in its bytes is survived.

The suite looks at some; as many as wanted are looked at by::

    SNNPROG_HOSTILE_FILES=100000 python -m pytest -q -s tests/test_hostile_hdf5.py
"""

from __future__ import annotations

import os
import tracemalloc
from collections import Counter
from pathlib import Path
from random import Random

import pytest
import strict_reading
from hostile_files import Mutator
from hostile_hdf5 import FILE_NAMES, KINDS, good_hdf5, hostile_hdf5
from hostile_readers import HDF5_READERS, is_refused

from snnprog.files import hdf5

FILES = int(os.environ.get("SNNPROG_HOSTILE_FILES", "210")) // len(KINDS)
DAMAGED = 4


def outcome_of(kind: str, path: Path) -> str:
    """Read a file as its kind is read; see `strict_reading.outcome_of`."""
    read, refusals = HDF5_READERS[kind]
    return strict_reading.outcome_of(lambda: read(path), refusals)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stranger_s_file_is_read_or_refused(kind: str, tmp_path: Path) -> None:
    good = good_hdf5(tmp_path)[kind]
    path = tmp_path / "hostile"
    path.write_bytes(good)
    tracemalloc.start()
    try:
        assert outcome_of(kind, path) == "accepted"
        counts: Counter[str] = Counter()
        for seed in range(FILES):
            path.write_bytes(hostile_hdf5(good, seed))
            try:
                counts[outcome_of(kind, path)] += 1
            except BaseException as error:
                raise AssertionError(f"{kind} of seed {seed}: {type(error).__name__}: {error}"[:2000]) from error
    finally:
        tracemalloc.stop()
    print(kind, dict(counts))
    assert counts["accepted"] > FILES // 50
    assert counts.total() - counts["accepted"] > FILES // 4


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_bytes_are_survived(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library may hang or crash on these, in its own process; what comes back is an answer all the same."""
    monkeypatch.setattr(hdf5, "TIME_LIMIT_S", 20.0)
    good = good_hdf5(tmp_path)[kind]
    path = tmp_path / FILE_NAMES[kind]
    refused = 0
    for seed in range(DAMAGED):
        path.write_bytes(good[:8] + Mutator(Random(seed)).splice(good[8:]))
        refused += is_refused(kind, path)
    assert refused
