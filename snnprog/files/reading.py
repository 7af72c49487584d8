"""What is said of a raster file beside its name: nothing of it is guessed, and nothing is said in vain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from snnprog.arrays import Raster
from snnprog.checks import as_integer
from snnprog.errors import FormatError, SpecError
from snnprog.files.bounds import PATTERN_LIMIT, check_bins
from snnprog.files.event_view import EventView
from snnprog.files.spike_times import Binning, SpikeTimes, as_starts, rasters_of_times
from snnprog.raster import check_bin_ms

AXES = ALWAYS = ("patterns", "ticks", "neurons")  # the axes of rasters; their sizes may be given for any format
ID_LIMIT = 1 << 62


@dataclass(frozen=True, eq=False)
class RecordedRasters:
    """Rasters as a file has them, and what it tells of when neurons were observed.

    Attributes
    ----------
    rasters : list of (ticks, neurons) bool
        One per pattern. Bins that were not observed are silent.
    observed : list of (ticks, neurons) bool, optional
        One per pattern: which bins were observed as a whole; None where a file does not tell.
    """

    rasters: list[Raster]
    observed: list[Raster] | None = None


@dataclass(frozen=True)
class Reading:
    """How a file is to be read.

    Attributes
    ----------
    ticks, neurons, patterns : int, optional
        The extent of the rasters.
    key : str, optional
        Which array of an ``.npz``, or population of a SONATA file.
    layout : str, optional
        The axes of an array in their order, as in "neurons,ticks".
    dt_ms : float, optional
        Milliseconds of a tick, where a file keeps times.
    starts_ms : sequence of float, optional
        Where each pattern begins, where a file keeps times.
    ids : sequence of int, optional
        Which nodes or units are read, in the order of the columns.
    merge : bool
        Whether spikes of one neuron in one tick become one, where a file lists spikes.
    view : EventView, optional
        Which events of a camera's or cochlea's recording become lines.
    """

    ticks: int | None = None
    neurons: int | None = None
    patterns: int | None = None
    key: str | None = None
    layout: str | None = None
    dt_ms: float | None = None
    starts_ms: Sequence[float] | None = None
    ids: Sequence[int] | None = None
    merge: bool = False
    view: EventView | None = None

    def __post_init__(self) -> None:
        for name in ALWAYS:
            if getattr(self, name) is not None:
                object.__setattr__(self, name, as_integer(name, getattr(self, name)))
        if self.layout is not None:
            as_axes(self.layout)
        if self.dt_ms is not None:
            object.__setattr__(self, "dt_ms", check_bin_ms("dt_ms", self.dt_ms))
        if self.starts_ms is not None:
            object.__setattr__(self, "starts_ms", as_starts(self.starts_ms))
        if self.ids is not None:
            object.__setattr__(self, "ids", _as_ids(self.ids))

    def check_takes(self, path: Path, *names: str) -> None:
        """Raise `FormatError` where something is said that a file of this format has no use for."""
        for field in fields(self):
            if field.name not in (*ALWAYS, *names) and getattr(self, field.name) != field.default:
                raise FormatError(f"{field.name} is given for {path}, which has no use for it; leave it out")

    def extent(self, path: Path) -> tuple[int, int]:
        """Return ticks and neurons, where silence leaves no event.

        Raises
        ------
        FormatError
            If either is not given.
        """
        if self.ticks is None or self.neurons is None:
            raise FormatError(f"{path} is a list of events, which has no size; give both ticks and neurons")
        return self.ticks, self.neurons

    def binning(self, path: Path) -> Binning:
        """Return how times become ticks.

        Raises
        ------
        FormatError
            If the ticks or their length are not given, or patterns are announced and not told apart.
        """
        binning = self.timed(path)
        windows = 1 if binning.starts_ms is None else len(binning.starts_ms)
        if self.patterns not in (None, windows):
            raise FormatError(
                f"{path} gives {windows} of {self.patterns} patterns; give starts_ms, where each of them begins"
            )
        check_bins(path, windows, ticks=binning.ticks, neurons=self.neurons or 0)
        return binning

    def timed(self, path: Path) -> Binning:
        """Return how times become ticks, whatever the number of patterns.

        Raises
        ------
        FormatError
            If the ticks or their length are not given.
        """
        if self.dt_ms is None:
            raise FormatError(f"{path} holds times, and a raster has ticks; give dt_ms, the milliseconds of one")
        if self.ticks is None:
            raise FormatError(f"{path} does not tell how long it lasts; give the number of ticks")
        starts = None if self.starts_ms is None else tuple(self.starts_ms)
        return Binning(self.dt_ms, self.ticks, starts, self.merge)

    def bin(self, path: Path, times: SpikeTimes) -> list[Raster]:
        """Return the rasters of spike times that were read.

        Raises
        ------
        FormatError
            If they are too large, or spikes are left over or share a bin.
        """
        binning = self.binning(path)
        check_bins(path, len(binning.starts_ms or (0,)), ticks=binning.ticks, neurons=times.neurons)
        try:
            return rasters_of_times(times, binning)
        except SpecError as error:
            raise FormatError(str(error)) from error


def as_axes(layout: str) -> tuple[str, ...]:
    """Return the axes that a layout names.

    Raises
    ------
    SpecError
        If it is not made of ticks and neurons, and perhaps patterns, in some order.
    """
    axes = tuple(axis.strip() for axis in layout.split(",")) if isinstance(layout, str) else ()
    if sorted(axes) not in (sorted(AXES), sorted(AXES[1:])):
        raise SpecError(f"layout is {layout!r}; the axes in their order are needed, as in 'patterns,ticks,neurons'")
    return axes


def _as_ids(values: Iterable[int]) -> tuple[int, ...]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise SpecError(f"ids is {values!r}; a list of whole numbers is needed")
    ids = tuple(as_integer("id", value) for value in values)
    if not 0 < len(set(ids)) == len(ids) <= PATTERN_LIMIT or min(ids) < 0 or max(ids) > ID_LIMIT:
        raise SpecError(f"ids are {ids[:20]}; give each once, at least one, and none below 0")
    return ids
