"""Explanations for the terminal: what is known of each output, and the demands that conflict."""

from __future__ import annotations

from collections import Counter
from heapq import nlargest

from rich.console import Console
from rich.text import Text

from snnprog.conflict import Conflict
from snnprog.explanation import INFEASIBLE, UNDECIDED, Explanation, Verdict
from snnprog.integers import CERTIFIED, EXACT, INEXACT
from snnprog.report.tables import GOOD, POOR, SHOWN_NEURONS, print_table
from snnprog.wording import counted

SHOWN_BINS = 10
SHOWN_CONFLICTS = 10
SHOWN_DIGITS = 12
MEANINGS = {
    CERTIFIED: "weights exist; every rounding to the nearest keeps the spikes",
    EXACT: "weights exist, and are exact as rounded",
    INEXACT: "real weights exist; no rounding that was tried is exact",
    UNDECIDED: "neither weights nor a proof was found",
}
ADVICE = (
    'what may help: more delays, a window, don\'t-care bins, or hidden = "auto";'
    " 'snnprog compile --closest' makes the nearest program"
)


def print_explanation(console: Console, explanation: Explanation) -> None:
    """Print the status of each output, then why the infeasible ones are."""
    verdicts = explanation.verdicts
    counts = Counter(verdict.status for verdict in verdicts)
    in_all = ", ".join(f"{number} {status}" for status, number in counts.most_common())
    style = f"bold {GOOD}" if explanation.is_feasible else POOR
    console.print(Text(f"{counted(len(verdicts), 'output')}: {in_all}", style=style))
    shown = sorted(verdicts, key=lambda verdict: verdict.status != INFEASIBLE)[:SHOWN_NEURONS]
    rows = [
        (verdict.output, verdict.status, _what_is_known(verdict))
        for verdict in sorted(shown, key=lambda verdict: verdict.output)
    ]
    print_table(console, "", ("output", "status", "what is known"), rows)
    if len(verdicts) > len(shown):
        console.print(f"… and {len(verdicts) - len(shown)} more; --json lists all")
    for verdict in shown[:SHOWN_CONFLICTS]:
        _print_conflicts(console, verdict)
    if len(explanation.infeasible) > SHOWN_CONFLICTS:
        console.print("\n… and more conflicts; --json lists all")
    if explanation.infeasible:
        console.print(f"\n{ADVICE}")


def _print_conflicts(console: Console, verdict: Verdict) -> None:
    for conflict in verdict.conflicts:
        console.print(Text(f"\noutput {verdict.output}", style="bold"))
        console.print(conflict.reason)
        _print_bins(console, conflict)
    if isinstance(verdict.hidden, Conflict):
        console.print(f"with hidden neurons: {verdict.hidden.reason}")
    elif verdict.hidden:
        console.print(
            f"hidden neurons may help output {verdict.output}: nothing in what came in before speaks against it;"
            " compile adds them"
        )


def _what_is_known(verdict: Verdict) -> str:
    if verdict.status != INFEASIBLE:
        return MEANINGS[verdict.status]
    return f"proof {proof_in_words(verdict)}" if verdict.cases else proof_in_words(verdict)


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
    """Print the demands of a conflict in their order; of many, those that weigh most."""
    priced = list(zip(conflict.bins, conflict.shares, strict=True))
    heaviest = set(nlargest(SHOWN_BINS, range(len(priced)), key=lambda index: priced[index][1]))
    rows = [
        (each.pattern, each.tick, each.demand, share_in_words(str(share)))
        for index, (each, share) in enumerate(priced)
        if index in heaviest
    ]
    if len(priced) < 2:  # the reason has said all
        return
    title = "without any one of these the others can be met" if conflict.is_minimal else "what the proof rests on"
    if len(priced) > len(rows):
        spikes = sum(each.is_spike for each in conflict.bins)
        demands = f"{counted(spikes, 'spike')} and {counted(len(priced) - spikes, 'silence')}"
        title = f"{title}: {demands}; the {len(rows)} that weigh most, --json lists all"
    print_table(console, title, ("pattern", "tick", "demand", "share of the proof"), rows)


def share_in_words(share: str) -> str:
    """Return a fraction in full where it is short, else as a percentage."""
    if share == "0":
        return "in several cases"
    top, _, bottom = share.partition("/")
    return share if len(share) <= SHOWN_DIGITS else f"{int(top) / int(bottom):.2%}"
