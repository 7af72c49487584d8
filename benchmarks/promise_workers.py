"""Processes that work on cases for `promise.py`, each of which is killed where it hangs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TypeVar

from promise_cases import Case
from promise_draw import case_from_seed
from promise_verdicts import CRASH, HUNG, PATIENCE_SECONDS, Record, Say, empty_record, judge

START_SECONDS = 900.0  # until a new process has imported and compiled everything, on a busy machine
WARM_UP_SEEDS = (0, 27, 48, 51)  # so that what is compiled once is compiled before any limit counts

Result = TypeVar("Result")
Task = Callable[[Case, Say], Result]


@dataclass(frozen=True)
class Failure:
    """A case whose process hung or died, and the stage it was at."""

    case: Case
    kind: str
    stage: str


def serve(connection: Connection, task: Task[object]) -> None:
    """Work on the cases that arrive; say each stage before it begins."""

    def say(stage: str, patience: float) -> None:
        connection.send((stage, patience))

    for seed in WARM_UP_SEEDS:
        task(case_from_seed(seed), lambda stage, patience: None)
    connection.send(None)
    while True:
        connection.send(task(connection.recv(), say))


@dataclass
class Worker:
    """One process: the case it works on, at which stage, and when it counts as hung."""

    process: BaseProcess
    connection: Connection
    deadline: float
    stage: str = "start"
    case: Case | None = None

    @classmethod
    def started(cls, task: Task[object]) -> Worker:
        """Return a new one."""
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, task), daemon=True)
        process.start()
        theirs.close()
        return cls(process, ours, time.monotonic() + START_SECONDS)

    def take(self, case: Case) -> None:
        """Hand out a case."""
        self.case, self.stage, self.deadline = case, "spec", time.monotonic() + PATIENCE_SECONDS
        self.connection.send(case)

    def end(self) -> None:
        """Kill the process."""
        self.process.kill()
        self.process.join()
        self.connection.close()

    def failed(self, kind: str) -> Failure:
        """Return what failed; from now on the process is as good as dead."""
        assert self.case is not None, "a process failed before its first case"
        failure = Failure(self.case, kind, self.stage)
        self.stage = "dead"
        return failure


def worked(cases: Iterable[Case], task: Task[Result], *, workers: int) -> Iterator[Result | Failure]:
    """Yield what a task says of cases, as it comes; each process has one case at a time."""
    waiting, pool = iter(cases), [Worker.started(task) for _ in range(workers)]
    try:
        while pool:
            ready = wait([worker.connection for worker in pool], timeout=1.0)
            for worker in list(pool):
                result, is_free = heard(worker, is_ready=worker.connection in ready)
                if result is not None:
                    yield result
                if worker.stage == "dead":
                    worker.end()
                    pool[pool.index(worker)] = Worker.started(task)
                elif is_free:
                    case = next(waiting, None)
                    if case is None:
                        worker.end()
                        pool.remove(worker)
                    else:
                        worker.take(case)
    finally:
        for worker in pool:
            worker.end()


def heard(worker: Worker, *, is_ready: bool) -> tuple[Result | Failure | None, bool]:
    """Return what a worker has finished, if anything, and whether it waits for a case; mark a dead one."""
    if not is_ready:
        return (worker.failed(HUNG), False) if time.monotonic() >= worker.deadline else (None, False)
    try:
        message = worker.connection.recv()
    except (EOFError, ConnectionResetError):
        return worker.failed(CRASH), False
    if isinstance(message, tuple):
        worker.stage, worker.deadline = message[0], time.monotonic() + message[1]
        return None, False
    return message, True


def judged(cases: Iterable[Case], *, workers: int, seconds: float, has_explain: bool = True) -> Iterator[Record]:
    """Yield the records of cases, as they come."""
    task = partial(judge, seconds=seconds, has_explain=has_explain)
    for found in worked(cases, task, workers=workers):
        if isinstance(found, Failure):
            record = empty_record(found.case)
            record.kind, record.message = found.kind, f"{found.kind} in {found.stage}"
            yield record
        else:
            yield found


def drawn(first: int, count: int, tag: str) -> Iterator[Case]:
    """Yield the cases of a group, by rising seeds."""
    found, seed = 0, first
    while found < count:
        case = case_from_seed(seed)
        if tag in case.tags:
            found += 1
            yield case
        seed += 1
