"""``snnprog link``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from snnprog.cli.exit_codes import DOES_NOT_FIT, EXACT
from snnprog.cli.options import JsonCommand, json_option
from snnprog.cli.output import print_json, say
from snnprog.cli.outputs import OutputFile, SystemFile
from snnprog.errors import FitError

EPILOG = """\
A SYSTEM.toml for two programs; inputs and outputs may be left out:

\b
  wires = [["detector.arm", "machine.start", 2]]

\b
  [parts]
  detector = "detector.snnp"
  machine = "machine.snnp"

\b
  [outputs]
  door = "machine.open"
"""


@click.command("link", cls=JsonCommand, epilog=EPILOG)
@click.argument("system_path", metavar="SYSTEM.toml", type=SystemFile())
@click.option(
    "-o", "--output", "program_path", required=True, type=OutputFile(".snnp"), help="Program file to write (.snnp)."
)
@json_option
def link_command(system_path: Path, program_path: Path, as_json: bool) -> int:
    """Join programs to one program.

    SYSTEM.toml names programs, and the wires from their outputs to their input lines. The result does exactly what the
    programs do side by side. It is placed on the cores of its chip; if it does not fit, it is written without, and the
    exit code is 4.
    """
    from snnprog.linking.system_file import load_system
    from snnprog.placement import place
    from snnprog.report.programs import program_data
    from snnprog.wording import counted

    system = load_system(system_path)
    program, misfit, placement = system.program, "", None
    try:
        placement = place(program)
        program = replace(program, core=placement.core_of) if placement.cores > 1 else program
    except FitError as error:
        misfit = str(error)
    program.save(program_path)
    relays = program.n_neurons - sum(part.n_neurons for part in system.parts.values())
    if as_json:
        found = {"parts": list(system.parts), "added_neurons": relays, "misfit": misfit or None}
        found["cores"] = None if placement is None else placement.as_dict()
        print_json({"program": str(program_path), "summary": program_data(program), **found})
        return DOES_NOT_FIT if misfit else EXACT
    ends = f"{counted(program.n_inputs, 'input')}, {counted(program.n_outputs, 'output')}"
    added = f", {relays} of them relays or copies" if relays else ""
    click.echo(f"{counted(len(system.parts), 'part')}: {ends}, {counted(program.n_neurons, 'neuron')}{added}")
    click.echo(f"wrote {program_path}")
    if misfit:
        say(f"{program.chip.name} does not hold the program: {misfit}")
    return DOES_NOT_FIT if misfit else EXACT
