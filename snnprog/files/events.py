"""Rasters as a list of events in a ``.csv``: the columns ``tick,neuron``, or ``pattern,tick,neuron``.

A recording may have ``time_ms,neuron`` or ``time_s,neuron`` instead; then the length of a tick is given beside the
file. So are the sizes, because silence leaves no event.
"""

from __future__ import annotations

import array as packed
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TextIO

import numpy as np

from snnprog.archive import check_regular, write_bytes
from snnprog.arrays import Floats, Int64s, Raster
from snnprog.errors import FormatError, SpecError
from snnprog.files.bounds import check_bins
from snnprog.files.reading import Reading
from snnprog.files.spike_times import SpikeTimes
from snnprog.raster import check_inside, events_of_raster

CSV_LIMIT_BYTES = 1 << 28
LINE_LIMIT = 1 << 16
INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)
DECIMAL = re.compile(r"(\d{1,18}\.?\d{0,18}|\.\d{1,18})([eE][+-]?\d{1,3})?", re.ASCII)
GREATEST = 1 << 40
TIME_UNITS: Mapping[str, float] = MappingProxyType({"time_ms": 1e3, "time_s": 1.0})  # of a second
HEADERS = (("tick", "neuron"), ("pattern", "tick", "neuron"), *((unit, "neuron") for unit in TIME_UNITS))

Columns = Sequence[Int64s | Floats]


def read_csv(path: Path, reading: Reading) -> list[Raster]:
    """Return the rasters, one per pattern.

    Raises
    ------
    FormatError
        If the file is missing or damaged, is no list of events or times, or an event lies outside the rasters.
    """
    ticks, neurons = reading.extent(path)
    header, columns = _read_columns(path)
    if header[0] not in TIME_UNITS:
        reading.check_takes(path)
        pattern = columns[0] if len(header) == 3 else np.zeros(columns[0].size)
        return _rasters(path, np.stack([pattern, *columns[-2:]]).astype(np.int64), reading.patterns, ticks, neurons)
    reading.check_takes(path, "dt_ms", "starts_ms", "merge")
    reading.binning(path)
    neuron = columns[1].astype(np.int64)
    try:
        check_inside(str(path), "neuron", neuron, neurons)
    except SpecError as error:
        raise FormatError(str(error)) from error
    return reading.bin(path, SpikeTimes(str(path), columns[0] / TIME_UNITS[header[0]], neuron, neurons))


def _rasters(path: Path, events: Int64s, patterns: int | None, ticks: int, neurons: int) -> list[Raster]:
    """Return the rasters of events, (3, events): pattern, tick and neuron."""
    lowest, highest = (int(events[0].min()), int(events[0].max())) if events.size else (0, 0)
    count = max(highest, 0) + 1 if patterns is None else patterns
    check_bins(path, count, ticks, neurons)
    if lowest < 0 or highest >= count:
        raise FormatError(f"{path} numbers patterns {lowest} to {highest}; allowed is 0 to {count - 1}")
    try:
        for label, column, extent in (("tick", events[1], ticks), ("neuron", events[2], neurons)):
            check_inside(str(path), label, column, extent)
    except SpecError as error:
        raise FormatError(str(error)) from error
    rasters = np.zeros((count, ticks, neurons), dtype=np.bool_)
    rasters[tuple(events)] = True
    rasters.flags.writeable = False
    return list(rasters)


def write_csv(path: Path, rasters: Sequence[Raster]) -> None:
    """Write rasters with the columns pattern, tick and neuron."""
    lines = ["pattern,tick,neuron"]
    for pattern, raster in enumerate(rasters):
        tick, neuron = events_of_raster(raster)
        lines += [f"{pattern},{t},{n}" for t, n in zip(tick, neuron, strict=True)]
    write_bytes(path, ("\n".join(lines) + "\n").encode("ascii"))


def holds_times(path: Path) -> bool:
    """Tell whether a list of events has times, and no ticks.

    Raises
    ------
    FormatError
        If the file is missing or damaged, or is no list of events.
    """
    check_regular(path)
    with _opened(path) as file:
        return _header(path, file)[0] in TIME_UNITS


def _read_columns(path: Path) -> tuple[tuple[str, ...], Columns]:
    """Return the names of the columns, and what each holds."""
    size = check_regular(path)
    if size > CSV_LIMIT_BYTES:
        raise FormatError(f"{path} has {size} bytes; at most {CSV_LIMIT_BYTES} are read; write an .npz")
    with _opened(path) as file:
        header = _header(path, file)
        columns = [packed.array("d" if name in TIME_UNITS else "q") for name in header]
        for number, line in enumerate(iter(lambda: file.readline(LINE_LIMIT), ""), 2):
            if row := _fields(path, number, line):
                for column, value in zip(columns, _parse_row(path, number, row, header), strict=True):
                    column.append(value)  # type: ignore[arg-type]
    return header, [np.array(column) for column in columns]


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield file
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"{path} cannot be read: {error}") from error


def _header(path: Path, file: TextIO) -> tuple[str, ...]:
    header = tuple(field.strip() for field in _fields(path, 1, file.readline(LINE_LIMIT)))
    if header not in HEADERS:
        known = " or ".join(repr(",".join(names)) for names in HEADERS)
        raise FormatError(f"{path} begins with {','.join(header)!r}; the header is {known}")
    return header


def _fields(path: Path, number: int, line: str) -> list[str]:
    if len(line) == LINE_LIMIT:
        raise FormatError(f"{path}, line {number}: it has {LINE_LIMIT} characters or more; three numbers are fewer")
    return next(csv.reader([line]), [])


def _parse_row(path: Path, line: int, row: list[str], header: tuple[str, ...]) -> list[int | float]:
    texts = [field.strip() for field in row]
    forms = [DECIMAL if name in TIME_UNITS else INTEGER for name in header]
    if len(texts) != len(forms) or not all(form.fullmatch(text) for form, text in zip(forms, texts, strict=True)):
        raise _odd_row(path, line, row, header)
    values = [float(text) if form is DECIMAL else int(text) for form, text in zip(forms, texts, strict=True)]
    if any(abs(value) > GREATEST for value in values):
        raise _odd_row(path, line, row, header)
    return values


def _odd_row(path: Path, line: int, row: list[str], header: tuple[str, ...]) -> FormatError:
    wanted = f"{len(header)} whole numbers" if header[-2] == "tick" else "a time from 0 and a whole number"
    return FormatError(f"{path}, line {line}: {','.join(row)!r}; {wanted} are needed")
