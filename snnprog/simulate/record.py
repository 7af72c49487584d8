"""What a simulator takes down, tick by tick, of patterns that run side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.program import Program
from snnprog.trace import Excursion, Trace


def side_by_side(inputs: Sequence[Raster], n_inputs: int) -> Raster:
    """Return the stimuli ``(ticks, patterns, inputs)``, padded at their end to the longest."""
    longest = max((len(raster) for raster in inputs), default=0)
    stimulus = np.zeros((longest, len(inputs), n_inputs), dtype=np.bool_)
    for index, raster in enumerate(inputs):
        stimulus[: len(raster), index] = raster
    return stimulus


class Record:
    """Collects, tick by tick, what the traces will hold."""

    def __init__(self, lengths: list[int], spikes: Raster, state: bool) -> None:
        self.lengths, self.spikes = lengths, spikes
        self.states = np.zeros((2, *spikes.shape), np.int32) if state else None
        self.excursions: list[dict[int, Excursion]] = [{} for _ in lengths]

    def note(self, tick: int, spikes: Raster, current: Int64s, potential: Int64s) -> None:
        """Take down what all neurons did, and their states after the tick."""
        self.spikes[tick] = spikes
        if self.states is not None:
            self.states[0, tick], self.states[1, tick] = current, potential

    def note_excursions(self, tick: int, quantity: str, values: Int64s, limit: int) -> None:
        """Take down where values ``(patterns, neurons)`` have left the range on which all runtimes agree."""
        for pattern, neuron in np.argwhere(np.abs(values) >= limit):
            if neuron not in self.excursions[pattern] and tick < self.lengths[pattern]:
                value = int(values[pattern, neuron])
                self.excursions[pattern][int(neuron)] = Excursion(tick, int(neuron), quantity, value, limit)

    def traces(self, program: Program) -> list[Trace]:
        """Return one trace per pattern."""
        return [
            Trace(
                spikes=self.spikes[:length, index][:, program.outputs],
                currents=None if self.states is None else self.states[0, :length, index],
                potentials=None if self.states is None else self.states[1, :length, index],
                excursions=tuple(self.excursions[index].values()),
            )
            for index, length in enumerate(self.lengths)
        ]
