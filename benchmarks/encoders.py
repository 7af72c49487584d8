"""Encoders of streams whose sensor drifts: accuracy and bits kept, by encoders that are fitted once and that adapt.

    python benchmarks/encoders.py [--seeds 5] [--divide 1] [--memory 6] [--picture docs/pictures/encoders.png]

The rows of a data set of scikit-learn come in random order, or one class after another, each value multiplied by a
gain and added to an offset that drift. Encoders and a readout of their spikes (`Readout`, logistic) are fitted to the
first two fifths, and judged by the rest. `Levels, refitted` is fitted again to the last 64 rows after every 64 rows.
Programs: `SpikingClassifier` in place of the readout, checked against its spec, and run as C on the whole stream.
Bits: how many of the 3 bits of a normal value's octile the spikes of that value keep, four values of 10,000 rows under
the same drifts, judged by the last three fifths (Miller and Madow's correction).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console
from sklearn.datasets import load_breast_cancer, load_digits

import snnprog as sp
from snnprog.arrays import Floats, Int64s, Raster
from snnprog.coding import AdaptiveFields, Contrast, Encoder, GaussianFields, Levels, Readout, with_rest
from snnprog.report.terminal import print_table
from snnprog.table import Table

WINDOW = 64
BITS_ROWS, BITS_VALUES, OCTILES = 10_000, 4, 8
SLOW = 1000
"""Time constant of the slow values in rows, sixteen times that of the encoders."""

RANDOM, SORTED = "random order", "class after class"
COLOURS = {
    "Levels": "#c7c7c7",
    "Levels, refitted": "#8c8c8c",
    "Contrast": "#2f81c1",
    "GaussianFields": "#f0c48a",
    "AdaptiveFields": "#d9822b",
}
Results = dict[str, dict[str, dict[str, list[float]]]]
"""Table -> drift -> encoder -> a number for each seed."""

Drift = Callable[[np.random.Generator, int, int], tuple[Floats, Floats]]


def walk(rng: np.random.Generator, rows: int, values: int) -> Floats:
    """Return random walks (rows, values) with a standard deviation of 1 at the end."""
    found: Floats = np.cumsum(rng.normal(size=(rows, values)), axis=0) / np.sqrt(rows)
    return found


def still(_: np.random.Generator, rows: int, values: int) -> tuple[Floats, Floats]:
    """Return offset 0 and gain 1."""
    return np.zeros((rows, values)), np.ones((rows, values))


DRIFTS: dict[str, Drift] = {
    "none": still,
    "offset: walks by 4 deviations": lambda rng, rows, values: (4 * walk(rng, rows, values), np.ones((rows, values))),
    "gain: walks by a factor of 4": lambda rng, rows, values: (
        np.zeros((rows, values)),
        np.exp(np.log(4) * walk(rng, rows, values)),
    ),
    "both": lambda rng, rows, values: (
        4 * walk(rng, rows, values),
        np.exp(np.log(4) * walk(rng, rows, values)),
    ),
    "jump: 5 deviations and a factor of 3": lambda _, rows, values: (
        np.where(np.arange(rows)[:, None] < rows * 7 // 10, 0.0, 5.0) * np.ones(values),
        np.where(np.arange(rows)[:, None] < rows * 7 // 10, 1.0, 3.0) * np.ones(values),
    ),
}


def refitted(stream: Floats, known: int) -> list[Raster]:
    """Return the spikes of levels that are fitted again after each window, to its rows."""
    encoder = Levels(4).fit(stream[:known])
    spikes = encoder.transform(stream[:known])
    for first in range(known, len(stream), WINDOW):
        encoder = encoder.fit(stream[max(first - WINDOW, 0) : first])
        spikes += encoder.transform(stream[first : first + WINDOW])
    return spikes


FITTED_ONCE: dict[str, Levels | GaussianFields | Contrast | AdaptiveFields] = {
    "Levels": Levels(4),
    "Contrast": Contrast(),
    "GaussianFields": GaussianFields(),
    "AdaptiveFields": AdaptiveFields(),
}
"""Encoders that are fitted to the first rows; adaptive ones go on following the stream."""

COMPILED = ("Levels", "Contrast")
ENCODERS = ("Levels", "Levels, refitted", "Contrast", "GaussianFields", "AdaptiveFields")


def encoded(name: str, stream: Floats, known: int) -> list[Raster]:
    """Return the spikes of a stream by an encoder that is fitted to its first rows."""
    if name not in FITTED_ONCE:
        return refitted(stream, known)
    fitted: Encoder = FITTED_ONCE[name].fit(stream[:known])
    return fitted.transform(stream)


def stream_of(data: str, order: str, drift: Drift, *, seed: int, divide: int) -> tuple[Floats, Int64s]:
    """Return a drifting stream and the class of each row."""
    rng = np.random.default_rng(seed)
    samples, labels = (load_digits if data == "digits" else load_breast_cancer)(return_X_y=True)
    samples = samples[:, samples.std(axis=0) > 0.0]
    samples = (samples - samples.mean(axis=0)) / samples.std(axis=0)
    places = rng.permutation(len(samples))[: len(samples) // divide]
    known = len(places) * 2 // 5
    if order == SORTED:
        places[known:] = places[known:][np.argsort(labels[places[known:]], kind="stable")]
    offset, gain = drift(rng, len(places), samples.shape[1])
    return offset + gain * samples[places], labels[places]


def accuracy(encoder: str, stream: Floats, labels: Int64s) -> float:
    """Return the accuracy of a readout that is fitted to the first two fifths, on the rest."""
    known = len(stream) * 2 // 5
    spikes = encoded(encoder, stream, known)
    whole = Readout("classes") if len(spikes[0]) == 1 else Readout("classes", feature="latency")
    readout = whole.fit(spikes[:known], labels[:known])
    return float(np.mean(readout.predict(spikes[known:]) == labels[known:]))


def bits(encoder: str, drift: Drift, *, slow: bool, seed: int, rows: int) -> float:
    """Return the mean bits that the spikes of a value keep of its octile before the drift."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(rows, BITS_VALUES))
    if slow:
        kept = np.exp(-1.0 / SLOW)
        for row in range(1, rows):
            latent[row] = kept * latent[row - 1] + np.sqrt(1 - kept**2) * latent[row]
    offset, gain = drift(rng, rows, BITS_VALUES)
    known = rows * 2 // 5
    spikes = np.array(encoded(encoder, offset + gain * latent, known))[known:]
    words = spikes.reshape(len(spikes), spikes.shape[1], BITS_VALUES, -1).transpose(2, 0, 1, 3)
    late = latent[known:].T
    octiles = np.argsort(np.argsort(late, axis=1), axis=1) * OCTILES // late.shape[1]
    return float(np.mean([kept_bits(each, octile) for each, octile in zip(words, octiles, strict=True)]))


