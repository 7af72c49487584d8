"""Yin-Yang: points of the old sign in three classes, seen from eight sides, distinguished without a hidden layer.

The points are drawn by the rule of Kriener, Göltz and Petrovici (2021), with their generator and their seeds, so they
are theirs.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

import snnprog as sp
from snnprog.coding import Levels, Questions

QUESTIONS = Questions.one_vs_one(3, voters=3)
CLARITY = 0.0
BIG, SMALL = 0.5, 0.1
TRAIN, TEST = (5000, 42), (1000, 40)
SIDES = np.array([(1, 0), (0, 1), (1, 1), (1, -1), (2, 1), (1, 2), (2, -1), (1, -2)])
baseline = partial(LogisticRegression, max_iter=5000)


def kind(x: float, y: float) -> int:
    """Return 0 for yang, 1 for yin, 2 for a dot."""
    right, left = np.hypot(x - 1.5 * BIG, y - BIG), np.hypot(x - 0.5 * BIG, y - BIG)
    if right < SMALL or left < SMALL:
        return 2
    return int(right <= SMALL or SMALL < left <= 0.5 * BIG or (y > BIG and right > 0.5 * BIG))


def draw(size: int, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return so many points, each by how far it lies along each of the eight sides, and their classes."""
    generator = np.random.RandomState(seed)
    drawn: list[tuple[NDArray[Any], int]] = []
    while len(drawn) < size:
        goal, found = generator.randint(3), None
        while found != goal:
            x, y = generator.rand(2) * 2.0 * BIG
            found = kind(x, y) if np.hypot(x - BIG, y - BIG) <= BIG else None
        drawn.append((SIDES @ (x, y), goal))
    points, classes = zip(*drawn, strict=True)
    return np.array(points), np.array(classes)


def split(seed: int) -> tuple[NDArray[Any], ...]:
    """Return 5000 points to compile and 1000 to judge by; those of seed 0 are the published ones."""
    (train, train_classes), (test, test_classes) = (draw(size, first + 10 * seed) for size, first in (TRAIN, TEST))
    return train, test, train_classes, test_classes


def encoder_of(values: NDArray[Any]) -> Levels:
    """Return the encoder fitted to some points: 32 lines for each side."""
    return Levels(levels=32).fit(values)


def main() -> None:
    """Compile the published points, check them, and judge the program on unseen ones."""
    train, test, train_classes, test_classes = split(0)
    encoder = encoder_of(train)
    spec = sp.specs.classifier(train, train_classes, encoder, questions=QUESTIONS, clarity=CLARITY)
    result = sp.compile(spec)
    count = sum(pattern.care.any() for pattern in spec.patterns)
    print(f"{count} of {len(train)} points on {spec.n_inputs} lines have targets")
    statuses = Counter(neuron.status for neuron in result.report.neurons)
    print("neurons:", ", ".join(f"{count} {status}" for status, count in statuses.items()))
    print("exact on the reference:", sp.verify(result.program, spec).exact)
    inputs = [sp.coding.with_rest(raster) for raster in encoder.transform(test)]
    found = QUESTIONS.decide([trace.spikes for trace in sp.run(result.program, inputs)])
    print(f"spikes: {np.mean(found == test_classes):.1%} of {len(test)} unseen points")
    print(f"logistic regression: {baseline().fit(train, train_classes).score(test, test_classes):.1%}")


if __name__ == "__main__":
    main()
