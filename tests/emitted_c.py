"""Emitted programs, many of them built into one executable, and what they do tick by tick.

The executable reads jobs from its input (which program, how many ticks, the spikes of its inputs) and writes, for each
tick, what came out and the state of each neuron.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import snnprog as sp
from snnprog.arrays import Bytes, Int64s, Raster
from snnprog.emit.c import write_c
from snnprog.rules.interpreter import Interpreter
from snnprog.simulate.arrivals import Arrivals, Synapses
from snnprog.simulate.parameters import parameters_of

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror")
"""What issue 14 asks for."""

SANITIZED = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
COMPILERS = tuple(name for name in ("gcc", "clang", "cc") if shutil.which(name))
COMPILER = COMPILERS[0] if COMPILERS else ""
needs_compiler = pytest.mark.skipif(not COMPILERS, reason="no C compiler here: install gcc or clang")

Counts = Raster | Int64s
"""Spikes of inputs, ``(ticks, inputs)``."""

RUN = """
static void run_{p}(long ticks)
{{
    static uint8_t in[{P}_INPUTS + 1], out[{P}_OUTPUTS + 1];
    {p}_reset();
    for (long t = 0; t < ticks; t++) {{
        read_all(in, {P}_INPUTS);
        {p}_tick(in, out);
        write_all(out, {P}_OUTPUTS);
        for (int n = 0; n < {P}_NEURONS; n++) write_number((int64_t){p}_current[n]);
        for (int n = 0; n < {P}_NEURONS; n++) write_number((int64_t){p}_potential[n]);
        for (int i = 0; {P}_READOUTS && i < {P}_OUTPUTS; i++) write_number((int64_t){readout});
    }}
}}
"""
MAIN = """
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
{includes}

static void read_all(void *to, size_t size)
{{
    if (fread(to, 1, size, stdin) != size) exit(1);
}}

static void write_all(const void *from, size_t size)
{{
    if (fwrite(from, 1, size, stdout) != size) exit(1);
}}

