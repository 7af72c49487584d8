"""Finite automata: the required outputs of a program on every input stream.

At each tick an automaton reads a *row* (for each input line, whether it spikes) and returns which outputs must spike
at that tick. A program meets an automaton if it gives these spikes at every tick of every stream of allowed rows.
`snnprog.prove` decides that.

A synapse takes at least one tick, so the outputs of a tick can only depend on rows of earlier ticks. An automaton whose
answer depends on the row of the same tick cannot be met.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import NoneType
from typing import Any, Final, Protocol

from snnprog.calls import call_checked
from snnprog.checks import as_integer, check_callable
from snnprog.display.card import Displayed
from snnprog.errors import SpecError
from snnprog.names import Names, labelled
from snnprog.wording import a_type, counted, range_in_words

State = Hashable
Row = tuple[bool, ...]
Answer = tuple[bool | None, ...]
Step = Callable[[State, Row], tuple[State, Sequence[bool | None]]]

ROW_LIMIT = 1 << 12
"""The most rows of the default: all subsets of twelve lines. A choice: each state is tried with
every row."""

MOST_TICKS = 1 << 12
"""The most ticks that a claim counts. A choice: its automaton has a state for each, with the outputs that are due."""

OUTPUT_TYPES = frozenset({bool, NoneType})


class Wrong:
    """Instead of a state: the outputs of a tick are wrong."""


WRONG: Final = Wrong()


class HasLines(Protocol):
    """What a claim can ask about the lines of a `snnprog.Program`."""

    @property
    def n_inputs(self) -> int:
        """Number of input lines."""

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""

    def find_input(self, line: int | str) -> int:
        """Return the number of an input line from its number or name; raise `SpecError` if there is none."""

    def find_output(self, output: int | str) -> int:
        """Return the number of an output from its number or name; raise `SpecError` if there is none."""


class Monitor(Protocol):
    """Watches a program tick by tick, and reports wrong outputs."""

    @property
    def start(self) -> State:
        """The state before the first tick."""

    def rows(self, state: State) -> tuple[Row, ...]:
        """Return the rows that can occur in a state."""

    def after(self, state: State, row: Row, spikes: Row) -> State | Wrong:
        """Return the state after a tick with these input and output spikes; `WRONG` if the outputs are wrong."""

    def expected(self, state: State, row: Row, output_names: Names | None = None) -> str:
        """Return the required outputs of a tick, in words."""


class StreamClaim(Protocol):
    """A claim that `snnprog.prove` can prove: an `Automaton`, or an invariant such as `snnprog.never`."""

    def monitor(self, program: HasLines) -> Monitor:
        """Return the monitor for a program; raise `SpecError` if the claim is about other lines."""


def check_claim(claim: object) -> None:
    """Raise `SpecError` unless a value is a claim."""
    if not hasattr(claim, "monitor"):
        held = "; spec.automaton is that of a spec by name" if hasattr(claim, "automaton") else ""
        raise SpecError(f"claim must be an Automaton or an invariant such as sp.never(…), got {a_type(claim)}{held}")


@call_checked
def all_rows(n_inputs: int, *, at_once: int | None = None) -> tuple[Row, ...]:
    """Return every row of some input lines: the rows with the fewest spikes first.

    Parameters
    ----------
    n_inputs : int
    at_once : int, optional
        The most lines that spike in one tick; all of them by default.

    Raises
    ------
    SpecError
        If there are more than `ROW_LIMIT` rows.
    """
    most = n_inputs if at_once is None else min(as_integer("at_once", at_once), n_inputs)
    found: list[Row] = []
    for size in range(most + 1):
        for lines in combinations(range(n_inputs), size):
            if len(found) == ROW_LIMIT:
                raise SpecError(
                    f"{n_inputs} input lines have more than {ROW_LIMIT:,} rows of at most {most} spikes; in Python,"
                    " give the rows that can occur as symbols"
                )
            found.append(tuple(line in lines for line in range(n_inputs)))
    return tuple(found)


@dataclass(frozen=True)
class TableStep:
    """A step that looks the next state and the outputs up; it can be pickled.

    Attributes
    ----------
    table : mapping of state to (mapping of row to (state, outputs))
    """

    table: Mapping[State, Mapping[Row, tuple[State, Answer]]]

    def __call__(self, state: State, row: Row) -> tuple[State, Answer]:
        """Return the next state and the outputs."""
        return self.table[state][row]

    def rows(self, state: State) -> tuple[Row, ...]:
        """Return the rows that can occur in a state."""
        return tuple(self.table[state])


@call_checked
@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Automaton(Displayed):
    """A deterministic automaton with outputs (a Mealy machine).

    Parameters
    ----------
    n_inputs, n_outputs : int
        The numbers of input lines and outputs.
    start : hashable
        The state before the first tick.
    step : callable
        ``step(state, row)`` returns the next state and the outputs of this tick: for each output True for a spike,
        False for silence, None for either. It must be a function of its arguments alone.
    symbols : sequence of rows, or callable, optional
        The rows that can occur; a callable gets the state. By default every subset of the lines. Rows are sequences of
        booleans, one for each line.

    Raises
    ------
    SpecError
        If an argument is malformed.

    Examples
    --------
    An output that repeats input line 0 two ticks later:

    >>> def step(state, row):
    ...     return (row[0], state[0]), [state[1]]
    >>> delay = sp.Automaton(n_inputs=1, n_outputs=1, start=(False, False), step=step)
    """

    n_inputs: int
    n_outputs: int
    start: State
    step: Step
    symbols: Iterable[Sequence[bool]] | Callable[[State], Iterable[Sequence[bool]]] | None = None

    def __post_init__(self) -> None:
        for name in ("n_inputs", "n_outputs"):
            number = as_integer(name, getattr(self, name))
            if number < 1:
                raise SpecError(f"{name} must be at least 1, got {number}")
            object.__setattr__(self, name, number)
        check_callable("step", self.step)
        _check_state(self.start)
        if self.symbols is None:
            object.__setattr__(self, "symbols", all_rows(self.n_inputs))
        elif not callable(self.symbols):
            object.__setattr__(self, "symbols", self._as_rows(self.symbols))

    def _summary(self) -> str:
        rows = (
            "its own rows in each state" if callable(self.symbols) else counted(len(tuple(self.symbols or ())), "row")
        )
        return f"{counted(self.n_inputs, 'input line')}, {counted(self.n_outputs, 'output')}, {rows}"

    def delayed(self, ticks: int) -> Automaton:
        """Return the automaton whose outputs come ``ticks`` later, and are silent until then.

        Raises
        ------
        SpecError
            If ``ticks`` is not from 0 to 4096.
        """
        late = as_integer("ticks", ticks)
        if not 0 <= late <= MOST_TICKS:
            raise SpecError(f"the delay of an automaton's outputs must be from 0 to {MOST_TICKS} ticks, got {late}")
        first = self.answer(self.start, self.rows(self.start)[0])[1]
        silence: Answer = tuple(None if answer is None else False for answer in first)
        return Automaton(
            n_inputs=self.n_inputs,
            n_outputs=self.n_outputs,
            start=(self.start, (silence,) * late),
            step=DelayedStep(self),
            symbols=DelayedRows(self),
        )

    def placed(self, first: int, *, n_outputs: int) -> Automaton:
        """Return the automaton for a program with more outputs, which may do anything.

        Parameters
        ----------
        first : int
            The output of the program that is the automaton's first.
        n_outputs : int
            The number of outputs of the program.

        Raises
        ------
        SpecError
            If the program has no such outputs.
        """
        place, count = as_integer("first", first), as_integer("n_outputs", n_outputs)
        if not 0 <= place <= count - self.n_outputs:
            places = range_in_words((0, count - self.n_outputs))
            raise SpecError(f"the output must be {places} for a program with {counted(count, 'output')}, got {place}")
        step = PlacedStep(self, before=place, after=count - self.n_outputs - place)
        return Automaton(n_inputs=self.n_inputs, n_outputs=count, start=self.start, step=step, symbols=self.rows)

    def monitor(self, program: HasLines) -> Automaton:
        """Return the automaton itself, which watches programs of its own size."""
        self.check_size("the program", program.n_inputs, program.n_outputs)
        return self

    def check_size(self, what: str, n_inputs: int, n_outputs: int) -> None:
        """Raise `SpecError` unless a program has the automaton's numbers of inputs and outputs."""
        if (n_inputs, n_outputs) != (self.n_inputs, self.n_outputs):
            raise SpecError(
                f"{what} has {counted(n_inputs, 'input line')} and {counted(n_outputs, 'output')},"
                f" but the automaton has {self.n_inputs} and {self.n_outputs}"
            )

    def rows(self, state: State) -> tuple[Row, ...]:
        """Return the rows that may come in a state."""
        return self._as_rows(self.symbols(state)) if callable(self.symbols) else self.symbols  # type: ignore[return-value]

    def answer(self, state: State, row: Row) -> tuple[State, Answer]:
        """Return the state after a tick, and its required outputs.

        Raises
        ------
        SpecError
            If ``step`` returned something else.
        """
        found = self.step(state, row)
        try:
            after, outputs = found
            answer = tuple(outputs)
            if not set(map(type, answer)) <= OUTPUT_TYPES:
                answer = tuple(None if each is None else bool(each) for each in answer)
        except (TypeError, ValueError) as error:
            raise SpecError(f"step must return a state and a sequence of outputs, got {found!r}") from error
        if len(answer) != self.n_outputs:
            raise SpecError(f"step must return {self.n_outputs} outputs, got {len(answer)} in state {state!r}")
        _check_state(after)
        return after, answer

    def after(self, state: State, row: Row, spikes: Row) -> State | Wrong:
        """Return the state after a tick with these input and output spikes; `WRONG` if the outputs are wrong."""
        after, answer = self.answer(state, row)
        if answer == spikes:  # the usual case, and many times as quick
            return after
        is_right = all(must is None or must == does for must, does in zip(answer, spikes, strict=True))
        return after if is_right else WRONG

    def expected(self, state: State, row: Row, output_names: Names | None = None) -> str:
        """Return the required outputs of a tick, in words."""
        _, answer = self.answer(state, row)
        words = {True: "spike", False: "silence", None: "either"}
        required = [(labelled("output", output, output_names), words[must]) for output, must in enumerate(answer)]
        return ", ".join(f"{name}: {word}" for name, word in required)

    def _as_rows(self, rows: Iterable[Sequence[bool]]) -> tuple[Row, ...]:
        found = tuple(tuple(map(bool, row)) for row in rows)
        for row in found:
            if len(row) != self.n_inputs:
                raise SpecError(f"a row must have {self.n_inputs} values, one for each input line, got {len(row)}")
        if not found:
            raise SpecError("symbols must name at least one row for each state, got none")
        return found


