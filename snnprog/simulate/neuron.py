"""Simulation of one neuron on the spikes of a map, in the chip's integers, for searches with hundreds of runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.potential import PotentialMap
from snnprog.rules.neuron import Events, run_neuron
from snnprog.rules.rule import UNSET, Rule
from snnprog.trace import Excursion


@dataclass(frozen=True, eq=False)
class SimulatedNeuron:
    """The run of a neuron.

    Attributes
    ----------
    spikes : (ticks of the map,) bool
        Where the potential reached the threshold.
    potentials : (ticks,) int
        Before the reset (after it for the map's ticks after resets), in the chip's units.
    excursion : Excursion or None
        The first state beyond the range in which all runtimes of the chip agree; its neuron is 0.
    """

    spikes: Raster
    potentials: Int64s
    excursion: Excursion | None

    @property
    def is_portable(self) -> bool:
        """Whether all states stayed in the portable range, where all runtimes of the chip agree."""
        return self.excursion is None


class NeuronSimulator:
    """Runs neurons on the spikes of a map, each pattern from rest.

    Parameters
    ----------
    rule : Rule
        The chip's.
    mapping : PotentialMap
        Their inputs, decays and refractory period.
    """

    def __init__(self, rule: Rule, mapping: PotentialMap) -> None:
        self.rule, self.mapping = rule, mapping
        ticks = mapping.played.ticks
        self.ends = np.zeros(ticks, dtype=np.bool_)
        self.ends[mapping.played.ends] = True
        # A raster represents one spike per tick. A neuron that feeds others may have more on a chip with two
        # layers: the potential after one reset shows it (`snnprog.design.once`).
        limits = {each.name: each.readout for each in rule.constants}
        self.given = {**UNSET, **dict(mapping.linear.given), **limits}
        self.looks_after_resets = bool(mapping.is_after_reset.any())

    @cached_property
    def events(self) -> Events:
        """Arriving spikes in the order in which they act: by line, then by delay; any order for plain sums."""
        first, tap = self.mapping.arrival_events
        first = first[: self.ends.size + 1]
        tap = tap[: first[-1]]
        if self.rule.is_sum:
            return first, tap
        tick = np.repeat(np.arange(self.ends.size), np.diff(first))
        slot, line = np.divmod(tap, self.mapping.n_lines)
        return first, tap[np.lexsort((slot, line, tick))]

    def run(self, weights: Int64s, threshold: int, bias: int, given: Raster | None = None) -> SimulatedNeuron:
        """Run a neuron.

        Parameters
        ----------
        weights : (taps,) int
            Exponents applied.
        threshold : int
            Mantissa.
        bias : int
            In units of the potential.
        given : (ticks played,) bool, optional
            Prescribed spikes, which determine resets.
        """
        values = {**self.given, "threshold": threshold, "bias": bias}
        counts = None if given is None else given.astype(np.int64)
        found = run_neuron(self.rule, self.events, weights=weights, ends=self.ends, parameters=values, given=counts)
        spikes, potentials = found.spikes > 0, found.compared
        if self.looks_after_resets:
            limit = threshold * self.rule.unit
            again = (found.left >= limit if self.rule.is_equal_a_spike else found.left > limit) | (found.spikes > 1)
            spikes, potentials = np.concatenate([spikes, again]), np.concatenate([potentials, found.left])
        return SimulatedNeuron(spikes, potentials, self._excursion(found.excursion))

    def _excursion(self, found: tuple[int, int, int] | None) -> Excursion | None:
        if found is None:
            return None
        tick, which, value = found
        watch = self.rule.watched[which]
        return Excursion(self.mapping.played.where(tick)[1], 0, self.rule.step(watch.step).target, value, watch.limit)
