"""Potentials before the reset, from recorded states: what was compared with the threshold.

A trace holds what a tick leaves, where a neuron that fired has lost its potential. What it had reached follows from
the current of the same tick and the potential of the tick before, by the chip's own rule. In a refractory
period it is 0.
"""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.chips import Semantics, ShiftSemantics
from snnprog.program import Program
from snnprog.simulate.reference import clip_potential, scale_toward_zero
from snnprog.simulate.shifts import clip_state, shifted_loss
from snnprog.trace import Trace


def potentials_before_reset(program: Program, trace: Trace) -> Int64s:
    """Return what each neuron's potential had reached at each tick, ``(ticks, neurons)``, in the chip's units.

    Parameters
    ----------
    trace : Trace
        A run from rest of this program, with its states.
    """
    assert trace.currents is not None
    assert trace.potentials is not None
    current = trace.currents.astype(np.int64)
    before: Int64s = np.zeros_like(current)
    before[1:] = trace.potentials[:-1]
    semantics = program.chip.semantics
    if isinstance(semantics, ShiftSemantics):
        return _shifted(program, semantics, before, current)
    factor = (1 << semantics.decay_bits) - program.potential_decay.astype(np.int64)
    kept = scale_toward_zero(before, factor, semantics.decay_bits)
    reached = clip_potential(kept + current + program.bias, semantics.potential_bits)
    reached[is_held(program, reached)] = 0
    return reached


def _shifted(program: Program, semantics: ShiftSemantics, before: Int64s, current: Int64s) -> Int64s:
    bits = semantics.potential_bits
    change = -shifted_loss(before, program.potential_decay.astype(np.int64))
    change = np.where(change == 1 << bits, -(1 << bits), change)
    for part in (current, program.bias.astype(np.int64), before):
        change = clip_state(change + part, bits)
    return change


def is_held(program: Program, potentials: Int64s) -> Raster:
    """Return where ``(ticks, neurons)`` a neuron is in its refractory period, from what its potentials would be."""
    held: Raster = np.zeros(potentials.shape, dtype=np.bool_)
    if not program.has_refractory:
        return held
    semantics, thresholds = program.chip.semantics, thresholds_in_units(program)
    held_for: Int64s = np.zeros(program.n_neurons, dtype=np.int64)
    for tick, potential in enumerate(potentials):
        held[tick] = held_for > 0
        spikes = fires(semantics, potential, thresholds) & ~held[tick]
        held_for = np.where(spikes, program.refractory - 1, np.maximum(held_for - 1, 0))
    return held


def thresholds_in_units(program: Program) -> Int64s:
    """Return each neuron's threshold ``(neurons,)`` in units of the potential."""
    return program.threshold.astype(np.int64) << program.chip.semantics.input_shift


def fires(semantics: Semantics, potentials: Int64s, thresholds: Int64s) -> Raster:
    """Return which potentials before the reset are spikes."""
    return potentials >= thresholds if semantics.is_equal_a_spike else potentials > thresholds
