"""Long calls into compiled code that an interrupt, and the time limit, can end.

Python handles an interrupt (Ctrl-C) only between its own instructions, in the main thread, not while it is inside a
solver. So the solver runs in a separate thread, without Python's lock, and the main thread waits, checks the clock,
reports progress, and stops the solver at the end of the time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from snnprog.solver.deadline import BEAT_SECONDS, check_time

T = TypeVar("T")


def interruptible(function: Callable[[], T], stop: Callable[[], object] | None = None) -> T:
    """Call a function that releases Python's lock, and stop waiting at an interrupt or at the end of the time.

    Parameters
    ----------
    stop : callable, optional
        Makes the function return soon. Without it, the function continues in its thread, and its result is lost.

    Raises
    ------
    UndecidedError
        If the time that `until` allows is over; solvers with their own limit should return before.
    """
    if threading.current_thread() is not threading.main_thread():
        return function()  # interrupts reach the main thread only
    answer: list[T] = []
    failure: list[BaseException] = []
    done = threading.Event()  # not `Thread.join`, which after an interrupt treats a running thread as ended

    def run() -> None:
        try:
            answer.append(function())
        except BaseException as error:  # raised again by the waiting thread
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
