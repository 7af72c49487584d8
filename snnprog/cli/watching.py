"""Waiting until one of some files changes, by looking at them again and again.

That needs nothing of the system, and works on network folders and in containers, where notifications get lost. An
editor may replace a file by another, or take it away for a moment: what counts is what stands under the name, and a
change counts once the files have stayed as they are for one look.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

LOOK_SECONDS = 0.25
"""Between two looks: an edit shows within half a second, and a look costs a stat for each file. Insensitive within a
factor of 3."""

Stamp = tuple[int, int, int]
Stamps = Mapping[Path, Stamp | None]


def stamps_of(files: Iterable[Path]) -> Stamps:
    """Return what changes with the content of each file: its time, its size and its inode; None where there is none."""
    return {file: _stamp_of(file) for file in files}


def _stamp_of(file: Path) -> Stamp | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def wait_for_change(stamps: Stamps, *, pause: Callable[[], None] = lambda: time.sleep(LOOK_SECONDS)) -> None:
    """Return once a file is another than its stamp says, and all have settled.

    Parameters
    ----------
    pause : callable
        What passes the time between two looks.
    """
    before: Stamps = stamps
    while True:
        pause()
        now = stamps_of(stamps)
        if now == before and now != stamps:
            return
        before = now
