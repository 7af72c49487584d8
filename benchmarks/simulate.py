"""How fast the kernel simulates, beside Brian2 (C++ standalone), NEST, Lava and the reference, in one run.

Networks of leaky integrate-and-fire neurons without currents, random weights around 0: dense feed-forward layers, and
recurrent ones with delays of 1 to 8 ticks. Every simulator is given the same network and input spikes, records all
output spikes, and uses one thread; what it does before the first tick is not counted, nor reading spikes back. The best
of several short runs counts. Kernel, NEST and reference are given in processor time, which equals time on an idle
machine; Brian2 and Lava time themselves by the clock, and so is the kernel on two threads.

A synaptic operation is one synapse that carries one spike. The floor of a network is a hand-written loop that only
updates its neurons and adds its weights (`simulate_floor.py`), timed in turns with the kernel; the distance to it is
how many times as long the kernel takes. Bytes moved are what the kernel's loops read and write, counted from the
layout; the copy bandwidth is that of NumPy's copy between arrays that together are as large as the memory that the
kernel goes over, reading and writing counted both.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from networks import feed_forward, recurrent
from rich.console import Console
from rival_timing import Timing, prepare, time_rival
from simulate_floor import floor_seconds

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.report.terminal import print_table
from snnprog.simulate import kernel, reference
from snnprog.simulate.layout import Layout, lay_out
from snnprog.simulate.memory import CHUNK
from snnprog.table import Table

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "simulate.png"
RIVALS = ("brian2", "nest", "lava")
COLOURS = {"kernel": "#1b6ca8", "brian2": "#d1495b", "nest": "#edae49", "lava": "#66a182", "reference": "#8d6a9f"}
PATTERNS, THREADS = 64, 2
CELL_BYTES = 16
"""Per neuron and tick: 3 words read and 1 written of its own; what arrives is read and cleared, too."""


@dataclass(frozen=True)
class Case:
    """A network, how many of its inputs fire in a tick, and for how many ticks the kernel is timed on it."""

    name: str
    family: str
    make: Callable[[], sp.Program]
    rate: float
    ticks: int


CASES = (
    Case("dense 100 x 100", "dense", lambda: feed_forward(100, 100), 0.02, 40_000),
    Case("dense 300 x 300", "dense", lambda: feed_forward(300, 300), 0.02, 20_000),
    Case("dense 1000 x 1000", "dense", lambda: feed_forward(1000, 1000), 0.02, 5_000),
    Case("dense 1000 x 10000", "", lambda: feed_forward(1000, 10_000), 0.02, 1_000),
    Case("dense 1000 x 1000, 0.1 %", "", lambda: feed_forward(1000, 1000), 0.001, 5_000),
    Case("dense 1000 x 1000, 10 %", "", lambda: feed_forward(1000, 1000), 0.1, 4_000),
    Case("recurrent 100 + 100", "recurrent", lambda: recurrent(100, 100, 0.1), 0.02, 40_000),
    Case("recurrent 300 + 300", "recurrent", lambda: recurrent(300, 300, 0.1), 0.02, 10_000),
    Case("recurrent 1000 + 1000", "recurrent", lambda: recurrent(1000, 1000, 0.1), 0.02, 2_000),
    Case("recurrent 1000 + 10000, 1 %", "", lambda: recurrent(1000, 10_000, 0.01), 0.02, 1_000),
)


@dataclass(frozen=True)
class Outcome:
    """What one case showed; speeds in ticks of one pattern per second.

    Attributes
    ----------
    speeds : dict
        By simulator.
    spikes : dict
        By simulator, as a share of the kernel's on the same ticks.
    together : float
        The kernel's on 64 patterns, with two threads.
    operations : float
        Synaptic operations per tick.
    out_rate : float
    bandwidth, copy : float
        Bytes per second that the kernel and a copy of the same size move.
    floor, distance : float
        Nanoseconds per tick of the hand-written loop, and how many times as long the kernel takes beside it.
    """

    case: Case
    program: sp.Program
    speeds: dict[str, float]
    spikes: dict[str, float]
    together: float
    operations: float
    out_rate: float
    bandwidth: float
    copy: float
    floor: float
    distance: float

    @property
    def best_rival(self) -> float:
        """The faster of Brian2 and NEST; not a number where neither ran."""
        return max((self.speeds[name] for name in ("brian2", "nest") if name in self.speeds), default=np.nan)


def best_seconds(work: Callable[[], object], repeats: int, clock: Callable[[], float] = time.thread_time) -> float:
    """Return the least of so many timings."""
    seconds = []
    for _ in range(repeats):
        start = clock()
        work()
        seconds.append(clock() - start)
    return min(seconds)


def measure(case: Case, rivals: Sequence[str], divide: int, repeats: int) -> Outcome:
    """Run one case on everything."""
    program, ticks = case.make(), max(200, case.ticks // divide)
    layout, generator = lay_out(program), np.random.default_rng(1)
    raster = generator.random((ticks, program.n_inputs)) < case.rate
    (trace,) = kernel.run_layout(layout, [raster])
    seconds, floor = np.inf, np.inf
    for _ in range(repeats):
        seconds = min(seconds, best_seconds(lambda: kernel.run_layout(layout, [raster]), 2))
        floor = min(floor, floor_seconds(layout, program, raster, trace.spikes, repeats=2))
    batch = [generator.random((max(20, ticks // 16), program.n_inputs)) < case.rate for _ in range(PATTERNS)]
    together = best_seconds(lambda: kernel.run_layout(layout, batch, threads=THREADS), 5 * repeats, time.perf_counter)
    speeds, spikes = {"kernel": ticks / seconds}, {"kernel": 1.0}
    for name, timing in _others(program, raster, rivals, repeats):
        speeds[name] = timing.ticks_per_second
        given = _given(name, ticks)
        spikes[name] = timing.spikes / max(1, int(trace.spikes[:given].sum()))
    events = fan_out_events(program, raster, trace.spikes)
    moved = bytes_per_tick(layout, raster, trace.spikes) * ticks / seconds
    return Outcome(
        case=case,
        program=program,
        speeds=speeds,
        spikes=spikes,
        together=PATTERNS * len(batch[0]) / together,
        operations=events / ticks,
        out_rate=float(trace.spikes.mean()),
        bandwidth=moved,
        copy=copy_bandwidth(resident_bytes(layout)),
        floor=floor / ticks * 1e9,
        distance=seconds / floor,
    )


def _given(name: str, ticks: int) -> int:
    """Return how many of the ticks a simulator is given: the slow ones fewer."""
    return min(ticks, {"lava": 128, "reference": 200}.get(name, ticks // 4 + 100))


def _others(program: sp.Program, raster: Raster, rivals: Sequence[str], repeats: int) -> list[tuple[str, Timing]]:
    found = []
    for name in rivals:
        given = raster[: _given(name, len(raster))]
        if name == "lava" and program.n_synapses > 3_000_000:
            continue  # minutes for a tick
        if name == "lava" and program.n_neurons > 1000 and program.max_delay > 1:
            continue  # a dense matrix per delay
        found.append((name, time_rival(name, program, given, repeats)))
    given = raster[: _given("reference", len(raster))]
    spikes = int(reference.simulate(program, [given])[0].spikes.sum())
    seconds = best_seconds(lambda: reference.simulate(program, [given]), 2)
    return [*found, ("reference", Timing(len(given) / seconds, spikes, sp.__version__))]


def fan_out_events(program: sp.Program, raster: Raster, spikes: Raster) -> int:
    """Return how many synapses carried a spike."""
    fired = np.concatenate([raster.sum(axis=0), spikes.sum(axis=0)])
    return int(fired[program.pre].sum())


def bytes_per_tick(layout: Layout, raster: Raster, spikes: Raster) -> float:
    """Return how many bytes the kernel's loops read and write in a tick."""
    wires, shape = layout.wires, layout.shape
    fired = np.concatenate([raster.sum(axis=0), spikes.sum(axis=0)]).astype(np.float64)
    rows = fired @ np.diff(wires.row_first.astype(np.int64)) / len(raster)
    chunks = fired @ np.diff(wires.chunk_first.astype(np.int64)) / len(raster)
    word = np.dtype(layout.arrivals).itemsize
    per_row = shape.padded * (wires.rows.itemsize + 2 * word / 4)
    per_chunk = CHUNK * (wires.listed.itemsize + 2 * word)
    scanned = shape.n_inputs + shape.n_outputs + shape.n_neurons / 4  # of neurons, a bit is written and read
    return float(rows * per_row + chunks * per_chunk + shape.padded * (CELL_BYTES + 2 * word) + scanned)


