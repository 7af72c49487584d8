"""What a partition fills on each core, counted from the demands of all neurons; the greedy search is held to it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from snnprog.arrays import Bools, Int64s
from snnprog.chips import RESOURCES, Core
from snnprog.placement.demand import Demand


@dataclass(frozen=True)
class CoreUsage:
    """What one core holds, counted as `snnprog.chips.Core` counts its limits.

    Attributes
    ----------
    neurons : int
    axons_in, axons_out : int
        Lines that have synapses here, and pairs of a neuron here and a core that it has synapses on.
    words : int or None
        Of synaptic memory; None where the chip's is not known.
    profiles, thresholds, formats : int
        Distinct pairs of decays, distinct thresholds, and distinct synapse formats.
    """

    neurons: int
    axons_in: int
    axons_out: int
    words: int | None
    profiles: int
    thresholds: int
    formats: int

    def amount(self, resource: str) -> int | None:
        """Return how much of one of `RESOURCES` is used."""
        found: int | None = getattr(self, resource)
        return found

    def excess(self, core: Core) -> str | None:
        """Return the first of `RESOURCES` of which there is less, or None."""
        for resource in RESOURCES:
            used, limit = self.amount(resource), core.limit(resource)
            if used is not None and limit is not None and used > limit:
                return resource
        return None

    def as_dict(self) -> dict[str, int | None]:
        """Return the counts as plain data."""
        return asdict(self)


def usage_of(demand: Demand, core_of: Int64s, cores: int) -> tuple[CoreUsage, ...]:
    """Return what each core holds when neuron n is on core ``core_of[n]``."""
    reached, leaving = reached_cores(demand, core_of, cores), np.zeros(demand.n_neurons, dtype=np.int64)
    leaving[:] = reached.sum(axis=0)[demand.n_inputs :]
    owner, order = demand.owner, np.argsort(core_of, kind="stable")
    bounds = np.searchsorted(core_of[order], np.arange(cores + 1))
    by_core = np.argsort(core_of[owner], kind="stable")
    entry_bounds = np.searchsorted(core_of[owner][by_core], np.arange(cores + 1))
    found = []
    for core in range(cores):
        members = order[bounds[core] : bounds[core + 1]]
        entries = by_core[entry_bounds[core] : entry_bounds[core + 1]]
        found.append(
            CoreUsage(
                neurons=members.size,
                axons_in=int(reached[core].sum()),
                axons_out=int(leaving[members].sum()),
                words=_words(demand, entries, members.size),
                profiles=np.unique(demand.profile[members]).size,
                thresholds=np.unique(demand.threshold[members]).size,
                formats=np.unique(demand.format[demand.part[entries]]).size,
            )
        )
    return tuple(found)


def reached_cores(demand: Demand, core_of: Int64s, cores: int) -> Bools:
    """Return (cores, lines): whether the line has synapses on the core."""
    reached = np.zeros((cores, demand.n_lines), dtype=np.bool_)
    reached[core_of[demand.owner], demand.line[demand.part]] = True
    return reached


def _words(demand: Demand, entries: Int64s, neurons: int) -> int | None:
    memory = demand.memory
    if memory is None:
        return None
    part, synapses = demand.part[entries], demand.synapses[entries]
    total = np.bincount(part, weights=synapses, minlength=demand.n_parts).astype(np.int64)
    most = np.zeros(demand.n_parts, dtype=np.int64)
    np.maximum.at(most, part, synapses)
    held = np.flatnonzero(total)
    bits = demand.bits[demand.format[held]]
    listed = memory.words_for(total[held], bits + memory.index_width(max(neurons, 1)))
    whole = memory.words_for(neurons, demand.bits)[demand.format[held]] if held.size else listed
    return int(np.where(most[held] > 1, listed, np.minimum(listed, whole)).sum())
