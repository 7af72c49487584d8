"""The first place where two runs of a pattern differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Int64s
from snnprog.divergence.places import Divergence
from snnprog.trace import Trace

QUANTITIES = ("currents", "potentials", "readout", "spikes")


def first_difference(
    names: tuple[str, str], pairs: Sequence[tuple[Trace, Trace]], *, first_pattern: int = 0
) -> Divergence | None:
    """Return the first difference of two runs, in the order of patterns, ticks, quantities and neurons; None if equal.

    Parameters
    ----------
    names : pair of str
        The backend that differs, and the one that it differs from.
    pairs : sequence of (Trace, Trace)
        The two traces of each pattern; quantities that one of them did not record are not compared.
    first_pattern : int
        The number of the first of these patterns.
    """
    for pattern, (found, expected) in enumerate(pairs, first_pattern):
        divergence = _first_in_pattern(names, pattern, found=found, expected=expected)
        if divergence is not None:
            return divergence
    return None


def _first_in_pattern(names: tuple[str, str], pattern: int, *, found: Trace, expected: Trace) -> Divergence | None:
    earliest: Divergence | None = None
    for quantity in QUANTITIES:
        ours, theirs = _values(expected, quantity), _values(found, quantity)
        if ours is None or theirs is None:
            continue
        ticks = np.flatnonzero((ours != theirs).any(axis=1))
        if ticks.size and (earliest is None or ticks[0] < earliest.tick):
            tick = int(ticks[0])
            neuron = int(np.flatnonzero(ours[tick] != theirs[tick])[0])
            values = int(ours[tick, neuron]), int(theirs[tick, neuron])
            earliest = Divergence(*names, pattern, tick, quantity, neuron, *values)
    return earliest


def _values(trace: Trace, quantity: str) -> Int64s | None:
    values: NDArray[np.generic] | None = getattr(trace, quantity)
    return None if values is None else values.astype(np.int64)
