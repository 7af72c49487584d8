"""How wrong dense and sparse programs are on samples that they were not compiled from, by samples per synapse.

Each of four outputs of a hidden rule answers when a line spikes some ticks before another. Specs are made from more and
more random patterns; each is compiled with all synapses and with few (``sparse=True``), exactly. Both programs then run
on 60 patterns that the compiler has not seen. An output's evidence is its number of target spikes for each synapse
(`snnprog.compiler.evidence`): the table groups outputs by it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from rich.console import Console

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.compiler.evidence import evidence_of
from snnprog.report.terminal import print_table
from snnprog.table import Table

TICKS, OUTPUTS, RATE, UNSEEN = 60, 4, 0.05, 60
LEVELS = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, float("inf"))
"""Ends of the groups of evidence."""

Coincidence = tuple[int, int, int]


@dataclass(frozen=True)
class Outcome:
    """One output: its evidence, and its wrong and due spikes on unseen patterns."""

    size: str
    kind: str
    evidence: float
    wrong: int
    due: int


def answers(inputs: Raster, rules: Sequence[Coincidence]) -> Raster:
    """Return the target spikes: a tick after line b, if line a spiked some ticks before it."""
    found = np.zeros((TICKS, len(rules)), np.bool_)
    for output, (first, second, gap) in enumerate(rules):
        found[gap + 1 :, output] = inputs[gap:-1, second] & inputs[: -gap - 1, first]
    return found


def patterns(rng: np.random.Generator, rules: Sequence[Coincidence], *, lines: int, number: int) -> list[sp.Pattern]:
    """Return random patterns with their answers."""
    rasters = rng.random((number, TICKS, lines)) < RATE
    return [sp.Pattern(raster, answers(raster, rules)) for raster in rasters]


def outcomes(lines: int, *, numbers: Sequence[int], seed: int) -> Iterator[Outcome]:
    """Yield the outcome of each output of dense and sparse programs from more and more patterns."""
    rng = np.random.default_rng(seed)
    rules = []
    for _ in range(OUTPUTS):
        first, second = rng.choice(lines, 2, replace=False).tolist()
        rules.append((first, second, int(rng.integers(1, 6))))
    unseen = patterns(rng, rules, lines=lines, number=UNSEEN)
    for number in numbers:
        spec = sp.Spec(patterns(rng, rules, lines=lines, number=number), range(1, 9), dynamics=sp.Dynamics(4095, 4095))
        for kind in ("dense", "sparse"):
            result = sp.compile(replace(spec, sparse=kind == "sparse"))
            traces = sp.run(result.program, [pattern.inputs for pattern in unseen])
            for output, neuron in enumerate(result.report.neurons):
                wrong = sum(
                    int((trace.spikes ^ each.targets)[:, output].sum())
                    for trace, each in zip(traces, unseen, strict=True)
                )
                due = sum(int(each.targets[:, output].sum()) for each in unseen)
                found = evidence_of(spec, output, synapses=neuron.synapses)
                yield Outcome(f"{lines} lines, {number} patterns", kind, found.per_synapse, wrong, due)


def rows_of(found: Sequence[Outcome], groups: Sequence[tuple[str, Sequence[Outcome]]]) -> list[tuple[object, ...]]:
    """Return a row for each group that has outcomes."""
    rows: list[tuple[object, ...]] = []
    for name, members in groups:
        if members:
            wrong, due = sum(each.wrong for each in members), sum(each.due for each in members)
            rows.append((name, len(members), wrong, due, f"{100 * wrong / due:.0f} %"))
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--lines", type=int, nargs="+", default=[4, 8, 18])
    parser.add_argument("--patterns", type=int, nargs="+", default=[4, 16, 64, 256])
    chosen = parser.parse_args(arguments)
    found = [
        outcome
        for lines in chosen.lines
        for seed in range(chosen.seeds)
        for outcome in outcomes(lines, numbers=chosen.patterns, seed=seed)
    ]
    sizes = dict.fromkeys((each.size, each.kind) for each in found)
    by_size = [(f"{size}, {kind}", [e for e in found if (e.size, e.kind) == (size, kind)]) for size, kind in sizes]
    by_level = [
        (f"{low} to {high}, {kind}", [e for e in found if e.kind == kind and low <= e.evidence < high])
        for low, high in pairwise(LEVELS)
        for kind in ("dense", "sparse")
    ]
    console = Console(width=120)
    for title, groups in (("Specs", by_size), ("Target spikes for each synapse", by_level)):
        columns = (title.lower(), "outputs", "wrong bins", "due spikes", "wrong for each due")
        print_table(console, Table.plain(title, columns=columns, rows=rows_of(found, groups)))


if __name__ == "__main__":
    main()
