"""Quantization-aware training of networks in few bits, beside plain rounding: accuracy on samples held out.

``quantization_aware.py FOLDER`` trains the networks that `benchmarks/trained.py` fits, on the same parts of the same
samples: ten epochs of Adam on the cross-entropy of spike counts, from the trained weights. The forward pass has rounded
weights, and the gradient goes straight through the rounding (Bengio, Léonard, Courville 2013, arXiv:1308.3432) and
through spikes by a fast sigmoid (Zenke and Ganguli 2018; resets carry no gradient, as in snnTorch). Each neuron has the
scale of the least squared error of its weights. Only weights are rounded: thresholds and potentials stay real. Of three
learning rates and all epochs, those with the most right classes on the second part are taken. It needs NumPy and nir.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nir
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rasters = NDArray[np.bool_]
Labels = NDArray[np.int64]

FITTING, CHOOSING = 500, 250
"""Samples of the first two parts, as in `benchmarks/trained.py`."""

DT_S, EPOCHS, BATCH = 1e-4, 10, 32
RATES = (0.003, 0.01, 0.03)
"""Learning rates, in units of the root mean square of a layer's weights."""

STEEPNESS = 25.0
"""Of the fast sigmoid, in thresholds: snnTorch's default."""

SCALES = 24
"""Number of scales of a neuron that are tried."""


@dataclass(frozen=True, eq=False)
class Layer:
    """A dense layer of neurons with the same decay, input gain and threshold."""

    weights: Floats
    kept: float
    gain: float
    threshold: float


@dataclass(frozen=True, eq=False)
class Activity:
    """Inputs, potentials as compared with the threshold, and spikes of a layer: (ticks, samples, neurons)."""

    inputs: Floats
    potentials: Floats
    spikes: Floats


def read(path: Path) -> list[Layer]:
    """Return the layers of a chain of Linear and LIF nodes, named 0, 1, 2, …."""
    nodes = nir.read(path).nodes
    names = sorted((name for name in nodes if name.isdigit()), key=int)
    layers = []
    for linear, lif in zip(names[::2], names[1::2], strict=True):
        tau, r, threshold = (float(np.unique(getattr(nodes[lif], name))[0]) for name in ("tau", "r", "v_threshold"))
        weights = nodes[linear].weight.astype(np.float64)
        layers.append(Layer(weights, 1.0 - DT_S / tau, DT_S / tau * r, threshold))
    return layers


def rounded(weights: Floats, bits: int) -> Floats:
    """Return the weights of each neuron on the symmetric grid with the least squared error; one bit is ±1."""
    most = max(1, (1 << (bits - 1)) - 1)
    top = np.abs(weights).max(axis=1, keepdims=True)
    if bits == 1:
        scaled: Floats = np.where(weights < 0, -1.0, 1.0) * np.abs(weights).mean(axis=1, keepdims=True)
        return scaled
    best, least = np.zeros_like(weights), np.full((len(weights), 1), np.inf)
    for share in np.linspace(0.1, 1.0, SCALES):
        step = top * share / most
        found = np.clip(np.rint(weights / step), -most, most) * step
        error = np.square(found - weights).sum(axis=1, keepdims=True)
        best, least = np.where(error < least, found, best), np.minimum(error, least)
    return best


def run(layers: Sequence[Layer], matrices: Sequence[Floats], inputs: Rasters, *, subtracts: bool) -> list[Activity]:
    """Return the activity of all layers on samples (samples, ticks, lines), without delays between layers.

    A neuron that subtracts does as snnTorch's with ``reset_delay=False``: one that is still above its threshold after a
    spike subtracts it a second time in the next tick, and then not for a spike in that tick.
    """
    arriving = inputs.transpose(1, 0, 2).astype(np.float64)
    found = []
    for layer, matrix in zip(layers, matrices, strict=True):
        driven = layer.gain * (arriving @ matrix.T)
        potential = np.zeros(driven.shape[1:])
        before, spikes = np.empty_like(driven), np.empty_like(driven)
        for tick, drive in enumerate(driven):
            late = (potential > layer.threshold) * float(subtracts)
            potential = layer.kept * potential + drive - late * layer.threshold
            before[tick], spikes[tick] = potential, potential > layer.threshold
            if subtracts:
                potential = potential - (spikes[tick] - late) * layer.threshold
            else:
                potential = potential * (1.0 - spikes[tick])
        found.append(Activity(arriving, before, spikes))
        arriving = spikes
    return found


