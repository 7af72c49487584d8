"""Exchange questions and answers of known length with an untrusted command by pipes, within time limits.

The command runs as in `snnprog.processes.commands`, but its standard input and output stay open. Its whole group is
killed at the end, and when this process ends: the guard waits for the end of a named pipe, because standard input
belongs to the command.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

from snnprog.processes.commands import (
    SAID_LIMIT_BYTES,
    check_command,
    end_group,
    last_words,
    said_after,
)
from snnprog.processes.starting import start

GUARD = "guard"
GUARDED = f'(read -r _ <{GUARD}; kill -9 0) </dev/null >/dev/null 2>&1 & exec "$@"'
PIECE_BYTES = 1 << 16
"""The size of reads and writes: the capacity of a pipe (Linux, pipe(7))."""
LOOK_SECONDS = 0.25
END_SECONDS = 5.0
"""Seconds for a command to end after its input has ended, before it is killed. A choice, not a measurement."""


ONLY_POSIX = "cannot be started: it answers by pipes, which only POSIX systems can wait for"

UNANSWERED = "did not answer within"
"""How the failure of a command begins that was ended at its limit."""

Poll = Callable[[float], list[tuple[int, int]]]
"""Waits so many milliseconds, and returns the descriptors that are ready."""


class ConversationError(Exception):
    """The command failed; the text is the end of a sentence."""


class Conversation:
    """A command whose standard input and output are kept open, on POSIX; use it in a ``with`` statement.

    Parameters
    ----------
    command : sequence of str
    folder : Path
        The folder that it runs in: an empty folder of its own.
    variables, settings : optional
        As for `snnprog.processes.starting.start`.

    Raises
    ------
    ConversationError
        If it cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        variables: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        with ExitStack() as resources:
            self._said = resources.enter_context(tempfile.TemporaryFile())
            try:
                check_command(command)
                words, guard = _guarded(command, folder)
                resources.callback(os.close, guard)
                self._process = start(
                    words,
                    folder=folder,
                    streams=(subprocess.PIPE, subprocess.PIPE, self._said),
                    variables=variables,
                    settings=settings,
                    has_own_session=True,
                )
            except (OSError, ValueError) as error:
                raise ConversationError(f"cannot be started: {error}") from error
            self._resources = resources.pop_all()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._into, self._out_of = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._is_over = False
        self._poll_readable, self._poll_both = _polls(self._into, self._out_of)

    def first_line(self, *, limit_s: float, most_bytes: int) -> bytes:
        """Return the first line that the command writes, before any question.

        Raises
        ------
        ConversationError
            If the line is late or too long, or anything follows it.
        """
        line, end = bytearray(), time.monotonic() + limit_s
        while not line.endswith(b"\n"):
            if b"\n" in line:
                raise self._broken("wrote more than a line before the first question")
            if len(line) > most_bytes:
                raise self._broken(f"began with a line of more than {most_bytes} bytes")
            self._wait(end, limit_s, is_writing=False)
            line += self._read(PIECE_BYTES)
        return bytes(line)

    def answer(self, question: bytes, *, length: int, limit_s: float) -> bytes:
        """Write a question, and return the answer, which has a known length in bytes.

        Raises
        ------
        ConversationError
            If the command ends, does not answer in time, or wrote anything else.
        """
        if self._poll_readable(0):
            self._read(1)  # raises at the end
            raise self._broken("wrote more than the answer")
        if os.fstat(self._said.fileno()).st_size > SAID_LIMIT_BYTES:
            raise self._broken(f"printed more than {SAID_LIMIT_BYTES} bytes and was ended")
        left, answer, end = memoryview(question), bytearray(), time.monotonic() + limit_s
        left = left[self._write(left) :]
        while left or len(answer) < length:
            is_writable, is_readable = self._wait(end, limit_s, is_writing=bool(left))
            if is_readable:
                answer += self._read(min(max(length - len(answer), 1), PIECE_BYTES))
                if len(answer) > length:
                    raise self._broken("wrote more than the answer")
            if is_writable and left:
                left = left[self._write(left) :]
        return bytes(answer)

    def close(self) -> None:
        """End the input of the command; kill it if it does not end."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
        self._kill()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._resources.close()

    def __enter__(self) -> Conversation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None
    ) -> None:
        self.close()

    def _kill(self) -> None:
        """End the group, once: its number may be reused afterwards."""
        if not self._is_over:
            self._is_over = True
            end_group(self._process)

    def _wait(self, end: float, limit_s: float, *, is_writing: bool) -> tuple[bool, bool]:
        """Wait until the command accepts or provides data; return whether it does each."""
        while True:
            left = end - time.monotonic()
            poll = self._poll_both if is_writing else self._poll_readable
            ready = dict(poll(1000 * min(max(left, 0.0), LOOK_SECONDS)))
            if ready:
                return self._into in ready, self._out_of in ready
            if left <= 0.0:
                raise self._broken(f"{UNANSWERED} {limit_s:.3g} s and was ended")

    def _read(self, most_bytes: int) -> bytes:
        content = os.read(self._out_of, most_bytes)
        if not content:
            raise self._ended()
        return content

    def _write(self, content: memoryview) -> int:
        try:
            return os.write(self._into, content[:PIECE_BYTES])
        except BlockingIOError:
            return 0
        except BrokenPipeError as error:
            raise self._ended() from error

    def _ended(self) -> ConversationError:
        try:
            return self._broken(f"ended with code {self._process.wait(END_SECONDS)}")
        except subprocess.TimeoutExpired:
            return self._broken("closed its standard input or output and was ended")

    def _broken(self, failure: str) -> ConversationError:
        """End the command; return the error with the end of its output."""
        self._kill()
        return ConversationError(said_after(failure, last_words(self._said)))


def _guarded(command: Sequence[str], folder: Path) -> tuple[list[str], int]:
    """Return the words that start a command beside its guard, and what keeps the pipe open that the guard waits for."""
    if sys.platform == "win32":
        raise ConversationError(ONLY_POSIX)
    os.mkfifo(folder / GUARD, 0o600)
    descriptor = os.open(folder / GUARD, os.O_RDWR)  # not O_WRONLY, which waits for the guard
    return ["/bin/sh", "-c", GUARDED, "sh", *command], descriptor


def _polls(into: int, out_of: int) -> tuple[Poll, Poll]:
    """Let two pipes block no more; return what waits until the second can be read, and until either is ready."""
    if sys.platform == "win32":
        raise ConversationError(ONLY_POSIX)
    for descriptor in (into, out_of):
        os.set_blocking(descriptor, False)
    readable, both = select.poll(), select.poll()
    for poll in (readable, both):
        poll.register(out_of, select.POLLIN)
    both.register(into, select.POLLOUT)
    return readable.poll, both.poll
