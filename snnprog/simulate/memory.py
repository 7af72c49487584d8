"""The data of the kernel's compiled loops: synapses, sizes and workspace, each a tuple of arrays or numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from snnprog.arrays import Bools, Bytes, Int64s, Integers, UInt64s

LANES = 32
"""Neurons of a block: a multiple of all vector widths, and few enough that a block's fields stay in the L1 cache."""

SCANNED = 64
"""Number of lines that are scanned together for spikes: a word of the processor has 64 bits, one for each line."""

CHUNK = 8
"""Listed synapses that are added together without a branch; other numbers were not measured."""

SPREAD = 8
"""Chunks of a line that are noted together: one vector instruction; other numbers were not measured."""

FETCHED = 2
"""Chunks that are fetched into the cache together: 64 bytes of most synapses, a line of a cache."""

SHORT_ROW = 512
"""Padded neurons up to which rows are always added by four, if necessary with rows of 0. To add a row of this size
takes about as long as a mispredicted branch (measured)."""

LOG_COLUMNS = 5
"""Columns of an excursion: pattern, tick, neuron, index of the watch, and value."""

LINE_BYTES = 64
"""A line of a cache of all common processors, and the widest vector."""


def aligned(size: int, kind: DTypeLike) -> NDArray[Any]:
    """Return an uninitialised array that begins with a cache line, so that no vector is in two of them."""
    n_bytes = size * np.dtype(kind).itemsize
    room = np.empty(n_bytes + LINE_BYTES, np.uint8)
    start = -room.ctypes.data % LINE_BYTES
    return room[start : start + n_bytes].view(kind)


class Wires(NamedTuple):
    """The synapses; weights in units of `Shape.unit` of the chip's LSB, lines counted as in `Program`.

    Attributes
    ----------
    row_first : (lines + 1,) uint64
        First row of each line.
    row_delay : (rows,) uint64
    rows : ((rows + 1) * padded neurons,) integers
        Weights; the last row has only weights of 0. A network without rows does not have it.
    chunk_first : (lines + 1,) uint32
        First chunk of listed synapses of each line.
    listed : (chunks * CHUNK,) uint32 or uint64
        Each synapse in one word: ``(delay - 1) * padded + post``, and its weight in the lowest bits. A line's last
        chunk is filled with weights of 0.
    weight : (0,) int8, int16 or int32
        The type of a listed weight, as compiled code knows types.
    """

    row_first: UInt64s
    row_delay: UInt64s
    rows: Integers
    chunk_first: NDArray[np.uint32]
    listed: NDArray[np.unsignedinteger]
    weight: Integers


class Shape(NamedTuple):
    """Sizes, before and after padding.

    Attributes
    ----------
    n_inputs, n_neurons, n_outputs : int
    padded : int
        Neurons, padded to whole blocks.
    slots : int
        Number of future ticks, each with an entry for every padded neuron: the longest delay.
    period : int
        Number of ticks after which pending arrivals are moved to the front of the queue.
    fields : int
        Number of fields of a neuron.
    unit : int
        Weight LSBs in a unit of the queue: a power of two. A number to multiply by, which compilers know to do in 32
        bits; they shift by a variable number of bits in 64.
    weight_bits : int
        Width of a listed weight.
    hears_neurons : bool
        Whether any synapse has a presynaptic neuron.
    """

    n_inputs: int
    n_neurons: int
    n_outputs: int
    padded: int
    slots: int
    period: int
    fields: int
    unit: int
    weight_bits: int
    hears_neurons: bool


class Workspace(NamedTuple):
    """The workspace of a run; one for each thread.

    Attributes
    ----------
    cells : (padded neurons * fields,) int32 or int64
    seen : ((watches + 1) * LANES,) int32 or int64
        The watched values of a block, then its spikes as negative numbers.
    kept : (LANES * fields,) int32 or int64
        The cells of a block before a tick that may change nothing.
    queue : ((period + slots) * padded neurons,) integers
        Pending arrivals, by tick and neuron, in units of the wires' weights.
    last_bytes : (SCANNED,) uint8
        The last bytes of a raster, and place for those that are read with them.
    marks : (padded neurons / LANES,) uint32
        Which neurons fire, a bit for each; padded to whole words of `SCANNED` bits, which share the memory.
    words, first_lines : (words + 1,) uint64
        Those that fired, as words of `SCANNED` bits that are not 0, and the line of the lowest bit of each.
    lines : (inputs + neurons,) uint64
        Those that fired.
    due : (rows + 3,) uint64
        Rows to add.
    chunks : (chunks + SPREAD,) uint32
        Chunks to add.
    noted : (neurons,) bool
        Which have left the portable range in this pattern.
    calm : (1,) bool
        Whether few enough lines have fired in every tick of this pattern: see `snnprog.simulate.ticks`.
    log : (entries, LOG_COLUMNS) int64
        Pattern, tick, neuron, quantity and value of each excursion: with space for one per pattern and neuron.
    """

    cells: Integers
    seen: Integers
    kept: Integers
    queue: Integers
    marks: NDArray[np.uint32]
    mark_words: UInt64s
    last_bytes: Bytes
    words: UInt64s
    first_lines: UInt64s
    lines: UInt64s
    due: UInt64s
    chunks: NDArray[np.uint32]
    noted: Bools
    calm: Bools
    log: Int64s
