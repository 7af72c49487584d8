"""``snnprog explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnprog.cli.exit_codes import EXACT, INFEASIBLE, NOT_EXACT
from snnprog.cli.options import JsonCommand, chip_option, json_option, time_limit_option
from snnprog.cli.output import print_json, terminal
from snnprog.cli.outputs import SpecFile
from snnprog.cli.progress import progress_bar
from snnprog.cli.workers import processes, workers_option

if TYPE_CHECKING:
    from snnprog.chips import Chip


@click.command("explain", cls=JsonCommand)
@click.argument("spec_path", metavar="SPEC.toml", type=SpecFile())
@chip_option
@workers_option
@time_limit_option
@json_option
def explain_command(spec_path: Path, chip: Chip | None, workers: int, time_limit_s: float | None, as_json: bool) -> int:
    """Explain which outputs can be built, and why the others cannot.

    For each output that cannot be built, the smallest conflict among its spikes is printed, with its proof.
    """
    from snnprog.explanation import explain
    from snnprog.report.explanations import print_explanation
    from snnprog.spec_file import load_spec

    spec = load_spec(spec_path, chip)
    with processes(workers) as executor, progress_bar(as_json) as progress:
        explanation = explain(spec, executor=executor, progress=progress, time_limit_s=time_limit_s)
    if as_json:
        print_json(explanation.as_dict())
    else:
        print_explanation(terminal(), explanation)
    if explanation.infeasible:
        return INFEASIBLE
    return EXACT if explanation.is_feasible else NOT_EXACT
