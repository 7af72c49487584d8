"""Tables of explanations: the verdict on each output, and conflicting bins."""

from __future__ import annotations

from heapq import nlargest
from typing import TYPE_CHECKING

from snnprog.conflict import CONTRADICTION, Conflict
from snnprog.explanation import (
    SHOWN_OUTPUTS,
    UNDECIDED,
    VERDICT_MEANINGS,
    Explanation,
    Verdict,
    status_in_words,
    summary_in_words,
    verdict_in_words,
)
from snnprog.proof import leaves_of
from snnprog.table import Column, Table
from snnprog.wording import counted, runs_of

if TYPE_CHECKING:  # where it is printed to is named, not made here
    from rich.console import Console

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
    print_line(console, summary_in_words(explanation), style=style)
    unbuilt = explanation.unbuilt
    if is_full:
        for verdict in unbuilt:
            _print_in_full(console, verdict)
    else:
        for verdict in unbuilt[:SHOWN_OUTPUTS]:
            print_line(console, verdict_in_words(verdict))
        if unbuilt:
            more = len(unbuilt) - SHOWN_OUTPUTS
            others = f"and {counted(more, 'more output')}; " if more > 0 else ""
            print_line(console, f"{others}--all shows every conflict, and what is proved")
    helping = _helping(explanation)
    if helping:
        print_line(console, helping)


def _print_in_full(console: Console, verdict: Verdict) -> None:
    """Print all conflicts of an output with their demands, the proof, and whether hidden neurons help."""
    from snnprog.report.terminal import print_line, print_table

    print_line(console, f"{verdict.name}: {status_in_words(verdict)}", style="bold")
    for conflict in verdict.conflicts:
        print_line(console, f"  {conflict.reason}")
        demands = demands_table(conflict, most=SHOWN_DEMANDS)
        if demands is not None:
            print_table(console, demands)
    reasons = () if verdict.conflicts else (VERDICT_MEANINGS[verdict.status],)
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
    return f"hidden neurons may help {verdict.name}: no earlier input rules it out; compile adds them"


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
    title = CONTRADICTION if conflict.is_minimal else "What the proof rests on"
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
