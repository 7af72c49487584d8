"""One thread for linear algebra: the same program on any number of processors, and the user's setting afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from command_line import Command
from threadpoolctl import threadpool_info, threadpool_limits

import snnprog as sp
from snnprog.solver import one_blas_thread

ROOT = Path(__file__).resolve().parents[1]
TAPS, TICKS = 100, 400  # large enough for OpenBLAS to use threads, and for the weights to depend on them
SPEC = 'delays = [1]\n[[patterns]]\ninputs = "r.npz:inputs"\ntargets = "r.npz:targets"\n'


def blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Let linear algebra use two threads; skip where it cannot be told to."""
    with threadpool_limits(2, user_api="blas"):
        if blas_threads() != {2}:
            pytest.skip("the BLAS of this NumPy or SciPy takes no number of threads")
        yield


def spec_of(outputs: int) -> sp.Spec:
    generator = np.random.default_rng(0)
    inputs = generator.random((TICKS, TAPS)) < 0.02
    targets = (generator.random((TICKS, outputs)) < 0.02) & np.roll(inputs, 1, axis=0).any(axis=1, keepdims=True)
    targets[:10] = False
    return sp.Spec([sp.Pattern(inputs, targets)], [1])


@pytest.mark.usefixtures("two_threads")
def test_a_program_does_not_depend_on_the_number_of_threads() -> None:
    programs = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            programs.append(sp.compile(spec_of(2)).program)
    assert np.array_equal(programs[0].weight, programs[1].weight)


@pytest.mark.usefixtures("two_threads")
def test_a_program_does_not_depend_on_the_number_of_workers(command: Command, tmp_path: Path) -> None:
    (pattern,) = spec_of(2).patterns
    np.savez(tmp_path / "r.npz", inputs=pattern.inputs, targets=pattern.targets)
    (tmp_path / "SPEC.toml").write_text(SPEC, encoding="utf-8")
    files = [tmp_path / f"{workers}.snnp" for workers in (1, 2)]
    for workers, file in enumerate(files, start=1):
        assert command("compile", tmp_path / "SPEC.toml", "-o", file, "--workers", workers)[0] == 0
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.usefixtures("two_threads")
def test_the_limit_holds_inside_and_is_put_back() -> None:
    seen: list[set[int]] = []
    sp.compile(spec_of(1), progress=lambda *_: seen.append(blas_threads()))
    sp.explain(spec_of(1), progress=lambda *_: seen.append(blas_threads()))
    assert seen
    assert all(threads == {1} for threads in seen)
    assert blas_threads() == {2}
    with pytest.raises(sp.SpecError):
        sp.compile(spec_of(1), seed=-1)
    assert blas_threads() == {2}


@pytest.mark.usefixtures("two_threads")
def test_the_limit_is_put_back_by_the_last_of_several_threads() -> None:
    inside, half = Barrier(2), Barrier(2)

    def first() -> set[int]:
        with one_blas_thread():
            inside.wait()
        half.wait()
        return blas_threads()

    def second() -> set[int]:
        with one_blas_thread():
            inside.wait()
            half.wait()
            return blas_threads()

    with ThreadPoolExecutor(2) as executor:
        futures = [executor.submit(call) for call in (first, second)]
        assert futures[1].result() == {1}
    assert blas_threads() == {2}


IN_A_FRESH_PROCESS = """
import snnprog as sp
import numpy as np
from threadpoolctl import threadpool_info

def threads():
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}

seen = []
spec = sp.Spec([sp.Pattern(np.eye(4, dtype=bool), np.eye(4, 1, k=-1, dtype=bool))], [1])
sp.compile(spec, progress=lambda *_: seen.append(threads()))
print(set(map(frozenset, seen)) == {frozenset([1])}, threads())
"""


@pytest.mark.parametrize("before", ["", "import numpy", "import scipy.linalg"])
def test_the_order_of_imports_does_not_matter(before: str) -> None:
    code = before + IN_A_FRESH_PROCESS
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    if done.stdout != "True {1}\n":  # a single processor
        assert done.stdout == "True {2}\n"
