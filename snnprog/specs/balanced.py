"""The balanced network that follows a linear system with real weights: its weights, and its spikes.

Weights
-------
With steps of 1 (states are divided by theirs), neuron i spikes to move the estimate by ``D_i``, +1 or -1 in one state.
Boerlin, Machens and Denève (2013) derive its potential as ``D_i · e``, the error ``e = x - r`` between the state
and the decoded spikes ``r[k] = λ r[k-1] + D z[k]``. From tick to tick::

    e[k] = Φ e[k-1] + (Φ - λ) r[k-1] + Γ q s[k-d] - D z[k]

with s the spikes of the inputs. As they do, the network replaces Φ e by κ e with a number κ (the mean of the diagonal
of Φ), so that a neuron has to know its own error only. A spike of neuron j at tick 0 then moves e by ``K_j(τ)`` at tick
τ, where ``K_j(0) = -D_j`` and ``K_j(τ+1) = κ K_j(τ) + (Φ - λ) λ^τ D_j``: a mixture of ``κ^τ`` and ``λ^τ``. Those are
the decays of the chip's current and potential, so that two synapses suffice for each pair, at delays d and d + 1::

    w(d) = D_i · K_j(d),      w(d+1) = D_i · K_j(d+1) - (κ + λ) w(d)

A spike is heard d ticks late, but then it has the effect that it would have had by then, and predictions are
of no use. What remains is ignorance of the spikes of the last d - 1 ticks. It seldom makes opposite neurons alternate
(ping-pong): a neuron's own spike resets it at once, the opposite one is far from its threshold until it hears of it,
and the others move another state.

Resets
------
A reset to zero discards the potential, whereas the derivation subtracts 1. So a neuron's synapse to itself gives back
what was lost, about ``λ^τ T (1 + o)``, with T the threshold and o the mean overshoot in thresholds. Only the
difference of one overshoot from the mean is lost. That is why the potential decays with λ, the fast one, and the
current, which no spike resets, with κ: a loss is forgotten after a time constant of the decoder. With the decays
exchanged it would last as long as the error itself.

A leaky integrator needs no λ: its estimate decays with the system (``snnprog.coding.balanced``), potentials have no
memory, and a reset loses nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Bools, Floats, Raster
from snnprog.coding import BalancedCode


@dataclass(frozen=True)
class BalancedNetwork:
    """A balanced network with real weights, of neurons as the chip's linear rule has them.

    Attributes
    ----------
    weights : (delays, neurons, lines) float
        Onto each neuron, from the input lines and then the neurons, in units in which a step is 1.
    delays : tuple of int
    current, potential : float
        The shares that a current and a potential keep per tick.
    threshold : float
        In steps.
    refractory : int
        In ticks.
    """

    weights: Floats
    delays: tuple[int, ...]
    current: float
    potential: float
    threshold: float
    refractory: int

    @classmethod
    def of(cls, code: BalancedCode, *, overshoot: float = 0.0, heard_as: int | None = None) -> BalancedNetwork:
        """Return the network of a code.

        Parameters
        ----------
        code : BalancedCode
        overshoot : float
            The mean overshoot of a potential at a spike, in thresholds.
        heard_as : int, optional
            The delay that weights are meant for; that of the code by default. 0 is the instantaneous design.
        """
        rule = code.linear_rule
        current, potential = float(rule.current), float(rule.potential)
        n, age = code.n_states, code.delay if heard_as is None else heard_as
        system, drive = code.discrete
        scaled = system * code.steps / code.steps[:, None]
        slow = scaled - np.eye(n) * code.kept
        if code.is_leaky_integrator:
            slow = np.zeros((n, n))  # its remainder is the rounding of the decay
        kernel = -np.eye(n)  # of a step up in each state, a column each
        kernels = []
        for tau in range(age + 2):
            kernels.append(kernel)
            kernel = current * kernel + slow * code.kept**tau
        lost = potential**age * code.threshold * (1.0 + overshoot)
        first, second = (_of_both(each) for each in kernels[age:])
        first, second = first + np.eye(2 * n) * lost, second + np.eye(2 * n) * lost * potential
        inputs = _of_inputs(drive * code.limit / code.steps[:, None])
        early = np.concatenate([inputs, first], axis=1)
        late = np.concatenate([-potential * inputs, second - (current + potential) * first], axis=1)
        weights = np.stack([early, late])
        if code.is_leaky_integrator:  # w(d + 1) is the rest of a potential, 1/4096 of w(d) on Loihi
            return cls(weights[:1], (code.delay,), current, potential, code.threshold, code.refractory_ticks)
        return cls(weights, (code.delay, code.delay + 1), current, potential, code.threshold, 1)

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return int(self.weights.shape[1])


@dataclass(frozen=True)
class State:
    """What a network needs to continue: its currents, potentials, rests of refractory periods, and last spikes."""

    current: Floats
    potential: Floats
    held: Floats
    rows: tuple[Bools, ...]
    """The spikes of the lines at the last ticks, the latest first; (lines,) each."""

    @classmethod
    def rest(cls, network: BalancedNetwork) -> State:
        """Return the state before the first spike."""
        zeros, lines = np.zeros(network.n_neurons), network.weights.shape[2]
        return cls(zeros, zeros, zeros, (np.zeros(lines, np.bool_),) * max(network.delays))

    def next(self, network: BalancedNetwork, late: Bools) -> tuple[State, Bools, Floats]:
        """Return the state after one more tick, the spikes of the neurons, and their potentials before a reset.

        Parameters
        ----------
        network : BalancedNetwork
        late : (inputs,) bool
            The inputs of the tick that neurons first hear of at this one, ``min(delays)`` ago.
        """
        rows = list(self.rows)
        shortest = min(network.delays)
        latest = rows[shortest - 1].copy()
        latest[: late.size] = late
        rows[shortest - 1] = latest
        arrived = np.zeros(network.n_neurons)
        for delay, weights in zip(network.delays, network.weights, strict=True):
            arrived += weights[:, rows[delay - 1]].sum(axis=1)
        current = network.current * self.current + arrived
        potential = np.where(self.held > 0.0, 0.0, network.potential * self.potential + current)
        spikes = potential > network.threshold
        held = np.where(spikes, network.refractory - 1.0, np.maximum(self.held - 1.0, 0.0))
        row = np.concatenate([np.zeros(late.size, np.bool_), spikes])
        after = State(current, np.where(spikes, 0.0, potential), held, (row, *rows[:-1]))
        return after, spikes, potential


def spikes_of(network: BalancedNetwork, inputs: Raster) -> tuple[Raster, float]:
    """Return the spikes (ticks, neurons) of a network, and the mean overshoot of a potential, in thresholds."""
    state, shortest = State.rest(network), min(network.delays)
    late = deque(np.concatenate([np.zeros((shortest, inputs.shape[1]), np.bool_), inputs])[: len(inputs)])
    found, overshoots = np.zeros((len(inputs), network.n_neurons), np.bool_), [0.0]
    for tick, row in enumerate(late):
        state, found[tick], potential = state.next(network, row)
        overshoots += (potential[found[tick]] / network.threshold - 1.0).tolist()
    return found, sum(overshoots) / max(1, len(overshoots) - 1)


def _of_both(kernel: Floats) -> Floats:
    """Return (2 states, 2 states) the effects of neurons on neurons from those of steps up on errors."""
    return np.concatenate([np.concatenate([kernel, -kernel], axis=1), np.concatenate([-kernel, kernel], axis=1)])


def _of_inputs(drive: Floats) -> Floats:
    """Return (2 states, 2 inputs) the effects of input lines on neurons; an input has two neighbouring lines."""
    lines = np.stack([drive, -drive], axis=2).reshape(len(drive), -1)
    return np.concatenate([lines, -lines])
