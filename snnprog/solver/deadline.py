"""One time limit for a whole call, and the progress of its searches.

A time limit is not passed as an argument, because it may apply anywhere: `until` sets it for all calls
inside, and the solvers and all callers of `check_time` respect it. A job in another process takes it along
(`present_deadline`). The same checks of the clock report to the progress callback that a search continues, with the
number of its steps.
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

LEAST_SECONDS = 1e-3  # a solver may interpret 0 as no limit
BEAT_SECONDS = 0.25  # the interval of progress reports of a search; only the display depends on it


@dataclass(frozen=True)
class Deadline:
    """The time at which a step must end.

    Attributes
    ----------
    at : float
        By `time.monotonic`; infinite without a limit.
    step : str
        The step that ends then.
    """

    at: float
    step: str = "search"

    def __reduce__(self) -> tuple[Callable[[float, str], Deadline], tuple[float, str]]:
        """Pickle as wall-clock time: another machine's monotonic clock has another origin."""
        return _from_wall_clock, (time.time() + (self.at - time.monotonic()), self.step)


def _from_wall_clock(at: float, step: str) -> Deadline:
    return Deadline(time.monotonic() + (at - time.time()), step)


class _Pulse:
    """Counts the checks of the clock since a step began, and reports them periodically."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._step, self._looks, self._last = progress, "", 0, time.monotonic()

    def beat(self, step: str, now: float) -> None:
        """Count a check."""
        if step != self._step:
            self._step, self._looks = step, 0
        self._looks += 1
        if now - self._last >= BEAT_SECONDS:
            self._last = now
            self._progress(step + SEARCHING, self._looks, self._looks)


class ClockWatch:
    """Notes whether the time limit decided anything."""

    def __init__(self) -> None:
        self.has_decided = False


_clock: ContextVar[ClockWatch | None] = ContextVar("clock", default=None)
_deadline: ContextVar[Deadline | None] = ContextVar("deadline", default=None)
_pulse: ContextVar[_Pulse | None] = ContextVar("pulse", default=None)


@contextmanager
def until(deadline: Deadline | None) -> Iterator[None]:
    """Make `check_time` and the solvers, called inside, stop at a deadline; None removes a limit."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


@contextmanager
def step(name: str, *, share: float = 1.0) -> Iterator[None]:
    """Name the step inside, and limit it to a share of the remaining time."""
    outer, now = _deadline.get(), time.monotonic()
    end = math.inf if outer is None else outer.at
    token = _deadline.set(Deadline(min(end, now + share * (end - now)), name))
    try:
        yield
    finally:
        _deadline.reset(token)


@contextmanager
def telling(progress: Progress | None) -> Iterator[None]:
    """Report the checks of the clock inside as progress of their step, so that long searches show activity."""
    token = _pulse.set(None if progress is None else _Pulse(progress))
    try:
        yield
    finally:
        _pulse.reset(token)


@contextmanager
def noticing() -> Iterator[ClockWatch]:
    """Give a clock that tells whether a time limit decided anything inside: such a result depends on the machine.

    A clock around it notices this, too.
    """
    clock = ClockWatch()
    token = _clock.set(clock)
    try:
        yield clock
    finally:
        _clock.reset(token)
        if clock.has_decided:
            note_end()


def note_end() -> None:
    """Note that a time limit decided something, here or in a job elsewhere."""
    if (clock := _clock.get()) is not None:
        clock.has_decided = True


def deadline_after(seconds: float | None) -> Deadline | None:
    """Return the deadline a number of seconds from now; None for no limit."""
    return None if seconds is None else Deadline(time.monotonic() + seconds)


def present_deadline() -> Deadline | None:
    """Return the current deadline, for a job to take along."""
    return _deadline.get()


def check_time() -> None:
    """Raise `UndecidedError` if the time that `until` allows is over; cheap enough to be called in every loop."""
    deadline, now = _deadline.get(), time.monotonic()
    if (pulse := _pulse.get()) is not None:
        pulse.beat("search" if deadline is None else deadline.step, now)
    if deadline is not None and now >= deadline.at:
        note_end()
        raise UndecidedError(
            f"the time limit ran out before an answer or a proof was found (step: {deadline.step}); allow more",
            ended_by_time=(deadline.step,),
        )


def is_time_over() -> bool:
    """Return whether the time that `until` allows is over."""
    deadline = _deadline.get()
    is_over = deadline is not None and time.monotonic() >= deadline.at
    if is_over:
        note_end()
    return is_over


def seconds_left() -> float | None:
    """Return the remaining time that `until` allows, for a solver: never 0; None for no limit."""
    deadline = _deadline.get()
    if deadline is None or math.isinf(deadline.at):
        return None
    return max(deadline.at - time.monotonic(), LEAST_SECONDS)
