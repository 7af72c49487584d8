"""HDF5 files from strangers: rasters or networks, or one sentence; and what is damaged in its bytes is survived.

The suite looks at some; as many as wanted are looked at by::

    SNNPROG_HOSTILE_FILES=100000 python -m pytest -q -s tests/test_hostile_hdf5.py
"""

from __future__ import annotations

import os
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import strict_reading
from hostile_files import Stranger
from hostile_hdf5 import KINDS, good_hdf5, hostile_hdf5

import snnprog as sp
from snnprog.files import hdf5
from snnprog.files.hdf5 import Hdf5
from snnprog.files.hdf5_process import RefusalError, copy_parts
from snnprog.files.nwb import PARTS, recording_of_nwb
from snnprog.files.reading import Reading
from snnprog.files.sonata import rasters_of_sonata
from snnprog.networks import quantize_nir
from snnprog.networks.graph import graph_of_file
from snnprog.networks.importing import network_of

FILES = int(os.environ.get("SNNPROG_HOSTILE_FILES", "600")) // len(KINDS)
DAMAGED = 4
READING = Reading(dt_ms=1.0, ticks=9, merge=True)


def read_sonata(file: Hdf5) -> object:
    return rasters_of_sonata(file, Reading(dt_ms=1.0, ticks=9, neurons=2, merge=True))


def read_nwb(file: Hdf5) -> object:
    return recording_of_nwb(file, READING)


def read_nir(file: Hdf5) -> object:
    return quantize_nir(network_of(graph_of_file(file), 0.001))


READERS: dict[str, tuple[tuple[str, ...], Callable[[Hdf5], object]]] = {
    "sonata": (("spikes",), read_sonata),
    "nwb": (PARTS, read_nwb),
    "nir": (("node",), read_nir),
}


def outcome_of(kind: str, path: Path) -> str:
    """Read a file as its kind is read; see `strict_reading.outcome_of`."""
    parts, read = READERS[kind]
    refusals = (sp.FormatError, sp.LimitError, RefusalError)
    return strict_reading.outcome_of(lambda: read(Hdf5.of(path, copy_parts(str(path), parts))), refusals)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stranger_s_file_is_read_or_refused(kind: str, tmp_path: Path) -> None:
    good = good_hdf5(tmp_path)[kind]
    path = tmp_path / "stranger"
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
    path = tmp_path / {"sonata": "x.h5", "nwb": "x.nwb", "nir": "x.nir"}[kind]
    refused = 0
    for seed in range(DAMAGED):
        path.write_bytes(good[:8] + Stranger(Random(seed)).splice(good[8:]))
        refused += is_refused(kind, path)
    assert refused


def is_refused(kind: str, path: Path) -> bool:
    """Tell whether the public reader of a kind refuses a file."""
    try:
        if kind == "nir":
            sp.from_nir(path, dt_ms=1.0)
        elif kind == "nwb":
            sp.read_rasters(path, dt_ms=1.0, ticks=9)
        else:
            sp.read_rasters(path, dt_ms=1.0, ticks=9, neurons=2)
    except sp.FormatError:
        return True
    return False
