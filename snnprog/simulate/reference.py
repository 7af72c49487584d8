"""The reference simulator: the chip's integer rule in plain NumPy, written to be read beside the data sheet.

It is the executable statement of `snnprog.chips.Semantics`. Every value is an int64 that holds what the chip's narrower
registers hold: the widths are checked each tick, wrapped or clipped where the chip does so, and the first state beyond
the portable range is told in `Trace.excursions`. A refractory neuron's potential is 0, whatever it would have been.

Axes are ``(patterns, neurons)``: patterns run side by side, each from rest, padded at their end to the longest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.chips import Semantics, ShiftSemantics
from snnprog.program import Program
from snnprog.simulate.record import Record, side_by_side
from snnprog.simulate.shifts import simulate_shifts
from snnprog.trace import Trace


def scale_toward_zero(values: Int64s, factor: Int64s | int, bits: int) -> Int64s:
    """Return ``values * factor / 2**bits``, rounded toward zero: how every decay is computed."""
    magnitude = np.abs(values) * factor
    scaled: Int64s = np.sign(values) * np.right_shift(magnitude, bits)
    return scaled


def wrap_arrivals(values: Int64s) -> Int64s:
    """Return the values as a 32-bit register holds them."""
    return values.astype(np.int32).astype(np.int64)


def wrap_current(values: Int64s, bits: int) -> Int64s:
    """Return the values folded once into ``(-2**bits, 2**bits]``."""
    half = 1 << bits
    wrapped: Int64s = values - 2 * half * (values > half) + 2 * half * (values <= -half)
    return wrapped


def clip_potential(values: Int64s, bits: int) -> Int64s:
    """Return the values limited to ``±(2**bits - 1)``."""
    top = (1 << bits) - 1
    return np.clip(values, -top, top)


@dataclass(frozen=True)
class _Neurons:
    """The parameters of all neurons, as the rule uses them."""

    current_factor: Int64s
    potential_factor: Int64s
    bias: Int64s
    threshold: Int64s
    refractory: Int64s

    @classmethod
    def of(cls, program: Program, semantics: Semantics) -> _Neurons:
        scale = 1 << semantics.decay_bits
        return cls(
            current_factor=scale - semantics.current_decay_offset - program.current_decay.astype(np.int64),
            potential_factor=scale - program.potential_decay.astype(np.int64),
            bias=program.bias.astype(np.int64),
            threshold=program.threshold.astype(np.int64) << semantics.input_shift,
            refractory=program.refractory.astype(np.int64),
        )


@dataclass(frozen=True)
class _Synapses:
    """The synapses, ordered by the line that they leave."""

    first: Int64s
    slot: Int64s
    weight: Int64s

    @classmethod
    def of(cls, program: Program) -> _Synapses:
        order = np.argsort(program.pre, kind="stable")
        counts = np.bincount(program.pre, minlength=program.n_inputs + program.n_neurons)
        slot = (program.delay.astype(np.int64) - 1) * program.n_neurons + program.post
        return cls(np.concatenate([[0], np.cumsum(counts)]), slot[order], program.effective_weight()[order])

    def deliver(self, fired: Raster, queue: Int64s) -> None:
        """Add the weights of all spikes ``(patterns, lines)`` to the queue ``(patterns, delays, neurons)``."""
        pattern, line = np.nonzero(fired)
        counts = self.first[line + 1] - self.first[line]
        ends = np.cumsum(counts)
        synapse = np.arange(counts.sum()) + np.repeat(self.first[line] - (ends - counts), counts)
        size = queue[0].size
        np.add.at(queue.reshape(-1), np.repeat(pattern, counts) * size + self.slot[synapse], self.weight[synapse])


def simulate(program: Program, inputs: Sequence[Raster], *, state: bool = False) -> list[Trace]:
    """Run a program on each input raster ``(ticks, inputs)``, each from rest; return one trace per raster.

    Shapes are the caller's affair: `snnprog.backends.run` checks them.
    """
    chip = program.chip
    if isinstance(chip.semantics, ShiftSemantics):
        return simulate_shifts(program, chip, chip.semantics, inputs, state=state)
    neurons, synapses = _Neurons.of(program, chip.semantics), _Synapses.of(program)
    stimulus = side_by_side(inputs, program.n_inputs)
    longest, shape = len(stimulus), (len(inputs), program.n_neurons)
    record = Record([len(raster) for raster in inputs], np.zeros((longest, *shape), np.bool_), state)
    current: Int64s = np.zeros(shape, np.int64)
    potential: Int64s = np.zeros(shape, np.int64)
    queue: Int64s = np.zeros((len(inputs), program.max_delay, program.n_neurons), np.int64)
    held_for: Int64s = np.zeros(shape, np.int64)
    for tick in range(longest):
        arrivals: Int64s = queue[:, 0] << chip.semantics.input_shift
        unwrapped = _unwrapped_current(chip.semantics, neurons, current, arrivals)
        current = wrap_current(unwrapped, chip.semantics.current_bits)
        unclipped = _unclipped_potential(chip.semantics, neurons, potential, current)
        unclipped = np.where(held_for > 0, 0, unclipped)
        potential = clip_potential(unclipped, chip.semantics.potential_bits)
        spikes: Raster = potential > neurons.threshold
        potential = np.where(spikes, 0, potential)
        held_for = np.where(spikes, neurons.refractory - 1, np.maximum(held_for - 1, 0))
        queue = np.concatenate([queue[:, 1:], np.zeros_like(queue[:, :1])], axis=1)
        synapses.deliver(np.concatenate([stimulus[tick], spikes], axis=1), queue)
        record.note(tick, spikes, current, potential)
        record.note_excursions(tick, "arrivals", arrivals, chip.arrival_limit)
        record.note_excursions(tick, "current", unwrapped, chip.current_limit)
        record.note_excursions(tick, "potential", unclipped, chip.potential_limit)
    return record.traces(program)


def _unwrapped_current(semantics: Semantics, neurons: _Neurons, current: Int64s, arrivals: Int64s) -> Int64s:
    kept = scale_toward_zero(current, neurons.current_factor, semantics.decay_bits)
    return kept + wrap_arrivals(arrivals)


def _unclipped_potential(semantics: Semantics, neurons: _Neurons, potential: Int64s, current: Int64s) -> Int64s:
    kept = scale_toward_zero(potential, neurons.potential_factor, semantics.decay_bits)
    unclipped: Int64s = kept + current + neurons.bias
    return unclipped
