"""One tick of Xylo, step by step, with every step a value: what `snnprog.divergence.rule` is for Loihi.

`shift_rule_of` gives the chip's own, whose replay equals the reference simulator's run. Hidden neurons spike several
times in a tick, so what lines have sent is counted. Axes are ``(neurons,)``: one pattern at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.chips import ShiftSemantics
from snnprog.divergence.rule import Hold, Start, Synapses, Tick, same_synapses
from snnprog.program import Program
from snnprog.simulate.shifts import clip_state, shifted_loss

Loss = Callable[[Int64s, Int64s], Int64s]


@dataclass(frozen=True, eq=False)
class ShiftNeurons:
    """The neurons' parameters as a rule uses them, each array ``(neurons,) int64``; ``most`` is of spikes per tick."""

    current_shift: Int64s
    potential_shift: Int64s
    bias: Int64s
    threshold: Int64s
    most: Int64s

    @classmethod
    def of(cls, program: Program, semantics: ShiftSemantics) -> ShiftNeurons:
        """Return a program's neurons."""
        most = np.full(program.n_neurons, semantics.most_hidden_spikes, np.int64)
        most[program.outputs] = semantics.most_readout_spikes
        return cls(
            current_shift=program.current_decay.astype(np.int64),
            potential_shift=program.potential_decay.astype(np.int64),
            bias=program.bias.astype(np.int64),
            threshold=program.threshold.astype(np.int64),
            most=most,
        )


@dataclass(frozen=True, eq=False)
class CountedTick(Tick):
    """What a tick leaves; ``counts`` (neurons,) is how often each neuron has spiked."""

    counts: Int64s

    @property
    def sent(self) -> Int64s:
        """What the neurons' lines carry."""
        return self.counts


def same_values(values: Int64s) -> Int64s:
    """Return the values as they are."""
    return values


def same_neurons(neurons: ShiftNeurons) -> ShiftNeurons:
    """Return the neurons as the program has them."""
    return neurons


def count_thresholds(potential: Int64s, threshold: Int64s) -> Int64s:
    """Return how many thresholds a potential holds; not less than none."""
    counts: Int64s = np.maximum(potential, 0) // threshold
    return counts


def subtract_thresholds(potential: Int64s, threshold: Int64s, counts: Int64s) -> Int64s:
    """Return the potential without a threshold for each spike."""
    return potential - counts * threshold


def negate(values: Int64s, bits: int) -> Int64s:
    """Return the negative; that of ``-2**bits`` is the value itself."""
    return np.where(values == -(1 << bits), values, -values)


