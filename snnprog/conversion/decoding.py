"""From output spikes back to the outputs of an artificial network, or to a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster


@dataclass(frozen=True, eq=False)
class SpikeCounts:
    """Counts of output spikes, within the time in which a sample reaches the outputs.

    Attributes
    ----------
    ticks : int
        That a sample lasts.
    latency : int
        The tick of the program in which it begins at the outputs.
    unit : (outputs,) float
        The value of an output that spikes in every tick.
    offset : float
        What was added to all outputs.
    """

    ticks: int
    latency: int
    unit: Floats
    offset: float = 0.0

    def counts(self, spikes: Sequence[Raster]) -> Int64s:
        """Return how often each output spikes, (samples, outputs), of rasters ``(ticks, outputs)``."""
        return np.array([self._part(raster).sum(axis=0) for raster in spikes], np.int64).reshape(-1, self.unit.size)

    def values(self, spikes: Sequence[Raster]) -> Floats:
        """Return the value that each output stands for, (samples, outputs)."""
        values: Floats = self.counts(spikes) * (self.unit / self.ticks) - self.offset
        return values

    def decide(self, spikes: Sequence[Raster]) -> Int64s:
        """Return the output with most spikes, (samples,); of several, the one whose last spike came first.

        The last spike of an output that was driven harder comes earlier, where counts are equal. If these are in one
        tick, too, the first output is taken.
        """
        parts = [self._part(raster) for raster in spikes]
        last = np.array([len(part) - part[::-1].argmax(axis=0) for part in parts]).reshape(-1, self.unit.size)
        decided: Int64s = (self.counts(spikes) * (self.ticks + 2) - last).argmax(axis=1)
        return decided

    def _part(self, raster: Raster) -> Raster:
        return raster[self.latency : self.latency + self.ticks]
