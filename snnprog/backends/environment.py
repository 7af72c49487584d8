"""The environment that each backend runs in: built once in the user's cache, or the current interpreter if it fits.

The folder's name contains a digest of the requirements, so a changed pin creates a new environment. A mark is written
last: an environment without it is incomplete, and is rebuilt.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from filelock import FileLock

from snnprog.archive import read_bytes
from snnprog.backends.folder import Backend
from snnprog.backends.interpreters import find_interpreter
from snnprog.backends.readiness import lack_of
from snnprog.cache import CACHE_VARIABLE, cache_path
from snnprog.errors import BackendError
from snnprog.output_files import write_bytes
from snnprog.processes.commands import GUARD_DESCRIPTOR, failure_of
from snnprog.processes.isolation import isolated
from snnprog.processes.surroundings import FOR_DOWNLOADS
from snnprog.temporaries import temporary_folder

if sys.platform != "win32":
    import fcntl

BUILD_SECONDS = 1800.0
FINISHED = "finished"
DIGEST_DIGITS = 12  # 48 bits: enough to distinguish the few environments of one machine


@dataclass(frozen=True)
class BackendStatus:
    """Whether a backend can run here.

    Attributes
    ----------
    backend : Backend
    interpreter : Path or None
        The interpreter that would run it; None if it must be installed first.
    """

    backend: Backend
    interpreter: Path | None

    @property
    def is_ready(self) -> bool:
        """Whether it can run now."""
        lacks = self.backend.unset_variables or self.backend.missing_commands
        return self.interpreter is not None and not lacks


def status(backend: Backend) -> BackendStatus:
    """Return whether a backend can run here, and with which interpreter."""
    if _does_current_interpreter_fit(backend):
        return BackendStatus(backend, Path(sys.executable))
    folder = environment_folder(backend)
    python = _python_in(folder)
    # If the base Python was removed, that of the environment is a broken link.
    return BackendStatus(backend, python if (folder / FINISHED).is_file() and python.is_file() else None)


def interpreter_of(backend: Backend) -> Path:
    """Return the interpreter that runs a backend.

    Raises
    ------
    BackendError
        If it is not installed, or an environment variable or command that it requires is missing.
    """
    if backend.unset_variables:
        several = "s" if len(backend.unset_variables) > 1 else ""
        raise BackendError(
            f"backend {backend.name} requires the environment variable{several} {backend.unset_text};"
            f" {backend.runner} describes what it must be"
        )
    if backend.missing_commands:
        raise BackendError(f"backend {backend.name} runs {' or '.join(backend.commands)}; install one of them")
    found = status(backend).interpreter
    if found is None:
        raise BackendError(
            f"backend {backend.name} is not installed; run 'snnprog backends install {backend.name}'"
            f" (it needs Python {backend.python_text})"
        )
    return found


def install(backend: Backend, say: Callable[[str], None] = lambda line: None, *, force: bool = False) -> Path:
    """Build a backend's environment, unless it exists and works; return its interpreter.

    Parameters
    ----------
    say : callable
        Called with a line of text at each step.
    force : bool
        Whether to rebuild it in any case.

    Raises
    ------
    BackendError
        If no suitable Python is found, or the packages cannot be installed or imported.
    """
    ready = status(backend).interpreter
    folder = environment_folder(backend)
    if ready is not None and not (force and ready.is_relative_to(folder)):
        lack = lack_of(backend, ready)
        say(f"{backend.name} does not work: {ready} {lack}" if lack else f"{backend.name} is ready: {ready}")
        if not lack:
            return ready
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"), _held_by_children(Path(f"{folder}.pip"), say) as held:
            if force or ready is not None or status(backend).interpreter is None:
                _build(backend, folder, say=say, held=held)
    except OSError as error:
        raise BackendError(
            f"the environment {folder} cannot be created: {error}; name another folder in {CACHE_VARIABLE}"
        ) from error
    return _python_in(folder)


def uninstall(name: str) -> list[Path]:
    """Remove the environments that were built for a backend, for older requirements too; return their folders.

    Raises
    ------
    BackendError
        If one cannot be removed.
    """
    parent = cache_path() / "backends"
    pattern = re.compile(rf"{re.escape(name)}-[0-9a-f]{{{DIGEST_DIGITS}}}")
    found = [folder for folder in sorted(parent.glob("*")) if pattern.fullmatch(folder.name) and folder.is_dir()]
    for folder in found:
        with FileLock(f"{folder}.lock"):
            (folder / FINISHED).unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            raise BackendError(f"the environment {folder} cannot be removed; remove it by hand")
        for beside in (".lock", ".pip"):
            Path(f"{folder}{beside}").unlink(missing_ok=True)
    return found


def environment_folder(backend: Backend) -> Path:
    """Return the folder of a backend's environment, whether it exists or not."""
    content = read_bytes(backend.requirements) + backend.python_text.encode("ascii")
    return cache_path() / "backends" / f"{backend.name}-{hashlib.sha256(content).hexdigest()[:DIGEST_DIGITS]}"


def _build(backend: Backend, folder: Path, *, say: Callable[[str], None], held: Collection[int]) -> None:
    base, begun = find_interpreter(backend.python), time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        raise BackendError(f"the environment {folder} is unfinished and cannot be removed; remove it by hand")
    say(f"making an environment for {backend.name} with {base}")
    _must(isolated(base, "-m", "venv", str(folder)), f"the environment {folder} cannot be created", inherited=held)
    say(f"installing {backend.requirements.name} into {folder}")
    python = _python_in(folder)
    options = ("--no-input", "--disable-pip-version-check", "-r", str(backend.requirements))
    command = isolated(python, "-m", "pip", "install", *options)
    _must(command, f"the packages of backend {backend.name} cannot be installed", inherited=held)
    lack = lack_of(backend, python, is_imported=True)
    if lack:
        raise BackendError(
            f"the packages of backend {backend.name} were installed, but the environment cannot run them: its Python"
            f" {lack}; look for settings that install packages elsewhere, such as PIP_TARGET or pip's configuration"
        )
    write_bytes(folder / FINISHED, os.fsencode(f"{base}\n"))
    say(f"{backend.name} was installed in {time.monotonic() - begun:.0f} s")
    say(f"{backend.name} is ready: {python}")


def _must(command: list[str], complaint: str, *, inherited: Collection[int]) -> None:
    with temporary_folder() as folder:
        failure = failure_of(
            command, limit_s=BUILD_SECONDS, folder=folder, variables=FOR_DOWNLOADS, inherited=inherited
        )
    if failure:
        raise BackendError(f"{complaint}: the command {failure}")


@contextmanager
def _held_by_children(path: Path, say: Callable[[str], None]) -> Iterator[tuple[int, ...]]:
    """Lock a file by a descriptor that children inherit, so that it stays locked until the last of them ends.

    Children of a killed installation end after it, not with it; the next installation waits for their end.
    Only POSIX has such locks.
    """
    if sys.platform == "win32":
        yield ()
    else:
        with path.open("wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("waiting for processes of an interrupted installation")
                fcntl.flock(file, fcntl.LOCK_EX)
            handed_on = fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, GUARD_DESCRIPTOR + 1)
            try:
                yield (handed_on,)
            finally:
                os.close(handed_on)


def _python_in(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _does_current_interpreter_fit(backend: Backend) -> bool:
    if sys.version_info[:2] != backend.python:
        return False
    try:
        return all(metadata.version(name) == version for name, version in backend.required_distributions.items())
    except metadata.PackageNotFoundError:
        return False
