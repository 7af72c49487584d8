"""Jobs in parallel in an executor, or in sequence, with the same results in order."""

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
    """Yield the result of a function for each job, in order; without an executor, in this thread.

    While waiting, it reports progress, and an interrupt ends it at once; jobs that have not started are then
    cancelled. Each job respects its deadline.

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
        with suppress(UndecidedError):  # a late job still returns its result so far
            check_time()
    return future.result()
