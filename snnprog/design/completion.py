"""The open bins of target spikes with windows, by dynamic programming over ticks and spike counts.

The spikes of an output that count match its target's one to one exactly where its n-th spike lies in the window of the
n-th target spike (`snnprog.judgement`; windows open and close in the order of their targets). So a raster is read from
left to right by an automaton whose state is the number of spikes so far. Which states are reached from the left, and
which lead to the end, are two sets of numbers per tick, held as the bits of an integer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from snnprog.arrays import Raster
from snnprog.solver import check_time

Known: TypeAlias = Mapping[int, bool]
"""Tick within a pattern -> whether the output spikes there."""


@dataclass(frozen=True)
class Matched:
    """How many target spikes of a pattern are matched as its ticks go by.

    Attributes
    ----------
    least : sequence of int
        By the end of each tick, at least so many; from these, and from more, the rest can be matched.
    first, last : sequence of int
        The target spikes, by number, that a spike in each tick can match; the last is -1 where there is none.
    """

    least: Sequence[int]
    first: Sequence[int]
    last: Sequence[int]


@dataclass(frozen=True, eq=False)
class Windows:
    """The target spikes of one output in one pattern, and their windows.

    Attributes
    ----------
    due : tuple of int
        The ticks of the target spikes that count, in order.
    care : tuple of bool
        For each tick of the pattern, whether its bin counts.
    window : (int, int)
        How many ticks before and after its own a target spike may fall.
    """

    due: tuple[int, ...]
    care: tuple[bool, ...]
    window: tuple[int, int]

    @classmethod
    def of(cls, target: Raster, care: Raster, window: tuple[int, int]) -> Windows:
        """Return the windows of one output with this target and these bins that count, (ticks,) each."""
        return cls(tuple(np.flatnonzero(target & care).tolist()), tuple(care.tolist()), window)

    def is_open(self, tick: int) -> bool:
        """Return whether a bin counts and lies in some window; counting bins in none are silent."""
        return self.care[tick] and self._matches[tick] != 0

    def open_values(self, known: Known) -> list[tuple[bool, bool]] | None:
        """Return for each tick whether silence and whether a spike there can be completed; None if nothing can.

        Bins that do not count are always open both ways.

        Raises
        ------
        UndecidedError
            If the time that `snnprog.solver.until` allows is over: callers ask once for each tick, or more often.
        """
        check_time()
        steps, ahead, before = self._steps(known), self._ahead(known), [1]
        for silent, spike in steps:
            before.append((before[-1] & silent) | ((before[-1] & spike) << 1))
        if before[-1] & ahead[-1] == 0:
            return None
        return [
            (bool(left & silent & right), bool(left & spike & (right >> 1))) if counts else (True, True)
            for left, right, (silent, spike), counts in zip(before, ahead[1:], steps, self.care, strict=False)
        ]

    def matched(self) -> Matched:
        """Return how many target spikes must, and can, be matched by the end of each tick."""
        least = [(states & -states).bit_length() - 1 for states in self._ahead({})]
        ends = [((states & -states).bit_length() - 1, states.bit_length() - 1) for states in self._matches]
        return Matched(least[1:], [first for first, _ in ends], [last for _, last in ends])

    def reason(self, known: Known) -> dict[int, bool]:
        """Return few of the known bins that leave no completion, from some that leave none."""
        needed = dict(known)
        for tick in sorted(known):
            value = needed.pop(tick)
            if self.open_values(needed) is not None:
                needed[tick] = value
        return needed

    def _steps(self, known: Known) -> list[tuple[int, int]]:
        """Return for each tick the states in which it may be silent, and those in which it may have a spike."""
        everything = (1 << (len(self.due) + 1)) - 1
        steps = [(everything, matching) for matching in self._matches]
        for tick, value in known.items():
            if self.care[tick]:
                steps[tick] = (0, self._matches[tick]) if value else (everything, 0)
        return steps

    def _ahead(self, known: Known) -> list[int]:
        """Return the states before each tick, and after the last, that lead to the end."""
        ahead = [1 << len(self.due)]
        for silent, spike in reversed(self._steps(known)):
            ahead.append((ahead[-1] & silent) | ((ahead[-1] >> 1) & spike))
        return ahead[::-1]

    @cached_property
    def _matches(self) -> list[int]:
        """For each tick that counts, the states n whose next target spike, the n-th, has a window around it."""
        before, after = self.window
        found = [0] * len(self.care)
        for number, due in enumerate(self.due):
            for tick in range(max(due - before, 0), min(due + after + 1, len(found))):
                found[tick] |= self.care[tick] << number
        return found
