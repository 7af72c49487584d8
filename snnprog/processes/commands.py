"""Run an untrusted command to its end or its limit, and end all processes that it started.

Its output goes to an unnamed file, which remaining children cannot block and the command cannot delete. When it
ends, for any reason, its whole process group is killed; a child that started its own session escapes
this, but nothing waits for it.

The group is also killed when this process ends, even by -9 (on POSIX): a shell replaces itself by the command,
and leaves a guard in the group that waits for the end of a pipe whose other end only this process holds.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from snnprog.processes.starting import start
from snnprog.temporaries import temporary_folder

GUARD_DESCRIPTOR = 9
GUARDED = 'exec 9<&0; (read -r _ <&9; kill -9 0) & exec "$@" 9<&- </dev/null'
LOOK_SECONDS = 0.25
SAID_LIMIT_BYTES = 1 << 26
SHOWN_BYTES = 2000

UNFINISHED = "did not finish within"
"""How the failure of a command begins that was ended at its limit."""


@dataclass(frozen=True)
class Ending:
    """How a command ended.

    Attributes
    ----------
    code : int or None
        Its exit code, negative for a signal; None if it did not start, or was ended at a limit.
    failure : str
        The failure as the end of a sentence; empty if it ended with code 0.
    last_words : str
        The end of its standard error, and of its standard output unless that was kept.
    """

    code: int | None
    failure: str
    last_words: str = ""


def ending_of(
    command: Sequence[str],
    *,
    limit_s: float,
    folder: Path,
    answer: IO[bytes] | None = None,
    variables: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
    inherited: Collection[int] = (),
) -> Ending:
    """Run a command, and return how it ended.

    Parameters
    ----------
    limit_s : float
        Time limit in seconds.
    folder : Path
        The folder that it runs in.
    answer : file, optional
        The file for its standard output; by default it is merged with standard error.
    variables, settings : optional
        As for `snnprog.processes.starting.start`.
    inherited : collection of int
        File descriptors that stay open in it (on POSIX); `GUARD_DESCRIPTOR` cannot.
    """
    with tempfile.TemporaryFile() as said:
        try:
            process = start(
                _guarded(command),
                folder=folder,
                streams=(subprocess.DEVNULL if sys.platform == "win32" else subprocess.PIPE, answer or said, said),
                variables=variables,
                settings=settings,
                has_own_session=True,
                inherited=inherited,
            )
        except (OSError, ValueError) as error:
            return Ending(None, f"cannot be started: {error}")
        try:
            code, failure = _wait(process, [said] if answer is None else [said, answer], limit_s=limit_s)
        finally:
            end_group(process)
        return Ending(code, failure, last_words(said))


def failure_of(
    command: Sequence[str],
    *,
    limit_s: float,
    folder: Path,
    variables: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
    inherited: Collection[int] = (),
) -> str:
    """Run a command as `ending_of` does, and return its failure with the end of its output; empty on success."""
    ending = ending_of(
        command, limit_s=limit_s, folder=folder, variables=variables, settings=settings, inherited=inherited
    )
    if not ending.failure or ending.failure.startswith("cannot"):
        return ending.failure
    return said_after(ending.failure, ending.last_words)


def said_after(failure: str, words: str) -> str:
    """Return the failure of a command with the end of its output."""
    return f"{failure}; it {f'said: {words}' if words else 'printed nothing'}"


def answer_of(command: Sequence[str], *, limit_s: float) -> str:
    """Return the output of a command, or an empty string if it is missing, fails, hangs or prints invalid text."""
    with tempfile.TemporaryFile() as answer, temporary_folder() as folder:
        if ending_of(command, limit_s=limit_s, folder=folder, answer=answer).failure:
            return ""
        answer.seek(0)
        try:
            return answer.read().decode("utf-8").strip()
        except UnicodeDecodeError:
            return ""


def _guarded(command: Sequence[str]) -> list[str]:
    """Return the words that start a command with its guard, which waits for the end of its pipe."""
    if sys.platform == "win32":
        return list(command)
    check_command(command)
    return ["/bin/sh", "-c", GUARDED, "sh", *command]


def check_command(command: Sequence[str]) -> None:
    """Raise `FileNotFoundError` if there is no such command, before the shell prints its own message."""
    if shutil.which(command[0]) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), command[0])


def _wait(process: subprocess.Popen[bytes], said: Sequence[IO[bytes]], *, limit_s: float) -> tuple[int | None, str]:
    """Return the exit code, or None if it had to be ended, and the failure."""
    end = time.monotonic() + limit_s
    while True:
        left = end - time.monotonic()
        try:
            code = process.wait(timeout=min(max(left, 0.0), LOOK_SECONDS))
        except subprocess.TimeoutExpired:
            if any(os.fstat(file.fileno()).st_size > SAID_LIMIT_BYTES for file in said):
                return None, f"printed more than {SAID_LIMIT_BYTES} bytes and was ended"
            if left <= 0.0:
                return None, f"{UNFINISHED} {limit_s:.3g} s and was ended"
        else:
            return code, f"ended with code {code}" if code else ""


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that leads a group, and the group; close its standard input."""
    try:
        if sys.platform == "win32":  # which has no groups: what the process started goes on
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    if process.stdin is not None:
        process.stdin.close()
    process.wait()


def last_words(said: IO[bytes]) -> str:
    """Return the end of the output of a command in a file."""
    said.seek(max(0, os.fstat(said.fileno()).st_size - SHOWN_BYTES))
    return said.read().decode("utf-8", errors="replace").strip()
