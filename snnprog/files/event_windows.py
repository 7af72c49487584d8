"""The exact boundaries of the ticks of a raster of events, in the unit of the events' time stamps.

The length of a tick and the beginning of a window are the given decimal numbers, so that .1 ms is 100
microseconds and no time stamp near an edge depends on rounding. Non-integer times are
binned like those of other recordings (`snnprog.raster.tick_of_time`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from snnprog.arrays import Int64s
from snnprog.checks import as_integer
from snnprog.errors import SpecError
from snnprog.files.event_columns import EventColumns
from snnprog.files.event_view import UNITS_PER_MS, EventView
from snnprog.files.spike_times import as_starts
from snnprog.raster import check_bin_ms, tick_of_time

INT64 = np.iinfo(np.int64)
MORE_TICKS = 1 << 31  # than any raster has: 2^30 bins are made at most


@dataclass(frozen=True, eq=False)
class EventWindows:
    """The boundaries of ticks, in the unit of the events' times.

    Attributes
    ----------
    columns : EventColumns
        The events.
    dt_ms : float
    ticks : int
    starts : tuple of float
        Milliseconds from the origin.
    per_ms : Fraction
        Units of time in a millisecond.
    origin : int or float
        The time stamp of time 0.
    """

    columns: EventColumns
    dt_ms: float
    ticks: int
    starts: tuple[float, ...]
    per_ms: Fraction
    origin: int | float

    @classmethod
    def of(
        cls,
        dt_ms: float,
        starts_ms: Iterable[float],
        *,
        ticks: int | None,
        duration_ms: float | None,
        columns: EventColumns,
        view: EventView,
    ) -> EventWindows:
        """Return the requested windows.

        Raises
        ------
        SpecError
            If an argument is malformed or missing.
        """
        starts = as_starts(list(starts_ms))
        per_ms = UNITS_PER_MS[view.time_unit or "us"]
        first = columns.time.min().item() if columns.time.size and view.origin == "first" else 0
        windows = cls(columns, check_bin_ms("dt_ms", dt_ms), 1, starts, per_ms, first)
        windows._check_resolution()
        if ticks is not None and duration_ms is not None:
            raise SpecError("only one of ticks and duration_ms may be given; omit one")
        if duration_ms is not None:
            ticks = _ticks_in(duration_ms, windows.dt_ms)
        return replace(windows, ticks=windows._last_tick() + 1 if ticks is None else _as_ticks(ticks))

    def bins(self, window: int) -> Int64s:
        """Return the tick of each event; negative before the window, ``ticks`` or more after it."""
        if self.columns.is_exact:
            return np.searchsorted(self._edges(window), self.columns.time, side="right").astype(np.int64) - 1
        return self._tick_of_time(self.starts[window], self.ticks)

    def _tick_of_time(self, start_ms: float, ticks: int) -> Int64s:
        unit_s = float(1 / (1000 * self.per_ms))
        seconds = np.asarray((self.columns.time - self.origin) * unit_s, dtype=np.float64)
        share = self.columns.share
        return tick_of_time(seconds, start_s=start_ms / 1000.0, bin_ms=self.dt_ms, ticks=ticks, share=share)

    def _edges(self, window: int) -> Int64s:
        """Return the first whole time stamp of each tick, and of the one after the last."""
        first, step = self._exact(window)
        if first.denominator == step.denominator == 1 and abs(first) + step * self.ticks < INT64.max:
            return int(first) + int(step) * np.arange(self.ticks + 1, dtype=np.int64)
        scale = math.lcm(first.denominator, step.denominator)
        start, stride = int(first * scale), int(step * scale)
        edges = (-(-(start + stride * tick) // scale) for tick in range(self.ticks + 1))
        return np.fromiter((min(max(edge, INT64.min), INT64.max) for edge in edges), np.int64, count=self.ticks + 1)

    def _exact(self, window: int) -> tuple[Fraction, Fraction]:
        """Return the beginning of a window and the length of a tick, in units of the time stamps."""
        start = Fraction(self.origin) + Fraction(repr(self.starts[window])) * self.per_ms
        return start, Fraction(repr(self.dt_ms)) * self.per_ms

    def _last_tick(self) -> int:
        if len(self.starts) != 1:
            raise SpecError("ticks must be given if starts_ms has several windows; or give duration_ms")
        if not self.columns.time.size:
            raise SpecError("ticks must be given, because a recording without events has no duration")
        if self.columns.is_exact:
            start, step = self._exact(0)
            return max(int((int(self.columns.time.max()) - start) // step), 0)
        return max(int(self._tick_of_time(self.starts[0], MORE_TICKS).max()), 0)

    def _check_resolution(self) -> None:
        """Raise `SpecError` if times are stored too coarsely to distinguish ticks."""
        farthest_ms = float(np.abs(self.columns.time).max(initial=0) / float(self.per_ms))
        if farthest_ms * self.columns.share > self.dt_ms / 2:
            raise SpecError(
                f"times up to {farthest_ms:g} ms are stored with errors up to {farthest_ms * self.columns.share:.2g}"
                " ms;"
                f" ticks of {self.dt_ms:g} ms are too short for them"
            )


def _ticks_in(duration_ms: float, dt_ms: float) -> int:
    ticks = Fraction(repr(check_bin_ms("duration_ms", duration_ms))) / Fraction(repr(dt_ms))
    if ticks.denominator != 1:
        raise SpecError(f"duration_ms must be a whole number of ticks of {dt_ms:g} ms, got {duration_ms!r}")
    return int(ticks)


def _as_ticks(value: object) -> int:
    ticks = as_integer("ticks", value)
    if ticks < 1:
        raise SpecError(f"ticks must be at least 1, got {ticks}")
    return ticks
