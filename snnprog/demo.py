"""The main job on real data: Fisher's Iris as spikes, compiled for Loihi 1, run bit for bit, judged on unseen flowers.

Each of the four measurements drives sixteen lines, one per level; the lines whose level it exceeds spike together. One
output for each pair of species decides between the two, one tick later, and the species with most votes is the answer.
`snnprog.specs.classifier` chooses the targets, and excludes flowers whose measurements and species conflict.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.backends import REFERENCE, run
from snnprog.coding import Levels, Questions, with_rest
from snnprog.compiler import CompileResult, compile
from snnprog.program import Program
from snnprog.progress import Progress
from snnprog.report.page import write_report
from snnprog.report.pictures import save_trials
from snnprog.spec import Spec
from snnprog.specs.classification import classifier
from snnprog.trace import Trace
from snnprog.verification import Verification, verify

CLARITY = 0.2
SHOWN_PER_CLASS = 12


@dataclass(frozen=True, eq=False)
class Flowers:
    """Iris, split: the flowers to compile, and the unseen ones."""

    train_values: Floats
    test_values: Floats
    train_classes: Int64s
    test_classes: Int64s
    names: tuple[str, ...]

    @property
    def encoder(self) -> Levels:
        """The encoder from measurements to spikes, fitted to the flowers to compile."""
        return Levels().fit(self.train_values)

    @property
    def questions(self) -> Questions:
        """The two species that each output decides between."""
        return Questions.one_vs_one(len(self.names))


@dataclass(frozen=True, eq=False)
class Demo:
    """The result of the demonstration.

    Attributes
    ----------
    train_accuracy : float
        Share of the flowers to compile that are classified correctly, excluded ones included.
    left_out : int
        Number of these flowers that no output has a target for.
    accuracy, baseline : float
        Share of unseen flowers classified correctly by the program, and by a logistic regression on the same split.
    """

    result: CompileResult
    verification: Verification
    train_accuracy: float
    left_out: int
    accuracy: float
    baseline: float
    unseen_identical: bool
    seconds: float
    program_path: Path
    picture_path: Path
    page_path: Path


def run_demo(
    folder: Path,
    *,
    backends: Sequence[str],
    seed: int = 0,
    progress: Progress | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Demo:
    """Compile 70 % of Iris, check the program on every backend, test it on the rest; write the program and a picture.

    Parameters
    ----------
    folder : Path
        Folder for ``iris.snnp``, ``iris.png`` and ``iris.html``; created if missing.
    backends : sequence of str
        Backends to check on, the reference first.
    """
    start = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    flowers = split_flowers(seed)
    spec = iris_spec(flowers)
    left_out = sum(not pattern.care.any() for pattern in spec.patterns)
    used = len(spec.patterns) - left_out
    say(f"compiling {used} flowers, {spec.n_inputs} input lines; {left_out} excluded as ambiguous")
    result = compile(spec, seed=seed, progress=progress)
    say(f"checking on {', '.join(backends)}")
    verification = verify(result.program, spec, backends)
    unseen = [with_rest(raster) for raster in flowers.encoder.transform(flowers.test_values)]
    decisions = [decide(flowers, result.program, unseen, backend) for backend in backends]
    trained = decide(flowers, result.program, [pattern.inputs for pattern in spec.patterns])
    program_path, picture_path, page_path = (folder / f"iris{suffix}" for suffix in (".snnp", ".png", ".html"))
    result.program.save(program_path)
    _draw(picture_path, result.program, spec, flowers)
    write_report(page_path, result.program, spec, title="Iris flowers")
    return Demo(
        result=result,
        verification=verification,
        train_accuracy=float((trained == flowers.train_classes).mean()),
        left_out=left_out,
        accuracy=float((decisions[0] == flowers.test_classes).mean()),
        baseline=logistic_regression(flowers),
        unseen_identical=all(bool((decision == decisions[0]).all()) for decision in decisions),
        seconds=time.perf_counter() - start,
        program_path=program_path,
        picture_path=picture_path,
        page_path=page_path,
    )


def split_flowers(seed: int) -> Flowers:
    """Return 70 % of Iris to compile and 30 % unseen, each class in proportion."""
    iris = load_iris()
    train_values, test_values, train_classes, test_classes = train_test_split(
        iris.data, iris.target, train_size=0.7, stratify=iris.target, random_state=seed
    )
    return Flowers(train_values, test_values, train_classes, test_classes, tuple(map(str, iris.target_names)))


def iris_spec(flowers: Flowers) -> Spec:
    """Return the spec: one tick after its measurements, each flower is distinguished from the other two species."""
    return classifier(
        flowers.train_values, flowers.train_classes, flowers.encoder, questions=flowers.questions, clarity=CLARITY
    )


def decide(flowers: Flowers, program: Program, inputs: Sequence[Raster], backend: str = REFERENCE) -> Int64s:
    """Return the class of each flower by its spikes."""
    return flowers.questions.decide([trace.spikes for trace in run(program, list(inputs), backend)])


def logistic_regression(flowers: Flowers) -> float:
    """Return the accuracy of a logistic regression on the same split."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return float(
        model.fit(flowers.train_values, flowers.train_classes).score(flowers.test_values, flowers.test_classes)
    )


def _draw(path: Path, program: Program, spec: Spec, flowers: Flowers) -> None:
    """Draw the first flowers of each species that count; bins without a target are left blank."""
    counts = np.array([pattern.care.any() for pattern in spec.patterns])
    kinds = range(len(flowers.names))
    chosen = [np.flatnonzero((flowers.train_classes == kind) & counts)[:SHOWN_PER_CLASS] for kind in kinds]
    patterns = [spec.patterns[index] for index in np.concatenate(chosen).tolist()]
    traces = run(program, [pattern.inputs for pattern in patterns])
    shown = [Trace(trace.spikes & pattern.care) for trace, pattern in zip(traces, patterns, strict=True)]
    names = flowers.names
    questions = (
        f"{output} {names[second]} or {names[first]}" for output, (first, second) in enumerate(flowers.questions.pairs)
    )
    title = (
        f"{len(patterns)} flowers; each output distinguishes two species by a spike or silence:\n{', '.join(questions)}"
    )
    save_trials(path, patterns, shown, title=title)
