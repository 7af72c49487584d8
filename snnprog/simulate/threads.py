"""Threads for compiled loops, which release the interpreter lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Work = TypeVar("Work")
Result = TypeVar("Result")


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def side_by_side(run: Callable[[Work], Result], work: Sequence[Work], *, threads: int) -> list[Result]:
    """Return the results of a function for each piece of work, in order, on a number of threads."""
    if threads < 2:
        return [run(each) for each in work]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, work))
