"""Why two runs part: the tick computed anew under the chip's rule, and under others until one gives what was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice, tee

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Raster
from snnprog.divergence.alternatives import EVERYTHING, REST, SPIKES, STATE, Alternative, alternatives
from snnprog.divergence.places import TARGET, Arrival, Cause, Diagnosis, Divergence
from snnprog.divergence.rule import Rule, Start, Synapses, Tick, with_synapse
from snnprog.divergence.rules import AnyRule, replay, rule_of
from snnprog.divergence.shift_alternatives import shift_alternatives
from snnprog.divergence.shift_rule import ShiftRule
from snnprog.divergence.sight import Sight, see, see_target
from snnprog.program import Program
from snnprog.trace import Trace

SYNAPSES_TRIED = 256


def diagnose(program: Program, inputs: Sequence[Raster], place: Divergence, found: Trace, expected: Trace) -> Diagnosis:
    """Return why a backend differs from another.

    Both may be run again, on the pattern in question. Nothing is raised where a backend then fails; less is told.

    Parameters
    ----------
    inputs : sequence of (ticks, inputs) bool
        All patterns, in the order in which they were run.
    place : Divergence
        The first difference that was recorded.
    found, expected : Trace
        What the two recorded of that pattern.
    """
    return _Case(program, see(program, inputs, place, found, expected)).diagnosis()


def diagnose_target(program: Program, inputs: Sequence[Raster], place: Divergence) -> Diagnosis:
    """Return what reached an output where a program does not give its target; no rule differs there."""
    return _Case(program, see_target(program, inputs, place)).diagnosis()


@dataclass(frozen=True, eq=False)
class _Case:
    """One difference, and all that is asked of it."""

    program: Program
    sight: Sight

    @property
    def rule(self) -> AnyRule | None:
        return rule_of(self.program.chip.semantics)

    def diagnosis(self) -> Diagnosis:
        sight, place = self.sight, self.sight.place
        semantics = self.program.chip.semantics
        causes, tried, at_fault = self._causes()
        return Diagnosis(
            tick=place.tick,
            neuron=sight.neuron,
            quantity=place.quantity,
            expected=place.expected,
            found=place.found,
            threshold=int(self.program.threshold[sight.neuron]) << semantics.input_shift,
            is_equal_a_spike=semantics.is_equal_a_spike,
            arrivals=tuple(self._arrivals()),
            reached=self._reached(),
            at_fault=at_fault,
            causes=causes,
            rules_tried=tried,
            note=self._note(),
        )

    def _note(self) -> str:
        semantics = self.program.chip.semantics
        if self.rule is not None or self.sight.place.against == TARGET:
            return self.sight.note
        unknown = f"rules other than {semantics.name} are not known"
        return f"{self.sight.note}; {unknown}" if self.sight.note else unknown

    def _arrivals(self) -> Iterator[Arrival]:
        """Yield the spikes that reached the neuron in the tick."""
        program, tick = self.program, self.sight.place.tick
        lines, weight = self._lines, program.effective_weight()
        for synapse in np.flatnonzero(program.post == self.sight.neuron).tolist():
            line, delay = int(program.pre[synapse]), int(program.delay[synapse])
            if tick >= delay and lines[tick - delay, line]:
                source = f"input {line}" if line < program.n_inputs else f"neuron {line - program.n_inputs}"
                spikes = int(lines[tick - delay, line])
                yield Arrival(source, tick - delay, synapse, delay, int(weight[synapse]), spikes)

    @cached_property
    def _lines(self) -> NDArray[np.generic]:
        if not isinstance(self.rule, ShiftRule):
            return self.sight.lines_before(self.program.n_neurons)
        own = [tick.sent for tick in self._ticks_before]
        spikes = np.array(own, dtype=np.int64).reshape(len(own), self.program.n_neurons)
        return np.concatenate([self.sight.inputs[: len(own)], spikes], axis=1)

    @cached_property
    def _ticks_before(self) -> list[Tick]:
        """The ticks before the difference by the chip's rule: where spikes are counted, no record tells them."""
        assert self.rule is not None, "asked for a rule that is known"
        ticks = replay(self.rule, self.program, self.sight.inputs, Start.at_rest(self.program))
        return list(islice(ticks, self.sight.place.tick))

    @cached_property
    def _is_all_known(self) -> bool:
        """Whether all is known that the tick in question depends on."""
        known = self.sight.known
        if not isinstance(self.rule, ShiftRule):
            return self.sight.are_states_known and self.sight.known_neurons.size == self.program.n_neurons
        if not self.sight.are_states_known or known.currents is None or known.potentials is None:
            return False
        recorded = zip(known.currents, known.potentials, strict=True)
        return all(
            np.array_equal(tick.current, current) and np.array_equal(tick.potential, potential)
            for tick, (current, potential) in zip(self._ticks_before, recorded, strict=False)
        )

    @cached_property
    def _last_agreed(self) -> Start:
        """The state on which both agreed last; rest, where states are not known."""
        tick, known = self.sight.place.tick, self.sight.known
        if tick == 0 or not self._is_all_known or known.currents is None or known.potentials is None:
            return Start.at_rest(self.program)
        current, potential = (values[tick - 1].astype(np.int64) for values in (known.currents, known.potentials))
        return Start(tick, current, potential, self._lines)

    def _reached(self) -> int | None:
        if self.rule is None:
            return None
        start = self._last_agreed
        ticks = replay(self.rule, self.program, self.sight.inputs, start)
        return int(next(islice(ticks, self.sight.place.tick - start.tick, None)).reached[self.sight.neuron])

    def _causes(self) -> tuple[tuple[Cause, ...], int, tuple[str, ...]]:
        """Return the causes, how many rules were tried, and who does not follow the chip's."""
        place = self.sight.place
        if self.rule is None or place.against == TARGET:
            return (), 0, ()
        runs = {place.backend: self.sight.found, place.against: self.sight.expected}
        own = Alternative("", "", "", self.rule)
        at_fault = tuple(name for name, trace in runs.items() if self._extent(own, trace) is None)
        if isinstance(self.rule, ShiftRule):
            tried = shift_alternatives(self.rule, self.program)
        else:
            tried = alternatives(self.rule, self.program)
        if not self.sight.before:
            tried = [each for each in tried if each.start == REST]
        causes = [cause for name in at_fault for cause in self._causes_of(name, runs[name], self.rule, tried)]
        return tuple(causes), len(tried), at_fault

    def _causes_of(self, name: str, trace: Trace, rule: AnyRule, tried: Sequence[Alternative]) -> list[Cause]:
        """Return the rules that give all that a backend recorded, or else those that give the neuron's tick."""
        found = self._fitting(name, trace, tried)
        if not any(cause.ticks for cause in found) and self._is_all_known:
            found += self._fitting(name, trace, list(self._other_synapses(rule, trace)))
        longest = max((cause.ticks for cause in found), default=0)
        return [cause for cause in found if cause.ticks == longest]

    def _fitting(self, name: str, trace: Trace, tried: Sequence[Alternative]) -> list[Cause]:
        extents = [(each, self._extent(each, trace)) for each in tried]
        return [Cause(name, each.aspect, each.name, each.text, ticks) for each, ticks in extents if ticks is not None]

    def _extent(self, alternative: Alternative, trace: Trace) -> int | None:
        """Return for how many ticks from the difference on a rule gives all that was recorded.

        0 where it gives the neuron's values there and no more; None where it does not give those, or something else
        before.
        """
        place, neuron = self.sight.place, self.sight.neuron
        start = self._last_agreed if alternative.is_local else self._inherited(alternative)
        if start.tick == place.tick and alternative.is_local:
            ticks = replay(alternative.rule, self.program, self.sight.inputs, start, only=neuron)
            if self._differs(trace, place.tick, next(_shown(alternative, ticks, self.program)))[neuron]:
                return None
        if isinstance(alternative.rule, ShiftRule) and alternative.is_local:
            start = Start.at_rest(self.program)  # what would have differed before is none
        ticks = replay(alternative.rule, self.program, self.sight.inputs, start)
        whole = True
        for now, shown in enumerate(_shown(alternative, ticks, self.program), start.tick):
            differs = self._differs(trace, now, shown)
            if now < place.tick and differs.any():
                return None
            if now == place.tick and differs[neuron]:
                return None
            whole &= not differs.any()
            if now >= place.tick and not whole:
                return 0
        return len(trace.spikes) - place.tick

    def _differs(self, trace: Trace, now: int, shown: tuple[Tick, Tick, bool]) -> Raster:
        """Tell of each neuron whether what was recorded of it in a tick differs."""
        state, fired, shows_reached = shown
        differs = np.zeros(self.program.n_neurons, np.bool_)
        differs[self.sight.neurons] = trace.spikes[now] != fired.spikes[self.sight.neurons]
        if trace.currents is not None and trace.potentials is not None:
            potential = state.reached if shows_reached else state.potential
            differs |= (trace.currents[now] != state.current) | (trace.potentials[now] != potential)
        return differs

    def _inherited(self, alternative: Alternative) -> Start:
        """Return the start of the pattern under a rule by which it may inherit from those before."""
        start = rest = Start.at_rest(self.program)
        if alternative.start == REST:
            return rest
        longest = int(self.program.delay.max(initial=1))
        for raster in self.sight.before:
            ticks = list(replay(alternative.rule, self.program, raster, start))
            own = np.concatenate([raster, np.stack([tick.sent for tick in ticks])], axis=1)
            lines = np.concatenate([start.lines, own])[-longest:]
            start = Start(
                0,
                ticks[-1].current if alternative.start in (STATE, EVERYTHING) else rest.current,
                ticks[-1].potential if alternative.start in (STATE, EVERYTHING) else rest.potential,
                lines if alternative.start in (SPIKES, EVERYTHING) else rest.lines,
            )
        return start

    def _other_synapses(self, rule: AnyRule, trace: Trace) -> Iterator[Alternative]:
        """Yield the rules under which one synapse of the neuron acts otherwise, and the current comes out as found."""
        place = self.sight.place
        if place.quantity != "currents":
            return
        if isinstance(rule, ShiftRule):
            yield from self._other_shifted_synapses(rule, place.found if trace is self.sight.found else place.expected)
            return
        excess = (place.found - place.expected) * (1 if trace is self.sight.found else -1)
        if excess % (1 << rule.input_shift):
            return
        excess >>= rule.input_shift
        yield from self._other_weights(rule, excess)
        yield from self._other_delays(rule, excess)

    def _other_shifted_synapses(self, rule: ShiftRule, found: int) -> Iterator[Alternative]:
        """Yield those among all weights that a synapse may have, and delays of one tick more or less."""
        program, neuron, start = self.program, self.sight.neuron, self._last_agreed

        def gives(other: ShiftRule) -> bool:
            tick = next(other.replay(program, self.sight.inputs, start, only=neuron))
            return int(tick.current[neuron]) == found

        for arrival in islice(self._arrivals(), SYNAPSES_TRIED):
            step = 1 << int(program.exponent[arrival.synapse])
            for weight in range(-128 * step, 128 * step, step):
                other = rule.with_synapse(arrival.synapse, weight=weight, exponent=0)
                if gives(other):
                    yield self._with_other_weight(other, arrival, weight)
        for synapse in np.flatnonzero(program.post == neuron)[:SYNAPSES_TRIED].tolist():
            for delay in (0, 2) if program.pre[synapse] < program.n_inputs else (2,):
                other = rule.with_synapse(synapse, delay=delay)
                if gives(other):
                    text = f"behaves as if synapse {synapse} had a delay of {delay}, not 1"
                    yield Alternative("delay", f"synapse {synapse} delay", text, other)

    def _with_other_weight(self, rule: AnyRule, arrival: Arrival, weight: int) -> Alternative:
        does = f"acts with weight {weight}, not {arrival.weight}" if weight else "does not act"
        text = f"behaves as if synapse {arrival.synapse} ({arrival.source} to neuron {self.sight.neuron}) {does}"
        return Alternative("weight", f"synapse {arrival.synapse} weight", text, rule)

    def _other_weights(self, rule: Rule, excess: int) -> Iterator[Alternative]:
        for arrival in islice(self._arrivals(), SYNAPSES_TRIED):
            weight = arrival.weight + excess
            other = with_synapse(rule, arrival.synapse, weight=weight, exponent=0)
            yield self._with_other_weight(other, arrival, weight)

    def _other_delays(self, rule: Rule, excess: int) -> Iterator[Alternative]:
        tick, lines, synapses = self.sight.place.tick, self._lines, Synapses.of(self.program)
        for synapse in np.flatnonzero(synapses.post == self.sight.neuron)[:SYNAPSES_TRIED].tolist():
            line, delay, weight = (
                int(each[synapse]) for each in (synapses.pre, synapses.delay, synapses.effective_weight)
            )
            for other in (delay - 1, delay + 1):
                heard = [each <= tick and each > 0 and bool(lines[tick - each, line]) for each in (delay, other)]
                if other > 0 and weight * (heard[1] - heard[0]) == excess != 0:
                    text = f"behaves as if synapse {synapse} had a delay of {other}, not {delay}"
                    wired = with_synapse(rule, synapse, delay=other)
                    yield Alternative("delay", f"synapse {synapse} delay", text, wired)


def _shown(alternative: Alternative, ticks: Iterator[Tick], program: Program) -> Iterator[tuple[Tick, Tick, bool]]:
    """Yield, for each tick of the record, the tick whose states it shows, the one whose spikes, and which potential."""
    states, fired = (
        _late(each, lag, program)
        for each, lag in zip(tee(ticks), (alternative.state_lag, alternative.spike_lag), strict=True)
    )
    for state, spikes in zip(states, fired, strict=False):
        yield state, spikes, alternative.shows_reached


def _late(ticks: Iterator[Tick], lag: int, program: Program) -> Iterator[Tick]:
    """Return the ticks, late by a tick (rest comes first), early by one, or as they are."""
    if lag < 0:
        return islice(ticks, 1, None)
    rest = Start.at_rest(program).current
    return chain([Tick(rest, rest, rest.astype(np.bool_), rest)] * lag, ticks)
