"""Exact exploration: all joint states of a program and a monitor, breadth first.

States come in the order of the shortest streams that lead to them, so the first wrong tick that is found ends a
shortest counterexample. If no new state is found, the program is correct on every stream of any length.
"""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Bytes, Int64s, Raster
from snnprog.exploration.states import StateSet
from snnprog.exploration.ticking import ProgramTicks, States
from snnprog.exploration.watching import WRONG_NUMBER, Watching

CHUNK = 1 << 13
"""States that are advanced together: some megabytes of arrays. Insensitive within × 4."""

NUMBER = np.dtype(np.int32)
"""Of a monitor's state; a monitor of 2^31 states does not fit in memory."""


class StateCode:
    """States of a program and of a monitor, as rows of bytes."""

    def __init__(self, ticks: ProgramTicks) -> None:
        self.live = ticks.is_live
        self.kind = np.dtype(np.int32 if ticks.is_narrow else np.int64)
        self.slots = int(ticks.first[-1])
        self.is_bit = ticks.most_spikes == 1
        self.register_bytes = int(self.live.sum()) * self.kind.itemsize
        self.history_bytes = -(-self.slots // 8) if self.is_bit else self.slots
        self.width = self.register_bytes + self.history_bytes + NUMBER.itemsize

    def packed(self, states: States, monitor: Int64s) -> Bytes:
        """Return a row of bytes for each state."""
        registers = np.ascontiguousarray(states.registers[:, self.live].astype(self.kind))
        history = np.packbits(states.history, axis=1) if self.is_bit else states.history
        parts = (
            registers.view(np.uint8).reshape(len(states), self.register_bytes),
            history,
            monitor.astype(NUMBER)[:, None].view(np.uint8),
        )
        return np.concatenate(parts, axis=1)

    def unpacked(self, rows: Bytes) -> tuple[States, Int64s]:
        """Return the states and the numbers of the monitor's states."""
        ends = (self.register_bytes, self.register_bytes + self.history_bytes)
        values = np.ascontiguousarray(rows[:, : ends[0]]).view(self.kind)
        registers = np.zeros((len(rows), *self.live.shape), np.int64)
        registers[:, self.live] = values
        history = np.ascontiguousarray(rows[:, ends[0] : ends[1]])
        if self.is_bit:
            history = np.unpackbits(history, axis=1, count=self.slots)
        monitor = np.ascontiguousarray(rows[:, ends[1] :]).view(NUMBER)[:, 0].astype(np.int64)
        return States(registers, history), monitor


class Exploration:
    """The states that were reached, and the rows that led to them.

    Attributes
    ----------
    depth : int
        All streams of this many ticks were tried.
    counterexample : (ticks, inputs) bool or None
        The shortest stream after which the outputs are wrong.
    is_closed : bool
        Whether no more states can be reached.
    """

    def __init__(self, ticks: ProgramTicks, watching: Watching) -> None:
        self.ticks, self.watching = ticks, watching
        self.depth, self.is_closed = 0, False
        self.counterexample: Raster | None = None
        self._code = StateCode(ticks)
        self._set = StateSet(self._code.width)
        self._parents: list[Int64s] = [np.full(1, -1, np.int64)]  # of the states, in pieces
        self._rows: list[Int64s] = [np.full(1, -1, np.int64)]
        self._set.add(self._code.packed(ticks.rest(), np.array([watching.start])))
        self._next = 0  # the first state that was not advanced
        self._level_end = 1

    def __len__(self) -> int:
        return len(self._set)

    @property
    def is_open(self) -> bool:
        """Whether neither a proof nor a counterexample was found yet."""
        return not self.is_closed and self.counterexample is None

    def explore(self, most: int) -> None:
        """Go on until all states are known, the outputs are wrong, or more than ``most`` states were reached."""
        while self.is_open and len(self) <= most:
            end = min(self._next + CHUNK, self._level_end)
            self._advance(np.arange(self._next, end))
            self._next = end
            if end < self._level_end or self.counterexample is not None:
                continue
            self.depth += 1
            self.is_closed = self._level_end == len(self)
            self._level_end = len(self)

    def _advance(self, numbers: Int64s) -> None:
        states, monitor = self._code.unpacked(self._set.rows[numbers])
        registers, spikes = self.ticks.tick(states)
        places, rows = self.watching.paired(monitor)
        after = self.watching.advanced(monitor[places], rows, self.ticks.outputs(spikes)[places])
        if (after == WRONG_NUMBER).any():
            first = int(np.argmax(after == WRONG_NUMBER))
            self.counterexample = self._stream(int(numbers[places[first]]), int(rows[first]))
            return
        inputs = self.watching.rows(rows)
        history = self.ticks.remembered(states.history[places], rows=inputs, spikes=spikes[places])
        _, fresh = self._set.add(self._code.packed(States(registers[places], history), after))
        self._parents.append(numbers[places[fresh]])
        self._rows.append(rows[fresh])

    def _stream(self, number: int, row: int) -> Raster:
        """Return the input stream that leads to a state, and then on by a row."""
        parents, rows, taken = np.concatenate(self._parents), np.concatenate(self._rows), [row]
        while number:
            taken.append(int(rows[number]))
            number = int(parents[number])
        return self.watching.rows(np.array(taken[::-1])).astype(np.bool_)
