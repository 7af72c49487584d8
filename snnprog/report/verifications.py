"""What came of running a program on backends, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from snnprog.report.divergences import print_divergence
from snnprog.report.tables import GOOD, POOR, plain_text, print_table

if TYPE_CHECKING:  # what is shown is named, not made here
    from snnprog.verification import Verification


def print_verification(console: Console, verification: Verification) -> None:
    """Print the verdict, each backend's answer, what ran, and each one's first divergence."""
    wrong = [name for name, check in verification.backends.items() if not check.exact]
    verdict = f"NOT exact on {', '.join(wrong)}" if wrong else f"exact on {', '.join(verification.backends)}"
    console.print(Text(plain_text(verdict), style=POOR if wrong else f"bold {GOOD}"))
    rows = [
        (
            name,
            "yes" if check.exact else "NO",
            check.wrong_bins,
            "yes" if check.is_identical else "NO",
            "yes" if check.is_portable else "NO",
        )
        for name, check in verification.backends.items()
    ]
    columns = ("backend", "exact", "wrong bins", f"equals {verification.against}", "portable")
    print_table(console, "", columns, rows)
    for name, check in verification.backends.items():
        versions = ", ".join(f"{package} {version}" for package, version in check.versions.items())
        console.print(Text(plain_text(f"{name} ran on {versions}"), style="dim"))
    for check in verification.backends.values():
        if check.first_divergence is not None:
            console.print()
            print_divergence(console, check.first_divergence)
