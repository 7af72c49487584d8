"""An executor whose calls run in isolated processes.

`concurrent.futures.ProcessPoolExecutor` is not suitable: its processes and its resource tracker start with
the current folder first on their import path, which only Python 3.11 and later can avoid.
"""

from __future__ import annotations

import pickle
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import ParamSpec, TypeVar

from snnprog.processes.batches import LostWorkerError
from snnprog.processes.isolation import own_module
from snnprog.processes.messages import receive, send
from snnprog.processes.starting import start
from snnprog.temporaries import temporary_folder

P = ParamSpec("P")
T = TypeVar("T")
WORKER = "snnprog.processes.worker"


class Workers(Executor):
    """A pool of isolated processes, each running one call at a time; use it in a ``with`` statement.

    Functions, arguments, answers and errors are pickled. When the ``with`` statement is left by an error, the processes
    are killed; otherwise, it waits for all calls.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._threads = ThreadPoolExecutor(count)  # each thread manages one process
        self._own = threading.local()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._folders = ExitStack()
        self._is_broken_off = False

    @property
    def slots(self) -> int:
        """Number of processes."""
        return self._count

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function in a process; its future raises `LostWorkerError` if the process ends before it answers."""
        return self._threads.submit(self._call, function, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for all calls, then end the processes."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        if wait:
            for process in self._processes:
                process.communicate()  # closes its standard input, which ends it
            self._folders.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None
    ) -> None:
        if kind is not None:
            self._is_broken_off = True
            self._threads.shutdown(wait=False, cancel_futures=True)
            for process in list(self._processes):
                process.kill()
        self.shutdown()

    def _call(self, function: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object]) -> T:
        process = self._process()
        assert process.stdin is not None
        assert process.stdout is not None
        call = pickle.dumps((function, args, kwargs))
        try:
            send(process.stdin, call)
            answer, raised = pickle.loads(receive(process.stdout))
        except (EOFError, OSError) as error:
            code = process.wait()
            del self._own.process  # the next call starts another one
            how = f"ended with code {code}" if code >= 0 else f"was killed by signal {-code}"
            raise LostWorkerError(f"a worker process {how}; use fewer workers if memory ran out") from error
        if raised is not None:
            cause, text = raised
            raise cause from RuntimeError(f"in a worker process: {text}")
        result: T = answer
        return result

    def _process(self) -> subprocess.Popen[bytes]:
        """Return the process of this thread."""
        if not hasattr(self._own, "process"):
            self._own.process = start(
                own_module(WORKER),
                folder=self._folders.enter_context(temporary_folder()),
                streams=(subprocess.PIPE, subprocess.PIPE, None),
                has_own_session=True,  # Ctrl-C is for this process only, also before the other can ignore it
            )
            self._processes.append(self._own.process)
            if self._is_broken_off:  # while it was started
                self._own.process.kill()
        process: subprocess.Popen[bytes] = self._own.process
        return process
