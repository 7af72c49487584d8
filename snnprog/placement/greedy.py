"""A partition by first fit: cores are filled in turn, each until it seems full.

Neurons are tried in several orders; the partition with the fewest cores, then words, wins. The number of axons
out of a core is known only when all neurons are placed: the next partition reserves the number of the last one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Int64s
from snnprog.chips import Core
from snnprog.placement.demand import CoreDemand
from snnprog.placement.open_core import OpenCore
from snnprog.placement.orders import Order, orders_of
from snnprog.placement.usage import CoreUsage, reached_cores, usage_of

PATIENCE = 64
ROUNDS = 6


@dataclass(frozen=True, eq=False)
class Partition:
    """The core of each neuron, and the resources used.

    Attributes
    ----------
    core_of : (neurons,) int
    usage : tuple of CoreUsage
        One for each core.
    """

    core_of: Int64s
    usage: tuple[CoreUsage, ...]

    @classmethod
    def of(cls, demand: CoreDemand, core_of: Int64s) -> Partition:
        """Return the partition with its resources recounted."""
        return cls(core_of, usage_of(demand, core_of, cores=int(core_of.max()) + 1))

    @property
    def cores(self) -> int:
        """Number of cores."""
        return len(self.usage)

    def misfit(self, core: Core) -> tuple[int, str] | None:
        """Return a core whose limit is exceeded, and the resource, or None.

        Axons out, which depend on other cores, are reported last.
        """
        excess = [(index, resource) for index, used in enumerate(self.usage) if (resource := used.excess(core))]
        return min(excess, key=lambda found: found[1] == "axons_out", default=None)


def first_fit(demand: CoreDemand, core: Core, *, least: int) -> Partition:
    """Return the best partition of all orders; one that reaches the lower bound ends the search.

    If no partition fits, one that does not is returned.
    """
    found: list[Partition] = []
    for order in orders_of(demand):
        found.append(_filled(demand, core, order=order))
        if found[-1].cores == least and found[-1].misfit(core) is None:
            return found[-1]
    return min(found, key=lambda one: _cost(one, core))


def _cost(partition: Partition, core: Core) -> tuple[bool, int, int]:
    return partition.misfit(core) is not None, partition.cores, sum(used.words or 0 for used in partition.usage)


def _filled(demand: CoreDemand, core: Core, *, order: Order) -> Partition:
    """Return a partition in an order, repeated with more reserved axons while too many leave a core."""
    leaving: Int64s = np.zeros(demand.n_neurons, dtype=np.int64)
    for _ in range(ROUNDS):
        found = Partition.of(demand, _fill(demand, core, order=order, leaving=leaving))
        misfit = found.misfit(core)
        if misfit is None or misfit[1] != "axons_out":
            break
        leaving = np.maximum(leaving, reached_cores(demand, found.core_of, cores=found.cores).sum(0)[demand.n_inputs :])
    return found


def _fill(demand: CoreDemand, core: Core, *, order: Order, leaving: Int64s) -> Int64s:
    core_of = np.full(demand.n_neurons, -1, dtype=np.int64)
    cores = 0
    while (left := np.flatnonzero(core_of < 0)).size:
        members = fill_core(OpenCore(demand, core, leaving), order, left=left)
        core_of[members or left[0]] = cores  # a neuron that fits on no core gets its own
        cores += 1
    return core_of


def fill_core(core: OpenCore, order: Order, *, left: Int64s) -> list[int]:
    """Fill a core, and return its members; after too many refusals in a row, it counts as full.

    The result is that of adding neuron by neuron. If several fit, twice as many are tried next, otherwise half of them.
    """
    refused = 0
    for run in order(core, left):
        place, many = 0, 1
        while place < run.size:
            if core.add(run[place : place + many]):
                place, many, refused = place + many, 2 * many, 0
            elif many > 1:
                many //= 2
            else:
                place, refused = place + 1, refused + 1
            if core.is_full or refused > PATIENCE:
                return core.members
    return core.members
