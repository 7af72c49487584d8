"""The statuses of neurons: the meaning of each in one sentence, and whether it is good, bad or open."""

from __future__ import annotations

from snnprog.explanation import INFEASIBLE, UNDECIDED
from snnprog.integers import CERTIFIED, EXACT, INEXACT

GOOD, BAD, OPEN = "good", "bad", "open"
WRONG, CLOSEST, UNKNOWN = "wrong", "closest", "not stated"
MEANINGS = {
    CERTIFIED: "a proof shows that every rounding of the weights to the nearest integers is exact",
    EXACT: "the integers were simulated and give exactly the target spikes",
    INEXACT: "real weights exist, but none of the integers that were tried is exact",
    CLOSEST: "the program with the fewest wrong bins that was found",
    INFEASIBLE: "a proof shows that no integers give the target spikes",
    UNDECIDED: "neither weights nor a proof was found",
}
KINDS = {CERTIFIED: GOOD, EXACT: GOOD, INEXACT: BAD, CLOSEST: BAD, INFEASIBLE: BAD, WRONG: BAD}


def kind_of(status: str) -> str:
    """Return "good", "bad" or "open"."""
    return KINDS.get(status, OPEN)
