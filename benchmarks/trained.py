"""Trained networks in few bits: integers fitted to sample inputs beside the rounded weights, on inputs held out.

The folder holds pairs ``NAME.nir`` and ``NAME.npz``: a network, and arrays train_inputs and test_inputs (samples,
ticks, lines) with train_labels and test_labels. For each seed, other training samples are fitted and chosen on; test
samples are held out. A network whose name ends in "subtract" resets by subtraction, on the chip ``fpga-subtract``. A
class is that of the output with the most spikes. Intervals are those of Student's t, at 95 %.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from scipy.stats import t as student

from snnprog.arrays import Floats, Int64s
from snnprog.chips import Chip, find_chip
from snnprog.networks import from_nir
from snnprog.networks.adapting import adapted_to
from snnprog.networks.calibration import Calibrated, Samples, SampleSplit, TrainedLayers, calibrate, fewest_bits
from snnprog.networks.fitting import Fitting
from snnprog.networks.rounding import rounded
from snnprog.report.terminal import print_table
from snnprog.table import Table

DT_MS = 0.1
FITTING, CHOOSING = 500, 250
COLUMNS = (
    "network",
    "bits",
    "exponents",
    "thresholds",
    "kept",
    "seeds",
    "wrong if fitted on: rounded",
    "fitted",
    "wrong of unseen: rounded",
    "fitted",
    "difference",
    "output bins: rounded",
    "fitted",
    "accuracy (%): float",
    "rounded",
    "fitted",
    "seconds",
)
LEAST_COLUMNS = (
    "network",
    "seed",
    "bits of each stage",
    "calibrations",
    "accuracy (%): float",
    "rounded",
    "fitted",
    "seconds of processor",
)


@dataclass(frozen=True, eq=False)
class Trained:
    """A network on a chip, its samples, how many of them are for training, and the thresholds that neurons share."""

    name: str
    chip: Chip
    layers: TrainedLayers
    samples: Samples
    n_train: int
    thresholds: Int64s | None

    def split(self, seed: int) -> SampleSplit:
        """Return training samples to fit and to choose on, and all test samples."""
        order = np.random.default_rng(seed).permutation(self.n_train)
        fitting, choosing = order[:FITTING], order[FITTING : FITTING + CHOOSING]
        return SampleSplit(np.sort(fitting), np.sort(choosing), np.arange(self.n_train, len(self.samples)))


def read(path: Path, *, bits: int) -> Trained:
    """Return a network with its samples, and the thresholds that its neurons share if weights have so many bits."""
    is_subtracting = path.stem.endswith("subtract")
    chip = find_chip("fpga-subtract" if is_subtracting else "loihi1")
    if is_subtracting:
        network = from_nir(path, dt_ms=DT_MS, exporter="snntorch", reset_delay=0)
    else:
        network = from_nir(path, dt_ms=DT_MS, reset="zero")
    arrays = np.load(path.with_suffix(".npz"))
    rasters = np.concatenate([arrays["train_inputs"], arrays["test_inputs"]])
    silence = np.zeros((len(rasters), int(network.latency.max()), rasters.shape[2]), np.bool_)
    rasters = np.concatenate([rasters, silence], axis=1)
    labels = np.concatenate([arrays["train_labels"], arrays["test_labels"]]).astype(np.int64)
    adapted = adapted_to(network, chip)
    assert adapted is not None, "chips are chosen for their resets"
    start = rounded(adapted.network, chip, bits=bits, has_own_exponents=False)
    fitting = Fitting(start.network, start, adapted.refractory)
    samples = fitting.samples(network, list(rasters), labels)
    return Trained(path.stem, chip, fitting.layers, samples, len(arrays["train_inputs"]), fitting.thresholds)


def row(trained: Trained, bits: int, *, is_shared: bool, has_own: bool, keep: float, seeds: int) -> tuple[str, ...]:
    """Return one row of the table: means over the seeds."""
    start = time.perf_counter()
    results = [
        calibrate(
            trained.layers,
            trained.samples,
            chip=trained.chip,
            bits=bits,
            is_exponent_shared=is_shared,
            keep=keep,
            thresholds=None if has_own else trained.thresholds,
            split=trained.split(seed),
            seed=seed,
        )
        for seed in range(seeds)
    ]
    seconds = (time.perf_counter() - start) / seeds
    unseen = np.array([[each.wrong(2, is_rounded=True), each.wrong(2)] for each in results], np.float64)
    return (
        trained.name,
        str(bits),
        "per neuron" if is_shared else "per synapse",
        "own" if has_own else "shared",
        f"{keep:g}",
        str(seeds),
        *(f"{np.mean([each.wrong(0, is_rounded=plain) for each in results]):,.1f}" for plain in (True, False)),
        *(f"{mean:,.0f}" for mean in unseen.mean(axis=0)),
        interval(unseen[:, 1] - unseen[:, 0]),
        *outputs_of(results),
        *accuracies(results),
        f"{seconds:.1f}",
    )


def least_row(trained: Trained, *, seed: int) -> tuple[str, ...]:
    """Return one row of the table of fewest bits: those of each stage, and classes of unseen samples."""
    start = time.process_time()
    found = fewest_bits(
        trained.layers,
        trained.samples,
        chip=trained.chip,
        thresholds=trained.thresholds,
        split=trained.split(seed),
        seed=seed,
    )
    seconds = time.process_time() - start
    bits = ", ".join(map(str, found.bits))
    return trained.name, str(seed), bits, str(len(found.trials)), *accuracies([found.result]), f"{seconds:.0f}"


def outputs_of(results: Sequence[Calibrated]) -> tuple[str, str]:
    """Return the wrong bins of the last stage on what was held out: rounded, then fitted."""
    last = [each.stages[-1] for each in results]
    rounded, fitted = ([getattr(stage, name).held_out for stage in last] for name in ("wrong_rounded", "wrong"))
    return f"{np.mean(rounded):,.0f}", f"{np.mean(fitted):,.0f}"


def accuracies(results: Sequence[Calibrated]) -> tuple[str, str, str]:
    """Return the share of right classes held out: of the trained network, rounded, and fitted."""
    found = [each.accuracy for each in results if each.accuracy is not None]
    shares = np.array([[each.trained[2], each.rounded[2], each.result[2]] for each in found]) * 100
    first, second, third = (f"{mean:.1f}" for mean in shares.mean(axis=0))
    return first, second, third


def interval(differences: Floats) -> str:
    """Return the mean of paired differences and its interval at 95 %."""
    mean, count = float(differences.mean()), differences.size
    if count < 2:
        return f"{mean:,.0f}"
    reach = float(student.ppf(0.975, count - 1) * differences.std(ddof=1) / np.sqrt(count))
    return f"{mean:,.0f} ± {reach:,.0f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of .nir files with .npz files of the same names")
    parser.add_argument("--names", nargs="*", help="networks, by name; all by default")
    parser.add_argument("--bits", nargs="*", type=int, default=[8, 6, 4, 3, 2, 1], help="of the mantissas")
    parser.add_argument("--seeds", type=int, default=10, help="how many splits of the training samples")
    parser.add_argument("--exponents", choices=("neuron", "synapse", "both"), default="both")
    parser.add_argument("--least", action="store_true", help="look for the fewest bits of each stage instead")
    parser.add_argument("--own", action="store_true", help="let each neuron have a threshold of its own")
    parser.add_argument("--keep", nargs="*", type=float, default=[1.0], help="shares of the synapses to keep")
    given = parser.parse_args(arguments)
    kinds = {"neuron": [True], "synapse": [False], "both": [True, False]}[given.exponents]
    console, rows = Console(width=200), []
    for path in sorted(given.folder.glob("*.nir")):
        if given.names and path.stem not in given.names:
            continue
        if given.least:
            trained = read(path, bits=8)
            rows += [least_row(trained, seed=seed) for seed in range(given.seeds)]
            print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
            continue
        for bits in given.bits:
            trained = read(path, bits=bits)
            for is_shared, keep in itertools.product(kinds if bits > 1 else [True], given.keep):
                rows.append(row(trained, bits, is_shared=is_shared, has_own=given.own, keep=keep, seeds=given.seeds))
                print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
    columns = LEAST_COLUMNS if given.least else COLUMNS
    print_table(console, Table.plain("Trained networks in few bits", columns=columns, rows=rows), is_whole=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
