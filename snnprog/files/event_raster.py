"""Conversion of events of cameras and cochleas to rasters: each event goes to the bin of its tick and line.

Events that a raster cannot hold are counted or refused, never dropped silently: events that share a bin, and events
outside the selected region, window or polarity. Times are binned exactly: a tick includes its beginning
and excludes its end, and the length of a tick is the given decimal number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import ArrayLike

from snnprog.archive import SIZE_LIMIT_BYTES
from snnprog.arrays import Bools, Int32s, Int64s, Raster
from snnprog.calls import call_checked
from snnprog.display import pictures
from snnprog.display.card import Card, Displayed, Picture
from snnprog.errors import LimitError, SpecError
from snnprog.files.event_columns import EventColumns, columns_of
from snnprog.files.event_recording import EventRecording
from snnprog.files.event_view import EventView
from snnprog.files.event_windows import EventWindows
from snnprog.wording import counted

REPEATS = ("refuse", "merge", "count")


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class EventRaster(Displayed):
    """A raster of events, with counts of merged and excluded events.

    ``events`` is the sum of the bins that are true, ``merged``, ``other_polarity``, ``outside_region`` and
    ``outside_window``; an event that several of the last three exclude is counted in the first of them.

    Attributes
    ----------
    raster : (ticks, lines) bool
        Read-only; valid as ``inputs`` of `snnprog.Pattern`. The line is (polarity * rows + row) * columns + column.
    size : (int, int, int)
        Polarities, rows and columns of the lines: ``raster.reshape(-1, *size)`` are frames.
    dt_ms, start_ms : float
        Length of a tick, and beginning of the first one.
    counts : (ticks, lines) int32, optional
        Number of events in each bin, with ``repeats="count"``. Read-only.
    events : int
        All events of the recording.
    merged : int
        Events in a bin that already had one.
    other_polarity, outside_region, outside_window : int
        Events that are excluded because of their polarity, position and time.
    """

    raster: Raster
    size: tuple[int, int, int]
    dt_ms: float
    start_ms: float
    counts: Int32s | None
    events: int
    merged: int
    other_polarity: int
    outside_region: int
    outside_window: int

    @property
    def outside(self) -> int:
        """Events that are not in the raster, except those merged into a shared bin."""
        return self.other_polarity + self.outside_region + self.outside_window

    def _summary(self) -> str:
        ticks, lines = self.raster.shape
        size = f"{counted(ticks, 'tick')} of {self.dt_ms:g} ms, {counted(lines, 'line')}"
        return f"{size}; {counted(self.events, 'event')}, {self.merged} merged, {self.outside} outside"

    def _card(self) -> Card:
        caption = "bins with events: lines from top to bottom, ticks from left to right"
        svg = pictures.raster([(self.raster, pictures.INPUT)], label=caption)
        return Card(pictures=[Picture(svg, caption + pictures.merging(self.raster.shape))])


@overload
def from_events(
    events: ArrayLike | EventRecording,
    *,
    dt_ms: float,
    sensor_size: int | tuple[int, ...] | None = ...,
    polarity: str | None = ...,
    region: tuple[int, ...] | None = ...,
    downsample: int = ...,
    time_unit: str | None = ...,
    origin: str = ...,
    starts_ms: float = ...,
    ticks: int | None = ...,
    duration_ms: float | None = ...,
    repeats: str = ...,
) -> EventRaster: ...
@overload
def from_events(
    events: ArrayLike | EventRecording,
    *,
    dt_ms: float,
    sensor_size: int | tuple[int, ...] | None = ...,
    polarity: str | None = ...,
    region: tuple[int, ...] | None = ...,
    downsample: int = ...,
    time_unit: str | None = ...,
    origin: str = ...,
    starts_ms: Sequence[float],
    ticks: int | None = ...,
    duration_ms: float | None = ...,
    repeats: str = ...,
) -> list[EventRaster]: ...
@call_checked
def from_events(
    events: ArrayLike | EventRecording,
    *,
    dt_ms: float,
    sensor_size: int | tuple[int, ...] | None = None,
    polarity: str | None = None,
    region: tuple[int, ...] | None = None,
    downsample: int = 1,
    time_unit: str | None = None,
    origin: str = "zero",
    starts_ms: float | Sequence[float] = 0.0,
    ticks: int | None = None,
    duration_ms: float | None = None,
    repeats: str = "refuse",
) -> EventRaster | list[EventRaster]:
    """Return the raster of a recording of an event camera or a cochlea, or one for each of several windows.

    The size of the sensor is not known from the events, because a border may be silent: give
    ``sensor_size``, or a region. Negative times and times before the window are counted in ``outside_window``.

    Parameters
    ----------
    events : (events,) structured array, or EventRecording
        Fields ``x``, ``y``, ``t`` and ``p`` in any order, as in Tonic's datasets and transforms; only ``x`` and ``t``,
        or also ``p``, for a cochlea. The times need not be sorted. Or the result of `snnprog.read_events`, which
        has a unit of time and may have a sensor size.
    dt_ms : float
        Length of a tick in milliseconds.
    sensor_size, polarity, region, downsample, time_unit, origin
        As for `snnprog.EventView`.
    starts_ms : float or sequence of float
        Where the first tick begins, counted from the origin; a sequence cuts one window at each, and a list is
        returned. Windows may overlap.
    ticks : int, optional
        Number of ticks of each raster. By default, one window extends to the last event of the recording.
    duration_ms : float, optional
        The same in milliseconds, which must be a whole number of ticks.
    repeats : str
        How to treat several events in one bin: as an error ("refuse"), one spike ("merge"), or one spike
        and a number in ``counts`` ("count").

    Returns
    -------
    EventRaster, or list of them

    Raises
    ------
    SpecError
        If the array is malformed, an event lies outside the sensor, several events share a bin and ``repeats`` is
        "refuse", times are stored too coarsely to distinguish ticks, or an option is malformed or missing.
    LimitError
        If the rasters would have more than 2^30 bins.
    """
    view = EventView(
        sensor_size=sensor_size,
        polarity=polarity,
        region=region,
        downsample=downsample,
        time_unit=time_unit,
        origin=origin,
    )
    if isinstance(events, EventRecording):
        view, events = events.completed(view), events.events
    columns = columns_of(events)
    starts = (starts_ms,) if not isinstance(starts_ms, Iterable) else starts_ms
    windows = EventWindows.of(dt_ms, starts, ticks=ticks, duration_ms=duration_ms, columns=columns, view=view)
    if repeats not in REPEATS:
        raise SpecError(f"repeats must be 'refuse', 'merge' or 'count', got {repeats!r}")
    lines = _Lines.of(columns, view)
    bins = windows.ticks * math.prod(lines.size)
    if bins * len(windows.starts) > SIZE_LIMIT_BYTES:
        raise LimitError(
            f"rasters of {windows.ticks} ticks and {math.prod(lines.size)} lines",
            bins * len(windows.starts),
            f"at most {SIZE_LIMIT_BYTES} bins",
            "take fewer or longer ticks, origin='first', a region, or downsample",
        )
    rasters = [_raster(lines, windows, window, repeats=repeats) for window in range(len(windows.starts))]
    return rasters if isinstance(starts_ms, Iterable) else rasters[0]


@dataclass(frozen=True, eq=False)
class _Lines:
    """The events that have a line, and their lines.

    Attributes
    ----------
    size : (int, int, int)
        Polarities, rows and columns.
    line : (kept,) int64
    kept : (kept,) int64
        Indices of those events.
    events, other_polarity, outside_region : int
        As in `EventRaster`.
    """

    size: tuple[int, int, int]
    line: Int64s
    kept: Int64s
    events: int
    other_polarity: int
    outside_region: int

    @classmethod
    def of(cls, columns: EventColumns, view: EventView) -> _Lines:
        """Return the lines of events.

        Raises
        ------
        SpecError
            If an event lies outside the sensor, or the size of the sensor is unknown.
        """
        x0, y0, x1, y1 = _checked_region(columns, view)
        polarity = _polarity_of(columns, view)
        y = np.zeros_like(columns.x) if columns.y is None else columns.y
        is_wanted = np.ones(columns.x.shape, dtype=np.bool_)
        if polarity in ("on", "off"):
            assert columns.on is not None, "checked where the polarity is chosen"
            is_wanted = columns.on if polarity == "on" else ~columns.on
        is_inside = (columns.x >= x0) & (columns.x < x1) & (y >= y0) & (y < y1)
        kept = np.flatnonzero(is_wanted & is_inside)
        rows, width = -((y0 - y1) // view.downsample), -((x0 - x1) // view.downsample)
        row, column = (y[kept] - y0) // view.downsample, (columns.x[kept] - x0) // view.downsample
        channel = columns.on[kept].astype(np.int64) if columns.on is not None and polarity == "both" else 0
        return cls(
            size=(2 if polarity == "both" else 1, rows, width),
            line=(channel * rows + row) * width + column,
            kept=kept,
            events=columns.x.size,
            other_polarity=int(np.count_nonzero(~is_wanted)),
            outside_region=int(np.count_nonzero(is_wanted & ~is_inside)),
        )


def _checked_region(columns: EventColumns, view: EventView) -> tuple[int, int, int, int]:
    """Return x0, y0, x1 and y1, by default of the whole sensor; refuse events outside the sensor."""
    size, region = view.width_and_height, view.region
    if region is not None and len(region) != (2 if columns.y is None else 4):
        wanted = "(x0, x1), because the events have no y" if columns.y is None else "(x0, y0, x1, y1)"
        raise SpecError(f"region must be {wanted}, got {region}")
    if size is not None:
        _check_inside(columns, view, size=size)
    if region is None:
        if size is None:
            raise SpecError(
                "sensor_size must be given, because silent pixels have no events; give (width, height), or a region"
            )
        return 0, 0, *size
    x0, y0, x1, y1 = region if len(region) == 4 else (region[0], 0, region[1], 1)
    if size is not None and (x1 > size[0] or y1 > size[1]):
        raise SpecError(f"region {region} must lie within the sensor of {size[0]} x {size[1]} (width x height)")
    return x0, y0, x1, y1


def _check_inside(columns: EventColumns, view: EventView, *, size: tuple[int, int]) -> None:
    if columns.y is None and size[1] != 1:
        raise SpecError(
            f"sensor_size must be the number of channels, because the events have no y, got {view.sensor_size}"
        )
    if columns.y is not None and isinstance(view.sensor_size, tuple) and len(view.sensor_size) == 1:
        raise SpecError(f"sensor_size must be (width, height), because the events have x and y, got {view.sensor_size}")
    for name, column, extent in (("x", columns.x, size[0]), ("y", columns.y, size[1])):
        if column is None:
            continue
        outside = (column < 0) | (column >= extent)
        if outside.any():
            event = int(outside.argmax())
            turned = columns.y is not None and int(columns.x.max()) < size[1] and int(columns.y.max()) < size[0]
            hint = "; sensor_size is (width, height): are the two swapped?" if turned else ""
            raise SpecError(f"event {event} has {name} {column[event]}; the sensor has 0 to {extent - 1}{hint}")


def _polarity_of(columns: EventColumns, view: EventView) -> str:
    if view.polarity is None:
        has_two = columns.on is not None and columns.y is not None and not view.has_one_polarity
        return "both" if has_two else "merged"
    if columns.on is None and view.polarity != "merged":
        raise SpecError(f"polarity is {view.polarity!r}, and the events have no field p; omit it")
    return view.polarity


def _raster(lines: _Lines, windows: EventWindows, window: int, *, repeats: str) -> EventRaster:
    """Return the raster of one window."""
    tick = windows.bins(window)[lines.kept]
    is_inside = (tick >= 0) & (tick < windows.ticks)
    shape = windows.ticks, math.prod(lines.size)
    bins = tick[is_inside] * shape[1] + lines.line[is_inside]
    raster = np.zeros(math.prod(shape), dtype=np.bool_)
    raster[bins] = True
    merged = bins.size - int(np.count_nonzero(raster))
    if merged and repeats == "refuse":
        raise _repeated(bins, shape, lines=lines, windows=windows)
    return EventRaster(
        raster=_frozen(raster.reshape(shape)),
        size=lines.size,
        dt_ms=windows.dt_ms,
        start_ms=windows.starts[window],
        counts=_frozen_counts(bins, shape) if repeats == "count" else None,
        events=lines.events,
        merged=merged,
        other_polarity=lines.other_polarity,
        outside_region=lines.outside_region,
        outside_window=int(np.count_nonzero(~is_inside)),
    )


def _frozen(raster: Bools) -> Bools:
    raster.flags.writeable = False
    return raster


def _frozen_counts(bins: Int64s, shape: tuple[int, int]) -> Int32s:
    places, numbers = np.unique(bins, return_counts=True)
    flat = np.zeros(math.prod(shape), dtype=np.int32)
    flat[places] = numbers
    counts = flat.reshape(shape)
    counts.flags.writeable = False
    return counts


def _repeated(bins: Int64s, shape: tuple[int, int], *, lines: _Lines, windows: EventWindows) -> SpecError:
    places, numbers = np.unique(bins, return_counts=True)
    first, shared = int(np.argmax(numbers > 1)), int(np.count_nonzero(numbers > 1))
    tick, line = divmod(int(places[first]), shape[1])
    polarity, row, column = (int(index) for index in np.unravel_index(line, lines.size))
    more = f" (and {counted(shared - 1, 'more bin')} like it)" if shared > 1 else ""
    return SpecError(
        f"line {line} (polarity {polarity}, row {row}, column {column}) has {numbers[first]} events in tick {tick} of"
        f" {windows.dt_ms:g} ms{more}; take a shorter tick, or repeats='merge' or 'count'"
    )
