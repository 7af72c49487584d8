"""Potentials before the reset, from recorded states: what was compared with the threshold.

A trace holds what a tick leaves, where a neuron that fired has lost its potential. What it had reached follows from
the current of the same tick and the potential of the tick before, by the chip's own rule.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snnprog.chips import Semantics, ShiftSemantics, find_chip
from snnprog.program import Program
from snnprog.simulate.reference import clip_potential, scale_toward_zero
from snnprog.simulate.shifts import clip_state, shifted_loss
from snnprog.trace import Trace

Int64s = NDArray[np.int64]


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
    semantics = find_chip(program.chip).semantics
    if isinstance(semantics, ShiftSemantics):
        return _shifted(program, semantics, before, current)
    factor = (1 << semantics.decay_bits) - program.potential_decay.astype(np.int64)
    kept = scale_toward_zero(before, factor, semantics.decay_bits)
    return clip_potential(kept + current + program.bias, semantics.potential_bits)


def _shifted(program: Program, semantics: ShiftSemantics, before: Int64s, current: Int64s) -> Int64s:
    bits = semantics.potential_bits
    change = -shifted_loss(before, program.potential_decay.astype(np.int64))
    change = np.where(change == 1 << bits, -(1 << bits), change)
    for part in (current, program.bias.astype(np.int64), before):
        change = clip_state(change + part, bits)
    return change


def thresholds_in_units(program: Program) -> Int64s:
    """Return each neuron's threshold ``(neurons,)`` in units of the potential."""
    return program.threshold.astype(np.int64) << find_chip(program.chip).semantics.input_shift


def fires(semantics: Semantics, potentials: Int64s, thresholds: Int64s) -> NDArray[np.bool_]:
    """Return which potentials before the reset are spikes."""
    return potentials >= thresholds if semantics.is_equal_a_spike else potentials > thresholds
