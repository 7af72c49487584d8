"""Automata and invariants: required and forbidden behaviour on every input stream."""

from snnprog.automata.automaton import WRONG, Automaton, StreamClaim, all_rows, from_table
from snnprog.automata.expressions import from_expression
from snnprog.automata.invariants import Invariant, at_most, never, within
from snnprog.automata.kiss import from_kiss2

__all__ = [
    "WRONG",
    "Automaton",
    "Invariant",
    "StreamClaim",
    "all_rows",
    "at_most",
    "from_expression",
    "from_kiss2",
    "from_table",
    "never",
    "within",
]


def __dir__() -> list[str]:
    return sorted(__all__)
