"""The statuses of neurons: the meaning of each in one sentence, and whether it is good, bad or open."""

from __future__ import annotations

from snnprog.display.card import BAD, GOOD, OPEN
from snnprog.explanation import INFEASIBLE, VERDICT_MEANINGS
from snnprog.integers import CERTIFIED, EXACT, INEXACT

WRONG, CLOSEST, UNKNOWN = "wrong", "closest", "not stated"
MEANINGS = {**VERDICT_MEANINGS, CLOSEST: "the program with the fewest wrong bins that was found"}
KINDS = {CERTIFIED: GOOD, EXACT: GOOD, INEXACT: BAD, CLOSEST: BAD, INFEASIBLE: BAD, WRONG: BAD}


def kind_of(status: str) -> str:
    """Return "good", "bad" or "open"."""
    return KINDS.get(status, OPEN)
