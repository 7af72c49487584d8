"""Decoding of output spikes to the outputs of an artificial network, or to a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster


@dataclass(frozen=True, eq=False)
class SpikeCounts:
    """Decoder by counts of output spikes while a sample reaches the outputs.

    Attributes
    ----------
    ticks : int
        That a sample lasts.
    latency : int
        The tick of the program at which it reaches the outputs.
    unit : (outputs,) float
        The value of an output that spikes in every tick.
    offset : float
        Amount added to all outputs.
    """

    ticks: int
    latency: int
    unit: Floats
    offset: float = 0.0

    def counts(self, spikes: Sequence[Raster]) -> Int64s:
        """Return the spike counts (samples, outputs) of rasters ``(ticks, outputs)``."""
        return np.array([self._part(raster).sum(axis=0) for raster in spikes], np.int64).reshape(-1, self.unit.size)

    def values(self, spikes: Sequence[Raster]) -> Floats:
        """Return the value of each output, (samples, outputs)."""
        values: Floats = self.counts(spikes) * (self.unit / self.ticks) - self.offset
        return values

    def decide(self, spikes: Sequence[Raster]) -> Int64s:
        """Return the output with most spikes, (samples,); for a tie, the one whose last spike came first.

        With equal counts, the last spike of a more strongly driven output comes earlier. If these are also in one
        tick, the first output is returned.
        """
        parts = [self._part(raster) for raster in spikes]
        last = np.array([len(part) - part[::-1].argmax(axis=0) for part in parts]).reshape(-1, self.unit.size)
        decided: Int64s = (self.counts(spikes) * (self.ticks + 2) - last).argmax(axis=1)
        return decided

    def _part(self, raster: Raster) -> Raster:
        return raster[self.latency : self.latency + self.ticks]
