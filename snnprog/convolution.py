"""The geometry of a convolution: its synapses, and the weight of the kernel that each of them has.

A convolution of spikes is a set of synapses that share weights. A source is a place (row, column) of a channel of the
image that sends spikes; a target is a place of a channel of the image that receives them. Both are numbered channel by
channel and row by row, as NumPy flattens an array (channels, rows, columns). Images of one axis have one row.

Spikes may be pooled first: the kernel then takes a weighted sum of sums over windows. A convolution adds, so
pooling multiplies synapses and changes no weight; where windows overlap, synapses run in parallel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np

from snnprog.arrays import Int64s
from snnprog.calls import call_checked
from snnprog.errors import SpecError

Pair = tuple[int, int]
LARGEST_SIDE = 1 << 16
MOST_PLACES = 1 << 24
"""Maximum number of places of an image: the maximum number of neurons of a program."""

MOST_MEETINGS = 1 << 21
"""Along one axis: target places x places of the kernel x places of a pooling window. A choice, not a measurement: a
convolution over 16,000 samples with a kernel of 80 has 1.3 million."""

PART = 1 << 20
"""Number of synapses that are unrolled at a time, to save memory. A choice, not a measurement."""


@call_checked
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
        Number of parts into which the channels are split; each is convolved separately.
    pool, pool_stride, pool_before, pool_after : (int, int)
        Windows that are summed before the convolution, their steps, and the zeros added around the image.

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
            values = np.asarray(getattr(self, field.name))
            if values.dtype.kind not in "iu" or values.shape != (() if field.name == "groups" else (2,)):
                what = "an integer" if field.name == "groups" else "two integers"
                raise SpecError(f"{field.name} of a convolution must be {what}, got {getattr(self, field.name)!r}")
            object.__setattr__(self, field.name, values.item() if values.ndim == 0 else tuple(values.tolist()))
            least = 0 if field.name.endswith(("before", "after")) else 1
            if values.min() < least or values.max() > LARGEST_SIDE:
                raise SpecError(
                    f"{field.name} of a convolution must be from {least} to {LARGEST_SIDE}, got {values.tolist()}"
                )
        if self.channels[0] % self.groups or self.channels[1] % self.groups:
            raise SpecError(f"channels of a convolution must be multiples of its {self.groups} groups: {self.channels}")
        if min(self.pooled) < 1 or min(self.size) < 1:
            raise SpecError(
                f"the kernel of a convolution, {self.kernel}, must be no larger than its image, {self.pooled}"
            )
        meetings = max(self.size[axis] * self.kernel[axis] * self.pool[axis] for axis in (0, 1))
        if meetings > MOST_MEETINGS:
            raise SpecError(
                "target places x kernel places x pooled places along an axis of a convolution must be at most"
                f" {MOST_MEETINGS}, got {meetings}; use a smaller image or kernel"
            )

        if max(self.n_sources, self.n_targets) > MOST_PLACES:
            raise SpecError(
                f"images of a convolution must have at most {MOST_PLACES} places, got {self.n_sources} and"
                f" {self.n_targets}"
            )

    @property
    def pooled(self) -> Pair:
        """Size of the image that the kernel is applied to."""
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
    def n_weights(self) -> int:
        """Number of weights of the kernel."""
        outs, ins, rows, columns = self.weight_shape
        return outs * ins * rows * columns

    @property
    def n_synapses(self) -> int:
        """Number of synapses; each of several parallel ones counts."""
        return self.channels[1] * self.weight_shape[1] * int(self.times_used.sum())

    @property
    def times_used(self) -> Int64s:
        """Number of synapses of each place of the kernel for a pair of channels, ``(rows, columns)``."""
        rows, columns = (np.bincount(self.meetings(axis)[1], minlength=self.kernel[axis]) for axis in (0, 1))
        return np.outer(rows, columns).astype(np.int64)

    @property
    def synapses(self) -> tuple[Int64s, Int64s, Int64s]:
        """Source, target and weight of each synapse, as places in flattened arrays; sorted by target, not cached."""
        (whole,) = self.in_parts(most=self.n_synapses)
        return whole

    def in_parts(self, *, most: int = PART) -> Iterator[tuple[Int64s, Int64s, Int64s]]:
        """Yield `synapses` in order, some target channels at a time, to save memory.

        Parameters
        ----------
        most : int
            Maximum number of synapses of one part; a single channel may exceed it.
        """
        first = self._first_channel()
        outs, ins, rows, columns = self.weight_shape
        step = max(1, most // first[0].size) if first[0].size else outs
        for start in range(0, outs, step):
            out = np.arange(start, min(start + step, outs))[:, None]
            group = out // (outs // self.groups)
            moved = (
                group * (ins * self.image[0] * self.image[1]),
                out * (self.size[0] * self.size[1]),
                out * (ins * rows * columns),
            )
            source, target, weight = ((each + by).ravel() for each, by in zip(first, moved, strict=True))
            yield source, target, weight

    def _first_channel(self) -> tuple[Int64s, Int64s, Int64s]:
        """Return the synapses of the first target channel; those of the others are the same, shifted."""
        (y_out, y_kernel, y), (x_out, x_kernel, x) = self.meetings(0)[:, :, None], self.meetings(1)[:, None]
        inner = np.arange(self.weight_shape[1])[:, None, None]
        source = (inner * self.image[0] + y) * self.image[1] + x
        weight = (inner * self.kernel[0] + y_kernel) * self.kernel[1] + x_kernel
        target = np.broadcast_to(y_out * self.size[1] + x_out, source.shape)
        order = np.lexsort((weight.ravel(), target.ravel()))
        return source.ravel()[order], target.ravel()[order], weight.ravel()[order]

    def _pooling(self, axis: int) -> tuple[int, int, int, int]:
        padded = self.image[axis] + self.pool_before[axis] + self.pool_after[axis]
        return padded, self.pool[axis], self.pool_stride[axis], 1

    def _sliding(self, axis: int) -> tuple[int, int, int, int]:
        padded = self.pooled[axis] + self.before[axis] + self.after[axis]
        return padded, self.kernel[axis], self.stride[axis], self.dilation[axis]

    def meetings(self, axis: int) -> Int64s:
        """Return target place, kernel place and source ``(3, n)`` of all combinations along rows (0) or columns (1)."""
        out, tap, window = np.ogrid[: self.size[axis], : self.kernel[axis], : self.pool[axis]]
        middle = out * self.stride[axis] - self.before[axis] + tap * self.dilation[axis]
        source = middle * self.pool_stride[axis] - self.pool_before[axis] + window
        is_there = (middle >= 0) & (middle < self.pooled[axis]) & (source >= 0) & (source < self.image[axis])
        full = is_there.shape
        return np.stack([np.broadcast_to(each, full)[is_there] for each in (out, tap, source)]).astype(np.int64)


def _count(padded: int, window: int, stride: int, dilation: int) -> int:
    """Return the number of windows that fit on an axis; 0 or less if none fits."""
    return (padded - dilation * (window - 1) - 1) // stride + 1
