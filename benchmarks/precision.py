"""How many spike patterns one neuron can be made to answer at exact ticks, beside published learning rules.

The task of Gardner and Grüning 2016 (PLoS ONE 11(8): e0161335): each of p patterns is one spike per input, at random
within 200 ms; the patterns fall into 5 classes, each of which has one target spike between 40 and 200 ms, the same for
all its patterns, and the neuron must fire there and nowhere else. Time constants 10 ms (potential) and 5 ms (current),
ticks of 0.1 ms, no delays to choose from. Within 500 epochs their best rules learn 0.15 (E-learning), 0.14 (FILT) and
0.07 (INST) patterns per input, a spike counting as right within 1 ms. Here it counts as right in its tick alone.

Each sample is a growing list of patterns, and counts for its longest beginning that is solved, found by bisection. Half
of all lists are solved up to the median, 90 % up to the lowest tenth.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import cycle, repeat
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from instances import HAVE_WEIGHTS, Verdict, longest, quantile_with_error, verdict
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console

import snnprog as sp
from snnprog.report.terminal import print_table
from snnprog.table import Table

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "precision.png"
CLASSES, TICKS, FIRST_TARGET = 5, 2000, 400
DYNAMICS = sp.Dynamics.from_time_constants(potential=100, current=50)
MOST_PER_INPUT = 0.4
PUBLISHED = {"INST": 0.07, "FILT": 0.14, "E-learning": 0.15}
WINDOWS = {"exact tick": (0, 0), "1 ms": (5, 4)}
COLOURS = ("#1b6ca8", "#d1495b", "#edae49", "#66a182")


@dataclass(frozen=True)
class Memory:
    """What one list of patterns showed.

    Attributes
    ----------
    real, solved : int
        How many of its first patterns have weights together, and how many are solved.
    unrounded, undecided, specs : int
        How many of the beginnings that were compiled ended without integers for their weights, how many without a
        verdict, and how many there were.
    seconds : float
        What compiling the longest that is solved took.
    """

    real: int
    solved: int
    unrounded: int
    undecided: int
    specs: int
    seconds: float


def patterns_of(inputs: int, count: int, seed: int) -> list[sp.Pattern]:
    """Return random patterns, the classes in turn."""
    generator = np.random.default_rng(seed)
    due = generator.choice(np.arange(FIRST_TARGET, TICKS), CLASSES, replace=False)
    patterns = []
    for index in range(count):
        raster, target = np.zeros((TICKS, inputs), dtype=np.bool_), np.zeros((TICKS, 1), dtype=np.bool_)
        raster[generator.integers(TICKS, size=inputs), np.arange(inputs)] = True
        target[due[index % CLASSES]] = True
        patterns.append(sp.Pattern(raster, target))
    return patterns


class Beginnings:
    """The beginnings of one list of patterns, each compiled at most once.

    Attributes
    ----------
    verdicts : dict
        Patterns -> what came of them.
    seconds : dict
        Patterns -> what that took.
    """

    def __init__(self, patterns: list[sp.Pattern], window: tuple[int, int]) -> None:
        self.patterns, self.window = patterns, window
        self.verdicts: dict[int, Verdict] = {}
        self.seconds: dict[int, float] = {}

    def verdict(self, count: int) -> Verdict:
        """Return what comes of the first so many patterns."""
        if count not in self.verdicts:
            spec = sp.Spec(self.patterns[:count], dynamics=DYNAMICS, window=self.window)
            start = time.perf_counter()
            self.verdicts[count] = verdict(spec)
            self.seconds[count] = time.perf_counter() - start
        return self.verdicts[count]


def memory(inputs: int, window: tuple[int, int], seed: int) -> Memory:
    """Return how many patterns one neuron of so many inputs can be made to answer."""
    most, step = round(MOST_PER_INPUT * inputs), max(1, inputs // 100)
    beginnings = Beginnings(patterns_of(inputs, most, seed), window)
    real = longest(lambda count: beginnings.verdict(count) in HAVE_WEIGHTS, most, step)
    solved = longest(lambda count: beginnings.verdict(count) is Verdict.SOLVED, most, step)
    found = list(beginnings.verdicts.values())
    return Memory(
        real=real,
        solved=solved,
        unrounded=found.count(Verdict.UNROUNDED),
        undecided=found.count(Verdict.UNDECIDED),
        specs=len(found),
        seconds=beginnings.seconds.get(solved, 0.0),
    )


def print_memories(console: Console, found: dict[tuple[str, int], list[Memory]]) -> None:
    """Print a row for each precision and number of inputs."""
    rows = []
    for (precision, inputs), lists in found.items():
        kinds = ([one.real / inputs for one in lists], [one.solved / inputs for one in lists])
        loads = [quantile_with_error(kind, share) for kind in kinds for share in (0.5, 0.1)]
        counts = [sum(getattr(one, name) for one in lists) for name in ("unrounded", "undecided", "specs")]
        seconds = float(np.median([one.seconds for one in lists]))
        rows.append((inputs, precision, *(f"{load:.3f} ± {error:.3f}" for load, error in loads), *counts, seconds))
    shares = [f"{share} % {what}" for what in ("have weights", "are solved") for share in (50, 90)]
    columns = ("inputs", "precision", *shares, "unrounded", "undecided", "of", "compile (s)")
    print_table(console, Table.plain("Patterns per input, up to which so many lists", columns=columns, rows=rows))
    published = ", ".join(f"{rule} {load:.2f}" for rule, load in PUBLISHED.items())
    console.print(f"published, at a precision of 1 ms: {published}")


def draw(path: Path, found: dict[tuple[str, int], list[Memory]]) -> None:
    """Save a picture of the share of lists that are solved over patterns per input."""
    figure = Figure(figsize=(7.5, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    ax = figure.subplots()
    for ((precision, inputs), lists), colour in zip(found.items(), cycle(COLOURS)):
        for name, style, label in (("solved", "-", f"{inputs} inputs, {precision}"), ("real", ":", None)):
            loads = np.sort([getattr(one, name) / inputs for one in lists])
            share = 1.0 - np.arange(loads.size + 1) / loads.size
            ax.step(np.append(0.0, loads), share, where="post", color=colour, linestyle=style, label=label)
    for index, (rule, load) in enumerate(PUBLISHED.items()):
        ax.axvline(load, color="#9aa5ad", linewidth=1.0)
        ax.text(load, 0.04 + 0.07 * index, f"{rule}, 1 ms ", color="#5b6770", ha="right", backgroundcolor="white")
    ax.set(xlabel="patterns per input", ylabel="share of lists solved (dotted: have weights)", xlim=(0, MOST_PER_INPUT))
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure each number of inputs; print a table, and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, action="append", help="200, 400 and 600, unless given")
    parser.add_argument("--precision", action="append", choices=list(WINDOWS), help="exact tick, unless given")
    parser.add_argument("--lists", type=int, default=20, help="lists of patterns per row")
    parser.add_argument("--workers", type=int, default=2, help="each may need some GiB")
    parser.add_argument("--picture", type=Path, default=PICTURE)
    chosen = parser.parse_args(arguments)
    found: dict[tuple[str, int], list[Memory]] = {}
    with ProcessPoolExecutor(chosen.workers, mp_context=get_context("spawn")) as executor:
        for precision in chosen.precision or ["exact tick"]:
            for inputs in chosen.inputs or [200, 400, 600]:
                lists = executor.map(memory, repeat(inputs), repeat(WINDOWS[precision]), range(chosen.lists))
                found[precision, inputs] = list(lists)
    console = Console(width=160)
    print_memories(console, found)
    draw(chosen.picture, found)
    console.print(f"picture: {chosen.picture}")


if __name__ == "__main__":
    main()
