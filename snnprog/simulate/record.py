"""Recording of patterns that run in parallel, tick by tick."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from snnprog.arrays import Bytes, Int64s, Raster
from snnprog.program import Program
from snnprog.trace import Excursion, Trace, as_states


def side_by_side(inputs: Sequence[Raster], n_inputs: int) -> Bytes:
    """Return the stimuli ``(ticks, patterns, inputs)``, padded at their end to the longest."""
    longest = max((len(raster) for raster in inputs), default=0)
    stimulus = np.zeros((longest, len(inputs), n_inputs), dtype=np.uint8)
    for index, raster in enumerate(inputs):
        stimulus[: len(raster), index] = raster
    return stimulus


class Record:
    """Collects the contents of traces, tick by tick.

    Parameters
    ----------
    program : Program
    lengths : list of int
        Ticks of each pattern.
    state : bool
        Whether currents and potentials are recorded.
    first_tick : int
        The number of the first tick.
    noted : collection of int
        Neurons whose first excursion was earlier.
    """

    def __init__(
        self,
        program: Program,
        lengths: list[int],
        *,
        state: bool,
        first_tick: int = 0,
        noted: Collection[int] = (),
    ) -> None:
        self.program, self.lengths = program, lengths
        shape = (max(lengths, default=0), len(lengths), program.n_neurons)
        self.spikes = np.zeros(shape, np.bool_)
        self.states = np.zeros((2, *shape), np.int64) if state else None
        self.excursions: list[dict[int, Excursion]] = [{} for _ in lengths]
        self._watched = {
            watch.step: (program.chip.rule.step(watch.step).target, watch.limit) for watch in program.chip.rule.watched
        }
        self._tick, self._first_tick, self._noted = 0, first_tick, noted

    def note(self, tick: int, spikes: Raster, current: Int64s, potential: Int64s) -> None:
        """Record the spikes of all neurons ``(patterns, neurons)`` in a tick, and their states after it."""
        self.spikes[tick] = spikes
        if self.states is not None:
            self.states[0, tick], self.states[1, tick] = current, potential
        self._tick = tick + 1

    def note_excursions(self, step: str, values: Int64s) -> None:
        """Record where values ``(patterns, neurons)`` have left the range in which all runtimes agree."""
        (quantity, limit), tick = self._watched[step], self._tick
        is_beyond = np.abs(values) >= limit
        if not is_beyond.any():
            return
        for pattern, neuron in np.argwhere(is_beyond):
            is_first = neuron not in self.excursions[pattern] and neuron not in self._noted
            if is_first and tick < self.lengths[pattern]:
                value, at = int(values[pattern, neuron]), self._first_tick + tick
                self.excursions[pattern][int(neuron)] = Excursion(at, int(neuron), quantity, value, limit)

    def traces(self) -> list[Trace]:
        """Return one trace per pattern."""
        return [
            Trace(
                spikes=self.spikes[:length, index][:, self.program.outputs],
                currents=None if self.states is None else as_states(self.states[0, :length, index]),
                potentials=None if self.states is None else as_states(self.states[1, :length, index]),
                excursions=tuple(self.excursions[index].values()),
            )
            for index, length in enumerate(self.lengths)
        ]
