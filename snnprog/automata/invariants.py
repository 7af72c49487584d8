"""Invariants: forbidden outputs of a program, on any input stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from snnprog.automata.automaton import MOST_TICKS, WRONG, HasLines, Row, State, Wrong, all_rows
from snnprog.calls import call_checked
from snnprog.checks import as_integer, check_callable
from snnprog.errors import SpecError
from snnprog.names import Names
from snnprog.wording import counted, put_in_list

Condition = Callable[[Row, Row], bool]
Advance = Callable[[State, Row, Row], State | Wrong]

ANSWERED = 0  # ticks left for an answer, where none is due


@call_checked
@dataclass(frozen=True, eq=False, kw_only=True)
class Invariant:
    """A claim about every input stream, for programs of any size; see `never`, `within` and `at_most`.

    Attributes
    ----------
    text : str
        The claim in words.
    start : object
        The state before the first tick.
    advance_on : callable
        ``advance_on(program)`` finds the lines of a program that the claim is about, and returns the function
        ``advance(state, row, spikes)``, which returns the next state, or `WRONG`.
    symbols : iterable of rows, optional
        The rows that can occur; every subset of the lines by default.
    """

    text: str
    start: State
    advance_on: Callable[[HasLines], Advance]
    symbols: Iterable[Sequence[bool]] | None

    def monitor(self, program: HasLines) -> InvariantMonitor:
        """Return the monitor for a program; raise `SpecError` if it has no such lines."""
        advance = self.advance_on(program)
        return InvariantMonitor(self.text, self.start, advance, self._rows(program.n_inputs))

    def _rows(self, n_inputs: int) -> tuple[Row, ...]:
        if self.symbols is None:
            return all_rows(n_inputs)
        rows = tuple(tuple(map(bool, row)) for row in self.symbols)
        if not rows or {len(row) for row in rows} != {n_inputs}:
            raise SpecError(f"symbols must be rows of {n_inputs} values, one for each input line, got {rows!r:.80}")
        return rows


@dataclass(frozen=True, eq=False)
class InvariantMonitor:
    """Watches an invariant on one program."""

    text: str
    start: State
    advance: Advance
    symbols: tuple[Row, ...]

    def rows(self, state: State) -> tuple[Row, ...]:
        """Return the rows that can occur, which are the same in all states."""
        return self.symbols

    def after(self, state: State, row: Row, spikes: Row) -> State | Wrong:
        """Return the state after a tick; `WRONG` where the invariant does not hold."""
        return self.advance(state, row, spikes)

    def expected(self, state: State, row: Row, output_names: Names | None = None) -> str:
        """Return the claim in words."""
        return self.text


@call_checked
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
        text=text or "the condition holds at no tick", start=None, advance_on=lambda _: advance, symbols=symbols
    )


@call_checked
def within(
    ticks: int,
    *,
    after: int | str,
    answers: Sequence[int | str] | None = None,
    symbols: Iterable[Sequence[bool]] | None = None,
) -> Invariant:
    """Return the claim that an output spike follows each spike of an input line within some ticks.

    Parameters
    ----------
    ticks : int
        An input spike at tick t must be followed by an output spike at one of the ticks t + 1 to t + ``ticks``.
    after : int or str
        The input line: its number, or its name in the program.
    answers : sequence of int or str, optional
        The outputs of which one must spike, by number or name; all of them by default.
    symbols : iterable of rows, optional
        The rows that can occur; every subset of the lines by default.

    Raises
    ------
    SpecError
        If ``ticks`` is not from 1 to 4096; from `snnprog.prove`, if the program has no such line or output.

    Examples
    --------
    >>> proof = sp.prove(program, sp.within(3, after="coin", answers=["open"]))
    """
    limit, line = as_integer("ticks", ticks), _number_or_name("after", after)
    if not 1 <= limit <= MOST_TICKS:
        raise SpecError(f"ticks must be from 1 to {MOST_TICKS}, got {limit}")
    if isinstance(answers, str):
        raise SpecError(f"answers must be a list of outputs, got {answers!r:.80}{put_in_list(answers)}")
    chosen = None if answers is None else [_number_or_name("answers", each) for each in answers]

    def advance_on(program: HasLines) -> Advance:
        asking = program.find_input(line)
        answering = range(program.n_outputs) if chosen is None else [program.find_output(each) for each in chosen]

        def advance(state: State, row: Row, spikes: Row) -> State | Wrong:
            assert isinstance(state, int)
            left = ANSWERED if any(spikes[output] for output in answering) else state
            if left == 1:
                return WRONG
            if left:
                return left - 1
            return limit if row[asking] else ANSWERED

        return advance

    text = f"a spike of input {line} is answered within {counted(limit, 'tick')}"
    return Invariant(text=text, start=ANSWERED, advance_on=advance_on, symbols=symbols)


@call_checked
def at_most(
    spikes: int, *, ticks: int, output: int | str, symbols: Iterable[Sequence[bool]] | None = None
) -> Invariant:
    """Return the claim that an output spikes at most ``spikes`` times in any ``ticks`` consecutive ticks.

    Parameters
    ----------
    spikes : int
        The most spikes, 0 or more.
    ticks : int
        The number of consecutive ticks.
    output : int or str
        The output: its number, or its name in the program.
    symbols : iterable of rows, optional
        The rows that can occur; every subset of the lines by default.

    Raises
    ------
    SpecError
        If ``spikes`` is negative, or ``ticks`` is not from 1 to 4096; from `snnprog.prove`, if the program has no such
        output.
    """
    most, length, chosen = as_integer("spikes", spikes), as_integer("ticks", ticks), _number_or_name("output", output)
    if most < 0 or not 1 <= length <= MOST_TICKS:
        raise SpecError(f"spikes must be at least 0 and ticks from 1 to {MOST_TICKS}, got {most} and {length}")

    def advance_on(program: HasLines) -> Advance:
        watched = program.find_output(chosen)

        def advance(state: State, row: Row, fired: Row) -> State | Wrong:
            assert isinstance(state, tuple)
            ages = tuple(age + 1 for age in state if age + 1 < length) + ((0,) if fired[watched] else ())
            return WRONG if len(ages) > most else ages

        return advance

    text = f"output {chosen} spikes at most {counted(most, 'time')} in {counted(length, 'tick')}"
    return Invariant(text=text, start=(), advance_on=advance_on, symbols=symbols)


def _number_or_name(what: str, given: int | str) -> int | str:
    return given if isinstance(given, str) else as_integer(what, given)
