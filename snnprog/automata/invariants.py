"""Invariants: forbidden outputs of a program, on any input stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from snnprog.automata.automaton import MOST_TICKS, WRONG, Row, State, Wrong, all_rows
from snnprog.checks import as_integer, check_callable
from snnprog.errors import SpecError
from snnprog.names import Names
from snnprog.wording import counted

Condition = Callable[[Row, Row], bool]
Advance = Callable[[State, Row, Row], State | Wrong]

ANSWERED = 0  # ticks left for an answer, where none is due


@dataclass(frozen=True, eq=False, kw_only=True)
class Invariant:
    """A claim about every input stream, for programs of any size; see `never`, `within` and `at_most`.

    Attributes
    ----------
    text : str
        The claim in words.
    start : callable
        ``start(n_inputs, n_outputs)`` checks that the claim is one about such programs, and returns the first state.
    advance : callable
        ``advance(state, row, spikes)`` returns the next state, or `WRONG`.
    symbols : iterable of rows, optional
        The rows that can occur; every subset of the lines by default.
    """

    text: str
    start: Callable[[int, int], State]
    advance: Advance
    symbols: Iterable[Sequence[bool]] | None

    def monitor(self, n_inputs: int, n_outputs: int) -> InvariantMonitor:
        """Return the monitor for programs of this size."""
        start = self.start(n_inputs, n_outputs)
        if self.symbols is None:
            return InvariantMonitor(self, start, all_rows(n_inputs))
        rows = tuple(tuple(map(bool, row)) for row in self.symbols)
        if not rows or {len(row) for row in rows} != {n_inputs}:
            raise SpecError(f"symbols must be rows of {n_inputs} values, one for each input line, got {rows!r:.80}")
        return InvariantMonitor(self, start, rows)


@dataclass(frozen=True, eq=False)
class InvariantMonitor:
    """Watches an invariant on programs of one size."""

    invariant: Invariant
    start: State
    symbols: tuple[Row, ...]

    def rows(self, state: State) -> tuple[Row, ...]:
        """Return the rows that can occur, which are the same in all states."""
        return self.symbols

    def after(self, state: State, row: Row, spikes: Row) -> State | Wrong:
        """Return the state after a tick; `WRONG` where the invariant does not hold."""
        return self.invariant.advance(state, row, spikes)

    def expected(self, state: State, row: Row, output_names: Names | None = None) -> str:
        """Return the claim in words."""
        return self.invariant.text


def never(condition: Condition, *, text: str = "", symbols: Iterable[Sequence[bool]] | None = None) -> Invariant:
    """Return the claim that a condition holds at no tick.

    Parameters
    ----------
    condition : callable
        ``condition(row, spikes)`` gets the input spikes and the output spikes of one tick as tuples of bool.
    text : str
        The claim in words, for messages.
    symbols : iterable of rows, optional
        The rows that can occur; every subset of the lines by default.

    Raises
    ------
    SpecError
        If ``condition`` is not a callable; from `snnprog.prove`, if it indexes a line or an output that does not exist.

    Examples
    --------
    No two outputs spike at the same tick:

    >>> proof = sp.prove(program, sp.never(lambda row, spikes: sum(spikes) > 1))
    """
    check_callable("condition", condition)

    def advance(state: State, row: Row, spikes: Row) -> State | Wrong:
        try:
            return WRONG if condition(row, spikes) else state
        except IndexError as error:
            raise SpecError(
                f"condition must index {counted(len(row), 'input line')} and {counted(len(spikes), 'output')} from 0,"
                f" got {error}"
            ) from error

    return Invariant(
        text=text or "the condition holds at no tick", start=lambda *_: None, advance=advance, symbols=symbols
    )


def within(
    ticks: int, *, after: int, answers: Sequence[int] | None = None, symbols: Iterable[Sequence[bool]] | None = None
) -> Invariant:
    """Return the claim that an output spike follows each spike of an input line within some ticks.

    Parameters
    ----------
    ticks : int
        An input spike at tick t must be followed by an output spike at one of the ticks t + 1 to t + ``ticks``.
    after : int
        The input line.
    answers : sequence of int, optional
        The outputs of which one must spike; all of them by default.
    symbols : iterable of rows, optional
        The rows that can occur; every subset of the lines by default.

    Raises
    ------
    SpecError
        If ``ticks`` is not from 1 to 4096.
    """
    limit, line = as_integer("ticks", ticks), as_integer("after", after)
    if not 1 <= limit <= MOST_TICKS:
        raise SpecError(f"ticks must be from 1 to {MOST_TICKS}, got {limit}")
    chosen = None if answers is None else [as_integer("answers", each) for each in answers]

    def start(n_inputs: int, n_outputs: int) -> State:
        _check_index("after", line, count=n_inputs)
        for output in chosen or ():
            _check_index("answers", output, count=n_outputs)
        return ANSWERED

    def advance(state: State, row: Row, spikes: Row) -> State | Wrong:
        assert isinstance(state, int)
        left = state
        if any(spikes if chosen is None else [spikes[output] for output in chosen]):
            left = ANSWERED
        if left == 1:
            return WRONG
        if left:
            return left - 1
        return limit if row[line] else ANSWERED

    text = f"a spike of input {line} is answered within {counted(limit, 'tick')}"
    return Invariant(text=text, start=start, advance=advance, symbols=symbols)


def at_most(spikes: int, *, ticks: int, output: int, symbols: Iterable[Sequence[bool]] | None = None) -> Invariant:
    """Return the claim that an output spikes at most ``spikes`` times in any ``ticks`` consecutive ticks.

    Parameters
    ----------
    spikes : int
        The most spikes, 0 or more.
    ticks : int
        The number of consecutive ticks.
    output : int
        The output.
    symbols : iterable of rows, optional
        The rows that can occur; every subset of the lines by default.

    Raises
    ------
    SpecError
        If ``spikes`` is negative, or ``ticks`` is not from 1 to 4096.
    """
    most, length, chosen = as_integer("spikes", spikes), as_integer("ticks", ticks), as_integer("output", output)
    if most < 0 or not 1 <= length <= MOST_TICKS:
        raise SpecError(f"spikes must be at least 0 and ticks from 1 to {MOST_TICKS}, got {most} and {length}")

    def start(n_inputs: int, n_outputs: int) -> State:
        _check_index("output", chosen, count=n_outputs)
        return ()

    def advance(state: State, row: Row, fired: Row) -> State | Wrong:
        assert isinstance(state, tuple)
        ages = tuple(age + 1 for age in state if age + 1 < length) + ((0,) if fired[chosen] else ())
        return WRONG if len(ages) > most else ages

    text = f"output {chosen} spikes at most {counted(most, 'time')} in {counted(length, 'tick')}"
    return Invariant(text=text, start=start, advance=advance, symbols=symbols)


def _check_index(name: str, value: int, *, count: int) -> None:
    if not 0 <= value < count:
        raise SpecError(f"{name} must be from 0 to {count - 1} for this program, got {value}")
