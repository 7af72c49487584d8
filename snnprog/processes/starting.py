"""The only module that starts processes: each in its own empty folder, with named variables only."""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import IO

from snnprog.processes.surroundings import named_variables

Stream = int | IO[bytes] | None


def start(
    command: Sequence[str],
    *,
    folder: Path,
    streams: tuple[Stream, Stream, Stream],
    variables: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
    has_own_session: bool = False,
    inherited: Collection[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a process.

    Parameters
    ----------
    folder : Path
        The folder that it runs in; `temporary_folder` creates one.
    streams : tuple
        Standard input, output and error, as `subprocess.Popen` takes them.
    variables : sequence of str
        Variables that are passed on, in addition to those that every child gets.
    settings : mapping, optional
        Variables with other values than in this process.
    has_own_session : bool
        Whether it leads its own session and process group (on POSIX).
    inherited : collection of int
        File descriptors that stay open in it (on POSIX).
    """
    standard_input, output, error = streams
    return subprocess.Popen(
        list(command),
        cwd=folder,
        env={**named_variables(variables), **(settings or {})},
        stdin=standard_input,
        stdout=output,
        stderr=error,
        start_new_session=has_own_session,
        pass_fds=tuple(inherited),
    )
