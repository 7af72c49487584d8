"""A monitor for many states at once: its states, rows and transitions get numbers as they come up."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from snnprog.arrays import Bytes, Int64s, Raster
from snnprog.automata.automaton import Monitor, Row, State, Wrong
from snnprog.exploration.states import StateSet

WRONG_NUMBER = -1


class Watching:
    """A monitor whose states and rows have numbers.

    Parameters
    ----------
    monitor : Monitor
    n_inputs, n_outputs : int
    """

    def __init__(self, monitor: Monitor, *, n_inputs: int, n_outputs: int) -> None:
        self.monitor, self.n_inputs = monitor, n_inputs
        self.states: list[State] = []
        self._numbers: dict[State, int] = {}
        self._rows: dict[Row, int] = {}
        self._row_table: Bytes = np.zeros((0, n_inputs), np.uint8)
        self._rows_of: list[Int64s] = []
        self._outputs = StateSet(-(-n_outputs // 8))
        self._asked = StateSet(3 * np.dtype(np.int64).itemsize)
        self._answers: Int64s = np.zeros(0, np.int64)
        self.start = self._number_of(monitor.start)

    def rows(self, numbers: Int64s) -> Bytes:
        """Return rows by their numbers, ``(n, inputs)`` uint8."""
        if len(self._row_table) < len(self._rows):
            self._row_table = np.array(list(self._rows), np.uint8).reshape(len(self._rows), self.n_inputs)
        return self._row_table[numbers]

    def paired(self, states: Int64s) -> tuple[Int64s, Int64s]:
        """Return every pair of a place in ``states`` and the number of a row that can occur there."""
        lists = [self._rows_of[state] for state in states.tolist()]
        places = np.repeat(np.arange(len(states)), [len(each) for each in lists])
        return places, np.concatenate(lists) if lists else np.zeros(0, np.int64)

    def advanced(self, states: Int64s, rows: Int64s, spikes: Raster) -> Int64s:
        """Return the number of the state after each tick; `WRONG_NUMBER` where its outputs are wrong.

        Parameters
        ----------
        states, rows : (n,) int
            Numbers.
        spikes : (n, outputs) bool
        """
        outputs, _ = self._outputs.add(np.packbits(spikes, axis=1))
        asked = np.ascontiguousarray(np.stack([states, rows, outputs], axis=1))
        numbers, fresh = self._asked.add(asked.view(np.uint8).reshape(len(asked), -1))
        if fresh.size:
            self._answers = np.concatenate([self._answers, self._answered(asked[fresh], spikes[fresh])])
        return self._answers[numbers]

    def _answered(self, asked: Int64s, spikes: Raster) -> Int64s:
        rows = list(self._rows)
        found = []
        for (state, row, _), fired in zip(asked.tolist(), spikes.tolist(), strict=True):
            after = self.monitor.after(self.states[state], rows[row], tuple(fired))
            found.append(WRONG_NUMBER if isinstance(after, Wrong) else self._number_of(after))
        return np.array(found, np.int64)

    def _number_of(self, state: State) -> int:
        number = self._numbers.get(state)
        if number is None:
            number = self._numbers[state] = len(self.states)
            self.states.append(state)
            self._rows_of.append(self._row_numbers(self.monitor.rows(state)))
        return number

    def _row_numbers(self, rows: Iterable[Row]) -> Int64s:
        return np.array([self._rows.setdefault(row, len(self._rows)) for row in rows], np.int64)
