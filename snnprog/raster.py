"""Conversion between rasters and events; `snnprog.files` reads and writes their files.

A raster is a bool array ``(ticks, neurons)``, time first. Events are two int arrays ``(tick, neuron)``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.calls import call_checked
from snnprog.errors import SpecError
from snnprog.wording import a_type, counted

# A bound on the sum of the rounding errors of a time, the beginning and length of its bins, and their quotient.
ROUNDING_SHARE = 8 * float(np.finfo(np.float64).eps)

LONGEST_MS = 1e15

FROM_TIMES = "snnprog.raster.bin_spike_times"
"""What messages name to someone who gives spike times instead of a raster."""


def as_raster(values: ArrayLike, name: str) -> Raster:
    """Return a read-only bool copy of a ``(ticks, neurons)`` array of bools, or of integers 0 and 1.

    Raises
    ------
    SpecError
        If the array is not two-dimensional, has no ticks, or holds a value other than true and false.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise SpecError(
            f"{name} must be a bool array (ticks, neurons), got a ragged one; {FROM_TIMES} makes one of spike times"
        ) from error
    if array.ndim != 2:
        raise SpecError(f"{name} must have two axes (ticks, neurons), got {_other_axes(values, array)}")
    if array.shape[0] == 0:
        raise SpecError(f"{name} must have at least one tick")
    return as_bools(array, name)


def _other_axes(values: object, array: NDArray[np.generic]) -> str:
    """Return what was given instead of an array of two axes, and what to do, as the end of a message."""
    if array.ndim == 0:
        holds = isinstance(getattr(values, "spikes", None), np.ndarray)
        return f"{a_type(values)}{'; take its .spikes' if holds else ''}"
    if array.ndim > 2:
        return f"shape {array.shape}; give one raster for each pattern"
    is_raster = array.size > 0 and array.dtype.kind in "biuf" and bool(np.isin(array, (0, 1)).all())
    advice = (
        "; write array.reshape(-1, 1) for one neuron, or (1, -1) for one tick"
        if is_raster
        else f"; {FROM_TIMES} makes one of spike times"
    )
    return f"shape {array.shape}{advice if array.size else ''}"


def as_rasters(inputs: Iterable[ArrayLike], name: str = "inputs") -> list[Raster]:
    """Return read-only bool copies of the rasters of several patterns; see `as_raster`.

    Raises
    ------
    SpecError
        If it is a single raster, is not iterable, or one of them is not a raster.
    """
    if isinstance(inputs, np.ndarray) and inputs.ndim == 2:
        raise SpecError(f"{name} must be a list of rasters, got one array of shape {inputs.shape}; write [{name}]")
    if isinstance(inputs, np.ndarray) and inputs.ndim < 2:
        as_raster(inputs, name)  # it says what a raster is
    if not isinstance(inputs, Iterable) or isinstance(inputs, (str, bytes)):
        raise SpecError(f"{name} must be a list of rasters (ticks, lines), got {inputs!r}")
    return [as_raster(raster, f"{name}[{index}]") for index, raster in enumerate(inputs)]


def as_bools(array: NDArray[np.generic], name: str) -> Raster:
    """Return a read-only bool copy of an array of any shape that holds bools, or integers 0 and 1.

    Raises
    ------
    SpecError
        If it holds anything else.
    """
    if array.dtype.kind in "iu":
        if array.size and (int(array.min()) < 0 or int(array.max()) > 1):
            odd = np.unravel_index(int(np.logical_and(array != 0, array != 1).argmax()), array.shape)
            where = tuple(int(index) for index in odd)
            raise SpecError(f"{name} must hold bools, or integers 0 and 1, got {array[where]} at {where}")
    elif array.dtype.kind != "b":
        raise SpecError(f"{name} must hold bools, got type {array.dtype}; {how_to_bools(array)}")
    raster = array.astype(np.bool_)
    raster.flags.writeable = False
    return raster


def how_to_bools(array: NDArray[np.generic]) -> str:
    """Return how to make bools of an array of another type, as the end of a message."""
    if array.dtype.kind not in "fiu":
        return "give bools, or integers 0 and 1"
    if np.isin(array, (0, 1)).all():
        return "write array.astype(bool)"
    return f"compare with a level, as in array > 0.5 ({FROM_TIMES} makes a raster of spike times)"


def turned(name: str, shape: tuple[int, ...], *, ticks: int | None = None, lines: int | None = None) -> str:
    """Return the end of a message about a raster of a wrong size: a question if it would fit with its axes exchanged.

    Parameters
    ----------
    name : str
        What to transpose.
    shape : tuple of int
        The shape that was given.
    ticks, lines : int, optional
        The size that the raster must have, where one is known.
    """
    fits = len(shape) == 2 and ticks in (None, shape[1]) and lines in (None, shape[0])
    return f"; arrays are (ticks, neurons): transpose {name}?" if fits else ""


def check_width(name: str, raster: Raster, *, lines: int) -> None:
    """Raise `SpecError` unless a raster has one column for each input line of a program."""
    if raster.shape[1] != lines:
        wanted = f"{counted(lines, 'column')}, one for each input line of the program"
        raise SpecError(f"{name} must have {wanted}, got {raster.shape[1]}{turned(name, raster.shape, lines=lines)}")


