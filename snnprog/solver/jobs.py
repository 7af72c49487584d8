"""Jobs side by side in an executor, or one after another: their answers in order, the same either way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, wait
from contextlib import suppress
from typing import TypeVar

from snnprog.errors import BackendError, UndecidedError
from snnprog.solver.deadline import BEAT_SECONDS, check_time

J = TypeVar("J")
T = TypeVar("T")


def run_jobs(function: Callable[[J], T], jobs: Iterable[J], executor: Executor | None) -> Iterator[T]:
    """Yield what a function returns for each job, in order; in this thread, one after another, without an executor.

    While it waits, it tells that work goes on, and an interrupt ends it at once; jobs that have not begun are then
    cancelled. Each job keeps to the deadline that it carries.

    Raises
    ------
    BackendError
        If a process of the executor ended before it answered.
    """
    if executor is None:
        yield from map(function, jobs)
        return
    futures: list[Future[T]] = []
    try:
        futures += [executor.submit(function, job) for job in jobs]
        for future in futures:
            yield _awaited(future)
    except BrokenExecutor as error:
        raise BackendError("a worker process ended before it answered; use fewer workers if memory ran out") from error
    finally:
        for future in futures:
            future.cancel()


def _awaited(future: Future[T]) -> T:
    while not wait([future], timeout=BEAT_SECONDS).done:
        with suppress(UndecidedError):  # a job that is late still answers what it has
            check_time()
    return future.result()
