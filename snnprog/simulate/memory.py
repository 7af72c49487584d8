"""What the kernel's compiled loops work on: synapses, counts and room, each a tuple of arrays or numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Bools, Bytes, Int64s, Integers, UInt64s

LANES = 32
"""Neurons of a block: whole vectors of any width, and few enough that a block's fields stay in the nearest cache."""

SCAN_BYTES = 8
"""Lines that are looked at together for spikes: one word."""

LOG_COLUMNS = 5
"""Of an excursion: pattern, tick, neuron, which watch, and the value."""


class Wires(NamedTuple):
    """The synapses; weights in units of ``1 << shift`` of the chip's LSB, lines counted as in `Program`.

    Attributes
    ----------
    row_first : (lines + 1,) uint64
        Where each line's rows begin.
    row_delay : (rows,) uint64
    rows : (rows * padded neurons,) integers
    listed_first : (lines + 1,) uint32
        Where each line's listed synapses begin.
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
    """Counts: of what is simulated, and of what it is padded to.

    Attributes
    ----------
    n_inputs, n_neurons, n_outputs : int
    padded : int
        Neurons, filled up to whole blocks.
    slots : int
        How many ticks ahead something may arrive, each with a place for every padded neuron: the longest delay.
    period : int
        How many ticks pass before what is still to arrive is moved to the front of the queue.
    fields : int
        How many numbers a neuron has.
    shift : int
        From units of the queue to weight LSBs.
    hears_neurons : bool
        Whether any synapse leaves a neuron.
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
    """What a run writes to, beside its results; one for each thread.

    Attributes
    ----------
    cells : (padded neurons * fields,) int32 or int64
    queue : ((period + slots) * padded neurons,) integers
        What will arrive, by tick and neuron, in units of the wires' weights.
    fired, stimulus : (padded,) uint8
        Which neurons and inputs fire at this tick, filled up to whole words; the words are the same memory.
    lines : (inputs + padded neurons + SCAN_BYTES,) uint64
        Those that fired.
    due : (rows,) uint64
        Rows to be added.
    noted : (neurons,) bool
        Which have left the portable range in this pattern.
    log : (entries, LOG_COLUMNS) int64
        Pattern, tick, neuron, quantity and value of each excursion: room for one per pattern and neuron.
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
