"""How many cores a program needs at least: bounds that hold for every partition."""

from __future__ import annotations

from itertools import count

import numpy as np
from numpy.typing import NDArray

from snnprog.chips import Core, SynapticMemory
from snnprog.placement.demand import Demand

Int64s = NDArray[np.int64]


def least_cores(demand: Demand, core: Core) -> int:
    """Return a number of cores that no partition can do with fewer of."""
    sends = np.unique(demand.line[demand.line >= demand.n_inputs]).size
    totals = (
        (demand.n_neurons, core.neurons),
        (np.unique(demand.line).size, core.axons_in),
        (sends, core.axons_out),
        (np.unique(demand.profile).size, core.profiles),
        (np.unique(demand.threshold).size, core.thresholds),
        (demand.bits.size, core.formats),
    )
    least = max([1, *(-(-total // limit) for total, limit in totals if limit is not None)])
    return least if demand.memory is None else _least_for_memory(demand, demand.memory, least)


def _least_for_memory(demand: Demand, memory: SynapticMemory, least: int) -> int:
    """Return the first number of cores, from ``least``, in whose memory everything may fit.

    A synapse takes at least its own bits and its share of a full block's header. Where a neuron comes twice in a part,
    the part is listed: its synapses pay for an index that tells apart all neurons of their core, and of m cores, at
    most m times 2**w neurons are on ones where w bits do.
    """
    own_bits, listed = _bits_of_neurons(demand, memory)
    room = memory.words * memory.word_bits
    crowded = int(np.count_nonzero(2 * own_bits > room * memory.block_synapses))
    paying = np.sort(listed)[::-1]
    total = int(own_bits.sum())
    for cores in count(max(least, crowded)):
        needed = total + memory.block_synapses * int(_index_bits(memory, cores, paying.size) @ paying)
        if cores >= demand.n_neurons or needed <= cores * room * memory.block_synapses:
            return cores
    raise AssertionError("counting ends at one core per neuron")


def _bits_of_neurons(demand: Demand, memory: SynapticMemory) -> tuple[Int64s, Int64s]:
    """Return for each neuron the bits that its synapses take at least, times a block's synapses, and how many pay."""
    synapses, owner = demand.synapses, demand.owner
    bits = memory.block_synapses * demand.bits[demand.format[demand.part]] + memory.header_bits
    own_bits = np.bincount(owner, weights=synapses * bits, minlength=demand.n_neurons)
    listed = np.bincount(owner, weights=np.where(synapses > 1, synapses, 0), minlength=demand.n_neurons)
    return own_bits.astype(np.int64), listed.astype(np.int64)


def _index_bits(memory: SynapticMemory, cores: int, neurons: int) -> Int64s:
    """Return the fewest bits of an index that each of so many neurons can pay for, ascending."""
    room = np.array([cores << width for width in memory.index_bits])
    class_of = np.searchsorted(room, np.arange(neurons), side="right")
    widths: Int64s = np.array(memory.index_bits)[np.minimum(class_of, room.size - 1)]
    return widths
