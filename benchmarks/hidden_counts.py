"""How many hidden neurons functions of a few lines get, beside the least that can do.

Every row of lines is a pattern: it comes at tick 0, and the answer is due at tick 2. Synapses take one or two ticks, so
hidden neurons stand in one layer between the lines and the output, which hears the lines, too. All functions of three
lines are compiled, and all functions of four and of five that depend on the number of spikes alone. What answers
silence with a spike has a free bias.

The least for three lines is found here by trying every threshold function as a hidden neuron. For functions of the
number of spikes it is half of how often the answer changes as that number grows: Minnick, "Linear-input logic", IRE
Trans. EC-10 (1961) 6; Siu, Roychowdhury, Kailath, "Depth-size tradeoffs", IEEE Trans. Computers 40 (1991) 1402.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from scipy.optimize import linprog

import snnprog as sp
from snnprog.report.terminal import print_table
from snnprog.table import Table

TICKS, DUE = 3, 2
Answers = tuple[bool, ...]


@dataclass(frozen=True)
class Counted:
    """A family of functions: how many, hidden neurons in sum, the least, the most above it, and seconds."""

    name: str
    functions: int
    hidden: int
    least: int
    worst: int
    seconds: float


def rows_of(lines: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Return (2**lines, lines) every row, in counting order."""
    return np.array(list(itertools.product((False, True), repeat=lines)))


def spec_of(answers: Answers) -> sp.Spec:
    """Return the spec of a function of lines, given by its answer to each row."""
    patterns = []
    for row, answer in zip(rows_of(len(answers).bit_length() - 1), answers, strict=True):
        inputs, targets = np.zeros((TICKS, row.size), bool), np.zeros((TICKS, 1), bool)
        inputs[0], targets[DUE] = row, answer
        patterns.append(sp.Pattern(inputs, targets))
    return sp.Spec(patterns, [1, 2], bias="free" if answers[0] else 0, hidden="auto")


def all_functions(lines: int) -> Iterator[Answers]:
    """Yield every function of some lines."""
    yield from itertools.product((False, True), repeat=1 << lines)


def symmetric_functions(lines: int) -> Iterator[Answers]:
    """Yield every function of the number of spikes on some lines."""
    counts = rows_of(lines).sum(axis=1)
    for levels in itertools.product((False, True), repeat=lines + 1):
        yield tuple(levels[count] for count in counts)


def half_of_changes(answers: Answers) -> int:
    """Return the least for a function of the number of spikes."""
    levels = [answers[(1 << count) - 1] for count in range(len(answers).bit_length())]
    return sum(one != other for one, other in itertools.pairwise(levels)) // 2


def threshold_functions(lines: int) -> set[Answers]:
    """Return all threshold functions of at most three lines: their weights are small."""
    rows = rows_of(lines).astype(int)
    found = set()
    for weights in itertools.product(range(-3, 4), repeat=lines):
        sums = rows @ np.array(weights)
        found |= {tuple((sums > level).tolist()) for level in (sums.min() - 1, *sums)}
    return found


def is_separable(columns: np.ndarray[tuple[int, ...], np.dtype[np.float64]], answers: Answers) -> bool:
    """Return whether weights and a threshold reproduce the targets."""
    signs = np.where(answers, 1.0, -1.0)[:, None]
    matrix = -signs * np.column_stack([columns, -np.ones(len(columns))])
    found = linprog(np.zeros(matrix.shape[1]), A_ub=matrix, b_ub=-np.ones(len(matrix)), bounds=(None, None))
    return bool(found.status == 0)


def least_by_trying(answers: Answers, known: set[Answers]) -> int:
    """Return the least for a function of three lines: 0, 1, or 2 for more than 1."""
    if answers in known:
        return 0
    rows = rows_of(len(answers).bit_length() - 1).astype(float)
    return 1 if any(is_separable(np.column_stack([rows, one]), answers) for one in known) else 2


def counted(name: str, functions: Sequence[Answers], least: Sequence[int]) -> Counted:
    """Compile functions and count."""
    start, found = time.perf_counter(), []
    for answers in functions:
        result = sp.compile(spec_of(answers))
        found.append(len(result.report.hidden))
    worst = max(one - other for one, other in zip(found, least, strict=True))
    return Counted(name, len(found), sum(found), sum(least), worst, time.perf_counter() - start)


def measured(most_lines: int) -> list[Counted]:
    """Return what came of all families of up to so many lines."""
    three, known = list(all_functions(3)), threshold_functions(3)
    families = [counted("all of 3 lines", three, [least_by_trying(one, known) for one in three])]
    for lines in range(4, most_lines + 1):
        functions = list(symmetric_functions(lines))
        families.append(counted(f"symmetric of {lines}", functions, [half_of_changes(one) for one in functions]))
    return families


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=5, help="the most lines of symmetric functions, 3 for none")
    chosen = parser.parse_args(arguments)
    rows = [
        (
            one.name,
            one.functions,
            one.hidden,
            one.least,
            f"{one.hidden / one.least:.3f}",
            one.worst,
            f"{one.seconds:.1f}",
        )
        for one in measured(chosen.lines)
    ]
    columns = ("functions", "number", "hidden neurons", "least", "ratio", "most above", "seconds")
    print_table(Console(width=120), Table.plain("Hidden neurons", columns=columns, rows=rows))


if __name__ == "__main__":
    main()
