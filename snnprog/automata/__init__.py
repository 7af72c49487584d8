"""Automata and invariants: required and forbidden behaviour on every input stream."""

from snnprog.automata.automaton import (
    WRONG,
    Answer,
    Automaton,
    Monitor,
    Row,
    State,
    StreamClaim,
    Wrong,
    all_rows,
    from_table,
)
from snnprog.automata.expressions import from_expression
from snnprog.automata.invariants import Invariant, InvariantMonitor, at_most, never, within
from snnprog.automata.kiss import from_kiss2
from snnprog.automata.steps import table_automaton, window_automaton

__all__ = [
    "WRONG",
    "Answer",
    "Automaton",
    "Invariant",
    "InvariantMonitor",
    "Monitor",
    "Row",
    "State",
    "StreamClaim",
    "Wrong",
    "all_rows",
    "at_most",
    "from_expression",
    "from_kiss2",
    "from_table",
    "never",
    "table_automaton",
    "window_automaton",
    "within",
]


def __dir__() -> list[str]:
    return sorted(__all__)
