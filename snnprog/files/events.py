"""Rasters as a list of events in a ``.csv``: the columns ``tick,neuron``, or ``pattern,tick,neuron``.

A recording may have ``time_ms,neuron`` or ``time_s,neuron`` instead; then the length of a tick must be given.
So must the sizes, because a list of events has none. An event that is listed twice is an error, unless merging is
allowed. Rows that mark the end of a tick (`snnprog.files.event_stream`) are skipped.

NumPy parses files that only hold plain numbers, 50 times as fast as Python. Other files
(quoted fields, text, a row that is too short) are read line by line, and the error names the first invalid
line. Both read the same numbers if both succeed.
"""

from __future__ import annotations

import array as packed
import io
import itertools
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from snnprog.archive import check_regular, read_bytes
from snnprog.arrays import Floats, Int64s, Raster
from snnprog.errors import FormatError
from snnprog.files.bounds import check_bins
from snnprog.files.event_rows import (
    GREATEST,
    HEADERS,
    LINE_LIMIT,
    NAME,
    TIME_UNITS,
    fields_of,
    header_of,
    is_mark,
    numbers_in,
    values_of,
)
from snnprog.files.reading import Reading
from snnprog.files.spike_times import SpikeTimes
from snnprog.names import Names
from snnprog.output_files import write_bytes
from snnprog.raster import events_of_raster
from snnprog.wording import counted, not_utf8, range_in_words

CSV_LIMIT_BYTES = 1 << 28
FIRST_LINE = re.compile(rb"[^\r\n]*")
PLAIN_INTEGERS = b"0123456789-, \t\r\n"
PLAIN_TIMES = PLAIN_INTEGERS + b".eE+"
ODD_PLUS = re.compile(rb"\+(?<![eE]\+)")  # begins with the sign itself, which is fast to search
CHUNK = 1 << 16  # events formatted at a time; insensitive within a factor of 16

Columns = Sequence[Int64s | Floats]


def read_csv(path: Path, reading: Reading) -> list[Raster]:
    """Return the rasters, one per pattern.

    Raises
    ------
    FormatError
        If the file is missing or damaged, is not a list of events or times, or an event lies outside the rasters.
    """
    header, columns = _read_columns(path, reading.names)
    ticks, neurons = reading.extent(path, _last_event(header, columns))
    if header[0] not in TIME_UNITS:
        reading.check_takes(path, "merge")
        events = np.zeros((3, columns[0].size), dtype=np.int64)
        events[3 - len(header) :] = columns
        rasters = _rasters(path, events, reading, shape=(ticks, neurons))
        if not reading.merge and np.count_nonzero(rasters) != events.shape[1]:
            raise _repeated(path, events, shape=rasters.shape)
        return list(rasters)
    reading.check_takes(path, "dt_ms", "starts_ms", "merge")
    reading.binning(path)
    neuron = columns[1].astype(np.int64)
    _check_inside(path, "neuron", column=neuron, extent=neurons, source=reading.of_source)
    return reading.bin(path, SpikeTimes(str(path), columns[0] / TIME_UNITS[header[0]], neuron, neurons))


def _last_event(header: tuple[str, ...], columns: Columns) -> str:
    """Return the tick or the time of the last event in words; nothing if there are no events."""
    if not columns[0].size:
        return ""
    if header[0] in TIME_UNITS:
        return f"{columns[0].max():g} {header[0].removeprefix('time_')}"
    return f"tick {columns[-2].max()}"


def _rasters(path: Path, events: Int64s, reading: Reading, *, shape: tuple[int, int]) -> Raster:
    """Return the rasters (patterns, ticks, neurons) of events, (3, events): pattern, tick and neuron."""
    patterns, (ticks, neurons) = reading.patterns, shape
    lowest, highest = (int(events[0].min()), int(events[0].max())) if events.size else (0, 0)
    count = max(highest, 0) + 1 if patterns is None else patterns
    check_bins(path, count, ticks=ticks, neurons=neurons)
    if lowest < 0 or highest >= count:
        raise FormatError(
            f"{path} has patterns {lowest} to {highest}, but their number (count in a SPEC.toml, patterns= in Python)"
            f" is {count}, which allows 0 to {count - 1}"
        )
    _check_inside(path, "tick", column=events[1], extent=ticks)
    _check_inside(path, "neuron", column=events[2], extent=neurons, source=reading.of_source)
    rasters = np.zeros((count, ticks, neurons), dtype=np.bool_)
    rasters[tuple(events)] = True
    rasters.flags.writeable = False
    return rasters


def _check_inside(path: Path, label: str, *, column: Int64s, extent: int, source: str = "") -> None:
    """Raise `FormatError` for the first line whose tick or neuron lies outside the rasters."""
    if column.size and not 0 <= column.min() <= column.max() < extent:
        outside = (column < 0) | (column >= extent)
        event = int(outside.argmax())
        advice = "correct the line" if column[event] < 0 else "raise that number, or correct the line"
        raise FormatError(
            f"{path}, line {_line_of(path, event)}: {label} must be {range_in_words((0, extent - 1))}, because"
            f" {label}s = {extent}{source}, got {column[event]}; {advice}"
        )


def _line_of(path: Path, event: int) -> int:
    """Return the number of the line of an event."""
    lines = io.StringIO(read_bytes(path).decode("utf-8"))
    header = header_of(path, lines.readline().encode(), allowed=HEADERS)
    rows = ((number, fields_of(path, number, line=line)) for number, line in enumerate(lines, 2))
    events = (number for number, row in rows if row and not is_mark(row, header))
    return next(itertools.islice(events, event, None))


