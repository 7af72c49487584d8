"""The demonstration does the main job, on real flowers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snnprog.demo import decide, iris_spec, run_demo, split_flowers
from snnprog.program import load


def test_training_and_test_flowers_are_apart() -> None:
    flowers = split_flowers(3)
    assert (len(flowers.train_values), len(flowers.test_values)) == (105, 45)
    assert np.bincount(flowers.test_classes).tolist() == [15, 15, 15]


@pytest.mark.parametrize(
    "backends", [("reference",), pytest.param(("reference", "lava"), marks=pytest.mark.snnprog_backend("lava"))]
)
def test_demo(tmp_path: Path, backends: tuple[str, ...]) -> None:
    steps: list[str] = []
    demo = run_demo(tmp_path / "new", backends=backends, say=steps.append)
    assert demo.verification.exact
    assert demo.unseen_identical
    assert demo.train_accuracy > 0.95
    assert demo.accuracy >= demo.baseline > 0.9
    assert {neuron.status for neuron in demo.result.report.neurons} == {"certified"}
    assert demo.picture_path.stat().st_size > 10_000
    assert "<title>Iris flowers: Exact on all " in demo.page_path.read_text(encoding="utf-8")
    assert steps[0] == f"compiling {105 - demo.left_out} flowers, 64 input lines; {demo.left_out} excluded as ambiguous"
    flowers = split_flowers(0)
    spec = iris_spec(flowers)
    classes = decide(flowers, load(demo.program_path), [pattern.inputs for pattern in spec.patterns])
    counts = np.array([pattern.care.any() for pattern in spec.patterns])
    assert (~counts).sum() == demo.left_out < 10
    assert (classes == flowers.train_classes)[counts].all()
