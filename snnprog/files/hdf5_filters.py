"""Compression filters of HDF5 files: whether they are available, and applied only once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from snnprog.files.hdf5_copy import RefusalError

# Registered filters: github.com/HDFGroup/hdf5_plugins, "RegisteredFilterPlugins".
NAMES: Mapping[int, str] = MappingProxyType(
    {
        1: "gzip",
        4: "szip",
        307: "bzip2",
        32000: "LZF",
        32001: "Blosc",
        32004: "LZ4",
        32008: "bitshuffle",
        32013: "ZFP",
        32015: "Zstandard",
        32017: "SZ",
        32026: "Blosc2",
    }
)
SAME_SIZE = (2, 3)  # shuffle and Fletcher-32 keep the number of bytes, or remove 4


def check_filters(dataset: Any, name: str) -> None:
    """Raise `RefusalError` if a filter is missing, or data are compressed twice.

    With two levels of compression, 8 kB unpack to 8 GB of zeros before anything can be checked.
    """
    properties = dataset.id.get_create_plist()
    numbers = [properties.get_filter(index)[0] for index in range(properties.get_nfilters())]
    packed = [number for number in numbers if number not in SAME_SIZE]
    for number in packed:
        if not _is_available(number):
            what = NAMES.get(number, "a filter")
            raise RefusalError(
                f"/{name} is compressed with {what} (HDF5 filter {number}), which h5py does not support; install it"
                " with:"
                " pip install hdf5plugin, or write the file with gzip"
            )
    if len(packed) > 1 and math.prod(dataset.shape):
        names = ", ".join(NAMES.get(number, f"HDF5 filter {number}") for number in packed)
        raise RefusalError(f"/{name} is compressed {len(packed)} times ({names}); write the file with gzip once")


def _is_available(number: int) -> bool:
    from h5py import h5z

    if h5z.filter_avail(number):
        return True
    with suppress(ImportError):
        import hdf5plugin  # noqa: F401  (importing it registers its filters)
    return bool(h5z.filter_avail(number))
