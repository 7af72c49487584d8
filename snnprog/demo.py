"""The main job on real data: Fisher's Iris as spikes, compiled for Loihi 1, run bit for bit, judged on unseen flowers.

Each of the four measurements becomes six spike latencies through Gaussian receptive fields (Bohte, Kok and La Poutré
2002): the nearer the value to a field's centre, the earlier its line fires; far fields stay silent. The spec asks that
at the decision tick the neuron of the flower's class fires, and that nothing else ever does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from snnprog.backends import REFERENCE, run
from snnprog.compiler import CompileResult, compile
from snnprog.design.designer import Progress
from snnprog.program import Program
from snnprog.raster import Raster
from snnprog.report.pictures import save_trials
from snnprog.spec import Dynamics, Pattern, Spec
from snnprog.verification import Verification, verify

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FIELDS = 6
FIELD_WIDTH = 0.7
LAST_LATENCY = 15
DECISION_TICK = 16
LEAST_ACTIVATION = 0.1
SILENT = -1
SHOWN_PER_CLASS = 2


@dataclass(frozen=True, eq=False)
class Flowers:
    """Iris, split: the flowers to compile, and the unseen ones."""

    train_values: Floats
    test_values: Floats
    train_classes: Integers
    test_classes: Integers
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Demo:
    """What the demonstration found.

    Attributes
    ----------
    accuracy, baseline : float
        Share of unseen flowers classified rightly by the program, and by a logistic regression on the same split.
    """

    result: CompileResult
    verification: Verification
    train_accuracy: float
    accuracy: float
    baseline: float
    unseen_identical: bool
    seconds: float
    program_path: Path
    picture_path: Path


def run_demo(
    folder: Path,
    *,
    backends: Sequence[str],
    seed: int = 0,
    progress: Progress | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Demo:
    """Compile 70 % of Iris, check it on every backend, judge it on the rest; write the program and a picture.

    Parameters
    ----------
    folder : Path
        Where ``iris.snnp`` and ``iris.png`` go; made if missing.
    backends : sequence of str
        Where to check, the reference first.
    """
    start = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    flowers = split_flowers(seed)
    spec = iris_spec(flowers)
    say(f"compiling {len(spec.patterns)} flowers, {spec.n_inputs} input lines, delays 1 to {max(spec.delays)}")
    result = compile(spec, seed=seed, progress=progress)
    say(f"checking on {', '.join(backends)}")
    verification = verify(result.program, spec, backends)
    unseen = encode(flowers.test_values, flowers.train_values)
    decisions = [decide(result.program, unseen, backend) for backend in backends]
    trained = decide(result.program, [pattern.inputs for pattern in spec.patterns])
    program_path, picture_path = folder / "iris.snnp", folder / "iris.png"
    result.program.save(program_path)
    _draw(picture_path, result.program, spec, flowers)
    return Demo(
        result=result,
        verification=verification,
        train_accuracy=float((trained == flowers.train_classes).mean()),
        accuracy=float((decisions[0] == flowers.test_classes).mean()),
        baseline=logistic_regression(flowers),
        unseen_identical=all(bool((decision == decisions[0]).all()) for decision in decisions),
        seconds=time.perf_counter() - start,
        program_path=program_path,
        picture_path=picture_path,
    )


def split_flowers(seed: int) -> Flowers:
    """Return 70 % of Iris to compile and 30 % unseen, each class in proportion."""
    iris = load_iris()
    train_values, test_values, train_classes, test_classes = train_test_split(
        iris.data, iris.target, train_size=0.7, stratify=iris.target, random_state=seed
    )
    return Flowers(train_values, test_values, train_classes, test_classes, tuple(map(str, iris.target_names)))


def iris_spec(flowers: Flowers) -> Spec:
    """Return the spec: at the decision tick the neuron of the class fires, all else stays silent."""
    patterns = []
    rasters = encode(flowers.train_values, flowers.train_values)
    for raster, kind in zip(rasters, flowers.train_classes, strict=True):
        targets = np.zeros((DECISION_TICK + 1, len(flowers.names)), dtype=np.bool_)
        targets[DECISION_TICK, kind] = True
        patterns.append(Pattern(raster, targets))
    return Spec(patterns, range(1, DECISION_TICK + 1), dynamics=Dynamics(potential_decay=205))


def encode(values: Floats, fitted: Floats) -> list[Raster]:
    """Return one raster per flower, its fields spread over the range of the ``fitted`` values."""
    low, high = fitted.min(axis=0), fitted.max(axis=0)
    spacing = (high - low) / (FIELDS - 2)
    centres = low[:, None] + spacing[:, None] * (np.arange(FIELDS) - 0.5)
    activation = np.exp(-0.5 * ((values[:, :, None] - centres) / (spacing[:, None] / FIELD_WIDTH)) ** 2)
    latency = np.where(activation < LEAST_ACTIVATION, SILENT, np.rint((1.0 - activation) * LAST_LATENCY))
    ticks = np.arange(DECISION_TICK + 1)
    rasters: list[Raster] = list(latency.reshape(len(values), 1, -1) == ticks[None, :, None])
    return rasters


def decide(program: Program, inputs: Sequence[Raster], backend: str = REFERENCE) -> Integers:
    """Return each flower's class: the one neuron that fires; if none does, the one that came nearest; -1 if several."""
    classes = []
    for trace in run(program, list(inputs), backend, "state"):
        assert trace.potentials is not None
        fired = np.flatnonzero(trace.spikes[DECISION_TICK])
        nearest = int((trace.potentials[DECISION_TICK] - 64 * program.threshold.astype(np.int64)).argmax())
        classes.append(nearest if fired.size == 0 else int(fired[0]) if fired.size == 1 else SILENT)
    return np.array(classes)


def logistic_regression(flowers: Flowers) -> float:
    """Return the accuracy of a logistic regression on the same split."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return float(
        model.fit(flowers.train_values, flowers.train_classes).score(flowers.test_values, flowers.test_classes)
    )


def _draw(path: Path, program: Program, spec: Spec, flowers: Flowers) -> None:
    kinds = range(len(flowers.names))
    chosen = [int(i) for kind in kinds for i in np.flatnonzero(flowers.train_classes == kind)[:SHOWN_PER_CLASS]]
    patterns = [spec.patterns[index] for index in chosen]
    traces = run(program, [pattern.inputs for pattern in patterns])
    names = ", ".join(f"{index} {name}" for index, name in enumerate(flowers.names))
    save_trials(path, patterns, traces, title=f"{len(chosen)} flowers as spikes; outputs: {names}")
