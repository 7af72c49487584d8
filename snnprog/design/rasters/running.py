"""Free runs of real weights: their own spikes, with the resets of these spikes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.design.problem import NeuronProblem
from snnprog.fixed_order import power
from snnprog.jit import compiled
from snnprog.potential import PotentialMap
from snnprog.rules.linear import SUBTRACT


def free_run(problem: NeuronProblem, weights: Floats, *, threshold: float, bias: float) -> Raster:
    """Return the spikes (ticks,) that one neuron gives under the presynaptic spikes of its problem."""
    free = _without_resets(problem, weights, bias=bias)
    mapping = problem.potential_map
    spikes: Raster = _free_run(free, mapping.gamma, threshold, mapping.played.pattern, _reset(mapping, threshold))
    return spikes


def windowed_run(problem: NeuronProblem, weights: Floats, *, threshold: float, bias: float, windows: Int64s) -> Raster:
    """Return the spikes (ticks,) of a neuron that is made to fire once in each window, and nowhere else.

    In a window it fires where it first exceeds the threshold, else where it comes nearest.

    Parameters
    ----------
    windows : (spikes, 2) int
        The first and the last tick of each; both increase from one window to the next.
    """
    free = _without_resets(problem, weights, bias=bias)
    mapping, pattern = problem.potential_map, problem.potential_map.played.pattern
    spikes: Raster = _windowed_run(free, mapping.gamma, threshold, pattern, windows, _reset(mapping, threshold))
    return spikes


def closed_loop(
    mapping: PotentialMap, inputs: Raster, *, weights: Floats, thresholds: Floats, biases: Floats
) -> Raster:
    """Return the spikes (ticks, neurons) of neurons that receive the inputs and one another.

    Parameters
    ----------
    mapping : PotentialMap
        Any with these patterns, delays and leaks; its own spikes play no part.
    inputs : (ticks, inputs) bool
    weights : (neurons, taps) float
        Taps as in the map: by delay, then line; the inputs' lines come first.
    thresholds, biases : (neurons,) float
    """
    tape, linear, n_neurons = mapping.played, mapping.linear, len(weights)
    by_delay = weights.reshape(n_neurons, mapping.delays.size, mapping.n_lines).transpose(1, 2, 0)
    lines = tape.padded(np.concatenate([inputs, np.zeros((tape.ticks, n_neurons))], axis=1))
    current: Floats = np.zeros(n_neurons)
    potential: Floats = np.zeros(n_neurons)
    ready: Int64s = np.zeros(n_neurons, dtype=np.int64)
    for tick, row in enumerate(tape.row.tolist()):
        if tick in tape.starts:
            current, potential, ready = np.zeros(n_neurons), np.zeros(n_neurons), np.full(n_neurons, tick)
        arriving = np.einsum("dl,dln->n", lines[row - mapping.delays], by_delay)
        current = mapping.alpha * current + mapping.gain * arriving
        potential = mapping.gamma * potential + current + biases
        fired = (potential > thresholds) & (ready <= tick)
        lines[row, inputs.shape[1] :] = fired
        left = np.zeros(n_neurons) if linear.is_reset_to_zero else potential - thresholds * (linear.reset == SUBTRACT)
        potential = np.where(ready > tick, 0.0, np.where(fired, left, potential))
        ready = np.where(fired, tick + mapping.linear.refractory, ready)
    spikes: Raster = lines[tape.row, inputs.shape[1] :] > 0.0
    return spikes


def _without_resets(problem: NeuronProblem, weights: Floats, *, bias: float) -> Floats:
    """(ticks played,) The potential of a neuron that never fires."""
    silent = problem.with_raster(np.zeros_like(problem.spikes))
    return silent.potential(weights, bias)[: problem.spikes.size]


class _Reset(NamedTuple):
    """The effect of a spike: its duration in ticks, whether it resets to 0, and else its subtraction."""

    refractory: int
    is_to_zero: bool
    taken_off: float


def _reset(mapping: PotentialMap, threshold: float) -> _Reset:
    linear = mapping.linear
    return _Reset(linear.refractory, linear.is_reset_to_zero, threshold * (linear.reset == SUBTRACT))


@compiled()
def _free_run(free: Floats, gamma: float, threshold: float, pattern: Int64s, reset: _Reset) -> Raster:
    """See `free_run`; a reset subtracts the potential, or the threshold, with the rest of it after decay."""
    spikes = np.zeros(free.size, np.bool_)
    taken, ready = 0.0, 0
    for k in range(free.size):
        taken *= gamma
        if k > 0 and pattern[k] != pattern[k - 1]:
            taken, ready = 0.0, k
        if k < ready:
            taken = free[k]
        elif free[k] - taken > threshold:
            spikes[k] = True
            taken, ready = free[k] if reset.is_to_zero else taken + reset.taken_off, k + reset.refractory
    return spikes


@compiled()
def _windowed_run(
    free: Floats, gamma: float, threshold: float, pattern: Int64s, windows: Int64s, reset: _Reset
) -> Raster:
    """See `windowed_run`; ``last`` is the last tick that a reset lasted."""
    spikes = np.zeros(free.size, np.bool_)
    last, taken = -1, 0.0
    for index in range(len(windows)):
        start = windows[index, 0]
        resets = last >= 0 and pattern[last - reset.refractory + 1] == pattern[start]
        if resets:
            start = max(start, last + 1)
        taken = taken if resets else 0.0
        best, nearest = start, -np.inf
        for k in range(start, windows[index, 1] + 1):
            value = free[k] - power(gamma, k - last) * taken
            if value > nearest:
                best, nearest = k, value
            if value > threshold:
                break
        spikes[best] = True
        before, last = last, best + reset.refractory - 1
        left = power(gamma, best - before) * taken + reset.taken_off
        taken = free[min(last, free.size - 1)] if reset.is_to_zero else left
    return spikes
