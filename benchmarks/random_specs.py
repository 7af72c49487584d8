"""Random feed-forward specs, each compiled for Loihi 1 and checked in simulation and on Lava.

100 inputs at 2 % rate, delays 1 to 10, potential leak 0.95, 2000 ticks, outputs at 1 % rate. Target spikes begin once
the longest delay has passed, because nothing can have arrived at tick 0.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from rich.console import Console

import snnprog as sp
from snnprog.report.terminal import print_table
from snnprog.table import Table

INPUTS, TICKS, INPUT_RATE, OUTPUT_RATE, LONGEST_DELAY = 100, 2000, 0.02, 0.01, 10


def random_spec(seed: int, outputs: int) -> sp.Spec:
    """Return the random spec of that seed."""
    generator = np.random.default_rng(seed)
    inputs = generator.random((TICKS, INPUTS)) < INPUT_RATE
    targets = generator.random((TICKS, outputs)) < OUTPUT_RATE
    targets[:LONGEST_DELAY] = False
    return sp.Spec([sp.Pattern(inputs, targets)], range(1, LONGEST_DELAY + 1))


def main() -> None:
    """Compile, verify, and print a row for each seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--outputs", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--backend", action="append", default=["reference"])
    chosen = parser.parse_args()
    rows = []
    with ProcessPoolExecutor(chosen.workers, mp_context=get_context("spawn")) as executor:
        for seed in range(chosen.seeds):
            spec = random_spec(seed, chosen.outputs)
            start = time.perf_counter()
            result = sp.compile(spec, executor=executor)
            compiled = time.perf_counter()
            check = sp.verify(result.program, spec, chosen.backend)
            statuses = Counter(neuron.status for neuron in result.report.neurons)
            answers = ["yes" if check.backends[name].exact else "NO" for name in chosen.backend]
            margin = min(neuron.margin for neuron in result.report.neurons)
            rows.append((seed, dict(statuses), margin, *answers, compiled - start, time.perf_counter() - compiled))
    columns = ("seed", "outputs", "least margin (LSB)", *(f"exact on {name}" for name in chosen.backend))
    print_table(
        Console(width=140),
        Table.plain("Random feed-forward specs", columns=(*columns, "compile (s)", "verify (s)"), rows=rows),
    )


if __name__ == "__main__":
    main()
