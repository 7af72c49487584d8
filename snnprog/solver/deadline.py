"""One limit of time for a whole call, and the sign of life that its searches give.

A limit of time is not handed from function to function, because it may strike anywhere: `until` sets it for all that is
called inside, and the solvers, and all that call `check_time`, keep to it. A job that runs elsewhere takes it along
(`present_deadline`). The same looks at the clock tell whoever asked for progress that a search goes on, by how many of
its steps are done.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from snnprog.errors import UndecidedError
from snnprog.progress import SEARCHING, Progress

LEAST_SECONDS = 1e-3  # a solver may take 0 for no limit
BEAT_SECONDS = 0.25  # how often a search tells that it goes on; nothing but what is shown depends on it


@dataclass(frozen=True)
class Deadline:
    """When a step has to end.

    Attributes
    ----------
    at : float
        On `time.monotonic`; infinite where there is no limit.
    step : str
        What ends then.
    """

    at: float
    step: str = "search"

    def __reduce__(self) -> tuple[Callable[[float, str], Deadline], tuple[float, str]]:
        """Travel by the wall clock: another machine's monotonic clock counts from another moment."""
        return _from_wall_clock, (time.time() + (self.at - time.monotonic()), self.step)


def _from_wall_clock(at: float, step: str) -> Deadline:
    return Deadline(time.monotonic() + (at - time.time()), step)


class _Pulse:
    """Counts the looks at the clock since a step began, and reports them now and then."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._step, self._looks, self._last = progress, "", 0, time.monotonic()

    def beat(self, step: str, now: float) -> None:
        """Count a look."""
        if step != self._step:
            self._step, self._looks = step, 0
        self._looks += 1
        if now - self._last >= BEAT_SECONDS:
            self._last = now
            self._progress(step + SEARCHING, self._looks, self._looks)


_deadline: ContextVar[Deadline | None] = ContextVar("deadline", default=None)
_pulse: ContextVar[_Pulse | None] = ContextVar("pulse", default=None)


@contextmanager
def until(deadline: Deadline | None) -> Iterator[None]:
    """Let `check_time` and the solvers, called inside, give up at a deadline; None lifts a limit that was set."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


@contextmanager
def step(name: str, *, share: float = 1.0) -> Iterator[None]:
    """Name what is done inside, and let it take no more than a share of the time that is left."""
    outer, now = _deadline.get(), time.monotonic()
    end = math.inf if outer is None else outer.at
    token = _deadline.set(Deadline(min(end, now + share * (end - now)), name))
    try:
        yield
    finally:
        _deadline.reset(token)


@contextmanager
def telling(progress: Progress | None) -> Iterator[None]:
    """Report the looks at the clock inside as progress of their step, so that a long search is seen to go on."""
    token = _pulse.set(None if progress is None else _Pulse(progress))
    try:
        yield
    finally:
        _pulse.reset(token)


def deadline_after(seconds: float | None) -> Deadline | None:
    """Return the deadline so many seconds from now; None for no limit."""
    return None if seconds is None else Deadline(time.monotonic() + seconds)


def present_deadline() -> Deadline | None:
    """Return the deadline that holds here, for a job to take along."""
    return _deadline.get()


def check_time() -> None:
    """Raise `UndecidedError` if the time that `until` allows is over; cheap enough to be called in every loop."""
    deadline, now = _deadline.get(), time.monotonic()
    if (pulse := _pulse.get()) is not None:
        pulse.beat("search" if deadline is None else deadline.step, now)
    if deadline is not None and now >= deadline.at:
        raise UndecidedError(
            f"the time limit ran out before there was an answer or a proof (step: {deadline.step}); allow more",
            ended_by_time=(deadline.step,),
        )


def is_time_over() -> bool:
    """Tell whether the time that `until` allows is over."""
    deadline = _deadline.get()
    return deadline is not None and time.monotonic() >= deadline.at


def seconds_left() -> float | None:
    """Return what is left of the time that `until` allows, as a solver wants it: never 0; None for no limit."""
    deadline = _deadline.get()
    if deadline is None or math.isinf(deadline.at):
        return None
    return max(deadline.at - time.monotonic(), LEAST_SECONDS)
