"""Regular expressions over the rows of a stream, as automata.

An expression is translated to its positions and the successors of each (Glushkov 1961). A state of the automaton is the
set of positions that the stream may be at. These automata have no empty transitions, which would have to be removed.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_lowercase

from snnprog.automata.automaton import Answer, Automaton, Row, State
from snnprog.automata.steps import AllRows
from snnprog.calls import call_checked
from snnprog.errors import SpecError
from snnprog.wording import counted

ANY, SILENCE = ".", "_"
REPEATS = "*+?"
CLOSING = {"(": ")", "{": "}"}
LONGEST = 1000
"""Characters of an expression. A choice: a longer one is better written as a step function."""


@dataclass(frozen=True)
class _Part:
    """A part of an expression: whether it matches the empty stream, and its positions and their successors."""

    is_empty: bool
    first: frozenset[int]
    last: frozenset[int]
    follow: frozenset[tuple[int, int]]


NOTHING = _Part(True, frozenset(), frozenset(), frozenset())


@dataclass(frozen=True)
class ExpressionStep:
    """The step of an automaton that fires when the stream so far ends with a match.

    Attributes
    ----------
    symbols : tuple of (row or None)
        What each position matches; None is any row.
    first, last : frozenset of int
        Positions at which a match begins and ends.
    follow : frozenset of (int, int)
    """

    symbols: tuple[Row | None, ...]
    first: frozenset[int]
    last: frozenset[int]
    follow: frozenset[tuple[int, int]]

    def __call__(self, state: State, row: Row) -> tuple[State, Answer]:
        """Return the positions after a row, and whether a match ends there."""
        assert isinstance(state, frozenset)
        open_ones = self.first | {after for before, after in self.follow if before in state}
        reached = frozenset(place for place in open_ones if self.symbols[place] in (None, row))
        return reached, (bool(reached & self.last),)


@call_checked
def from_expression(expression: str, *, n_inputs: int) -> Automaton:
    """Return the automaton with one output, which fires where the stream so far ends with a match.

    Parameters
    ----------
    expression : str
        ``a`` stands for a tick in which input line 0 spikes and no other, ``b`` for line 1, and so on; ``{ab}`` for a
        tick in which exactly these lines spike, ``_`` for silence, ``.`` for any tick. ``xy`` is x, then y; ``x|y`` is
        either; ``x*``, ``x+`` and ``x?`` repeat x any number of times, at least once, at most once; parentheses group.
        Spaces do not count.
    n_inputs : int
        At most 26.

    Raises
    ------
    SpecError
        If the expression is malformed, or matches the empty stream.
    """
    if not isinstance(expression, str) or len(expression) > LONGEST:
        raise SpecError(f"expression must be a text of at most {LONGEST} characters, got {expression!r:.80}")
    if not 1 <= n_inputs <= len(ascii_lowercase):
        raise SpecError(f"an expression has letters for 1 to {len(ascii_lowercase)} input lines, got {n_inputs}")
    parser = _Parser(expression, n_inputs)
    part = parser.whole()
    if part.is_empty:
        raise SpecError(f"expression {expression!r} matches the empty stream, so that it would fire at every tick")
    step = ExpressionStep(tuple(parser.symbols), part.first, part.last, part.follow)
    return Automaton(n_inputs=n_inputs, n_outputs=1, start=frozenset(), step=step, symbols=AllRows(n_inputs))


class _Parser:
    """Recursive descent: alternatives of sequences of repeated atoms."""

    def __init__(self, text: str, n_inputs: int) -> None:
        self.text, self.n_inputs = "".join(text.split()), n_inputs
        self.letters = ascii_lowercase[:n_inputs]
        self.symbols: list[Row | None] = []
        self.at = 0

    @property
    def _letters(self) -> str:
        lines = counted(len(self.letters), "input line")
        return f"a letter of {self.letters[0]} to {self.letters[-1]} for the {lines} of the program"

    @property
    def next(self) -> str:
        return self.text[self.at : self.at + 1]

    def whole(self) -> _Part:
        part = self._alternatives()
        if self.next:
            raise self._error("an expression cannot go on with")
        return part

    def _alternatives(self) -> _Part:
        part = self._sequence()
        while self.next == "|":
            self.at += 1
            other = self._sequence()
            part = _Part(
                part.is_empty or other.is_empty,
                part.first | other.first,
                part.last | other.last,
                part.follow | other.follow,
            )
        return part

    def _sequence(self) -> _Part:
        part = NOTHING
        while self.next and self.next not in "|)":
            other = self._repeated()
            joints = {(before, after) for before in part.last for after in other.first}
            part = _Part(
                part.is_empty and other.is_empty,
                part.first | other.first if part.is_empty else part.first,
                part.last | other.last if other.is_empty else other.last,
                part.follow | other.follow | joints,
            )
        return part

    def _repeated(self) -> _Part:
        part = self._atom()
        while self.next and self.next in REPEATS:
            sign = self.next
            self.at += 1
            again = {(before, after) for before in part.last for after in part.first} if sign in "*+" else set()
            part = _Part(part.is_empty or sign in "*?", part.first, part.last, part.follow | again)
        return part

    def _atom(self) -> _Part:
        sign = self.next
        if sign == "(":
            self.at += 1
            part = self._alternatives()
            if self.next != ")":
                raise self._error("a ')' is missing before")
            self.at += 1
            return part
        if sign == "{":
            end = self.text.find("}", self.at)
            lines = self.text[self.at + 1 : end] if end > 0 else ""
            if not lines or set(lines) - set(self.letters):
                raise self._error(f"{self._letters} in braces must stand at")
            self.at = end + 1
            return self._position(tuple(letter in lines for letter in self.letters))
        if sign and sign in (ANY, SILENCE, *self.letters):
            self.at += 1
            return self._position(None if sign == ANY else tuple(letter == sign for letter in self.letters))
        raise self._error(f"{self._letters}, '.', '_', '(' or '{{' must stand at")

    def _position(self, symbol: Row | None) -> _Part:
        place = frozenset({len(self.symbols)})
        self.symbols.append(symbol)
        return _Part(False, place, place, frozenset())

    def _error(self, what: str) -> SpecError:
        rest = repr(self.text[self.at :][:20]) if self.next else "the end"
        return SpecError(f"expression {self.text!r:.80}: {what} {rest}")
