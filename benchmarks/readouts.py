"""Fixed decoders beside readouts that are fitted to the same output spikes, on unseen samples.

    python benchmarks/readouts.py [--data digits ...] [--neurons pair] [--splits 3] [--divide 1]

Each data set is compiled with a neuron for each class against all others, and with one for each pair of classes. The
fixed decoder counts votes (`Questions.decide`); the readout is the one that the information-bottleneck curve of the
training samples chooses, fitted to them. A readout of the input spikes themselves, without a network, is beside them.
The vowels and motions come with the package aeon (`pip install --no-deps aeon`), digits with scikit-learn, and Yin-Yang
is drawn. Split 0 is the published one, where there is one. Diabetes, of scikit-learn, is regression: the same neurons
with a cut each, read by a fixed decoder, the quantile that as many spikes stand for, and by the readout.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from sklearn.datasets import load_diabetes
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

import snnprog as sp
from snnprog.coding import Delta, Encoder, Questions, Readout, readout_curve, with_rest
from snnprog.report.terminal import print_table
from snnprog.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
import digits
import yin_yang

Split = tuple[NDArray[Any], ...]
COLUMNS = (
    "data",
    "neurons",
    "splits",
    "votes (%)",
    "readout (%)",
    "its bits",
    "bits of all",
    "input spikes (%)",
    "exact",
)
VALUE_COLUMNS = ("data", "cuts", "splits", "R²: quantile", "readout", "input spikes", "ridge of the values", "exact")
TIME_LIMIT_S = {"digits": 600.0, "Yin-Yang": 600.0, "vowels": 60.0, "motions": 60.0}
"""Of a program. The first two take seconds of an idle processor; of time series by pairs, the closest is looked for."""

CLARITY = {"digits": digits.CLARITY, "Yin-Yang": yin_yang.CLARITY, "vowels": 0.2, "motions": 0.2}


def series(name: str, length: int, stride: int) -> Split:
    """Return a data set of aeon (samples, ticks, channels): to fit, to judge by, and the classes of each."""
    found = find_spec("aeon")
    if found is None or found.origin is None:
        sys.exit("vowels and motions come with the package aeon: pip install --no-deps aeon")
    parts, labels = [], []
    for part in ("TRAIN", "TEST"):
        path = Path(found.origin).parent / f"datasets/data/{name}/{name}_{part}.ts"
        lines = [line for line in path.read_text(encoding="utf-8").lower().splitlines() if line and line[0] not in "#@"]
        rows = [line.split(":") for line in lines]
        channels = [[np.array(each.split(","), dtype=float) for each in row[:-1]] for row in rows]
        padded = [[np.pad(each, (0, length - each.size), mode="edge") for each in sample] for sample in channels]
        parts.append(np.array(padded).transpose(0, 2, 1)[:, ::stride])
        labels.append(np.array([row[-1] for row in rows]))
    names = np.unique(labels[0])
    return parts[0], parts[1], *(np.searchsorted(names, each) for each in labels)


def drawn_again(split: Split, seed: int) -> Split:
    """Return a split of the same sizes that is drawn by a seed; seed 0 is the published one."""
    if seed == 0:
        return split
    samples, classes = np.concatenate(split[:2]), np.concatenate(split[2:])
    first, second, *labels = train_test_split(
        samples, classes, train_size=len(split[0]), stratify=classes, random_state=seed
    )
    return first, second, *labels


DATA: dict[str, tuple[Callable[[int], Split], Callable[[NDArray[Any]], Encoder]]] = {
    "digits": (digits.split, digits.encoder_of),
    "Yin-Yang": (yin_yang.split, yin_yang.encoder_of),
    "vowels": (lambda seed: drawn_again(series("JapaneseVowels", 29, 1), seed), lambda samples: Delta(8).fit(samples)),
    "motions": (lambda seed: drawn_again(series("BasicMotions", 100, 2), seed), lambda samples: Delta(8).fit(samples)),
}
DIABETES = "diabetes"
ASKED: dict[str, Callable[[int], Questions]] = {"class": Questions.one_vs_rest, "pair": Questions.one_vs_one}


def judged(name: str, asked: str, seed: int, divide: int) -> tuple[float, ...]:
    """Return accuracies of votes, readout and a readout of the inputs; bits kept and there are; and exactness."""
    split, encoder_of = DATA[name]
    train, test, labels, test_labels = (part[::divide] for part in split(seed))
    encoder, questions = encoder_of(train), ASKED[asked](int(labels.max()) + 1)
    spec = sp.specs.classifier(train, labels, encoder, questions=questions, clarity=CLARITY[name])
    program = sp.compile(spec, on_infeasible="closest", time_limit_s=TIME_LIMIT_S[name]).program
    inputs = [[with_rest(raster) for raster in encoder.transform(samples)] for samples in (train, test)]
    spikes = [[trace.spikes for trace in sp.run(program, part)] for part in inputs]
    curve = readout_curve(spikes[0], labels)
    found = curve.chosen.readout.fit(spikes[0], labels).predict(spikes[1])
    plain = Readout("classes").fit(inputs[0], labels).predict(inputs[1])
    accuracies = [float(np.mean(each == test_labels)) for each in (questions.decide(spikes[1]), found, plain)]
    most = max(point.kept_bits for point in curve.points)
    return (*accuracies, curve.chosen.kept_bits, most, float(sp.verify(program, spec, ["reference"]).exact))


def judged_values(cuts: int, seed: int) -> tuple[float, ...]:
    """Return R² of a fixed decoder, a readout, a readout of the input spikes and ridge regression; and exactness."""
    samples, values = load_diabetes(return_X_y=True)
    train, test, wanted, unseen = train_test_split(samples, values, train_size=0.7, random_state=seed)
    regressor = sp.SpikingRegressor(cuts=cuts, time_limit_s=60.0).fit(train, wanted)
    counts = np.array([raster.sum() for raster in regressor.outputs(test)])
    fixed = np.quantile(wanted, (counts + 0.5) / (cuts + 1))
    plain = Readout().fit(regressor.encode(train), wanted).predict(regressor.encode(test))
    ridge = RidgeCV(np.logspace(-3, 3, 13)).fit(train, wanted).predict(test)
    found = [float(r2_score(unseen, each)) for each in (fixed, regressor.predict(test), plain, ridge)]
    return *found, float(regressor.report_.status == "exact")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", action="append", choices=[*DATA, DIABETES])
    parser.add_argument("--neurons", action="append", choices=ASKED, help="whether each tells a class, or a pair")
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--divide", type=int, default=1, help="keep one sample in so many")
    given = parser.parse_args(arguments)
    rows = []
    if given.data is None or DIABETES in given.data:
        values = []
        for cuts in (4, 16):
            found = np.array([judged_values(cuts, seed) for seed in range(given.splits)])
            scores = [f"{each.mean():.2f} ± {each.std():.2f}" for each in found.T[:4]]
            values.append((DIABETES, cuts, given.splits, *scores, f"{int(found[:, 4].sum())}"))
            print(*values[-1], flush=True)
        print_table(Console(width=140), Table.plain("", columns=VALUE_COLUMNS, rows=values), is_whole=True)
    for name in [each for each in given.data or DATA if each in DATA]:
        for asked in given.neurons or ASKED:
            found = np.array([judged(name, asked, seed, given.divide) for seed in range(given.splits)])
            votes, readout, plain = (f"{100 * each.mean():.1f} ± {100 * each.std():.1f}" for each in found.T[:3])
            bits, most = (f"{each.mean():.1f}" for each in found.T[3:5])
            row = (name, f"each {asked}", given.splits, votes, readout, bits, most, plain, f"{int(found[:, 5].sum())}")
            rows.append(row)
            print(*row, flush=True)
    if rows:
        print_table(Console(width=140), Table.plain("", columns=COLUMNS, rows=rows), is_whole=True)


if __name__ == "__main__":
    main()
