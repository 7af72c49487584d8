"""Automata and invariants: what a program must do, or must never do, on every input stream."""

from snnprog.automata.automaton import (
    WRONG,
    Answer,
    Automaton,
    Claim,
    Monitor,
    Row,
    State,
    Wrong,
    all_rows,
)
from snnprog.automata.invariants import Invariant, InvariantMonitor, at_most, never, within
from snnprog.automata.steps import table_automaton, window_automaton

__all__ = [
    "WRONG",
    "Answer",
    "Automaton",
    "Claim",
    "Invariant",
    "InvariantMonitor",
    "Monitor",
    "Row",
    "State",
    "Wrong",
    "all_rows",
    "at_most",
    "never",
    "table_automaton",
    "window_automaton",
    "within",
]
