"""Run a program on another host: ``runner.py PROGRAM STIMULUS RESULT``.

The two files go to the host, a command there that honours the same contract runs on them, and its result comes back.
Environment variables say where and what:

``SNNPROG_REMOTE_HOST``
    The host, as ssh knows it: "chip.example.org", "me@chip", an alias of ~/.ssh/config.
``SNNPROG_REMOTE_COMMAND``
    The command there; PROGRAM STIMULUS RESULT are added: "/opt/lava/bin/python -I /opt/snnprog/lava/runner.py".
``SNNPROG_REMOTE_SHELL``
    What takes the place of "ssh -o BatchMode=yes --"; it is called with the host and one shell command.
``SNNPROG_RESULT_LIMIT_BYTES``
    How many bytes the result may have; snnprog sets it.

One connection does it all: both files travel as a tar archive on its standard input, the result on its standard
output, what the command says on its standard error. The files lie in a folder of their own there, which is removed at
the end. The host needs sh, tar, mktemp and the command; this side needs ssh and the standard library. If this side is
ended, the command there goes on to its own end: "timeout 600 COMMAND" gives it one.

RESULT appears whole or not at all. Exit code 0 means it was written; anything else comes with one sentence on stderr.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tarfile
import threading
from pathlib import Path
from typing import IO

SHELL = "ssh -o BatchMode=yes --"
HOST = re.compile(r"(ssh://)?([\w.+%][\w.+%-]*@)?[\w.:\[%][\w.:%\]-]*", re.ASCII)
HOST_CHARACTERS = 320  # a user's name of 64 and a host's of 253 (RFC 5321, RFC 1035)
RESULT_LIMIT_BYTES = 1 << 30
SAID_BYTES = 1500  # snnprog shows the last 2000, with the sentence around them
PIECE_BYTES = 1 << 16
NOT_CONNECTED = 255
SCRIPT = """\
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT && cd "$folder" && tar xf - &&
{command} program.snnp stimulus.npz result.npz >&2 </dev/null && cat result.npz
"""


class RunnerError(Exception):
    """Something went wrong; the message is the sentence shown to the caller."""


def setting(name: str) -> str:
    """Return an environment variable; raise `RunnerError` if it is not set."""
    value = os.environ.get(name)
    if not value:
        raise RunnerError(f"{name} is not set; it says where or what to run")
    return value


def checked_host(host: str) -> str:
    """Return the host name; raise `RunnerError` if it is not one, for example an option of ssh."""
    if len(host) > HOST_CHARACTERS or not HOST.fullmatch(host):
        raise RunnerError(
            f"SNNPROG_REMOTE_HOST must be a host, as in 'me@chip.example.org', got {host[:HOST_CHARACTERS]!r}"
        )
    return host


def limit_of_result() -> int:
    """Return how many bytes a result may have."""
    text = os.environ.get("SNNPROG_RESULT_LIMIT_BYTES", "")
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else RESULT_LIMIT_BYTES


def packed(program: Path, stimulus: Path) -> bytes:
    """Return both files as a tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(program, "program.snnp")
        archive.add(stimulus, "stimulus.npz")
    return buffer.getvalue()


def run_there(host: str, command: str, sent: bytes) -> bytes:
    """Run the command on the host; return the result's bytes, or raise `RunnerError` with what was said there.

    Neither more than `limit_of_result` bytes of an answer are kept, nor more than the last words of what is said.
    """
    shell = shlex.split(os.environ.get("SNNPROG_REMOTE_SHELL") or SHELL)
    words = [*shell, host, f"sh -c {shlex.quote(SCRIPT.format(command=command))}"]
    limit, said = limit_of_result(), bytearray()
    try:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:
        raise RunnerError(f"{words[0]} cannot be started: {error.strerror}") from error
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    threads = [
        threading.Thread(target=feed, args=(process.stdin, sent), daemon=True),
        threading.Thread(target=keep_end, args=(process.stderr, said), daemon=True),
    ]
    for thread in threads:
        thread.start()
    answer = process.stdout.read(limit + 1)
    if len(answer) > limit:
        process.kill()
        raise RunnerError(f"the answer of {host} has more than {limit} bytes, which its result would fit in")
    code = process.wait()
    threads[1].join()
    words_said = said.decode("utf-8", errors="replace").strip() or "nothing"
    if code == 0:
        return answer
    if code == NOT_CONNECTED:
        raise RunnerError(f"{host} cannot be reached; {shell[0]} said: {words_said}")
    raise RunnerError(f"the command on {host} ended with code {code} and said: {words_said}")


def feed(stream: IO[bytes], content: bytes) -> None:
    """Write the content to a stream and close it; do nothing if the reader has closed it."""
    with contextlib.suppress(OSError), stream:
        stream.write(content)


def keep_end(stream: IO[bytes], said: bytearray) -> None:
    """Read a stream to its end, and keep its last bytes."""
    while piece := stream.read1(PIECE_BYTES):  # type: ignore[attr-defined]
        said += piece
        del said[:-SAID_BYTES]


def write_whole(path: Path, content: bytes) -> None:
    """Write a file through one beside it, so that no reader sees half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def main(arguments: list[str]) -> None:
    """Send two files, run the command there, fetch the third."""
    if len(arguments) != 3:
        raise RunnerError("usage: runner.py PROGRAM STIMULUS RESULT")
    program, stimulus, result = map(Path, arguments)
    host, command = checked_host(setting("SNNPROG_REMOTE_HOST")), setting("SNNPROG_REMOTE_COMMAND")
    write_whole(result, run_there(host, command, packed(program, stimulus)))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except RunnerError as error:
        sys.exit(f"runner.py: {error}")
    except KeyboardInterrupt:
        sys.exit("runner.py: interrupted")
    except Exception as error:
        sys.exit(f"runner.py: {type(error).__name__}: {error}")
