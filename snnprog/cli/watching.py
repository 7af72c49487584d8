"""Waiting for a change of files, by polling.

Polling needs no system support, and works on network folders and in containers, where notifications get lost. An
editor may replace a file by another, or take it away for a moment: only the
file with the name counts, and a change counts after the files were unchanged for one poll.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

LOOK_SECONDS = 0.25
"""Time between two polls, each a stat for each file: an edit shows within half a second. Insensitive within × 3."""

Stamp = tuple[int, int, int]
Stamps = Mapping[Path, Stamp | None]


def stamps_of(files: Iterable[Path]) -> Stamps:
    """Return the time, the size and the inode of each file; None for a missing file."""
    return {file: _stamp_of(file) for file in files}


def _stamp_of(file: Path) -> Stamp | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def wait_for_change(stamps: Stamps, *, pause: Callable[[], None] = lambda: time.sleep(LOOK_SECONDS)) -> None:
    """Return after a file has changed from its stamp, and all are stable.

    Parameters
    ----------
    pause : callable
        Called to wait between two polls.
    """
    before: Stamps = stamps
    while True:
        pause()
        now = stamps_of(stamps)
        if now == before and now != stamps:
            return
        before = now