def kept_bits(words: Raster, octiles: Int64s) -> float:
    """Return the mutual information in bits of words (rows, ticks, lines) and octiles (rows,)."""
    numbers = np.unique(words.reshape(len(words), -1), axis=0, return_inverse=True)[1].reshape(-1)
    entropies = [_entropy(each) for each in (numbers, octiles, numbers * OCTILES + octiles)]
    return entropies[0] + entropies[1] - entropies[2]


def _entropy(values: Int64s) -> float:
    counts = np.unique(values, return_counts=True)[1]
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum() + (counts.size - 1) / (2 * counts.sum() * np.log(2)))


def compiled(encoder: str, stream: Floats, labels: Int64s) -> tuple[float, bool, bool]:
    """Return the accuracy of a compiled classifier after its training, whether it is exact, and the same as C."""
    known = len(stream) * 2 // 5
    given = FITTED_ONCE[encoder]
    model = sp.SpikingClassifier(encoder=given).fit(stream[:known], labels[:known])
    is_exact = sp.verify(model.program_, model.spec_, ["reference"]).exact
    inputs = [with_rest(raster) for raster in given.fit(stream[:known]).transform(stream[known:])]
    kernel, c = (sp.run(model.program_, inputs, backend=backend) for backend in ("kernel", "c"))
    is_same = all(bool((one.spikes == other.spikes).all()) for one, other in zip(kernel, c, strict=True))
    return float(np.mean(model.predict(stream[known:]) == labels[known:])), is_exact, is_same


