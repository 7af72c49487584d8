"""Two data sets of spike times, made from a seed: Yin-Yang, and classes that are random smooth manifolds.

Yin-Yang is that of Kriener, Göltz and Petrovici (2021, arXiv:2102.08211), by the points of `examples/yin_yang.py`. The
manifolds are those of Zenke and Vogels (2021, doi:10.1162/neco_a_01367): each line spikes once, at a time that is a
product over the dimensions of the manifold of Fourier series whose amplitudes fall with the frequency by a power.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Floats, Int64s, Raster

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
import yin_yang

CLASSES, LINES, DIMENSIONS, SMOOTHNESS = 10, 32, 2, 2.0
"""Classes, dimensions and the power are those of the authors' example; it has 100 lines."""

TRAIN_EACH, TEST_EACH = 100, 100
"""Samples of each class; the authors' example has 1000. Compiling from spike times takes long for more."""

PRECISION = 1e-3
"""Amplitudes that fall below this share of the greatest are omitted: the default of the authors' code."""

SPIKE_TICKS = 30
"""Ticks in which inputs spike: a choice, some membrane time constants of the trained networks."""


@dataclass(frozen=True, eq=False)
class SpikeTimes:
    """An encoder of spike times from 0 to 1: a spike of each line, and one of a last line when a sample begins."""

    n_lines: int
    ticks: int = SPIKE_TICKS

    def fit(self, samples: ArrayLike) -> SpikeTimes:
        """Return itself: there is nothing to fit."""
        return self

    def transform(self, samples: ArrayLike) -> list[Raster]:
        """Return one raster ``(ticks, lines)`` for each sample of spike times."""
        at = np.rint(np.asarray(samples) * (self.ticks - 1)).astype(np.int64)
        found = np.zeros((len(at), self.ticks, self.n_lines), dtype=np.bool_)
        rows, lines = np.indices(at.shape)
        found[rows, at, lines] = True
        found[:, 0, -1] = True
        return list(found)


@dataclass(frozen=True, eq=False)
class Part:
    """Samples: values that may be encoded otherwise, spike times (samples, lines) from 0 to 1, and classes."""

    values: Floats
    times: Floats
    classes: Int64s


@dataclass(frozen=True, eq=False)
class Split:
    """Samples to learn from, and samples to judge by."""

    train: Part
    test: Part


def yin_yang_split(seed: int) -> Split:
    """Return 5000 points to learn from and 1000 to judge by; those of seed 0 are the published ones.

    A point's four spike times are its coordinates and one minus these, as in the data set's own encoding.
    """
    train, test, train_classes, test_classes = yin_yang.split(seed)
    parts = []
    for sides, classes in ((train, train_classes), (test, test_classes)):
        points = sides[:, :2]  # the first two sides are the axes
        parts.append(Part(sides, np.hstack([points, 1.0 - points]), classes))
    return Split(*parts)


def manifold(points: Floats, generator: np.random.Generator) -> Floats:
    """Return (samples, lines) random smooth functions of points (samples, dimensions), from 0 to 1.

    A function is the product over dimensions ``x`` of ``sum_k a_k / (k+1)^alpha sin(2 pi (k f_k x + p_k))``, with
    ``a_k``, ``f_k`` and ``p_k`` drawn evenly from 0 to 1 and ``a_0 = 0``, as in the authors' code.
    """
    orders = np.arange(int(np.ceil(PRECISION ** (-1.0 / SMOOTHNESS))))
    found = np.ones((len(points), LINES))
    for line in range(LINES):
        for column in points.T:
            amplitudes, frequencies, phases = generator.random((3, orders.size))
            amplitudes[0] = 0.0
            waves = np.sin(2.0 * np.pi * (np.outer(column, orders * frequencies) + phases))
            found[:, line] *= (waves * (amplitudes / (orders + 1.0) ** SMOOTHNESS)).sum(axis=1)
    low, high = found.min(axis=0), found.max(axis=0)
    scaled: Floats = (found - low) / (high - low)
    return scaled


def manifolds_split(seed: int) -> Split:
    """Return samples of random manifolds, one for each class; the values are the spike times themselves."""
    generator = np.random.default_rng(seed)
    each = TRAIN_EACH + TEST_EACH
    times = np.stack([manifold(generator.random((each, DIMENSIONS)), generator) for _ in range(CLASSES)])
    parts = []
    for part in (times[:, :TRAIN_EACH], times[:, TRAIN_EACH:]):
        order = generator.permutation(part.shape[0] * part.shape[1])
        classes = np.repeat(np.arange(CLASSES), part.shape[1])[order]
        shuffled = part.reshape(-1, LINES)[order]
        parts.append(Part(shuffled, shuffled, classes))
    return Split(*parts)


DATA: dict[str, Callable[[int], Split]] = {"Yin-Yang": yin_yang_split, "manifolds": manifolds_split}
