"""Finite-state machines, from their transition tables.

The next state of a state machine is in general not a threshold function of state and input. The neurons here represent
pairs instead, of a state and the symbol read in it: a pair follows if its symbol is read and the previous pair leads to
its state. This is a threshold function for every table.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import TypeVar

from snnprog.calls import call_checked
from snnprog.chips import Chip, find_chip
from snnprog.errors import SpecError
from snnprog.names import Names, names_from
from snnprog.spec import Spec
from snnprog.specs.machines import Row, StateMachine

State = TypeVar("State", bound=Hashable)
Symbol = TypeVar("Symbol", bound=Hashable)


@call_checked
def finite_state_machine(
    transitions: Mapping[State, Mapping[Symbol, State]], *, start: State | None = None, chip: str | Chip = "loihi1"
) -> Spec:
    """Return the spec of a finite-state machine.

    A symbol is an input line: it is read when the line spikes, and no two lines spike together. Lines are in the order
    in which the symbols first appear in the table; states are in the order of the table. The start state is rest: it
    has no output. The others have one each, the first outputs, which fires at tick t + 2 if the machine is in that
    state after reading the line of tick t; silence does not change the state.

    The outputs that follow represent pairs, and fire at tick t + 1: for each state in order, silence (except in the
    start state, which is rest) and then each symbol, read in it at tick t. A Mealy machine's output is one of them.

    The spec contains every pair with every symbol that can follow. These are all possible inputs of the neurons; so, by
    induction over ticks, a program that is exact on it is exact on every stream. Lines have the names of the symbols,
    and outputs those of the states and pairs, as in "idle on coin" and "idle on silence".

    Parameters
    ----------
    transitions : mapping of state to (mapping of symbol to state)
        The next state for each symbol; a symbol that is not named for a state does not change it.
    start : state, optional
        The start state; the first of the table by default.
    chip : str or Chip
        The target chip: a registered name, or a `Chip`.

    Raises
    ------
    SpecError
        If a state is not in the table or cannot be reached, there are no symbols, there are too many pairs, or the
        chip's neurons remember.
    """
    if not isinstance(transitions, Mapping) or not all(isinstance(to, Mapping) for to in transitions.values()):
        raise SpecError(
            f"transitions must be a mapping of states to mappings of symbols to states, got {transitions!r}"
        )
    table = {state: dict(to) for state, to in transitions.items()}
    first = next(iter(table), None) if start is None else start
    if first is None or first not in table:
        raise SpecError(f"start must be a state of the table, got {first!r}; its states are {list(table)}")
    symbols = list(dict.fromkeys(symbol for to in table.values() for symbol in to))
    if not symbols:
        raise SpecError("transitions must name at least one symbol")
    _check_states(table, first)
    states = [first, *(state for state in table if state != first)]
    numbers = {state: number for number, state in enumerate(states)}
    leads_to = [
        [number, *(numbers[table[state].get(symbol, state)] for symbol in symbols)]
        for number, state in enumerate(states)
    ]
    machine = _machine(leads_to, find_chip(chip))
    symbol_names, state_names = names_from(symbols, noun="symbol"), names_from(states, noun="state")
    return replace(machine, input_names=symbol_names, output_names=_output_names(state_names, symbol_names)).spec()


def _output_names(states: Names, symbols: Names) -> Names:
    """Return the names of the outputs: of states but the first, then of pairs such as "idle on coin"."""
    pairs = [f"{state} on {symbol}" for state in states for symbol in ("silence", *symbols)]
    return names_from([*states[1:], *pairs[1:]], noun="state")


def _machine(leads_to: list[list[int]], chip: Chip) -> StateMachine:
    """Return the machine of states 0, 1, … that lead to others: on silence to themselves, then on each symbol."""
    n_states, n_symbols = len(leads_to), len(leads_to[0]) - 1
    pairs = [(state, read) for state in range(n_states) for read in range(n_symbols + 1) if state or read]

    def step(row: Row, before: Row) -> Row:
        pair = next((pairs[i] for i, fired in enumerate(before[n_states - 1 :]) if fired), (0, 0))
        state, read = leads_to[pair[0]][pair[1]], 1 + row.index(True) if any(row) else 0
        return (*(state == other for other in range(1, n_states)), *((state, read) == other for other in pairs))

    rows = tuple(tuple(line == spiking for line in range(n_symbols)) for spiking in range(-1, n_symbols))
    advice = "take fewer states or symbols"
    return StateMachine("finite_state_machine", n_states - 1 + len(pairs), rows, step, advice, chip)


def _check_states(table: Mapping[State, Mapping[Symbol, State]], start: State) -> None:
    """Raise `SpecError` if a state is not in the table, or cannot be reached."""
    for state, to in table.items():
        for symbol, target in to.items():
            if target not in table:
                raise SpecError(f"state {state!r} leads to {target!r} on {symbol!r}; add a row for {target!r}")
    reached, open_states = {start}, [start]
    while open_states:
        fresh = [target for target in table[open_states.pop()].values() if target not in reached]
        reached.update(fresh)
        open_states += fresh
    for state in table:
        if state not in reached:
            raise SpecError(f"state {state!r} is never reached from {start!r}; remove it")
