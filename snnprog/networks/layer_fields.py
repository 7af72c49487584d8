"""Fields of one layer of a lava-dl ``.net`` file, each checked when it is read."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Floats
from snnprog.convolution import LARGEST_SIDE, Pair
from snnprog.errors import FormatError
from snnprog.files.hdf5 import Hdf5

INPUT, CONV, POOL, FLATTEN, DENSE, RECURRENT = "input", "conv", "pool", "flatten", "dense", "dense_rec"
KINDS = (INPUT, CONV, POOL, FLATTEN, DENSE, RECURRENT)

Shape = tuple[int, int, int]

LARGEST = 2.0**31
NEURON_LIMIT = 1 << 22
"""Limits far above the size of trained networks: choices, not measurements. A hostile file may exceed them."""


class LayerFields:
    """Reads the fields of one layer."""

    def __init__(self, file: Hdf5, number: int) -> None:
        self.file, self.number = file, number
        self.name = f"layer{number}"
        self.where = f"layer {number} of {file.path}"
        file.group(f"layer/{number}")
        self.kind = self.text("type")
        if self.kind not in KINDS:
            raise FormatError(f"{self.where} is of type {self.kind!r}; read are {', '.join(KINDS)}")
        if self.kind == INPUT and number:
            raise FormatError(f"{self.where} is of type 'input'; only layer 0 may be")

    @property
    def has_neurons(self) -> bool:
        """Whether there is a group "neuron"."""
        return f"layer/{self.number}/neuron" in self.file.members

    # ---------------------------------------------------------------- fields

    def has(self, field: str) -> bool:
        """Return whether there is a field, of any type."""
        place = f"layer/{self.number}/{field}"
        return place in self.file.arrays or place in self.file.others

    def text(self, field: str) -> str:
        """Return a text."""
        place = f"layer/{self.number}/{field}"
        array = self.file.arrays.get(place)
        if array is None:
            raise self.file.lacks(place)
        if array.dtype.kind != "U" or array.size != 1:
            raise FormatError(f"{field} of {self.where} must be one text, got {array.dtype} of shape {array.shape}")
        return str(array.item())

    def floats(self, field: str) -> Floats:
        """Return finite numbers of moderate size."""
        place = f"layer/{self.number}/{field}"
        array = self.file.arrays.get(place)
        if array is None:
            raise self.file.lacks(place)
        if array.dtype.kind not in "biuf" or not array.size:
            raise FormatError(f"{field} of {self.where} must be numbers, got {array.dtype} of shape {array.shape}")
        values = array.astype(np.float64)
        if not (np.abs(values) <= LARGEST).all():
            odd = values[~(np.abs(values) <= LARGEST)][0]
            raise FormatError(f"{field} of {self.where} must be finite, and at most {LARGEST:g}, got {odd}")
        return values

    def of_channels(self, field: str, shape: Shape, usual: float) -> Floats:
        """Return one number, or one of each channel."""
        values = self.floats(field).ravel() if self.has(field) else np.array([usual])
        if values.size not in (1, shape[0]):
            raise FormatError(f"{field} of {self.where} must have 1 or {shape[0]} numbers, got {values.size}")
        return values

    def whole(self, field: str, *, least: int, most: int = LARGEST_SIDE) -> NDArray[np.int64]:
        """Return integers, flattened."""
        values = self.floats(field)
        if (values != np.floor(values)).any() or values.min() < least or values.max() > most:
            shown = values.ravel()[:4].tolist()
            raise FormatError(f"{field} of {self.where} must be integers from {least} to {most}, got {shown}")
        return values.astype(np.int64).ravel()

    def pair(self, field: str, least: int, usual: int) -> Pair:
        """Return one or two integers as (rows, columns)."""
        values = self.whole(field, least=least) if self.has(field) else np.array([usual])
        if values.size > 2:
            raise FormatError(f"{field} of {self.where} must be one or two numbers, got {values.size}")
        return int(values[0]), int(values[-1])

    def shape(self) -> Shape:
        """Return the shape of the layer in the file."""
        return image_shape(f"shape of {self.where}", tuple(self.whole("shape", least=1, most=NEURON_LIMIT).tolist()))

    def groups(self) -> int:
        """Return the number of groups of a convolution."""
        return self.pair("groups", 1, 1)[0]

    def _refuse_complex(self) -> None:
        if f"layer/{self.number}/weight" in self.file.members:
            raise FormatError(f"{self.where} has complex weights; only real ones are supported")

    def matrix(self, field: str) -> Floats:
        """Return dense weights (to, from); those of one neuron may be written as a row."""
        self._refuse_complex()
        values = self.floats(field)
        values = values.reshape(self._outputs(values.size), -1) if values.ndim == 1 else values
        if values.ndim != 2:
            raise FormatError(f"{field} of {self.where} must have two axes, (to, from), got shape {values.shape}")
        return values

    def _outputs(self, size: int) -> int:
        count = int(np.prod(self.shape()))
        if size % count:
            raise FormatError(f"weight of {self.where} has {size} numbers for {count} neurons")
        return count

    def kernel(self) -> Floats:
        """Return weights (to, from, rows, columns)."""
        self._refuse_complex()
        values = self.floats("weight")
        if values.ndim == 5 and values.shape[4] == 1:
            values = values[..., 0]
        if values.ndim != 4:
            raise FormatError(
                f"weight of {self.where} must have the axes (to, from, rows, columns), got shape {values.shape}"
            )
        return values


def image_shape(what: str, shape: tuple[int, ...]) -> Shape:
    """Return a shape of one or three axes as (channels, rows, columns)."""
    is_whole = all(isinstance(side, (int, np.integer)) and not isinstance(side, bool) for side in shape)
    if len(shape) not in (1, 3) or not is_whole or min(shape) < 1 or math.prod(map(int, shape)) > NEURON_LIMIT:
        raise FormatError(f"{what} must be (channels,) or (channels, rows, columns), up to {NEURON_LIMIT}, got {shape}")
    channels, rows, columns = (*shape, 1, 1)[:3]
    return int(channels), int(rows), int(columns)
