"""``snnprog export``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from snnprog.cli.names import BOARD
from snnprog.cli.numbers import NumberOption
from snnprog.cli.options import JsonCommand, json_option
from snnprog.cli.output import print_json, tell
from snnprog.cli.outputs import OutputFile, ProgramFile
from snnprog.wording import counted


class ExportFile(OutputFile):
    """An output file with the suffix of an export format; with ``--board``, also a folder."""

    def __init__(self) -> None:
        super().__init__()
        self.dir_okay = True  # `check_place` refuses an existing one unless there is a board

    def check_suffix(self, path: Path) -> None:
        """Raise `FormatError` unless programs are exported to files of that suffix."""
        from snnprog.emit.exporting import EXPORT_FORMS

        self.suffixes = tuple(EXPORT_FORMS)
        if not _is_board_folder(path):
            super().check_suffix(path)

    def check_place(self, path: Path) -> Path:
        """Return the path of the file or folder."""
        return path.resolve() if _is_board_folder(path) else super().check_place(path)


def _is_board_folder(path: Path) -> bool:
    from snnprog.emit.exporting import EXPORT_FORMS

    return click.get_current_context().params.get("board") is not None and path.suffix not in EXPORT_FORMS


@click.command("export", cls=JsonCommand)
@click.argument("program_path", metavar="P.snnp", type=ProgramFile())
@click.option(
    "-o",
    "--output",
    "path",
    required=True,
    type=ExportFile(),
    help="File to write: .nir, .c, .v, .hex; with --board, a folder.",
)
@click.option(
    "--dt-ms", type=NumberOption(0.0, min_open=True), help="Length of a tick in milliseconds, for a NIR graph."
)
@click.option(
    "--prefix", help="Prefix of all names in C, or name of the Verilog module. Default: the stem of the file."
)
@click.option(
    "--board",
    type=BOARD,
    help="Write a folder that builds the core of an FPGA board: icebreaker, upduino, ulx3s, ulx3s-85f,"
    " colorlight-i5 or colorlight-5a-75b.",
)
@json_option
def export_command(
    program_path: Path, path: Path, dt_ms: float | None, prefix: str | None, board: str | None, as_json: bool
) -> None:
    """Export a program as C, Verilog or a NIR graph.

    The suffix of the output selects the format: C99 for microcontrollers (.c), Verilog of this program alone (.v), the
    memory of an FPGA core (.hex), or a NIR graph for other tools (.nir). With --board, the output is a folder.
    """
    from snnprog.emit.exporting import export_with_facts
    from snnprog.program import load

    program = load(program_path)
    written = export_with_facts(program, path, dt_ms=dt_ms, prefix=prefix, board=board)
    if as_json:
        graph = {"graph": str(path), "dt_ms": dt_ms} if path.suffix == ".nir" else {}
        print_json({"files": list(map(str, written.files)), **graph, **written.facts})
        return
    if _is_board_folder(path):
        tell(
            f"wrote {path} ({len(written.files)} files); 'make' in it builds the bitstream, its README.md says the rest"
        )
        return
    tell(f"wrote {' and '.join(map(str, written.files))}{_facts_text(path.suffix, written.facts)}")


def _facts_text(suffix: str, facts: Mapping[str, int]) -> str:
    if suffix == ".nir":
        ahead = facts["latency_ticks"]
        when = f"{counted(ahead, 'tick')} before the program's" if ahead else "at the ticks of the program's"
        return f"; its spikes come {when}"
    if suffix == ".c":
        return f"; {facts['flash_bytes']} bytes of tables in flash, and {facts['ram_bytes']} bytes of RAM"
    return ""
