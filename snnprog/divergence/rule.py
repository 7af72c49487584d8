"""One tick of a chip, step by step, with every step a value: so that a rule can be had that differs in one of them.

`rule_of` gives the chip's own, whose replay equals the reference simulator's run; `snnprog.divergence.alternatives`
holds the others. Axes are ``(neurons,)``: one pattern at a time.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Int64s, Raster
from snnprog.chips import Semantics
from snnprog.program import Program
from snnprog.simulate.reference import clip_potential, scale_toward_zero, wrap_arrivals, wrap_current

Hold = Callable[[Int64s], Int64s]
Scale = Callable[[Int64s, Int64s, int], Int64s]
REPLAYABLE = ("toward zero", "wrap", "clip", ">", "zero")


@dataclass(frozen=True, eq=False)
class Synapses:
    """The synapses as a rule uses them, each array ``(synapses,) int64``; ``weight << exponent`` is what one adds."""

    pre: Int64s
    post: Int64s
    delay: Int64s
    weight: Int64s
    exponent: Int64s

    @classmethod
    def of(cls, program: Program) -> Synapses:
        """Return a program's synapses."""
        return cls(**{field.name: getattr(program, field.name).astype(np.int64) for field in fields(cls)})

    @property
    def effective_weight(self) -> Int64s:
        """What each synapse adds when it carries a spike."""
        return self.weight << self.exponent


@dataclass(frozen=True, eq=False)
class Neurons:
    """The neurons' parameters as a rule uses them, each array ``(neurons,) int64``; decays as factors."""

    current_factor: Int64s
    potential_factor: Int64s
    bias: Int64s
    threshold: Int64s
    refractory: Int64s

    @classmethod
    def of(cls, program: Program, semantics: Semantics) -> Neurons:
        """Return a program's neurons."""
        scale = 1 << semantics.decay_bits
        return cls(
            current_factor=scale - semantics.current_decay_offset - program.current_decay.astype(np.int64),
            potential_factor=scale - program.potential_decay.astype(np.int64),
            bias=program.bias.astype(np.int64),
            threshold=program.threshold.astype(np.int64) << semantics.input_shift,
            refractory=program.refractory.astype(np.int64),
        )


@dataclass(frozen=True, eq=False)
class Tick:
    """What a tick leaves, each array ``(neurons,)``; ``reached`` is the potential before the reset."""

    current: Int64s
    potential: Int64s
    spikes: Raster
    reached: Int64s

    @property
    def sent(self) -> NDArray[np.generic]:
        """What the neurons' lines carry."""
        return self.spikes


@dataclass(frozen=True, eq=False)
class Start:
    """Where a replay begins.

    Attributes
    ----------
    tick : int
        The first to be computed.
    current, potential : (neurons,) int64
        After the tick before.
    lines : (ticks before, inputs + neurons) bool, or int where spikes of a tick are counted
        The spikes up to then, the last row those of the tick before.
    """

    tick: int
    current: Int64s
    potential: Int64s
    lines: NDArray[np.generic]

    @classmethod
    def at_rest(cls, program: Program) -> Start:
        """Return the start of a pattern."""
        rest = np.zeros(program.n_neurons, np.int64)
        return cls(0, rest, rest, np.zeros((0, program.n_inputs + program.n_neurons), np.bool_))


Reset = Callable[[Int64s, Int64s, Int64s, Raster], tuple[Int64s, Int64s]]


def same_synapses(synapses: Synapses, n_inputs: int) -> Synapses:
    """Return the synapses as the program has them."""
    return synapses


def same_neurons(neurons: Neurons) -> Neurons:
    """Return the neurons as the program has them."""
    return neurons


def reset_to_zero(current: Int64s, potential: Int64s, threshold: Int64s, spikes: Raster) -> tuple[Int64s, Int64s]:
    """Return current and potential after the spikes."""
    return current, np.where(spikes, 0, potential)


@dataclass(frozen=True)
class Rule:
    """One way to compute a tick; the fields stand in the order in which they act.

    Attributes
    ----------
    decay_bits, input_shift : int
        As in `snnprog.chips.Semantics`.
    wire, tune : callable
        What is made of the program's synapses (given the number of inputs) and neurons before anything runs.
    hold_arrivals, hold_current, hold_potential : callable
        What the registers hold of a value.
    scale_current, scale_potential : callable
        How a decay is computed.
    fires : callable
        (potential, threshold) → spikes.
    reset : callable
        (current, potential, threshold, spikes) → current and potential after the spikes.
    do_arrivals_decay : bool
        Whether what arrives is added before the current decays.
    is_current_late : bool
        Whether the potential adds the current of the tick before.
    """

    decay_bits: int
    input_shift: int
    hold_current: Hold
    hold_potential: Hold
    wire: Callable[[Synapses, int], Synapses] = same_synapses
    tune: Callable[[Neurons], Neurons] = same_neurons
    hold_arrivals: Hold = wrap_arrivals
    scale_current: Scale = scale_toward_zero
    scale_potential: Scale = scale_toward_zero
    fires: Callable[[Int64s, Int64s], Raster] = operator.gt
    reset: Reset = reset_to_zero
    do_arrivals_decay: bool = False
    is_current_late: bool = False

    def advance(self, neurons: Neurons, before: Tick, arriving: Int64s, is_held: Raster) -> Tick:
        """Return one tick, from the one before and the sum of the weights that arrive; held neurons stay at zero."""
        arrivals = self.hold_arrivals(arriving << self.input_shift)
        if self.do_arrivals_decay:
            unheld = self.scale_current(before.current + arrivals, neurons.current_factor, self.decay_bits)
        else:
            unheld = self.scale_current(before.current, neurons.current_factor, self.decay_bits) + arrivals
        current = self.hold_current(unheld)
        added = before.current if self.is_current_late else current
        kept = self.scale_potential(before.potential, neurons.potential_factor, self.decay_bits)
        reached = np.where(is_held, 0, self.hold_potential(kept + added + neurons.bias))
        spikes = self.fires(reached, neurons.threshold) & ~is_held
        after_current, potential = self.reset(current, reached, neurons.threshold, spikes)
        return Tick(after_current, potential, spikes, reached)


