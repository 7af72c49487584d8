"""A recording of events as a file keeps it: the events, and what the file tells about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from snnprog.display.card import Displayed
from snnprog.errors import SpecError
from snnprog.files.event_view import EventView
from snnprog.wording import counted


@dataclass(frozen=True, eq=False, repr=False)
class EventRecording(Displayed):
    """Events as a file keeps them, and what it tells about them.

    Attributes
    ----------
    events : (events,) structured array
        Fields ``x``, ``t``, and ``y`` and ``p`` where the file has such. Read-only.
    format : str
        What kind of file it was, as in "AEDAT 4.0".
    reader : str
        What decoded it: "snnprog", or a package and its version.
    sensor_size : tuple of int, optional
        (width, height) in pixels; None where the file does not tell.
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
        """Return a view with what the file tells in the place of what was not said.

        Raises
        ------
        SpecError
            If the unit of time was said, and is another one.
        """
        if view.time_unit not in (None, self.time_unit):
            raise SpecError(f"time_unit is {view.time_unit!r}, and {self.format} has {self.time_unit!r}; leave it out")
        size = self.sensor_size if view.sensor_size is None else view.sensor_size
        return replace(view, time_unit=self.time_unit, sensor_size=size)
