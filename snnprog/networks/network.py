"""What a NIR graph means, tick by tick: neurons, synapses with whole delays, and real numbers.

With steps of ``dt``, forward Euler as NIR's own users run it, and a spike being a 1 in its step, a `CubaLIF` is::

    u = (1 - dt/tau_syn) u + dt/tau_syn * w_in * S
    v = (1 - dt/tau_mem) v + dt/tau_mem * (v_leak + r u)
    z = 1 if v > v_threshold;   v = v_reset where z

a `LIF` the same with ``u = S``, and an `IF` ``v = v + dt * r * S``. Potentials are counted from ``v_reset``, where they
start, and the factors are put into the weights, so that all three are::

    u = current_kept * u + sum of weights that arrive;   v = potential_kept * v + u + bias;   v = 0 where v > threshold
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster


@dataclass(frozen=True, eq=False)
class NirNetwork:
    """A network in real numbers and whole ticks.

    Attributes
    ----------
    name : str
        Where it came from.
    dt_ms : float
        Milliseconds of a tick.
    n_inputs : int
        Lines: those of all Input nodes, by name.
    outputs : (outputs,) int
        The neurons that are read out: those of all Output nodes, by name.
    latency : (outputs,) int
        How many ticks later than in the graph each of them spikes: a graph's connection acts at once, a chip's one tick
        later.
    pre, post, delay : (synapses,) int
        As in a `Program`: ``pre < n_inputs`` is an input line, any other is neuron ``pre - n_inputs``.
    asked_delay : (synapses,) float
        The delay before it became whole, in ticks, latencies included.
    weight : (synapses,) float
    threshold, bias : (neurons,) float
        In units of the weights.
    current_kept, potential_kept : (neurons,) float
        The share that is left after one tick.
    notes : tuple of str
        What of the graph is not kept exactly, beside what rounding will change.
    """

    name: str
    dt_ms: float
    n_inputs: int
    outputs: Int64s
    latency: Int64s
    pre: Int64s
    post: Int64s
    delay: Int64s
    asked_delay: Floats
    weight: Floats
    threshold: Floats
    bias: Floats
    current_kept: Floats
    potential_kept: Floats
    notes: tuple[str, ...] = ()

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return int(self.threshold.size)

    def run(self, inputs: Sequence[Raster]) -> list[Raster]:
        """Return the spikes ``(ticks, neurons)`` of all neurons for each input raster, each from rest."""
        return [self._run(raster) for raster in inputs]

    def _run(self, raster: Raster) -> Raster:
        spikes = np.zeros((len(raster), self.n_neurons), dtype=np.bool_)
        queue = np.zeros((int(self.delay.max(initial=1)) + 1, self.n_neurons))
        current, potential = np.zeros((2, self.n_neurons))
        for tick, lines in enumerate(raster):
            slot = tick % len(queue)
            current = self.current_kept * current + queue[slot]
            queue[slot] = 0.0
            potential = self.potential_kept * potential + current + self.bias
            spikes[tick] = potential > self.threshold
            potential = np.where(spikes[tick], 0.0, potential)
            carried = np.flatnonzero(np.concatenate([lines, spikes[tick]])[self.pre])
            where = (tick + self.delay[carried]) % len(queue)
            np.add.at(queue, (where, self.post[carried]), self.weight[carried])
        return spikes
