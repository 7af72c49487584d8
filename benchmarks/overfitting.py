"""How wrong dense and sparse programs are on samples that they were not compiled from, by samples per synapse.

Each of four outputs of a hidden rule answers when at least some of its lines spike at given ticks before: by default
two of two lines. Specs are made from more and more random patterns; each is compiled with all synapses and with few
(``sparse=True``), exactly. Both programs then run on 60 patterns that the compiler has not seen: 14,400 bins of the
four outputs. An output's evidence is its number of target spikes for each synapse (`snnprog.compiler.evidence`): the
table groups outputs by it.
"""

from __future__ import annotations

import argparse
from argparse import Namespace
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

TICKS, OUTPUTS, UNSEEN = 60, 4, 60
LEVELS = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, float("inf"))
"""Ends of the groups of evidence."""


@dataclass(frozen=True)
class Rule:
    """When an output answers: if at least so many of its lines spiked the right number of ticks before.

    Attributes
    ----------
    taps : sequence of (line, delay)
    least : int
    """

    taps: Sequence[tuple[int, int]]
    least: int

    def answers(self, inputs: Raster) -> Raster:
        """Return the target spikes of a raster ``(ticks, lines)``."""
        heard = np.zeros(len(inputs), np.int64)
        for line, delay in self.taps:
            heard[delay:] += inputs[:-delay, line]
        found: Raster = heard >= self.least
        return found


@dataclass(frozen=True)
class Outcome:
    """One output: its evidence and synapses, and its wrong and due spikes on unseen patterns."""

    size: str
    seed: int
    kind: str
    synapses: int
    evidence: float
    wrong: int
    due: int


def patterns(rng: np.random.Generator, rules: Sequence[Rule], *, chosen: Namespace, number: int) -> list[sp.Pattern]:
    """Return random patterns with their answers."""
    rasters = rng.random((number, TICKS, chosen.lines)) < chosen.rate
    return [sp.Pattern(raster, np.stack([rule.answers(raster) for rule in rules], axis=1)) for raster in rasters]


def outcomes(chosen: Namespace, *, seed: int) -> Iterator[Outcome]:
    """Yield the outcome of each output of dense and sparse programs from more and more patterns."""
    rng, rules = np.random.default_rng(seed), []
    for _ in range(OUTPUTS):
        lines = rng.choice(chosen.lines, chosen.taps, replace=False).tolist()
        gaps = [*rng.integers(1, 6, chosen.taps - 1).tolist(), 0]
        rules.append(Rule([(line, gap + 1) for line, gap in zip(lines, gaps, strict=True)], chosen.least))
    unseen = patterns(rng, rules, chosen=chosen, number=UNSEEN)
    for number in chosen.patterns:
        samples = patterns(rng, rules, chosen=chosen, number=number)
        spec = sp.Spec(samples, range(1, chosen.longest + 1), dynamics=sp.Dynamics(4095, 4095))
        for kind in ("dense", "sparse"):
            result = sp.compile(replace(spec, sparse=kind == "sparse"))
            traces = sp.run(result.program, [pattern.inputs for pattern in unseen])
            evidence = evidence_of(spec, [neuron.synapses for neuron in result.report.neurons])
            for output, (neuron, found) in enumerate(zip(result.report.neurons, evidence, strict=True)):
                wrong = sum(
                    int((trace.spikes ^ each.targets)[:, output].sum())
                    for trace, each in zip(traces, unseen, strict=True)
                )
                due = sum(int(each.targets[:, output].sum()) for each in unseen)
                size = f"{chosen.lines} lines, {number} patterns"
                yield Outcome(size, seed, kind, neuron.synapses, found.per_synapse, wrong, due)


def rows_of(found: Sequence[Outcome], groups: Sequence[tuple[str, Sequence[Outcome]]]) -> list[tuple[object, ...]]:
    """Return a row for each group that has outcomes."""
    rows: list[tuple[object, ...]] = []
    for name, members in groups:
        if members:
            wrong, due = sum(each.wrong for each in members), sum(each.due for each in members)
            rows.append((name, len(members), wrong, due, f"{100 * wrong / due:.0f} %"))
    return rows


def by_program(found: Sequence[Outcome]) -> list[tuple[object, ...]]:
    """Return a row for each program: its synapses, and its wrong bins of all unseen ones."""
    rows: list[tuple[object, ...]] = []
    for key in dict.fromkeys((each.size, each.seed, each.kind) for each in found):
        members = [each for each in found if (each.size, each.seed, each.kind) == key]
        wrong, synapses = sum(each.wrong for each in members), sum(each.synapses for each in members)
        rows.append((*key, synapses, wrong, f"{UNSEEN * TICKS * OUTPUTS:,}"))
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--lines", type=int, nargs="+", default=[4, 8, 18])
    parser.add_argument("--patterns", type=int, nargs="+", default=[4, 16, 64, 256])
    parser.add_argument("--longest", type=int, default=8, help="the longest delay; all from 1 on are offered")
    parser.add_argument("--taps", type=int, default=2, help="lines that an output listens to")
    parser.add_argument("--least", type=int, default=2, help="how many of them must spike")
    parser.add_argument("--rate", type=float, default=0.05, help="spikes per line and tick")
    chosen = parser.parse_args(arguments)
    found = [
        outcome
        for lines in chosen.lines
        for seed in range(chosen.seeds)
        for outcome in outcomes(Namespace(**{**vars(chosen), "lines": lines}), seed=seed)
    ]
    sizes = dict.fromkeys((each.size, each.kind) for each in found)
    by_size = [(f"{size}, {kind}", [e for e in found if (e.size, e.kind) == (size, kind)]) for size, kind in sizes]
    by_level = [
        (f"{low} to {high}, {kind}", [e for e in found if e.kind == kind and low <= e.evidence < high])
        for low, high in pairwise(LEVELS)
        for kind in ("dense", "sparse")
    ]
    console = Console(width=120)
    columns: tuple[str, ...] = ("program", "seed", "weights", "synapses", "wrong bins", "of")
    print_table(console, Table.plain("Programs", columns=columns, rows=by_program(found)), is_whole=True)
    for title, groups in (("Specs", by_size), ("Target spikes for each synapse", by_level)):
        columns = (title.lower(), "outputs", "wrong bins", "due spikes", "wrong for each due")
        print_table(console, Table.plain(title, columns=columns, rows=rows_of(found, groups)), is_whole=True)


if __name__ == "__main__":
    main()
