"""A program as files for a core: its image, and the Verilog of that core."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from snnprog.chips import Chip
from snnprog.emit.hardware.array import hardware_of
from snnprog.emit.hardware.boards import SIMULATED_SIZES, find_board, first_plan
from snnprog.emit.hardware.image import image_of
from snnprog.emit.hardware.plan import CorePlan, CoreSize
from snnprog.emit.hardware.yosys import verilog_of
from snnprog.output_files import write_bytes
from snnprog.program import Program
from snnprog.version import __version__

CORE_NAME = "snnprog_core"
"""Of the Verilog module."""


def write_image(path: Path, program: Program, *, board: str | None = None) -> list[Path]:
    """Write a program's image, and the Verilog of its core beside it, as ``…_core.v``; return both paths.

    Parameters
    ----------
    path : Path
    program : Program
    board : str, optional
        The board whose core it is for; one of the usual size, or several, unless given.

    Raises
    ------
    SpecError
        If no core can be made for the rule of the program's chip.
    LimitError
        If the core has no room for the program.
    FormatError
        If a file cannot be written.
    """
    plan = first_plan(program, SIMULATED_SIZES if board is None else find_board(board).device.sizes)
    image = image_of(program, plan)
    core_path = path.with_name(f"{path.stem}_core.v")
    write_bytes(core_path, core_verilog(program.chip, plan.size).encode("utf-8"))
    write_bytes(path, image.text().encode("utf-8"))
    return [path, core_path]


@lru_cache(maxsize=8)
def core_verilog(chip: Chip, size: CoreSize) -> str:
    """Return the Verilog of a core, or of several: the module `CORE_NAME`, and its submodules."""
    what = "A core" if size.cores == 1 else f"{size.cores} cores"
    of_each = "" if size.cores == 1 else " in each core"
    header = (
        f"// {what} for the rule {chip.rule.name} with the weights and delays of {chip.name}: {size.neurons} neurons"
        f"{of_each}, {size.inputs} inputs,\n// {size.synapses} synapses{of_each}, delays up to {size.longest_delay}"
        f" ticks; made by snnprog {__version__}. The ports are explained\n// in snnprog/emit/hardware/core.py, the"
        " memories in plan.py.\n"
    )
    return header + verilog_of(hardware_of(CorePlan(chip, size)), name=CORE_NAME)
