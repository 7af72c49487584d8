"""Where neurons are designed: ``--workers``, processes that end with this one, even by a kill, or ``--scheduler``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from snnprog.cli.numbers import IntegerOption

if TYPE_CHECKING:
    from concurrent.futures import Executor

workers_option = click.option(
    "--workers", default=1, show_default=True, type=IntegerOption(1, 256), help="Number of processes to design with."
)

scheduler_option = click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Design on the Dask cluster of a scheduler, e.g. tcp://10.0.0.7:8786. Only for trusted networks.",
)


@contextmanager
def executor_of(workers: int, scheduler: str | None) -> Iterator[Executor | None]:
    """Give the executor of a scheduler, or that of this many processes.

    Raises
    ------
    click.UsageError
        If both are given.
    """
    if scheduler is None:
        with processes(workers) as executor:
            yield executor
        return
    if workers != 1:
        raise click.UsageError("--workers cannot be used with --scheduler, whose workers are used; remove one")
    from snnprog.processes.executors import scheduler_at

    with scheduler_at(scheduler) as cluster:
        yield cluster


@contextmanager
def processes(workers: int) -> Iterator[Executor | None]:
    """Give this many worker processes; none for 1: this process does the work."""
    if workers == 1:
        yield None
        return
    from snnprog.processes.workers import Workers

    with Workers(workers) as executor:
        yield executor