@dataclass(frozen=True)
class ShiftRule:
    """One way to compute a tick; the fields stand in the order in which they act.

    Attributes
    ----------
    hold_event, hold_sum : callable
        What the current's register holds after each line's spikes, and after all of them.
    lose_current, lose_potential : callable
        (values, shift) → what a decay takes.
    negate : callable
        The negative of what the potential's decay takes.
    hold_change, hold_potential : callable
        What the register holds of the sums that lead to the potential, and of the potential.
    count : callable
        (potential, threshold) → spikes.
    reset : callable
        (potential, threshold, spikes) → the potential after them.
    hear : callable
        (spikes of all lines) → what others hear of them.
    wire, tune : callable
        What is made of the program's synapses (given the number of inputs) and neurons before anything runs.
    does_current_decay_first : bool
        Whether the current decays before what arrives is added.
    does_potential_decay_last : bool
        Whether current and bias decay with the potential, in the tick in which they are added.
    is_current_late : bool
        Whether the potential adds the current of the tick before.
    is_current_reset : bool
        Whether a spike brings the current to zero.
    """

    hold_event: Hold
    hold_change: Hold
    hold_potential: Hold
    negate: Hold
    hold_sum: Hold = same_values
    lose_current: Loss = shifted_loss
    lose_potential: Loss = shifted_loss
    count: Callable[[Int64s, Int64s], Int64s] = count_thresholds
    reset: Callable[[Int64s, Int64s, Int64s], Int64s] = subtract_thresholds
    hear: Hold = same_values
    wire: Callable[[Synapses, int], Synapses] = same_synapses
    tune: Callable[[ShiftNeurons], ShiftNeurons] = same_neurons
    does_current_decay_first: bool = False
    does_potential_decay_last: bool = False
    is_current_late: bool = False
    is_current_reset: bool = False

    @property
    def refractory(self) -> int:
        """Ticks after a spike in which nothing happens; see `snnprog.divergence.rule.Rule`."""
        return 0

    def advance(self, neurons: ShiftNeurons, synapses: Synapses, before: Tick, heard: Int64s) -> CountedTick:
        """Return one tick, from the one before and the spikes ``(synapses,)`` that each synapse carries."""
        current = self._current(neurons, synapses, before.current, heard)
        flow = before.current if self.is_current_late else current
        if self.does_potential_decay_last:
            full = self.hold_potential(before.potential + flow + neurons.bias)
            reached = full - self.lose_potential(full, neurons.potential_shift)
        else:
            change = self.negate(self.lose_potential(before.potential, neurons.potential_shift))
            change = self.hold_change(self.hold_change(change + flow) + neurons.bias)
            reached = self.hold_potential(before.potential + change)
        counts = np.minimum(self.count(reached, neurons.threshold), neurons.most)
        spikes: Raster = counts > 0
        potential = self.reset(reached, neurons.threshold, counts)
        left = np.where(spikes, 0, current) if self.is_current_reset else current
        return CountedTick(left, potential, spikes, reached, counts)

    def _current(self, neurons: ShiftNeurons, synapses: Synapses, current: Int64s, heard: Int64s) -> Int64s:
        if self.does_current_decay_first:
            current = current - self.lose_current(current, neurons.current_shift)
        acting = np.flatnonzero(heard)
        added = heard[acting] * synapses.effective_weight[acting]
        for line in np.unique(synapses.pre[acting]).tolist():
            mine = synapses.pre[acting] == line
            unheld = current.copy()
            np.add.at(unheld, synapses.post[acting][mine], added[mine])
            current = self.hold_event(unheld)
        current = self.hold_sum(current)
        if self.does_current_decay_first:
            return current
        return current - self.lose_current(current, neurons.current_shift)

    def with_synapse(self, synapse: int, **changes: int) -> ShiftRule:
        """Return the rule under which one synapse has another weight or delay."""

        def wire(synapses: Synapses, n_inputs: int) -> Synapses:
            arrays = {name: getattr(synapses, name).copy() for name in changes}
            for name, value in changes.items():
                arrays[name][synapse] = value
            return replace(synapses, **arrays)

        return replace(self, wire=wire)

    def replay(self, program: Program, inputs: Raster, start: Start, only: int | None = None) -> Iterator[CountedTick]:
        """Yield the ticks of one pattern; see `snnprog.divergence.rule.replay`."""
        semantics = program.chip.semantics
        assert isinstance(semantics, ShiftSemantics), "only Xylo's programs have Xylo's rule"
        neurons = self.tune(ShiftNeurons.of(program, semantics))
        synapses = self.wire(Synapses.of(program), program.n_inputs)
        is_instant = (synapses.delay == 0) & (synapses.pre >= program.n_inputs)
        is_heard = np.full(synapses.pre.size, True) if only is None or is_instant.any() else synapses.post == only
        ahead = np.zeros((len(inputs) - start.tick, program.n_inputs + program.n_neurons), np.int64)
        ahead[:, : program.n_inputs] = inputs[start.tick :]
        sent, first = np.concatenate([start.lines.astype(np.int64), ahead]), len(start.lines)
        quiet = np.zeros(program.n_neurons, np.int64)
        tick = CountedTick(start.current, start.potential, quiet.astype(np.bool_), start.potential, quiet)
        for row in range(first, len(sent)):
            before, heard = tick, self._heard(synapses, sent[: row + 1]) * is_heard
            tick = self.advance(neurons, synapses, before, np.where(is_instant, 0, heard))
            sent[row, program.n_inputs :] = tick.counts
            if is_instant.any():
                tick = self.advance(neurons, synapses, before, self._heard(synapses, sent[: row + 1]) * is_heard)
                sent[row, program.n_inputs :] = tick.counts
            yield tick

    def _heard(self, synapses: Synapses, sent: Int64s) -> Int64s:
        """Return the spikes ``(synapses,)`` that reach the other end of each synapse in the last tick so far."""
        row = len(sent) - 1 - synapses.delay
        heard: Int64s = np.where(row >= 0, self.hear(sent[np.maximum(row, 0), synapses.pre]), 0)
        return heard


def shift_rule_of(semantics: ShiftSemantics) -> ShiftRule:
    """Return Xylo's rule."""
    hold_current, hold_potential = (
        partial(clip_state, bits=bits) for bits in (semantics.current_bits, semantics.potential_bits)
    )
    return ShiftRule(
        hold_event=hold_current,
        hold_change=hold_potential,
        hold_potential=hold_potential,
        negate=partial(negate, bits=semantics.potential_bits),
    )
