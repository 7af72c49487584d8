"""Export of a program to a file; the suffix selects the format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from snnprog.calls import call_checked
from snnprog.checks import as_path, check_type
from snnprog.coding import AdaptiveFields, Contrast
from snnprog.emit.board_names import check_board
from snnprog.emit.c import write_c
from snnprog.emit.c.encoder import write_encoder
from snnprog.emit.nir import to_nir, write_graph
from snnprog.errors import SpecError
from snnprog.files.hdf5 import check_installed
from snnprog.program import Program
from snnprog.wording import suffix_in_words


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes
    ----------
    files : list of Path
        The named one first.
    facts : mapping of str to int
        What is known of them, by the names that the command line has for it in JSON.
    """

    files: list[Path]
    facts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ExportForm:
    """How programs are written in one form.

    Attributes
    ----------
    what : str
        What the file is, for messages.
    write : callable
        Called with the path, the program and the options by name; it returns what it has written.
    options : tuple of str
        Which options of `export` the form has.
    """

    what: str
    write: Callable[..., Exported]
    options: tuple[str, ...]


def _nir(path: Path, program: Program, *, dt_ms: float | None = None) -> Exported:
    if dt_ms is None:
        raise SpecError("a NIR graph is in seconds; give the length of a tick as dt_ms (--dt-ms)")
    graph = to_nir(program, dt_ms=dt_ms)
    write_graph(path, graph)
    return Exported([path], {"latency_ticks": int(graph.metadata["latency_ticks"])})


def _c(path: Path, program: Program, *, prefix: str | None = None) -> Exported:
    source = write_c(program, path, prefix=prefix)
    facts = {"flash_bytes": source.flash_bytes, "ram_bytes": source.ram_bytes}
    return Exported([path, path.with_suffix(".h")], facts)


def _verilog(path: Path, program: Program, *, prefix: str | None = None) -> Exported:
    check_installed("amaranth", "making hardware", extra="fpga")
    from snnprog.emit.hardware.special_file import write_special

    return Exported(write_special(path, program, prefix=prefix))


def _hex(path: Path, program: Program, *, board: str | None = None) -> Exported:
    check_installed("amaranth", "writing a core", extra="fpga")
    from snnprog.emit.hardware.writing import write_image

    return Exported(write_image(path, program, board=board))


def _board_folder(path: Path, program: Program, *, board: str) -> Exported:
    check_installed("amaranth", "writing a core", extra="fpga")
    from snnprog.emit.hardware.folder import write_board_folder

    return Exported(write_board_folder(path, program, board))


EXPORT_FORMS: Mapping[str, ExportForm] = MappingProxyType(
    {
        ".nir": ExportForm("a NIR graph", _nir, ("dt_ms",)),
        ".c": ExportForm("C source", _c, ("prefix",)),
        ".v": ExportForm("Verilog of one program", _verilog, ("prefix",)),
        ".hex": ExportForm("the image of a core's memories", _hex, ("board",)),
    }
)
"""Suffix -> how files that end so are written."""

BOARD_FOLDER = ExportForm("a board's folder", _board_folder, ("board",))
"""What is written where there is a board, and the path has none of those suffixes."""


@call_checked
def export(
    program: Program | Contrast | AdaptiveFields,
    path: str | Path,
    *,
    dt_ms: float | None = None,
    prefix: str | None = None,
    board: str | None = None,
) -> list[Path]:
    """Write a program, or an adaptive encoder, for another tool; the suffix of the path selects the format.

    Parameters
    ----------
    program : Program, Contrast or AdaptiveFields
        Encoders are written as C, with the state that they have.
    path : str or Path
        ``.nir`` for a NIR graph; ``.c`` for C99, beside which its header ``.h`` is written; ``.v`` for Verilog that is
        this program and nothing else; ``.hex`` for the memories of a core on an FPGA, and beside it, as ``…_core.v``,
        the core's Verilog. With a board and none of these suffixes, a folder: sources, pins, a Makefile, a testbench
        and a README for that board.
    dt_ms : float, optional
        Milliseconds of a tick, for a NIR graph.
    prefix : str, optional
        Prefix of all names in C, or the name of the Verilog module; by default the file's stem, made an identifier.
    board : str, optional
        An FPGA board: "icebreaker", "upduino", "ulx3s", "ulx3s-85f", "colorlight-i5" or "colorlight-5a-75b". The
        program gets the first core, or cores, of the board with room for it. Without a board, it gets as many cores
        of 256 neurons as necessary.

    Returns
    -------
    list of Path
        The files that were written, the named one first.

    Raises
    ------
    SpecError
        If the suffix is unknown, an option does not apply to it, or the program cannot be written in that format.
    LimitError
        If a number of the program does not fit the format.
    FormatError
        If a file cannot be written.
    """
    if isinstance(program, Contrast | AdaptiveFields):
        if as_path("path", path).suffix != ".c" or dt_ms is not None or board is not None:
            raise SpecError(f"encoders are exported to .c, without dt_ms and board, got {path}")
        return list(write_encoder(program, Path(path), prefix=prefix))
    return export_with_facts(program, as_path("path", path), dt_ms=dt_ms, prefix=prefix, board=board).files


def export_with_facts(
    program: Program, path: Path, *, dt_ms: float | None, prefix: str | None, board: str | None
) -> Exported:
    """Write a program for another tool; return the files and what is known of them. See `export`."""
    check_type("program", program, kind=Program)
    if board is not None:
        check_board(board)
    form = EXPORT_FORMS.get(path.suffix, None if board is None else BOARD_FOLDER)
    if form is None:
        raise SpecError(f"{path} {suffix_in_words(path)}; programs are exported to {', '.join(EXPORT_FORMS)}")
    options = {"dt_ms": dt_ms, "prefix": prefix, "board": board}
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        if name not in form.options:
            if name == "board":
                raise SpecError(
                    f"board (--board) writes a folder of files for the board; omit it for a {path.suffix} file"
                )
            raise SpecError(f"{name} does not apply to {form.what} ({path.suffix}); omit it")
    return form.write(path, program, **given)
