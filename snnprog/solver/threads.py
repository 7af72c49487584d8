"""One thread for linear algebra while weights are calculated.

How many threads a BLAS uses decides in which order it adds, so the last bits of a sum, and with them the weights of a
program, would depend on the number of processors and of workers. The matrices of one neuron are also too small for
threads to help: one of 1000 taps and 8000 ticks takes a sixth of the processor time with one thread instead of two
(1.36 s and 0.23 s on a busy machine of 2 processors, OpenBLAS 0.3.29), and less time on the clock, too.

NumPy and SciPy each have their own BLAS. In some, the number of threads belongs to the process: the last context to
leave restores it. In others, it belongs to the thread that sets it, and is restored there. That of Apple's Accelerate
cannot be set.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import scipy.linalg  # noqa: F401  # loads both: an unloaded library cannot be limited
from threadpoolctl import ThreadpoolController

Settings = list[tuple[Any, int]]


class _Limit:
    """The limit, and the contexts that rely on it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads = 0
        self._of_process: Settings = []
        self._own = threading.local()

    def enter(self) -> None:
        """Set the limit, unless this thread has it."""
        self._own.depth = getattr(self._own, "depth", 0) + 1
        if self._own.depth > 1:
            return
        with self._lock:
            if self._threads == 0:
                self._of_process = _settings(_libraries(is_shared=True))
            self._own.settings = _settings(_libraries(is_shared=False))
            self._threads += 1
            _apply([(library, 1) for library, _ in (*self._of_process, *self._own.settings)])

    def leave(self) -> None:
        """Restore the previous numbers."""
        self._own.depth -= 1
        if self._own.depth > 0:
            return
        with self._lock:
            self._threads -= 1
            _apply(self._own.settings)
            if self._threads == 0:
                _apply(self._of_process)


@cache
def _libraries(*, is_shared: bool) -> Sequence[Any]:
    """Return the BLAS libraries whose number of threads belongs to the process, or to each thread of it."""
    found = ThreadpoolController().select(user_api="blas").lib_controllers
    return [library for library in found if _is_shared(library) == is_shared]


def _is_shared(library: Any) -> bool:
    """Return whether the number of threads belongs to the process: not MKL's, which is set by thread, nor OpenMP's."""
    return library.internal_api != "mkl" and getattr(library, "threading_layer", "") != "openmp"


def _settings(libraries: Sequence[Any]) -> Settings:
    return [(library, library.num_threads) for library in libraries]


def _apply(settings: Settings) -> None:
    """Set numbers of threads.

    `set_num_threads` of threadpoolctl 3.8 has no effect for OpenBLAS in a thread while another one that set it before
    is alive. The setting still belongs to the process, and must be restored if a second thread leaves last.
    """
    for library, threads in settings:
        getattr(library, "_real_set_num_threads", library.set_num_threads)(threads)


_LIMIT = _Limit()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let linear algebra use one thread, until all such contexts are left; also a decorator."""
    _LIMIT.enter()
    try:
        yield
    finally:
        _LIMIT.leave()
