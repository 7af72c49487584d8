"""``snnprog export``."""

from __future__ import annotations

from pathlib import Path

import click

from snnprog.cli.options import JsonCommand, json_option
from snnprog.cli.output import print_json
from snnprog.cli.outputs import InputFile, OutputFile
from snnprog.wording import counted


@click.command("export", cls=JsonCommand)
@click.argument("program_path", metavar="P.snnp", type=InputFile())
@click.option("-o", "--output", "graph_path", required=True, type=OutputFile(".nir"), help="File to write (.nir).")
@click.option("--dt-ms", type=float, required=True, help="Length of a tick in milliseconds.")
@json_option
def export_command(program_path: Path, graph_path: Path, dt_ms: float, as_json: bool) -> None:
    """Export a program as a NIR graph, for other tools."""
    from snnprog.emit import to_nir, write_nir
    from snnprog.program import load

    program = load(program_path)
    write_nir(graph_path, program, dt_ms=dt_ms)
    ahead = int(to_nir(program, dt_ms=dt_ms).metadata["latency_ticks"])
    if as_json:
        print_json({"graph": str(graph_path), "dt_ms": dt_ms, "latency_ticks": ahead})
        return
    when = f"{counted(ahead, 'tick')} before the program's" if ahead else "at the ticks of the program's"
    click.echo(f"wrote {graph_path}; its spikes come {when}")
