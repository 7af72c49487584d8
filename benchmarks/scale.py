"""How compiling scales to workers, ticks and outputs, what memory it takes, and how fast CSV is.

Parts:

- ``workers``: random specs, compiled by a plain loop, and on a Dask cluster of 1 and 2 workers (processes of this
  machine, one thread each). All times are processor times, since others may use the machine. The efficiency is the time
  of the loop over ``workers × (serial + workers' time / workers)``, with the serial time that of the client's main
  thread, for which all workers are taken to wait. The last but one column counts all that runs anywhere, the scheduler
  included: the time of the loop over the sum. Bytes must be equal.
- ``ticks``: peak memory and processor time of ``snnprog run --stream`` for 10^5 to 10^8 ticks of ten lines.
- ``outputs``: peak memory and processor time of compiling 10 to 10^4 outputs.
- ``recording``: peak memory of compiling one output of a recording of 50 units at 1 ms, up to an hour.
- ``large``: ``snnprog run --stream`` of 10^5 neurons with 10^7 synapses for 10^4 ticks.
- ``csv``: reading and writing CSV, beside `numpy.loadtxt` and `numpy.savetxt`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from instances import random_raster, random_target
from rich.console import Console

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.files import read_rasters, write_rasters
from snnprog.report.terminal import print_table
from snnprog.table import Table

npy: Any = np.lib.format  # NumPy types it only in part

PIECE = 1_000_000
SIZE = {"lines": 50, "delays": 10, "ticks": 2000}
"""Of the specs for workers: 500 taps, some 0.07 s of processor time for each output."""

LAUNCHER = """
import json, os, resource, sys
nothing = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
pid = os.posix_spawn(sys.executable, [sys.executable, *sys.argv[1:]], os.environ, file_actions=[nothing])
_, code, used = os.wait4(pid, 0)
print(json.dumps([code, used.ru_maxrss / 1024, used.ru_utime + used.ru_stime]))
"""
"""Starts a command from a small process: Linux counts the memory of the parent before the start, too."""


def measured(*words: object) -> tuple[float, float]:
    """Return the peak memory (MiB) and the processor time (s) of a Python command; Linux only."""
    command = [sys.executable, "-c", LAUNCHER, *map(str, words)]
    code, memory, seconds = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    if code:
        raise SystemExit(f"{words} ended with {code}")
    return memory, seconds


def random_spec(outputs: int, *, lines: int, delays: int, ticks: int, rate: float = 0.1) -> sp.Spec:
    """Return a spec of random spikes at rate 0.1, whose outputs spike at a rate where inputs arrive."""
    generator, span = np.random.default_rng(outputs), range(1, delays + 1)
    inputs = random_raster(generator, ticks, lines, rate)
    targets = [random_target(generator, inputs, span, 0.02) for _ in range(outputs)]
    return sp.Spec([sp.Pattern(inputs, np.concatenate(targets, axis=1))], delays=span)


# -------------------------------------------------------------------------------------------------------------- workers


def compiled(spec: sp.Spec, folder: Path, **options: Any) -> tuple[bytes, float, float]:
    """Return the bytes of a program, and the processor times of this thread and of this process."""
    begun, all_begun = time.thread_time(), time.process_time()
    result = sp.compile(spec, on_infeasible="closest", **options)
    seconds = time.thread_time() - begun, time.process_time() - all_begun
    result.program.save(folder / "p.snnp")
    return (folder / "p.snnp").read_bytes(), *seconds


def workers(folder: Path, counts: Sequence[int], sizes: Sequence[int]) -> Iterator[tuple[object, ...]]:
    """Yield a row for each number of outputs and of workers."""
    from distributed import Client, LocalCluster

    cluster_of: Any = LocalCluster
    client_of: Any = Client
    for outputs in counts:
        spec = random_spec(outputs, **SIZE)
        compiled(random_spec(2, **SIZE), folder)
        alone, _, plain = compiled(spec, folder)
        yield outputs, "loop", plain, plain, 0.0, 1.0, 1.0, "-"
        for size in sizes:
            options = {"n_workers": size, "threads_per_worker": 1, "dashboard_address": None}
            with cluster_of(**options) as cluster, client_of(cluster) as client:
                compiled(random_spec(2 * size, **SIZE), folder, executor=client)
                before = sum(client.run(time.process_time).values())
                there, serial, here = compiled(spec, folder, executor=client)
                away = sum(client.run(time.process_time).values()) - before
            efficiency = plain / (size * (serial + away / size))
            yield outputs, f"{size} workers", serial, here, away, efficiency, plain / (here + away), there == alone


# ----------------------------------------------------------------------------------------------------------- memory


def relay(lines: int) -> sp.Program:
    """Return a program in which each of ten neurons hears each line."""
    pre, post = np.divmod(np.arange(lines * 10), 10)
    weight = np.random.default_rng(0).integers(-60, 60, pre.size) * 2
    return sp.Program.from_arrays(
        chip="loihi1", n_inputs=lines, n_neurons=10, pre=pre, post=post, weight=weight, threshold=200
    )


def write_npz(path: Path, ticks: int, lines: int, rate: float) -> None:
    """Write a random raster of any length piece by piece."""
    generator = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w", allowZip64=True) as archive, archive.open("x.npy", "w", force_zip64=True) as file:
        header = {"descr": "|b1", "fortran_order": False, "shape": (ticks, lines)}
        npy.write_array_header_1_0(file, header)
        for first in range(0, ticks, PIECE):
            file.write(random_raster(generator, min(PIECE, ticks - first), lines, rate).tobytes())


def ticks_of_runs(folder: Path, lengths: Sequence[int]) -> Iterator[tuple[object, ...]]:
    """Yield a row for each number of ticks."""
    relay(10).save(folder / "p.snnp")
    for ticks in lengths:
        write_npz(folder / "x.npz", ticks, 10, 0.01)
        yield f"{ticks:,} ticks", *measured("-m", "snnprog", "run", folder / "p.snnp", folder / "x.npz", "--stream")


def large(folder: Path) -> Iterator[tuple[object, ...]]:
    """Yield the row of a large program; this process needs more memory to make it than the command to run it."""
    neurons, synapses, lines = 100_000, 10_000_000, 1000
    generator = np.random.default_rng(0)
    sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=lines,
        n_neurons=neurons,
        pre=generator.integers(0, lines + neurons, synapses),
        post=generator.integers(0, neurons, synapses),
        delay=generator.integers(1, 17, synapses),
        weight=generator.integers(-60, 64, synapses) * 2,
        threshold=2000,
    ).save(folder / "large.snnp")
    write_npz(folder / "x.npz", 10_000, lines, 0.02)
    words = ("-m", "snnprog", "run", folder / "large.snnp", folder / "x.npz", "--stream")
    yield f"{neurons:,} neurons, {synapses:,} synapses, 10,000 ticks", *measured(*words)


COMPILE = """
import sys
sys.path[:0] = [{path!r}]
import numpy as np, snnprog as sp, scale
{text}
"""


def compiling(text: str) -> tuple[float, float]:
    """Return peak memory (MiB) and processor time (s) of a compilation in a process of its own."""
    return measured("-c", COMPILE.format(path=str(Path(__file__).parent), text=text))


def outputs_of_specs(counts: Sequence[int]) -> Iterator[tuple[object, ...]]:
    """Yield a row for each number of outputs."""
    for count in counts:
        text = f"sp.compile(scale.random_spec({count}, lines=20, delays=4, ticks=300), on_infeasible='closest')"
        yield f"{count:,} outputs", *compiling(text)


def recorded(ticks: int, units: int = 50) -> sp.Spec:
    """Return a spec of units that spike five times a second, and of one output that spikes after the first unit."""
    inputs = random_raster(np.random.default_rng(0), ticks, units, 0.005)
    targets = np.zeros((ticks, 1), np.bool_)
    targets[3:, 0] = inputs[:-3, 0]
    return sp.Spec([sp.Pattern(inputs, targets)], delays=range(1, 6))


def recordings(lengths: Sequence[int]) -> Iterator[tuple[object, ...]]:
    """Yield a row for each length in ticks of 1 ms."""
    for ticks in lengths:
        spikes = int(recorded(ticks).patterns[0].inputs.sum())
        row = compiling(f"sp.compile(scale.recorded({ticks}), on_infeasible='closest')")
        yield f"{ticks:,} ticks, {spikes:,} spikes", *row


# -------------------------------------------------------------------------------------------------------------- csv


def took(call: Callable[[], object]) -> float:
    """Return the processor time of a call, the least of three."""
    times = []
    for _ in range(3):
        begun = time.process_time()
        call()
        times.append(time.process_time() - begun)
    return min(times)


def csv_rows(folder: Path, spikes: int) -> Iterator[tuple[object, ...]]:
    """Yield seconds for reading and for writing, and those of NumPy."""
    raster: Raster = random_raster(np.random.default_rng(0), spikes, 10, 0.1)
    path, ticks = folder / "x.csv", len(raster)
    ours = took(lambda: write_rasters(path, [raster]))
    events = np.concatenate([np.zeros((raster.sum(), 1), np.int64), np.argwhere(raster)], axis=1)
    yield "write", len(events), ours, took(lambda: np.savetxt(folder / "y.csv", events, "%d", ","))
    ours = took(lambda: read_rasters(path, ticks=ticks, neurons=10))
    yield "read", len(events), ours, took(lambda: np.loadtxt(path, np.int64, delimiter=",", skiprows=1))


PARTS = ("workers", "ticks", "outputs", "recording", "large", "csv")
MEMORY = ("run", "peak memory (MiB)", "processor time (s)")


def main(words: Sequence[str] | None = None) -> None:
    """Print a table for each part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=PARTS, help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--outputs", type=int, nargs="*", help="numbers of outputs (workers, outputs)")
    parser.add_argument("--ticks", type=float, nargs="*", help="numbers of ticks (ticks, recording); of spikes (csv)")
    parser.add_argument("--workers", type=int, nargs="*", default=(1, 2), help="numbers of workers")
    given = parser.parse_args(words)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    ticks = [int(each) for each in given.ticks or ()]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases: dict[str, tuple[tuple[str, ...], Callable[[], Iterator[tuple[object, ...]]]]] = {
            "workers": (
                (
                    "outputs",
                    "where",
                    "serial (s)",
                    "client (s)",
                    "workers (s)",
                    "efficiency",
                    "of the sum",
                    "same bytes",
                ),
                lambda: workers(folder, given.outputs or (50, 200), given.workers),
            ),
            "ticks": (MEMORY, lambda: ticks_of_runs(folder, ticks or (10**5, 10**6, 10**7, 10**8))),
            "outputs": (MEMORY, lambda: outputs_of_specs(given.outputs or (10, 100, 1000, 10_000))),
            "recording": (MEMORY, lambda: recordings(ticks or (60_000, 600_000, 3_600_000))),
            "large": (MEMORY, lambda: large(folder)),
            "csv": (("", "spikes", "snnprog (s)", "NumPy (s)"), lambda: csv_rows(folder, (ticks or [10**6])[0])),
        }
        for part in given.parts:
            columns, rows = cases[part]
            print_table(Console(), Table.plain(part, columns=columns, rows=list(rows())))


if __name__ == "__main__":
    main()
