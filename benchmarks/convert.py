"""Artificial networks to spiking programs: what accuracy is lost, with and without the L4 norm, and what they cost.

scikit-learn's perceptrons are trained on digits (two hidden layers) and breast cancer (one). For each data set, chip,
code, number of ticks and adjustment, the table has means over seeds (of the split and of the training) on samples held
out, and the interval of the mean loss at 95 % (Student's t). One chip is Loihi 1, which resets potentials to 0; the
other is the same but for a reset that subtracts the threshold.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from rich.console import Console
from scipy.stats import t as student
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

import snnprog as sp
from snnprog.arrays import Floats
from snnprog.chips import Chip
from snnprog.chips.loihi1 import LOIHI1
from snnprog.report.terminal import print_table
from snnprog.rules.expressions import Ref
from snnprog.table import Column, Table

L4 = "l4"
HIDDEN = {"digits": (64, 32), "breast cancer": (32,)}
COLUMNS = (
    "data",
    "chip",
    "code",
    "ticks",
    "L4",
    "network",
    "program",
    "points lost",
    "95 %",
    "same class",
    "spikes",
    "operations per MAC",
)
"""Of a row; numbers are means over seeds."""


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    data: str
    chip: str
    code: str
    ticks: int
    adjust: str | None


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, and on which backends the spikes of one program of each data set are the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--data", action="append", choices=list(HIDDEN))
    parser.add_argument("--backend", action="append", default=[], help="a further backend to compare spikes on")
    parser.add_argument("--iterations", type=int, default=300, help="of training")
    parser.add_argument("--divide", type=int, default=1, help="divide the ticks of all cases, for a quick look")
    chosen = parser.parse_args(arguments)
    warnings.simplefilter("ignore", ConvergenceWarning)
    console = Console(width=200)
    cases = dict.fromkeys(  # divided, different numbers of ticks may be the same
        Case(data, chip, code, max(4, ticks // chosen.divide), adjust)
        for data in chosen.data or HIDDEN
        for chip, all_ticks in (("subtracting", (16, 64)), ("loihi1", (64, 256)))
        for code in ("rate", "latency")
        for ticks in all_ticks
        for adjust in (None, L4)
    )
    results: dict[Case, list[sp.Conversion]] = {case: [] for case in cases}
    for seed in range(chosen.seeds):
        for data in chosen.data or HIDDEN:
            model, train, test = trained(data, seed=seed, iterations=chosen.iterations)
            for case in cases:
                if case.data == data:
                    results[case].append(converted(model, case, train=train, test=test))
        console.print(f"seed {seed} done", style="dim")
    rows = tuple(row_of(case, found) for case, found in results.items())
    print_table(console, Table("Artificial networks as programs", tuple(map(Column, COLUMNS)), rows))
    for case, found in results.items():
        if case.chip == "loihi1" and case.adjust is None and found:
            compare(console, case, found[0], ["kernel", "reference", *chosen.backend])


def trained(
    data: str, *, seed: int, iterations: int
) -> tuple[MLPClassifier, Floats, tuple[Floats, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]]:
    """Return a fitted perceptron, the samples it was fitted to, and others with their labels."""
    samples, labels = (load_digits if data == "digits" else load_breast_cancer)(return_X_y=True)
    train, test, own, others = train_test_split(samples, labels, test_size=1 / 3, random_state=seed, stratify=labels)
    scaler = StandardScaler().fit(train) if data != "digits" else None
    train, test = (each / 16.0 if scaler is None else scaler.transform(each) for each in (train, test))
    model = MLPClassifier(HIDDEN[data], max_iter=iterations, random_state=seed).fit(train, own)
    return model, train, (test, others)


def converted(
    model: MLPClassifier,
    case: Case,
    *,
    train: Floats,
    test: tuple[Floats, np.ndarray[tuple[int, ...], np.dtype[np.generic]]],
) -> sp.Conversion:
    """Return the program of a case."""
    chip = subtracting_chip() if case.chip == "subtracting" else case.chip
    return sp.convert(model, data=train, held_out=test, ticks=case.ticks, code=case.code, adjust=case.adjust, chip=chip)


def row_of(case: Case, found: Sequence[sp.Conversion]) -> tuple[object, ...]:
    """Return a row of the table."""
    losses = np.array([100.0 * (each.scores.loss or 0.0) for each in found])
    spread = losses.std(ddof=1) / len(losses) ** 0.5 * student.ppf(0.975, len(losses) - 1) if len(losses) > 1 else 0.0
    return (
        case.data,
        case.chip,
        case.code,
        case.ticks,
        "yes" if case.adjust else "no",
        f"{np.mean([each.scores.ann or 0.0 for each in found]):.4f}",
        f"{np.mean([each.scores.program or 0.0 for each in found]):.4f}",
        f"{losses.mean():.2f}",
        f"± {spread:.2f}",
        f"{np.mean([each.scores.agreement for each in found]):.4f}",
        f"{np.mean([each.costs.spikes for each in found]):.0f}",
        f"{np.mean([each.costs.ratio for each in found]):.2f}",
    )


def compare(console: Console, case: Case, result: sp.Conversion, backends: Sequence[str]) -> None:
    """Print on which backends the outputs spike in the same bins."""
    generator = np.random.default_rng(0)
    low, span = result.encoder.low, result.encoder.span
    # Values near the middle, as data have them: potentials have room for twice what they reach on data.
    inputs = result.encode(low + span * generator.triangular(0.0, 0.5, 1.0, (4, low.size)))
    traces = [sp.run(result.program, inputs, backend=backend) for backend in backends]
    first = traces[0]
    for backend, trace in zip(backends[1:], traces[1:], strict=True):
        wrong = sum(int((a.spikes != b.spikes).sum()) for a, b in zip(first, trace, strict=True))
        console.print(f"{case.data}, {case.code}, {case.ticks} ticks: {wrong} bins differ on {backend}")


def subtracting_chip() -> Chip:
    """Return a chip that nobody makes: Loihi 1, but that a spike takes the threshold off the potential."""
    left = Ref("potential") - Ref("spikes") * (Ref("threshold") << 6)
    rule = replace(LOIHI1.rule.with_step("reset", left), name="loihi1-lif-subtracting")
    return replace(LOIHI1, name="subtracting", rule=rule)


if __name__ == "__main__":
    main()
