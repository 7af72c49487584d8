"""``snnprog convert``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnprog.cli.exit_codes import EXACT
from snnprog.cli.names import NamedChoice
from snnprog.cli.numbers import IntegerOption, NumberOption
from snnprog.cli.options import JsonCommand, check_title, json_option, seed_option, target_chip_option, title_option
from snnprog.cli.output import print_json, terminal
from snnprog.cli.outputs import InputFile, OutputFile
from snnprog.cli.progress import working

if TYPE_CHECKING:
    from snnprog.chips import Chip

SHOWN_SAMPLES = 8
"""Samples that a report shows: spike trains of hundreds of ticks. A choice."""


@click.command("convert", cls=JsonCommand)
@click.argument("model_path", metavar="MODEL.onnx", type=InputFile(".onnx", wanted="an ONNX model"))
@click.option(
    "-o", "--output", "program_path", required=True, type=OutputFile(".snnp"), help="Program file to write (.snnp)."
)
@click.option(
    "--data",
    "data_path",
    required=True,
    type=InputFile(".npz", wanted="an .npz of samples"),
    help="Samples (.npz): the array 'data' (samples first), and 'labels' if known.",
)
@click.option(
    "--spikes",
    "spikes_path",
    type=OutputFile(".npz"),
    help="File to write (.npz) with the input spikes of all samples, for snnprog run.",
)
@click.option(
    "--report", "page_path", type=OutputFile(".html"), help="HTML report to write (.html), on the first samples."
)
@title_option
@click.option(
    "--held-out",
    default=0.25,
    show_default=True,
    type=NumberOption(0.0, 1.0, True, True),
    help="Share of the samples kept for testing.",
)
@click.option(
    "--ticks", type=IntegerOption(min=1), help="Ticks per sample. Default: 64, or 256 on chips that reset to 0."
)
@click.option(
    "--code",
    type=NamedChoice(["rate", "latency"]),
    default="rate",
    show_default=True,
    help="Encoding of values: rate, evenly spaced spikes; latency, one spike, earlier for greater values.",
)
@click.option("--adjust", type=NamedChoice(["l4"]), help="Set thresholds in proportion to the L4 norm of the weights.")
@click.option(
    "--percentile",
    default=99.9,
    show_default=True,
    type=NumberOption(50.0, 100.0),
    help="Percentile of the activations that becomes the full rate.",
)
@click.option("--max-pool", type=NamedChoice(["average"]), help="Replace max pools by average pools.")
@click.option("--bits", type=IntegerOption(min=1), help="Bits of the weights, with the sign.")
@target_chip_option
@seed_option
@json_option
def convert_command(
    model_path: Path,
    program_path: Path,
    data_path: Path,
    spikes_path: Path | None,
    page_path: Path | None,
    title: str | None,
    held_out: float,
    ticks: int | None,
    code: str,
    adjust: str | None,
    percentile: float,
    max_pool: str | None,
    bits: int | None,
    chip: Chip,
    seed: int,
    as_json: bool,
) -> int:
    """Convert an artificial neural network into a spiking program.

    The network is read from an ONNX file: dense and convolutional layers with ReLU. Thresholds are balanced on one part
    of the data; accuracy and costs are measured on the rest.
    """
    from snnprog.conversion import convert
    from snnprog.conversion.samples import read_samples
    from snnprog.files import write_rasters
    from snnprog.report.networks import print_network_conversion

    check_title(title, page_path)
    data, labels = read_samples(data_path)
    with working("converting", as_json):
        result = convert(
            model_path,
            data=data,
            labels=labels,
            held_out=held_out,
            ticks=ticks,
            code=code,
            adjust=adjust,
            percentile=percentile,
            max_pool=max_pool,
            chip=chip,
            bits=bits,
            seed=seed,
        )
    result.program.save(program_path)
    if spikes_path is not None:
        write_rasters(spikes_path, result.encode(data), key="inputs")
    if page_path is not None:
        from snnprog.report.page import page_of_conversion, write_page

        shown = result.encode(data[:SHOWN_SAMPLES])
        write_page(page_path, page_of_conversion(result, shown, title=title or model_path.name))
    if as_json:
        print_json({"program": str(program_path), **result.as_dict()})
        return EXACT
    console = terminal()
    print_network_conversion(console, result)
    for path in (program_path, spikes_path, page_path):
        if path is not None:
            console.print(f"wrote {path}")
    return EXACT
