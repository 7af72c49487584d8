"""The option ``--workers``: extra processes for the design; they end with this one, even when it is killed."""

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


@contextmanager
def processes(workers: int) -> Iterator[Executor | None]:
    """Give this many worker processes; none for 1: this process does the work."""
    if workers == 1:
        yield None
        return
    from snnprog.processes.workers import Workers

    with Workers(workers) as executor:
        yield executor
