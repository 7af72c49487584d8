"""Robust programs beside ordinary ones: time, rows, and runs of perturbed inputs.

Each pattern has random input spikes, and a clock, not perturbed, that asks for the answer of the output at the end: a
spike in half of the patterns. Times are those of the process, of the whole of `snnprog.compile`, checks included. As
many perturbed inputs as are requested are drawn and run on the kernel: how many have a wrong output, with the ordinary
program and with the robust one?
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np
from rich.console import Console

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.errors import InfeasibleError, SnnprogError
from snnprog.report.terminal import print_table
from snnprog.table import Table

COLUMNS = (
    "lines",
    "patterns",
    "perturbations",
    "ordinary (s)",
    "robust (s)",
    "ratio",
    "rows",
    "room (LSB)",
    "wrong, ordinary",
    "wrong, robust",
)
ERRORS = (
    {"missing": 1},
    {"extra": 1},
    {"jitter": 1},
    {"jitter": 1, "weights": 0.02},
    {"jitter": 1, "missing": 1},
    {"jitter": 2},
    {"jitter": 1, "missing": 1, "extra": 1, "weights": 0.02},
)
SIZES = ((8, 10), (16, 20), (24, 30))
DELAYS, TICKS, RATE, BEFORE_END = range(1, 17), 60, 0.02, 10
AT_ONCE = 1000


def patterns_of(lines: int, count: int, seed: int) -> list[sp.Pattern]:
    """Return patterns with random spikes and a clock on the last line."""
    rng = np.random.default_rng(seed)
    patterns = []
    for _ in range(count):
        inputs, targets = rng.random((TICKS, lines)) < RATE, np.zeros((TICKS, 1), np.bool_)
        inputs[:, -1] = False
        inputs[TICKS - BEFORE_END, -1] = True
        targets[TICKS - BEFORE_END + 1, 0] = rng.random() < 0.5
        patterns.append(sp.Pattern(inputs, targets))
    return patterns


def perturbed(pattern: sp.Pattern, robust: sp.Robust, rng: np.random.Generator) -> Raster:
    """Return a random perturbation of a pattern's inputs, with as many missing and added spikes as are allowed."""
    inputs = np.zeros_like(pattern.inputs)
    ticks, lines = pattern.inputs.nonzero()
    is_free = ~np.isin(lines, robust.exempt)
    kept = np.ones(ticks.size, np.bool_)
    kept[rng.permutation(np.flatnonzero(is_free))[: robust.missing]] = False
    moves = rng.integers(-robust.jitter, robust.jitter + 1, ticks.size) * is_free
    inputs[np.clip(ticks + moves, 0, len(inputs) - 1)[kept], lines[kept]] = True
    free = np.setdiff1d(np.arange(inputs.shape[1]), robust.exempt)
    for _ in range(robust.extra):
        inputs[rng.integers(len(inputs)), rng.choice(free)] = True
    return inputs


def wrong_runs(program: sp.Program, patterns: list[sp.Pattern], robust: sp.Robust, *, runs: int, seed: int) -> int:
    """Return how many of so many perturbed inputs have a wrong output."""
    rng, wrong = np.random.default_rng(seed), 0
    for first in range(0, runs, AT_ONCE):
        chosen = [patterns[index] for index in rng.integers(len(patterns), size=min(AT_ONCE, runs - first))]
        traces = sp.run(program, [perturbed(pattern, robust, rng) for pattern in chosen], backend="kernel")
        wrong += sum(
            not np.array_equal(trace.spikes, pattern.targets) for trace, pattern in zip(traces, chosen, strict=True)
        )
    return wrong


def timed(spec: sp.Spec) -> tuple[sp.CompileResult | str, float]:
    """Return the result of a spec, or why there is none in a word, and the seconds of the process."""
    start = time.process_time()
    try:
        found: sp.CompileResult | str = sp.compile(spec)
    except InfeasibleError:
        found = "infeasible"
    except SnnprogError as error:
        found = type(error).__name__
    return found, time.process_time() - start


def rows(sizes: list[tuple[int, int]], *, runs: int, seed: int) -> Iterator[tuple[object, ...]]:
    """Yield the rows of the table."""
    for lines, count in sizes:
        patterns = patterns_of(lines, count, seed)
        timed(sp.Spec(patterns, DELAYS))
        ordinary, before = timed(sp.Spec(patterns, DELAYS))
        if isinstance(ordinary, str):
            yield lines, count, "none", f"{ordinary} {before:.2f}", "", "", "", "", "", ""
            continue
        for errors in ERRORS:
            robust = sp.Robust(**errors, exempt=(lines - 1,))
            found, after = timed(sp.Spec(patterns, DELAYS, robust=robust))
            lost = wrong_runs(ordinary.program, patterns, robust, runs=runs, seed=seed)
            label = ", ".join(f"{name} {value}" for name, value in errors.items())
            times = f"{before:.2f}", f"{after:.2f}", f"{after / before:.1f}"
            if isinstance(found, str):
                yield lines, count, label, *times, found, "", lost, ""
                continue
            verdict = found.report.robustness
            assert verdict is not None, "the spec names perturbations"
            right = wrong_runs(found.program, patterns, robust, runs=runs, seed=seed)
            yield lines, count, label, *times, verdict.rows, f"{verdict.room:.1f}", lost, right


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000, help="perturbed inputs for each row")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lines", type=int, nargs="*", help="only the sizes with so many lines")
    given = parser.parse_args()
    sizes = [size for size in SIZES if not given.lines or size[0] in given.lines]
    title = f"robust programs, delays 1 to 16, {TICKS} ticks, {given.runs} perturbed inputs each"
    table = Table.plain(title, columns=COLUMNS, rows=list(rows(sizes, runs=given.runs, seed=given.seed)))
    print_table(Console(width=180), table)


if __name__ == "__main__":
    main()
