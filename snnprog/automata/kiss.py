"""State tables in the KISS2 format of finite-state-machine benchmarks and logic synthesis tools.

Headers are ``.i`` (input lines), ``.o`` (outputs), ``.r`` (the start state; else that of the first row), ``.s`` and
``.p`` (numbers of states and rows). A row has the inputs, the state, the next state and the outputs; ``-`` among the
inputs stands for both values, among the outputs for either answer. ``#`` begins a comment.
(Berkeley Logic Interchange Format, University of California, Berkeley, 1992, section on finite-state machines.)
"""

from __future__ import annotations

import itertools

from snnprog.automata.automaton import Answer, Automaton, Row, from_table
from snnprog.calls import call_checked
from snnprog.errors import FormatError, SpecError

BITS = {"0": (False,), "1": (True,), "-": (False, True)}
ANSWERS: dict[str, bool | None] = {"0": False, "1": True, "-": None}
ENDS = (".e", ".end", ".end_kiss")
WIDEST = 12
"""Input lines: 4096 rows for each state. A choice."""


@call_checked
def from_kiss2(text: str, *, name: str = "the table") -> Automaton:
    """Return the automaton of a KISS2 table; its outputs answer in the tick of their row.

    Rows that a state does not list cannot occur in it. `Automaton.delayed` makes the outputs come later.

    Parameters
    ----------
    text : str
        The table, with its headers.
    name : str
        The name of the table in errors, such as that of its file.

    Raises
    ------
    FormatError
        If the text is not a KISS2 table, or a state has two different answers to one row.
    """
    reader = _TableReader(name)
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if words and words[0] in ENDS:
            break
        if words:
            reader.read(words, number)
    return reader.automaton()


class _TableReader:
    def __init__(self, name: str) -> None:
        self.name = name
        self.sizes: dict[str, int] = {}
        self.start: str | None = None
        self.table: dict[str, dict[Row, tuple[str, Answer]]] = {}

    def read(self, words: list[str], number: int) -> None:
        if words[0] == ".r" and len(words) == 2:
            self.start = words[1]
        elif words[0] in (".i", ".o", ".s", ".p") and len(words) == 2 and words[1].isdigit():
            self.sizes[words[0]] = int(words[1])
        elif len(words) == 4 and not words[0].startswith("."):
            self._row(words, number)
        else:
            raise FormatError(
                f"{self.name}, line {number}: expected a header such as '.i 2', or inputs, state, next state and"
                f" outputs, got {' '.join(words)!r:.80}"
            )

    def _row(self, words: list[str], number: int) -> None:
        inputs, state, after, outputs = words
        for header, bits in ((".i", inputs), (".o", outputs)):
            if set(bits) - set(BITS):
                raise FormatError(f"{self.name}, line {number}: {bits!r:.80} must consist of 0, 1 and -")
            if len(bits) != self.sizes.setdefault(header, len(bits)):
                raise FormatError(
                    f"{self.name}, line {number}: {bits!r:.80} has {len(bits)} values, but {header} is"
                    f" {self.sizes[header]}"
                )
        if len(inputs) > WIDEST:
            raise FormatError(f"{self.name} has {len(inputs)} input lines; at most {WIDEST} are supported")
        rows = self.table.setdefault(state, {})
        entry = (after, tuple(ANSWERS[bit] for bit in outputs))
        for row in itertools.product(*(BITS[bit] for bit in inputs)):
            if rows.setdefault(row, entry) != entry:
                raise FormatError(f"{self.name}, line {number}: state {state!r} has two answers to inputs {inputs}")

    def automaton(self) -> Automaton:
        if not self.table:
            raise FormatError(f"{self.name} has no rows of inputs, state, next state and outputs")
        try:
            return from_table(self.table, start=self.start)
        except SpecError as error:
            raise FormatError(f"{self.name}: {error}") from error
