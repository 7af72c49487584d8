"""The examples that classify, on ten splits each: accuracy on unseen samples beside logistic regression's.

Every program is compared with its spec on the reference and every backend named, where its spikes on unseen samples
have to be the same. Means and standard deviations are over the splits.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
from rich.console import Console
from sklearn.metrics import f1_score

import snnprog as sp
from snnprog.report.terminal import print_table
from snnprog.table import Table

EXAMPLES = ("iris", "breast_cancer", "digits", "yin_yang")
COLUMNS = (
    "example",
    "splits",
    "spikes (%)",
    "logistic regression (%)",
    "F1 (%)",
    "its F1 (%)",
    "better, equal, worse",
    "excluded (%)",
    "exact",
    "certified",
    "seconds",
)


@dataclass(frozen=True)
class Split:
    """What came of one split: accuracies and F1 on unseen samples, shares, and seconds to compile."""

    accuracy: float
    baseline: float
    f1: float
    baseline_f1: float
    left_out: float
    is_exact: bool
    certified: float
    seconds: float


def judge(name: str, seed: int, backends: Sequence[str]) -> Split:
    """Compile one split of an example, check it on the backends, and judge it on what it has not seen."""
    example = import_module(name)
    train, test, train_classes, test_classes = example.split(seed)
    encoder, start = example.encoder_of(train), time.perf_counter()
    spec = sp.specs.classifier(
        train, train_classes, encoder, questions=example.QUESTIONS, clarity=example.CLARITY, seed=seed
    )
    result = sp.compile(spec)
    seconds = time.perf_counter() - start
    unseen = [sp.coding.with_rest(raster) for raster in encoder.transform(test)]
    answers = [[trace.spikes for trace in sp.run(result.program, unseen, backend)] for backend in backends]
    is_same = all(np.array_equal(answer, answers[0]) for answer in answers)
    found = example.QUESTIONS.decide(answers[0])
    usual = example.baseline().fit(train, train_classes).predict(test)
    return Split(
        accuracy=float(np.mean(found == test_classes)),
        baseline=float(np.mean(usual == test_classes)),
        f1=float(f1_score(test_classes, found, average="macro")),
        baseline_f1=float(f1_score(test_classes, usual, average="macro")),
        left_out=float(np.mean([not pattern.care.any() for pattern in spec.patterns])),
        is_exact=is_same and sp.verify(result.program, spec, backends).exact,
        certified=float(np.mean([neuron.status == "certified" for neuron in result.report.neurons])),
        seconds=seconds,
    )


def row(name: str, splits: Sequence[Split]) -> tuple[object, ...]:
    """Return the line of an example."""
    signs = np.sign([split.accuracy - split.baseline for split in splits])
    return (
        name,
        len(splits),
        *(
            _spread([getattr(split, field) for split in splits])
            for field in ("accuracy", "baseline", "f1", "baseline_f1")
        ),
        ", ".join(str(int((signs == sign).sum())) for sign in (1, 0, -1)),
        f"{100 * np.mean([split.left_out for split in splits]):.1f}",
        "all" if all(split.is_exact for split in splits) else "NOT ALL",
        f"{100 * np.mean([split.certified for split in splits]):.0f} %",
        f"{np.mean([split.seconds for split in splits]):.1f}",
    )


def _spread(values: Sequence[float]) -> str:
    return f"{100 * np.mean(values):.1f} ± {100 * np.std(values):.1f}"


def main(words: Sequence[str] | None = None) -> None:
    """Judge all examples; print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("examples", nargs="*", default=EXAMPLES, help=f"some of {', '.join(EXAMPLES)}")
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--backend", action="append", default=["reference"], help="run every split there, too")
    chosen = parser.parse_args(words)
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
    rows = []
    for name in chosen.examples:
        found = [judge(name, seed, chosen.backend) for seed in range(chosen.splits)]
        rows.append(row(name, found))
        print(*map(str, rows[-1]), sep="; ", file=sys.stderr, flush=True)
    title = f"Unseen samples; every split is run on {', '.join(chosen.backend)}"
    print_table(Console(width=180), Table.plain(title, columns=COLUMNS, rows=rows), is_whole=True)


if __name__ == "__main__":
    main()
