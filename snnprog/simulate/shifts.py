"""The reference simulator of Xylo's rule in plain NumPy: the executable statement of `ShiftSemantics`.

Every value is an int64 that holds what the chip's 16-bit registers hold; it is clipped where the chip clips, and the
first value that had to be is told in `Trace.excursions`. Axes are ``(patterns, neurons)``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.chips import Chip, ShiftSemantics
from snnprog.program import Program
from snnprog.simulate.record import Record, side_by_side
from snnprog.trace import Trace


def shifted_loss(values: Int64s, shift: Int64s) -> Int64s:
    """Return what a decay takes: ``values >> shift``, which floors, but at least 1 toward zero."""
    shifted = np.right_shift(values, shift)
    loss: Int64s = np.where(shifted == 0, np.sign(values), shifted)
    return loss


def clip_state(values: Int64s, bits: int) -> Int64s:
    """Return the values limited to ``-2**bits … 2**bits - 1``."""
    return np.clip(values, -(1 << bits), (1 << bits) - 1)


def simulate_shifts(
    program: Program, chip: Chip, semantics: ShiftSemantics, inputs: Sequence[Raster], *, state: bool
) -> list[Trace]:
    """Run a program on each input raster ``(ticks, inputs)``, each from rest; return one trace per raster."""
    stimulus = side_by_side(inputs, program.n_inputs)
    longest, shape = len(stimulus), (len(inputs), program.n_neurons)
    record = Record([len(raster) for raster in inputs], np.zeros((longest, *shape), np.bool_), state)
    neurons = _Neurons(program, chip, semantics, record)
    current: Int64s = np.zeros(shape, np.int64)
    potential: Int64s = np.zeros(shape, np.int64)
    sent: Int64s = np.zeros((len(inputs), program.n_inputs + program.n_neurons), np.int64)
    for tick in range(longest):
        current = neurons.arrive(tick, current, sent)
        current = current - shifted_loss(current, neurons.current_decay)
        potential = neurons.integrate(tick, potential, current)
        spikes: Int64s = np.minimum(np.maximum(potential, 0) // neurons.threshold, neurons.most_spikes)
        potential = potential - spikes * neurons.threshold
        sent = np.concatenate([stimulus[tick].astype(np.int64), spikes], axis=1)
        record.note(tick, spikes > 0, current, potential)
    return record.traces(program)


class _Neurons:
    """The parameters of all neurons, and where their excursions are told."""

    def __init__(self, program: Program, chip: Chip, semantics: ShiftSemantics, record: Record) -> None:
        self.program, self.chip, self.semantics, self.record = program, chip, semantics, record
        self.current_decay, self.potential_decay, self.threshold, self.bias = (
            values.astype(np.int64)
            for values in (program.current_decay, program.potential_decay, program.threshold, program.bias)
        )
        self.weight = program.effective_weight()
        self.most_spikes: Int64s = np.full(program.n_neurons, semantics.most_hidden_spikes, np.int64)
        self.most_spikes[program.outputs] = semantics.most_readout_spikes

    def arrive(self, tick: int, current: Int64s, sent: Int64s) -> Int64s:
        """Add the spikes ``(patterns, lines)`` of the tick before to the current, line after line.

        Several spikes of a line push the same way, so clipping after each is clipping after the last.
        """
        for line in np.flatnonzero(sent.any(axis=0)).tolist():
            mine = self.program.pre == line
            unclipped = current.copy()
            unclipped[:, self.program.post[mine]] += sent[:, line, None] * self.weight[mine]
            self.record.note_excursions(tick, "current", unclipped, self.chip.current_limit)
            current = clip_state(unclipped, self.semantics.current_bits)
        return current

    def integrate(self, tick: int, potential: Int64s, current: Int64s) -> Int64s:
        """Return the potential before the comparison: its decay, the current and the bias are summed up first."""
        bits = self.semantics.potential_bits
        change = -shifted_loss(potential, self.potential_decay)
        change = np.where(change == 1 << bits, -(1 << bits), change)
        for part in (current, self.bias, potential):
            unclipped: Int64s = change + part
            self.record.note_excursions(tick, "potential", unclipped, self.chip.potential_limit)
            change = clip_state(unclipped, bits)
        return change
