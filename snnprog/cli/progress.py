"""Progress on standard error: bars in a terminal, otherwise lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from snnprog.progress import Progress, shown


@contextmanager
def progress_bar(quiet: bool, first: str = "design") -> Iterator[Progress | None]:
    """Show each step, with the time gone: as bars in a terminal, or as a line every 30 seconds.

    Parameters
    ----------
    quiet : bool
        Whether to show nothing.
    first : str
        The step that is shown until another one is reported.
    """
    with shown(not quiet, first) as advance:
        yield advance


@contextmanager
def working(what: str, quiet: bool) -> Iterator[None]:
    """Show activity with its duration."""
    with progress_bar(quiet, what):
        yield
