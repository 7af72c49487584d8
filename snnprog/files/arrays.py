"""Rasters as arrays in an ``.npz``: ``(ticks, neurons)``, or ``(patterns, ticks, neurons)`` by default."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snnprog.archive import MEMBER_LIMIT, array_of, read_archive, write_archive
from snnprog.arrays import Raster
from snnprog.errors import FormatError, SpecError
from snnprog.files.bounds import PATTERN_LIMIT
from snnprog.files.reading import AXES, Reading, as_axes
from snnprog.raster import as_bools
from snnprog.wording import counted


def read_npz(path: Path, reading: Reading) -> list[Raster]:
    """Return the rasters, one per pattern, of one array.

    Raises
    ------
    FormatError
        If the file is missing or damaged, holds several arrays and no key selects one, or the array is not a raster, or
        has another size than given.
    """
    reading.check_takes(path, "key", "layout")
    array = _in_order(path, named_array(path, reading.key), layout=reading.layout)
    if array.ndim == 3 and len(array) > PATTERN_LIMIT:
        raise FormatError(f"{path} must have at most {PATTERN_LIMIT} patterns, got {len(array)}")
    if array.shape[-2] == 0:
        raise FormatError(f"{path} must have at least one tick")
    name = str(path) if reading.key is None else f"{path}:{reading.key}"
    try:
        raster = as_bools(array, name)
    except SpecError as error:
        raise FormatError(str(error)) from error
    _check_extent(name, array.shape, reading)
    return list(raster) if array.ndim == 3 else [raster]


def named_array(path: Path, key: str | None) -> NDArray[np.generic]:
    """Return an array of an ``.npz``, the only one if none is named.

    Raises
    ------
    FormatError
        If the file is missing or damaged, lacks the array, or holds several and none is named.
    """
    members = read_archive(path, only=f"{key}.npy")
    keys = sorted(name[:-4] for name in members if name.endswith(".npy"))
    if not keys:
        raise FormatError(f"{path} must hold an array, got {', '.join(sorted(members))}; is this another kind of file?")
    if key is None and len(keys) != 1:
        raise FormatError(f"{path} holds {len(keys)} arrays ({', '.join(keys)}); name one, as in {path.name}:NAME")
    return array_of(path, members, name=key or keys[0])


def _in_order(path: Path, array: NDArray[np.generic], *, layout: str | None) -> NDArray[np.generic]:
    """Return the array with its axes in the order of `AXES`."""
    if layout is None:
        if array.ndim not in (2, 3):
            times = "; a list of spike times is read from CSV with time_s,neuron" if array.ndim == 1 else ""
            raise FormatError(
                f"{path} must have shape (ticks, neurons) or (patterns, ticks, neurons), got {array.shape}{times}"
            )
        return array
    axes = as_axes(layout)
    if array.ndim != len(axes):
        raise FormatError(f"{path} has shape {array.shape}; the layout {layout!r} has {len(axes)} axes")
    return array.transpose([axes.index(axis) for axis in AXES if axis in axes])


def _check_extent(name: str, shape: tuple[int, ...], reading: Reading) -> None:
    patterns, (ticks, neurons) = shape[0] if len(shape) == 3 else 1, shape[-2:]
    announced = (reading.ticks, reading.neurons, reading.patterns)
    for label, there, wanted in zip(("tick", "neuron", "pattern"), (ticks, neurons, patterns), announced, strict=True):
        if wanted is not None and there != wanted:
            fits = reading.ticks in (None, neurons) and reading.neurons in (None, ticks)
            layout = "neurons,ticks" if len(shape) == 2 else "patterns,neurons,ticks"
            hint = f"; give layout = {layout!r} if neurons come first" if fits and reading.layout is None else ""
            of = reading.of_source if label == "neuron" else ""
            raise FormatError(f"{name} must have {counted(wanted, label)}{of}, got {there}{hint}")


def write_npz(path: Path, rasters: Sequence[NDArray[np.generic]], *, key: str) -> None:
    """Write rasters as one array if all have one shape, else as ``<key>_0``, ``<key>_1`` and so on.

    Raises
    ------
    FormatError
        If there are no rasters, or too many of unequal shapes for an archive.
    """
    equal = len({raster.shape for raster in rasters}) == 1
    if not rasters or (not equal and len(rasters) > MEMBER_LIMIT):
        raise FormatError(
            f"{path} would hold {len(rasters)} rasters of unequal shapes;"
            f" an .npz holds 1 to {MEMBER_LIMIT} of them; write a .csv"
        )
    stacked = {key: np.stack(list(rasters))} if equal else {}
    write_archive(path, stacked or {f"{key}_{index}": raster for index, raster in enumerate(rasters)}, texts={})
