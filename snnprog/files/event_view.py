"""Selection of the events of a recording for a raster: sensor size, polarity, region, downsampling, time base.

Lines are numbered polarity by polarity, row by row, column by column, as NumPy flattens an array (polarities, rows,
columns): line ``(polarity * rows + row) * columns + column``. Polarity 0 is "off", 1 is "on". Convolutions number the
places of their source in the same way (`snnprog.convolution`), with polarities as channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from types import MappingProxyType

from snnprog.calls import call_checked
from snnprog.checks import as_integer
from snnprog.errors import SpecError

POLARITIES = ("both", "merged", "on", "off")
ORIGINS = ("zero", "first")
UNITS_PER_MS: Mapping[str, Fraction] = MappingProxyType(
    {"s": Fraction(1, 1000), "ms": Fraction(1), "us": Fraction(1000), "ns": Fraction(1_000_000)}
)
LARGEST_SIDE = 1 << 16  # a choice: 32 times the widest sensor that EVT 2.0 and 3.0 can number, 2048


@call_checked
@dataclass(frozen=True)
class EventView:
    """The events of a recording that become lines of a raster, and the numbering of lines.

    Attributes
    ----------
    sensor_size : int or tuple of int, optional
        (width, height) of the sensor in pixels, or (width, height, polarities) as Tonic's datasets have it; the number
        of channels of a cochlea. Required unless it is in the file, or a region is given.
    polarity : str, optional
        "both": a channel for off and one for on; "merged": one channel for events of either polarity; "on" or "off":
        one channel for events of that polarity. By default "both" if events have a row and a polarity and
        ``sensor_size`` does not have one polarity, otherwise "merged".
    region : tuple of int, optional
        (x0, y0, x1, y1): the events with x0 <= x < x1 and y0 <= y < y1, before downsampling; (x0, x1) if events have
        no row.
    downsample : int
        Number of pixels of a row, and number of rows, that are combined into one; a remainder at the end, too.
    time_unit : str, optional
        "s", "ms", "us" or "ns": the unit of the times. By default that of the file, or microseconds.
    origin : str
        The position of time 0: at the time stamp 0 ("zero"), or at the first event of the recording ("first").

    Raises
    ------
    SpecError
        If an argument is invalid.
    """

    sensor_size: int | tuple[int, ...] | None = None
    polarity: str | None = None
    region: tuple[int, ...] | None = None
    downsample: int = 1
    time_unit: str | None = None
    origin: str = "zero"

    def __post_init__(self) -> None:
        if self.sensor_size is not None:
            object.__setattr__(self, "sensor_size", _as_size(self.sensor_size))
        if self.region is not None:
            object.__setattr__(self, "region", _as_region(self.region))
        object.__setattr__(self, "downsample", as_integer("downsample", self.downsample))
        if not 1 <= self.downsample <= LARGEST_SIDE:
            raise SpecError(f"downsample must be from 1 to {LARGEST_SIDE}, got {self.downsample}")
        for name, allowed in (("polarity", POLARITIES), ("time_unit", tuple(UNITS_PER_MS)), ("origin", ORIGINS)):
            value = getattr(self, name)
            if value not in allowed and (value is not None or name == "origin"):
                raise SpecError(
                    f"{name} must be {', '.join(map(repr, allowed[:-1]))} or {allowed[-1]!r}, got {value!r}"
                )

    @property
    def width_and_height(self) -> tuple[int, int] | None:
        """Size of the sensor, one row high if only a width is given; None if unknown."""
        if not isinstance(self.sensor_size, tuple):
            return None
        return self.sensor_size[0], self.sensor_size[1] if len(self.sensor_size) > 1 else 1

    @property
    def given(self) -> tuple[str, ...]:
        """The names of the options that differ from their defaults."""
        return tuple(each.name for each in fields(self) if getattr(self, each.name) != each.default)

    @property
    def has_one_polarity(self) -> bool:
        """Whether ``sensor_size`` has one polarity."""
        return isinstance(self.sensor_size, tuple) and self.sensor_size[2:] == (1,)


def _as_size(value: object) -> tuple[int, ...]:
    size = _as_integers("sensor_size", value if isinstance(value, Iterable) else (value,))
    if not 1 <= len(size) <= 3 or not all(1 <= side <= LARGEST_SIDE for side in size):
        raise SpecError(
            f"sensor_size must be (width, height) or (width, height, polarities), each from 1 to {LARGEST_SIDE},"
            f" got {value!r}"
        )
    if size[2:] and size[2] > 2:
        raise SpecError(f"sensor_size must be (width, height, polarities) with 1 or 2 polarities, got {size[2]}")
    return size


def _as_region(value: object) -> tuple[int, ...]:
    region = _as_integers("region", value)
    half = len(region) // 2
    is_whole = len(region) in (2, 4) and all(
        0 <= low < high <= LARGEST_SIDE for low, high in zip(region[:half], region[half:], strict=True)
    )
    if not is_whole:
        raise SpecError(
            f"region must be (x0, y0, x1, y1) with 0 <= x0 < x1 and 0 <= y0 < y1 (or (x0, x1) for events without rows),"
            f" got {value!r}"
        )
    return region


def _as_integers(name: str, value: object) -> tuple[int, ...]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise SpecError(f"{name} must be a tuple of integers, got {value!r}")
    return tuple(as_integer(name, item) for item in value)
