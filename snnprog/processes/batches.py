"""Jobs in an executor: in batches, with shared parts that travel once, and again if a worker was lost.

Decisions
---------
- A batch takes `BATCH_SECONDS` where jobs are short, as measured so far: a cluster needs about a millisecond for each
  call. Towards the end batches are smaller, so that all workers end together.
- Each slot (a process or thread that runs one call at a time) has one batch that runs, and one that waits.
- Parts are in files of a temporary folder, or in the cluster's own store if the executor has one (``share``). A worker
  that has neither answers that parts are missing, and gets them with the batch.
- A batch of a lost worker is sent again. Jobs are pure functions, so that it does not matter how often.
- All processes must have the same versions: a result must not depend on where it was calculated.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from snnprog.errors import BackendError
from snnprog.processes.executors import LOST_CLUSTER
from snnprog.processes.sharing import KeptParts, MissingPartError, Packer
from snnprog.temporaries import temporary_folder
from snnprog.version import determining_versions

BATCH_SECONDS = 0.5
"""Seconds that a batch takes: a cluster's overhead of some ms is then below 1 %, and a kill loses no more.
Insensitive within × 3 (``benchmarks/scale.py``)."""

WAIT_SECONDS = 0.25
"""How often an empty list is yielded at least, for the clock and for progress."""

INLINE_BYTES = 1 << 16
"""Parts up to this size travel with each batch: a file costs more."""

MOST_LOSSES = 3
"""How often a batch is sent again after its worker was lost: a batch that runs out of memory ends every worker."""

_kept = KeptParts()


class LostWorkerError(BackendError):
    """A worker process ended before it answered."""


@dataclass(frozen=True)
class Batch:
    """Some jobs, pickled without their shared parts, and the parts that are sent along or in files."""

    function: Callable[[Any], Any]
    jobs: tuple[bytes, ...]
    inline: Mapping[str, bytes]
    files: Mapping[str, Path]
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Answer:
    """The results of a batch; or None, if shared parts are missing in the process."""

    results: tuple[Any, ...] | None
    seconds: float


def answer(batch: Batch, keys: Sequence[str] = (), contents: Sequence[Any] = ()) -> Answer:
    """Run a batch in a worker; ``contents`` are the parts that the executor's store holds under ``keys``."""
    _check_versions(batch.versions)
    begun = time.perf_counter()
    given: dict[str, Callable[[], bytes]] = {key: path.read_bytes for key, path in batch.files.items()}
    given |= {key: partial(bytes, part) for key, part in (*batch.inline.items(), *zip(keys, contents, strict=True))}
    try:
        jobs = [_kept.loaded(job, given) for job in batch.jobs]
    except MissingPartError:
        return Answer(None, 0.0)
    return Answer(tuple(map(batch.function, jobs)), time.perf_counter() - begun)


def _check_versions(wanted: tuple[tuple[str, str], ...]) -> None:
    there = determining_versions()
    other = [f"{name} {there.get(name)} instead of {version}" for name, version in wanted if there.get(name) != version]
    if other:
        raise BackendError(f"a worker has {', '.join(other)}; install the same versions everywhere")


def answers(
    function: Callable[[Any], Any], jobs: Iterable[tuple[int, Any]], executor: Executor, *, total: int
) -> Iterator[list[tuple[int, Any]]]:
    """Yield the results of jobs as they come: lists of (number of the job, result), empty ones in between.

    Parameters
    ----------
    jobs : iterable of (int, job)
        Each with its number; they are taken one after another as workers become free.
    total : int
        Number of jobs at most.

    Raises
    ------
    BackendError
        If workers are lost again and again, or cannot be reached.
    """
    with ExitStack() as stack:
        sender = _Sender(function, executor, stack)
        numbered, sent = iter(jobs), 0
        pending: dict[Future[Answer], _Sent] = {}
        stack.callback(lambda: [future.cancel() for future in pending])
        while True:
            slots = sender.slots
            while len(pending) < 2 * slots and (taken := list(islice(numbered, sender.size(total - sent, slots)))):
                sent += len(taken)
                pending |= sender.send(_Sent(tuple(index for index, _ in taken), sender.pack(taken)))
            if not pending:
                return
            done, _ = wait(pending, timeout=WAIT_SECONDS, return_when=FIRST_COMPLETED)
            found: list[tuple[int, Any]] = []
            for future in done:
                batch = pending.pop(future)
                results = sender.results(future, batch)
                if results is None:
                    pending |= sender.send(batch)
                else:
                    found += zip(batch.indices, results, strict=True)
            yield found


