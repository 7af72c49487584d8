"""``snnprog backends``: list, install, check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from snnprog.cli.exit_codes import EXACT, NOT_EXACT
from snnprog.cli.options import json_option
from snnprog.cli.output import print_json, terminal
from snnprog.cli.progress import working
from snnprog.errors import BackendError

if TYPE_CHECKING:
    from snnprog.conformance import Conformance


@click.group("backends")
def backends_group() -> None:
    """List, install and check the runtimes that programs run on."""


@backends_group.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """List all backends and whether they are ready."""
    from snnprog.backends import BUILT_IN, backend_names
    from snnprog.report.tables import print_table

    rows: list[dict[str, object]] = [
        {"name": name, "ready": True, "python": "", "summary": text, "lacks": "", "gaps": {}}
        for name, text in BUILT_IN.items()
    ]
    rows += [backend_row(name) for name in backend_names()]
    if as_json:
        print_json({"backends": rows})
    else:
        columns = ("name", "ready", "python", "summary", "lacks")
        print_table(terminal(), "Backends", columns, [[row[column] for column in columns] for row in rows])


def backend_row(name: str) -> dict[str, object]:
    """Return what a list of backends says of one, as plain data."""
    from snnprog.backends import find_backend, status

    try:
        backend = find_backend(name)
    except BackendError as error:
        return {"name": name, "ready": False, "python": "", "summary": f"broken: {error}", "lacks": "", "gaps": {}}
    return {
        "name": name,
        "ready": status(backend).is_ready,
        "python": backend.python_text,
        "summary": backend.summary,
        "lacks": str(backend.gaps),
        "gaps": backend.gaps.named(),
        "semantics": list(backend.semantics),
    }


@backends_group.command("install")
@click.argument("name")
@json_option
def install_command(name: str, as_json: bool) -> None:
    """Build a backend's environment in the user's cache folder."""
    from snnprog.backends import find_backend, install

    python = install(find_backend(name), say=lambda line: click.echo(line, err=as_json))
    if as_json:
        print_json({"name": name, "python": str(python)})


@backends_group.command("check")
@click.argument("name")
@click.option(
    "--programs", default=5, show_default=True, type=click.IntRange(0, 100_000), help="Random programs to run."
)
@click.option("--large", is_flag=True, help="Random programs of up to 400 neurons and 650 ticks, instead of 6 and 65.")
@json_option
def check_command(name: str, programs: int, large: bool, as_json: bool) -> int:
    """Run the golden programs and random ones on a backend: spikes, currents and potentials must be equal."""
    from snnprog.conformance import LARGE, SMALL, check_conformance

    with working(f"running golden and {programs} random programs on {name}", as_json):
        outcome = check_conformance(name, programs=programs, scale=LARGE if large else SMALL)
    if as_json:
        print_json(
            {
                "backend": name,
                "identical": outcome.divergence is None,
                "golden": outcome.golden,
                "left_out": dict(outcome.left_out),
                "random": outcome.random,
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
        _print_conformance(name, outcome)
    return EXACT if outcome.divergence is None else NOT_EXACT


def _print_conformance(name: str, outcome: Conformance) -> None:
    compared = f"{outcome.golden} golden and {outcome.random} random programs"
    click.echo(f"{name} ran {compared} on {', '.join(' '.join(item) for item in outcome.versions.items())}")
    for program, reason in outcome.left_out.items():
        click.echo(f"golden program {program} is left out: {reason}")
    if outcome.divergence is None:
        counts = f"{outcome.neuron_ticks} neuron-ticks and {outcome.spikes} spikes"
        click.echo(f"{name} equals the reference: {counts} compared, currents and potentials too, no difference")
    else:
        click.echo(f"{outcome.program}: {outcome.divergence}")
