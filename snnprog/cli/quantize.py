"""``snnprog quantize``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnprog.cli.exit_codes import EXACT, NOT_EXACT
from snnprog.cli.labels import LabelsFile, labels_of
from snnprog.cli.names import NamedChoice
from snnprog.cli.numbers import IntegerOption, NumberList, NumberOption
from snnprog.cli.options import (
    JsonCommand,
    check_title,
    json_option,
    seed_option,
    target_chip_option,
    title_option,
    view_options,
)
from snnprog.cli.output import print_json, terminal
from snnprog.cli.outputs import InputFile, OutputFile, RasterFile
from snnprog.cli.progress import working
from snnprog.errors import SpecError

if TYPE_CHECKING:
    from snnprog.arrays import Raster
    from snnprog.chips import Chip
    from snnprog.files.event_view import EventView
    from snnprog.networks import QuantizedNetwork, TrainedNetwork

SHOWN_INPUTS = 20
"""Inputs that a report shows, the first ones: as many patterns as one screen can distinguish. A choice."""

EXPORTER_NAMES = ("snntorch", "norse", "sinabs", "rockpool", "spyx", "lava-dl")


class BitsOption(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # generic only in some versions of click
    """Bits of weights: a number, "least", or numbers by population, as in ``first=4,second=8``."""

    name = "bits"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """Return a number, a text, or a dictionary."""
        text = str(value)
        if text == "least":
            return text
        try:
            if "=" not in text:
                return int(text)
            pairs = (part.rsplit("=", 1) for part in text.split(","))
            return {name: int(number) for name, number in pairs}
        except ValueError:
            self.fail(f"{text!r} must be a number, least, or NAME=N,... by population", param, ctx)


@click.command("quantize", cls=JsonCommand)
@click.argument(
    "network_path", metavar="NET", type=InputFile(".nir", ".net", wanted="a trained network (.nir or .net)")
)
@click.option(
    "-o", "--output", "program_path", required=True, type=OutputFile(".snnp"), help="Program file to write (.snnp)."
)
@click.option("--from", "exporter", type=NamedChoice(EXPORTER_NAMES), help="Tool that wrote the network.")
@click.option(
    "--dt-ms",
    type=NumberOption(0.0, min_open=True),
    help="Length of a tick in milliseconds; by default that of --from.",
)
@click.option("--reset", type=NamedChoice(["zero", "subtract"]), help="Reset of the potential by a spike.")
@click.option("--reset-delay", type=IntegerOption(0, 1), help="Ticks between a spike and its reset.")
@click.option("--compare", type=NamedChoice([">", ">="]), help="How the potential is compared with the threshold.")
@click.option(
    "--bits",
    type=BitsOption(),
    help="Bits of the weights, with the sign: a number, NAME=N,... by population, or least (with --inputs).",
)
@click.option("--keep", type=NumberOption(0.0, 1.0, min_open=True), default=1.0, help="Share of synapses to keep.")
@click.option("--fit/--no-fit", default=True, show_default=True, help="Fit weights to the inputs, or only round them.")
@click.option(
    "--labels",
    "labels_path",
    type=LabelsFile(),
    help="Class of each input: integers in a .csv, .npy or .npz, as FILE.npz:ARRAY.",
)
@target_chip_option
@click.option(
    "--inputs",
    "inputs_path",
    type=RasterFile(),
    help="Sample input spikes: weights are fitted to the network on some, and tested on others.",
)
@click.option(
    "--expected",
    "expected_path",
    type=RasterFile(),
    help="Output spikes that the network gave in its own tool on --inputs, to check how it was read.",
)
@click.option(
    "--ticks",
    type=IntegerOption(min=1),
    help="Number of ticks per pattern of the inputs (required for all but .npz).",
)
@click.option(
    "--patterns",
    type=IntegerOption(min=1),
    help="Number of patterns in a .csv file (needed if the last ones are silent).",
)
@click.option("--starts-ms", type=NumberList(float), help="Start time of each pattern in a recording, e.g. 0,1000.")
@click.option("--merge", is_flag=True, help="Merge spikes of one input that fall into the same tick.")
@view_options
@click.option("--report", "page_path", type=OutputFile(".html"), help="HTML report to write (.html); needs --inputs.")
@title_option
@seed_option
@json_option
def quantize_command(
    network_path: Path,
    program_path: Path,
    exporter: str | None,
    dt_ms: float | None,
    reset: str | None,
    reset_delay: int | None,
    compare: str | None,
    bits: int | str | dict[str, int] | None,
    keep: float,
    fit: bool,
    labels_path: str | None,
    chip: Chip,
    inputs_path: str | None,
    expected_path: str | None,
    ticks: int | None,
    patterns: int | None,
    starts_ms: tuple[float, ...] | None,
    merge: bool,
    view: EventView | None,
    page_path: Path | None,
    title: str | None,
    seed: int,
    as_json: bool,
) -> int:
    """Convert a trained network into a program.

    NET is a NIR file (.nir) or one of lava-dl (.net). NIR files do not define how neurons are reset: --from or --reset
    does. Prints what rounding changed, in numbers and in spikes, on the given inputs or else on random ones. The exit
    code is 1 if inputs are given and a spike differs, otherwise 0.
    """
    from snnprog.networks import quantize
    from snnprog.networks.reading import network_from
    from snnprog.report.conversions import print_conversion

    check_title(title, page_path)
    network = network_from(
        network_path, dt_ms=dt_ms, exporter=exporter, reset=reset, reset_delay=reset_delay, compare=compare
    )
    inputs, expected = None, None
    if inputs_path is not None:
        read = partial(_rasters, network, ticks=ticks, patterns=patterns, starts_ms=starts_ms, merge=merge)
        inputs = read(inputs_path, neurons=network.n_inputs, view=view)
        expected = None if expected_path is None else read(expected_path, neurons=network.outputs.size, view=None)
    if page_path is not None and inputs is None:
        raise SpecError("--report needs --inputs: the page shows the spikes of the network and of the program on them")
    if expected_path is not None and inputs is None:
        raise SpecError("--expected needs --inputs: they are the outputs for those inputs")
    labels = None if labels_path is None else labels_of(labels_path)
    agrees = None
    if inputs is not None and expected is not None:
        agrees = _check_expected(network_path, network, inputs, expected, dt_ms=dt_ms, exporter=exporter)
    with working("fitting weights" if inputs is not None and fit else "rounding weights", as_json):
        result = quantize(network, chip=chip, inputs=inputs, labels=labels, bits=bits, keep=keep, fit=fit, seed=seed)
    result.program.save(program_path)
    if page_path is not None and inputs is not None:
        _write_page(page_path, result, inputs, title=title or network_path.name)
    if as_json:
        print_json({"program": str(program_path), **result.as_dict()})
    else:
        console = terminal()
        if agrees is not None:
            console.print(agrees)
        print_conversion(console, result)
        console.print(f"wrote {program_path}" + (f" and {page_path}" if page_path else ""))
    return NOT_EXACT if result.wrong_bins else EXACT


def _rasters(
    network: TrainedNetwork,
    path: str,
    *,
    neurons: int,
    ticks: int | None,
    patterns: int | None,
    starts_ms: tuple[float, ...] | None,
    merge: bool,
    view: EventView | None,
) -> list[Raster]:
    """Return the spikes of a file, of which those with times are read with the network's tick."""
    from snnprog.files import options_of, split_key
    from snnprog.files.rasters import read_recording
    from snnprog.files.reading import Reading

    name, key = split_key(path)
    has_times = "dt_ms" in options_of(Path(name), key, has_view=view is not None)
    reading = Reading(
        ticks=ticks,
        neurons=neurons,
        patterns=patterns,
        key=key,
        dt_ms=network.dt_ms if has_times else None,
        starts_ms=starts_ms,
        merge=merge,
        view=view,
        source="the input lines of the network",
    )
    return read_recording(Path(name), reading).rasters


