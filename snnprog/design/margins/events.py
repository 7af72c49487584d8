"""The input spikes and the decays of one neuron, as the compiled passes over its ticks take them.

Taps are counted by unsigned integers, so that no index can be one from the end, which would cost a test per event.
They have 32 bits, because a pass is as fast as its events are read: an adjoint of 640,000 events takes .47 ms, not .75.
"""

from __future__ import annotations

from typing import NamedTuple

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


class Decays(NamedTuple):
    """The shares of the potential and of the current that a tick keeps, and ``alpha / (gamma - alpha)``."""

    gamma: float
    alpha: float
    kappa: float
