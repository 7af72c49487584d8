"""Run a program on another host: ``runner.py PROGRAM STIMULUS RESULT``.

The two files go to the host, a command there that honours the same contract runs on them, and its result comes back.
Environment variables say where and what:

``SNNPROG_REMOTE_HOST``
    The host, as ssh knows it: "chip.example.org", "me@chip", an alias of ~/.ssh/config.
``SNNPROG_REMOTE_COMMAND``
    The command there; PROGRAM STIMULUS RESULT are added: "/opt/lava/bin/python -I /opt/snnprog/lava/runner.py".
``SNNPROG_REMOTE_SHELL``
    What takes the place of "ssh -o BatchMode=yes"; it is called with the host and one shell command.

One connection does it all: both files travel as a tar archive on its standard input, the result on its standard
output, what the command says on its standard error. The files lie in a folder of their own there, which is removed at
the end. The host needs sh, tar, mktemp and the command; this side needs ssh and the standard library. If this side is
ended, the command there goes on to its own end: "timeout 600 COMMAND" gives it one.

RESULT appears whole or not at all. Exit code 0 means it was written; anything else comes with one sentence on stderr.
"""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
import tarfile
from pathlib import Path

SHELL = "ssh -o BatchMode=yes"
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


def packed(program: Path, stimulus: Path) -> bytes:
    """Return both files as a tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(program, "program.snnp")
        archive.add(stimulus, "stimulus.npz")
    return buffer.getvalue()


def run_there(host: str, command: str, sent: bytes) -> bytes:
    """Run the command on the host; return the result's bytes, or raise `RunnerError` with what was said there."""
    shell = shlex.split(os.environ.get("SNNPROG_REMOTE_SHELL") or SHELL)
    words = [*shell, host, f"sh -c {shlex.quote(SCRIPT.format(command=command))}"]
    try:
        done = subprocess.run(words, input=sent, capture_output=True, check=False)
    except OSError as error:
        raise RunnerError(f"{words[0]} cannot be started: {error.strerror}") from error
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.decode("utf-8", errors="replace").strip() or "nothing"
    if done.returncode == NOT_CONNECTED:
        raise RunnerError(f"{host} cannot be reached; {shell[0]} said: {said}")
    raise RunnerError(f"the command on {host} ended with code {done.returncode} and said: {said}")


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
    host, command = setting("SNNPROG_REMOTE_HOST"), setting("SNNPROG_REMOTE_COMMAND")
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
