"""Handling of Ctrl-C, SIGTERM and SIGHUP: a command ends at once, with one line and no traceback.

A thread waits for the signal, because Python's own handlers only run between two steps of the main thread, which may
be in a solver for minutes. Raising `KeyboardInterrupt` would not work either: libraries catch it in their callbacks
and during imports. The thread removes the temporary files and ends the process; processes that it started end
with it. Files that are being written keep their old content: see `snnprog.output_files`.

On other systems than POSIX, Python's own handling of Ctrl-C stays.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType

from snnprog.temporaries import sweep

SIGNALLED = 128
"""Shells add the number of a signal to this."""

CLEAN_LINE = b"\r\x1b[K\x1b[?25h"
"""Erases the line of a progress bar, and shows the cursor that the bar had hidden (ECMA-48: EL; DECTCEM)."""


def end_on_signals() -> None:
    """End this process on a signal from now on; signals ignored at the start, as by nohup, stay ignored."""
    if sys.platform != "win32":
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        texts = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "the terminal was closed"}
        numbers = [number for number in texts if signal.getsignal(number) is not signal.SIG_IGN]
        for number in numbers:
            signal.signal(number, _leave_to_thread)
        atexit.register(_ignore, numbers)
        threading.Thread(target=_wait, args=(reader, texts), daemon=True).start()


def _ignore(numbers: list[signal.Signals]) -> None:
    """Ignore signals from now on: the work is done, and Python removes its handlers before it ends."""
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


def _leave_to_thread(number: int, frame: FrameType | None) -> None:
    """Do nothing: the byte that Python wrote into the pipe has woken the thread."""


def _wait(reader: int, texts: dict[signal.Signals, str]) -> None:
    while True:
        number = os.read(reader, 1)[0]
        if number in texts:
            _end(number, texts[signal.Signals(number)])


def _end(number: int, text: str) -> None:
    line = f"snnprog: {text}\n".encode()
    with suppress(OSError):
        os.write(2, CLEAN_LINE + line if os.isatty(2) else line)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # the main thread continues until the end, and may find files removed
        os.dup2(nowhere, stream)
    sweep()
    os._exit(SIGNALLED + number)