@call_checked
def from_table(
    transitions: Mapping[Any, Mapping[Any, tuple[State, Sequence[bool | None]]]],
    *,
    start: State | None = None,
) -> Automaton:
    """Return the automaton of a table.

    Parameters
    ----------
    transitions : mapping of state to (mapping of row to (state, outputs))
        For each state the rows that can occur in it, and where each one leads.
    start : hashable, optional
        The state before the first tick; by default the first state of the table.

    Raises
    ------
    SpecError
        If the table is empty, leads to a state that it does not have, or its rows differ in length.
    """
    table = {
        state: {tuple(map(bool, row)): (after, tuple(outputs)) for row, (after, outputs) in rows.items()}
        for state, rows in transitions.items()
    }
    first = next(iter(table), None) if start is None else start
    if first not in table:
        raise SpecError(f"start must be a state of the table, got {first!r}; its states are {list(table)}")
    entries = [(row, after, outputs) for rows in table.values() for row, (after, outputs) in rows.items()]
    for _, after, _ in entries:
        if after not in table:
            raise SpecError(f"the table leads to state {after!r}, which it does not have")
    widths = {(len(row), len(outputs)) for row, _, outputs in entries}
    if len(widths) != 1:
        raise SpecError(
            f"all rows and all outputs of a table must have the same lengths, got {sorted(widths) or 'no rows'}"
        )
    ((n_inputs, n_outputs),) = widths
    step = TableStep(table)
    return Automaton(n_inputs=n_inputs, n_outputs=n_outputs, start=first, step=step, symbols=step.rows)


