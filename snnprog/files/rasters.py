"""Reading and writing of raster files: the suffix selects the format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np

from snnprog.arrays import Raster
from snnprog.calls import call_checked
from snnprog.checks import as_flag, as_path
from snnprog.errors import FormatError
from snnprog.files.arrays import read_npz, write_npz
from snnprog.files.event_files import EVENT_SUFFIXES, SHARED_SUFFIXES, holds_events, read_event_rasters
from snnprog.files.event_view import EventView
from snnprog.files.events import holds_times, read_csv, write_csv
from snnprog.files.nwb import read_nwb
from snnprog.files.reading import Reading, RecordedRasters
from snnprog.files.sonata import read_sonata, write_sonata
from snnprog.names import as_names
from snnprog.raster import as_rasters

READERS: Mapping[str, Callable[[Path, Reading], list[Raster]]] = MappingProxyType(
    {".npz": read_npz, ".csv": read_csv, ".h5": read_sonata}
)
READ = (*READERS, ".nwb", *EVENT_SUFFIXES)
TIMED = ("dt_ms", "starts_ms", "merge")
OPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        ".npz": ("layout",),
        ".csv": ("merge",),
        ".h5": (*TIMED, "ids"),
        ".nwb": (*TIMED, "ids"),
        **dict.fromkeys(EVENT_SUFFIXES, (*TIMED, "view")),
    }
)
WRITTEN = (".npz", ".csv", ".h5")
FROM_ARRAY = "a boolean array (ticks, neurons), and sp.write_rasters('x.npz', [raster]) writes it"
OTHER_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        ".mat": f"scipy.io.loadmat reads MATLAB's files (h5py those of version 7.3): make {FROM_ARRAY}",
        ".pkl": f"load it where you trust it, and make {FROM_ARRAY}",
        ".txt": f"save the spikes as .csv with the columns tick and neuron, or make {FROM_ARRAY}",
        ".xlsx": "save the spikes as .csv with the columns tick and neuron",
        ".nix": "sp.from_neo takes the spike trains that Neo reads from it",
        ".nex": "sp.from_neo takes the spike trains that Neo reads from it",
        ".plx": "sp.from_neo takes the spike trains that Neo reads from it",
    }
)
"""What to do with a file that is not read: its suffix -> advice."""
KEYED = (".npz", ".h5", ".hdf5", ".aedat4")


@call_checked
def read_rasters(
    path: str | Path,
    *,
    ticks: int | None = None,
    neurons: int | None = None,
    patterns: int | None = None,
    key: str | None = None,
    layout: str | None = None,
    dt_ms: float | None = None,
    starts_ms: Sequence[float] | None = None,
    ids: Sequence[int] | None = None,
    merge: bool = False,
    view: EventView | None = None,
    names: Sequence[str] | None = None,
) -> list[Raster]:
    """Read the rasters, one per pattern, of a file.

    Bins that were not observed are silent; `read_observed` returns them.

    Parameters
    ----------
    path : path
        The file; its suffix selects the format: ``.npz`` arrays, ``.csv`` events, ``.h5`` SONATA spikes, ``.nwb``
        units, and recordings of events: ``.aedat4``, ``.raw``, ``.dat``, ``.bin``, ``.npy``, ``.hdf5``, and ``.npz``
        and ``.h5`` if a view is given.
    ticks, neurons : int, optional
        The size of each raster: required for files that only list spikes, otherwise checked.
    patterns : int, optional
        Number of patterns; without it, a ``.csv`` has patterns up to its highest pattern number, so that
        silent ones at the end are missing.
    key : str, optional
        Which array of an ``.npz`` with several, population of a SONATA file, stream of an ``.aedat4`` with several,
        or samples of SHD or SSC, as in "3" or "0-9".
    layout : str, optional
        The axes of an array in order, such as "neurons,ticks" or "ticks,patterns,neurons". By default an ``.npz``
        has "ticks,neurons" or "patterns,ticks,neurons".
    dt_ms : float, optional
        Milliseconds of a tick; required for files with times: ``.h5``, ``.nwb``, recordings of events, and ``.csv``
        with a column of times.
    starts_ms : sequence of float, optional
        Beginning of each pattern, for files with times; by default one pattern that begins at time 0 and contains all
        spikes.
    ids : sequence of int, optional
        The SONATA nodes or NWB units to read, in the order of the columns.
    merge : bool
        Whether several spikes of one neuron in one tick become one instead of being refused; an ``.npz`` has none.
    view : EventView, optional
        Which events of a recording become lines: sensor size, polarity, region, downsampling and time base.
    names : sequence of str, optional
        The names of the neurons, by which a ``.csv`` may list them in place of their numbers.

    Raises
    ------
    FormatError
        If the file is missing, damaged, of another format, its values are not a raster, or options are missing or do
        not apply.
    SpecError
        If an option is malformed, or a package is missing.
    """
    known, merge = as_names("names", names, neurons, may_be_joined=True), as_flag("merge", merge)
    reading = Reading(ticks, neurons, patterns, key, layout, dt_ms, starts_ms, ids, merge, view, known)
    return read_recording(as_path("path", path), reading).rasters


@call_checked
def read_observed(
    path: str | Path,
    *,
    ticks: int,
    dt_ms: float,
    starts_ms: Sequence[float] | None = None,
    ids: Sequence[int] | None = None,
) -> list[Raster]:
    """Return which bins of the rasters of an ``.nwb`` file were observed, for ``care`` of `snnprog.Pattern`.

    They come from the file's ``obs_intervals``. A bin counts if it lies completely within them; all bins of a unit or
    a file without intervals count. In the rasters, bins that were not observed are silent.

    Parameters
    ----------
    path, ticks, dt_ms, starts_ms, ids
        As for `read_rasters`.

    Returns
    -------
    list of (ticks, neurons) bool
        One per pattern.

    Raises
    ------
    FormatError
        If the file is not an ``.nwb`` file, or `read_rasters` refuses it.
    SpecError
        If an option is malformed, or a package is missing.
    """
    path = as_path("path", path)
    if path.suffix != ".nwb":
        raise FormatError(
            f"{path} must end in .nwb, got {path.suffix!r}; other formats have no intervals of observation"
        )
    recording = read_recording(path, Reading(ticks=ticks, dt_ms=dt_ms, starts_ms=starts_ms, ids=ids, merge=True))
    return recording.observed or [np.ones_like(raster) for raster in recording.rasters]


def read_recording(path: Path, reading: Reading) -> RecordedRasters:
    """Return the content of a file; see `read_rasters`."""
    if path.suffix not in READ:
        advice = OTHER_FORMATS.get(path.suffix, f"rasters are read from {_listed(READ)}")
        raise FormatError(f"{path} ends in {path.suffix!r}; {advice}")
    if path.suffix == ".nwb":
        return read_nwb(path, reading)
    if path.suffix in EVENT_SUFFIXES or (path.suffix in SHARED_SUFFIXES and reading.view is not None):
        return RecordedRasters(read_event_rasters(path, reading))
    return RecordedRasters(READERS[path.suffix](path, reading))


@call_checked
def write_rasters(
    path: str | Path,
    rasters: Sequence[Raster],
    *,
    key: str = "spikes",
    dt_ms: float | None = None,
    names: Sequence[str] | None = None,
) -> None:
    """Write rasters to a file; its suffix decides the format.

    Parameters
    ----------
    rasters : sequence of (ticks, neurons) bool
    path : path
        ``.csv`` (columns pattern, tick, neuron, and name if names are given), ``.npz`` (one array if all have one
        shape), or ``.h5`` (SONATA, one pattern).
    key : str
        The name of the array, or of the population.
    dt_ms : float, optional
        Milliseconds of a tick; required for ``.h5``, which stores times.
    names : sequence of str, optional
        The names of the neurons; only a ``.csv`` shows them.

    Raises
    ------
    FormatError
        If the suffix is unknown, the file cannot be written, or it cannot hold these rasters.
    """
    path = as_path("path", path)
    if path.suffix not in WRITTEN:
        raise FormatError(f"{path} ends in {path.suffix!r}; rasters are written to {_listed(WRITTEN)}")
    rasters = as_rasters(rasters, "rasters")
    if path.suffix == ".h5":
        write_sonata(path, rasters, population=key, dt_ms=dt_ms)
        return
    if dt_ms is not None:
        raise FormatError(f"dt_ms does not apply to {path}, which stores ticks; omit it")
    if path.suffix == ".csv":
        neurons = rasters[0].shape[1] if len(rasters) else None
        write_csv(path, rasters, as_names("names", names, neurons, may_be_joined=True))
    else:
        write_npz(path, rasters, key=key)


def options_of(path: Path, key: str | None = None, *, has_view: bool = False) -> tuple[str, ...]:
    """Return the options of `read_rasters`, except sizes and key, that apply to a file.

    Parameters
    ----------
    key : str, optional
        The array of an ``.npz`` with several.
    has_view : bool
        Whether a view of events was given, for this file or another one: then an ``.npz`` or ``.h5`` is inspected.

    Raises
    ------
    FormatError
        If it must be inspected, and cannot be read.
    """
    if has_view and path.suffix in SHARED_SUFFIXES and holds_events(path, key):
        return *TIMED, "view"
    return TIMED if path.suffix == ".csv" and holds_times(path) else OPTIONS.get(path.suffix, ())


def split_key(name: str) -> tuple[str, str | None]:
    """Return the file and the key of ``FILE.npz:ARRAY`` or ``FILE.h5:POPULATION``; None if there is none."""
    for suffix in KEYED:
        file, found, key = name.partition(f"{suffix}:")
        if found:
            return f"{file}{suffix}", key or None
    return name, None


def _listed(suffixes: Sequence[str]) -> str:
    *others, last = suffixes
    return f"{', '.join(others)} and {last}"
