"""How many rasters a network of 200 neurons stores and recalls, and from how noisy cues.

Each row compiles one program of `snnprog.specs.memory` with random rasters, and gives what is proved (every cue with
at most so many changed bins) and what is measured (a sample of noisy cues) apart. A cue is recalled if every bin of all
neurons is right from the first tick after it, for ten periods; its state then repeats, so that it is right forever.
"""

from __future__ import annotations

import argparse
import time
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

import snnprog as sp
from snnprog.report.terminal import print_table
from snnprog.table import Table

COLUMNS = ("memories", "seed", "design, CPU s", "least margin, LSB", "synapses", "cores", "proved: changed bins")
NOISES = (0.2, 0.3, 0.4, 0.5)
CHANGES = (1, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64)


def stored(memories: int, seed: int, *, ticks: int, neurons: int, rate: float) -> NDArray[np.bool_]:
    """Return random rasters (memories, ticks, neurons)."""
    return np.random.default_rng(seed).random((memories, ticks, neurons)) < rate


def cores_of(program: sp.Program) -> str:
    """Return how many cores of the chip a program takes, or a dash if it does not fit."""
    try:
        return str(sp.place(program).cores)
    except sp.FitError:
        return "-"


def most_changes(program: sp.Program, rasters: NDArray[np.bool_]) -> int:
    """Return the largest of `CHANGES` for which recall is proved, 0 for none."""
    found = bisect_left(CHANGES, True, key=lambda changes: not sp.prove_recall(program, rasters, changes=changes).holds)
    return (0, *CHANGES)[found]


def row_of(memories: int, seed: int, chosen: argparse.Namespace) -> tuple[object, ...]:
    """Return a row of the table: a program, what is proved of it, and what is measured."""
    rasters = stored(memories, seed, ticks=chosen.ticks, neurons=chosen.neurons, rate=chosen.rate)
    began = time.process_time()
    try:
        result = sp.compile(sp.specs.memory(rasters, delays=range(1, chosen.longest + 1)))
    except (sp.InfeasibleError, sp.UndecidedError, sp.QuantizationError) as error:
        return (memories, seed, f"{time.process_time() - began:.0f}", type(error).__name__, *["-"] * (3 + len(NOISES)))
    seconds, program = time.process_time() - began, result.program
    proved = str(most_changes(program, rasters)) if memories <= chosen.prove else "not tried"
    measured = [
        sp.measure_recall(program, rasters, deleted=noise, added=noise, trials=chosen.trials, seed=seed)
        for noise in NOISES
    ]
    margin = min(neuron.margin for neuron in result.report.neurons)
    shares = [f"{100 * recall.share:.1f} %" for recall in measured]
    cores = cores_of(program)
    return (memories, seed, f"{seconds:.0f}", f"{margin:.0f}", program.n_synapses, cores, proved, *shares)


def over_seeds(rows: Sequence[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Return a row for each number of memories: the measured shares over seeds, as mean and standard deviation."""
    found: list[tuple[object, ...]] = []
    for memories in dict.fromkeys(row[0] for row in rows):
        chosen = [row[len(COLUMNS) :] for row in rows if row[0] == memories and str(row[-1]).endswith("%")]
        if chosen:
            shares = np.array([[float(str(share).rstrip(" %")) for share in row] for row in chosen])
            ends = zip(shares.mean(axis=0), shares.std(axis=0), strict=True)
            found.append((memories, len(chosen), *(f"{mean:.1f} ± {deviation:.1f} %" for mean, deviation in ends)))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memories", type=int, nargs="+", default=[1, 2, 5, 10, 20, 40, 80])
    parser.add_argument("--neurons", type=int, default=200)
    parser.add_argument("--ticks", type=int, default=50, help="the period of each raster")
    parser.add_argument("--rate", type=float, default=0.05, help="spikes per neuron and tick")
    parser.add_argument("--longest", type=int, default=10, help="the longest delay; all from 1 on are offered")
    parser.add_argument("--trials", type=int, default=1000, help="noisy cues per row and noise")
    parser.add_argument("--prove", type=int, default=10, help="the most memories of which recall is proved")
    parser.add_argument("--seeds", type=int, default=1)
    chosen = parser.parse_args(arguments)
    noises = [f"measured: {100 * noise:.0f} % noise" for noise in NOISES]
    rows = []
    for memories in chosen.memories:
        for seed in range(chosen.seeds):
            rows.append(row_of(memories, seed, chosen))
            Console(width=200).print(*rows[-1])
    title = f"{chosen.neurons} neurons, delays 1 to {chosen.longest}, {chosen.trials} noisy cues each"
    print_table(Console(width=200), Table.plain(title, columns=(*COLUMNS, *noises), rows=rows), is_whole=True)
    columns = ("memories", "seeds", *noises)
    print_table(Console(width=200), Table.plain("Over seeds", columns=columns, rows=over_seeds(rows)), is_whole=True)


if __name__ == "__main__":
    main()
