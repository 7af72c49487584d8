"""Digits in front of an event camera: from a recording to classes, on the command line.

A sensor of 16 x 16 pixels sees digits that move around a square, and sends events where brightness changes. LIF neurons
with random kernels, pooled, feed ten neurons that are read by their potential, with the weights of a logistic
regression. The network is written as NIR, and becomes a program for Loihi 1.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import nir
import numpy as np
from camera import MOVES, SIDE, recording
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

import snnprog as sp
from snnprog.networks import run_network

CHANNELS, POOL, DT_MS, TRAINING, UNSEEN = 12, 4, 2.0, 600, 200


def network(weights: NDArray[Any]) -> nir.NIRGraph:
    """Return the network as NIR, with the weights of the neurons that are read out."""
    kernels = np.random.default_rng(0).normal(size=(CHANNELS, 2, 3, 3)) / 10.0
    pool, zero = np.array([POOL, POOL]), np.zeros((CHANNELS, SIDE, SIDE))
    nodes = {
        "camera": nir.Input(np.array([2, SIDE, SIDE])),
        "kernels": nir.Conv2d((SIDE, SIDE), kernels, 1, 1, 1, 1, np.zeros(CHANNELS)),
        "edges": nir.LIF(zero + 0.02, zero + 10.0, zero, zero + 0.25),
        "pool": nir.SumPool2d(pool, pool, np.array([0, 0])),
        "flat": nir.Flatten({"input": np.array([CHANNELS, 4, 4])}, 0, -1),
        "weights": nir.Linear(weights),
        "classes": nir.I(np.full(len(weights), 1000.0 / DT_MS)),
        "output": nir.Output(np.array([len(weights)])),
    }
    return nir.NIRGraph(nodes, list(itertools.pairwise(nodes)))


def pooled(inputs: list[NDArray[np.bool_]]) -> NDArray[Any]:
    """Return how often the neurons of each window spike, in tens, for each input."""
    edges = sp.from_nir(network(np.ones((1, CHANNELS * 16))), dt_ms=DT_MS, reset="zero")
    spikes = [trace.spikes[:, edges.neurons_of("edges")].sum(axis=0) for trace in run_network(edges, inputs)]
    counts: NDArray[Any] = (
        np.reshape(spikes, (-1, CHANNELS, 4, POOL, 4, POOL)).sum(axis=(3, 5)).reshape(len(inputs), -1) / 10
    )
    return counts


def main() -> None:
    """Train, write, convert and run."""
    images, digits = load_digits(return_X_y=True)
    events = [recording(image.reshape(8, 8) / 16) for image in images[: TRAINING + UNSEEN]]
    options: dict[str, Any] = {"dt_ms": DT_MS, "sensor_size": (SIDE, SIDE), "ticks": len(MOVES) + 2}
    inputs = [sp.from_events(each, **options).raster for each in events]
    model = LogisticRegression(C=0.1, max_iter=1000, fit_intercept=False).fit(
        pooled(inputs[:TRAINING]), digits[:TRAINING]
    )
    with tempfile.TemporaryDirectory() as folder:
        nir.write(Path(folder) / "digits.nir", network(model.coef_))
        np.save(Path(folder) / "one.npy", events[TRAINING])
        sp.write_rasters(Path(folder) / "unseen.npz", inputs[TRAINING:])
        for words in (
            "quantize digits.nir -o digits.snnp --dt-ms 2 --reset zero",
            "run digits.snnp one.npy --sensor-size 16,16 --dt-ms 2 --ticks 26 --classes",
            "run digits.snnp unseen.npz --classes",
        ):
            command = [sys.executable, "-m", "snnprog", *words.split()]
            said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
            print(f"$ snnprog {words}\n{said[:1000]}")
    found = [int(line.split(",")[1]) for line in said.splitlines()[1:]]
    print(f"{np.mean(found == digits[TRAINING : TRAINING + UNSEEN]):.1%} of {UNSEEN} unseen digits are right")


if __name__ == "__main__":
    main()
