"""How long all that is called may take.

A limit of time is the one thing that is not handed from function to function, because it may strike anywhere: `until`
sets it for all that is called inside, and the solver, and whoever calls `check_time`, keeps to it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from snnprog.errors import UndecidedError

LEAST_SECONDS = 1e-3  # a solver may take 0 for no limit

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def until(deadline: float | None) -> Iterator[None]:
    """Let `check_time` and the solver, called inside, give up when `time.monotonic` passes ``deadline``."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def deadline_after(seconds: float | None) -> float | None:
    """Return what `until` wants for so many seconds from now; None for no limit."""
    return None if seconds is None else time.monotonic() + seconds


def check_time() -> None:
    """Raise `UndecidedError` if the time that `until` allows is over."""
    deadline = _deadline.get()
    if deadline is not None and time.monotonic() >= deadline:
        raise UndecidedError("the time limit ran out before there was an answer or a proof; allow more")


def seconds_left() -> float | None:
    """Return what is left of the time that `until` allows, as a solver wants it: never 0; None for no limit."""
    deadline = _deadline.get()
    return None if deadline is None else max(deadline - time.monotonic(), LEAST_SECONDS)
