"""Arrays as short texts that a browser unpacks: little-endian bytes, deflated (RFC 1950), then base64.

The encoding knows nothing of chips and neurons: ``assets/unpacking.js`` needs only the bytes of a number, and whether
numbers were kept as differences.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.report.recording import Recording

WIDTHS = (1, 2, 4)  # bytes of the typed arrays that a browser has


def pack_bytes(content: bytes) -> str:
    """Return bytes as a text."""
    return base64.b64encode(zlib.compress(content)).decode("ascii")


def pack_raster(raster: Raster) -> str:
    """Return a raster ``(ticks, rows)``, rows in sequence, the first tick in the lowest bit."""
    return pack_bytes(np.packbits(raster.T.ravel(), bitorder="little").tobytes())


@dataclass(frozen=True)
class Packed:
    """Integers of at most 32 bits, as the page holds them.

    Attributes
    ----------
    width : int
        Bytes of each: 1, 2 or 4.
    data : str
        The integers, two's complement, little-endian.
    """

    width: int
    data: str


def pack_integers(values: Int64s) -> Packed:
    """Return integers in as few bytes as hold them all."""
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    width = next(width for width in WIDTHS if -(1 << (8 * width - 1)) <= low and high < 1 << (8 * width - 1))
    return Packed(width, pack_bytes(values.astype(f"<i{width}").tobytes()))


def pack_differences(values: Int64s) -> Packed:
    """Return integers as their differences from one to the next, the first from 0."""
    return pack_integers(np.diff(values, prepend=0))


@dataclass(frozen=True)
class PackedPotential:
    """The potential of one neuron.

    Attributes
    ----------
    reached : Packed
        What it reached at each tick, before the reset, as differences.
    left : Packed
        What each spike left of it, in order of the spikes.
    """

    reached: Packed
    left: Packed

    @property
    def characters(self) -> int:
        """How much of the page it takes."""
        return len(self.reached.data) + len(self.left.data)


@dataclass(frozen=True)
class PackedBand:
    """The least and the greatest potential of one neuron at each tick, both as differences."""

    least: Packed
    greatest: Packed

    @property
    def characters(self) -> int:
        """How much of the page it takes."""
        return len(self.least.data) + len(self.greatest.data)


def pack_band(band: Int64s) -> PackedBand:
    """Return a band ``(2, ticks)`` of potentials."""
    return PackedBand(pack_differences(band[0]), pack_differences(band[1]))


def pack_potential(recording: Recording, row: int) -> PackedPotential:
    """Return the potential of one neuron."""
    fired = recording.spikes[:, row]
    return PackedPotential(
        pack_differences(recording.potentials[:, row]), pack_integers(recording.potentials_left[fired, row])
    )


def pack_potentials(recording: Recording, order: Sequence[int], *, budget: int) -> dict[int, PackedPotential]:
    """Return the potentials of rows, in the given order, until their texts together exceed a number of characters."""
    packed: dict[int, PackedPotential] = {}
    for row in order:
        one = pack_potential(recording, row)
        budget -= one.characters
        if budget < 0:
            break
        packed[row] = one
    return packed
