"""Processes beside this one, for commands that design; they end with it, even where it is killed."""

from __future__ import annotations

import os
import threading
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
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=end_with_parent) as executor:
        yield executor


def end_with_parent() -> None:
    """Have a worker end as soon as the process that started it is gone, which otherwise leaves it waiting for ever."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    from multiprocessing import parent_process

    parent = parent_process()
    assert parent is not None, "only workers are started with this"
    parent.join()
    os._exit(1)