def rule_of(semantics: Semantics) -> Rule | None:
    """Return a chip's rule, or None where it is of a kind that this module cannot replay."""
    kinds = (
        semantics.rounding,
        semantics.current_overflow,
        semantics.potential_overflow,
        semantics.compare,
        semantics.reset,
    )
    if kinds != REPLAYABLE:
        return None
    return Rule(
        decay_bits=semantics.decay_bits,
        input_shift=semantics.input_shift,
        hold_current=partial(wrap_current, bits=semantics.current_bits),
        hold_potential=partial(clip_potential, bits=semantics.potential_bits),
    )


def replay(rule: Rule, program: Program, inputs: Raster, start: Start, only: int | None = None) -> Iterator[Tick]:
    """Yield the ticks of one pattern, from a start to the end of its inputs ``(ticks, inputs)``.

    Parameters
    ----------
    only : int, optional
        A neuron; others then hear nothing, which is quicker where no more than its first tick is needed.
    """
    neurons = rule.tune(Neurons.of(program, program.chip.semantics))
    queue = _Queue(rule.wire(Synapses.of(program), program.n_inputs), program, only)
    for age, lines in enumerate(start.lines[::-1], 1):
        if age > queue.max_delay:
            break
        queue.send(start.tick - age, lines, not_before=start.tick)
    quiet = np.zeros(program.n_neurons, np.bool_)
    last_spike = _last_spikes(start, program, neurons)
    tick = Tick(start.current, start.potential, quiet, start.potential)
    unheard = np.zeros(program.n_inputs, np.bool_)
    for now in range(start.tick, len(inputs)):
        queue.send(now, np.concatenate([inputs[now], quiet]), not_before=now)
        tick = rule.advance(neurons, tick, queue.take(now), now - last_spike < neurons.refractory)
        queue.send(now, np.concatenate([unheard, tick.spikes]), not_before=now + 1)
        last_spike[tick.spikes] = now
        yield tick


def _last_spikes(start: Start, program: Program, neurons: Neurons) -> Int64s:
    """Return when each neuron last spiked in the pattern before the start; long before it, if never."""
    spikes = start.lines[len(start.lines) - min(start.tick, len(start.lines)) :, program.n_inputs :]
    last = start.tick - 1 - np.argmax(spikes[::-1], axis=0) if len(spikes) else -neurons.refractory
    return np.where(spikes.any(axis=0), last, -neurons.refractory)


class _Queue:
    """The weights under way, by the tick in which they arrive and the neuron; synapses in the order of their lines."""

    def __init__(self, synapses: Synapses, program: Program, only: int | None) -> None:
        kept = np.arange(synapses.pre.size) if only is None else np.flatnonzero(synapses.post == only)
        order = kept[np.argsort(synapses.pre[kept], kind="stable")]
        lines = np.arange(program.n_inputs + program.n_neurons + 1)
        self.first = np.searchsorted(synapses.pre[order], lines)
        self.post, self.delay = synapses.post[order], synapses.delay[order]
        self.weight = synapses.effective_weight[order]
        self.max_delay = int(self.delay.max(initial=1))
        self.due = np.zeros((self.max_delay + 1, program.n_neurons), np.int64)

    def send(self, tick: int, lines: Raster, *, not_before: int) -> None:
        """Add the weights of the spikes of a tick, but for those that would arrive before another."""
        for line in np.flatnonzero(lines).tolist():
            reached = slice(self.first[line], self.first[line + 1])
            arrival = tick + self.delay[reached]
            is_due = arrival >= not_before
            place = arrival[is_due] % len(self.due), self.post[reached][is_due]
            np.add.at(self.due, place, self.weight[reached][is_due])

    def take(self, tick: int) -> Int64s:
        """Return what arrives in a tick, and forget it."""
        slot = tick % len(self.due)
        arriving: Int64s = self.due[slot].copy()
        self.due[slot] = 0
        return arriving


def with_synapse(rule: Rule, synapse: int, **changes: int) -> Rule:
    """Return the rule under which one synapse has another weight or delay."""

    def wire(synapses: Synapses, n_inputs: int) -> Synapses:
        arrays = {name: getattr(synapses, name).copy() for name in changes}
        for name, value in changes.items():
            arrays[name][synapse] = value
        return replace(synapses, **arrays)

    return replace(rule, wire=wire)
