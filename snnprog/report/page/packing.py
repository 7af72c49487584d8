"""Arrays as short texts that a browser unpacks: deflated (RFC 1950), then base64.

Potentials are exact. What is kept of one is what a tick adds to the share that is left of the tick before, which is
often nothing: ``assets/unpacking.js`` adds it up again. The forecast only has to be the same on both sides; that it is
the chip's leak makes it good.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.report.recording import Recording

LEVEL = 9
WIDTHS = (1, 2, 4)


def pack_bytes(content: bytes) -> str:
    """Return bytes as a text."""
    return base64.b64encode(zlib.compress(content, LEVEL)).decode("ascii")


def pack_raster(raster: Raster) -> str:
    """Return a raster ``(ticks, rows)``, one row's bits after another's, the first tick in the lowest bit."""
    return pack_bytes(np.packbits(raster.T.ravel(), bitorder="little").tobytes())


@dataclass(frozen=True)
class Packed:
    """Whole numbers of 32 bits at most, as the page holds them.

    Attributes
    ----------
    width : int
        Bytes of each.
    shift : int
        By how many bits each was shifted right, without loss.
    data : str
        The lowest byte of all, then the next byte of all, and so on.
    """

    width: int
    shift: int
    data: str


def pack_integers(values: Int64s) -> Packed:
    """Return whole numbers in as few bytes as hold them all."""
    united = int(np.bitwise_or.reduce(values, initial=0))
    shift = (united & -united).bit_length() - 1 if united else 0
    small = values >> shift
    low, high = int(small.min(initial=0)), int(small.max(initial=0))
    width = next(width for width in WIDTHS if -(1 << (8 * width - 1)) <= low and high < 1 << (8 * width - 1))
    columns = small.astype(f"<i{width}").view(np.uint8).reshape(-1, width)
    return Packed(width, shift, pack_bytes(columns.T.tobytes()))


def pack_potential(recording: Recording, row: int) -> Packed:
    """Return one neuron's potential before the reset, as what each tick adds to what is left of the tick before."""
    potential, threshold = recording.potentials[:, row], int(recording.thresholds[row])
    program, semantics = recording.program, recording.program.chip.semantics
    factor = semantics.potential_factor(int(program.potential_decay[recording.rows[row]]))
    over = recording.spikes[:, row]
    taken = potential // threshold * threshold if semantics.is_threshold_subtracted else potential
    after = np.where(over, potential - taken, potential)
    left: Int64s = np.zeros_like(potential)
    left[1:] = np.sign(after[:-1]) * (np.abs(after[:-1]) * factor >> semantics.decay_bits)
    left[list(recording.starts)] = 0
    return pack_integers(potential - left)


def pack_widest_last(recording: Recording, order: Sequence[int], budget: int) -> dict[int, Packed]:
    """Return the potentials of rows, in the given order, until their texts together exceed a number of characters."""
    packed: dict[int, Packed] = {}
    for row in order:
        one = pack_potential(recording, row)
        budget -= len(one.data)
        if budget < 0:
            break
        packed[row] = one
    return packed
