"""The input spikes and the decays of one neuron, as the compiled passes over its ticks take them.

Taps are counted by unsigned integers, so that no index can be one from the end, which would cost a test per event.
They have 32 bits, because a pass is as fast as its events are read: an adjoint of 640,000 events takes .47 ms, not .75.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from snnprog.arrays import Int64s, UInt32s

GOES_ON, RESETS, ENDS = 0, 1, 2  # after a tick


class Events(NamedTuple):
    """The input spikes of a neuron, and its resets.

    Attributes
    ----------
    first : (ticks + 1,) int
        Where the events of each tick begin in ``tap``.
    tap : (events,) int
        The tap that each event acts through.
    after : (ticks,) int
        Whether the potential goes on after a tick, is reset, or the pattern ends.
    """

    first: Int64s
    tap: UInt32s
    after: Int64s


class Bursts(NamedTuple):
    """The same input spikes where delays follow one another: each arrives in consecutive ticks.

    A spike meets the weights of its line, which stand side by side, so that a pass is a sum of vectors.

    Attributes
    ----------
    start, arrivals : (spikes,) int
        The tick of a spike's first arrival, and how many there are before its pattern ends.
    weight : (spikes,) int
        The weight of its line and the shortest delay, among those ordered by line, then delay.
    """

    start: UInt32s
    arrivals: UInt32s
    weight: UInt32s


class Decays(NamedTuple):
    """The shares of the potential and of the current that a tick keeps, and ``alpha / (gamma - alpha)``."""

    gamma: float
    alpha: float
    kappa: float


def bursts_of(events: Events, n_lines: int, n_delays: int) -> Bursts:
    """Return the events of consecutive delays as bursts, in the order of their first ticks."""
    is_first = events.tap < n_lines
    tick = np.repeat(np.arange(events.after.size), np.diff(events.first))[is_first]
    ends = np.flatnonzero(events.after == ENDS)
    left = ends[np.searchsorted(ends, tick)] + 1 - tick
    weight = events.tap[is_first] * np.uint32(n_delays)
    return Bursts(tick.astype(np.uint32), np.minimum(left, n_delays).astype(np.uint32), weight)
