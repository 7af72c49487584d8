"""The results of a program on backends: a table, and the verdict for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnprog.report.divergences import divergence_table
from snnprog.table import Cell, Column, Table, checked

if TYPE_CHECKING:  # what is shown is named, not made here
    from rich.console import Console

    from snnprog.verification import Verification


def verification_table(verification: Verification, *, is_judged: bool = True) -> Table:
    """Return the results of each backend.

    Parameters
    ----------
    is_judged : bool
        Whether there are targets; without them, backends can only agree.
    """
    judged = (Column("exact", "exact"), Column("wrong bins", "wrong_bins")) if is_judged else ()
    columns = (
        Column("backend", "backend"),
        *judged,
        Column(f"equals {verification.against}", "identical"),
        Column("portable", "portable"),
        Column("ran on", "versions"),
        Column(None, "first_divergence"),
        Column(None, "divergence_parts"),
    )
    rows = tuple(
        (
            name,
            *((checked(check.exact), check.wrong_bins) if is_judged else ()),
            checked(check.is_identical),
            checked(check.is_portable),
            Cell(
                dict(check.versions), ", ".join(f"{package} {version}" for package, version in check.versions.items())
            ),
            None if check.first_divergence is None else str(check.first_divergence),
            None if check.first_divergence is None else check.first_divergence.as_dict(),
        )
        for name, check in verification.backends.items()
    )
    return Table("", columns, rows, noun="backend")


def held_out_tables(verification: Verification | None) -> tuple[Table, ...]:
    """Return the table of the scores on held-out patterns, if there are any."""
    return () if verification is None or verification.test is None else (verification.test.table(),)


def print_verification(console: Console, verification: Verification) -> None:
    """Print the verdict, the results of each backend, and their first divergences."""
    from snnprog.report.terminal import GOOD, POOR, print_line, print_table

    wrong = [name for name, check in verification.backends.items() if not check.exact]
    verdict = f"NOT exact on {', '.join(wrong)}" if wrong else f"exact on {', '.join(verification.backends)}"
    print_line(console, verdict, style=POOR if wrong else f"bold {GOOD}")
    if verification.robustness is not None:
        style = f"bold {GOOD}" if verification.robustness.holds else POOR
        print_line(console, str(verification.robustness), style=style)
    if verification.mismatch is not None:
        print_line(console, f"note: {verification.mismatch}; compile the specification again")
    for name, error in verification.failures.items():
        print_line(console, f"{name} gave no answer: {error}", style=POOR)
    print_table(console, verification_table(verification))
    if verification.test is not None:
        console.print()
        print_line(console, verification.test._summary())
        print_table(console, verification.test.table())
    for check in verification.backends.values():
        if check.first_divergence is not None:
            console.print()
            print_table(console, divergence_table(check.first_divergence))
