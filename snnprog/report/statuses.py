"""What the status of a neuron means, in one sentence and in one colour, wherever it is shown."""

from __future__ import annotations

from snnprog.explanation import INFEASIBLE, UNDECIDED
from snnprog.integers import CERTIFIED, EXACT, INEXACT

GOOD, BAD, OPEN = "good", "bad", "open"
WRONG, CLOSEST, UNKNOWN = "wrong", "closest", "not told"
MEANINGS = {
    CERTIFIED: "weights exist; every rounding to the nearest keeps the spikes, proved",
    EXACT: "weights exist, and their rounding is exact, simulated",
    INEXACT: "weights exist, but no rounding that was tried is exact",
    CLOSEST: "the program with the fewest wrong bins that was found",
    INFEASIBLE: "no integers meet the targets, proved",
    UNDECIDED: "neither weights nor a proof was found",
}
KINDS = {CERTIFIED: GOOD, EXACT: GOOD, INEXACT: BAD, CLOSEST: BAD, INFEASIBLE: BAD, WRONG: BAD}


def kind_of(status: str) -> str:
    """Return whether a status is good, bad, or leaves things open."""
    return KINDS.get(status, OPEN)
