"""Explanations for the terminal: the conflicts, the demands that they rest on, and what the proof is worth."""

from __future__ import annotations

from rich.console import Console

from snnprog.errors import Conflict
from snnprog.explanation import INFEASIBLE, UNDECIDED, Explanation, Verdict
from snnprog.report.tables import print_table

SHOWN_BINS = 40
SHOWN_DIGITS = 12


def print_explanation(console: Console, explanation: Explanation) -> None:
    """Print the status of each output, then why the infeasible ones are."""
    rows = [(verdict.output, verdict.status, proof_in_words(verdict)) for verdict in explanation.verdicts]
    print_table(console, "Outputs", ("output", "status", "proof"), rows)
    for verdict in explanation.verdicts:
        for conflict in verdict.conflicts:
            console.print(f"\n{conflict.reason}")
            _print_bins(console, conflict)
        if isinstance(verdict.hidden, Conflict):
            console.print(f"\nwith hidden neurons: {verdict.hidden.reason}")
        elif verdict.hidden:
            console.print(
                f"\nhidden neurons may help output {verdict.output}: nothing in what came in before speaks against it;"
                " compile adds them"
            )


def proof_in_words(verdict: Verdict) -> str:
    """Return what the proof of a verdict is worth."""
    if verdict.status != INFEASIBLE:
        return "none: neither weights nor a proof was found" if verdict.status == UNDECIDED else ""
    if verdict.cases == 0:
        return "every choice was refused; not rechecked"
    checked = "rechecked exactly" if verdict.is_rechecked else "NOT CONFIRMED when rechecked"
    cases = f", {verdict.cases} cases" if verdict.cases > 1 else ""
    scope = "real weights of any size" if verdict.holds_at_any_scale else "all weights within the chip's ranges"
    open_end = verdict.excess is not None and verdict.excess > 0
    hair = f", up to {float(verdict.excess or 0):.1g} LSB" if open_end else ""
    return f"{checked}{cases}; for {scope}{hair}"


def _print_bins(console: Console, conflict: Conflict) -> None:
    rows = [
        (each.pattern, each.tick, each.demand, share_in_words(str(share)))
        for each, share in zip(conflict.bins, conflict.shares, strict=True)
    ]
    title = "each of these can be left out and the rest be met" if conflict.is_minimal else "what the proof rests on"
    print_table(console, title, ("pattern", "tick", "demand", "share of the proof"), rows[:SHOWN_BINS])
    if len(rows) > SHOWN_BINS:
        console.print(f"… and {len(rows) - SHOWN_BINS} more; --json lists all")


def share_in_words(share: str) -> str:
    """Return a fraction in full where it is short, else as a decimal."""
    if share == "0":
        return "in several cases"
    top, _, bottom = share.partition("/")
    return share if len(share) <= SHOWN_DIGITS else f"{int(top) / int(bottom):.6g}"
