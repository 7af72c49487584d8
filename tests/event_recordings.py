"""Recordings of events that several tests read: the events, their files, and how two of them are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from event_encoders import (
    Events,
    aedat4_bytes,
    atis_bytes,
    dat_bytes,
    evt2_bytes,
    evt3_bytes,
    random_events,
)
from numpy.typing import NDArray

EVENTS = random_events(0, 500)
LONG = random_events(1, 400, last=60_000_000)  # three times the 24 bits of time that EVT 3.0 has

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
