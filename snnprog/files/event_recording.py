"""A recording of events from a file: the events and their metadata."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from snnprog.calls import call_checked
from snnprog.display.card import Displayed
from snnprog.errors import SpecError
from snnprog.files.event_view import EventView
from snnprog.wording import counted


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class EventRecording(Displayed):
    """Events of a file, with metadata.

    Attributes
    ----------
    events : (events,) structured array
        Fields ``x``, ``t``, and ``y`` and ``p`` if the file has them. Read-only.
    format : str
        The file format, such as "AEDAT 4.0".
    reader : str
        The decoder: "snnprog", or a package and its version.
    sensor_size : tuple of int, optional
        (width, height) in pixels; None if not in the file.
    time_unit : str
        "s", "ms", "us" or "ns"; the unit of ``t``.
    """

    events: NDArray[Any]
    format: str
    reader: str = "snnprog"
    sensor_size: tuple[int, int] | None = None
    time_unit: str = "us"

    def __post_init__(self) -> None:
        self.events.flags.writeable = False

    def _summary(self) -> str:
        size = "" if self.sensor_size is None else f", {self.sensor_size[0]} × {self.sensor_size[1]} pixels"
        return f"{counted(self.events.size, 'event')}, {self.format}{size}, times in {self.time_unit}"

    def completed(self, view: EventView) -> EventView:
        """Return a view with options that were not given taken from the file.

        Raises
        ------
        SpecError
            If a different unit of time was given.
        """
        if view.time_unit not in (None, self.time_unit):
            raise SpecError(f"time_unit must be {self.time_unit!r} for {self.format}, got {view.time_unit!r}; omit it")
        size = self.sensor_size if view.sensor_size is None else view.sensor_size
        return replace(view, time_unit=self.time_unit, sensor_size=size)
