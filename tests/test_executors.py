"""Executors of other packages give the program that is made without one: those of Dask and of loky."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import distributed
import loky
import numpy as np
import pytest
from untyped import untyped

import snnprog as sp


@contextmanager
def dask_executor() -> Iterator[Executor]:
    with untyped(distributed).Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        yield client.get_executor()


@contextmanager
def loky_executor() -> Iterator[Executor]:
    with loky.ProcessPoolExecutor(2) as executor:
        yield executor


def spec(seed: int, **options: Any) -> sp.Spec:
    generator = np.random.default_rng(seed)
    inputs, targets = generator.random((60, 12)) < 0.1, generator.random((60, 3)) < 0.1
    targets[:5] = False
    return sp.Spec([sp.Pattern(inputs, targets)], range(1, 9), **options)


@pytest.mark.parametrize("executor_of", [dask_executor, loky_executor])
def test_executors_of_other_packages(
    executor_of: Callable[[], AbstractContextManager[Executor]], tmp_path: Path
) -> None:
    specs = [spec(0), spec(1, window=(0, 1)), spec(2, weight_bits=2)]
    with executor_of() as executor:
        for index, each in enumerate(specs):
            sp.compile(each, on_infeasible="closest").program.save(tmp_path / "here.snnp")
            sp.compile(each, on_infeasible="closest", executor=executor).program.save(tmp_path / "there.snnp")
            assert (tmp_path / "here.snnp").read_bytes() == (tmp_path / "there.snnp").read_bytes(), index
        assert sp.explain(specs[0], executor=executor).as_dict() == sp.explain(specs[0]).as_dict()
