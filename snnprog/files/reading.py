"""Options of raster files: none is guessed, and options that do not apply are refused."""

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
from snnprog.names import Names
from snnprog.raster import check_bin_ms
from snnprog.wording import in_words

AXES = ("patterns", "ticks", "neurons")
ALWAYS = (*AXES, "names", "source")  # sizes of the axes of rasters, and names of neurons, apply to any format
LINES = "the input lines of the program"
"""A source of the number of neurons."""
ID_LIMIT = 1 << 62


@dataclass(frozen=True, eq=False)
class RecordedRasters:
    """Rasters of a file, and when neurons were observed.

    Attributes
    ----------
    rasters : list of (ticks, neurons) bool
        One per pattern. Bins that were not observed are silent.
    observed : list of (ticks, neurons) bool, optional
        One per pattern: which bins were completely observed; None if this is not in the file.
    """

    rasters: list[Raster]
    observed: list[Raster] | None = None


@dataclass(frozen=True)
class Reading:
    """Options for reading a file.

    Attributes
    ----------
    ticks, neurons, patterns : int, optional
        The size of the rasters.
    key : str, optional
        Which array of an ``.npz``, or population of a SONATA file.
    layout : str, optional
        The axes of an array in their order, as in "neurons,ticks".
    dt_ms : float, optional
        Milliseconds of a tick, for files with times.
    starts_ms : sequence of float, optional
        Beginning of each pattern, for files with times.
    ids : sequence of int, optional
        The nodes or units to read, in the order of the columns.
    merge : bool
        Whether spikes of one neuron in one tick become one, for files that list spikes.
    view : EventView, optional
        Which events of a camera's or cochlea's recording become lines.
    names : tuple of str, optional
        The names of the neurons, by which a ``.csv`` may list them.
    source : str
        What says how many neurons there are, for messages: such as "the input lines of the program".
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
    names: Names | None = None
    source: str = ""

    def __post_init__(self) -> None:
        for name in AXES:
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
        """Raise `FormatError` if an option does not apply to this format."""
        for field in fields(self):
            if field.name not in (*ALWAYS, *names) and getattr(self, field.name) != field.default:
                of_view = () if self.view is None or field.name != "view" else self.view.given
                given = of_view or (field.name,)
                do, them = ("does", "it") if len(given) == 1 else ("do", "them")
                raise FormatError(f"{in_words(given)} {do} not apply to {path}; omit {them}")

    @property
    def of_source(self) -> str:
        """What says how many neurons there are, in brackets, as the end of a number; nothing if it is unknown."""
        return f" ({self.source})" if self.source else ""

    def extent(self, path: Path, last_event: str = "") -> tuple[int, int]:
        """Return ticks and neurons of a list of events.

        Parameters
        ----------
        path : Path
        last_event : str
            Where the last event is, such as "tick 41": a hint for someone who has not given the ticks.

        Raises
        ------
        FormatError
            If either is not given.
        """
        if self.ticks is None or self.neurons is None:
            lacks = {
                ("how long it lasts", "ticks (--ticks on the command line)"): self.ticks,
                ("how many neurons it has", self.source or "neurons"): self.neurons,
            }
            unknown, names = zip(*(words for words, given in lacks.items() if given is None), strict=True)
            hint = f"; its last event is at {last_event}" if last_event and self.ticks is None else ""
            raise FormatError(f"{path} does not say {' and '.join(unknown)}; give {' and '.join(names)}{hint}")
        return self.ticks, self.neurons

    def binning(self, path: Path) -> Binning:
        """Return the binning of times.

        Raises
        ------
        FormatError
            If the ticks or their length are not given, or several patterns without their beginnings.
        """
        binning = self.timed(path)
        windows = 1 if binning.starts_ms is None else len(binning.starts_ms)
        if self.patterns not in (None, windows):
            raise FormatError(
                f"{path} gives {windows} of {self.patterns} patterns; give starts_ms, the beginning of each"
            )
        check_bins(path, windows, ticks=binning.ticks, neurons=self.neurons or 0)
        return binning

    def timed(self, path: Path) -> Binning:
        """Return the binning of times, for any number of patterns.

        Raises
        ------
        FormatError
            If the ticks or their length are not given.
        """
        if self.dt_ms is None:
            raise FormatError(f"{path} holds times; give dt_ms, the milliseconds of a tick (--dt-ms)")
        if self.ticks is None:
            raise FormatError(f"{path} has no duration; give the number of ticks (--ticks)")
        starts = None if self.starts_ms is None else tuple(self.starts_ms)
        return Binning(self.dt_ms, self.ticks, starts, self.merge)

    def bin(self, path: Path, times: SpikeTimes) -> list[Raster]:
        """Return the rasters of spike times that were read.

        Raises
        ------
        FormatError
            If they are too large, or spikes lie outside the rasters or share a bin.
        """
        binning = self.binning(path)
        check_bins(path, len(binning.starts_ms or (0,)), ticks=binning.ticks, neurons=times.neurons)
        try:
            return rasters_of_times(times, binning)
        except SpecError as error:
            raise FormatError(str(error)) from error


def as_axes(layout: str) -> tuple[str, ...]:
    """Return the axes of a layout.

    Raises
    ------
    SpecError
        If it does not consist of ticks, neurons and optionally patterns.
    """
    axes = tuple(axis.strip() for axis in layout.split(",")) if isinstance(layout, str) else ()
    if sorted(axes) not in (sorted(AXES), sorted(AXES[1:])):
        raise SpecError(f"layout must name the axes in order, as in 'patterns,ticks,neurons', got {layout!r}")
    return axes


def _as_ids(values: Iterable[int]) -> tuple[int, ...]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise SpecError(f"ids must be a list of integers, got {values!r}")
    ids = tuple(as_integer("id", value) for value in values)
    if not 0 < len(set(ids)) == len(ids) <= PATTERN_LIMIT or min(ids) < 0 or max(ids) > ID_LIMIT:
        raise SpecError(f"ids must be 1 to {PATTERN_LIMIT} distinct integers from 0 to {ID_LIMIT}, got {ids[:20]}")
    return ids