def _repeated(path: Path, events: Int64s, *, shape: tuple[int, ...]) -> FormatError:
    bins, counts = np.unique(np.ravel_multi_index(tuple(events), shape), return_counts=True)
    first, shared = int(np.argmax(counts > 1)), int(np.count_nonzero(counts > 1))
    pattern, tick, neuron = np.unravel_index(bins[first], shape)
    more = f" (and {counted(shared - 1, 'more bin')} like it)" if shared > 1 else ""
    return FormatError(
        f"{path}: neuron {neuron} has {counts[first]} spikes in tick {tick} of pattern {pattern}{more};"
        " list each event once, or allow merging (merge=True, --merge)"
    )


def write_csv(path: Path, rasters: Sequence[Raster], names: Names | None = None) -> None:
    """Write rasters with the columns pattern, tick and neuron, and name if neurons have names."""
    write_bytes(path, "".join(csv_texts(rasters, names)).encode("utf-8"))


def csv_texts(rasters: Sequence[Raster], names: Names | None = None) -> Iterator[str]:
    """Yield the text of a CSV file of rasters, piece by piece: the columns pattern, tick, neuron, and name if known.

    Names need no quotes: see `snnprog.names`.
    """
    yield "pattern,tick,neuron\n" if names is None else f"pattern,tick,neuron,{NAME}\n"
    for pattern, raster in enumerate(rasters):
        tick, neuron = events_of_raster(raster)
        rows = np.stack([np.full_like(tick, pattern), tick, neuron], axis=1)
        for chunk in np.split(rows, range(CHUNK, len(rows), CHUNK)):
            if names is None:
                yield "%d,%d,%d\n" * len(chunk) % tuple(chunk.ravel().tolist())
            else:
                yield "".join(f"{at},{when},{where},{names[where]}\n" for at, when, where in chunk.tolist())


def holds_times(path: Path) -> bool:
    """Return whether a list of events has times instead of ticks.

    Raises
    ------
    FormatError
        If the file is missing or damaged, or is not a list of events.
    """
    check_regular(path)
    try:
        with path.open("rb") as file:
            return header_of(path, file.readline(LINE_LIMIT), allowed=HEADERS)[0] in TIME_UNITS
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror}") from error


def _read_columns(path: Path, names: Names | None) -> tuple[tuple[str, ...], Columns]:
    """Return the headings and contents of the columns of numbers."""
    size = check_regular(path)
    if size > CSV_LIMIT_BYTES:
        raise FormatError(f"{path} has {size} bytes; at most {CSV_LIMIT_BYTES} are read; write an .npz")
    content = read_bytes(path)
    first = FIRST_LINE.match(content)
    assert first is not None, "it also matches an empty string"
    header, body = header_of(path, first.group(), allowed=HEADERS), content[first.end() :]
    columns = plain_columns(header, body)
    columns = _columns_by_line(path, header, body=body, names=names) if columns is None else columns
    return numbers_in(header), columns


def plain_columns(header: tuple[str, ...], body: bytes) -> Columns | None:
    """Return the contents of the columns, or None if NumPy might read them differently from Python, or fails."""
    is_timed = header[0] in TIME_UNITS
    if (
        numbers_in(header) != header
        or body.translate(None, PLAIN_TIMES if is_timed else PLAIN_INTEGERS)
        or (is_timed and ODD_PLUS.search(body))  # PLAIN_INTEGERS has no plus sign
    ):
        return None
    types = [(name, np.float64 if name in TIME_UNITS else np.int64) for name in header]
    options: Any = {"dtype": types, "ndmin": 1} if is_timed else {"dtype": np.int64, "ndmin": 2}  # half the time
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # integers written as fractions
            warnings.simplefilter("ignore", UserWarning)  # no events
            table = np.loadtxt(io.BytesIO(body), delimiter=",", comments=None, **options)
    except (ValueError, OverflowError, DeprecationWarning):
        return None
    if not is_timed and table.size and table.shape[1] != len(header):
        return None
    columns = (
        [table[name] for name in header] if is_timed else list(np.ascontiguousarray(table.reshape(-1, len(header)).T))
    )
    extremes = [value for column in columns if column.size for value in (column.min(), column.max())]
    is_odd = any(abs(int(value)) > GREATEST if np.isfinite(value) else True for value in extremes)
    is_odd |= is_timed and bool(np.signbit(columns[0]).any())
    return None if is_odd else columns


def _columns_by_line(path: Path, header: tuple[str, ...], *, body: bytes, names: Names | None) -> Columns:
    """Return the contents of the columns, or raise `FormatError` for the first invalid line."""
    columns = [packed.array("d" if name in TIME_UNITS else "q") for name in numbers_in(header)]
    lines = io.TextIOWrapper(io.BytesIO(body), encoding="utf-8")
    try:
        lines.readline()  # the end of the header
        for number, line in enumerate(iter(lambda: lines.readline(LINE_LIMIT), ""), 2):
            row = fields_of(path, number, line=line)
            if row and not is_mark(row, header):
                values = values_of(path, number, row=row, header=header, names=names)
                for column, value in zip(columns, values, strict=True):
                    column.append(value)  # type: ignore[arg-type]
    except UnicodeDecodeError as error:
        raise FormatError(f"{path} cannot be read: {not_utf8(error)}") from error
    return [np.array(column) for column in columns]
