"""``snnprog verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnprog.cli.exit_codes import EXACT, NOT_EXACT
from snnprog.cli.options import chip_option, existing_file, json_option
from snnprog.cli.output import print_json, terminal
from snnprog.cli.progress import progress_bar

if TYPE_CHECKING:
    from snnprog.backends.execution import Record
    from snnprog.chips import Chip
    from snnprog.verification import Verification


@click.command("verify")
@click.argument("program_path", metavar="P.snnp", type=existing_file)
@click.argument("spec_path", metavar="SPEC.toml", type=existing_file)
@click.option("--backend", "backends", multiple=True, help="Where to run, kernel by default; may be repeated.")
@click.option("--against", default="reference", show_default=True, help="The backend that all are compared with.")
@click.option("--state", is_flag=True, help="Compare currents and potentials, too.")
@chip_option
@json_option
def verify_command(
    program_path: Path,
    spec_path: Path,
    backends: tuple[str, ...],
    against: str,
    state: bool,
    chip: Chip | None,
    as_json: bool,
) -> int:
    """Hold a program against its spec.

    It is run on the spec's patterns, on every backend named, and compared with the targets and with the reference.
    """
    from snnprog.program import load
    from snnprog.report.verifications import print_verification
    from snnprog.spec_file import load_spec
    from snnprog.verification import verify

    program, spec = load(program_path), load_spec(spec_path, chip)
    record: Record = "state" if state else "spikes"
    with progress_bar(as_json, "all backends") as progress:
        verification = verify(program, spec, backends or None, record=record, against=against, progress=progress)
    if as_json:
        print_json(verification_data(verification))
    else:
        print_verification(terminal(), verification)
    return EXACT if verification.exact else NOT_EXACT


def verification_data(verification: Verification) -> dict[str, object]:
    """Return a verification as plain data."""
    checks = {
        name: {
            "exact": check.exact,
            "wrong_bins": check.wrong_bins,
            "identical": check.is_identical,
            "portable": check.is_portable,
            "first_divergence": None if check.first_divergence is None else str(check.first_divergence),
            "divergence_parts": None if check.first_divergence is None else check.first_divergence.as_dict(),
            "versions": dict(check.versions),
        }
        for name, check in verification.backends.items()
    }
    return {"exact": verification.exact, "against": verification.against, "backends": checks}
