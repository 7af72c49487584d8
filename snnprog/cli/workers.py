"""Processes beside this one, for commands that design."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from concurrent.futures import Executor

workers_option = click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 256), help="Processes for the design."
)


@contextmanager
def processes(workers: int) -> Iterator[Executor | None]:
    """Give so many processes to work in; none, for 1, where this one does the work."""
    if workers == 1:
        yield None
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # workers are the parallelism; threads beside them only wait
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as executor:
        yield executor
