"""``snnprog quantize``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnprog.cli.exit_codes import EXACT, NOT_EXACT
from snnprog.cli.options import ChipName, JsonCommand, NumberList, json_option, view_options
from snnprog.cli.output import print_json, terminal
from snnprog.cli.outputs import InputFile, OutputFile, RasterFile

if TYPE_CHECKING:
    from snnprog.chips import Chip
    from snnprog.files.event_view import EventView


@click.command("quantize", cls=JsonCommand)
@click.argument("graph_path", metavar="NET.nir", type=InputFile())
@click.option(
    "-o", "--output", "program_path", required=True, type=OutputFile(".snnp"), help="Program file to write (.snnp)."
)
@click.option("--dt-ms", type=float, required=True, help="Length of a tick in milliseconds.")
@click.option("--chip", type=ChipName(), default="loihi1", show_default=True, help="Target chip: NAME or MODULE:NAME.")
@click.option(
    "--inputs",
    "inputs_path",
    type=RasterFile(),
    help="Input spikes on which the program must spike as the network does.",
)
@click.option(
    "--ticks",
    type=click.IntRange(min=1),
    help="Number of ticks per pattern of the inputs (required for all but .npz).",
)
@click.option(
    "--patterns",
    type=click.IntRange(min=1),
    help="Number of patterns in a .csv file (needed if the last ones are silent).",
)
@click.option("--starts-ms", type=NumberList(float), help="Start time of each pattern in a recording, e.g. 0,1000.")
@click.option("--merge", is_flag=True, help="Merge spikes of one input that fall into the same tick.")
@view_options
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Seed for all random choices.")
@json_option
def quantize_command(
    graph_path: Path,
    program_path: Path,
    dt_ms: float,
    chip: Chip,
    inputs_path: str | None,
    ticks: int | None,
    patterns: int | None,
    starts_ms: tuple[float, ...] | None,
    merge: bool,
    view: EventView | None,
    seed: int,
    as_json: bool,
) -> int:
    """Convert a trained network into a program.

    The network is read from a NIR file. What rounding its weights changed is printed.
    """
    from snnprog.files import options_of, read_rasters, split_key
    from snnprog.networks import from_nir, quantize_nir
    from snnprog.report.conversions import print_conversion

    network = from_nir(graph_path, dt_ms=dt_ms)
    inputs = None
    if inputs_path is not None:
        name, key = split_key(inputs_path)
        has_times = "dt_ms" in options_of(Path(name), key, has_view=view is not None)
        inputs = read_rasters(
            name,
            ticks=ticks,
            neurons=network.n_inputs,
            patterns=patterns,
            key=key,
            dt_ms=dt_ms if has_times else None,
            starts_ms=starts_ms,
            merge=merge,
            view=view,
        )
    result = quantize_nir(network, chip=chip, inputs=inputs, seed=seed)
    result.program.save(program_path)
    if as_json:
        print_json({"program": str(program_path), **result.as_dict()})
    else:
        console = terminal()
        print_conversion(console, result)
        console.print(f"wrote {program_path}")
    return NOT_EXACT if result.wrong_bins else EXACT
