"""Structured arrays of events, as in Tonic's datasets and transforms, checked and split into columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnprog.arrays import Bools, Floats, Int64s
from snnprog.errors import SpecError
from snnprog.files.spike_times import share_of
from snnprog.raster import ROUNDING_SHARE

EXACT_WHOLE = 1 << 53  # float64 represents all integers up to this one (IEEE 754)


@dataclass(frozen=True, eq=False)
class EventColumns:
    """Events as columns of equal length.

    Attributes
    ----------
    x : (events,) int64
    y : (events,) int64, optional
        None for events without rows, of a cochlea.
    time : (events,) int64 or float64
        In the unit of the array; integers if all times are integers.
    on : (events,) bool, optional
        None if events have no polarity.
    share : float
        Maximum relative error of a time, from its storage type.
    """

    x: Int64s
    y: Int64s | None
    time: Int64s | Floats
    on: Bools | None
    share: float = ROUNDING_SHARE

    @property
    def is_exact(self) -> bool:
        """Whether the times are integers."""
        return self.time.dtype.kind == "i"


def columns_of(events: ArrayLike) -> EventColumns:
    """Return the columns of a structured array of events.

    Parameters
    ----------
    events : (events,) structured array
        Fields ``x``, ``t``, and optionally ``y`` and ``p``, in any order; others are ignored. ``x`` and
        ``y`` hold integers, ``t`` finite ones, ``p`` bools, 0 and 1, or -1 and 1.

    Raises
    ------
    SpecError
        If it is not such an array.
    """
    array = np.asarray(events)
    fields = array.dtype.fields
    if fields is None or "x" not in fields or "t" not in fields:
        found = f"{array.dtype} of shape {array.shape}" if fields is None else f"the fields {', '.join(fields)}"
        raise SpecError(f"events must be a structured array with the fields x, y, t and p (or x and t), got {found}")
    if array.ndim != 1:
        raise SpecError(f"events must have one axis, got shape {array.shape}")
    columns = {name: _numbers(array, name) for name in ("x", "y", "t", "p") if name in fields}
    time, share = _times(columns["t"])
    return EventColumns(
        x=_whole("x", columns["x"]),
        y=_whole("y", columns["y"]) if "y" in columns else None,
        time=time,
        on=_polarities(columns["p"]) if "p" in columns else None,
        share=share,
    )


def _numbers(array: NDArray[Any], name: str) -> NDArray[Any]:
    column: NDArray[Any] = array[name]
    if column.ndim != 1 or column.dtype.kind not in "biuf":
        raise SpecError(f"field {name} of the events must hold one number each, got {array.dtype.fields[name][0]}")  # type: ignore[index]
    return column


def _whole(name: str, column: NDArray[Any]) -> Int64s:
    """Return integers as int64; refuse fractions and numbers beyond every sensor."""
    if column.dtype.kind == "f":
        is_odd = ~np.isfinite(column) | (np.abs(np.where(np.isfinite(column), column, 0)) >= EXACT_WHOLE)
        is_odd |= np.where(is_odd, 0, column) % 1 != 0
    else:
        is_odd = column > np.uint64(EXACT_WHOLE) if column.dtype.kind == "u" else np.zeros(column.shape, dtype=np.bool_)
    if is_odd.any():
        event = int(is_odd.argmax())
        raise SpecError(f"{name} of event {event} must be an integer, got {column[event]}; round it first")
    return column.astype(np.int64)


def _times(column: NDArray[Any]) -> tuple[Int64s | Floats, float]:
    """Return times, as int64 if they are integers, and their maximum relative error."""
    if column.dtype.kind != "f":
        if column.dtype.kind == "u" and column.size and int(column.max()) > np.iinfo(np.int64).max:
            raise SpecError(
                f"t of event {int(column.argmax())} must fit in a signed 64-bit integer, got {column.max()}"
            )
        return column.astype(np.int64), 0.0
    if not np.isfinite(column).all():
        event = int((~np.isfinite(column)).argmax())
        raise SpecError(f"t of event {event} must be finite, got {column[event]}; drop such events first")
    times = column.astype(np.float64)
    if column.dtype.itemsize >= 8 and np.all(times % 1 == 0) and np.abs(times).max(initial=0) < EXACT_WHOLE:
        return times.astype(np.int64), 0.0
    return times, share_of(column.dtype)


def _polarities(column: NDArray[Any]) -> Bools:
    """Return whether each event is on: 1 or true; off is 0, false or -1."""
    if column.dtype.kind == "b":
        return column
    is_on, is_off = column == 1, column == 0
    if not is_off.any():
        is_off = column == -1
    is_odd = ~(is_on | is_off)
    if is_odd.any():
        event = int(is_odd.argmax())
        raise SpecError(f"p of event {event} must be 0 or 1, -1 or 1, or a bool, got {column[event]}")
    return np.asarray(is_on)
