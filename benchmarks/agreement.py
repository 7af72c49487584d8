"""Does the kernel equal the reference? Large random networks, everything compared: spikes, states, excursions.

Half of the networks are loud: their currents wrap, their potentials are clipped. Runs until so many neuron-ticks are
compared, each with its current, its potential and its spike; the first difference ends it with exit code 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from networks import anything
from rich.console import Console

import snnprog as sp
from snnprog.report.terminal import print_table
from snnprog.simulate import kernel, reference
from snnprog.simulate.layout import lay_out
from snnprog.table import Table

PATTERN_TICKS = (400, 150)


@dataclass
class Tally:
    """What was compared."""

    networks: int = 0
    neuron_ticks: int = 0
    spikes: int = 0
    excursions: int = 0
    wide: int = 0


def is_equal(one: sp.Trace, other: sp.Trace) -> bool:
    """Return whether two traces say the same, excursions included."""
    names = ("spikes", "currents", "potentials")
    same = all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)
    return same and one.excursions == other.excursions


def compare(seed: int, tally: Tally) -> bool:
    """Run the network of a seed on both; add it to the tally; return whether they agree."""
    program = anything(seed, is_loud=seed % 2 == 1)
    generator = np.random.default_rng(seed)
    rate = 10 ** generator.uniform(-2.5, -0.5)
    inputs = [generator.random((ticks, program.n_inputs)) < rate for ticks in PATTERN_TICKS]
    layout = lay_out(program)
    expected = reference.simulate(program, inputs, state=True)
    found = kernel.run_layout(layout, inputs, state=True, threads=2)
    tally.networks += 1
    tally.neuron_ticks += program.n_neurons * sum(PATTERN_TICKS)
    tally.spikes += sum(int(trace.spikes.sum()) for trace in expected)
    tally.excursions += sum(len(trace.excursions) for trace in expected)
    tally.wide += layout.cells.dtype == np.int64
    return all(is_equal(one, other) for one, other in zip(expected, found, strict=True))


def main(words: Sequence[str] | None = None) -> None:
    """Compare until it is enough; print the totals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--neuron-ticks", type=float, default=1e8)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(words)
    tally, seed, start = Tally(), chosen.seed, time.perf_counter()
    while tally.neuron_ticks < chosen.neuron_ticks:
        if not compare(seed, tally):
            sys.exit(f"network {seed}: kernel and reference differ")
        seed += 1
    columns = ("networks", "neuron-ticks", "output spikes", "excursions", "in 64 bits", "seconds")
    row = (*vars(tally).values(), time.perf_counter() - start)
    print_table(Console(width=120), Table.plain("Kernel and reference: no difference", columns=columns, rows=[row]))


if __name__ == "__main__":
    main()
