"""Programs as C beside the kernel: equal spikes and states, speed, and bytes on microcontrollers.

*differences* runs random programs in C on this computer and, under QEMU, on microcontrollers, and compares spikes,
currents and potentials with the kernel's until so many neuron-ticks were compared; the first difference ends it with
exit code 1. Of every four programs two are networks of Loihi with all that the chip has, one of them loud (currents
wrap, potentials are clipped), one is for Xylo, and one is a small one for Loihi, half of those with refractory periods.

*speed* compares ticks per second of the C (-O3 -march=native, as the kernel is compiled for this processor, too; one
thread, stimulus in memory) with the kernel's on one thread, in one run; the least processor time of several rounds
counts. *bytes* is what programs take of microcontrollers.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from networks import anything, feed_forward, recurrent
from rich.console import Console

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.backends import run_backend
from snnprog.conformance import Golden, golden_programs, random_trial
from snnprog.figures import MICROCONTROLLERS, microcontroller_figures
from snnprog.report.terminal import print_table
from snnprog.simulate import kernel
from snnprog.simulate.layout import lay_out
from snnprog.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "backends" / "c" / "toolchain"))
from iris import CLARITY, QUESTIONS, encoder_of, split
from machines import COMPILER_VARIABLE, HOST, TARGET_VARIABLE, build

TIMING = Path(__file__).with_name("c_timing.c")
NEURON_TICKS, FEW_NEURON_TICKS = 2_000_000, 200_000
"""Compared in one program here, and under QEMU: many programs, and compiling them does not take most of the time.
Choices, not measurements."""

ROUNDS = 20
"""Of which the least time counts, so that other work on the machine does not. A choice, not a measurement."""
NATIVE = f"{os.environ.get(COMPILER_VARIABLE) or 'cc'} -march=native"
PARTS = ("differences", "speed", "bytes")
QUANTITIES = ("spikes", "currents", "potentials")


def iris() -> sp.Program:
    """Return the program of the example that classifies flowers."""
    values, _, classes, _ = split(0)
    spec = sp.specs.classifier(values, classes, encoder_of(values), questions=QUESTIONS, clarity=CLARITY)
    return sp.compile(spec).program


# ---------------------------------------------------------------------------------------------------------- differences


@dataclass
class Tally:
    """What was compared on one target; ``boards`` says on what, and how often."""

    programs: int = 0
    neuron_ticks: int = 0
    spikes: int = 0
    boards: dict[str, int] = field(default_factory=dict)


def drawn(seed: int) -> tuple[sp.Program, float]:
    """Return the random program of a seed, and how many of its input lines spike at a tick."""
    kind, rate = seed % 4, float(10 ** np.random.default_rng(seed).uniform(-2.5, -0.5))
    if kind < 2:
        return anything(seed, is_loud=kind == 1), rate
    return random_trial(seed // 4, "xylo" if kind == 2 else "loihi1").program, 0.3


def inputs_of(program: sp.Program, seed: int, rate: float, *, neuron_ticks: int) -> list[Raster]:
    """Return two patterns, the second one shorter."""
    generator = np.random.default_rng((seed, 1))
    ticks = int(np.clip(neuron_ticks // program.n_neurons, 400, 50_000))
    return [generator.random((each, program.n_inputs)) < rate for each in (ticks - ticks // 4, ticks // 4)]


def compare(seed: int, target: str, tally: Tally) -> str:
    """Run the program of a seed in C and on the kernel; add it to the tally; return which quantity differs first."""
    program, rate = drawn(seed)
    inputs = inputs_of(program, seed, rate, neuron_ticks=NEURON_TICKS if target == HOST else FEW_NEURON_TICKS)
    os.environ[TARGET_VARIABLE] = target
    answer = run_backend(program, inputs, "c", "state")
    expected = kernel.simulate(program, inputs, state=True)
    board = answer.versions.get("board", HOST)
    tally.programs += 1
    tally.neuron_ticks += program.n_neurons * sum(map(len, inputs))
    tally.spikes += sum(int(trace.spikes.sum()) for trace in expected)
    tally.boards[board] = tally.boards.get(board, 0) + 1
    for found, wanted in zip(answer.traces, expected, strict=True):
        for name in QUANTITIES:
            if not np.array_equal(getattr(found, name), getattr(wanted, name)):
                return name
    return ""


def differences(target: str, *, neuron_ticks: float, first_seed: int) -> None:
    """Compare until it is enough; print the totals."""
    tally, seed, start = Tally(), first_seed, time.perf_counter()
    while tally.neuron_ticks < neuron_ticks:
        name = compare(seed, target, tally)
        if name:
            sys.exit(f"program {seed}: {name} in C for {target} are not the kernel's")
        seed += 1
    boards = ", ".join(f"{board} {count}" for board, count in tally.boards.items())
    row = (tally.programs, tally.neuron_ticks, tally.spikes, boards, time.perf_counter() - start)
    columns = ("programs", "neuron-ticks", "output spikes", "programs on each", "seconds")
    print_table(Console(width=120), Table.plain(f"{target}: no difference", columns=columns, rows=[row]))


# ---------------------------------------------------------------------------------------------------------------- speed


@dataclass(frozen=True)
class Case:
    """A program, how many of its inputs spike in a tick, and for how many ticks it is timed."""

    name: str
    make: Callable[[], sp.Program]
    rate: float
    ticks: int


CASES = (
    Case("iris", iris, 0.1, 200_000),
    Case("recurrent 8 + 8", lambda: recurrent(8, 8, 0.5), 0.05, 200_000),
    Case("recurrent 30 + 30", lambda: recurrent(30, 30, 0.2), 0.02, 100_000),
    Case("recurrent 100 + 100", lambda: recurrent(100, 100, 0.1), 0.02, 40_000),
    Case("recurrent 300 + 300", lambda: recurrent(300, 300, 0.1), 0.02, 10_000),
    Case("dense 10 x 10", lambda: feed_forward(10, 10), 0.02, 200_000),
    Case("dense 100 x 100", lambda: feed_forward(100, 100), 0.02, 40_000),
    Case("dense 300 x 300", lambda: feed_forward(300, 300), 0.02, 10_000),
)


def seconds_of_c(program: sp.Program, raster: Raster) -> tuple[float, int]:
    """Return the least seconds that the C takes for all ticks, and how often outputs spiked."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sp.export(program, folder / "program.c")
        os.environ[COMPILER_VARIABLE] = NATIVE
        image = build(folder / "program.c", str(TIMING), target=HOST, folder=folder)
        words = [*image.command, str(len(raster)), str(ROUNDS)]
        done = subprocess.run(words, input=raster.astype(np.uint8).tobytes(), capture_output=True, check=True)
    seconds, spikes = done.stdout.split()
    return float(seconds), int(spikes)


