"""Jobs in parallel in an executor, or in sequence, with the same results in order; a journal records them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from snnprog.errors import UndecidedError
from snnprog.journal.store import NOTHING, Journal, present_journal
from snnprog.processes.batches import answers
from snnprog.solver.deadline import check_time, note_end, noticing

J = TypeVar("J")
T = TypeVar("T")


@dataclass(frozen=True)
class _Noted(Generic[T]):
    """A result, the seconds that it took, and whether a time limit decided it."""

    result: T
    seconds: float
    is_cut_short: bool


def run_jobs(
    function: Callable[[J], T],
    jobs: Iterable[J],
    executor: Executor | None,
    *,
    total: int,
    step: str,
    verdict: Callable[[T], str],
) -> Iterator[T]:
    """Yield the result of a function for each job, in order; without an executor, in this thread.

    While waiting, it reports progress, and an interrupt ends it at once; jobs that have not started are then
    cancelled. Each job respects its deadline. Results that the journal has are not calculated again
    (`snnprog.journal`).

    Parameters
    ----------
    total : int
        Number of jobs.
    step : str
        What is done, for the journal.
    verdict : callable
        Returns a result in a word or two, for the journal.

    Raises
    ------
    BackendError
        If processes of the executor ended before they answered, again and again.
    """
    journal = present_journal()
    record = None if journal is None else _Record(journal, function, step, verdict, total)
    if executor is not None:
        yield from _in_order(_in_executor(function, jobs, executor, total=total, record=record))
        return
    for index, job in enumerate(jobs):
        if record is None:
            yield function(job)
        elif record.finds(index, job):
            yield record.found.pop(index)
        else:
            noted = _noted(function, job)
            record.keep([(index, noted)])
            yield noted.result
    if record is not None:
        record.keep([])


class _Record(Generic[J, T]):
    """What the journal has of the jobs of a step, and what it is to have."""

    def __init__(
        self, journal: Journal, function: Callable[[J], T], step: str, verdict: Callable[[T], str], total: int
    ) -> None:
        self._journal, self._step, self._verdict = journal, step, verdict
        self._function = f"{function.__module__}.{function.__qualname__}"
        self._keys: dict[int, bytes] = {}
        self.found: dict[int, T] = {}
        if total:
            journal.begin(step, total)

    def finds(self, index: int, job: J) -> bool:
        """Return whether the journal has the result of a job, which is then among those found."""
        key = self._journal.key_of(self._function, job)
        result = self._journal.recall(key, self._step)
        if result is NOTHING:
            self._keys[index] = key
            return False
        self.found[index] = result
        return True

    def keep(self, results: Iterable[tuple[int, _Noted[T]]]) -> None:
        """Record results, except errors and those that a time limit decided, and how many the journal had."""
        rows = [
            (self._keys.pop(index), each.result, self._verdict(each.result), each.seconds)
            for index, each in results
            if not each.is_cut_short and not isinstance(each.result, Exception)
        ]
        self._journal.record(self._step, rows)


def _noted(function: Callable[[J], T], job: J) -> _Noted[T]:
    begun = time.perf_counter()
    with noticing() as clock:
        result = function(job)
    return _Noted(result, time.perf_counter() - begun, clock.has_decided)


def _in_executor(
    function: Callable[[J], T], jobs: Iterable[J], executor: Executor, *, total: int, record: _Record[J, T] | None
) -> Iterator[dict[int, T]]:
    """Yield results by the index of their job, as they come; those of the journal, too."""
    numbered = ((index, job) for index, job in enumerate(jobs) if record is None or not record.finds(index, job))
    for noted in answers(partial(_noted, function), numbered, executor, total=total):
        with suppress(UndecidedError):  # a late job still returns its result so far
            check_time()
        if any(each.is_cut_short for _, each in noted):
            note_end()
        if record is not None:
            record.keep(noted)
            yield record.found
            record.found.clear()
        yield {index: each.result for index, each in noted}
    if record is not None:
        record.keep([])
        yield record.found


def _in_order(results: Iterable[dict[int, T]]) -> Iterator[T]:
    waiting: dict[int, T] = {}
    following = 0
    for found in results:
        waiting |= found
        while following in waiting:
            yield waiting.pop(following)
            following += 1
