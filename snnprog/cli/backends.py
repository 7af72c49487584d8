"""``snnprog backends``: list, install, uninstall, check."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnprog.cli.conformance import print_conformance
from snnprog.cli.exit_codes import EXACT, NOT_EXACT
from snnprog.cli.groups import CommandGroup
from snnprog.cli.names import BACKEND
from snnprog.cli.numbers import IntegerOption
from snnprog.cli.options import ChipName, JsonCommand, json_option
from snnprog.cli.output import print_json, say, terminal
from snnprog.cli.progress import progress_bar
from snnprog.errors import BackendError

if TYPE_CHECKING:
    from snnprog.chips import Chip


@click.group("backends", cls=CommandGroup)
def backends_group() -> None:
    """List, install and check the simulators that programs run on."""


@backends_group.command("list", cls=JsonCommand)
@json_option
def list_command(as_json: bool) -> None:
    """List all backends, and which of them are installed."""
    from snnprog.backends import BUILT_IN, backend_names
    from snnprog.backends.folder import search_path_fault
    from snnprog.report.backends import backends_table

    if fault := search_path_fault():
        say(f"warning: {fault}")
    rows = [_built_in_row(name) for name in BUILT_IN] + [backend_row(name) for name in backend_names()]
    table = backends_table(rows)
    if as_json:
        print_json({"backends": table.records()})
        return
    from snnprog.report.terminal import print_table

    print_table(terminal(), table)


def _built_in_row(name: str) -> dict[str, object]:
    from snnprog.backends import BUILT_IN, built_in_rules

    return {
        "name": name,
        "ready": True,
        "state": "ready",
        "to_do": "",
        "python": "",
        "summary": BUILT_IN[name],
        "lacks": "",
        "gaps": {},
        "semantics": built_in_rules(name),
    }


def backend_row(name: str) -> dict[str, object]:
    """Return the entry of a backend in the list, as plain data."""
    from snnprog.backends import find_backend, lack_of, status

    row = {"name": name, "ready": False, "python": "", "summary": "", "lacks": "", "gaps": {}, "semantics": []}
    try:
        found = status(find_backend(name))
    except BackendError as error:
        return {**row, "state": "broken", "to_do": str(error)}
    backend = found.backend
    state, to_do = "ready", ""
    if backend.unset_variables:
        state, to_do = "not ready", f"set {backend.unset_text}"
    elif backend.missing_commands:
        state, to_do = "not ready", f"install {' or '.join(backend.commands)}"
    lack = ""
    if found.interpreter is None:
        state, to_do = "not installed", f"snnprog backends install {name}"
    elif lack := lack_of(backend, found.interpreter):
        state, to_do = "does not work", f"its Python {lack}; snnprog backends install {name} --force"
    return {
        **row,
        "ready": found.is_ready and not lack,
        "state": state,
        "to_do": to_do,
        "python": backend.python_text,
        "summary": backend.summary,
        "lacks": str(backend.gaps),
        "gaps": backend.gaps.named(),
        "semantics": list(backend.semantics),
    }


@backends_group.command("install", cls=JsonCommand)
@click.argument("name", type=BACKEND)
@click.option("--force", is_flag=True, help="Rebuild the environment, even if it works.")
@json_option
def install_command(name: str, force: bool, as_json: bool) -> None:
    """Install a backend in an environment of its own.

    The environment is created in the user's cache folder, or in the folder that SNNPROG_CACHE names. It is ready once
    its Python has imported the packages.
    """
    from snnprog.backends import BUILT_IN, find_backend, install

    if name in BUILT_IN:
        click.echo(f"{name} is built in; there is nothing to install", err=as_json)
        python = Path(sys.executable)
    else:
        python = install(find_backend(name), say=lambda line: click.echo(line, err=as_json), force=force)
    if as_json:
        print_json({"name": name, "python": str(python)})


@backends_group.command("uninstall", cls=JsonCommand)
@click.argument("name", type=BACKEND)
@json_option
def uninstall_command(name: str, as_json: bool) -> None:
    """Remove the environments that were built for a backend."""
    from snnprog.backends import BUILT_IN, backend_names, find_backend, uninstall

    removed = [] if name in BUILT_IN else uninstall(name)
    if as_json:
        print_json({"name": name, "removed": list(map(str, removed))})
    elif removed:
        click.echo("\n".join(f"removed {folder}" for folder in removed))
    elif name in BUILT_IN:
        click.echo(f"{name} is built in; there is nothing to remove")
    else:
        backend = name if name in backend_names() else find_backend(name).name  # whose error lists the names
        click.echo(f"{backend} has no environment of its own; there is nothing to remove")


@backends_group.command("check", cls=JsonCommand)
@click.argument("name", type=BACKEND)
@click.option(
    "--programs",
    default=5,
    show_default=True,
    type=IntegerOption(0, 100_000),
    help="Number of random programs to run.",
)
@click.option("--large", is_flag=True, help="Use programs of up to 400 neurons and 650 ticks, instead of 6 and 65.")
@click.option(
    "--chip",
    type=ChipName(),
    help="Chip of the random programs: a registered name, or MODULE:NAME, which runs MODULE.py of this folder.",
)
@json_option
def check_command(name: str, programs: int, large: bool, chip: Chip | None, as_json: bool) -> int:
    """Check that a backend computes the same integers as the reference.

    Runs the golden programs, then random ones; these also step by step if the backend streams. All spikes, currents and
    potentials must be equal.
    """
    from snnprog.conformance import LARGE, SMALL, check_conformance

    with progress_bar(as_json, "golden programs") as progress:
        outcome = check_conformance(
            name, programs=programs, scale=LARGE if large else SMALL, chip=chip, progress=progress
        )
    if as_json:
        print_json(
            {
                "backend": name,
                "identical": outcome.divergence is None,
                "golden": outcome.golden,
                "left_out": dict(outcome.left_out),
                "random": outcome.random,
                "stepped": outcome.stepped,
                "programs": outcome.programs,
                "neuron_ticks": outcome.neuron_ticks,
                "spikes": outcome.spikes,
                "versions": dict(outcome.versions),
                "program": outcome.program,
                "divergence": None if outcome.divergence is None else str(outcome.divergence),
                "divergence_parts": None if outcome.divergence is None else outcome.divergence.as_dict(),
            }
        )
    else:
        print_conformance(terminal(), name, outcome=outcome)
    return EXACT if outcome.divergence is None else NOT_EXACT