def raster_of_events(tick: ArrayLike, neuron: ArrayLike, *, ticks: int, neurons: int, name: str = "events") -> Raster:
    """Return the raster ``(ticks, neurons)`` that is true at each event.

    Raises
    ------
    SpecError
        If the two lists differ in length, hold non-integers, or an event lies outside the raster.
    """
    if ticks < 1 or neurons < 0:
        raise SpecError(
            f"{name}: a raster must have at least one tick and 0 or more neurons, got {ticks} and {neurons}"
        )
    columns = [_as_column(tick, "tick", name=name), _as_column(neuron, "neuron", name=name)]
    for label, column, extent in zip(("tick", "neuron"), columns, (ticks, neurons), strict=True):
        check_inside(name, label, column=column, extent=extent)
    if columns[0].size != columns[1].size:
        raise SpecError(
            f"{name}: ticks and neurons must have equal lengths, got {columns[0].size} and {columns[1].size}"
        )
    raster = np.zeros((ticks, neurons), dtype=np.bool_)
    raster[columns[0], columns[1]] = True
    raster.flags.writeable = False
    return raster


def check_inside(name: str, label: str, *, column: Int64s, extent: int) -> None:
    """Raise `SpecError` unless all values of a column of events are from 0 to one less than the extent."""
    outside = (column < 0) | (column >= extent)
    if outside.any():
        event = int(outside.argmax())
        raise SpecError(f"{name}: {label} of event {event} must be 0 to {extent - 1}, got {column[event]}")


def _as_column(values: ArrayLike, label: str, *, name: str) -> Int64s:
    try:
        column = np.asarray(values)
    except ValueError as error:
        raise SpecError(f"{name}: {label} must be a list of integers, got a ragged one") from error
    if column.ndim != 1 or (column.size and column.dtype.kind not in "iu"):
        raise SpecError(f"{name}: {label} must be a list of integers, got {column.dtype} of shape {column.shape}")
    return column.astype(np.int64)


def events_of_raster(raster: Raster) -> tuple[Int64s, Int64s]:
    """Return the events of a raster as (tick, neuron), ordered by tick, then neuron."""
    tick, neuron = np.nonzero(raster)
    return tick, neuron


@call_checked
def bin_spike_times(
    times_s: ArrayLike, neuron: ArrayLike, *, bin_ms: float, ticks: int, neurons: int
) -> tuple[Raster, int]:
    """Bin spike times in seconds into ticks of ``bin_ms`` milliseconds, starting at time 0.

    A bin includes its beginning and excludes its end; a time that equals an edge except for float rounding counts as
    that edge, so that 1.001 s at 1 ms is tick 1001.

    Parameters
    ----------
    times_s : (spikes,) float
        In seconds; they need not be sorted.
    neuron : (spikes,) int
        The neuron of each spike.
    bin_ms : float
        The duration of a tick, in milliseconds.
    ticks, neurons : int
        The size of the raster; later spikes are omitted.

    Returns
    -------
    raster : (ticks, neurons) bool
        True where at least one spike fell into the bin.
    merged : int
        Number of spikes inside the range that share a bin with an earlier spike of the same neuron, and so are lost.

    Raises
    ------
    SpecError
        If a time is negative or not finite, the lists differ in length, a neuron index is out of range, or ``bin_ms``
        is not positive and finite.
    """
    check_bin_ms("bin_ms", bin_ms)
    try:
        given, index = np.asarray(times_s), np.asarray(neuron)
        seconds = given.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise SpecError(f"spike times must be one list of numbers for all neurons: {error}") from error
    if given.dtype.kind == "b":
        raise SpecError("spike times must be numbers of seconds, got bools; an array of bools is a raster already")
    if seconds.ndim != 1 or seconds.shape != index.shape:
        raise SpecError(
            f"spike times and neurons must be lists of equal length, got shapes {seconds.shape} and {index.shape}"
        )
    if seconds.size and (not np.isfinite(seconds).all() or seconds.min() < 0):
        raise SpecError("spike times must be finite and non-negative; shift or drop the others first")
    tick = tick_of_time(seconds, start_s=0.0, bin_ms=bin_ms, ticks=ticks)
    inside = tick < ticks
    raster = raster_of_events(tick[inside], index[inside], ticks=ticks, neurons=neurons, name="spike times")
    return raster, int(inside.sum() - raster.sum())


def tick_of_time(
    seconds: Floats, *, start_s: float, bin_ms: float, ticks: int, share: float = ROUNDING_SHARE
) -> Int64s:
    """Return the bin that each time falls into, counted from ``start_s``; -1 before the first, ``ticks`` or more after.

    A bin includes its beginning and excludes its end; a time that differs from an edge by less than ``share`` of itself
    (or of the beginning, if that is larger) counts as that edge.
    """
    bin_s = bin_ms / 1000.0
    # Times are clipped before they are scaled: the tick of a far time may be too large for a float.
    near = np.clip(seconds, start_s - bin_s, start_s + (ticks + 1) * bin_s)
    slack = share * np.maximum(np.abs(near), abs(start_s))
    tick: Int64s = np.floor((near - start_s + slack) * (1000.0 / bin_ms)).astype(np.int64)
    return tick


def check_bin_ms(name: str, value: object) -> float:
    """Return a length of bins in milliseconds as float.

    Raises
    ------
    SpecError
        If it is not a positive, finite number.
    """
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    length = float(value) if is_number and abs(value) < LONGEST_MS else math.nan  # type: ignore[arg-type]
    if not (length > 0 and math.isfinite(1000.0 / length)):
        raise SpecError(f"{name} must be a positive number of milliseconds, got {value!r}")
    return length
