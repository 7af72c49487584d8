"""Errors of separate processes that read files."""

from __future__ import annotations

import signal
from pathlib import Path

from snnprog.errors import FormatError
from snnprog.processes.commands import Ending

XCPU, KILL = getattr(signal, "SIGXCPU", None), getattr(signal, "SIGKILL", None)  # Windows has neither


def reading_failure(path: Path, ending: Ending, *, library: str) -> FormatError:
    """Return the error of a reader that hung, failed, or was ended by a signal.

    Parameters
    ----------
    path : Path
        The file that was read.
    ending : Ending
        How the process ended.
    library : str
        The name of its library in messages.
    """
    if ending.code is None:
        return FormatError(f"{path} cannot be read: its reader {ending.failure}; it is damaged, or on a slow disk")
    if ending.code >= 0:
        last = ending.last_words.splitlines()[-1] if ending.last_words else str(ending.code)
        return FormatError(f"{path} cannot be read: the process that reads it failed: {last}")
    reasons = {
        XCPU: "it takes more processor time than a file of its size may; it is damaged or hostile",
        KILL: "its reader was killed by signal 9; memory may have run out",
    }
    damaged = f"{library} was ended by signal {-ending.code}: it is damaged"
    return FormatError(f"{path} cannot be read: {reasons.get(-ending.code, damaged)}")
