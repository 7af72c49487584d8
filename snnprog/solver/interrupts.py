"""Long calls into compiled code that an interrupt, and the time limit, can end.

Python hears of an interrupt (Ctrl-C) only between its own instructions, in the main thread: not while that is inside a
solver. So the solver runs in a thread of its own, without Python's lock, and the main thread waits, looks at the clock,
tells that work goes on, and, when it is to end, stops the solver.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from snnprog.solver.deadline import BEAT_SECONDS, check_time

T = TypeVar("T")


def interruptible(function: Callable[[], T], stop: Callable[[], object] | None = None) -> T:
    """Call a function that releases Python's lock, so that an interrupt or the end of the time ends the waiting for it.

    Parameters
    ----------
    stop : callable, optional
        Makes the function return soon. Without it, the function goes on in its thread, and what it does is lost.

    Raises
    ------
    UndecidedError
        If the time that `until` allows is over; solvers that know their limit should return before.
    """
    if threading.current_thread() is not threading.main_thread():
        return function()  # interrupts reach the main thread only
    answer: list[T] = []
    failure: list[BaseException] = []
    done = threading.Event()  # not `Thread.join`, which, interrupted, takes a thread that runs for one that has ended

    def run() -> None:
        try:
            answer.append(function())
        except BaseException as error:  # raised again where it is waited for
            failure.append(error)
        done.set()

    threading.Thread(target=run, daemon=True).start()
    try:
        while not done.wait(BEAT_SECONDS):
            check_time()
    except BaseException:
        if stop is not None:
            stop()
            done.wait()
        raise
    if failure:
        raise failure[0]
    return answer[0]
