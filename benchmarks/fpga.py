"""Is the FPGA core the reference? Large random programs for a whole core, everything compared, states included.

``verilator`` and ``icarus`` run the Verilog that ``snnprog export`` writes, ``netlist`` what Yosys makes of it for an
iCE40, with the models of its cells. Half of the programs are loud: their potentials are clipped. Runs until so many
neuron-ticks are compared; the first difference ends it with exit code 1.

``--speed`` tells instead how many clocks a tick takes: 256 neurons and 256 inputs, about 16,000 synapses, 2 % of all
lines spiking.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence

import numpy as np
from networks import recurrent
from rich.console import Console

import snnprog as sp
from snnprog.backends import find_backend
from snnprog.program import EXCITATORY, INHIBITORY
from snnprog.report.terminal import print_table
from snnprog.simulate import reference
from snnprog.table import Table
from snnprog.temporaries import temporary_folder

RATE, CLOCK_HZ = 0.02, 24_000_000
SIMULATOR, LIMIT_S = "SNNPROG_FPGA_SIMULATOR", 7200.0
NEURONS, INPUTS, SYNAPSES = 256, 256, 16_000


def for_cores(cores: int, seed: int, *, is_loud: bool) -> sp.Program:
    """Return a program that so many cores hold and not fewer, with all that the chip has."""
    generator = np.random.default_rng(seed)
    least = 20 if cores == 1 else (cores - 1) * NEURONS + 1
    n_neurons, n_inputs = int(generator.integers(least, cores * NEURONS + 1)), int(generator.integers(1, INPUTS + 1))
    count = int(generator.integers(100, cores * SYNAPSES))
    decays = np.array([0, 1, 163, 1024, 4094, 4095])
    either = np.where(generator.random(count) < 0.5, -1, 1)
    weight = either * generator.integers(1, 256 if is_loud else 32, count)
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        outputs=generator.permutation(n_neurons)[: int(generator.integers(1, n_neurons + 1))],
        pre=generator.integers(0, n_inputs + n_neurons, count),
        post=generator.integers(0, n_neurons, count),
        delay=generator.integers(1, generator.choice([2, 9, 64]), count),
        weight=weight,
        sign_mode=np.where(weight < 0, INHIBITORY, EXCITATORY),
        exponent=generator.integers(0, 4 if is_loud else 2, count),
        threshold=generator.integers(1, 131072 if is_loud else 4000, n_neurons),
        current_decay=generator.choice(decays, n_neurons),
        potential_decay=generator.choice(decays, n_neurons),
        bias=generator.integers(-4095, 4096, n_neurons) << generator.integers(0, 8, n_neurons),
        refractory=generator.integers(1, 64, n_neurons),
    )


def compare(simulator: str, neuron_ticks: float, *, cores: int, seed: int, ticks: int) -> None:
    """Compare until it is enough; print the totals.

    Two patterns of each program run, of which the second shows whether the first one has left something behind.
    """
    os.environ[SIMULATOR] = simulator
    compared = spikes = programs = too_loud = 0
    start = time.perf_counter()
    while compared < neuron_ticks:
        program, generator = for_cores(cores, seed, is_loud=seed % 2 == 1), np.random.default_rng(seed)
        rate = 10 ** generator.uniform(-2, -0.5)
        rasters = [generator.random((ticks, program.n_inputs)) < rate for _ in range(2)]
        seed += 1
        try:
            found = sp.run(program, rasters, "fpga", "state", timeout_s=LIMIT_S)
        except sp.LimitError:
            too_loud += 1
            continue
        for one, other in zip(found, reference.simulate(program, rasters, state=True), strict=True):
            for name in ("spikes", "currents", "potentials"):
                if not np.array_equal(getattr(one, name), getattr(other, name)):
                    sys.exit(f"program {seed - 1}: the core and the reference differ in {name}")
            spikes += int(other.spikes.sum())
        compared += program.n_neurons * 2 * ticks
        programs += 1
    columns = ("programs", "refused: more may arrive", "neuron-ticks", "output spikes", "seconds")
    row = (programs, too_loud, compared, spikes, time.perf_counter() - start)
    print_table(Console(width=120), Table.plain(f"{simulator}: no difference", columns=columns, rows=[row]))


def tell_speed(ticks: int) -> None:
    """Run a program for so many ticks; print how many clocks they took, and what that makes at `CLOCK_HZ`."""
    program = recurrent(INPUTS, NEURONS, SYNAPSES / (INPUTS + NEURONS) / NEURONS)
    raster = np.random.default_rng(0).random((ticks, INPUTS)) < RATE
    rows = np.hstack([np.full((ticks, 1), ord("T"), np.uint8), raster.astype(np.uint8)])
    with temporary_folder() as folder:
        path = folder / "program.snnp"
        program.save(path)
        sp.export(program, path.with_suffix(".hex"))
        command = [sys.executable, "-I", str(find_backend("fpga").runner), str(path), "-", "-"]
        done = subprocess.run(command, input=b"R" + rows.tobytes() + b"C", stdout=subprocess.PIPE, check=True)
    answers = done.stdout.split(b"\n", 1)[1]
    spikes = np.frombuffer(answers[:-8], np.uint8).reshape(ticks, NEURONS)
    clocks = int.from_bytes(answers[-8:], "little") / ticks
    activity = (raster.sum() + spikes.sum()) / ticks / (INPUTS + NEURONS)
    columns = ("synapses", "lines that spike", "clocks a tick", "ticks/s at 24 MHz")
    row = (program.n_synapses, f"{activity:.2%}", round(clocks), round(CLOCK_HZ / clocks))
    print_table(Console(width=120), Table.plain("Clocks of a tick", columns=columns, rows=[row]))


def main(words: Sequence[str] | None = None) -> None:
    """Compare, and print what was compared."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulator", choices=("verilator", "icarus", "netlist"), default="verilator")
    parser.add_argument("--neuron-ticks", type=float, default=1e7)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ticks", type=int, default=1000, help="of each of a program's two patterns")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--cores", type=int, choices=(1, 2, 4, 8, 16), default=1, help="that each program needs")
    chosen = parser.parse_args(words)
    if chosen.speed:
        tell_speed(2000)
        return
    compare(chosen.simulator, chosen.neuron_ticks, cores=chosen.cores, seed=chosen.seed, ticks=chosen.ticks)


if __name__ == "__main__":
    main()
