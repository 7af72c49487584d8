"""Executors of other packages as those of `concurrent.futures`: a Dask client, and pools with ``apply_async``.

Neither Dask nor Ray is imported: what was given decides. Both send pickles, which run code when they are loaded, so
their addresses must be reachable from trusted machines only.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any, ParamSpec, Protocol, TypeAlias, TypeVar

from snnprog.errors import BackendError, SpecError
from snnprog.wording import a_type, counted

P = ParamSpec("P")
T = TypeVar("T")
ASK_SECONDS = 1.0
"""Interval between requests for the number of workers: a cluster changes more slowly."""

LOST_CLUSTER = "the Dask scheduler was lost; start it and run the same call again: a journal keeps finished neurons"

CONNECT_SECONDS = 10.0
"""Time to reach a scheduler: Dask's own default is 30 s, which is long for a wrong address."""


class DaskClient(Protocol):
    """A client of a Dask cluster, such as ``dask.distributed.Client``."""

    def get_executor(self) -> Executor:
        """Return an executor of the cluster."""

    def scatter(self, data: object) -> object:
        """Send data to the cluster."""


class AsyncPool(Protocol):
    """A pool of processes, such as ``multiprocessing.Pool`` or ``ray.util.multiprocessing.Pool``."""

    def apply_async(self, func: Callable[..., Any]) -> object:
        """Call a function in a process."""


AnyExecutor: TypeAlias = Executor | DaskClient | AsyncPool
"""What `as_executor` accepts."""


def as_executor(given: AnyExecutor | None) -> Executor | None:
    """Return an executor for what a caller gave.

    Parameters
    ----------
    given : Executor, dask.distributed.Client, pool or None
        Pools have ``apply_async``, as those of `multiprocessing` and of ``ray.util.multiprocessing``.

    Raises
    ------
    SpecError
        If it is something else.
    """
    if given is None or isinstance(given, Executor):
        return given
    if hasattr(given, "get_executor") and hasattr(given, "scatter"):
        return DaskExecutor(given)
    if hasattr(given, "apply_async"):
        return PoolExecutor(given)
    raise SpecError(
        "executor must be an executor of concurrent.futures, a Dask client, or a pool with apply_async,"
        f" got {a_type(given)}"
    )


class DaskExecutor(Executor):
    """Runs calls on a Dask cluster.

    Parameters
    ----------
    client : dask.distributed.Client
    """

    def __init__(self, client: Any) -> None:
        self._client, self._executor = client, client.get_executor(pure=False)
        self._shared: dict[str, Any] = {}
        self._slots, self._asked = 0, -math.inf

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function in a worker; Dask repeats calls of lost workers."""
        with _reached():
            future: Future[T] = self._executor.submit(function, *args, **kwargs)
        return future

    def share(self, key: str, part: bytes) -> object:
        """Return the cluster's reference to a part, which is sent to it once, unless all workers with it were lost."""
        if key not in self._shared or self._shared[key].status != "finished":
            with _reached():
                self._shared[key] = self._client.scatter(part, hash=False)
        found: object = self._shared[key]
        return found

    @property
    def slots(self) -> int:
        """Threads of all workers, which may come and go."""
        if time.monotonic() - self._asked > ASK_SECONDS:
            with _reached():
                self._slots = sum(self._client.ncores().values())
            self._asked = time.monotonic()
        return self._slots

    @property
    def is_lost(self) -> bool:
        """Whether the scheduler cannot be reached."""
        return bool(self._client.status != "running")


@contextmanager
def _reached() -> Iterator[None]:
    """Turn errors of the connection into one sentence."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # Dask's are among them
        raise BackendError(f"{LOST_CLUSTER} ({error})") from error


class PoolExecutor(Executor):
    """Runs calls in a pool with ``apply_async``."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function in a worker."""
        future: Future[T] = Future()
        self._pool.apply_async(function, args, kwargs, callback=future.set_result, error_callback=future.set_exception)
        return future


@contextmanager
def scheduler_at(address: str) -> Iterator[Executor]:
    """Give the executor of a Dask scheduler.

    Parameters
    ----------
    address : str
        Such as "tcp://10.0.0.7:8786".

    Raises
    ------
    BackendError
        If it cannot be reached, or has no workers.
    SpecError
        If the address has no host and port, or Dask is not installed.
    """
    try:
        import distributed
        from distributed.comm.addressing import get_address_host_port
    except ImportError as error:
        raise SpecError("a scheduler needs Dask; install it with: pip install 'snnprog[dask]'") from error
    try:
        get_address_host_port(address)
    except ValueError as error:
        raise SpecError(f"a scheduler must be an address such as tcp://10.0.0.7:8786, got {address!r}") from error
    try:
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # errors are reported in one sentence
        client: Any = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise BackendError(
            f"the scheduler {address} cannot be reached: {error}; start one with: dask scheduler"
        ) from error
    with client:
        workers = len(client.ncores())
        if not workers:
            raise BackendError(
                f"the scheduler {address} has {counted(workers, 'worker')}; start some with: dask worker {address}"
            )
        yield DaskExecutor(client)
