"""Digits in front of an event camera: from a recording to classes, on the command line.

A small sensor (16 x 16 pixels) looks at handwritten digits that move in a circle, and sends an event where brightness
changed. A convolution of LIF neurons with random kernels, pooled, feeds ten neurons that do not spike; their weights
are those of a logistic regression on the spikes of the convolution. The network is written as NIR, becomes a program
for Loihi 1, and gives the same classes on every runtime.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import nir
import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

import snnprog as sp
from snnprog.networks import run_network

SIDE, STEPS, STEP_US, DT_MS = 16, 60, 1000, 2.0
CONTRAST = 0.35  # change of the logarithm of brightness that makes an event
RADIUS = 1.5  # of the circle, in pixels
CHANNELS, POOL = 12, 4
TRAINING, UNSEEN = 500, 100


def recordings(images: NDArray[Any]) -> list[NDArray[Any]]:
    """Return what an event camera sends for each image, moved once around a circle in 60 ms."""
    scene = np.zeros((len(images), SIDE + 8, SIDE + 8))
    scene[:, 6:-6, 6:-6] = np.repeat(np.repeat(images, 2, axis=1), 2, axis=2)[:, 2:-2, 2:-2]
    angles = 2 * np.pi * np.arange(STEPS + 1) / STEPS
    frames = [np.log(0.2 + seen(scene, RADIUS * np.sin(a), RADIUS * (np.cos(a) - 1))) for a in angles]
    level, found = frames[0].copy(), []
    for step, frame in enumerate(frames[1:]):
        changes = np.trunc((frame - level) / CONTRAST)
        level += changes * CONTRAST
        image, row, column = np.nonzero(changes)
        found.append((np.full(row.size, STEP_US * step), image, row, column, changes[image, row, column]))
    time, image, row, column, change = (np.concatenate(part) for part in zip(*found, strict=True))
    events = np.zeros(time.size, dtype=[("x", "i2"), ("y", "i2"), ("t", "i8"), ("p", "?")])
    events["x"], events["y"], events["t"], events["p"] = column, row, time, change > 0
    return [events[image == index] for index in range(len(images))]


def seen(scene: NDArray[Any], down: float, right: float) -> NDArray[Any]:
    """Return what the sensor sees of scenes that moved by parts of a pixel, blurred between pixels."""
    rows, columns = np.arange(SIDE) + 4 - down, np.arange(SIDE) + 4 - right
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    below, beside = (rows - top)[:, None], columns - left
    upper, lower = (
        scene[:, top[:, None] + y, left] * (1 - beside) + scene[:, top[:, None] + y, left + 1] * beside for y in (0, 1)
    )
    blurred: NDArray[Any] = upper * (1 - below) + lower * below
    return blurred


def rasters(events: list[NDArray[Any]]) -> list[NDArray[np.bool_]]:
    """Return recordings as input spikes; several events of a pixel in a tick are one spike."""
    ticks = STEPS * STEP_US // int(1000 * DT_MS)
    return [
        sp.from_events(each, dt_ms=DT_MS, sensor_size=(SIDE, SIDE), ticks=ticks, repeats="merge").raster
        for each in events
    ]


def network(weights: NDArray[Any]) -> nir.NIRGraph:
    """Return the network as NIR, with the weights of the neurons that are read out."""
    rng = np.random.default_rng(0)
    kernels = rng.normal(size=(CHANNELS, 2, 3, 3))
    kernels /= np.abs(kernels).sum(axis=(1, 2, 3), keepdims=True)
    shape, pool = (CHANNELS, SIDE, SIDE), np.array([POOL, POOL])
    nodes = {
        "camera": nir.Input(np.array([2, SIDE, SIDE])),
        "kernels": nir.Conv2d((SIDE, SIDE), kernels, 1, 1, 1, 1, np.zeros(CHANNELS)),
        "edges": nir.LIF(np.full(shape, 0.02), np.full(shape, 10.0), np.zeros(shape), np.full(shape, 0.25)),
        "pool": nir.SumPool2d(pool, pool, np.array([0, 0])),
        "flat": nir.Flatten({"input": np.array([CHANNELS, SIDE // POOL, SIDE // POOL])}, 0, -1),
        "weights": nir.Linear(weights),
        "classes": nir.I(np.full(len(weights), 1000.0 / DT_MS)),
        "output": nir.Output(np.array([len(weights)])),
    }
    return nir.NIRGraph(nodes, list(itertools.pairwise(nodes)))


def trained(inputs: list[NDArray[np.bool_]], digits: NDArray[Any]) -> nir.NIRGraph:
    """Return the network with weights that were trained on recordings of digits."""
    edges = sp.from_nir(network(np.ones((1, CHANNELS * (SIDE // POOL) ** 2))), dt_ms=DT_MS, reset="zero")
    spikes = [trace.spikes[:, edges.neurons_of("edges")].sum(axis=0) for trace in run_network(edges, inputs)]
    windows = np.reshape(spikes, (len(inputs), CHANNELS, SIDE // POOL, POOL, SIDE // POOL, POOL)).sum(axis=(3, 5))
    counts = windows.reshape(len(inputs), -1) / 30
    return network(LogisticRegression(max_iter=1000, fit_intercept=False).fit(counts, digits).coef_)


def snnprog(*words: object) -> str:
    """Run the command line, and return what it prints."""
    command = [sys.executable, "-m", "snnprog", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):  # 1: some spikes differ from the network's
        raise SystemExit(done.stderr)
    return done.stdout


def main() -> None:
    """Train, write, convert and run."""
    images, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))[: TRAINING + UNSEEN]
    events, digits = recordings(images[order].reshape(-1, 8, 8) / 16), digits[order]
    inputs = rasters(events)
    graph = trained(inputs[:TRAINING], digits[:TRAINING])
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        nir.write(place / "digits.nir", graph)
        np.save(place / "first.npy", events[TRAINING])
        sp.write_rasters(place / "unseen.npz", inputs[TRAINING:])
        words = ("--dt-ms", DT_MS, "--reset", "zero", "--inputs", place / "unseen.npz")
        print(snnprog("quantize", place / "digits.nir", "-o", place / "digits.snnp", *words))
        camera = ("--sensor-size", f"{SIDE},{SIDE}", "--dt-ms", DT_MS, "--ticks", inputs[0].shape[0], "--merge")
        print(
            "one recording:", snnprog("run", place / "digits.snnp", place / "first.npy", *camera, "--classes").split()
        )
        every = json.loads(snnprog("run", place / "digits.snnp", place / "unseen.npz", "--classes", "--json"))
    print(f"{np.mean(every['classes'] == digits[TRAINING:]):.1%} of {UNSEEN} unseen digits")


if __name__ == "__main__":
    main()
