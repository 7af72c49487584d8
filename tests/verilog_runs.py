"""Runs Verilog modules of single programs: one testbench for Verilator and for Icarus, reading and writing text.

A module has the ports of `snnprog.emit.hardware.special.SpecialProgram` with states. Many modules run in one build.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snnprog.arrays import Raster

TOOLS = ("verilator", "iverilog")
BUILD_LIMIT_S = 600

BENCH = """\
module {name}_bench(input clk, output reg finished);
  reg [{inputs}:0] stimulus [0:{last}];
  integer answer, place;
  reg rst, tick, waiting;
  reg [{inputs_top}:0] inputs;
  wire ready, done;
  wire [{outputs_top}:0] outputs;
  wire [{states_top}:0] currents, potentials;
  {name} dut(.clk(clk), .rst(rst), .tick(tick), .ready(ready), .done(done){input_port}, .outputs(outputs),
    .currents(currents), .potentials(potentials));
  initial begin
    finished = 0;
    rst = 1;
    tick = 0;
    waiting = 0;
    inputs = 0;
    place = 0;
    $readmemh("{name}.stimulus", stimulus);
    answer = $fopen("{name}.answer", "w");
  end
  always @(negedge clk) if (!finished) begin
    tick <= 0;
    rst <= 0;
    if (done) $fdisplay(answer, "%h %h %h", outputs, currents, potentials);
    if (done || !waiting) begin
      waiting <= 0;
      if (place > {last}) begin
        $fclose(answer);
        finished <= 1;
      end else begin
        place <= place + 1;
        if (stimulus[place][{inputs}]) rst <= 1;
        else begin
          if (!ready) $fdisplay(answer, "not ready");
          inputs <= stimulus[place][{inputs_top}:0];
          tick <= 1;
          waiting <= 1;
        end
      end
    end
  end
endmodule
"""

TOP = """\
module bench(input clk, output finished);
  wire [{count}:0] all;
  assign all[{count}] = 1;
  assign finished = &all;
{benches}
endmodule
"""

CLOCK = """\
module clock;
  reg clk;
  wire finished;
  bench all(clk, finished);
  initial begin
    clk = 0;
    while (finished !== 1) #1 clk = !clk;
    $finish;
  end
endmodule
"""
"""What Icarus runs; Verilator's clock is C++, which compiles faster than what its own clocks take."""

MAIN = """\
#include "Vbench.h"
#include "verilated.h"
int main() {
  VerilatedContext context;
  Vbench bench{&context};
  while (!bench.finished) {
    bench.clk = !bench.clk;
    bench.eval();
  }
  bench.final();
}
"""


@dataclass(frozen=True, eq=False)
class VerilogRun:
    """A module, and what it is given.

    Attributes
    ----------
    name : str
        Of the module.
    text : str
        Its Verilog, every module that it is made of included, and no other's.
    n_inputs, n_neurons, n_outputs, count_bits : int
    rasters : tuple of (ticks, inputs) bool
        Each from rest.
    """

    name: str
    text: str
    n_inputs: int
    n_neurons: int
    n_outputs: int
    count_bits: int
    rasters: tuple[Raster, ...]


@dataclass(frozen=True, eq=False)
class VerilogAnswer:
    """Counts ``(ticks, outputs)``, currents and potentials ``(ticks, neurons)`` of one raster, all int64."""

    counts: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    currents: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    potentials: np.ndarray[tuple[int, ...], np.dtype[np.int64]]


def run_verilog(runs: Sequence[VerilogRun], folder: Path, *, tool: str) -> list[list[VerilogAnswer]]:
    """Build all modules with one simulator, run them, and return the answer to each raster of each."""
    for run in runs:
        (folder / f"{run.name}.v").write_text(run.text, encoding="utf-8")
        (folder / f"{run.name}_bench.v").write_text(_bench(run), encoding="utf-8")
        (folder / f"{run.name}.stimulus").write_text("\n".join(f"{word:x}" for word in _words(run)) + "\n", "utf-8")
    benches = [f"  {run.name}_bench b{index}(clk, all[{index}]);" for index, run in enumerate(runs)]
    (folder / "bench.v").write_text(TOP.format(count=len(runs), benches="\n".join(benches)), encoding="utf-8")
    sources = [f"{run.name}{end}.v" for run in runs for end in ("", "_bench")] + ["bench.v"]
    if tool == "verilator":
        (folder / "main.cpp").write_text(MAIN, encoding="utf-8")
        words = ["--cc", "--exe", "--build", "-Wno-fatal", "-Wno-lint", "-CFLAGS", "-O0", "--top-module", "bench"]
        _run(["verilator", *words, "-o", "simulation", "main.cpp", *sources], folder)
        _run(["obj_dir/simulation"], folder)
    else:
        (folder / "clock.v").write_text(CLOCK, encoding="utf-8")
        _run(["iverilog", "-g2005-sv", "-s", "clock", "-o", "simulation", "clock.v", *sources], folder)
        _run(["vvp", "simulation"], folder)
    return [_answers(run, (folder / f"{run.name}.answer").read_text(encoding="utf-8")) for run in runs]


def _run(command: list[str], folder: Path) -> None:
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=BUILD_LIMIT_S, check=False)
    assert ended.returncode == 0, f"{command[0]} failed: {ended.stderr[-2000:]}{ended.stdout[-500:]}"


def _bench(run: VerilogRun) -> str:
    return BENCH.format(
        name=run.name,
        last=len(_words(run)) - 1,
        inputs=max(run.n_inputs, 1),
        inputs_top=max(run.n_inputs, 1) - 1,
        outputs_top=max(run.n_outputs * run.count_bits, 1) - 1,
        states_top=32 * run.n_neurons - 1,
        input_port=", .inputs(inputs)" if run.n_inputs else "",
    )


def _words(run: VerilogRun) -> list[int]:
    """Return a word for each tick, its inputs, and before each raster one that resets, by the bit above them."""
    words = []
    for raster in run.rasters:
        words += [1 << max(run.n_inputs, 1), *map(_number, raster)]
    return words


def _number(row: Raster) -> int:
    return int.from_bytes(np.packbits(row, bitorder="little").tobytes(), "little")


def _answers(run: VerilogRun, text: str) -> list[VerilogAnswer]:
    rows = [[int(word, 16) for word in line.split()] for line in text.splitlines()]
    assert len(rows) == sum(len(raster) for raster in run.rasters), f"{run.name} answered {len(rows)} ticks"
    counts = _fields([row[0] for row in rows], run.n_outputs, run.count_bits)
    states = []
    for column in (1, 2):
        values = _fields([row[column] for row in rows], run.n_neurons, 32)
        states.append(np.where(values >= 1 << 31, values - (1 << 32), values))
    ends = np.cumsum([len(raster) for raster in run.rasters])[:-1]
    parts = (np.split(each, ends) for each in (counts, *states))
    return [VerilogAnswer(*each) for each in zip(*parts, strict=True)]


def _fields(numbers: Sequence[int], count: int, bits: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    mask = (1 << bits) - 1
    return np.array(
        [[number >> place * bits & mask for place in range(count)] for number in numbers], np.int64
    ).reshape(len(numbers), count)
