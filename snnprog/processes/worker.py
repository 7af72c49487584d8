"""The worker process of `Workers`: calls arrive by standard input, answers leave by the original standard output.

It ends as soon as its parent ends, even by ``kill -9``, because standard input then ends; on Linux, the kernel kills
it, too, since compiled code may block the thread that waits for this. The parent handles Ctrl-C.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from contextlib import suppress
from typing import IO

from snnprog.processes.messages import receive, send

PR_SET_PDEATHSIG = 1  # prctl(2)


def main() -> None:
    """Answer calls until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # output of a solver must not be read as an answer
    calls: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, calls), daemon=True).start()
    while True:
        send(answers, _answer(calls.get()))


def end_with_parent() -> None:
    """Have the kernel kill this process as soon as the thread that started it has ended (on Linux)."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _read(stream: IO[bytes], calls: queue.SimpleQueue[bytes]) -> None:
    """Pass calls on; end the process at the end of the stream, at any time."""
    try:
        while True:
            calls.put(receive(stream))
    except (EOFError, OSError):
        with suppress(OSError):
            os.rmdir(os.getcwd())  # noqa: PTH106, PTH109  (its own folder, which a killed parent leaves)
        os._exit(0)


def _answer(call: bytes) -> bytes:
    """Return, pickled, the result of a call and None, or None and its exception with the text of its traceback."""
    try:
        function, args, kwargs = pickle.loads(call)
        return pickle.dumps((function(*args, **kwargs), None))
    except Exception as error:
        text = traceback.format_exc()
        try:
            pickle.loads(content := pickle.dumps((None, (error, text))))
        except Exception:  # an error that cannot be pickled or unpickled
            return pickle.dumps((None, (RuntimeError(f"{type(error).__name__}: {error}"), text)))
        return content


if __name__ == "__main__":
    main()
