"""Rasters and events, both ways, and the files they come in.

A raster is a bool array ``(ticks, neurons)``, time first. Events are two int arrays ``(tick, neuron)``. Files are
``.npz`` (2-D arrays, or 3-D ``(patterns, ticks, neurons)``) and ``.csv`` with the columns ``tick,neuron`` or
``pattern,tick,neuron``, whose sizes are given beside them because silence leaves no event.
"""

from __future__ import annotations

import csv
import io
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
    read_archive,
    read_bytes,
    write_archive,
    write_bytes,
)
from snnprog.errors import FormatError, SpecError, counted

Raster = NDArray[np.bool_]

PATTERN_LIMIT = 1 << 20
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
        odd = np.argwhere((array != 0) & (array != 1))
        if odd.size:
            where = tuple(int(index) for index in odd[0])
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
        outside = np.flatnonzero((column < 0) | (column >= extent)) if column.size else np.array([], dtype=int)
        if outside.size:
            raise SpecError(
                f"{name}: event {outside[0]} has {label} {column[outside[0]]}; allowed is 0 to {extent - 1}"
            )
    if columns[0].size != columns[1].size:
        raise SpecError(f"{name}: {columns[0].size} ticks and {columns[1].size} neurons; an event has one of each")
    raster = np.zeros((ticks, neurons), dtype=np.bool_)
    raster[columns[0], columns[1]] = True
    raster.flags.writeable = False
    return raster


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
    members = read_archive(path)
    keys = sorted(name[:-4] for name in members if name.endswith(".npy"))
    if key is None and len(keys) != 1:
        raise FormatError(f"{path} holds {len(keys)} arrays ({', '.join(keys)}); say which, as in {path.name}:NAME")
    array = array_of(path, members, key or keys[0])
    if array.ndim not in (2, 3):
        raise FormatError(f"{path} has shape {array.shape}; (ticks, neurons) or (patterns, ticks, neurons) is needed")
    if array.ndim == 3 and len(array) > PATTERN_LIMIT:
        raise FormatError(f"{path} has {len(array)} patterns; at most {PATTERN_LIMIT} are read")
    try:
        return [as_raster(raster, str(path)) for raster in (array if array.ndim == 3 else array[None])]
    except SpecError as error:
        raise FormatError(str(error)) from error


def _check_extents(path: Path, rasters: list[Raster], ticks: int | None, neurons: int | None) -> list[Raster]:
    for raster in rasters:
        for label, found, wanted in zip(("tick", "neuron"), raster.shape, (ticks, neurons), strict=True):
            if wanted is not None and found != wanted:
                raise FormatError(f"{path} has {counted(found, label)}; {wanted} were announced")
    return rasters


def _read_csv(path: Path, ticks: int, neurons: int, patterns: int | None) -> list[Raster]:
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path} cannot be read: {error}") from error
    pattern, events = _parse_events(path, text)
    count = int(pattern.max(initial=0)) + 1 if patterns is None else patterns
    _check_size(path, count, ticks, neurons)
    if pattern.min(initial=0) < 0 or pattern.max(initial=0) >= count:
        raise FormatError(f"{path} numbers patterns {pattern.min()} to {pattern.max()}; allowed is 0 to {count - 1}")
    order = np.argsort(pattern, kind="stable")
    groups = np.split(events[order], np.searchsorted(pattern[order], np.arange(1, count)))
    try:
        return [raster_of_events(*group.T, ticks=ticks, neurons=neurons, name=str(path)) for group in groups]
    except SpecError as error:
        raise FormatError(str(error)) from error


def _check_size(path: Path, count: int, ticks: int, neurons: int) -> None:
    if count < 1 or ticks < 1 or neurons < 0:
        raise FormatError(f"{path} is to hold {count} rasters of {ticks} x {neurons}; at least one tick is needed")
    if count > PATTERN_LIMIT or count * ticks * max(neurons, 1) > SIZE_LIMIT_BYTES:
        raise FormatError(
            f"{path} asks for {count} rasters of {ticks} x {neurons};"
            f" at most {PATTERN_LIMIT} rasters and {SIZE_LIMIT_BYTES} bins are read"
        )


def _parse_events(path: Path, text: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pattern ``(events,)`` and the tick and neuron ``(events, 2)`` of each line."""
    reader = csv.reader(io.StringIO(text, newline=None))
    try:
        header = [field.strip() for field in next(reader, [])]
        if header not in (["tick", "neuron"], ["pattern", "tick", "neuron"]):
            raise FormatError(
                f"{path} begins with {','.join(header)!r}; the header is 'tick,neuron' or 'pattern,tick,neuron'"
            )
        rows = [_parse_event(path, reader.line_num, row, len(header)) for row in reader if row]
    except csv.Error as error:
        raise FormatError(f"{path}, line {reader.line_num}: {error}") from error
    events = np.array(rows, dtype=np.int64).reshape(-1, len(header))
    pattern = events[:, 0] if len(header) == 3 else np.zeros(len(events), dtype=np.int64)
    return pattern, events[:, -2:]


def _parse_event(path: Path, line: int, row: list[str], width: int) -> list[int]:
    values = [int(field) for field in row if INTEGER.fullmatch(field.strip())]
    if len(row) != width or len(values) != width or any(abs(value) > 1 << 40 for value in values):
        raise FormatError(f"{path}, line {line}: {','.join(row)!r}; {width} whole numbers are needed")
    return values
