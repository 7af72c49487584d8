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
        choosing = self.choosing(known)
        return [choosing.values(tick) for tick in range(len(self.care))] if choosing.is_possible else None

    def choosing(self, known: Known) -> Choosing:
        """Return the open values of single ticks, as more and more bins are known."""
        return Choosing(self.care, self._steps(known), len(self.due))

    def matched(self) -> Matched:
        """Return how many target spikes must, and can, be matched by the end of each tick."""
        least = [(states & -states).bit_length() - 1 for states in self.choosing({}).ahead]
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

    @cached_property
    def _matches(self) -> list[int]:
        """For each tick that counts, the states n whose next target spike, the n-th, has a window around it."""
        before, after = self.window
        found = [0] * len(self.care)
        for number, due in enumerate(self.due):
            for tick in range(max(due - before, 0), min(due + after + 1, len(found))):
                found[tick] |= self.care[tick] << number
        return found


class Choosing:
    """The states at each tick of a pattern, as its bins become known one by one.

    Parameters
    ----------
    care : sequence of bool
        For each tick, whether its bin counts.
    steps : list of (int, int)
        For each tick the states in which it may be silent, and those in which it may have a spike.
    spikes : int
        The number of target spikes.

    Attributes
    ----------
    before, ahead : list of int
        The states before each tick, and after the last: those that are reached, and those that lead to the end.
    """

    def __init__(self, care: Sequence[bool], steps: list[tuple[int, int]], spikes: int) -> None:
        self._care, self._steps = care, steps
        self.before, self.ahead = [1] + [0] * len(steps), [0] * len(steps) + [1 << spikes]
        self._reach(0)
        self._lead(len(steps) - 1)

    @property
    def is_possible(self) -> bool:
        """Whether the bins that are known can be completed."""
        return self.before[-1] & self.ahead[-1] != 0

    def values(self, tick: int) -> tuple[bool, bool]:
        """Return whether silence and whether a spike at a tick can be completed, if the known bins can."""
        if not self._care[tick]:
            return True, True
        (silent, spike), left, right = self._steps[tick], self.before[tick], self.ahead[tick + 1]
        return bool(left & silent & right), bool(left & spike & (right >> 1))

    def choose(self, tick: int, value: bool) -> None:
        """Take the bin of a tick as known; what follows from it ends soon, mostly with the windows around it."""
        if self._care[tick]:
            silent, spike = self._steps[tick]
            self._steps[tick] = (0, spike) if value else (silent, 0)
            self._reach(tick)
            self._lead(tick)

    def _reach(self, first: int) -> None:
        """Follow the states from a tick on, as far as they change."""
        for tick in range(first, len(self._steps)):
            silent, spike = self._steps[tick]
            states = (self.before[tick] & silent) | ((self.before[tick] & spike) << 1)
            if states == self.before[tick + 1]:
                return
            self.before[tick + 1] = states

    def _lead(self, last: int) -> None:
        """Follow the states from a tick back, as far as they change."""
        for tick in range(last, -1, -1):
            silent, spike = self._steps[tick]
            states = (self.ahead[tick + 1] & silent) | ((self.ahead[tick + 1] >> 1) & spike)
            if states == self.ahead[tick]:
                return
            self.ahead[tick] = states
