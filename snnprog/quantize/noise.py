"""How much noise a program survives, seen in its integers.

Noise is what may be added to the potential where it is compared with the threshold: anything from ``-x`` to ``+x``, at
every tick anew, not integrated. It is survived if no comparison comes out otherwise: then no reset moves, and the next
tick starts from the same state. So every tick counts, those of don't-care bins too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from snnprog.chips import find_chip
from snnprog.program import Program
from snnprog.simulate.reference import clip_potential, scale_toward_zero
from snnprog.trace import Trace

Int64s = NDArray[np.int64]


def survived_noise(program: Program, traces: Sequence[Trace]) -> list[float]:
    """Return, per neuron, the most noise that a run survives, in weight LSBs; whole units of the potential count.

    Parameters
    ----------
    traces : sequence of Trace
        The reference simulator's, with states.
    """
    semantics = find_chip(program.chip).semantics
    threshold = program.threshold.astype(np.int64) << semantics.input_shift
    least = np.full(program.n_neurons, np.iinfo(np.int64).max)
    for trace in traces:
        compared = compared_potentials(program, trace)
        above = compared - threshold
        room = np.where(above > 0, above - 1, -above)
        least = np.minimum(least, room.min(axis=0, initial=np.iinfo(np.int64).max))
    survived: list[float] = (least / (1 << semantics.input_shift)).tolist()
    return survived


def compared_potentials(program: Program, trace: Trace) -> Int64s:
    """Return ``(ticks, neurons)``: the potential that is held against the threshold at each tick, before any reset."""
    assert trace.currents is not None, "a run must record its state"
    assert trace.potentials is not None, "a run must record its state"
    semantics = find_chip(program.chip).semantics
    factor = (1 << semantics.decay_bits) - program.potential_decay.astype(np.int64)
    before = np.zeros_like(trace.potentials, dtype=np.int64)
    before[1:] = trace.potentials[:-1]
    kept = scale_toward_zero(before, factor, semantics.decay_bits)
    return clip_potential(kept + trace.currents + program.bias, semantics.potential_bits)