@dataclass
class _Sent:
    """A batch that is under way."""

    indices: tuple[int, ...]
    packed: tuple[tuple[bytes, tuple[str, ...]], ...]
    losses: int = 0
    has_all_parts: bool = False


class _Sender:
    """Sends batches to an executor, and measures their jobs."""

    def __init__(self, function: Callable[[Any], Any], executor: Executor, stack: ExitStack) -> None:
        self._function, self._executor, self._stack = function, executor, stack
        self._packer = Packer()
        self._files: dict[str, Path] = {}
        self._folder: Path | None = None
        self._share: Callable[[str, bytes], Any] | None = getattr(executor, "share", None)
        self._jobs, self._seconds = 0, 0.0

    @property
    def slots(self) -> int:
        """Number of calls that the executor runs at a time."""
        known = getattr(self._executor, "slots", None) or getattr(self._executor, "_max_workers", None)
        return max(int(known or os.cpu_count() or 1), 1)

    def size(self, left: int, slots: int) -> int:
        """Return the number of jobs of the next batch."""
        if not self._jobs:
            return 1
        wanted = BATCH_SECONDS * self._jobs / max(self._seconds, 1e-9)
        return max(1, int(min(wanted, math.ceil(left / (2 * slots)))))

    def pack(self, jobs: Sequence[tuple[int, Any]]) -> tuple[tuple[bytes, tuple[str, ...]], ...]:
        """Return the pickles of jobs, with the parts that each needs."""
        return tuple(self._packer.packed(job) for _, job in jobs)

    def send(self, sent: _Sent) -> dict[Future[Answer], _Sent]:
        """Send a batch, for the first time or again."""
        needs = dict.fromkeys(key for _, keys in sent.packed for key in keys)
        parts = {key: self._packer.parts[key] for key in needs}
        inline = {key: part for key, part in parts.items() if sent.has_all_parts or len(part) <= INLINE_BYTES}
        large = {key: part for key, part in parts.items() if key not in inline}
        store = tuple(self._share(key, part) for key, part in large.items()) if self._share is not None else ()
        files = {} if self._share is not None else {key: self._file(key, part) for key, part in large.items()}
        jobs = tuple(job for job, _ in sent.packed)
        batch = Batch(self._function, jobs, inline, files, tuple(determining_versions().items()))
        try:
            return {self._executor.submit(answer, batch, tuple(large) if store else (), list(store)): sent}
        except BrokenExecutor as error:
            raise _lost() from error

    def results(self, future: Future[Answer], sent: _Sent) -> tuple[Any, ...] | None:
        """Return the results of a batch, or None if it must be sent again."""
        try:
            found = future.result()
        except (LostWorkerError, CancelledError) as error:
            sent.losses += 1
            if getattr(self._executor, "is_lost", False):
                raise BackendError(LOST_CLUSTER) from error
            if sent.losses > MOST_LOSSES:
                raise _lost() from error
            return None
        except BrokenExecutor as error:
            raise _lost() from error
        if found.results is None:
            sent.has_all_parts = True
            return None
        self._jobs, self._seconds = self._jobs + len(found.results), self._seconds + found.seconds
        return found.results

    def _file(self, key: str, part: bytes) -> Path:
        """Return the file of a part, in a folder that is removed in the end."""
        if self._folder is None:
            self._folder = self._stack.enter_context(temporary_folder())
        if key not in self._files:
            self._files[key] = self._folder / key
            self._files[key].write_bytes(part)
        return self._files[key]


def _lost() -> BackendError:
    return BackendError("a worker process ended before it answered; use fewer workers if memory ran out")
