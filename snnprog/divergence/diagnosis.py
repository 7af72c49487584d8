"""Diagnosis of a difference, by running the pattern again under the chip's rule and variations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, islice, tee

import numpy as np

from snnprog.arrays import Raster
from snnprog.divergence.catalogue import variations
from snnprog.divergence.past import Past, differing
from snnprog.divergence.places import Cause, Diagnosis, Divergence
from snnprog.divergence.replay import Model, Moment, Start, replay
from snnprog.divergence.sight import Sight, see, see_target
from snnprog.divergence.single_synapse import other_synapses
from snnprog.divergence.variation import EVERYTHING, REST, SPIKES_ONLY, STATE, Variation
from snnprog.names import name_of
from snnprog.program import Program
from snnprog.rules.rule import POTENTIAL
from snnprog.trace import Trace


def diagnose(
    program: Program, inputs: Sequence[Raster], *, place: Divergence, found: Trace, expected: Trace
) -> Diagnosis:
    """Return why a backend differs from another.

    Both may be run again, on the pattern in question. Nothing is raised where a backend then fails; less is known.

    Parameters
    ----------
    inputs : sequence of (ticks, inputs) bool
        All patterns, in the order in which they were run.
    place : Divergence
        The first difference that was recorded.
    found, expected : Trace
        What the two recorded of that pattern.
    """
    return _Case(program, see(program, inputs, place=place, found=found, expected=expected)).diagnosis()


def diagnose_target(program: Program, inputs: Sequence[Raster], *, place: Divergence) -> Diagnosis:
    """Return the arrivals at an output where a program does not reproduce its target; no rule differs there."""
    return _Case(program, see_target(program, inputs, place=place)).diagnosis()


@dataclass(frozen=True, eq=False)
class _Case:
    """The diagnosis of one difference."""

    program: Program
    sight: Sight

    @cached_property
    def model(self) -> Model:
        return Model.of(self.program)

    @cached_property
    def past(self) -> Past:
        return Past.of(self.model, self.sight)

    def diagnosis(self) -> Diagnosis:
        sight, place, chip = self.sight, self.sight.place, self.program.chip
        own = Variation("", "", "", self.model)
        at_fault = tuple(name for name, trace in sight.runs.items() if self._extent(own, trace) is None)
        tried = variations(self.program) if sight.runs else []
        if not sight.before:
            tried = [each for each in tried if each.start == REST]
        return Diagnosis(
            tick=place.tick,
            neuron=sight.neuron,
            quantity=place.quantity,
            expected=place.expected,
            found=place.found,
            threshold=int(self.program.threshold[sight.neuron]) * chip.unit,
            is_equal_a_spike=chip.rule.is_equal_a_spike,
            arrivals=tuple(self.past.arrivals(sight.neuron)),
            reached=int(self.past.now.compared[sight.neuron]),
            at_fault=at_fault,
            causes=tuple(cause for name in at_fault for cause in self._causes_of(name, tried)),
            rules_tried=len(tried),
            note=sight.note,
            label=name_of(sight.neuron, self.program.neuron_names),
        )

    def _causes_of(self, name: str, tried: Sequence[Variation]) -> list[Cause]:
        """Return the variations that give all that a backend recorded, or else those that give the neuron's tick."""
        place = self.sight.place
        found = self._fitting(name, tried)
        if not any(cause.ticks for cause in found) and self.past.is_known and place.quantity != "spikes":
            value = place.found if name == place.backend else place.expected
            found += self._fitting(
                name, other_synapses(self.past, self.sight.neuron, quantity=place.quantity, found=value)
            )
        longest = max((cause.ticks for cause in found), default=0)
        return [cause for cause in found if cause.ticks == longest]

    def _fitting(self, name: str, tried: Sequence[Variation] | Iterator[Variation]) -> list[Cause]:
        extents = [(each, self._extent(each, self.sight.runs[name])) for each in tried]
        return [Cause(name, each.aspect, each.name, each.text, ticks) for each, ticks in extents if ticks is not None]

    def _extent(self, variation: Variation, trace: Trace) -> int | None:
        """Return for how many ticks from the difference on a variation gives all that was recorded.

        0 where it gives the neuron's values there and no more; None if it does not give those, or something else
        before.
        """
        place, neuron = self.sight.place, self.sight.neuron
        if self.past.holds_under(variation):  # then one tick of one neuron tells most of them to be wrong
            ticks = replay(variation.model, self.sight.inputs, self.past.start, only=neuron)
            if differing(self.sight, trace, place.tick, next(_shown(variation, ticks)))[neuron]:
                return None
        ticks = replay(variation.model, self.sight.inputs, self._start(variation))
        is_whole = True
        for now, shown in enumerate(_shown(variation, ticks)):
            differs = differing(self.sight, trace, now, shown)
            if (now < place.tick and differs.any()) or (now == place.tick and differs[neuron]):
                return None
            is_whole &= not differs.any()
            if now >= place.tick and not is_whole:
                return 0
        return len(trace.spikes) - place.tick

    def _start(self, variation: Variation) -> Start:
        """Return the start of the pattern under a variation, which may inherit from those before."""
        start = rest = Start.at_rest(variation.model)
        if variation.start == REST:
            return rest
        for raster in self.sight.before:
            moments = list(replay(variation.model, raster, start))
            sent = np.concatenate([raster, np.stack([moment.counts for moment in moments])], axis=1)
            lines = np.concatenate([start.lines, sent])[-self.program.max_delay :]
            start = Start(
                0,
                moments[-1].state if variation.start in (STATE, EVERYTHING) else rest.state,
                lines if variation.start in (SPIKES_ONLY, EVERYTHING) else rest.lines,
            )
        return start


def _shown(variation: Variation, ticks: Iterator[Moment]) -> Iterator[tuple[Moment, Moment]]:
    """Yield, for each tick of the record, what it shows as states, and the tick whose spikes it shows."""
    states, fired = (
        _late(each, lag, model=variation.model)
        for each, lag in zip(tee(ticks), (variation.state_lag, variation.spike_lag), strict=True)
    )
    for state, spikes in zip(states, fired, strict=False):
        if variation.shows_compared:
            state = replace(state, state={**state.state, POTENTIAL: state.compared})
        yield state, spikes


def _late(ticks: Iterator[Moment], lag: int, *, model: Model) -> Iterator[Moment]:
    """Return the ticks, late by a tick (rest comes first), early by one, or unchanged."""
    return islice(ticks, 1, None) if lag < 0 else chain([Moment.at_rest(model)] * lag, ticks)
