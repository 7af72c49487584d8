"""``snnprog units``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnprog.cli.exit_codes import EXACT, NOT_EXACT
from snnprog.cli.numbers import IntegerOption, NumberList, NumberOption
from snnprog.cli.options import JsonCommand, json_option, target_chip_option, time_limit_option
from snnprog.cli.output import print_json, terminal
from snnprog.cli.outputs import RasterFile
from snnprog.cli.progress import progress_bar
from snnprog.cli.workers import processes, workers_option
from snnprog.errors import SpecError

if TYPE_CHECKING:
    from snnprog.chips import Chip


@click.command("units", cls=JsonCommand)
@click.argument("recording_path", metavar="RECORDING", type=RasterFile())
@click.option("--ticks", type=IntegerOption(min=1), help="Number of ticks (required for all but .npz).")
@click.option("--units", "count", type=IntegerOption(min=1), help="Number of units (required for all but .npz).")
@click.option(
    "--dt-ms",
    type=NumberOption(0.0, min_open=True),
    help="Length of a tick in milliseconds, for files that store spike times.",
)
@click.option("--layout", help="Order of the axes of an .npz array, e.g. neurons,ticks.")
@click.option(
    "--starts-ms",
    type=NumberList(float),
    help="Start time of the part of a recording to take, e.g. 60000; 0 for the first.",
)
@click.option("--ids", type=NumberList(int), help="Units or nodes of an .nwb or .h5 file to take, e.g. 4,7.")
@click.option("--merge", is_flag=True, help="Merge spikes of one unit that fall into the same tick.")
@click.option(
    "--inputs", type=NumberList(int), help="Units that drive all others, e.g. 0,1,2. Otherwise all others drive each."
)
@click.option(
    "--longest-delay", type=IntegerOption(min=1), default=16, show_default=True, help="Longest delay, in ticks."
)
@click.option("--training-ticks", type=IntegerOption(min=1), help="Ticks to design from (default: the first half).")
@click.option("--glm", is_flag=True, help="Also fit a logistic GLM to the same features (needs scikit-learn).")
@click.option("--shifted", is_flag=True, help="Also judge shifted spikes, to show how much an exact unit means.")
@target_chip_option
@workers_option
@time_limit_option
@json_option
def units_command(
    recording_path: str,
    ticks: int | None,
    count: int | None,
    dt_ms: float | None,
    layout: str | None,
    starts_ms: tuple[float, ...] | None,
    ids: tuple[int, ...] | None,
    merge: bool,
    inputs: tuple[int, ...] | None,
    longest_delay: int,
    training_ticks: int | None,
    glm: bool,
    shifted: bool,
    chip: Chip,
    workers: int,
    time_limit_s: float | None,
    as_json: bool,
) -> int:
    """Find which units of a recording follow from the others.

    Designs a neuron for each unit from the first part of RECORDING, and runs it on the rest. Prints for each unit
    whether the neuron is exact, how many ticks from the beginning can be exact, and hits, missed spikes and false
    alarms on both parts. RECORDING is a file of spikes as for 'snnprog run', with one pattern.
    """
    from snnprog.files import split_key
    from snnprog.files.rasters import read_recording
    from snnprog.files.reading import Reading
    from snnprog.report.terminal import print_table
    from snnprog.unit_fits import units

    name, key = split_key(recording_path)
    reading = Reading(
        ticks=ticks,
        neurons=count,
        key=key,
        layout=layout,
        dt_ms=dt_ms,
        starts_ms=starts_ms,
        ids=ids,
        merge=merge,
        source="units (--units)",
    )
    rasters = read_recording(Path(name), reading).rasters
    if len(rasters) != 1:
        cause = "give one time as --starts-ms" if starts_ms else "give a file for each"
        raise SpecError(f"{name} must hold one pattern, got {len(rasters)}; {cause}")
    with processes(workers) as executor, progress_bar(as_json) as progress:
        found = units(
            rasters[0],
            inputs=inputs,
            delays=range(1, longest_delay + 1),
            training_ticks=training_ticks,
            glm=glm,
            shifted=shifted,
            chip=chip,
            executor=executor,
            progress=progress,
            time_limit_s=time_limit_s,
        )
    if as_json:
        print_json(found.as_dict())
    else:
        print_table(terminal(), found.table())
        terminal().print(f"{len(found.exact)} of {len(found.units)} exact; {found.held_out_ticks} ticks held out")
    return EXACT if len(found.exact) + len(found.silent) == len(found.units) else NOT_EXACT
