"""Running a command that is not trusted: to its end or its limit, with all that it started, and without believing it.

Its output goes to a nameless file, which no stray child can keep from closing and which it cannot delete. However it
ends, its whole process group is killed, which no process can ignore; a child that made a session of its own escapes
that, but nothing waits for it.

The group is killed, too, when this process is gone, even by -9 (on POSIX): a shell starts the command in its own place,
and leaves a guard in the group that waits for the end of a pipe whose other end this process alone holds.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import BinaryIO

IS_POSIX = os.name == "posix"
GUARD_DESCRIPTOR = 9
GUARDED = 'exec 9<&0; (read -r _ <&9; kill -9 0) & exec "$@" 9<&- </dev/null'
LOOK_SECONDS = 0.25
SAID_LIMIT_BYTES = 1 << 26
SHOWN_BYTES = 2000


def failure_of(
    command: Sequence[str], *, limit_s: float, folder: Path | None = None, inherited: Collection[int] = ()
) -> str:
    """Run a command, and return how it failed, with its last words; nothing if it ended with code 0.

    Parameters
    ----------
    limit_s : float
        Seconds after which it has failed.
    folder : Path, optional
        Where it runs.
    inherited : collection of int
        File descriptors that stay open in it (on POSIX); `GUARD_DESCRIPTOR` cannot.
    """
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                _guarded(command),
                stdin=subprocess.PIPE if IS_POSIX else subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd=folder,
                start_new_session=True,
                pass_fds=tuple(inherited),
            )
        except (OSError, ValueError) as error:
            return f"cannot be started: {error}"
        try:
            failure = _wait(process, said, limit_s=limit_s)
        finally:
            _end_group(process)
        return f"{failure}; {_last_words(said)}" if failure else ""


def _guarded(command: Sequence[str]) -> list[str]:
    """Return the words that start a command beside its guard, which never reads a line: nobody writes one."""
    if not IS_POSIX:
        return list(command)
    if shutil.which(command[0]) is None:  # a shell would tell in words of its own
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), command[0])
    return ["/bin/sh", "-c", GUARDED, "sh", *command]


def _wait(process: subprocess.Popen[bytes], said: BinaryIO, *, limit_s: float) -> str:
    end = time.monotonic() + limit_s
    while True:
        left = end - time.monotonic()
        try:
            code = process.wait(timeout=min(max(left, 0.0), LOOK_SECONDS))
        except subprocess.TimeoutExpired:
            if os.fstat(said.fileno()).st_size > SAID_LIMIT_BYTES:
                return f"said more than {SAID_LIMIT_BYTES} bytes and was ended"
            if left <= 0.0:
                return f"did not finish within {limit_s:.0f} s and was ended"
        else:
            return f"ended with code {code}" if code else ""


def _end_group(process: subprocess.Popen[bytes]) -> None:
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except (ProcessLookupError, PermissionError):
        pass
    if process.stdin is not None:
        process.stdin.close()
    process.wait()


def _last_words(said: BinaryIO) -> str:
    said.seek(max(0, os.fstat(said.fileno()).st_size - SHOWN_BYTES))
    text = said.read().decode("utf-8", errors="replace").strip()
    return f"it said: {text}" if text else "it said nothing"
