"""What a step of one tick costs: `sp.Simulator.step` beside `sp.run` of one tick, and beside a tick of a long run.

    python benchmarks/simulate_steps.py [--backend NAME ...]

Random networks of ten synapses per neuron, inputs that spike in 2 % of all ticks. Times are the least of some
repetitions, in microseconds of wall-clock time per tick; ``--cpu`` counts this process's processor time instead, for
machines that do other things, too (a backend's process is not counted then).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

import snnprog as sp

SIZES = (10, 100, 1000, 10_000)
PER_NEURON = 10
RATE = 0.02


def network(neurons: int) -> sp.Program:
    """Return a random program of so many neurons, and a tenth as many input lines."""
    generator, count = np.random.default_rng(neurons), PER_NEURON * neurons
    inputs = max(1, neurons // 10)
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=inputs,
        n_neurons=neurons,
        pre=generator.integers(0, inputs + neurons, count),
        post=generator.integers(0, neurons, count),
        delay=generator.integers(1, 9, count),
        weight=generator.integers(-30, 31, count) * 2,
        threshold=generator.integers(100, 400, neurons),
        current_decay=2000,
        potential_decay=300,
    )


def microseconds(work: Callable[[], object], ticks: int, clock: Callable[[], float], *, repeats: int) -> float:
    """Return the least of so many timings, per tick."""
    found = []
    for _ in range(repeats):
        start = clock()
        work()
        found.append((clock() - start) / ticks * 1e6)
    return min(found)


def row_of(neurons: int, backend: str, ticks: int, clock: Callable[[], float], *, repeats: int) -> list[float | None]:
    """Return the times of a step, of a run of one tick (built-in simulators only), and of a tick of a long run."""
    program = network(neurons)
    raster = np.random.default_rng(0).random((ticks, program.n_inputs)) < RATE
    lines = list(raster)
    with sp.Simulator(program, backend) as simulator:
        simulator.step(raster)

        def steps() -> None:
            for line in lines:
                simulator.step(line)

        step = microseconds(steps, ticks, clock, repeats=repeats)
        long = microseconds(lambda: simulator.step(raster), ticks, clock, repeats=repeats)
    if backend not in ("kernel", "reference"):
        return [step, None, long]
    few = lines[: max(1, ticks // 20)]

    def runs() -> None:
        for line in few:
            sp.run(program, line[None], backend)

    return [step, microseconds(runs, len(few), clock, repeats=repeats), long]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", action="append", help="which to measure; kernel and reference, unless given")
    parser.add_argument("--size", action="append", type=int, help="numbers of neurons")
    parser.add_argument("--ticks", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cpu", action="store_true", help="count this process's processor time")
    chosen = parser.parse_args(arguments)
    table = Table("neurons", "backend", "step of one tick", "sp.run of one tick", "tick of a long run")
    clock = time.process_time if chosen.cpu else time.perf_counter
    for neurons in chosen.size or SIZES:
        for backend in chosen.backend or ("kernel", "reference"):
            row = row_of(neurons, backend, chosen.ticks, clock, repeats=chosen.repeats)
            cells = ["-" if value is None else f"{value:,.1f} us" for value in row]
            table.add_row(f"{neurons:,}", backend, *cells)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
