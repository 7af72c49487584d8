"""Calls in isolated processes: their answers, their errors, and their end."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from processes import heirs_of, is_gone, wait_until

import snnprog as sp
from snnprog.errors import UndecidedError
from snnprog.processes.workers import Workers
from snnprog.solver.jobs import run_jobs


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
        assert executor.submit(square, 3).result() == 9


def test_a_worker_that_is_killed_is_an_error() -> None:
    with Workers(1) as executor, pytest.raises(sp.BackendError, match="was killed by signal 9; use fewer workers if"):
        executor.submit(kill_oneself, 0).result()


def kill_oneself(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def in_order(function: Callable[[int], object], jobs: list[int], executor: Executor) -> list[object]:
    return list(run_jobs(function, jobs, executor, total=len(jobs), step="design", verdict=str))


def test_a_killed_process_of_another_executor_is_one_sentence() -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        with pytest.raises(sp.BackendError, match="a worker process ended before it answered; use fewer workers"):
            in_order(kill_oneself, [0, 1], executor)
        with pytest.raises(sp.BackendError, match="a worker process ended before it answered"):
            in_order(square, [1], executor)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc, and killed by the kernel")
@pytest.mark.parametrize("work", ["time.sleep", "deaf.work"])
def test_workers_end_with_a_killed_parent_and_leave_nothing(tmp_path: Path, work: str) -> None:
    (tmp_path / "deaf.py").write_text(DEAF, encoding="utf-8")
    script = (
        f"import sys, time; sys.path.append({str(tmp_path)!r}); import deaf\n"
        "from snnprog.processes.workers import Workers\n"
        "executor = Workers(2)\n"
        f"for future in [executor.submit({work}, 600) for _ in range(2)]: future.result()"
    )
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    own = {"SNNPROG_TEST_MARK": str(tmp_path), "TMPDIR": str(temporary)}
    parent = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, **own})
    mark = f"SNNPROG_TEST_MARK={tmp_path}"
    assert wait_until(lambda: len(heirs_of(mark)) == 3)
    assert wait_until(lambda: work == "time.sleep" or len(list(tmp_path.glob("begun*"))) == 2)
    parent.kill()
    parent.wait()
    assert wait_until(lambda: heirs_of(mark) == [])


def test_a_worker_finds_little_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "secret")
    monkeypatch.setenv("PYTHONSTARTUP", "/elsewhere")
    monkeypatch.setenv("PATH", os.pathsep.join(["", ".", "/usr/bin"]))
    with Workers(2) as executor:
        folder, files = executor.submit(surroundings).result()
        variables = executor.submit(environment).result()
    assert files == []
    assert not Path(folder).exists()
    assert not {"API_TOKEN", "PYTHONSTARTUP"} & set(variables)
    assert variables["PATH"] == "/usr/bin"


def surroundings() -> tuple[str, list[str]]:
    return os.getcwd(), os.listdir()  # noqa: PTH109, PTH208


def environment() -> dict[str, str]:
    return dict(os.environ)


# Compiled code that does not let go of the interpreter's lock, so that no other thread of it runs.
DEAF = """
import ctypes, os
def work(seconds):
    open(f"{os.path.dirname(__file__)}/begun{os.getpid()}", "w").close()
    ctypes.PyDLL(None).sleep(seconds)
"""


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
