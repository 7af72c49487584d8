"""``snnprog journal``."""

from __future__ import annotations

from pathlib import Path

import click

from snnprog.cli.options import JsonCommand, json_option
from snnprog.cli.output import print_json
from snnprog.cli.outputs import InputFolder


@click.command("journal", cls=JsonCommand)
@click.argument("folder", metavar="FOLDER", type=InputFolder())
@json_option
def journal_command(folder: Path, as_json: bool) -> None:
    """Show the progress of a compilation that keeps a journal.

    FOLDER is that of 'snnprog compile --journal FOLDER', which may still be running. Prints the finished neurons of
    each step, the estimated time left, and the verdicts.
    """
    from snnprog.journal import read_journal

    progress = read_journal(folder)
    if as_json:
        print_json(progress.as_dict())
    else:
        click.echo(progress.in_words())