@dataclass(frozen=True)
class PlacedStep:
    """The step of an automaton for some of a program's outputs; see `Automaton.placed`.

    Attributes
    ----------
    automaton : Automaton
    before, after : int
        The numbers of other outputs before and after its own.
    """

    automaton: Automaton
    before: int
    after: int

    def __call__(self, state: State, row: Row) -> tuple[State, Answer]:
        """Return the next state and the outputs."""
        following, answer = self.automaton.answer(state, row)
        return following, (None,) * self.before + answer + (None,) * self.after


@dataclass(frozen=True)
class DelayedStep:
    """The step of an automaton with delayed outputs; see `Automaton.delayed`."""

    automaton: Automaton

    def __call__(self, state: State, row: Row) -> tuple[State, Answer]:
        """Return the next state, with the pending outputs, and the outputs of this tick."""
        assert isinstance(state, tuple)
        before, waiting = state
        after, answer = self.automaton.answer(before, row)
        answers: tuple[Answer, ...] = (*waiting, answer)
        return (after, answers[1:]), answers[0]


@dataclass(frozen=True)
class DelayedRows:
    """The rows that can occur in an automaton with delayed outputs."""

    automaton: Automaton

    def __call__(self, state: State) -> tuple[Row, ...]:
        """Return the rows that can occur in a state."""
        assert isinstance(state, tuple)
        return self.automaton.rows(state[0])


def _check_state(state: object) -> None:
    try:
        hash(state)
    except TypeError as error:
        raise SpecError(f"states of an automaton must be hashable, got {state!r}") from error
