"""Progress of long steps: the callback, and the bars or lines that show it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

from snnprog.errors import SpecError

Progress = Callable[[str, int, int], None]
"""Called with (step, units done, units in all) as work proceeds.

A long search of unknown length inside a step is reported as the step's name followed by
`SEARCHING`, with the work done so far as both numbers, about four times a second.
"""

SEARCHING = ": searching"

LINE_SECONDS = 30.0
"""Time between two lines where standard error is not a terminal: services for continuous integration end jobs that say
nothing for ten minutes (Travis, CircleCI). A choice."""

REFRESH_SECONDS = 0.1
"""How often a notebook's bars are redrawn, at most: as Rich does in a terminal."""


@contextmanager
def shown(progress: Progress | bool | None, first: str) -> Iterator[Progress | None]:
    """Yield the function to call: the one given, or for True one that shows bars in a terminal, otherwise lines.

    Parameters
    ----------
    progress : callable, bool or None
    first : str
        The step that is shown until another one is reported.

    Raises
    ------
    SpecError
        If ``progress`` is something else.
    """
    if progress is None or progress is False:
        yield None
    elif progress is not True:
        if not callable(progress):
            raise SpecError(f"progress must be True, a callable or None, got {progress!r}")
        yield progress
    elif (notebook := _notebook()) is not None:
        with notebook_bars(notebook, first) as advance:
            yield advance
    elif sys.stderr.isatty():
        with terminal_bars(first) as advance:
            yield advance
    else:
        with log_lines(first) as advance:
            yield advance


def is_open(step: str, done: int, total: int) -> bool:
    """Return whether nobody knows how far a step will go."""
    return step.endswith(SEARCHING) or (done == 0 and total <= 1)


@contextmanager
def terminal_bars(first: str) -> Iterator[Progress]:
    """Show a bar for each step on standard error, with the time gone and left, until all is done."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import (
        Progress as Bars,
    )

    texts = TextColumn("{task.description}", markup=False)
    columns = (texts, BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {first: bars.add_task(first, total=None)}

        def advance(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=None)
            bars.update(tasks[step], completed=done, total=None if is_open(step, done, total) else total)

        yield advance


@contextmanager
def log_lines(first: str) -> Iterator[Progress]:
    """Print a line on standard error every 30 seconds: the step, how much of it is done, and the time gone."""
    begun, ended, latest = time.monotonic(), threading.Event(), [(first, 0, 0)]

    def advance(step: str, done: int, total: int) -> None:
        latest[0] = step, done, total

    def report() -> None:
        while not ended.wait(LINE_SECONDS):
            print(f"snnprog: {_line(*latest[0])}, {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield advance
    finally:
        ended.set()
        thread.join()


def _line(step: str, done: int, total: int) -> str:
    """Return a step and its work; a step that is finished is the last one that was reported, and others follow it."""
    if is_open(step, done, total):
        return f"{step} {done:,}" if done else step
    return f"{step} {done:,} of {total:,}" if done < total else f"after {step}"


@contextmanager
def notebook_bars(ipython: Any, first: str) -> Iterator[Progress]:
    """Show a bar for each step below a notebook's cell, until all is done; IPython alone is enough for it.

    Parameters
    ----------
    ipython : module
        IPython, or what has its ``display.display`` and ``display.HTML``.
    first : str
        The step that is shown until another one is reported.
    """
    steps: dict[str, tuple[int, int | None]] = {first: (0, None)}
    drawn = time.monotonic()
    handle = ipython.display.display(ipython.display.HTML(_bars(steps)), display_id=True)

    def advance(step: str, done: int, total: int) -> None:
        nonlocal drawn
        is_new = step not in steps
        steps[step] = (done, None if is_open(step, done, total) else total)
        if is_new or time.monotonic() - drawn >= REFRESH_SECONDS:
            handle.update(ipython.display.HTML(_bars(steps)))
            drawn = time.monotonic()

    try:
        yield advance
    finally:
        handle.update(ipython.display.HTML(""))


def _bars(steps: dict[str, tuple[int, int | None]]) -> str:
    rows = ""
    for step, (done, total) in steps.items():
        bar = f'value="{done}" max="{max(total, 1)}"' if total is not None else ""
        count = f"{done:,} of {total:,}" if total is not None else f"{done:,}" if done else ""
        rows += f"<div><label>{escape(step)} <progress {bar}></progress></label> {count}</div>"
    return rows


def _notebook() -> Any:
    """Return IPython where it runs the kernel of a notebook, else None; it is not imported for that."""
    ipython: Any = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return ipython if hasattr(shell, "kernel") else None
