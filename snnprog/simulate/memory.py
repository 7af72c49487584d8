"""The data of the kernel's compiled loops: synapses, sizes and workspace, each a tuple of arrays or numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Bools, Bytes, Int64s, Integers, UInt64s

LANES = 32
"""Neurons of a block: a multiple of all vector widths, and few enough that a block's fields stay in the L1 cache."""

SCAN_BYTES = 8
"""Number of lines that are scanned together for spikes: one word."""

LOG_COLUMNS = 5
"""Columns of an excursion: pattern, tick, neuron, index of the watch, and value."""


class Wires(NamedTuple):
    """The synapses; weights in units of ``1 << shift`` of the chip's LSB, lines counted as in `Program`.

    Attributes
    ----------
    row_first : (lines + 1,) uint64
        First row of each line.
    row_delay : (rows,) uint64
    rows : (rows * padded neurons,) integers
    listed_first : (lines + 1,) uint32
        First listed synapse of each line.
    listed_place : (synapses,) uint16 or uint32
        ``(delay - 1) * padded + post``.
    listed_weight : (synapses,) integers
    """

    row_first: UInt64s
    row_delay: UInt64s
    rows: Integers
    listed_first: NDArray[np.uint32]
    listed_place: NDArray[np.unsignedinteger]
    listed_weight: Integers


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
    shift : int
        From units of the queue to weight LSBs.
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
    shift: int
    hears_neurons: bool


class Workspace(NamedTuple):
    """The workspace of a run; one for each thread.

    Attributes
    ----------
    cells : (padded neurons * fields,) int32 or int64
    queue : ((period + slots) * padded neurons,) integers
        Pending arrivals, by tick and neuron, in units of the wires' weights.
    fired, stimulus : (padded,) uint8
        Which neurons and inputs fire at this tick, padded to whole words; the words share the memory.
    lines : (inputs + padded neurons + SCAN_BYTES,) uint64
        Those that fired.
    due : (rows,) uint64
        Rows to add.
    noted : (neurons,) bool
        Which have left the portable range in this pattern.
    log : (entries, LOG_COLUMNS) int64
        Pattern, tick, neuron, quantity and value of each excursion: with space for one per pattern and neuron.
    """

    cells: Integers
    queue: Integers
    fired: Bytes
    fired_words: UInt64s
    stimulus: Bytes
    stimulus_words: UInt64s
    lines: UInt64s
    due: UInt64s
    noted: Bools
    log: Int64s
