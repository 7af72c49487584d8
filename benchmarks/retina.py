"""A recorded retina as a spec: 40 of its units are the inputs, the other 17 what a network must reproduce from them.

The recording is an ``.npz`` with ``spike_times_s`` and ``neuron_index`` (57 units), binned to ticks of 20 ms.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import numpy as np
from rich.console import Console

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.design import design
from snnprog.design.task import Task
from snnprog.integers import NeuronReport, quantize
from snnprog.raster import bin_spike_times
from snnprog.report.terminal import print_table
from snnprog.table import Table

UNITS, INPUTS, BIN_MS, LONGEST_DELAY = 57, 40, 20.0, 62


def main() -> None:
    """Design all outputs and compile those that can be built, or all with hidden neurons; print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recording")
    parser.add_argument("--ticks", type=int, default=1000)
    parser.add_argument("--backend", action="append", default=["reference"])
    parser.add_argument("--workers", type=int, default=2, help="processes for the design")
    parser.add_argument("--hidden", action="store_true", help="add hidden neurons until all outputs are exact")
    parser.add_argument("--units", action="store_true", help="judge on the held-out second half, beside a GLM")
    parser.add_argument("--delay", type=int, default=LONGEST_DELAY, help="longest delay for --units")
    chosen = parser.parse_args()
    raster, merged = recorded(Path(chosen.recording), chosen.ticks)
    console = Console(width=200)
    with ProcessPoolExecutor(chosen.workers, mp_context=get_context("spawn")) as executor:
        if chosen.units:
            on_held_out_time(console, raster, chosen.delay, executor)
        else:
            (with_hidden if chosen.hidden else alone)(console, raster, chosen.backend, executor)
    own, worker = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    console.print(
        f"{merged} spikes shared a bin; peak memory {own:.0f} MiB, and {worker:.0f} MiB in the largest worker"
    )


def recorded(recording: Path, ticks: int) -> tuple[Raster, int]:
    """Return the raster (ticks, units) of a recording, and how many spikes shared a bin with another."""
    with np.load(recording, allow_pickle=False) as archive:
        times, units = archive["spike_times_s"], archive["neuron_index"]
    return bin_spike_times(times, units, bin_ms=BIN_MS, ticks=ticks, neurons=UNITS)


def spec_of(raster: Raster, outputs: Sequence[int], hidden: Literal[0, "auto"] = 0) -> sp.Spec:
    """Return the spec of some of the units that are not inputs."""
    targets = raster[:, INPUTS:][:, outputs]
    return sp.Spec([sp.Pattern(raster[:, :INPUTS], targets)], range(1, LONGEST_DELAY + 1), hidden=hidden)


def alone(console: Console, raster: Raster, backends: Sequence[str], executor: Executor) -> None:
    """Design every output alone; those that can be built become a program."""
    everything = range(UNITS - INPUTS)
    start = time.perf_counter()
    designed = design(spec_of(raster, everything), executor=executor)
    buildable = [index for index in everything if index not in designed.unbuilt]
    rest = spec_of(raster, buildable)
    quantized = quantize(Task.of(rest), designed.network, executor=executor)
    seconds = time.perf_counter() - start
    found, rows = iter(quantized.neurons), []
    for index, outcome in enumerate(designed.outcomes):
        if outcome.neuron is None:
            rows.append((index, _spikes(raster, index), "infeasible", "", outcome.conflicts[0].reason))
        else:
            rows.append((index, _spikes(raster, index), *_cells(next(found))))
    _print(console, len(raster), rows, seconds)
    _compare(console, quantized.program, rest, backends)


def with_hidden(console: Console, raster: Raster, backends: Sequence[str], executor: Executor) -> None:
    """Compile all outputs, with as many hidden neurons as it takes."""
    spec = spec_of(raster, range(UNITS - INPUTS), hidden="auto")
    start = time.perf_counter()
    result = sp.compile(spec, executor=executor)
    seconds = time.perf_counter() - start
    rows = [(neuron.output, _spikes(raster, neuron.output), *_cells(neuron)) for neuron in result.report.neurons]
    _print(console, len(raster), rows, seconds)
    console.print(f"{len(result.report.hidden)} hidden neurons")
    _compare(console, result.program, spec, backends)


def on_held_out_time(console: Console, raster: Raster, longest: int, executor: Executor) -> None:
    """Print which outputs are neurons of the inputs on the first half, and hits on the second, beside a GLM."""
    start = time.perf_counter()
    found = sp.units(raster, inputs=range(INPUTS), delays=range(1, longest + 1), glm=True, executor=executor)
    seconds = time.perf_counter() - start
    print_table(console, found.table())
    groups = {
        "exact": [each for each in found.units if each.is_exact],
        "not exact": [each for each in found.units if not each.is_exact],
    }
    for (name, group), part in itertools.product(groups.items(), ("training", "held_out")):
        scores = [getattr(each, prefix + part) for prefix in ("", "glm_") for each in group]
        neurons, glms = scores[: len(group)], scores[len(group) :]
        for kind, each in (("neurons", neurons), ("GLM", glms)):
            hits, misses, alarms = (sum(getattr(one, count) for one in each) for count in _COUNTS)
            share = 100.0 * hits / max(hits + misses, 1)
            hit = f"{hits} of {hits + misses} hit ({share:.0f} %)"
            console.print(f"{name}, {part}, {kind}: {hit}, {alarms} false alarms")
    console.print(f"{dict(Counter(each.status for each in found.units))}; {seconds:.1f} s with the GLM")


_COUNTS = ("hits", "misses", "false_alarms")


def _spikes(raster: Raster, output: int) -> int:
    return int(raster[:, INPUTS + output].sum())


def _cells(neuron: NeuronReport) -> tuple[str, str, str]:
    return neuron.status, f"{neuron.margin:.1f}", f"portable for {neuron.portable_for}"


def _print(console: Console, ticks: int, rows: Sequence[Sequence[object]], seconds: float) -> None:
    print_table(
        console,
        Table.plain(
            f"Retina, {ticks} ticks", columns=("output", "spikes", "verdict", "margin (LSB)", "why"), rows=rows
        ),
    )
    console.print(f"{dict(Counter(str(row[2]) for row in rows))}; design and quantization {seconds:.1f} s")


def _compare(console: Console, program: sp.Program, spec: sp.Spec, backends: Sequence[str]) -> None:
    for name, answer in sp.verify(program, spec, backends).backends.items():
        console.print(f"exact on {name}: {'yes' if answer.exact else answer.first_divergence}")


if __name__ == "__main__":
    main()