def gradients(
    layers: Sequence[Layer],
    matrices: Sequence[Floats],
    activity: Sequence[Activity],
    labels: Labels,
    *,
    subtracts: bool,
) -> list[Floats]:
    """Return the gradient of the mean cross-entropy of spike counts in each matrix, by time reversed."""
    counts = activity[-1].spikes.sum(axis=0)
    shares = np.exp(counts - counts.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    shares[np.arange(labels.size), labels] -= 1.0
    back = np.broadcast_to(shares / labels.size, activity[-1].spikes.shape)
    found = []
    for layer, matrix, each in zip(layers[::-1], matrices[::-1], activity[::-1], strict=True):
        away = np.abs(each.potentials / layer.threshold - 1.0)
        slope = back / layer.threshold / np.square(1.0 + STEEPNESS * away)
        kept = layer.kept * (np.ones_like(each.spikes) if subtracts else 1.0 - each.spikes)
        later = np.zeros(slope.shape[1:])
        for tick in range(len(slope) - 1, -1, -1):
            later = slope[tick] + kept[tick] * later
            slope[tick] = later * layer.gain
        found.append(np.einsum("tsn,tsl->nl", slope, each.inputs, optimize=True))
        back = slope @ matrix
    return found[::-1]


@dataclass(frozen=True, eq=False)
class Data:
    """A network with the inputs and classes of the three parts."""

    layers: list[Layer]
    subtracts: bool
    inputs: tuple[Rasters, ...]
    labels: tuple[Labels, ...]

    def right(self, matrices: Sequence[Floats], part: int) -> float:
        """Return the share of right classes of a part, in per cent."""
        counts = run(self.layers, matrices, self.inputs[part], subtracts=self.subtracts)[-1].spikes.sum(axis=0)
        return 100.0 * float((counts.argmax(axis=1) == self.labels[part]).mean())


def trained(data: Data, *, bits: int, seed: int) -> list[Floats]:
    """Return rounded weights after the best epoch at the best learning rate."""
    best = [rounded(layer.weights, bits) for layer in data.layers]
    most = data.right(best, 1)
    for rate in RATES:
        generator = np.random.default_rng(seed)
        weights = [layer.weights.copy() for layer in data.layers]
        rates = [rate * float(np.sqrt(np.square(each).mean())) for each in weights]
        first, second, step = [np.zeros_like(each) for each in weights], [np.zeros_like(each) for each in weights], 0
        for _ in range(EPOCHS):
            for some in np.array_split(generator.permutation(FITTING), -(-FITTING // BATCH)):
                matrices, step = [rounded(each, bits) for each in weights], step + 1
                activity = run(data.layers, matrices, data.inputs[0][some], subtracts=data.subtracts)
                found = gradients(data.layers, matrices, activity, data.labels[0][some], subtracts=data.subtracts)
                for index, each in enumerate(found):  # Adam, with its usual constants
                    first[index] = 0.9 * first[index] + 0.1 * each
                    second[index] = 0.999 * second[index] + 0.001 * each**2
                    mean, square = first[index] / (1 - 0.9**step), second[index] / (1 - 0.999**step)
                    weights[index] -= rates[index] * mean / (np.sqrt(square) + 1e-8)
            matrices = [rounded(each, bits) for each in weights]
            if (right := data.right(matrices, 1)) >= most:
                best, most = matrices, right
    return best


def split(path: Path, layers: list[Layer], seed: int) -> Data:
    """Return the parts of the samples beside a network, as in `benchmarks/trained.py`."""
    arrays = np.load(path.with_suffix(".npz"))
    order = np.random.default_rng(seed).permutation(len(arrays["train_inputs"]))
    parts = np.sort(order[:FITTING]), np.sort(order[FITTING : FITTING + CHOOSING])
    inputs = (*(arrays["train_inputs"][part] for part in parts), arrays["test_inputs"])
    labels = (*(arrays["train_labels"][part] for part in parts), arrays["test_labels"])
    return Data(layers, path.stem.endswith("subtract"), inputs, tuple(each.astype(np.int64) for each in labels))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each network and number of bits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of .nir files with .npz files of the same names")
    parser.add_argument("--names", nargs="*", help="networks, by name; all by default")
    parser.add_argument("--bits", nargs="*", type=int, default=[8, 6, 4, 3, 2, 1], help="of the weights")
    parser.add_argument("--seeds", type=int, default=10, help="how many splits of the training samples")
    given = parser.parse_args(arguments)
    print("network, bits, seeds, right classes held out in per cent: real weights, rounded, trained (least to most)")
    for path in sorted(given.folder.glob("*.nir")):
        if given.names and path.stem not in given.names:
            continue
        layers = read(path)
        parts = [split(path, layers, seed) for seed in range(given.seeds)]
        real = parts[0].right([layer.weights for layer in layers], 2)
        for bits in given.bits:
            plain = parts[0].right([rounded(layer.weights, bits) for layer in layers], 2)
            found = [each.right(trained(each, bits=bits, seed=seed), 2) for seed, each in enumerate(parts)]
            reach = f"{np.mean(found):.1f} ({min(found):.1f} to {max(found):.1f})"
            print(f"{path.stem}, {bits}, {given.seeds}, {real:.1f}, {plain:.1f}, {reach}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
