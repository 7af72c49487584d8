"""``snnprog export``."""

from __future__ import annotations

from pathlib import Path

import click

from snnprog.cli.options import JsonCommand, input_file, json_option, output_file
from snnprog.cli.output import print_json
from snnprog.errors import FormatError
from snnprog.wording import counted


@click.command("export", cls=JsonCommand)
@click.argument("program_path", metavar="P.snnp", type=input_file)
@click.option("-o", "--output", "graph_path", required=True, type=output_file, help="File to write (.nir).")
@click.option("--dt-ms", type=float, required=True, help="Length of a tick in milliseconds.")
@json_option
def export_command(program_path: Path, graph_path: Path, dt_ms: float, as_json: bool) -> None:
    """Export a program as a NIR graph, for other tools."""
    from snnprog.cli.outputs import check_output
    from snnprog.emit import to_nir, write_nir
    from snnprog.program import load

    if graph_path.suffix != ".nir":
        raise FormatError(f"{graph_path} ends in {graph_path.suffix!r}; programs are exported to .nir")
    check_output(graph_path, [program_path])
    program = load(program_path)
    write_nir(graph_path, program, dt_ms=dt_ms)
    ahead = int(to_nir(program, dt_ms=dt_ms).metadata["latency_ticks"])
    if as_json:
        print_json({"graph": str(graph_path), "dt_ms": dt_ms, "latency_ticks": ahead})
        return
    when = f"{counted(ahead, 'tick')} before the program's" if ahead else "at the ticks of the program's"
    click.echo(f"wrote {graph_path}; its spikes come {when}")
