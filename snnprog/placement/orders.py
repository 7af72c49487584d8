"""The orders in which neurons are tried on a core."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from snnprog.arrays import Int64s
from snnprog.placement.demand import CoreDemand
from snnprog.placement.open_core import OpenCore

# A core that is being filled, and the remaining neurons -> the neurons to try, in turn. They come in runs; the next run
# is requested when all neurons of the last one have been tried.
Order: TypeAlias = Callable[[OpenCore, Int64s], Iterator[Int64s]]

MANY_ENTRIES = 2_000_000
OVERHEAD = 1 << 20
PLACED = 1 << 50
"""More than any neuron adds to a core, also after all its parts are there: placed neurons come last."""


def orders_of(demand: CoreDemand) -> Iterator[Order]:
    """Yield the orders to try; with very many parts, the order by shared parts is skipped."""
    yield as_they_come
    yield AlikeFirst(demand)
    if demand.part.size <= MANY_ENTRIES:
        yield Sharing(demand)


def as_they_come(core: OpenCore, left: Int64s) -> Iterator[Int64s]:
    """Yield the neurons in the order of the program."""
    yield left


class AlikeFirst:
    """Neurons grouped by thresholds, decays and formats, those with many parts first."""

    def __init__(self, demand: CoreDemand) -> None:
        degree = np.diff(demand.first)
        has_parts = np.flatnonzero(degree)
        least = np.full(demand.n_neurons, -1, dtype=np.int64)
        least[has_parts] = demand.format[demand.part[demand.first[has_parts]]]
        self.order = np.lexsort((-degree, least, demand.profile, demand.threshold))

    def __call__(self, core: OpenCore, left: Int64s) -> Iterator[Int64s]:
        """Yield the remaining neurons in that order."""
        is_left = np.zeros(self.order.size, dtype=np.bool_)
        is_left[left] = True
        yield self.order[is_left[self.order]]


class Sharing:
    """First the neuron with most parts, then always the one that adds least to the core."""

    def __init__(self, demand: CoreDemand) -> None:
        self.demand = demand
        self.degree = np.diff(demand.first)
        by_part = np.argsort(demand.part, kind="stable")
        self.users: Int64s = demand.owner[by_part]
        self.first = np.searchsorted(demand.part[by_part], np.arange(demand.n_parts + 1))

    def __call__(self, core: OpenCore, left: Int64s) -> Iterator[Int64s]:
        """Yield the remaining neurons, each chosen by the content of the core after the previous one."""
        extra = np.full(self.demand.n_neurons, PLACED, dtype=np.int64)
        extra[left] = self.degree[left]
        counted, known = 0, -1
        chosen = int(left[np.argmax(self.degree[left])])
        for _ in range(left.size):
            extra[chosen] = PLACED
            yield np.array([chosen])
            for fresh in core.fresh[counted:]:
                extra -= np.bincount(self._users_of(fresh), minlength=extra.size)
            counted = len(core.fresh)
            if known != (known := core.n_kinds):
                kinds = OVERHEAD * self._fresh_kinds(core)
            chosen = int(np.argmin(extra + kinds))

    def _users_of(self, parts: Int64s) -> Int64s:
        """Return the neurons of all these parts, once for each part."""
        counts = self.first[parts + 1] - self.first[parts]
        ends = np.cumsum(counts)
        place: Int64s = np.arange(counts.sum()) + np.repeat(self.first[parts] - (ends - counts), counts)
        return self.users[place]

    def _fresh_kinds(self, core: OpenCore) -> Int64s:
        """Return how many of each neuron's threshold and decays are new to the core."""
        fresh_threshold = ~core.has_threshold[self.demand.threshold]
        fresh_profile = ~core.has_profile[self.demand.profile]
        return fresh_threshold.astype(np.int64) + fresh_profile
