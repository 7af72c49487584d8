"""The demonstration does the main job, on real flowers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snnprog.demo import DECISION_TICK, decide, encode, iris_spec, run_demo, split_flowers
from snnprog.program import load


def test_each_flower_has_one_spike_per_line_at_most() -> None:
    flowers = split_flowers(0)
    rasters = encode(flowers.test_values, flowers.train_values)
    assert {raster.shape for raster in rasters} == {(DECISION_TICK + 1, 24)}
    assert max(int(raster.sum(axis=0).max()) for raster in rasters) == 1
    assert min(int(raster.sum()) for raster in rasters) >= 4


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
    assert demo.train_accuracy == 1.0
    assert demo.accuracy > 0.9
    assert demo.baseline > 0.9
    assert {neuron.status for neuron in demo.result.report.neurons} == {"certified"}
    assert demo.picture_path.stat().st_size > 10_000
    assert steps[0] == "compiling 105 flowers, 24 input lines, delays 1 to 16"
    program = load(demo.program_path)
    spec = iris_spec(split_flowers(0))
    classes = decide(program, [pattern.inputs for pattern in spec.patterns])
    assert (classes == split_flowers(0).train_classes).all()
