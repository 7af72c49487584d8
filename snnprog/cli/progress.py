"""What shows, on standard error where that is a terminal, that work is going on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from snnprog.progress import SEARCHING


@contextmanager
def progress_bar(quiet: bool, first: str = "design") -> Iterator[Callable[[str, int, int], None] | None]:
    """Show a bar for each step, with the time gone and left, on standard error, where that is a terminal.

    Parameters
    ----------
    quiet : bool
        Whether to show nothing.
    first : str
        The step that goes on until another one is told.
    """
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    texts = TextColumn("{task.description}", markup=False)
    columns = (texts, BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks = {first: bar.add_task(first, total=None)}

        def advance(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=None)
            is_open = step.endswith(SEARCHING) or (done == 0 and total <= 1)
            bar.update(tasks[step], completed=done, total=None if is_open else total)

        yield advance


@contextmanager
def working(what: str, quiet: bool) -> Iterator[None]:
    """Show that something is going on, and for how long, on standard error, where that is a terminal."""
    with progress_bar(quiet, what):
        yield
