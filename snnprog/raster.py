"""Rasters and events, both ways, and the files they come in.

A raster is a bool array ``(ticks, neurons)``, time first. Events are two int arrays ``(tick, neuron)``. Files are
``.npz`` (2-D arrays, or 3-D ``(patterns, ticks, neurons)``) and ``.csv`` with the columns ``tick,neuron`` or
``pattern,tick,neuron``, whose sizes are given beside them because silence leaves no event.
"""

from __future__ import annotations

import array as packed
import csv
import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnprog.archive import (
    MEMBER_LIMIT,
    SIZE_LIMIT_BYTES,
    array_of,
    check_regular,
    read_archive,
    write_archive,
    write_bytes,
)
from snnprog.errors import FormatError, SpecError, counted

Raster = NDArray[np.bool_]

PATTERN_LIMIT = 1 << 20
CSV_LIMIT_BYTES = 1 << 28
LINE_LIMIT = 1 << 16
INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)
# Seconds, milliseconds per tick and their quotient are each rounded once: together less than this share.
ROUNDING_SHARE = 4 * float(np.finfo(np.float64).eps)


def as_raster(values: ArrayLike, name: str) -> Raster:
    """Return a read-only bool copy of a ``(ticks, neurons)`` array of bools, or of integers that are all 0 or 1.

    Raises
    ------
    SpecError
        If the shape is not two-dimensional, there are no ticks, or a value is neither true nor false.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise SpecError(f"{name} is ragged; a raster is one bool array (ticks, neurons)") from error
    if array.ndim != 2:
        raise SpecError(f"{name} has shape {array.shape}; a raster has two axes, (ticks, neurons)")
    if array.shape[0] == 0:
        raise SpecError(f"{name} has no ticks; at least one is needed")
    return _as_bools(array, name)


def _as_bools(array: NDArray[np.generic], name: str) -> Raster:
    if array.dtype.kind in "iu":
        if array.size and (int(array.min()) < 0 or int(array.max()) > 1):
            odd = np.unravel_index(int(np.logical_and(array != 0, array != 1).argmax()), array.shape)
            where = tuple(int(index) for index in odd)
            raise SpecError(f"{name} holds {array[where]} at {where}; integers in a raster are 0 or 1")
    elif array.dtype.kind != "b":
        raise SpecError(f"{name} is of type {array.dtype}; a raster holds bools: compare with a level first")
    raster = array.astype(np.bool_)
    raster.flags.writeable = False
    return raster


def raster_of_events(tick: ArrayLike, neuron: ArrayLike, *, ticks: int, neurons: int, name: str = "events") -> Raster:
    """Return the raster ``(ticks, neurons)`` that is true at each event.

    Raises
    ------
    SpecError
        If the two lists differ in length, hold non-integers, or an event lies outside the raster.
    """
    if ticks < 1 or neurons < 0:
        raise SpecError(f"{name}: a raster of {ticks} ticks and {neurons} neurons; at least one tick is needed")
    columns = [_as_column(tick, "tick", name), _as_column(neuron, "neuron", name)]
    for label, column, extent in zip(("tick", "neuron"), columns, (ticks, neurons), strict=True):
        _check_inside(name, label, column, extent)
    if columns[0].size != columns[1].size:
        raise SpecError(f"{name}: {columns[0].size} ticks and {columns[1].size} neurons; an event has one of each")
    raster = np.zeros((ticks, neurons), dtype=np.bool_)
    raster[columns[0], columns[1]] = True
    raster.flags.writeable = False
    return raster


def _check_inside(name: str, label: str, column: NDArray[np.int64], extent: int) -> None:
    outside = (column < 0) | (column >= extent)
    if outside.any():
        event = int(outside.argmax())
        raise SpecError(f"{name}: event {event} has {label} {column[event]}; allowed is 0 to {extent - 1}")


def _as_column(values: ArrayLike, label: str, name: str) -> NDArray[np.int64]:
    try:
        column = np.asarray(values)
    except ValueError as error:
        raise SpecError(f"{name}: {label} is ragged; a list of integers is needed") from error
    if column.ndim != 1 or (column.size and column.dtype.kind not in "iu"):
        raise SpecError(f"{name}: {label} is {column.dtype} of shape {column.shape}; a list of integers is needed")
    return column.astype(np.int64)


def events_of_raster(raster: Raster) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the events of a raster as (tick, neuron), ordered by tick, then neuron."""
    tick, neuron = np.nonzero(raster)
    return tick, neuron


