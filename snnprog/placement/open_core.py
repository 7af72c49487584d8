"""One core while it is filled: neurons are added as long as its limits hold.

No neuron frees what others use, so several neurons fit together exactly if each fits after those before it. They may be
added at once.
"""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Bools, Int64s, Integers
from snnprog.chips import Core
from snnprog.placement.demand import CoreDemand


class OpenCore:
    """A core, empty at first. A further neuron never takes a negative amount: a refused neuron stays refused.

    Parameters
    ----------
    demand, core
        The demands of neurons, and the limits.
    leaving : (neurons,) int
        Number of axons out that are reserved for each neuron.

    Attributes
    ----------
    members : list of int
        The neurons on the core, in the order of addition.
    held, is_listed : (parts,)
        The synapses of each part that are on the core, and whether the part must be listed.
    fresh : list of (parts,) int
        The parts that each addition was the first to use.
    """

    def __init__(self, demand: CoreDemand, core: Core, leaving: Int64s) -> None:
        self.demand, self.core, self.leaving = demand, core, leaving
        self.members: list[int] = []
        self.axons_out = 0
        self.has_line = np.zeros(demand.n_lines, dtype=np.bool_)
        self.has_profile = np.zeros(int(demand.profile.max()) + 1, dtype=np.bool_)
        self.has_threshold = np.zeros(int(demand.threshold.max()) + 1, dtype=np.bool_)
        self.has_format = np.zeros(demand.bits.size, dtype=np.bool_)
        self.held: Int64s = np.zeros(demand.n_parts, dtype=np.int64)
        self.is_listed: Bools = np.zeros(demand.n_parts, dtype=np.bool_)
        self.fresh: list[Integers] = []
        self._listed_words = 0

    @property
    def is_full(self) -> bool:
        """Whether no further neuron can fit."""
        return len(self.members) == self.core.neurons

    @property
    def n_kinds(self) -> int:
        """Number of different thresholds and decays on the core, in total."""
        return int(np.count_nonzero(self.has_threshold)) + int(np.count_nonzero(self.has_profile))

    def add(self, neurons: Int64s) -> bool:
        """Add neurons if all of them fit, and return whether they did."""
        demand = self.demand
        part, synapses, is_several = demand.parts_of(neurons)
        kinds = (
            ("profiles", self.has_profile, demand.profile[neurons]),
            ("thresholds", self.has_threshold, demand.threshold[neurons]),
            ("formats", self.has_format, demand.format[part]),
            ("axons_in", self.has_line, demand.line[part]),
        )
        count, leaving = len(self.members) + neurons.size, self.axons_out + int(self.leaving[neurons].sum())
        fits = self._has_room("neurons", count) and self._has_room("axons_out", leaving)
        fits = fits and all(self._has_room_for(resource, has, values=values) for resource, has, values in kinds)
        if not fits or not self._stores(part, synapses, is_several, neurons=count):
            return False
        for _, has, values in kinds:
            has[values] = True
        self.axons_out = leaving
        self.members += neurons.tolist()
        return True

    def _has_room(self, resource: str, used: int) -> bool:
        limit = self.core.limit(resource)
        return limit is None or used <= limit

    def _has_room_for(self, resource: str, has: Bools, *, values: Int64s) -> bool:
        """Return whether the distinct values fit in addition to those on the core."""
        limit = self.core.limit(resource)
        if limit is None or limit >= has.size:
            return True
        fresh = values[~has[values]]
        return not fresh.size or int(np.count_nonzero(has)) + np.unique(fresh).size <= limit

    def _stores(self, part: Integers, synapses: Integers, is_several: Bools, *, neurons: int) -> bool:
        """Add synapses to their parts if there are enough words, and return whether there were.

        Parameters
        ----------
        neurons : int
            Number of neurons on the core after the addition.
        """
        held, is_listed = self.held[part], self.is_listed[part]
        most = self._words_if_listed(part, held, synapses, neurons=neurons)
        self.held[part] += synapses
        self.is_listed[part] |= is_several
        self.fresh.append(part[held == 0])
        if self._has_room("words", most) or self._has_room("words", self._words(neurons)):
            self._listed_words = most
            return True
        self.held[part], self.is_listed[part] = held, is_listed
        self.fresh.pop()
        return False

    def _words_if_listed(self, part: Integers, own: Int64s, synapses: Integers, *, neurons: int) -> int:
        """Return the words with these synapses added if all parts are listed: at least `_words`."""
        demand, before = self.demand, self._listed_words
        if demand.memory is None:
            return 0
        if demand.memory.index_width(neurons) != demand.memory.index_width(max(len(self.members), 1)):
            parts = self._parts
            before = int(demand.listed_words(parts, self.held[parts], neurons=neurons).sum())
        first, then = (demand.listed_words(part, each, neurons=neurons) for each in (own, own + synapses))
        return before + int(then.sum() - first.sum())

    def _words(self, neurons: int) -> int:
        parts = self._parts
        return self.demand.words_of(parts, self.held[parts], self.is_listed[parts], neurons=neurons)

    @property
    def _parts(self) -> Int64s:
        """The parts on the core."""
        return np.concatenate([np.zeros(0, np.int64), *self.fresh])
