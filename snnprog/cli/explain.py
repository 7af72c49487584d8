"""``snnprog explain``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnprog.cli.exit_codes import EXACT, INFEASIBLE, NOT_EXACT
from snnprog.cli.options import JsonCommand, chip_option, json_option, time_limit_option
from snnprog.cli.output import print_json, say, terminal
from snnprog.cli.outputs import OutputFile, SpecFile
from snnprog.cli.progress import progress_bar
from snnprog.cli.workers import processes, workers_option

if TYPE_CHECKING:
    from snnprog.chips import Chip
    from snnprog.explanation import Explanation
    from snnprog.spec import Spec


@click.command("explain", cls=JsonCommand)
@click.argument("spec_path", metavar="SPEC.toml", type=SpecFile())
@chip_option
@workers_option
@time_limit_option
@click.option(
    "--proof",
    "proof_path",
    type=OutputFile(".json"),
    help="JSON file to write: the proof that the first infeasible output cannot be built.",
)
@click.option(
    "--spec-json",
    "spec_json_path",
    type=OutputFile(".json"),
    help="JSON file to write: the specification that the proof refers to. 'python -m snnprog.check_proof SPEC.json"
    " PROOF.json' checks the proof.",
)
@click.option("-a", "--all", "is_full", is_flag=True, help="Show all outputs, conflicts and proofs, not the first two.")
@json_option
def explain_command(
    spec_path: Path,
    chip: Chip | None,
    workers: int,
    time_limit_s: float | None,
    proof_path: Path | None,
    spec_json_path: Path | None,
    is_full: bool,
    as_json: bool,
) -> int:
    """Explain which outputs can be built, and why the others cannot.

    Prints the answer in at most five lines: how many outputs can be built, the spikes that contradict each other for
    the first two that cannot, and what may help. --all shows all outputs, with the weight of each spike in the proof.
    """
    from snnprog.explanation import explain
    from snnprog.report.explanations import print_explanation
    from snnprog.spec_file import load_spec

    spec = load_spec(spec_path, chip)
    with processes(workers) as executor, progress_bar(as_json) as progress:
        explanation = explain(spec, executor=executor, progress=progress, time_limit_s=time_limit_s)
    _write_proof(spec, explanation, proof_path=proof_path, spec_json_path=spec_json_path)
    if as_json:
        print_json(explanation.as_dict())
    else:
        print_explanation(terminal(), explanation, is_full=is_full)
    if explanation.infeasible:
        return INFEASIBLE
    return EXACT if explanation.is_feasible else NOT_EXACT


def _write_proof(spec: Spec, explanation: Explanation, *, proof_path: Path | None, spec_json_path: Path | None) -> None:
    """Write the requested documents; report it if there is no proof."""
    from snnprog.output_files import write_bytes
    from snnprog.spec.document import spec_to_data

    document = spec_to_data(spec)
    if spec_json_path is not None:
        write_bytes(spec_json_path, json.dumps(document).encode("ascii"))
    proof = explanation.proof_data(spec)
    if proof_path is not None and proof is not None:
        write_bytes(proof_path, json.dumps(proof).encode("ascii"))
    elif proof_path is not None:
        say(f"{proof_path} was not written: no output is proved infeasible")
