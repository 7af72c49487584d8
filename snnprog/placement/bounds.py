"""Lower bounds on the number of cores of a program, for every partition."""

from __future__ import annotations

from itertools import count

import numpy as np

from snnprog.arrays import Int64s
from snnprog.chips import Core, SynapticMemory
from snnprog.placement.demand import CoreDemand


def least_cores(demand: CoreDemand, core: Core) -> int:
    """Return a lower bound on the number of cores of every partition."""
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
    most = demand.n_neurons if core.neurons is None else core.neurons
    return least if demand.memory is None else _least_for_memory(demand, demand.memory, most=most, least=least)


def _least_for_memory(demand: CoreDemand, memory: SynapticMemory, *, most: int, least: int) -> int:
    """Return the smallest number of cores, from ``least``, whose memory may be large enough.

    Synapses take more memory on a core with more neurons: indices are longer, and whole parts hold more
    zeros. With m cores of at most ``most`` neurons, the number of neurons on cores up to a given size is bounded. All
    others take at least the memory that they take on a core with one neuron more; the bound assumes those that take
    least, separately for each size. The sizes are those after which an index grows.
    """
    neurons, most = demand.n_neurons, min(most, demand.n_neurons)
    sizes = [1 << width for width in memory.index_bits if 1 << width < most]
    bits = np.stack([_bits_of_neurons(demand, memory, size=size) for size in (1, *(size + 1 for size in sizes))])
    rises = np.cumsum(np.sort(np.diff(bits, axis=0), axis=1), axis=1)
    room = memory.words * memory.word_bits * memory.block_synapses
    for cores in count(least):
        needed = int(bits[0].sum())
        for size, rise in zip(sizes, rises, strict=True):
            small_cores = max(0, min(cores, (cores * most - neurons) // (most - size)))
            paying = neurons - small_cores * size
            needed += int(rise[paying - 1]) if paying > 0 else 0
        if cores >= neurons or needed <= cores * room:
            return cores
    raise AssertionError("counting ends at one core per neuron")


def _bits_of_neurons(demand: CoreDemand, memory: SynapticMemory, *, size: int) -> Int64s:
    """Return (neurons,) the minimum bits, times a block's synapses, of each on a core of a size.

    A synapse takes its own bits and its share of a full block's header. In a listed part it also takes an index; in a
    whole part, its synapses share the bits for all neurons of the core. Neither decreases with the size of the core.
    """
    own = (memory.block_synapses * demand.bits + memory.header_bits)[demand.format]
    users = np.maximum(demand.neurons_of_parts, 1)
    listed = own + memory.block_synapses * memory.index_width(size)
    either = np.minimum(listed, np.maximum(own, own * size // users))
    bits = np.zeros(demand.n_neurons, np.int64)
    for neurons, entries in demand.runs():
        part, synapses = demand.part[entries], demand.synapses[entries]
        taken = np.where(synapses > 1, listed[part], either[part]) * synapses
        bits[neurons] = np.bincount(demand.owners(neurons), taken, neurons.stop - neurons.start)
    return bits
