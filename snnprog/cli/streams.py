"""Standard output and error that fail without harm: a closed pipe or a full disk does not change the exit code.

Output that cannot be written is dropped, and the command continues to its exit code. The first error of standard output
is kept, and `snnprog.cli.entry` reports it.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class ForgivingStream(io.RawIOBase):
    """A file descriptor to write to; after its first error, all else is dropped.

    Attributes
    ----------
    error : OSError or None
        That error.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.error: OSError | None = None

    def writable(self) -> bool:
        """Return True: it can be written to."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self.descriptor

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return os.isatty(self.descriptor)

    def write(self, content: bytes) -> int:  # type: ignore[override]  # Buffer has a name only from Python 3.12 on
        """Write some bytes, or drop them; return how many."""
        if self.error is None:
            try:
                return os.write(self.descriptor, content)
            except OSError as error:
                self.error = error
        return len(content)

    @property
    def is_incomplete(self) -> bool:
        """Whether output is missing that matters: a closed pipe does not count."""
        return self.error is not None and not isinstance(self.error, BrokenPipeError)


@contextmanager
def forgiving_streams() -> Iterator[ForgivingStream | None]:
    """Replace standard output and error, and give the new output; None if they were replaced before or on Windows."""
    before = sys.stdout, sys.stderr
    is_ours = before == (sys.__stdout__, sys.__stderr__)
    if sys.platform == "win32" or not is_ours:
        for stream in before if is_ours else ():
            if isinstance(stream, io.TextIOWrapper):  # its encoding may lack characters of names and numbers
                stream.reconfigure(errors="backslashreplace")
        yield None
        return
    output = ForgivingStream(1)
    sys.stdout = _text(output, is_by_line=output.isatty())
    sys.stderr = _text(ForgivingStream(2), is_by_line=True)
    try:
        yield output
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def is_output_gone() -> bool:
    """Return whether standard output has failed: a closed pipe or a full disk. Nothing more can be written."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return isinstance(raw, ForgivingStream) and raw.error is not None


def _text(stream: io.RawIOBase, *, is_by_line: bool) -> io.TextIOWrapper:
    """Return a text stream in the encoding of the one that it replaces; file names may be invalid text."""
    replaced = sys.__stdout__
    encoding = "utf-8" if replaced is None else replaced.encoding
    return io.TextIOWrapper(
        io.BufferedWriter(stream), encoding=encoding, errors="backslashreplace", line_buffering=is_by_line
    )
