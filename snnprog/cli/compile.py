"""``snnprog compile``."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

import click

from snnprog.cli.exit_codes import DOES_NOT_FIT, EXACT, NOT_EXACT
from snnprog.cli.numbers import NumberOption
from snnprog.cli.options import JsonCommand, chip_option, json_option, seed_option, time_limit_option
from snnprog.cli.output import print_json, say, terminal
from snnprog.cli.outputs import OutputFile, OutputFolder, ProgramFile, SpecFile
from snnprog.cli.progress import progress_bar
from snnprog.cli.workers import executor_of, scheduler_option, workers_option

if TYPE_CHECKING:
    from snnprog.chips import Chip


MINIMAL_SPEC = """\
delays = "1-5"

[[patterns]]
inputs = "inputs.csv"
targets = "targets.csv"
ticks = 12
n_inputs = 2
n_outputs = 1
"""
INPUTS, TARGETS = "tick,neuron\n1,0\n4,1\n", "tick,neuron\n6,0\n"


def _as_epilog() -> str:
    """Return the smallest specification as text that click does not rewrap."""
    spec = "\n\n".join("\b\n" + block for block in indent(MINIMAL_SPEC, "  ").split("\n\n"))
    files = zip_longest(["inputs.csv", *INPUTS.split()], ["targets.csv", *TARGETS.split()], fillvalue="")
    return (
        "A minimal SPEC.toml ('snnprog init' writes one with comments):\n\n"
        f"{spec}\n\nand its files, with a row for each spike:\n\n\b\n"
        + "\n".join(f"  {left:14}{right}".rstrip() for left, right in files)
    )


@click.command("compile", cls=JsonCommand, epilog=_as_epilog())
@click.argument("spec_path", metavar="SPEC.toml", type=SpecFile())
@click.option(
    "-o", "--output", "program_path", required=True, type=OutputFile(".snnp"), help="Program file to write (.snnp)."
)
@seed_option
@chip_option
@workers_option
@scheduler_option
@click.option(
    "--journal",
    "journal_path",
    metavar="FOLDER",
    type=OutputFolder(),
    help="Folder in which finished neurons are recorded; the same command continues there after a crash or a kill.",
)
@time_limit_option
@click.option("--closest", is_flag=True, help="If no exact program is found, write the cheapest that is found.")
@click.option(
    "--miss-cost", type=NumberOption(0.0, min_open=True), default=1.0, help="Cost of a missing spike, with --closest."
)
@click.option(
    "--alarm-cost", type=NumberOption(0.0, min_open=True), default=1.0, help="Cost of an extra spike, with --closest."
)
@click.option("--start", "start_path", type=ProgramFile(), help="Program that the closest one must not be worse than.")
@click.option("--widest", is_flag=True, help="Give each output the widest margin there is; slower.")
@json_option
def compile_command(
    spec_path: Path,
    program_path: Path,
    seed: int,
    chip: Chip | None,
    workers: int,
    scheduler: str | None,
    journal_path: Path | None,
    time_limit_s: float | None,
    closest: bool,
    miss_cost: float,
    alarm_cost: float,
    start_path: Path | None,
    widest: bool,
    as_json: bool,
) -> int:
    """Compile a specification into a program.

    SPEC.toml names files of input spikes and target spikes, and what may be built. The program is run before it is
    written. If no program exists, the exit code is 3 and the message names spikes that contradict each other.
    """
    from snnprog.compiler import compile
    from snnprog.program import load
    from snnprog.report.compilation import print_compilation
    from snnprog.report.programs import program_data
    from snnprog.spec_file import load_spec

    chosen = {"--miss-cost": miss_cost != 1.0, "--alarm-cost": alarm_cost != 1.0, "--start": start_path is not None}
    for option, is_chosen in chosen.items():
        if is_chosen and not closest:
            raise click.UsageError(f"{option} is about the closest program; add --closest")
    spec, start = load_spec(spec_path, chip), None if start_path is None else load(start_path)
    with executor_of(workers, scheduler) as executor, progress_bar(as_json) as progress:
        result = compile(
            spec,
            seed=seed,
            on_infeasible="closest" if closest else "raise",
            miss_cost=miss_cost,
            alarm_cost=alarm_cost,
            start=start,
            widest=widest,
            executor=executor,
            progress=progress,
            time_limit_s=time_limit_s,
            journal=journal_path,
        )
    result.program.save(program_path)
    misfit = DOES_NOT_FIT if result.report.misfit else EXACT
    code = NOT_EXACT if result.report.wrong_bins else misfit
    if as_json:
        print_json({"program": str(program_path), "summary": program_data(result.program), **result.report.as_dict()})
        return code
    print_compilation(terminal(), result, n_patterns=len(spec.patterns))
    click.echo(f"wrote {program_path}")
    if result.report.misfit is not None:
        say(f"{spec.chip.name} does not hold the program: {result.report.misfit}")
    return code
