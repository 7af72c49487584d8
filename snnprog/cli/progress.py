"""Progress bars on standard error, if that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from snnprog.progress import Progress, terminal_bars


@contextmanager
def progress_bar(quiet: bool, first: str = "design") -> Iterator[Progress | None]:
    """Show a bar for each step, with the time gone and left, on standard error, if that is a terminal.

    Parameters
    ----------
    quiet : bool
        Whether to show nothing.
    first : str
        The step that is shown until another one is reported.
    """
    if quiet or not sys.stderr.isatty():
        yield None
        return
    with terminal_bars(first) as advance:
        yield advance


@contextmanager
def working(what: str, quiet: bool) -> Iterator[None]:
    """Show activity with its duration on standard error, if that is a terminal."""
    with progress_bar(quiet, what):
        yield
