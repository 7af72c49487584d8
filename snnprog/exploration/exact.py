"""Exact exploration: all joint states of a program and a monitor, breadth first.

States come in the order of the shortest streams that lead to them, so the first wrong tick that is found ends a
shortest counterexample. If no new state is found, the program is correct on every stream of any length.

Many states are the same a tick later but for the input spikes of that tick: those that differ only in spikes that no
synapse reads any longer. All rows are tried after one of them. For the winner of six lines, that is one of 64 states.
"""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Int64s, Raster, UInt64s
from snnprog.exploration.advance import StateWords, Watched, follow
from snnprog.exploration.states import StateSet
from snnprog.exploration.ticking import ProgramTicks
from snnprog.exploration.watching import Answers, Watching

CHUNK = 1 << 13
"""States that are advanced together: some megabytes of arrays. Insensitive within × 4."""


class Exploration:
    """The states that were reached, and the rows that led to them.

    Parameters
    ----------
    ticks : ProgramTicks
    watching : Watching
    watched : Watched, optional
        The neurons whose spikes the monitor gets; the outputs of the program by default.

    Attributes
    ----------
    depth : int
        All streams of this many ticks were tried.
    counterexample : (ticks, inputs) bool or None
        The shortest stream after which the outputs are wrong.
    is_closed : bool
        Whether no more states can be reached.
    """

    def __init__(self, ticks: ProgramTicks, watching: Watching, *, watched: Watched | None = None) -> None:
        self.ticks, self.watching = ticks, watching
        self.depth, self.is_closed = 0, False
        self.counterexample: Raster | None = None
        self._words = StateWords(ticks, watched or Watched(ticks.program.outputs.astype(np.int64)))
        self._set = StateSet(self._words.width)
        self._origins = np.full((1, 2), -1, np.int32)  # of each state, the state and the row that led to it
        self._set.add(self._words.rest(watching.start))
        self._followed = StateSet(self._words.width)  # states a tick later, without input spikes, that had all rows
        self._masks = self._words.masks(watching.row_table)
        self._next = 0  # the first state that was not advanced
        self._level_end = 1

    def __len__(self) -> int:
        return len(self._set)

    @property
    def is_open(self) -> bool:
        """Whether neither a proof nor a counterexample was found yet."""
        return not self.is_closed and self.counterexample is None

    @property
    def n_bytes(self) -> int:
        """The bytes of all states, with the tables that find them and the rows that led to them."""
        return self._set.n_bytes + self._followed.n_bytes + len(self) * self._origins.itemsize * 2

    def explore(self, most: int) -> None:
        """Go on until all states are known, the outputs are wrong, or more than ``most`` states were reached."""
        while self.is_open and len(self) <= most:
            end = min(self._next + CHUNK, self._level_end)
            self._advance(self._next, end)
            self._next = end
            if end < self._level_end or self.counterexample is not None:
                continue
            self.depth += 1
            self.is_closed = self._level_end == len(self)
            self._level_end = len(self)

    def _advance(self, first: int, last: int) -> None:
        after, keys = self._words.advanced(self._set.rows, first, last)
        pairs, answers = self.watching.paired(keys)
        after[:, 0] = pairs
        _, fresh = self._followed.add(after)
        if fresh.size:
            self._follow(after[fresh], first + fresh, answers)

    def _follow(self, after: UInt64s, numbers: Int64s, answers: Answers) -> None:
        """Enter what follows some states with every row."""
        if len(self._masks) < len(self.watching.row_table):
            self._masks = self._words.masks(self.watching.row_table)
        begun, room, masks = 0, self.watching.most_rows, self._masks
        while begun < len(after):
            rows = self._set.room_for(room)
            self._grow(len(rows))
            begun, count, wrong = follow(
                begun, after, numbers, answers, masks, rows, len(self), self._set.places, self._origins
            )
            self._set.filled(count)
            if wrong >= 0:
                self.counterexample = self._stream(int(numbers[begun]), wrong)
                return

    def _grow(self, capacity: int) -> None:
        if capacity > len(self._origins):
            larger = np.empty((capacity, 2), np.int32)
            larger[: len(self._origins)] = self._origins
            self._origins = larger

    def _stream(self, number: int, row: int) -> Raster:
        """Return the input stream that leads to a state, and then on by a row."""
        taken = [row]
        while number:
            number, row = self._origins[number].tolist()
            taken.append(row)
        return self.watching.row_table[taken[::-1]].astype(np.bool_)
