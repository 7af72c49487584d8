"""Rasters as a list of events in a ``.csv``: the columns ``tick,neuron``, or ``pattern,tick,neuron``.

Silence leaves no event, so the sizes are given beside the file.
"""

from __future__ import annotations

import array as packed
import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snnprog.archive import check_regular, write_bytes
from snnprog.errors import FormatError, SpecError
from snnprog.files.bounds import check_bins
from snnprog.raster import Raster, check_inside, events_of_raster

CSV_LIMIT_BYTES = 1 << 28
LINE_LIMIT = 1 << 16
INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)


def read_csv(path: Path, ticks: int, neurons: int, patterns: int | None) -> list[Raster]:
    """Return the rasters, one per pattern.

    Raises
    ------
    FormatError
        If the file is missing or damaged, is no list of events, or an event lies outside the rasters.
    """
    events = _read_events(path)
    lowest, highest = (int(events[:, 0].min()), int(events[:, 0].max())) if len(events) else (0, 0)
    count = max(highest, 0) + 1 if patterns is None else patterns
    check_bins(path, count, ticks, neurons)
    if lowest < 0 or highest >= count:
        raise FormatError(f"{path} numbers patterns {lowest} to {highest}; allowed is 0 to {count - 1}")
    try:
        for label, column, extent in (("tick", events[:, 1], ticks), ("neuron", events[:, 2], neurons)):
            check_inside(str(path), label, column, extent)
    except SpecError as error:
        raise FormatError(str(error)) from error
    rasters = np.zeros((count, ticks, neurons), dtype=np.bool_)
    rasters[tuple(events.T)] = True
    rasters.flags.writeable = False
    return list(rasters)


def write_csv(path: Path, rasters: Sequence[Raster]) -> None:
    """Write rasters with the columns pattern, tick and neuron."""
    lines = ["pattern,tick,neuron"]
    for pattern, raster in enumerate(rasters):
        tick, neuron = events_of_raster(raster)
        lines += [f"{pattern},{t},{n}" for t, n in zip(tick, neuron, strict=True)]
    write_bytes(path, ("\n".join(lines) + "\n").encode("ascii"))


def _read_events(path: Path) -> NDArray[np.int64]:
    """Return the pattern, tick and neuron of each line, ``(events, 3)``; the pattern is 0 where there is no column."""
    size = check_regular(path)
    if size > CSV_LIMIT_BYTES:
        raise FormatError(f"{path} has {size} bytes; at most {CSV_LIMIT_BYTES} are read; write an .npz")
    numbers = packed.array("q")
    try:
        with path.open(encoding="utf-8-sig") as file:
            header = [field.strip() for field in _fields(path, 1, file.readline(LINE_LIMIT))]
            if header not in (["tick", "neuron"], ["pattern", "tick", "neuron"]):
                raise FormatError(
                    f"{path} begins with {','.join(header)!r}; the header is 'tick,neuron' or 'pattern,tick,neuron'"
                )
            for number, line in enumerate(iter(lambda: file.readline(LINE_LIMIT), ""), 2):
                if row := _fields(path, number, line):
                    numbers.extend(([0] if len(header) == 2 else []) + _parse_event(path, number, row, len(header)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"{path} cannot be read: {error}") from error
    return np.frombuffer(numbers, dtype=np.int64).reshape(-1, 3) if numbers else np.zeros((0, 3), dtype=np.int64)


def _fields(path: Path, number: int, line: str) -> list[str]:
    if len(line) == LINE_LIMIT:
        raise FormatError(f"{path}, line {number}: it has {LINE_LIMIT} characters or more; three numbers are fewer")
    return next(csv.reader([line]), [])


def _parse_event(path: Path, line: int, row: list[str], width: int) -> list[int]:
    values = [int(field) for field in row if INTEGER.fullmatch(field.strip())]
    if len(row) != width or len(values) != width or any(abs(value) > 1 << 40 for value in values):
        raise FormatError(f"{path}, line {line}: {','.join(row)!r}; {width} whole numbers are needed")
    return values
