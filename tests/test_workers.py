"""Calls in isolated processes: their answers, their errors, and their end."""

from __future__ import annotations

import os
import signal
import sys
import time

import numpy as np
import pytest
from processes import is_gone

import snnprog as sp
from snnprog.errors import UndecidedError
from snnprog.processes.workers import Workers


def square(number: int) -> int:
    print("what a solver prints", flush=True)
    return number * number


def refuse(kind: str) -> None:
    if kind == "undecided":
        raise UndecidedError("output 3 has no answer", (3,))

    class LocalError(Exception):
        pass

    raise LocalError("cannot be pickled")


def end(code: int) -> None:
    os._exit(code)


def ignore_ctrl_c() -> int:
    os.kill(os.getpid(), signal.SIGINT)
    return os.getpid()


def test_answers_come_in_order() -> None:
    with Workers(2) as executor:
        assert list(executor.map(square, range(20))) == [number * number for number in range(20)]
        large = np.arange(1 << 18)
        assert np.array_equal(executor.submit(np.negative, large).result(), -large)


def test_each_worker_is_a_process_of_its_own() -> None:
    with Workers(2) as executor:
        found = set(executor.map(pid_after_a_while, range(4)))
    assert len(found) == 2
    assert os.getpid() not in found
    assert all(is_gone(pid) for pid in found)


def pid_after_a_while(_: int) -> int:
    time.sleep(0.2)
    return os.getpid()


def test_errors_come_back_with_their_traceback() -> None:
    with Workers(1) as executor:
        undecided = executor.submit(refuse, "undecided").exception()
        assert isinstance(undecided, UndecidedError)
        assert undecided.neurons == (3,)
        assert "in refuse" in str(undecided.__cause__)
        unknown = executor.submit(refuse, "local").exception()
        assert isinstance(unknown, RuntimeError)
        assert str(unknown) == "LocalError: cannot be pickled"
        assert executor.submit(square, 3).result() == 9


def test_a_worker_that_ends_is_an_error() -> None:
    with Workers(1) as executor:
        with pytest.raises(sp.BackendError, match="a worker process ended with code 7; use fewer workers if memory"):
            executor.submit(end, 7).result()
        with pytest.raises(sp.BackendError, match="a worker process ended with code 7"):
            executor.submit(square, 3).result()


def test_an_error_in_the_parent_ends_the_workers_at_once() -> None:
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt), Workers(2) as executor:  # noqa: PT012
        pid = executor.submit(os.getpid).result()
        for _ in range(4):
            executor.submit(time.sleep, 600)
        raise KeyboardInterrupt
    assert is_gone(pid)
    assert time.monotonic() - begun < 300


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_ctrl_c_is_for_the_parent() -> None:
    with Workers(1) as executor:
        assert executor.submit(ignore_ctrl_c).result() == executor.submit(os.getpid).result()
