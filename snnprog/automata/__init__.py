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
from snnprog.automata.expressions import automaton_from_expression
from snnprog.automata.invariants import Invariant, InvariantMonitor, at_most, never, within
from snnprog.automata.kiss import automaton_from_kiss2
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
    "automaton_from_expression",
    "automaton_from_kiss2",
    "never",
    "table_automaton",
    "window_automaton",
    "within",
]
