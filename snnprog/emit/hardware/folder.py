"""A folder with all that a board needs: sources, pins, a program's image, a Makefile, a testbench and a README."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from amaranth.lib.wiring import Component
from jinja2 import Environment, StrictUndefined

from snnprog.emit.hardware.boards import BAUD, Board
from snnprog.emit.hardware.yosys import verilog_of

TEMPLATES = Path(__file__).with_name("board_folder")
SYSTEM = "snnprog_system"
HZ_IN_MHZ = 1_000_000

Exchange = tuple[bytes, bytes]
"""A frame, and what it must be answered with."""


def board_files(
    board: Board, system: Component, *, models: str, image: str, exchanges: Sequence[Exchange]
) -> dict[str, str]:
    """Return the files of a board's folder, name -> text.

    Parameters
    ----------
    system : SerialSystem
        A core on a serial line.
    models : str
        Verilog of the vendor's parts that the system is made with, for simulation.
    image : str
        The program's image.
    exchanges : sequence of (bytes, bytes)
        What the testbench sends, and what it must be answered.
    """
    pins = "pcf" if board.device.family == "ice40" else "lpf"
    script = _script(exchanges)
    names = ["top.v", f"pins.{pins}", "Makefile", "testbench.v", "simulator.cpp", "README.md"]
    context = {"board": board, "baud": BAUD, "pins": pins, "script_bytes": len(script), "mhz": _mhz}
    files = {name: _render(name, context) for name in names}
    return files | {
        "core.v": verilog_of(system, name=SYSTEM),
        "models.v": models,
        "program.hex": image,
        "testbench.hex": "".join(f"{byte:02x}\n" for byte in script),
    }


def _mhz(hertz: int) -> int:
    return hertz // HZ_IN_MHZ


def _render(name: str, context: Mapping[str, object]) -> str:
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    return environment.from_string(text).render(context)


def _script(exchanges: Sequence[Exchange]) -> bytes:
    parts = [
        len(sent).to_bytes(2, "little") + len(answered).to_bytes(2, "little") + sent + answered
        for sent, answered in exchanges
    ]
    return b"".join([*parts, bytes(4)])
