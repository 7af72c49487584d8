"""``snnprog verify``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnprog.cli.exit_codes import BACKEND_FAILED, EXACT, NOT_EXACT
from snnprog.cli.names import BACKEND
from snnprog.cli.numbers import NumberOption
from snnprog.cli.options import JsonCommand, chip_option, held_out_option, json_option
from snnprog.cli.output import print_json, terminal
from snnprog.cli.outputs import OutputFile, ProgramFile, SpecFile
from snnprog.cli.perturbations import perturbation_options, robust_of
from snnprog.cli.progress import progress_bar
from snnprog.wording import counted

if TYPE_CHECKING:
    from snnprog.backends.execution import Record
    from snnprog.chips import Chip
    from snnprog.verification import Verification


@click.command("verify", cls=JsonCommand)
@click.argument("program_path", metavar="P.snnp", type=ProgramFile())
@click.argument("spec_path", metavar="SPEC.toml", type=SpecFile())
@click.option(
    "--backend", "backends", multiple=True, type=BACKEND, help="Backend to run on; can be repeated. Default: kernel."
)
@click.option(
    "--against", default="reference", type=BACKEND, show_default=True, help="Backend to compare all others with."
)
@held_out_option
@click.option("--state", is_flag=True, help="Also compare currents and potentials.")
@perturbation_options
@click.option(
    "--worst",
    "worst_path",
    metavar="FILE.npz",
    type=OutputFile(".npz"),
    help="Write the perturbed input of a violation here.",
)
@click.option("--timeout", "timeout_s", type=NumberOption(min=0.0), help="Time limit for each backend, in seconds.")
@click.option("--require-test", is_flag=True, help="Exit with 1 unless the patterns of --test are exact, too.")
@click.option("--same-spec", is_flag=True, help="Exit with 1 unless the program was compiled from this SPEC.toml.")
@chip_option
@json_option
def verify_command(
    program_path: Path,
    spec_path: Path,
    backends: tuple[str, ...],
    against: str,
    test_path: Path | None,
    state: bool,
    perturbed: Mapping[str, object],
    worst_path: Path | None,
    timeout_s: float | None,
    require_test: bool,
    same_spec: bool,
    chip: Chip | None,
    as_json: bool,
) -> int:
    """Check a program against its specification.

    The program runs on the patterns of the specification, on each backend. Its spikes are compared with the targets
    and with those of the reference simulator. If a backend fails, the others still run; the exit code is then 5, or 1
    if another one is not exact. The exit code does not depend on --test without --require-test.

    A program file names the specification that it was compiled from, by its digest. If SPEC.toml has changed since, a
    note says so, and --same-spec makes the exit code 1.

    With --jitter, --missing, --extra or --weight-error, or if the specification has [robust], the outputs must be the
    same for every such perturbation of the inputs and weights, all together; the exit code is 1 unless that is proved.
    """
    from snnprog.program import load
    from snnprog.report.verifications import print_verification
    from snnprog.spec_file import load_spec
    from snnprog.verification import verify

    if require_test and test_path is None:
        raise click.UsageError("--require-test needs --test HELDOUT.toml")
    program, spec = load(program_path), load_spec(spec_path, chip)
    test = None if test_path is None else load_spec(test_path, chip)
    robust = robust_of(spec, perturbed, needed_by=() if worst_path is None else ("--worst",))
    record: Record = "state" if state else "spikes"
    with progress_bar(as_json, "all backends") as progress:
        verification = verify(
            program,
            spec,
            backends or None,
            record=record,
            against=against,
            robust=robust,
            test=test,
            timeout_s=timeout_s,
            progress=progress,
        )
    is_written = worst_path is not None and _write_worst(worst_path, verification)
    if as_json:
        print_json(verification_data(verification))
    else:
        print_verification(terminal(), verification)
        if is_written:
            click.echo(f"wrote {worst_path}")
    is_required = _requirements(verification, require_test=require_test, same_spec=same_spec)
    if verification.exact and is_required:
        return EXACT
    is_wrong = any(not check.exact for check in verification.backends.values())
    is_fragile = verification.robustness is not None and not verification.robustness.holds
    return NOT_EXACT if is_wrong or is_fragile or not is_required else BACKEND_FAILED


def _requirements(verification: Verification, *, require_test: bool, same_spec: bool) -> bool:
    """Return whether the requested requirements hold; say which does not."""
    faults = []
    if require_test and verification.test is not None and verification.test.wrong_bins:
        bins = counted(verification.test.wrong_bins, "wrong bin")
        faults.append(f"--require-test: the held-out patterns have {bins}")
    if same_spec and not verification.same_spec:
        digest = "names no specification" if verification.same_spec is None else "was compiled from another one"
        faults.append(f"--same-spec: the program file {digest}; compile the specification again")
    for fault in faults:
        click.echo(fault, err=True)
    return not faults


def _write_worst(path: Path, verification: Verification) -> bool:
    """Write the perturbed input of a violation; return whether there is one."""
    from snnprog.files import write_rasters

    found = verification.robustness and verification.robustness.violation
    if found:
        write_rasters(path, [found.inputs])
    return bool(found)


def verification_data(verification: Verification) -> dict[str, object]:
    """Return a verification as plain data."""
    from snnprog.report.verifications import verification_table

    records = verification_table(verification).records()
    backends = {str(record.pop("backend")): record for record in records}
    failures = {name: str(error) for name, error in verification.failures.items()}
    robustness = None if verification.robustness is None else verification.robustness.to_data()
    test = None if verification.test is None else verification.test.as_dict()
    return {
        "exact": verification.exact,
        "same_spec": verification.same_spec,
        "mismatch": verification.mismatch,
        "against": verification.against,
        "backends": backends,
        "failures": failures,
        "robustness": robustness,
        "test": test,
    }
