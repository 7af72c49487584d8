"""Processes that judge cases for `promise.py`, each of which is killed where it hangs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from promise_cases import Case
from promise_draw import case_from_seed
from promise_verdicts import CRASH, HUNG, PATIENCE_SECONDS, Record, empty_record, judge

START_SECONDS = 120.0  # until a new process has imported and compiled everything, on a busy machine
WARM_UP_SEEDS = (0, 3, 8, 27, 36, 48, 51, 55)  # all chips and sizes, so that what is compiled once is compiled


def serve(connection: Connection, seconds: float, has_explain: bool) -> None:
    """Judge the cases that arrive; say each stage before it begins."""

    def say(stage: str, patience: float) -> None:
        connection.send((stage, patience))

    for seed in WARM_UP_SEEDS:
        judge(case_from_seed(seed), seconds=seconds, say=lambda stage, patience: None)
    connection.send(None)
    while True:
        case = connection.recv()
        if case is None:
            return
        connection.send(judge(case, seconds=seconds, say=say, has_explain=has_explain))


@dataclass
class Worker:
    """One process: the case it works on, at which stage, and when it counts as hung."""

    process: BaseProcess
    connection: Connection
    deadline: float
    stage: str = "start"
    case: Case | None = None

    @classmethod
    def started(cls, seconds: float, has_explain: bool) -> Worker:
        """Return a new one."""
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, seconds, has_explain), daemon=True)
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

    def failed(self, kind: str) -> Record:
        """Return the record of the case whose process was killed or died."""
        assert self.case is not None, "a worker failed before its first case"
        record = empty_record(self.case)
        if self.stage in ("spec", "compile"):
            record.kind = kind
        record.message = f"{kind} in {self.stage}"
        return record


def judged(cases: Iterable[Case], *, workers: int, seconds: float, has_explain: bool = True) -> Iterator[Record]:
    """Yield the records of cases, as they come; each worker has one case at a time."""
    waiting, pool = iter(cases), [Worker.started(seconds, has_explain) for _ in range(workers)]
    try:
        while pool:
            ready = wait([worker.connection for worker in pool], timeout=1.0)
            for worker in list(pool):
                record, is_free = heard(worker, is_ready=worker.connection in ready)
                if record is not None:
                    yield record
                if worker.stage == "dead":
                    worker.end()
                    pool[pool.index(worker)] = Worker.started(seconds, has_explain)
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


def heard(worker: Worker, *, is_ready: bool) -> tuple[Record | None, bool]:
    """Return what a worker has finished, if anything, and whether it waits for a case; mark a dead one."""
    if not is_ready:
        if time.monotonic() < worker.deadline:
            return None, False
        record = worker.failed(HUNG)
        worker.stage = "dead"
        return record, False
    try:
        message = worker.connection.recv()
    except (EOFError, ConnectionResetError):
        record = worker.failed(CRASH)
        worker.stage = "dead"
        return record, False
    if isinstance(message, tuple):
        worker.stage, worker.deadline = message[0], time.monotonic() + message[1]
        return None, False
    return message, True


def drawn(first: int, count: int, tag: str) -> Iterator[Case]:
    """Yield the cases of a group, by rising seeds."""
    found, seed = 0, first
    while found < count:
        case = case_from_seed(seed)
        if tag in case.tags:
            found += 1
            yield case
        seed += 1
