"""Associative memories: stored rasters that a network falls back into."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Raster
from snnprog.calls import call_checked
from snnprog.checks import as_integer
from snnprog.chips import Chip, find_chip
from snnprog.errors import SpecError
from snnprog.spec import Pattern, Spec
from snnprog.spec.options import as_delays
from snnprog.specs.needs import check_delays, no_memory
from snnprog.specs.rhythms import as_periods

USUAL_DELAYS = range(1, 11)
"""Default delays. At 200 neurons, rasters of 50 ticks, a rate of 5 % and ``lead=20``, with a fifth of the spikes of a
cue deleted and as many added, 24, 99 and 100 of 100 cues of ten memories were recalled with delays to 1, 2 and 4; of 40
memories, 99 of 100 with delays to 8, and 999 of 1000 with delays to 10 (``benchmarks/memories.py``)."""

LEAD_IN_DELAYS = 2
"""Default silence at the start of a cue, in units of the longest delay. Once is needed to have heard as many ticks of
the cue as the delays reach back. At 100 neurons, with 20 memories and delays to 8, factors of 0.5, 1, 2, 3 and 5 led to
284, 290, 297, 298 and 292 of 300 such cues recalled."""


@call_checked
def memory(
    rasters: ArrayLike | Sequence[ArrayLike],
    *,
    delays: Iterable[int] = USUAL_DELAYS,
    lead: int | None = None,
    chip: str | Chip = "loihi1",
) -> Spec:
    """Return the spec of an associative memory: it falls back into a stored raster after a cue, and repeats it forever.

    A cue is one period of a raster, on one input line per neuron, then silence. The neurons are silent in the first
    ticks of the cue, then they join in: from tick ``lead`` on, they spike as in the raster, in phase with the
    cue, and go on when the cue has ended. All neurons are outputs, and each feeds all.

    A program that is exact on the spec repeats the rasters forever after a perfect cue: after the cue the neurons'
    spikes depend only on those of the last ticks, and the spec has all phases of each raster. The margins that the
    compiler finds let it tolerate cues with missing and additional spikes, too, which the spec says nothing about:
    `snnprog.prove_recall` proves it for every cue with a few changed bins, and `snnprog.measure_recall` measures it for
    cues with many.

    Parameters
    ----------
    rasters : (memories, ticks, neurons) bool, or a sequence of (ticks, neurons) bool
        One period of each memory; all have as many neurons, and each is longer than ``lead``. Memories should be
        sparse and differ as random ones do: where two agree for as many ticks as the longest delay and go on
        differently, there is no program.
    delays : iterable of int
        The delays of all synapses. More delays make recall more robust, and take more synapses: two for each pair of
        neurons and each delay.
    lead : int, optional
        The first ticks of a cue, in which the neurons are silent; twice the longest delay, but at most half of
        the shortest raster, by default.
    chip : str or Chip
        The target chip: a registered name, or a `Chip`.

    Raises
    ------
    SpecError
        If no raster is given, one is malformed or not longer than ``lead``, or the chip's neurons have memory.
    """
    periods, chip = as_periods(rasters), find_chip(chip)
    offered = as_delays(delays)
    check_delays("memory", chip, delays=offered, advice="take shorter delays")
    shortest = min(len(period) for period in periods)
    if shortest < 2:
        raise SpecError(f"rasters must have at least 2 ticks each, so that lead is less, got {shortest}")
    usual = min(LEAD_IN_DELAYS * max(offered), shortest // 2)
    lead = usual if lead is None else as_integer("lead", lead)
    if not 0 < lead < shortest:
        raise SpecError(f"lead must be from 1 to {shortest - 1}, less than the shortest raster, got {lead}")
    patterns = [_pattern(period, lead=lead, longest=max(offered)) for period in periods]
    return Spec(patterns, offered, recurrent=True, dynamics=no_memory("memory", chip), chip=chip)


def _pattern(period: Raster, *, lead: int, longest: int) -> Pattern:
    """Return a cue and its silence: until the last spike of the cue has arrived, and one period more."""
    ticks = len(period) + longest + len(period)
    inputs, targets = np.zeros((ticks, period.shape[1]), np.bool_), repeated(period, ticks)
    inputs[: len(period)] = period
    targets[:lead] = False
    return Pattern(inputs, targets)


def repeated(period: Raster, ticks: int) -> Raster:
    """Return the first ticks of a raster that repeats."""
    found: Raster = period[np.arange(ticks) % len(period)]
    return found
