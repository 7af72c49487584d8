"""The resources that a partition uses on each core, counted from the demands of all neurons."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from snnprog.arrays import Bools, Int64s
from snnprog.chips import RESOURCES, Core
from snnprog.placement.demand import CoreDemand


@dataclass(frozen=True)
class CoreUsage:
    """The resources used on one core, counted as in `snnprog.chips.Core`.

    Attributes
    ----------
    neurons : int
    axons_in, axons_out : int
        Lines that have synapses on the core, and pairs of a neuron on the core and a core that it has synapses on.
    words : int or None
        Words of synaptic memory; None if the chip's memory is unknown.
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
        """Return the used amount of one of `RESOURCES`."""
        found: int | None = getattr(self, resource)
        return found

    def excess(self, core: Core) -> str | None:
        """Return the first of `RESOURCES` that exceeds its limit, or None."""
        for resource in RESOURCES:
            used, limit = self.amount(resource), core.limit(resource)
            if used is not None and limit is not None and used > limit:
                return resource
        return None

    def as_dict(self) -> dict[str, int | None]:
        """Return the counts as plain data."""
        return asdict(self)


def usage_of(demand: CoreDemand, core_of: Int64s, *, cores: int) -> tuple[CoreUsage, ...]:
    """Return the resources used on each core if neuron n is on core ``core_of[n]``."""
    reached, place = reached_cores(demand, core_of, cores=cores), core_of[demand.owner]
    leaving = reached.sum(axis=0)[demand.n_inputs :]
    return tuple(
        _usage(
            demand,
            np.flatnonzero(core_of == core),
            entries=np.flatnonzero(place == core),
            lines=reached[core],
            leaving=leaving,
        )
        for core in range(cores)
    )


def _usage(demand: CoreDemand, members: Int64s, *, entries: Int64s, lines: Bools, leaving: Int64s) -> CoreUsage:
    """Return the resources used on a core with these neurons, entries and lines."""
    part, synapses = demand.part[entries], demand.synapses[entries]
    total = np.bincount(part, synapses, demand.n_parts).astype(np.int64)
    is_listed = np.bincount(part, synapses > 1, demand.n_parts) > 0
    return CoreUsage(
        neurons=members.size,
        axons_in=int(lines.sum()),
        axons_out=int(leaving[members].sum()),
        words=demand.words(total, is_listed, members.size),
        profiles=np.unique(demand.profile[members]).size,
        thresholds=np.unique(demand.threshold[members]).size,
        formats=np.unique(demand.format[part]).size,
    )


def reached_cores(demand: CoreDemand, core_of: Int64s, *, cores: int) -> Bools:
    """Return (cores, lines): whether the line has synapses on the core."""
    reached = np.zeros((cores, demand.n_lines), dtype=np.bool_)
    reached[core_of[demand.owner], demand.line[demand.part]] = True
    return reached
