"""Rasters to files and back: the suffix decides the format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from snnprog.errors import FormatError, counted
from snnprog.files.arrays import read_npz, write_npz
from snnprog.files.events import read_csv, write_csv
from snnprog.raster import Raster


def read_rasters(
    path: str | Path,
    *,
    ticks: int | None = None,
    neurons: int | None = None,
    key: str | None = None,
    patterns: int | None = None,
) -> list[Raster]:
    """Read the rasters, one per pattern, of an ``.npz`` array or a ``.csv`` of events.

    Parameters
    ----------
    path : path
        The file; its suffix decides the format.
    ticks, neurons : int, optional
        The extent of each raster; needed for ``.csv``, checked for ``.npz``.
    key : str, optional
        Which array of an ``.npz`` with several.
    patterns : int, optional
        How many patterns there are; without it, a ``.csv`` has as many as its highest pattern number tells, so that
        silent ones at the end are not seen.

    Raises
    ------
    FormatError
        If the file is missing, damaged, of another format, or its values are no raster.
    """
    path = Path(path)
    if path.suffix == ".npz":
        rasters = _check_extents(path, read_npz(path, key), ticks, neurons)
        if patterns is not None and len(rasters) != patterns:
            raise FormatError(f"{path} has {counted(len(rasters), 'pattern')}; {patterns} were announced")
        return rasters
    if path.suffix == ".csv":
        if ticks is None or neurons is None:
            raise FormatError(f"{path} is a list of events, which has no size; give both ticks and neurons")
        return read_csv(path, ticks, neurons, patterns)
    raise FormatError(f"{path} ends in {path.suffix!r}; rasters are read from .npz and .csv")


def write_rasters(path: str | Path, rasters: Sequence[Raster], *, key: str = "spikes") -> None:
    """Write rasters to ``.csv`` (columns pattern, tick, neuron) or ``.npz`` (one array if all have one shape).

    Raises
    ------
    FormatError
        If the suffix is unknown, the file cannot be written, or an ``.npz`` cannot hold these rasters.
    """
    path = Path(path)
    if path.suffix == ".csv":
        write_csv(path, rasters)
    elif path.suffix == ".npz":
        write_npz(path, rasters, key)
    else:
        raise FormatError(f"{path} ends in {path.suffix!r}; rasters are written to .npz and .csv")


def _check_extents(path: Path, rasters: list[Raster], ticks: int | None, neurons: int | None) -> list[Raster]:
    for raster in rasters:
        for label, found, wanted in zip(("tick", "neuron"), raster.shape, (ticks, neurons), strict=True):
            if wanted is not None and found != wanted:
                raise FormatError(f"{path} has {counted(found, label)}; {wanted} were announced")
    return rasters
