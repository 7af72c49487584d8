"""Tables of explanations: the verdict on each output, and conflicting bins."""

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
from snnprog.wording import counted, runs_of

if TYPE_CHECKING:  # where it is printed to is named, not made here
    from rich.console import Console

SHOWN_OUTPUTS = 2
"""Outputs whose first conflict is shown by default: with the rest, five lines. A choice."""
SHOWN_DEMANDS, SHOWN_DIGITS = 12, 12


def print_explanation(console: Console, explanation: Explanation, *, is_full: bool = False) -> None:
    """Print the number of outputs of each status, the reasons of the first infeasible ones, and advice.

    Parameters
    ----------
    is_full : bool
        Whether to print every output that cannot be built, alone or at all, with all its conflicts and what is proved.
    """
    from snnprog.report.terminal import GOOD, POOR, print_line

    style = f"bold {GOOD}" if explanation.is_feasible else POOR
    print_line(console, _summary(explanation), style=style)
    unbuilt = [verdict for verdict in explanation.verdicts if verdict.status not in (CERTIFIED, EXACT)]
    if is_full:
        for verdict in unbuilt:
            _print_in_full(console, verdict)
    else:
        for verdict in unbuilt[:SHOWN_OUTPUTS]:
            print_line(console, f"output {verdict.output}: {_status_of(verdict)}: {_first_reason(verdict)}")
        if unbuilt:
            more = len(unbuilt) - SHOWN_OUTPUTS
            others = f"and {counted(more, 'more output')}; " if more > 0 else ""
            print_line(console, f"{others}--all shows every conflict, and what is proved")
    helping = _helping(explanation)
    if helping:
        print_line(console, helping)


def _summary(explanation: Explanation) -> str:
    """Return how many outputs there are of each status, and which steps had too little time."""
    counts = Counter(verdict.status for verdict in explanation.verdicts)
    in_all = ", ".join(f"{number} {status}" for status, number in counts.most_common())
    ended = ", ".join(explanation.ended_by_time)
    late = f" (the time limit ended: {ended}; more time may decide more)" if ended else ""
    return f"{counted(len(explanation.verdicts), 'output')}: {in_all}{late}"


def _status_of(verdict: Verdict) -> str:
    """Return the status of an output; conflicts of an undecided one hold only without hidden neurons."""
    is_open = verdict.status == UNDECIDED and verdict.conflicts
    return f"{verdict.status}, and infeasible without hidden neurons" if is_open else verdict.status


def _first_reason(verdict: Verdict) -> str:
    """Return the first reason why an output cannot be built, without the output's name."""
    if not verdict.conflicts:
        return MEANINGS[verdict.status]
    more = len(verdict.conflicts) - 1
    also = f" (and {counted(more, 'more conflict')})" if more else ""
    return verdict.conflicts[0].reason.removeprefix(f"output {verdict.output} ") + also


def _print_in_full(console: Console, verdict: Verdict) -> None:
    """Print all conflicts of an output with their demands, the proof, and whether hidden neurons help."""
    from snnprog.report.terminal import print_line, print_table

    print_line(console, f"output {verdict.output}: {_status_of(verdict)}", style="bold")
    for conflict in verdict.conflicts:
        print_line(console, f"  {conflict.reason}")
        demands = demands_table(conflict, most=SHOWN_DEMANDS)
        if demands is not None:
            print_table(console, demands)
    reasons = () if verdict.conflicts else (MEANINGS[verdict.status],)
    for sentence in (*reasons, proof_in_words(verdict), hidden_in_words(verdict)):
        if sentence:
            print_line(console, f"  {sentence}")


def _helping(explanation: Explanation) -> str:
    """Return advice for the outputs that cannot be built; an empty text if all can."""
    if explanation.infeasible:
        return f"what may help: {explanation.advice}; 'snnprog compile --closest' writes the nearest program"
    helped = [verdict.output for verdict in explanation.verdicts if verdict.hidden is True]
    return f"hidden neurons may help output {runs_of(helped)}; 'snnprog compile' adds them" if helped else ""


def hidden_in_words(verdict: Verdict) -> str:
    """Return whether hidden neurons can help an output; an empty text if they are not allowed."""
    if isinstance(verdict.hidden, Conflict):
        return f"with hidden neurons: {verdict.hidden.reason}"
    if not verdict.hidden:
        return ""
    return f"hidden neurons may help output {verdict.output}: no earlier input rules it out; compile adds them"


def proof_in_words(verdict: Verdict) -> str:
    """Return the strength of the proof of a verdict."""
    if verdict.proof is None:
        return "none: neither weights nor a proof was found" if verdict.status == UNDECIDED else ""
    alone = "without hidden neurons: " if verdict.status == UNDECIDED else ""
    cases = sum(1 for _ in leaves_of(verdict.proof))
    return f"{alone}proved for all integers of the chip{f', {cases} cases' if cases > 1 else ''}"


def demands_table(conflict: Conflict, *, most: int) -> Table | None:
    """Return the demands of a conflict in order; of many, those of the largest weight; None if the reason has them."""
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
    """Return a fraction in full if it is short, else as a percentage."""
    if share == "0":
        return "in several cases"
    top, _, bottom = share.partition("/")
    return share if len(share) <= SHOWN_DIGITS else f"{int(top) / int(bottom):.2%}"