def classified(seeds: Sequence[int], divide: int) -> Results:
    """Return the percentages of rows that are classified rightly, by readouts and by compiled programs."""
    results: Results = {}
    for data, order in (("breast cancer", RANDOM), ("digits", RANDOM), ("digits", SORTED)):
        found = results[f"{data}, {order}, readout (%)"] = {}
        for name, drift in DRIFTS.items():
            streams = [stream_of(data, order, drift, seed=seed, divide=divide) for seed in seeds]
            found[name] = {each: [100 * accuracy(each, *stream) for stream in streams] for each in ENCODERS}
            print(data, order, name, flush=True)
    found, checks = {}, []
    for name, drift in DRIFTS.items():
        streams = [stream_of("breast cancer", RANDOM, drift, seed=seed, divide=divide) for seed in seeds]
        judged = {each: [compiled(each, *stream) for stream in streams] for each in COMPILED}
        found[name] = {each: [100 * right for right, *_ in one] for each, one in judged.items()}
        checks += [check for one in judged.values() for _, *check in one]
    exact, same = np.sum(checks, axis=0)
    verdicts = f"{exact} exact, the others the closest; {same} the same as C"
    title = f"breast cancer, {RANDOM}, {len(checks)} programs (%); {verdicts}"
    return results | {title: found}


def in_bits(seeds: Sequence[int], rows: int) -> Results:
    """Return the bits that spikes keep of fast and of slow values."""
    results: Results = {}
    for kind in ("white values", "slow values"):
        slow = kind == "slow values"
        results[f"{kind}, bits of 3"] = {
            name: {each: [bits(each, drift, slow=slow, seed=seed, rows=rows) for seed in seeds] for each in ENCODERS}
            for name, drift in DRIFTS.items()
        }
    return results


def shown(found: Sequence[float], digits: int) -> str:
    """Return mean and standard deviation."""
    return f"{np.mean(found):.{digits}f} ± {np.std(found):.{digits}f}"


def draw(path: Path, results: Results) -> None:
    """Save a picture: a panel for each table, groups of bars for drifts."""
    figure = Figure(figsize=(12.0, 6.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 3).ravel()
    for ax, (title, found) in zip(axes, results.items(), strict=True):
        names = tuple(next(iter(found.values())))
        for place, name in enumerate(names):
            spots = np.arange(len(found)) + 0.16 * (place - (len(names) - 1) / 2)
            means, errors = ([float(measure(cells[name])) for cells in found.values()] for measure in (np.mean, np.std))
            ax.bar(spots, means, 0.15, yerr=errors, color=COLOURS[name], label=name, error_kw={"lw": 0.8})
        ax.set_title(title.partition(";")[0], fontsize=9)
        ax.set_xticks(np.arange(len(found)), [name.partition(":")[0] for name in found], fontsize=8)
        ax.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(ENCODERS), frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--divide", type=int, default=1, help="keep one row in so many")
    parser.add_argument("--memory", type=int, default=6, help="of the adaptive encoders, as a binary logarithm of rows")
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args(arguments)
    for name, encoder in FITTED_ONCE.items():
        if isinstance(encoder, Contrast | AdaptiveFields):
            FITTED_ONCE[name] = replace(encoder, memory=given.memory)
    seeds = range(given.seeds)
    results = {**classified(seeds, given.divide), **in_bits(seeds, BITS_ROWS // given.divide)}
    for title, found in results.items():
        digits, names = (2, ENCODERS) if "bits" in title else (1, tuple(next(iter(found.values()))))
        rows = [(drift, *(shown(each, digits) for each in cells.values())) for drift, cells in found.items()]
        print_table(Console(width=160), Table.plain(title, columns=("drift", *names), rows=rows))
    if given.picture is not None:
        draw(given.picture, results)


if __name__ == "__main__":
    main()