def bin_spike_times(
    times_s: ArrayLike, neuron: ArrayLike, *, bin_ms: float, ticks: int, neurons: int
) -> tuple[Raster, int]:
    """Bin spike times in seconds into ticks of ``bin_ms`` milliseconds, starting at time 0.

    A bin holds its beginning and not its end; a time that is an edge but for float rounding counts as that edge, so
    that 1.001 s at 1 ms is tick 1001.

    Returns
    -------
    raster : (ticks, neurons) bool
        True where at least one spike fell into the bin.
    merged : int
        How many spikes inside the range share a bin with an earlier one of the same neuron, and so are not seen.

    Raises
    ------
    SpecError
        If a time is negative or not finite, the lists differ in length, a neuron index is out of range, or ``bin_ms``
        is not positive and finite.
    """
    if not (bin_ms > 0 and math.isfinite(bin_ms) and math.isfinite(1000.0 / bin_ms)):
        raise SpecError(f"bin_ms is {bin_ms}; a positive number of milliseconds is needed")
    try:
        seconds, index = np.asarray(times_s, dtype=np.float64), np.asarray(neuron)
    except (TypeError, ValueError) as error:
        raise SpecError(f"spike times are no list of numbers: {error}") from error
    if seconds.ndim != 1 or seconds.shape != index.shape:
        raise SpecError(f"spike times have shape {seconds.shape} and neurons {index.shape}; two equal lists are needed")
    if seconds.size and (not np.isfinite(seconds).all() or seconds.min() < 0):
        raise SpecError("spike times must be finite and not negative; shift or drop the others first")
    # Far times are set aside before they are scaled: their tick may be too large for a float.
    near = np.minimum(seconds, (ticks + 1) * (bin_ms / 1000.0))
    tick = np.floor(near * (1000.0 / bin_ms) * (1.0 + ROUNDING_SHARE)).astype(np.int64)
    inside = tick < ticks
    raster = raster_of_events(tick[inside], index[inside], ticks=ticks, neurons=neurons, name="spike times")
    return raster, int(inside.sum() - raster.sum())


def read_rasters(
    path: str | Path,
    *,
    ticks: int | None = None,
    neurons: int | None = None,
    key: str | None = None,
    patterns: int | None = None,
) -> list[Raster]:
    """Read the rasters, one per pattern, of an ``.npz`` array or a ``.csv`` of events.

    Parameters
    ----------
    path : path
        The file; its suffix decides the format.
    ticks, neurons : int, optional
        The extent of each raster; needed for ``.csv``, checked for ``.npz``.
    key : str, optional
        Which array of an ``.npz`` with several.
    patterns : int, optional
        How many patterns there are; without it, a ``.csv`` has as many as its highest pattern number tells, so that
        silent ones at the end are not seen.

    Raises
    ------
    FormatError
        If the file is missing, damaged, of another format, or its values are no raster.
    """
    path = Path(path)
    if path.suffix == ".npz":
        rasters = _check_extents(path, _read_npz(path, key), ticks, neurons)
        if patterns is not None and len(rasters) != patterns:
            raise FormatError(f"{path} has {counted(len(rasters), 'pattern')}; {patterns} were announced")
        return rasters
    if path.suffix == ".csv":
        if ticks is None or neurons is None:
            raise FormatError(f"{path} is a list of events, which has no size; give both ticks and neurons")
        return _read_csv(path, ticks, neurons, patterns)
    raise FormatError(f"{path} ends in {path.suffix!r}; rasters are read from .npz and .csv")