def resident_bytes(layout: Layout) -> int:
    """Return how much memory the kernel goes over again and again."""
    wires, shape = layout.wires, layout.shape
    synapses = wires.rows.nbytes + wires.listed.nbytes
    return (
        synapses
        + layout.cells.nbytes
        + (shape.period + shape.slots) * shape.padded * np.dtype(layout.arrivals).itemsize
    )


def copy_bandwidth(size: int) -> float:
    """Return the bytes per second, read and written, of a copy between two arrays that have this size together."""
    source, target = np.ones(size // 2, dtype=np.uint8), np.zeros(size // 2, dtype=np.uint8)
    times = max(1, 20_000_000 // size)

    def copy() -> None:
        for _ in range(times):
            np.copyto(target, source)

    return 2 * source.size * times / best_seconds(copy, 10)


def slope(outcomes: Sequence[Outcome], name: str, family: str) -> float:
    """Return the exponent of time per tick against neurons, over a family's cases."""
    chosen = [outcome for outcome in outcomes if outcome.case.family == family and name in outcome.speeds]
    if len(chosen) < 2:
        return np.nan
    sizes = np.log([outcome.program.n_neurons for outcome in chosen])
    return float(np.polyfit(sizes, -np.log([outcome.speeds[name] for outcome in chosen]), 1)[0])


def print_outcomes(console: Console, outcomes: Sequence[Outcome], rivals: Sequence[str]) -> None:
    """Print speeds, ratios and slopes."""
    names = ("kernel", *rivals, "reference")
    speeds = [
        (o.case.name, o.program.n_synapses, o.out_rate, *(o.speeds.get(name, np.nan) for name in names), o.together)
        for o in outcomes
    ]
    columns = ("network", "synapses", "rate out", *names, "kernel, 64 patterns")
    print_table(console, Table.plain("Ticks per second", columns=columns, rows=speeds))
    ratios = [
        (
            o.case.name,
            o.speeds["kernel"] / o.best_rival,
            o.together / o.best_rival,
            o.speeds["kernel"] / o.speeds.get("lava", np.nan),
            o.speeds["kernel"] / o.speeds["reference"],
            o.operations * o.speeds["kernel"],
            o.bandwidth,
            o.bandwidth / o.copy,
            o.floor,
            o.distance,
            " ".join(f"{o.spikes[name]:.3f}" for name in names if name in o.spikes),
        )
        for o in outcomes
    ]
    columns = (
        *("network", "x Brian2, NEST", "64: x Brian2, NEST", "x Lava", "x reference"),
        *("operations/s", "bytes/s", "of copy", "floor, ns", "x floor", "spikes, shares of the kernel's"),
    )
    print_table(console, Table.plain("How many times as fast", columns=columns, rows=ratios))
    slopes = [(name, *(slope(outcomes, name, family) for family in ("dense", "recurrent"))) for name in names]
    print_table(
        console,
        Table.plain(
            "Time per tick grows with neurons to the power of", columns=("simulator", "dense", "recurrent"), rows=slopes
        ),
    )


def draw(outcomes: Sequence[Outcome], path: Path) -> None:
    """Save a picture of both families: ticks per second against neurons."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    for axes, family in zip(figure.subplots(1, 2, sharey=True), ("dense", "recurrent"), strict=True):
        for name, colour in COLOURS.items():
            points = [
                (outcome.program.n_neurons, outcome.speeds[name])
                for outcome in outcomes
                if outcome.case.family == family and name in outcome.speeds
            ]
            if points:
                axes.loglog(*zip(*points, strict=True), "o-", color=colour, label=name)
        axes.set_title("dense feed-forward" if family == "dense" else "recurrent, 10 % connected, delays 1 to 8")
        axes.set_xlabel("neurons (as many inputs)")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("ticks per second, one pattern, one thread")
    figure.axes[0].legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=150)


def main(words: Sequence[str] | None = None) -> None:
    """Measure all cases; print the tables and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rival", action="append", choices=RIVALS, help="all, unless given")
    parser.add_argument("--without-rivals", action="store_true")
    parser.add_argument("--case", action="append", choices=[case.name for case in CASES], help="all, unless given")
    parser.add_argument("--divide", type=int, default=1, help="so many times fewer ticks")
    parser.add_argument("--repeats", type=int, default=10, help="the best of so many runs counts")
    parser.add_argument("--picture", type=Path, default=PICTURE)
    chosen = parser.parse_args(words)
    rivals = [] if chosen.without_rivals else chosen.rival or list(RIVALS)
    prepare(rivals)
    outcomes = []
    for case in CASES:
        if chosen.case is None or case.name in chosen.case:
            outcomes.append(measure(case, rivals, chosen.divide, chosen.repeats))
            speeds = ", ".join(f"{name} {speed:,.0f}" for name, speed in outcomes[-1].speeds.items())
            print(f"{case.name}: {speeds} ticks/s", flush=True)
    print_outcomes(Console(width=180), outcomes, rivals)
    draw(outcomes, chosen.picture)


if __name__ == "__main__":
    main()
