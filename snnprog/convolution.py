"""The geometry of a convolution: which synapses it has, and which weight of its kernel each of them carries.

A convolution of spikes is a set of synapses that share weights. A source is place (row, column) of a channel of the
image that sends spikes; a target is a place of a channel of the image that they go to. Both are numbered channel by
channel and row by row, as NumPy flattens an array (channels, rows, columns). Images of one axis have one row.

Spikes may be pooled first: sums over windows, of which the kernel then takes a weighted sum. A convolution adds, so
pooling multiplies synapses and changes no weight; where windows overlap, synapses run in parallel.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from snnprog.arrays import Int64s
from snnprog.errors import SpecError

Pair = tuple[int, int]
LARGEST_SIDE = 1 << 16


@dataclass(frozen=True)
class Convolution:
    """A convolution of one image with a kernel; all pairs are (rows, columns).

    Attributes
    ----------
    channels : (int, int)
        Numbers of channels of the source and of the target.
    image : (int, int)
        Size of the source.
    kernel : (int, int)
        Size of the kernel.
    stride, dilation : (int, int)
        Steps between target places, and between places of the kernel, in source (or pooled) places.
    before, after : (int, int)
        Zeros added before the first and after the last row and column.
    groups : int
        The channels are split into as many parts, each convolved for itself.
    pool, pool_stride, pool_before, pool_after : (int, int)
        Windows that are summed before the convolution, their steps, and the zeros around the image that they see.

    Raises
    ------
    SpecError
        If a number is out of range, or the kernel is larger than the image.
    """

    channels: Pair
    image: Pair
    kernel: Pair
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    before: Pair = (0, 0)
    after: Pair = (0, 0)
    groups: int = 1
    pool: Pair = (1, 1)
    pool_stride: Pair = (1, 1)
    pool_before: Pair = (0, 0)
    pool_after: Pair = (0, 0)

    def __post_init__(self) -> None:
        for field in fields(self):
            values = np.atleast_1d(getattr(self, field.name))
            least = 0 if field.name.endswith(("before", "after")) else 1
            if values.min() < least or values.max() > LARGEST_SIDE:
                raise SpecError(f"{field.name} of a convolution must be from {least} to {LARGEST_SIDE}, got {values}")
        if self.channels[0] % self.groups or self.channels[1] % self.groups:
            raise SpecError(f"channels of a convolution must be multiples of its {self.groups} groups: {self.channels}")
        if min(self.pooled) < 1 or min(self.size) < 1:
            raise SpecError(
                f"the kernel of a convolution, {self.kernel}, must be no larger than its image, {self.pooled}"
            )

    @property
    def pooled(self) -> Pair:
        """Size of the image that the kernel sees."""
        rows, columns = (_count(*self._pooling(axis)) for axis in (0, 1))
        return rows, columns

    @property
    def size(self) -> Pair:
        """Size of the target."""
        rows, columns = (_count(*self._sliding(axis)) for axis in (0, 1))
        return rows, columns

    @property
    def n_sources(self) -> int:
        """Number of places of the source, all channels together."""
        return self.channels[0] * self.image[0] * self.image[1]

    @property
    def n_targets(self) -> int:
        """Number of places of the target, all channels together."""
        return self.channels[1] * self.size[0] * self.size[1]

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """Shape of the kernel's weights: (target channels, source channels of a group, rows, columns)."""
        return self.channels[1], self.channels[0] // self.groups, *self.kernel

    @property
    def n_synapses(self) -> int:
        """Number of synapses, parallel ones counted each."""
        return self.channels[1] * self.weight_shape[1] * self._axis(0).shape[1] * self._axis(1).shape[1]

    @property
    def synapses(self) -> tuple[Int64s, Int64s, Int64s]:
        """Source, target and weight of each synapse, as places in flattened arrays; sorted by target. Not kept."""
        (y_out, y_kernel, y), (x_out, x_kernel, x) = self._axis(0), self._axis(1)
        outs, ins, *_ = self.weight_shape
        out = np.arange(outs)[:, None, None, None]
        inner = np.arange(ins)[None, :, None, None]
        channel = out // (outs // self.groups) * ins + inner
        rows, columns = (slice(None), None), (None, slice(None))
        source = (channel * self.image[0] + y[rows]) * self.image[1] + x[columns]
        target = (out * self.size[0] + y_out[rows]) * self.size[1] + x_out[columns]
        weight = ((out * ins + inner) * self.kernel[0] + y_kernel[rows]) * self.kernel[1] + x_kernel[columns]
        full = np.broadcast_shapes(source.shape, target.shape, weight.shape)
        flat = [np.broadcast_to(each, full).ravel() for each in (source, target, weight)]
        order = np.lexsort((flat[2], flat[1]))
        return flat[0][order], flat[1][order], flat[2][order]

    def _pooling(self, axis: int) -> tuple[int, int, int, int]:
        padded = self.image[axis] + self.pool_before[axis] + self.pool_after[axis]
        return padded, self.pool[axis], self.pool_stride[axis], 1

    def _sliding(self, axis: int) -> tuple[int, int, int, int]:
        padded = self.pooled[axis] + self.before[axis] + self.after[axis]
        return padded, self.kernel[axis], self.stride[axis], self.dilation[axis]

    def _axis(self, axis: int) -> Int64s:
        """Return target place, kernel place and source place ``(3, n)`` of all that meet along an axis."""
        out, tap, window = np.ogrid[: self.size[axis], : self.kernel[axis], : self.pool[axis]]
        middle = out * self.stride[axis] - self.before[axis] + tap * self.dilation[axis]
        source = middle * self.pool_stride[axis] - self.pool_before[axis] + window
        is_there = (middle >= 0) & (middle < self.pooled[axis]) & (source >= 0) & (source < self.image[axis])
        full = is_there.shape
        return np.stack([np.broadcast_to(each, full)[is_there] for each in (out, tap, source)]).astype(np.int64)


def _count(padded: int, window: int, stride: int, dilation: int) -> int:
    """Return how many windows fit on an axis; 0 or less if none does."""
    return (padded - dilation * (window - 1) - 1) // stride + 1