def seconds_of_kernel(program: sp.Program, raster: Raster) -> tuple[float, int]:
    """Return the same of the kernel."""
    layout, seconds, spikes = lay_out(program), [], 0
    for _ in range(ROUNDS + 1):  # the first one compiles
        start = time.thread_time()
        (trace,) = kernel.run_layout(layout, [raster])
        seconds.append(time.thread_time() - start)
        spikes = int(trace.spikes.sum())
    return min(seconds[1:]), spikes


def speed(divide: int) -> None:
    """Time all cases, and print ticks per second."""
    rows = []
    for case in CASES:
        program = case.make()
        raster = np.random.default_rng(1).random((max(100, case.ticks // divide), program.n_inputs)) < case.rate
        (c, c_spikes), (ours, spikes) = seconds_of_c(program, raster), seconds_of_kernel(program, raster)
        if c_spikes != spikes:
            sys.exit(f"{case.name}: {c_spikes} output spikes in C, {spikes} on the kernel")
        rows.append((case.name, program.n_synapses, len(raster) / c, len(raster) / ours, ours / c, spikes))
    columns = ("program", "synapses", "C, ticks/s", "kernel, ticks/s", "times as fast", "output spikes")
    print_table(Console(width=120), Table.plain("Ticks per second", columns=columns, rows=rows))


# ---------------------------------------------------------------------------------------------------------------- bytes


def sizes(names: Sequence[str] | None) -> None:
    """Print what programs take of the microcontrollers, one row for each program."""
    programs = {"iris": iris} | {case.name: case.make for case in CASES[1:4]}
    programs |= {f"golden {each.name}": partial(_program_of, each) for each in golden_programs("loihi1")}
    rows: list[tuple[object, ...]] = []
    for name, make in programs.items():
        if names is None or name in names:
            program = make()
            found = [microcontroller_figures(program, target) for target in MICROCONTROLLERS]
            flash, ram = ([getattr(each, what) for each in found] for what in ("flash_bytes", "ram_bytes"))
            counts = [[None if each is None else each.mean for each in (one.quiet, one.active)] for one in found]
            rows.append(
                (name, program.n_neurons, program.n_synapses, *map(_together, (flash, ram, *zip(*counts, strict=True))))
            )
    columns = ("program", "neurons", "synapses", "flash (bytes)", "RAM (bytes)", "quiet tick", "active tick")
    caption = f"Bytes, and instructions of a tick, on {', '.join(MICROCONTROLLERS)}"
    print_table(Console(width=140), Table.plain(caption, columns=columns, rows=rows))


def _together(values: Sequence[object]) -> str:
    """Return the values of all microcontrollers in one cell: one where all are equal."""
    return str(values[0]) if len(set(values)) == 1 else " / ".join(map(str, values))


def _program_of(golden: Golden) -> sp.Program:
    return golden.trial.program


def main(words: Sequence[str] | None = None) -> None:
    """Run the requested parts; print their tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", action="append", choices=PARTS, help="all, unless given")
    parser.add_argument("--target", action="append", choices=[HOST, *MICROCONTROLLERS], help="all, unless given")
    parser.add_argument("--neuron-ticks", type=float, help="to compare; 1e8 here and 1e7 under QEMU, unless given")
    parser.add_argument("--seed", type=int, default=0, help="of the first random program")
    parser.add_argument("--divide", type=int, default=1, help="time so many times fewer ticks")
    parser.add_argument("--program", action="append", help="of the table of bytes: all, unless given")
    chosen = parser.parse_args(words)
    parts = chosen.part or PARTS
    if "differences" in parts:
        for target in chosen.target or [HOST, *MICROCONTROLLERS]:
            enough = chosen.neuron_ticks or (1e8 if target == HOST else 1e7)
            differences(target, neuron_ticks=enough, first_seed=chosen.seed)
    if "speed" in parts:
        speed(chosen.divide)
    if "bytes" in parts:
        sizes(chosen.program)


if __name__ == "__main__":
    main()
