"""How many cores a program needs at least: bounds that hold for every partition."""

from __future__ import annotations

from itertools import count

import numpy as np
from scipy.sparse import csr_matrix

from snnprog.arrays import Int64s
from snnprog.chips import Core, SynapticMemory
from snnprog.placement.demand import Demand

STEPS_PER_SIZE = 8


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
    most = demand.n_neurons if core.neurons is None else core.neurons
    return least if demand.memory is None else _least_for_memory(demand, demand.memory, most, least)


def _least_for_memory(demand: Demand, memory: SynapticMemory, most: int, least: int) -> int:
    """Return the first number of cores, from ``least``, in whose memory everything may fit.

    The more neurons there are on a core, the more its synapses take: indices grow longer, and whole parts hold more
    zeros. With m cores of at most ``most`` neurons, there is a bound on how many neurons can be on cores of a given
    size or less. All others pay what they pay on a core of one neuron more, and those that pay least are taken for
    them, at each size anew.
    """
    sizes = _sizes(memory, min(most, demand.n_neurons))
    bits = _bits_of_neurons(demand, memory, [1, *(size + 1 for size in sizes)])
    rises = np.cumsum(np.sort(np.diff(bits, axis=0), axis=1), axis=1)
    room = memory.words * memory.word_bits * memory.block_synapses
    crowded = int(np.count_nonzero(2 * bits[0] > room))
    for cores in count(max(least, crowded)):
        needed = int(bits[0].sum())
        for size, rise in zip(sizes, rises, strict=True):
            paying = demand.n_neurons - _most_below(demand.n_neurons, cores, size, most)
            needed += int(rise[paying - 1]) if paying > 0 else 0
        if cores >= demand.n_neurons or needed <= cores * room:
            return cores
    raise AssertionError("counting ends at one core per neuron")


def _sizes(memory: SynapticMemory, most: int) -> list[int]:
    """Return sizes of a core, ascending, below ``most``: where indices grow longer, and some between."""
    widest = [1 << width for width in memory.index_bits if 1 << width < most]
    between = [most * step // STEPS_PER_SIZE for step in range(1, STEPS_PER_SIZE)]
    return sorted({size for size in (*widest, *between) if size > 0})


def _most_below(neurons: int, cores: int, size: int, most: int) -> int:
    """Return the most neurons that can be on cores of at most ``size``; the others hold at most ``most`` each."""
    small_cores = min(cores, (cores * most - neurons) // (most - size))
    return max(small_cores, 0) * size


def _bits_of_neurons(demand: Demand, memory: SynapticMemory, sizes: list[int]) -> Int64s:
    """Return (sizes, neurons): the bits, times a block's synapses, that each takes at least on a core of that size.

    A synapse takes its own bits and its share of a full block's header. In a listed part it pays for an index; in a
    whole part, all neurons of the core are paid for by those that use it. Neither falls as the core grows.
    """
    own = (memory.block_synapses * demand.bits + memory.header_bits)[demand.format]
    users = np.maximum(np.bincount(demand.part, minlength=demand.n_parts), 1)
    listed = np.stack([own + memory.block_synapses * memory.index_width(size) for size in sizes], axis=1)
    whole = np.stack([np.maximum(own, own * size // users) for size in sizes], axis=1)
    is_single = demand.synapses == 1
    shape = demand.n_neurons, demand.n_parts
    either = csr_matrix((is_single.astype(np.int64), demand.part, demand.first), shape)
    repeated = csr_matrix((np.where(is_single, 0, demand.synapses), demand.part, demand.first), shape)
    bits: Int64s = either @ np.minimum(listed, whole) + repeated @ listed
    return bits.T