def write_rasters(path: str | Path, rasters: Sequence[Raster], *, key: str = "spikes") -> None:
    """Write rasters to ``.csv`` (columns pattern, tick, neuron) or ``.npz`` (one array if all have one shape).

    Raises
    ------
    FormatError
        If the suffix is unknown, the file cannot be written, or an ``.npz`` cannot hold these rasters.
    """
    path = Path(path)
    if path.suffix == ".csv":
        lines = ["pattern,tick,neuron"]
        for pattern, raster in enumerate(rasters):
            tick, neuron = events_of_raster(raster)
            lines += [f"{pattern},{t},{n}" for t, n in zip(tick, neuron, strict=True)]
        write_bytes(path, ("\n".join(lines) + "\n").encode("ascii"))
    elif path.suffix == ".npz":
        equal = len({raster.shape for raster in rasters}) == 1
        if not rasters or (not equal and len(rasters) > MEMBER_LIMIT):
            raise FormatError(
                f"{path} would hold {len(rasters)} rasters of unequal shapes;"
                f" an .npz holds 1 to {MEMBER_LIMIT} of them; write a .csv"
            )
        stacked = {key: np.stack(list(rasters))} if equal else {}
        write_archive(path, stacked or {f"{key}_{index}": raster for index, raster in enumerate(rasters)}, {})
    else:
        raise FormatError(f"{path} ends in {path.suffix!r}; rasters are written to .npz and .csv")


def _read_npz(path: Path, key: str | None) -> list[Raster]:
    members = read_archive(path, only=f"{key}.npy")
    keys = sorted(name[:-4] for name in members if name.endswith(".npy"))
    if key is None and len(keys) != 1:
        raise FormatError(f"{path} holds {len(keys)} arrays ({', '.join(keys)}); say which, as in {path.name}:NAME")
    array = array_of(path, members, key or keys[0])
    if array.ndim not in (2, 3):
        raise FormatError(f"{path} has shape {array.shape}; (ticks, neurons) or (patterns, ticks, neurons) is needed")
    if array.ndim == 3 and len(array) > PATTERN_LIMIT:
        raise FormatError(f"{path} has {len(array)} patterns; at most {PATTERN_LIMIT} are read")
    if array.shape[-2] == 0:
        raise FormatError(f"{path} has no ticks; at least one is needed")
    try:
        return list(_as_bools(array, str(path))) if array.ndim == 3 else [_as_bools(array, str(path))]
    except SpecError as error:
        raise FormatError(str(error)) from error


def _check_extents(path: Path, rasters: list[Raster], ticks: int | None, neurons: int | None) -> list[Raster]:
    for raster in rasters:
        for label, found, wanted in zip(("tick", "neuron"), raster.shape, (ticks, neurons), strict=True):
            if wanted is not None and found != wanted:
                raise FormatError(f"{path} has {counted(found, label)}; {wanted} were announced")
    return rasters


def _read_csv(path: Path, ticks: int, neurons: int, patterns: int | None) -> list[Raster]:
    events = _read_events(path)
    lowest, highest = (int(events[:, 0].min()), int(events[:, 0].max())) if len(events) else (0, 0)
    count = max(highest, 0) + 1 if patterns is None else patterns
    _check_size(path, count, ticks, neurons)
    if lowest < 0 or highest >= count:
        raise FormatError(f"{path} numbers patterns {lowest} to {highest}; allowed is 0 to {count - 1}")
    try:
        for label, column, extent in (("tick", events[:, 1], ticks), ("neuron", events[:, 2], neurons)):
            _check_inside(str(path), label, column, extent)
    except SpecError as error:
        raise FormatError(str(error)) from error
    rasters = np.zeros((count, ticks, neurons), dtype=np.bool_)
    rasters[tuple(events.T)] = True
    rasters.flags.writeable = False
    return list(rasters)


def _check_size(path: Path, count: int, ticks: int, neurons: int) -> None:
    if count < 1 or ticks < 1 or neurons < 0:
        raise FormatError(f"{path} is to hold {count} rasters of {ticks} x {neurons}; at least one tick is needed")
    if count > PATTERN_LIMIT or count * ticks * max(neurons, 1) > SIZE_LIMIT_BYTES:
        raise FormatError(
            f"{path} asks for {count} rasters of {ticks} x {neurons};"
            f" at most {PATTERN_LIMIT} rasters and {SIZE_LIMIT_BYTES} bins are read"
        )


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
