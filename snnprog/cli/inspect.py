"""``snnprog inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnprog.cli.numbers import IntegerOption
from snnprog.cli.options import JsonCommand, board_option, json_option, target_option
from snnprog.cli.output import print_json, terminal
from snnprog.cli.outputs import ProgramFile

if TYPE_CHECKING:
    from snnprog.figures import BoardFigures, MicrocontrollerFigures
    from snnprog.placement import Placement
    from snnprog.program import Program


@click.command("inspect", cls=JsonCommand)
@click.argument("program_path", metavar="P.snnp", type=ProgramFile())
@click.option("--cores", "is_placed", is_flag=True, help="Show how the program fills the cores of the chip.")
@click.option("--max-cores", type=IntegerOption(min=1), help="Number of cores available. Default: those of one chip.")
@target_option
@board_option
@json_option
def inspect_command(
    program_path: Path,
    is_placed: bool,
    max_cores: int | None,
    targets: tuple[str, ...],
    boards: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show the contents of a program file.

    Prints a summary of its integers, its provenance and the status of each neuron.
    """
    from snnprog.program import load
    from snnprog.report.cores import placement_table
    from snnprog.report.programs import print_program, program_data

    program = load(program_path)
    placement = _placed(program, max_cores) if is_placed or max_cores is not None else None
    figures, on_boards = _figures(program, targets), _on_boards(program, boards)
    if as_json:
        data = program_data(program) | {"cores": None if placement is None else placement.as_dict()}
        data |= {"targets": [each.as_dict() for each in figures], "boards": [each.as_dict() for each in on_boards]}
        print_json(data)
        return
    console = terminal()
    print_program(console, program)
    if placement is not None:
        from snnprog.report.terminal import print_table

        console.print()
        print_table(console, placement_table(placement))
    if figures:
        from snnprog.report.microcontrollers import microcontroller_table
        from snnprog.report.terminal import print_table

        console.print()
        print_table(console, microcontroller_table(figures))
    if on_boards:
        from snnprog.report.boards import board_table
        from snnprog.report.terminal import print_table

        console.print()
        print_table(console, board_table(on_boards))


def _figures(program: Program, targets: tuple[str, ...]) -> list[MicrocontrollerFigures]:
    if not targets:
        return []
    from snnprog.figures import microcontroller_figures

    return [microcontroller_figures(program, target) for target in targets]


def _on_boards(program: Program, boards: tuple[str, ...]) -> list[BoardFigures]:
    if not boards:
        return []
    from snnprog.figures import board_figures

    return [board_figures(program, board) for board in boards]


def _placed(program: Program, max_cores: int | None) -> Placement:
    from snnprog.placement import place

    return place(program, max_cores=max_cores)
