"""The result of a proof about every input stream."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from snnprog.arrays import Raster
from snnprog.calls import call_checked
from snnprog.display.card import BAD, GOOD, OPEN, Card, Displayed
from snnprog.names import Names, name_of, numbered
from snnprog.wording import counted

PROVED, REFUTED, UNDECIDED = "proved", "refuted", "undecided"
KINDS = {PROVED: GOOD, REFUTED: BAD, UNDECIDED: OPEN}


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class StreamProof(Displayed):
    """Whether a program meets an automaton or an invariant on every input stream; see `snnprog.prove`.

    Attributes
    ----------
    verdict : str
        "proved", "refuted" or "undecided".
    method : str
        How the verdict was found, in words.
    states : int
        The states that were explored: pairs of a state of the program and a state of the automaton.
    depth : int
        All streams of this many ticks were tried.
    counterexample : (ticks, inputs) bool or None
        Where refuted, the shortest input stream from rest after which the outputs are wrong, at its last tick.
    expected, found : str
        The required outputs of that tick, and the outputs of the program.
    input_names : tuple of str or None
        The names of the program's input lines, if it has any.
    """

    verdict: str
    method: str
    states: int
    depth: int
    counterexample: Raster | None = field(default=None)
    expected: str = ""
    found: str = ""
    input_names: Names | None = None

    @property
    def holds(self) -> bool:
        """Whether it is proved for every input stream."""
        return self.verdict == PROVED

    def __str__(self) -> str:
        if self.verdict == PROVED:
            return f"proved for every input stream: {self.method}"
        if self.counterexample is None:
            return f"undecided: true for all streams of up to {counted(self.depth, 'tick')}; {self.method}"
        ticks = len(self.counterexample)
        return (
            f"refuted at tick {ticks - 1} of the input stream {self.stream}: expected {self.expected};"
            f" found {self.found}"
        )

    @property
    def stream(self) -> str:
        """The counterexample in words: which input lines spike at which tick."""
        if self.counterexample is None:
            return ""
        spikes = [
            f"tick {tick}: {'line' if len(lines) == 1 else 'lines'} {', '.join(map(self._name, lines))}"
            for tick, lines in ((tick, np.flatnonzero(row).tolist()) for tick, row in enumerate(self.counterexample))
            if lines
        ]
        return f"({'; '.join(spikes) or 'silence'})"

    def _name(self, line: int) -> str:
        return str(numbered(line, name_of(line, self.input_names)))

    def _summary(self) -> str:
        return str(self)

    def _card(self) -> Card:
        return Card(KINDS[self.verdict], facts=(("states", self.states), ("ticks tried", self.depth)))
