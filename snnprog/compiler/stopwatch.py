"""The times of the steps of one call, and the steps that the time limit ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from snnprog.solver import is_time_over, noticing, step


class Stopwatch:
    """Wall-clock seconds of each step, and which steps the time limit ended, as progress names them."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.ended: list[str] = []
        self._last = time.perf_counter()

    def lap(self, step: str) -> None:
        """Count the time since the last lap for a step."""
        now = time.perf_counter()
        self.seconds[step] = self.seconds.get(step, 0.0) + now - self._last
        self._last = now

    @contextmanager
    def noticing(self, name: str) -> Iterator[None]:
        """Record that the limit ended a step if it decides anything inside."""
        with noticing() as clock:
            yield
        if clock.has_decided:
            self._note(name)

    @contextmanager
    def step(self, name: str, share: float = 1.0, *, has_ended: Callable[[], bool] | None = None) -> Iterator[None]:
        """Name a step, limit its time, and record whether the limit ended it."""
        with step(name, share=share):
            yield
        if has_ended is not None and has_ended():
            self._note(name)

    def is_over(self, name: str) -> bool:
        """Return whether the time ran out before a step; the limit then ended that step."""
        if is_time_over():
            self._note(name)
            return True
        return False

    def _note(self, name: str) -> None:
        if name not in self.ended:
            self.ended.append(name)
