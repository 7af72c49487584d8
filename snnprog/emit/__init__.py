"""Export of programs: C99, NIR graphs, Verilog and FPGA files."""

from __future__ import annotations

from snnprog.emit.exporting import export
from snnprog.emit.nir import to_nir, write_nir

__all__ = ["export", "to_nir", "write_nir"]
