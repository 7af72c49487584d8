"""Explanations: what is known of each output, and the demands that conflict."""

from __future__ import annotations

from collections import Counter
from heapq import nlargest
from typing import TYPE_CHECKING

from snnprog.conflict import Conflict
from snnprog.explanation import UNDECIDED, Explanation, Verdict
from snnprog.integers import CERTIFIED, EXACT
from snnprog.proof import leaves_of
from snnprog.report.statuses import MEANINGS
from snnprog.table import Column, Table
from snnprog.wording import counted

if TYPE_CHECKING:  # where it is printed to is named, not made here
    from rich.console import Console

SHOWN_OUTPUTS = 10
SHOWN_DIGITS = 12


def print_explanation(console: Console, explanation: Explanation) -> None:
    """Print how many outputs there are of each status, and a line for each that cannot be built, alone or at all."""
    from snnprog.report.terminal import GOOD, POOR, print_line

    verdicts = explanation.verdicts
    counts = Counter(verdict.status for verdict in verdicts)
    in_all = ", ".join(f"{number} {status}" for status, number in counts.most_common())
    style = f"bold {GOOD}" if explanation.is_feasible else POOR
    print_line(console, f"{counted(len(verdicts), 'output')}: {in_all}", style=style)
    told = [verdict for verdict in verdicts if verdict.status not in (CERTIFIED, EXACT)]
    for verdict in told[:SHOWN_OUTPUTS]:
        print_line(console, f"output {verdict.output}: {_in_a_line(verdict)}")
    if len(told) > SHOWN_OUTPUTS:
        print_line(console, f"and {counted(len(told) - SHOWN_OUTPUTS, 'more output')}; --json lists all")
    if explanation.infeasible:
        closest = "'snnprog compile --closest' makes the nearest program"
        print_line(console, f"what may help: {explanation.advice}; {closest}")
    if explanation.ended_by_time:
        print_line(console, f"the time limit ended: {', '.join(explanation.ended_by_time)}; more time may tell more")


def _in_a_line(verdict: Verdict) -> str:
    """Return the status of an output and the first reason for it."""
    if not verdict.conflicts:
        return f"{verdict.status}: {MEANINGS[verdict.status]}"
    reason = verdict.conflicts[0].reason.removeprefix(f"output {verdict.output} ")
    more = len(verdict.conflicts) - 1
    reasons = f"{reason} (and {counted(more, 'more conflict')})" if more else reason
    parts = (f"{verdict.status}: {reasons}", proof_in_words(verdict), hidden_in_words(verdict))
    return "; ".join(part for part in parts if part)


def hidden_in_words(verdict: Verdict) -> str:
    """Return whether hidden neurons can help an output; nothing where that was not asked."""
    if isinstance(verdict.hidden, Conflict):
        return f"with hidden neurons: {verdict.hidden.reason}"
    if not verdict.hidden:
        return ""
    return f"hidden neurons may help output {verdict.output}: no earlier input rules it out; compile adds them"


def proof_in_words(verdict: Verdict) -> str:
    """Return what the proof of a verdict is worth."""
    if verdict.proof is None:
        return "none: neither weights nor a proof was found" if verdict.status == UNDECIDED else ""
    alone = "without hidden neurons: " if verdict.status == UNDECIDED else ""
    cases = sum(1 for _ in leaves_of(verdict.proof))
    return f"{alone}proved for all integers of the chip{f', {cases} cases' if cases > 1 else ''}"


def demands_table(conflict: Conflict, *, most: int) -> Table | None:
    """Return the demands of a conflict in order; of many, those that weigh most; None where the reason says all."""
    if len(conflict.bins) < 2:
        return None
    priced = list(zip(conflict.bins, conflict.shares, strict=True))
    heaviest = sorted(nlargest(most, range(len(priced)), key=lambda index: priced[index][1]))
    title = "Without any one of these, the others can be met" if conflict.is_minimal else "What the proof rests on"
    if len(priced) > most:
        spikes = sum(each.is_spike for each in conflict.bins)
        demands = f"{counted(spikes, 'spike')} and {counted(len(priced) - spikes, 'silence')}"
        title = f"{title}: {demands}; the {most} with the largest shares; 'snnprog explain --json' lists all"
    return Table(
        title,
        tuple(map(Column, ("pattern", "tick", "demand", "share of the proof"))),
        tuple(
            (each.pattern, each.tick, each.demand, share_in_words(str(share)))
            for each, share in (priced[index] for index in heaviest)
        ),
        noun="demand",
    )


def share_in_words(share: str) -> str:
    """Return a fraction in full where it is short, else as a percentage."""
    if share == "0":
        return "in several cases"
    top, _, bottom = share.partition("/")
    return share if len(share) <= SHOWN_DIGITS else f"{int(top) / int(bottom):.2%}"