static void write_number(int64_t number)
{{
    write_all(&number, sizeof number);
}}
{runs}
int main(void)
{{
    int64_t job[2];
    while (fread(job, sizeof job, 1, stdin) == 1) {{
        switch (job[0]) {{
{cases}
        default: return 1;
        }}
    }}
    return 0;
}}
"""


@dataclass(frozen=True, eq=False)
class EmittedTrace:
    """What an emitted program did.

    Attributes
    ----------
    counts : (ticks, outputs) uint8
    currents, potentials : (ticks, neurons) int64
    readout : (ticks, outputs) int64
        Empty along its second axis where no output is read by its potential.
    """

    counts: Bytes
    currents: Int64s
    potentials: Int64s
    readout: Int64s


@dataclass(frozen=True)
class EmittedPrograms:
    """Programs in one executable, by prefix."""

    programs: Mapping[str, sp.Program]
    executable: Path

    def run(self, prefix: str, rasters: Sequence[Counts]) -> list[EmittedTrace]:
        """Run a program on rasters ``(ticks, inputs)`` of counts, each from rest."""
        number, program = list(self.programs).index(prefix), self.programs[prefix]
        jobs = [
            np.array([number, len(raster)], "<i8").tobytes() + raster.astype(np.uint8).tobytes() for raster in rasters
        ]
        done = subprocess.run([self.executable], input=b"".join(jobs), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()[-2000:]
        readouts = program.n_outputs if program.is_read_by_potential.any() else 0
        size = program.n_outputs + 8 * (2 * program.n_neurons + readouts)
        lines = np.frombuffer(done.stdout, np.uint8).reshape(-1, size)
        ends = np.cumsum([0, *map(len, rasters)])
        assert len(lines) == ends[-1]
        return [self._trace(program, lines[first:last]) for first, last in pairwise(ends)]

    def _trace(self, program: sp.Program, lines: Bytes) -> EmittedTrace:
        ends = np.cumsum([program.n_outputs, 8 * program.n_neurons, 8 * program.n_neurons])
        counts, *numbers = np.split(lines, ends, axis=1)
        currents, potentials, readout = (np.ascontiguousarray(part).view("<i8") for part in numbers)
        return EmittedTrace(counts, currents, potentials, readout)


def build(
    programs: Mapping[str, sp.Program],
    folder: Path,
    *,
    compiler: str = COMPILER,
    flags: Sequence[str] = ("-O1",),
    changes: Mapping[str, str] | None = None,
) -> EmittedPrograms:
    """Emit programs, by prefix, and build them into one executable; every warning is an error.

    Parameters
    ----------
    programs : mapping of str to Program
    folder : Path
        An empty one.
    compiler, flags
        What builds it, and how.
    changes : mapping of str to str, optional
        Texts of the emitted source -> what to put there: faults to plant.
    """
    for prefix, program in programs.items():
        write_c(program, folder / f"{prefix}.c")
        source = (folder / f"{prefix}.c").read_text(encoding="ascii")
        for old, new in (changes or {}).items():
            assert old in source, source
            source = source.replace(old, new)
        (folder / f"{prefix}.c").write_text(source, encoding="ascii")
    readouts = {
        prefix: f"{prefix}_readout((uint_fast16_t)i)" if program.is_read_by_potential.any() else "0"
        for prefix, program in programs.items()
    }
    runs = [RUN.format(p=prefix, P=prefix.upper(), readout=readout) for prefix, readout in readouts.items()]
    main = MAIN.format(
        includes="\n".join(f'#include "{prefix}.h"' for prefix in programs),
        runs="".join(runs),
        cases="\n".join(f"        case {i}: run_{prefix}((long)job[1]); break;" for i, prefix in enumerate(programs)),
    )
    (folder / "main.c").write_text(main, encoding="ascii")
    states = [f"-D{prefix.upper()}_STATE" for prefix in programs]
    sources = [f"{prefix}.c" for prefix in (*programs, "main")]
    compiled(compiler, *flags, *states, *sources, "-o", "run", folder=folder)
    return EmittedPrograms(dict(programs), folder / "run")


def compiled(compiler: str, *arguments: str, folder: Path) -> None:
    """Compile under `STRICT`, and fail with what the compiler says."""
    done = subprocess.run(
        [compiler, *STRICT, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-4000:]


def differences(built: EmittedPrograms, prefix: str, rasters: Sequence[Counts]) -> int:
    """Return in how many places a program's counts, currents and potentials differ from the reference's."""
    program = built.programs[prefix]
    found = 0
    for raster, ours in zip(rasters, built.run(prefix, rasters), strict=True):
        counts, currents, potentials = reference_run(program, raster)
        found += int((ours.counts != counts[:, program.outputs]).sum())
        found += int((ours.currents != currents).sum()) + int((ours.potentials != potentials).sum())
        if ours.readout.size:
            read = np.where(program.is_read_by_potential, potentials[:, program.outputs], 0)
            found += int((ours.readout != read).sum())
    return found


def reference_run(program: sp.Program, raster: Counts) -> tuple[Int64s, Int64s, Int64s]:
    """Return counts, currents and potentials ``(ticks, neurons)`` of the interpreter, on a raster of counts."""
    interpreter = Interpreter(program.chip.rule, parameters_of(program))
    shape = (1, program.n_neurons)
    arrivals = Arrivals(interpreter, Synapses.of(program), (*shape, program.n_inputs + program.n_neurons))
    state, nothing = interpreter.rest(shape), np.zeros(shape, np.int64)
    found = np.zeros((3, len(raster), program.n_neurons), np.int64)
    for tick, arriving in enumerate(raster):
        gathered = arrivals.gathered(tick, state.get(interpreter.rule.gather.target, nothing))
        outcome = interpreter.tick(state, gathered)
        state = outcome.state
        found[:, tick] = outcome.spikes[0], state.get("current", nothing)[0], state["potential"][0]
        arrivals.send(tick, np.concatenate([arriving[None].astype(np.int64), outcome.spikes], axis=1))
    return found[0], found[1], found[2]
