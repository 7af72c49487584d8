"""A network of spiking neurons trained by gradients, in NumPy: surrogate gradients, and EventProp.

A hidden layer of leaky neurons with decaying currents drives leaky readouts, one for each class; the class is that of
the highest potential at the last tick. In each tick, as in `snnprog.networks.network`::

    u = a u + sum of weights that arrive;   v = g v + u;   z = 1 where v > 1;   v = 0 where z

Both methods minimise the cross-entropy of the last potentials. As readouts are linear, a spike ``n`` ticks before the
end adds ``K[n]`` times its weight, ``K[n] = sum_j g^j a^(n-j)``; ``e`` is the error at a hidden neuron, the errors of
the readouts times their weights from it. Time runs backwards::

    surrogate:  p = h(v) e K[n] + (1 - z) g p'
    EventProp:  p = g p' without a spike;   p = (w g p' + e (K[n] - K[n-1])) / w-   with one
    both:       q = p + a q',   the gradient of a weight is the sum of q over the ticks in which its line spikes

with ``'`` for the next tick, ``h = 1 / (1 + b |v - 1|)^2`` (the SuperSpike of Zenke and Ganguli 2018; resets carry no
gradient, as in Zenke and Vogels 2021), ``w = u`` the slope of the potential after a spike, and ``w- = u - (1 - g)``
that before it. The jump is that of Wunderlich and Pehle (2021, doi:10.1038/s41598-021-91786-z, table 2), where ``K[n] -
K[n-1]`` stands for the loss's change if the spike comes earlier. Their gradients are exact in continuous time; here
both times and gradients are those of whole ticks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Bools, Int64s

Reals = NDArray[np.float32]
Method = Literal["surrogate", "EventProp"]

HIDDEN = 120
"""Hidden neurons; Göltz et al. (2021, doi:10.1038/s42256-021-00388-x) have as many for Yin-Yang."""

STEEPNESS = 10.0
"""Of the surrogate: what Zenke and Vogels (2021) use by default."""

LEAST_SLOPE = 0.05
"""Below this, in thresholds per tick, the slope at a spike counts as this: the jump of a spike whose potential just
touches the threshold has no bound. Three times as much costs 0.7 points on manifolds and 1.6 on Yin-Yang."""

BATCH = 100
"""Samples of a step: a choice."""

RATE = 0.05
"""Learning rate of Adam, in units of the root mean square of a layer's first weights; it falls to 0 evenly. The best of
0.02 and 0.05 on manifolds that are not in the table of `benchmarks/gradients.py` (split 100)."""


@dataclass(frozen=True)
class Times:
    """Time constants of potentials and currents, in ticks."""

    membrane: float
    synapse: float

    @property
    def kept(self) -> tuple[float, float]:
        """What a tick keeps of a potential, and of a current: forward Euler, as NIR."""
        return 1.0 - 1.0 / self.membrane, 1.0 - 1.0 / self.synapse

    def kernel(self, ticks: int) -> Reals:
        """Return (ticks,) what a unit of weight adds to the last potential, by the tick of its spike."""
        (g, a), ages = self.kept, np.arange(ticks)[::-1] + 1.0
        return ((g**ages - a**ages) / (g - a)).astype(np.float32)


@dataclass(frozen=True)
class Model:
    """Time constants of hidden neurons and of readouts.

    The hidden neurons have those of Wunderlich and Pehle (2021) for Yin-Yang, 20 ms and 5 ms. A readout keeps more, so
    that a spike counts the more the earlier it comes.
    """

    hidden: Times = Times(20.0, 5.0)
    readout: Times = Times(200.0, 20.0)


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights (neurons, lines) of the hidden neurons, and (classes, neurons) of the readouts."""

    hidden: Reals
    output: Reals


@dataclass(frozen=True, eq=False)
class Activity:
    """Currents, potentials before resets, and spikes of hidden neurons, (ticks, samples, neurons)."""

    currents: Reals
    potentials: Reals
    spikes: Reals


def first_weights(lines: int, classes: int, *, generator: np.random.Generator, model: Model) -> Weights:
    """Return random weights with which most hidden neurons spike a few times, if each line spikes once.

    A mean above zero, as in Wunderlich and Pehle (2021): EventProp cannot wake a neuron that never spikes.
    """
    peak, read = (float(each.kernel(1000).max()) for each in (model.hidden, model.readout))  # by a unit of weight
    hidden = generator.normal(2.5 / (lines * peak), 2.0 / (np.sqrt(lines) * peak), (HIDDEN, lines))
    output = generator.normal(0.0, 1.0 / (np.sqrt(HIDDEN) * read), (classes, HIDDEN))
    return Weights(hidden.astype(np.float32), output.astype(np.float32))


def run(weights: Weights, inputs: Reals, *, model: Model) -> Activity:
    """Return the activity of the hidden neurons on inputs (ticks, samples, lines)."""
    g, a = model.hidden.kept
    currents = inputs @ weights.hidden.T
    potentials, spikes = np.empty_like(currents), np.empty_like(currents)
    current: NDArray[Any] = np.zeros(currents.shape[1:], np.float32)
    potential: NDArray[Any] = np.zeros_like(current)
    for tick in range(len(inputs)):
        current = a * current + currents[tick]
        currents[tick] = current
        potentials[tick] = g * potential + current
        spikes[tick] = potentials[tick] > 1.0
        potential = potentials[tick] * (1.0 - spikes[tick])
    return Activity(currents, potentials, spikes)


