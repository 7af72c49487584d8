"""Wisconsin breast cancer: benign or malignant, by the vote of neurons with targets for different samples."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import snnprog as sp
from snnprog.coding import Levels, Questions

QUESTIONS = Questions.one_vs_one(2, voters=21)
CLARITY = 0.4


def split(seed: int) -> tuple[NDArray[Any], ...]:
    """Return 398 samples to compile and 171 to judge by: values, values, classes (1 is benign), classes."""
    values, classes = load_breast_cancer(return_X_y=True)
    return tuple(train_test_split(values, classes, train_size=0.7, stratify=classes, random_state=seed))


def encoder_of(values: NDArray[Any]) -> Levels:
    """Return the encoder fitted to some samples: sixteen lines for each of the thirty measurements of cells."""
    return Levels(levels=16).fit(values)


def baseline() -> Pipeline:
    """Return what to compare with."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))


def main() -> None:
    """Compile one split, check it, and judge it on samples that it has not seen."""
    train, test, train_classes, test_classes = split(0)
    encoder = encoder_of(train)
    spec = sp.specs.classifier(train, train_classes, encoder, questions=QUESTIONS, clarity=CLARITY)
    result = sp.compile(spec)
    left_out = [index for index, pattern in enumerate(spec.patterns) if not pattern.care.any()]
    print(f"{len(train)} samples on {spec.n_inputs} lines; excluded as ambiguous: {left_out}")
    statuses = Counter(neuron.status for neuron in result.report.neurons)
    print("neurons:", ", ".join(f"{count} {status}" for status, count in statuses.items()))
    print("exact on the reference:", sp.verify(result.program, spec).exact)
    inputs = [sp.coding.with_rest(raster) for raster in encoder.transform(test)]
    found = QUESTIONS.decide([trace.spikes for trace in sp.run(result.program, inputs)])
    usual = baseline().fit(train, train_classes).predict(test)
    for name, classes in (("spikes", found), ("logistic regression", usual)):
        f1 = f1_score(test_classes, classes, average="macro")
        print(f"{name}: {np.mean(classes == test_classes):.1%} of {len(test)} unseen samples, F1 {f1:.1%}")


if __name__ == "__main__":
    main()
