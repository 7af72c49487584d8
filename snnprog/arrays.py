"""The array types that the whole package uses.

A plural name is an array of any shape; the docstring that uses it gives the shape and the unit.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Bools: TypeAlias = NDArray[np.bool_]
Bytes: TypeAlias = NDArray[np.uint8]
UInt16s: TypeAlias = NDArray[np.uint16]
Int32s: TypeAlias = NDArray[np.int32]
Int64s: TypeAlias = NDArray[np.int64]
UInt32s: TypeAlias = NDArray[np.uint32]
UInt64s: TypeAlias = NDArray[np.uint64]
Integers: TypeAlias = NDArray[np.signedinteger]
"""Integers of any width."""

Floats: TypeAlias = NDArray[np.float64]
Raster: TypeAlias = NDArray[np.bool_]
"""Spikes, ``(ticks, neurons)``, time first."""


def dtype_name(code: np.dtype[np.generic] | str) -> str:
    """Return the name of a type of NumPy for messages: "float64", not "<f8"; "big-endian int32"."""
    dtype = np.dtype(code)
    return f"{'big-endian ' if dtype.str.startswith('>') else ''}{dtype.name}"
