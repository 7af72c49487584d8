"""Train the spiking network of the tutorial: ``python docs/tutorials/train_digits.py`` writes ``digits.nir`` beside it.

Two layers of leaky integrate-and-fire neurons learn scikit-learn's digits by surrogate gradients (Neftci, Mostafa and
Zenke 2019), in NumPy: backward through time, with 1 / (1 + 4 |v - 1|)² in place of the derivative of a spike.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import nir
import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import snnprog as sp

Floats = NDArray[np.float64]

FILE = Path(__file__).with_name("digits.nir")
HIDDEN, CLASSES, TICKS = 48, 10, 16
TAU_MS, DT_MS = 10.0, 1.0
LEAK = 1 - DT_MS / TAU_MS
STEEPNESS = 4.0  # of the surrogate; from 2 to 10 the result is the same within a percent
EPOCHS, BATCH, RATE = 100, 60, 5e-3  # chosen by the loss on the training samples


def digits() -> tuple[list[NDArray[np.bool_]], list[NDArray[np.bool_]], NDArray[np.int64], NDArray[np.int64]]:
    """Return spikes of the training and of the test samples (ticks, 64), then their classes.

    The darker a pixel, the earlier its spike; those without ink would spike at the tick after the last, and are silent.
    """
    values, classes = load_digits(return_X_y=True)
    split = train_test_split(values, classes, test_size=0.3, random_state=0, stratify=classes)
    encoder = sp.coding.Latency(last=TICKS).fit(split[0])
    train_spikes, test_spikes = ([raster[:TICKS] for raster in encoder.transform(part)] for part in split[:2])
    return train_spikes, test_spikes, split[2], split[3]


def forward(spikes: Floats, weights: list[Floats]) -> list[tuple[Floats, Floats, Floats]]:
    """Return input, potential before the reset and spikes of each layer, each (ticks, samples, neurons)."""
    layers = []
    for weight in weights:
        potential = np.zeros((spikes.shape[1], len(weight)))
        before, fired = [], []
        for now in spikes:
            potential = LEAK * potential + now @ weight.T
            before.append(potential)
            fired.append((potential > 1.0).astype(float))
            potential = potential * (1.0 - fired[-1])
        layers.append((spikes, np.stack(before), np.stack(fired)))
        spikes = layers[-1][2]
    return layers


def gradients(
    layers: list[tuple[Floats, Floats, Floats]], weights: list[Floats], classes: NDArray[np.int64]
) -> list[Floats]:
    """Return the gradient of the cross-entropy of the output spike counts by each layer's weights."""
    counts = layers[-1][2].sum(axis=0)
    share = np.exp(counts - counts.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    share[np.arange(len(classes)), classes] -= 1.0
    by_spike = np.broadcast_to(share / len(classes), layers[-1][2].shape)
    found = []
    for (spikes, potential, fired), weight in zip(layers[::-1], weights[::-1], strict=True):
        by_weight, by_input = np.zeros_like(weight), np.zeros_like(spikes)
        by_potential = np.zeros_like(potential[0])
        for tick in reversed(range(len(spikes))):
            surrogate = 1.0 / (1.0 + STEEPNESS * np.abs(potential[tick] - 1.0)) ** 2
            by_potential = by_spike[tick] * surrogate + LEAK * (1.0 - fired[tick]) * by_potential
            by_weight += by_potential.T @ spikes[tick]
            by_input[tick] = by_potential @ weight
        found.append(by_weight)
        by_spike = by_input
    return found[::-1]


def train(inputs: Floats, classes: NDArray[np.int64], *, seed: int = 0) -> list[Floats]:
    """Return the weights of both layers, (neurons, inputs), trained by Adam with its usual constants."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(0.05, 0.15, (HIDDEN, inputs.shape[2])), rng.normal(0.1, 0.3, (CLASSES, HIDDEN))]
    first, second = ([np.zeros_like(weight) for weight in weights] for _ in range(2))
    step = 0
    for _ in range(EPOCHS):
        for batch in np.array_split(rng.permutation(len(classes)), len(classes) // BATCH):
            step += 1
            found = gradients(forward(inputs[:, batch], weights), weights, classes[batch])
            for weight, slope, mean, square in zip(weights, found, first, second, strict=True):
                mean += 0.1 * (slope - mean)
                square += 0.001 * (slope**2 - square)
                weight -= RATE * mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    return weights


def graph(weights: list[Floats]) -> nir.NIRGraph:
    """Return the network in NIR; r = tau / dt, so that a spike adds its weight to the potential."""
    nodes = {"input": nir.Input(np.array([weights[0].shape[1]]))}
    for name, weight in zip(("hidden", "digit"), weights, strict=True):
        ones = np.ones(len(weight))
        nodes[f"{name}_weights"] = nir.Linear(weight.astype(np.float32))
        nodes[name] = nir.LIF(tau=TAU_MS / 1000 * ones, r=TAU_MS / DT_MS * ones, v_leak=0 * ones, v_threshold=ones)
    nodes["output"] = nir.Output(np.array([CLASSES]))
    names = list(nodes)
    return nir.NIRGraph(nodes, list(pairwise(names)))


def main() -> None:
    """Train, tell how many test samples are classified correctly, and write the file."""
    train_spikes, test_spikes, train_classes, test_classes = digits()
    weights = train(np.stack(train_spikes, axis=1).astype(float), train_classes)
    counts = forward(np.stack(test_spikes, axis=1).astype(float), weights)[-1][2].sum(axis=0)
    print(f"{(counts.argmax(axis=1) == test_classes).mean():.1%} of the test samples are classified correctly")
    nir.write(FILE, graph(weights))


if __name__ == "__main__":
    main()
