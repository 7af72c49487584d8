"""Jobs in executors: shared parts travel once, batches adapt, lost workers are replaced, results keep their order."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from untyped import untyped

import snnprog as sp
from snnprog.processes import batches
from snnprog.processes.batches import Answer, Batch, LostWorkerError, answers
from snnprog.processes.executors import as_executor
from snnprog.processes.sharing import KeptParts, MissingPartError, Packer, Shared
from snnprog.processes.workers import Workers
from snnprog.solver.jobs import run_jobs


@dataclass(frozen=True, eq=False)
class Table(Shared):
    """What jobs have in common; it counts how often it is loaded."""

    values: Any
    inner: Table | None = None

    @property
    def content(self) -> object:
        return self.values, self.inner


@dataclass(frozen=True, eq=False)
class Sum:
    table: Table
    number: int


def total(job: Sum) -> int:
    return int(np.sum(job.table.values) % 1000) + job.number


class InOneProcess(Executor):
    """Runs calls at once, after pickling them; it keeps what was sent."""

    def __init__(self, slots: int = 1) -> None:
        self.slots, self.sent, self.batches = slots, [0], list[Batch]()

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        content = pickle.dumps((function, args, kwargs))
        self.sent.append(len(content))
        self.batches.append(args[0])
        future: Future[Any] = Future()
        loaded, given, named = pickle.loads(content)
        future.set_result(loaded(*given, **named))
        return future


def ordered(function: Callable[[Any], Any], jobs: list[Any], executor: Executor | None) -> list[Any]:
    return list(run_jobs(function, jobs, executor, total=len(jobs), step="design", verdict=str))


# ---------------- sharing


def test_shared_parts_travel_once() -> None:
    generator = np.random.default_rng(0)
    table = Table(generator.integers(0, 1 << 62, 200_000), Table(generator.random(100_000)))
    jobs = [Sum(table, number) for number in range(50)]
    executor = InOneProcess()
    assert ordered(total, jobs, executor) == [total(job) for job in jobs]
    assert sum(executor.sent) < table.values.nbytes / 10
    assert len(executor.batches) > 1
    assert all(len(batch.files) == 2 and not batch.inline for batch in executor.batches)
    assert not any(path.exists() for batch in executor.batches for path in batch.files.values())


def test_small_parts_travel_with_each_batch() -> None:
    executor = InOneProcess()
    assert ordered(total, [Sum(Table(np.arange(5)), 1)], executor) == [11]
    assert [len(batch.inline) for batch in executor.batches] == [1]


def test_a_process_that_reads_no_files_gets_the_parts() -> None:
    """Another machine has none of the files: it says so, and then has what it was given."""

    class Elsewhere(InOneProcess):
        def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            batch, *others = args
            return (
                super().submit(function, Batch(*vars(batch).values()), *others) if batch.inline else self.blind(batch)
            )

        def blind(self, batch: Batch) -> Future[Any]:
            future: Future[Any] = Future()
            nowhere = {key: Path("/no/such/file") for key in batch.files}
            future.set_result(batches.answer(Batch(batch.function, batch.jobs, {}, nowhere, batch.versions)))
            return future

    table = Table(np.random.default_rng().integers(0, 1 << 40, 100_000))
    executor = Elsewhere()
    jobs = [Sum(table, number) for number in range(20)]
    assert ordered(total, jobs, executor) == [total(job) for job in jobs]
    assert sum(bool(batch.inline) for batch in executor.batches) >= 1


def given(packer: Packer, keys: Sequence[str]) -> dict[str, Callable[[], bytes]]:
    return {key: partial(packer.parts.__getitem__, key) for key in keys}


def test_parts_are_known_by_their_content() -> None:
    packer, kept = Packer(), KeptParts(most=2)
    first, second = Table(np.arange(9)), Table(np.arange(9))
    content, keys = packer.packed([first, Table([first]), second])
    assert len(keys) == 2
    one, other, same = kept.loaded(content, given(packer, keys))
    assert one is same
    assert other.values[0] is one
    assert kept.loaded(content, {})[0] is one
    with pytest.raises(MissingPartError):
        KeptParts().loaded(content, {})
    for number in range(3):
        another, names = packer.packed(Table(number))
        kept.loaded(another, given(packer, names))
    with pytest.raises(MissingPartError):
        kept.loaded(content, {})


def test_a_task_is_sent_without_what_is_calculated_from_it() -> None:
    from snnprog.design.task import Task

    raster = np.random.default_rng(0).random((2000, 20)) < 0.1
    spec = sp.Spec([sp.Pattern(raster, raster[:, :1])], delays=range(1, 5))
    before, after = Packer(), Packer()
    task = Task.of(spec)
    before.packed(task)
    task.mapping.rows(task.mapping.resets(raster[:, 0]), np.arange(3))
    assert task.targets.any()
    after.packed(task)
    assert set(before.parts) == set(after.parts)


# ---------------- batches


def wait_a_little(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def sizes(executor: InOneProcess) -> list[int]:
    return [len(batch.jobs) for batch in executor.batches]


def test_short_jobs_go_in_batches_and_long_ones_alone() -> None:
    short, long = InOneProcess(2), InOneProcess(2)
    assert ordered(abs, list(range(4000)), short) == list(range(4000))
    assert sizes(short)[0] == 1
    assert max(sizes(short)) > 100
    assert sizes(short)[-1] < max(sizes(short)) / 10
    assert ordered(wait_a_little, [0.6] * 3, long) == [0.6] * 3
    assert sizes(long) == [1, 1, 1]


def test_jobs_are_taken_as_workers_become_free() -> None:
    taken = []

    def jobs() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    found = answers(abs, enumerate(jobs()), InOneProcess(1), total=100)
    next(found)
    assert len(taken) < 10
    assert sorted(index for results in found for index, _ in results)[-1] == 99
    assert ordered(abs, [], InOneProcess()) == []


# ---------------- lost and wrong


def kill_once(path: Path) -> int:
    if not path.exists():
        path.write_text("", encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)
    return 7


def test_a_lost_worker_is_replaced(tmp_path: Path) -> None:
    with Workers(2) as executor:
        assert ordered(kill_once, [tmp_path / "a", tmp_path / "b", tmp_path / "c"], executor) == [7, 7, 7]


class Losing(Executor):
    """Loses every worker."""

    def __init__(self) -> None:
        self.calls = 0

    def submit(self, function: Callable[..., Any], /, *_: Any, **__: Any) -> Future[Any]:
        self.calls += 1
        future: Future[Any] = Future()
        future.set_exception(LostWorkerError("a worker process was killed"))
        return future


def test_a_job_that_ends_every_worker_is_an_error() -> None:
    executor = Losing()
    with pytest.raises(sp.BackendError, match="a worker process ended before it answered; use fewer workers"):
        ordered(abs, [1], executor)
    assert executor.calls == 1 + batches.MOST_LOSSES


def test_another_version_there_is_an_error() -> None:
    batch = Batch(abs, (), {}, {}, (("snnprog", "0.0.0"), ("numpy", np.__version__)))
    with pytest.raises(sp.BackendError, match=r"a worker has snnprog .* instead of 0.0.0; install the same versions"):
        batches.answer(batch)
    assert batches.answer(Batch(abs, (pickle.dumps(-3),), {}, {}, ())).results == (3,)
    assert Answer(None, 0.0).results is None


def test_an_error_of_a_job_is_raised() -> None:
    with ThreadPoolExecutor(1) as executor, pytest.raises(TypeError, match="bad operand"):
        ordered(abs, ["text"], executor)


# ---------------- executors


def test_pools_are_executors() -> None:
    with ThreadPool(2) as pool:
        assert ordered(abs, list(range(-9, 0)), as_executor(pool)) == list(range(9, 0, -1))
        with pytest.raises(TypeError, match="bad operand"):
            ordered(abs, ["text"], as_executor(pool))
    with multiprocessing.get_context("spawn").Pool(1) as processes:
        assert ordered(abs, [-1], as_executor(processes)) == [1]


def test_what_is_no_executor() -> None:
    assert as_executor(None) is None
    for compiling in (untyped(sp).compile, untyped(sp).explain):
        with pytest.raises(sp.SpecError, match=r"executor must be an executor of concurrent.futures, a Dask client"):
            compiling(sp.specs.counter(3), executor=4)