def scores(weights: Weights, spikes: Reals, *, model: Model) -> Reals:
    """Return the last potentials (samples, classes) of the readouts."""
    traces = np.tensordot(model.readout.kernel(len(spikes)), spikes, axes=(0, 0))
    found: Reals = (traces @ weights.output.T).astype(np.float32)
    return found


def loss(weights: Weights, inputs: Reals, classes: Int64s, *, model: Model) -> float:
    """Return the mean cross-entropy."""
    found = scores(weights, run(weights, inputs, model=model).spikes, model=model).astype(np.float64)
    found -= found.max(axis=1, keepdims=True)
    own = found[np.arange(classes.size), classes]
    return float((np.log(np.exp(found).sum(axis=1)) - own).mean())


def gradients(weights: Weights, inputs: Reals, classes: Int64s, *, model: Model, method: Method) -> Weights:
    """Return the gradients of the loss in all weights."""
    activity, kernel = run(weights, inputs, model=model), model.readout.kernel(len(inputs))
    traces = np.tensordot(kernel, activity.spikes, axes=(0, 0))
    found = traces @ weights.output.T
    shares = np.exp(found - found.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    shares[np.arange(classes.size), classes] -= 1.0
    shares /= np.float32(classes.size)
    arriving = _back(activity, shares @ weights.output, kernel=kernel, model=model, method=method)
    hidden = np.tensordot(arriving, inputs, axes=((0, 1), (0, 1)))
    return Weights(hidden.astype(np.float32), (shares.T @ traces).astype(np.float32))


def _back(activity: Activity, errors: Reals, *, kernel: Reals, model: Model, method: Method) -> Reals:
    """Return (ticks, samples, neurons) how the loss changes with what arrives at each hidden neuron in each tick."""
    g, a = model.hidden.kept
    earlier = kernel - np.append(kernel[1:], np.float32(0.0))
    found = np.empty_like(activity.spikes)
    by_potential, by_current = np.zeros((2, *errors.shape), np.float32)
    for tick in range(len(found) - 1, -1, -1):
        spikes = activity.spikes[tick]
        if method == "surrogate":
            away = np.abs(activity.potentials[tick] - 1.0)
            slope = errors * kernel[tick] / np.square(1.0 + STEEPNESS * away)
            by_potential = slope + g * (1.0 - spikes) * by_potential
        else:
            after = activity.currents[tick]
            before = np.maximum(after - (1.0 - g), LEAST_SLOPE)
            jumped = (after * g * by_potential + errors * earlier[tick]) / before
            by_potential = np.where(spikes > 0.0, jumped, g * by_potential)
        by_current = found[tick] = by_potential + a * by_current
    return found


def batches(rasters: Bools, classes: Int64s, order: Int64s) -> Iterator[tuple[Reals, Int64s]]:
    """Yield inputs (ticks, samples, lines) and classes of a part of the samples after another."""
    for first in range(0, order.size, BATCH):
        some = order[first : first + BATCH]
        yield np.ascontiguousarray(rasters[some].transpose(1, 0, 2), np.float32), classes[some]


def trained(rasters: Bools, classes: Int64s, *, method: Method, epochs: int, seed: int) -> Weights:
    """Return the weights after some epochs of Adam on samples (samples, ticks, lines)."""
    generator, model = np.random.default_rng(seed), Model()
    first = first_weights(rasters.shape[2], int(classes.max()) + 1, generator=generator, model=model)
    layers = [first.hidden, first.output]
    rates = [RATE * float(np.sqrt(np.square(layer).mean())) for layer in layers]
    means: list[NDArray[Any]] = [np.zeros_like(layer) for layer in layers]
    squares: list[NDArray[Any]] = [np.zeros_like(layer) for layer in layers]
    steps, step = epochs * -(-len(rasters) // BATCH), 0
    for _ in range(epochs):
        for inputs, wanted in batches(rasters, classes, generator.permutation(len(rasters))):
            found = gradients(Weights(*layers), inputs, wanted, model=model, method=method)
            falling, step = 1.0 - step / steps, step + 1
            for index, each in enumerate((found.hidden, found.output)):  # Adam, with its usual constants
                means[index] = 0.9 * means[index] + 0.1 * each
                squares[index] = 0.999 * squares[index] + 0.001 * np.square(each)
                size = np.sqrt(squares[index] / (1.0 - 0.999**step)) + 1e-8
                move = falling * rates[index] * means[index] / (1.0 - 0.9**step) / size
                layers[index] = (layers[index] - move).astype(np.float32)
    return Weights(*layers)


def share_right(weights: Weights, rasters: Bools, classes: Int64s) -> float:
    """Return the share of samples whose class is right."""
    right, model = 0, Model()
    for inputs, wanted in batches(rasters, classes, np.arange(len(rasters))):
        found = scores(weights, run(weights, inputs, model=model).spikes, model=model)
        right += int((found.argmax(axis=1) == wanted).sum())
    return right / len(rasters)