def _check_expected(
    path: Path,
    network: TrainedNetwork,
    inputs: Sequence[Raster],
    expected: Sequence[Raster],
    *,
    dt_ms: float | None,
    exporter: str | None,
) -> str:
    """Return how a network agrees with the spikes of its own tool.

    Raises
    ------
    SpecError
        If another convention agrees better.
    """
    from snnprog.networks import wrong_output_bins
    from snnprog.networks.recorded import other_conventions

    wrong = wrong_output_bins(network, inputs, expected)
    bins = sum(raster.size for raster in expected)
    found = f"as it was read, {network.name} differs from --expected in {wrong:,} of {bins:,} output bins"
    if not wrong:
        return f"{found}: it was read with its own convention"
    best = min(
        other_conventions(path, inputs, expected, dt_ms=dt_ms, exporter=exporter),
        key=lambda each: each.wrong_bins,
        default=None,
    )
    if best is None or best.wrong_bins >= wrong:
        return f"{found}, and more with every other reset and comparison; check --dt-ms and --from"
    options = f"--reset {best.reset} --reset-delay {best.reset_delay} --compare '{best.compare}'"
    raise SpecError(f"{found}; with {options}, it differs in {best.wrong_bins:,}")


def _write_page(path: Path, result: QuantizedNetwork, inputs: Sequence[Raster], *, title: str) -> None:
    from snnprog.report.page import page_of_network, write_page

    write_page(path, page_of_network(result, inputs[:SHOWN_INPUTS], title=title))
