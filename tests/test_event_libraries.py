"""Libraries that read recordings of events: where they fail, and what they make of changed files.

The suite looks at a few changed files of each format; as many as wanted are looked at by::

    SNNPROG_HOSTILE_EVENTS=200 python -m pytest -q tests/test_event_libraries.py -k changed
"""

from __future__ import annotations

import io
import os
import signal
import struct
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from event_encoders import (
    Events,
    aedat4_bytes,
    events_of,
    evt2_bytes,
    zstd_bomb,
)
from event_recordings import EVENTS, GOOD, written
from numpy.typing import NDArray

import snnprog as sp
from snnprog.files import event_libraries, event_process
from snnprog.files.event_formats import frame_of
from snnprog.files.hdf5_copy import Copy, RefusalError
from snnprog.processes.isolation import isolated

CHANGED = int(os.environ.get("SNNPROG_HOSTILE_EVENTS", "3"))


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
        ("print('no numbers')", r"cannot be read: its reader wrote an invalid result"),
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


def test_a_file_that_unpacks_to_far_more_than_it_has(tmp_path: Path) -> None:
    empty = aedat4_bytes(EVENTS[:0], packing="zstd", has_table=False)
    bomb = zstd_bomb(20_000)  # 2.4 GiB in 80 kB
    packet = len(empty) - empty.rindex(struct.pack("<ii", 0, 52))
    path = written(tmp_path, "bomb.aedat4", empty[:-packet] + struct.pack("<ii", 0, len(bomb)) + bomb)
    with pytest.raises(sp.FormatError, match=r"it unpacks to more than a file of its size may|ended by signal"):
        sp.read_events(path)


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


def saved(events: Events, save: Callable[..., None]) -> bytes:
    buffer = io.BytesIO()
    save(buffer, events)
    return buffer.getvalue()


@pytest.mark.parametrize(("name", "save"), [("e.npy", np.save), ("e.npz", np.savez), ("z.npz", np.savez_compressed)])
def test_changed_arrays_are_read_or_refused(tmp_path: Path, name: str, save: Callable[..., None]) -> None:
    good = saved(EVENTS[:150], save)
    said = Counter(outcome_of(written(tmp_path, name, changed_copy(good, f"{name} {n}")))[0] == "" for n in range(200))
    assert said[False] > 20


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
