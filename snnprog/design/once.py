"""Neurons that could spike several times in a tick, and are to spike once: each of their ticks is examined twice.

A hidden neuron of Xylo spikes as often in a tick as its potential holds thresholds, and all that it feeds receive every
one. A raster says once or not at all, so a tick with a spike asks for two things: that the potential reaches the
threshold, and that what the reset leaves of it does not. The second is a silence like any other,::

    V[k] - τ'[k] θ < 0 ,    τ'[k] = 1 + Σ γ^(k-s)  over the spikes s before k, and at k

so every pattern stands on the tape twice: first as it is before the resets, then as it is after them. Where no spike
is due, both ask for the same. Readout neurons need none of this: there the chip itself allows one spike per tick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from snnprog.arrays import Raster
from snnprog.potential import NO_RESET, PotentialMap, Resets, Tape, Ticks
from snnprog.rules.linear import SUBTRACT, LinearRule


@dataclass(frozen=True, eq=False)
class _TwiceTape(Tape):
    """The ticks of all patterns, and then all of them again."""

    def where(self, tick: int) -> tuple[int, int]:
        """Return (pattern, tick in the pattern), whichever look it is."""
        pattern, local = super().where(tick)
        return pattern % (len(self.lengths) // 2), local


class OnceMap(PotentialMap):
    """The map of neurons that must not spike twice in a tick; resets subtract the threshold.

    Parameters
    ----------
    presynaptic, delays, linear
        As for `PotentialMap`.
    """

    tape: Tape

    def __init__(self, presynaptic: Sequence[Raster], delays: Sequence[int], linear: LinearRule) -> None:
        super().__init__([*presynaptic, *presynaptic], delays, linear)
        self.tape = _TwiceTape(self.tape.lengths, self.tape.padding)

    @cached_property
    def played(self) -> Tape:
        """The ticks as they are played, each once."""
        return Tape(self.tape.lengths[: len(self.tape.lengths) // 2], self.tape.padding)

    def at_every_look(self, ticks: Raster) -> Raster:
        """See `PotentialMap.at_every_look`."""
        return np.tile(ticks, 2)

    def due_of(self, spikes: Raster) -> Raster:
        """See `PotentialMap.due_of`: after a reset, silence."""
        return np.concatenate([spikes, np.zeros_like(spikes)])

    @cached_property
    def is_after_reset(self) -> Raster:
        """See `PotentialMap.is_after_reset`."""
        return np.repeat([False, True], self.played.ticks)

    def resets(self, spikes: Raster, lasting: int | None = None) -> Resets:
        """Return the resets of a neuron that fires at ``spikes`` (ticks,); there are no refractory periods here."""
        ticks, fired = self.tape.ticks, self.at_every_look(spikes).astype(np.float64)
        if self.linear.reset != SUBTRACT:
            own = super().resets(self.at_every_look(spikes), lasting)
            return replace(own, threshold_response=own.threshold_response + fired * self.is_after_reset)
        taken = self.tape.filtered(fired, self.gamma)
        last: Ticks = np.full(ticks, NO_RESET)
        return Resets(last, last, np.zeros(ticks), 1.0 + np.where(self.is_after_reset, taken, taken - fired))


def map_of(
    presynaptic: Sequence[Raster], delays: Sequence[int], linear: LinearRule, *, is_heard_often: bool
) -> PotentialMap:
    """Return the map of neurons; ``is_heard_often`` if others would receive each of several spikes in a tick."""
    kind = OnceMap if is_heard_often else PotentialMap
    return kind(presynaptic, delays, linear)
