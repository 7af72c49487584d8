"""``snnprog compile``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnprog.cli.exit_codes import DOES_NOT_FIT, EXACT, NOT_EXACT
from snnprog.cli.options import JsonCommand, chip_option, json_option, time_limit_option
from snnprog.cli.output import print_json, say, terminal
from snnprog.cli.outputs import OutputFile, SpecFile
from snnprog.cli.progress import progress_bar
from snnprog.cli.workers import processes, workers_option

if TYPE_CHECKING:
    from snnprog.chips import Chip


@click.command("compile", cls=JsonCommand)
@click.argument("spec_path", metavar="SPEC.toml", type=SpecFile())
@click.option(
    "-o", "--output", "program_path", required=True, type=OutputFile(".snnp"), help="Program file to write (.snnp)."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Seed for all random choices.")
@chip_option
@workers_option
@time_limit_option
@click.option("--closest", is_flag=True, help="If no exact program is found, write one with few wrong bins.")
@json_option
def compile_command(
    spec_path: Path,
    program_path: Path,
    seed: int,
    chip: Chip | None,
    workers: int,
    time_limit_s: float | None,
    closest: bool,
    as_json: bool,
) -> int:
    """Compile a specification into a program."""
    from snnprog.compiler import compile
    from snnprog.report.compilation import print_compilation
    from snnprog.report.programs import program_data
    from snnprog.spec_file import load_spec

    spec = load_spec(spec_path, chip)
    with processes(workers) as executor, progress_bar(as_json) as progress:
        result = compile(
            spec,
            seed=seed,
            on_infeasible="closest" if closest else "raise",
            executor=executor,
            progress=progress,
            time_limit_s=time_limit_s,
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
