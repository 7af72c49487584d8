"""Emitted programs, many of them built into one executable, and what they do tick by tick.

The executable reads jobs from its input (which program, how many ticks, the spikes of its inputs) and writes, for each
tick, what came out and the state of each neuron.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import snnprog as sp
from snnprog.arrays import Bytes, Int64s
from snnprog.emit.c import write_c

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror")
"""What issue 14 asks for."""

SANITIZED = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
COMPILERS = tuple(name for name in ("gcc", "clang", "cc") if shutil.which(name))
COMPILER = COMPILERS[0] if COMPILERS else ""
needs_compiler = pytest.mark.skipif(not COMPILERS, reason="no C compiler here: install gcc or clang")

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

    def run(self, prefix: str, rasters: Sequence[np.ndarray]) -> list[EmittedTrace]:
        """Run a program on rasters ``(ticks, inputs)`` of counts, each from rest."""
        number, program = list(self.programs).index(prefix), self.programs[prefix]
        jobs = [np.array([number, len(raster)], "<i8").tobytes() + raster.astype(np.uint8).tobytes() for raster in rasters]
        done = subprocess.run([self.executable], input=b"".join(jobs), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()[-2000:]
        readouts = program.n_outputs if program.is_read_by_potential.any() else 0
        size = program.n_outputs + 8 * (2 * program.n_neurons + readouts)
        lines = np.frombuffer(done.stdout, np.uint8).reshape(-1, size)
        ends = np.cumsum([0, *map(len, rasters)])
        assert len(lines) == ends[-1]
        return [self._trace(lines[first:last]) for first, last in zip(ends[:-1], ends[1:], strict=True)]
