"""``snnprog init``: a small example to start from, in files."""

from __future__ import annotations

import shlex
from importlib import resources
from pathlib import Path
from textwrap import indent

import click

from snnprog.cli.options import JsonCommand, json_option
from snnprog.cli.output import print_json, tell
from snnprog.cli.outputs import OutputFolder
from snnprog.errors import FormatError

STARTER = ("SPEC.toml", "inputs.csv", "targets.csv", "new.csv")
"""The files in the folder ``starter`` beside this module."""

NEXT_COMMANDS = """\
snnprog compile SPEC.toml -o detector.snnp
snnprog verify detector.snnp SPEC.toml
snnprog run detector.snnp new.csv --ticks 30
snnprog report detector.snnp --spec SPEC.toml -o detector.html"""
"""The commands to run in the new folder."""

ANSWER = "new.csv holds spikes that are not in SPEC.toml; the output must spike at ticks 10, 19 and 27."


@click.command("init", cls=JsonCommand)
@click.argument("folder", metavar="[FOLDER]", default=".", type=OutputFolder())
@json_option
def init_command(folder: Path, as_json: bool) -> None:
    """Write a commented SPEC.toml with its spikes, to start from.

    FOLDER is created if necessary; the current folder is the default. No file is overwritten. The example is a detector
    of two spikes in the right order and at the right distance. It compiles at once, and the next commands are printed.
    """
    from snnprog.output_files import write_bytes

    taken = [str(folder / name) for name in STARTER if (folder / name).exists()]
    if taken:
        raise FormatError(f"{taken[0]} exists already; 'snnprog init' overwrites no file: name another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FormatError(f"the folder {folder} cannot be created: {error.strerror}") from error
    for name in STARTER:
        write_bytes(folder / name, (resources.files("snnprog.cli") / "starter" / name).read_bytes())
    if as_json:
        print_json({"folder": str(folder), "files": [str(folder / name) for name in STARTER]})
        return
    tell(f"wrote {', '.join(STARTER[:-1])} and {STARTER[-1]} to {folder}; next:\n")
    entering = "" if folder == Path() else f"cd {shlex.quote(str(folder))}\n"
    click.echo(indent(entering + NEXT_COMMANDS, "    "))
    tell(f"\n{ANSWER}")
