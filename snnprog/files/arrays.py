"""Rasters as arrays in an ``.npz``: ``(ticks, neurons)``, or ``(patterns, ticks, neurons)``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from snnprog.archive import MEMBER_LIMIT, array_of, read_archive, write_archive
from snnprog.errors import FormatError, SpecError
from snnprog.files.bounds import PATTERN_LIMIT
from snnprog.raster import Raster, as_bools


def read_npz(path: Path, key: str | None) -> list[Raster]:
    """Return the rasters, one per pattern, of one array.

    Raises
    ------
    FormatError
        If the file is missing or damaged, holds several arrays and no key tells which, or the array is no raster.
    """
    members = read_archive(path, only=f"{key}.npy")
    keys = sorted(name[:-4] for name in members if name.endswith(".npy"))
    if key is None and len(keys) != 1:
        raise FormatError(f"{path} holds {len(keys)} arrays ({', '.join(keys)}); say which, as in {path.name}:NAME")
    array = array_of(path, members, key or keys[0])
    if array.ndim not in (2, 3):
        raise FormatError(f"{path} has shape {array.shape}; (ticks, neurons) or (patterns, ticks, neurons) is needed")
    if array.ndim == 3 and len(array) > PATTERN_LIMIT:
        raise FormatError(f"{path} has {len(array)} patterns; at most {PATTERN_LIMIT} are read")
    if array.shape[-2] == 0:
        raise FormatError(f"{path} has no ticks; at least one is needed")
    try:
        return list(as_bools(array, str(path))) if array.ndim == 3 else [as_bools(array, str(path))]
    except SpecError as error:
        raise FormatError(str(error)) from error


def write_npz(path: Path, rasters: Sequence[Raster], key: str) -> None:
    """Write rasters as one array if all have one shape, else as ``<key>_0``, ``<key>_1`` and so on.

    Raises
    ------
    FormatError
        If there are none, or more of unequal shapes than an archive has members.
    """
    equal = len({raster.shape for raster in rasters}) == 1
    if not rasters or (not equal and len(rasters) > MEMBER_LIMIT):
        raise FormatError(
            f"{path} would hold {len(rasters)} rasters of unequal shapes;"
            f" an .npz holds 1 to {MEMBER_LIMIT} of them; write a .csv"
        )
    stacked = {key: np.stack(list(rasters))} if equal else {}
    write_archive(path, stacked or {f"{key}_{index}": raster for index, raster in enumerate(rasters)}, {})
