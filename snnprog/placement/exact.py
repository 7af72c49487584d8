"""Partitions with fewer cores than the greedy one, or a proof that there are none, for small programs."""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Bools, Int64s
from snnprog.chips import Core
from snnprog.errors import UndecidedError
from snnprog.placement.demand import CoreDemand
from snnprog.placement.greedy import Partition
from snnprog.solver import Packing, PackingAnswer, StoredParts, find_packing

SMALL = 20_000
EFFORT = 1.0


def mend(demand: CoreDemand, core: Core, *, partition: Partition) -> Partition:
    """Return a partition that fits on no more cores, if one is searched and found; otherwise the same one.

    Only axons out require this: they depend on the cores of all other neurons.
    """
    misfit = partition.misfit(core)
    if misfit is None or misfit[1] != "axons_out" or not is_small(demand, partition.cores):
        return partition
    packed = _packed(demand, core, cores=partition.cores)
    return partition if packed.bins is None else Partition.of(demand, _renumbered(packed.bins))


def improve(demand: CoreDemand, core: Core, *, partition: Partition, least: int) -> tuple[Partition, int]:
    """Return the partition with the fewest cores found, and a lower bound.

    Each smaller number of cores is tried, downward, until one is impossible or undecided within a fixed effort. A
    partition that does not fit is returned unchanged.
    """
    if partition.misfit(core) is not None:
        return partition, least
    while partition.cores > least and is_small(demand, partition.cores - 1):
        packed = _packed(demand, core, cores=partition.cores - 1)
        if packed.is_impossible:
            return partition, partition.cores
        if packed.bins is None:
            break
        better = Partition.of(demand, _renumbered(packed.bins))
        assert better.misfit(core) is None, "the solver's partition is counted by the same rule"
        partition = better
    return partition, least


def _packed(demand: CoreDemand, core: Core, *, cores: int) -> PackingAnswer:
    """Return a partition over a number of cores; None if there is none or the time limit ends the search."""
    try:
        return find_packing(_packing(demand, core, cores=cores), effort=EFFORT)
    except UndecidedError:
        return PackingAnswer(None, False)


def is_small(demand: CoreDemand, cores: int) -> bool:
    """Return whether an integer program for a number of cores is small enough."""
    return (demand.n_neurons + demand.n_parts + demand.part.size) * cores <= SMALL


def _renumbered(bins: Int64s) -> Int64s:
    """Return the numbers of the bins in order of their first neurons."""
    first, core_of = np.unique(bins, return_index=True, return_inverse=True)[1:]
    return np.argsort(np.argsort(first))[core_of]


def _packing(demand: CoreDemand, core: Core, *, cores: int) -> Packing:
    shape = demand.n_neurons, demand.n_parts
    synapses = np.zeros(shape, dtype=np.int64)
    synapses[demand.owner, demand.part] = demand.synapses
    lines = np.zeros((demand.n_neurons, demand.n_lines), dtype=np.bool_)
    lines[demand.owner, demand.line[demand.part]] = True
    formats = np.zeros((demand.n_neurons, demand.bits.size), dtype=np.bool_)
    formats[demand.owner, demand.format[demand.part]] = True
    kinds = (
        (lines, core.axons_in),
        (formats, core.formats),
        (_marks(demand.profile), core.profiles),
        (_marks(demand.threshold), core.thresholds),
    )
    return Packing(
        bins=cores,
        capacity=core.neurons,
        kinds=tuple((marks, limit) for marks, limit in kinds if limit is not None),
        lines=lines,
        routes=core.axons_out,
        synapses=synapses,
        stored=_stored(demand, synapses),
    )


def _marks(numbers: Int64s) -> Bools:
    marks: Bools = numbers[:, None] == np.arange(numbers.max() + 1)
    return marks


def _stored(demand: CoreDemand, synapses: Int64s) -> StoredParts | None:
    memory = demand.memory
    if memory is None:
        return None
    counts = np.arange(synapses.sum(axis=0).max(initial=0) + 1)
    widths = sorted({memory.index_width(neurons) for neurons in range(1, demand.n_neurons + 1)})
    return StoredParts(
        words=memory.words,
        format=demand.format,
        sizes=tuple(1 << width for width in widths),
        listed=np.stack([memory.words_for(counts, (demand.bits + width)[:, None]) for width in widths]),
        whole=memory.words_for(np.arange(demand.n_neurons + 1), demand.bits[:, None]),
    )
