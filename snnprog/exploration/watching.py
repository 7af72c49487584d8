"""A monitor for many states at once: its states, rows and transitions get numbers as they come up."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from snnprog.arrays import Bytes, Int64s, Raster, UInt64s
from snnprog.automata.automaton import Monitor, Row, State, Wrong
from snnprog.exploration.states import FIRST_CAPACITY, StateSet, as_words

WRONG_NUMBER = -1


class Answers(NamedTuple):
    """What a monitor says to each pair of one of its states and the outputs of a tick.

    Attributes
    ----------
    first : (pairs + 1,) int64
        The first answer to each pair.
    row, after : (answers,) int64
        A row that can occur, and the number of the monitor's state after it; `WRONG_NUMBER` where the outputs are
        wrong.
    """

    first: Int64s
    row: Int64s
    after: Int64s


class Watching:
    """A monitor whose states and rows have numbers.

    Parameters
    ----------
    monitor : Monitor
    n_inputs, n_outputs : int

    Attributes
    ----------
    states : list of State
        By their numbers.
    most_rows : int
        The most rows that can occur in a state.
    """

    def __init__(self, monitor: Monitor, *, n_inputs: int, n_outputs: int) -> None:
        self.monitor, self.n_inputs, self.n_outputs = monitor, n_inputs, n_outputs
        self.states: list[State] = []
        self._numbers: dict[State, int] = {}
        self._rows: dict[Row, int] = {}
        self._symbols: dict[tuple[Row, ...], list[int]] = {}  # the rows of a state are mostly those of another one, too
        self._row_table: Bytes = np.zeros((0, n_inputs), np.uint8)
        self._rows_of: list[list[int]] = []
        self.most_rows = 0
        self._pairs = StateSet(1 + as_words(np.zeros((1, -(-n_outputs // 8)), np.uint8)).shape[1])
        self._first, self._row, self._after = _Growing(), _Growing(), _Growing()
        self._first.add([0])
        self.start = self._number_of(monitor.start)

    @property
    def row_table(self) -> Bytes:
        """All rows that came up, by their numbers, ``(n, inputs)`` uint8."""
        if len(self._row_table) < len(self._rows):
            self._row_table = np.array(list(self._rows), np.uint8).reshape(len(self._rows), self.n_inputs)
        return self._row_table

    def keys(self, states: Int64s, spikes: Raster) -> UInt64s:
        """Return pairs of the number of a state and the outputs of a tick, ``(n, outputs)`` bool, as words."""
        outputs = as_words(np.packbits(spikes, axis=1, bitorder="little"))
        return np.concatenate([states.astype(np.uint64)[:, None], outputs], axis=1)

    def paired(self, keys: UInt64s) -> tuple[Int64s, Answers]:
        """Return the number of each pair of a state and outputs, and the answers to all pairs that came up.

        The answers are views until the next call.
        """
        numbers, fresh = self._pairs.add(keys)
        if fresh.size:
            outputs = np.ascontiguousarray(keys[fresh, 1:]).view(np.uint8)
            spikes = np.unpackbits(outputs, axis=1, count=self.n_outputs, bitorder="little").astype(np.bool_)
            self._answer(keys[fresh, 0].tolist(), spikes.tolist())
        return numbers, Answers(self._first.values, self._row.values, self._after.values)

    def _answer(self, states: list[int], outputs: list[list[bool]]) -> None:
        rows, end = list(self._rows), len(self._row)
        for state, fired in zip(states, outputs, strict=True):
            possible, spikes = self._rows_of[state], tuple(fired)
            found = []
            for row in possible:
                after = self.monitor.after(self.states[state], rows[row], spikes)
                found.append(WRONG_NUMBER if isinstance(after, Wrong) else self._number_of(after))
            end += len(possible)
            self._first.add([end])
            self._row.add(possible)
            self._after.add(found)

    def _number_of(self, state: State) -> int:
        number = self._numbers.get(state)
        if number is None:
            number = self._numbers[state] = len(self.states)
            self.states.append(state)
            self._rows_of.append(self._row_numbers(self.monitor.rows(state)))
            self.most_rows = max(self.most_rows, len(self._rows_of[-1]))
        return number

    def _row_numbers(self, rows: tuple[Row, ...]) -> list[int]:
        if rows not in self._symbols:
            self._symbols[rows] = [self._rows.setdefault(row, len(self._rows)) for row in rows]
        return self._symbols[rows]


class _Growing:
    """A list of integers that is an array: a program that counts far has a state a tick, and answers to each."""

    def __init__(self) -> None:
        self._room: Int64s = np.empty(FIRST_CAPACITY, np.int64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def values(self) -> Int64s:
        """All of them; a view."""
        return self._room[: self._count]

    def add(self, values: list[int]) -> None:
        """Add some at the end."""
        end = self._count + len(values)
        if end > self._room.size:
            self._room = np.concatenate([self.values, np.empty(end, np.int64)])
        self._room[self._count : end] = values
        self._count = end
