"""Temporary files and folders, and the removal of those left behind.

Each is registered while it is in use. `sweep` removes all of this process; the command line calls
it before a signal ends the process. After a SIGKILL or a power cut, the next process that writes into the same folder
removes the remains. To distinguish remains from files in use, each process keeps its files and
folders locked (``flock``, on POSIX); the system releases the locks when the process ends, for any reason.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from snnprog.errors import BackendError

if sys.platform != "win32":
    import fcntl

NAME = re.compile(r"\.snnprog-[0-9a-f]{16}\.tmp")
CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)

_in_use: set[Path] = set()
_lock = threading.Lock()


@contextmanager
def temporary_file(folder: Path, *, mode: int) -> Iterator[tuple[BinaryIO, Path]]:
    """Provide a new file in a folder, open for writing, and its path; remove it afterwards, unless it was renamed.

    Parameters
    ----------
    mode : int
        Its permissions, from which the umask is taken.
    """
    sweep_left_behind(folder)
    path, descriptor = _created(folder, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file, path
    finally:
        path.unlink(missing_ok=True)
        _in_use.discard(path)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Provide an empty folder that only this user can write to; remove it afterwards with its content.

    Raises
    ------
    BackendError
        If no folder can be created.
    """
    try:
        parent = Path(tempfile.gettempdir())
        sweep_left_behind(parent)
        path, descriptor = _created_folder(parent)
    except OSError as error:
        raise BackendError(
            f"a folder for temporary files cannot be created: {error.strerror}; set TMPDIR to another folder"
        ) from error
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        _in_use.discard(path)
        if descriptor is not None:
            os.close(descriptor)


def sweep() -> None:
    """Remove all temporary files and folders of this process, which is about to end, and prevent new ones."""
    _lock.acquire()
    for path in tuple(_in_use):
        _remove(path)


def sweep_left_behind(folder: Path) -> None:
    """Remove the temporary files and folders in a folder whose processes have ended; POSIX only."""
    if sys.platform != "win32":
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if NAME.fullmatch(entry.name) and entry.stat(follow_symlinks=False).st_uid == os.geteuid():
                    _remove_if_free(Path(entry.path))


def _created(folder: Path, mode: int) -> tuple[Path, int]:
    """Return a new file, locked; another process may have removed it between its creation and its lock."""
    while True:
        path = _new_path(folder)
        with _lock, _in_use_or_not_made(path):
            descriptor = os.open(path, CREATE, mode)
        if _is_locked(descriptor, path):
            return path, descriptor
        os.close(descriptor)


def _created_folder(parent: Path) -> tuple[Path, int | None]:
    """Return a new folder and the descriptor that keeps it locked; Windows has no such locks."""
    while True:
        path = _new_path(parent)
        with _lock, _in_use_or_not_made(path):
            path.mkdir(mode=stat.S_IRWXU)
        if sys.platform == "win32":
            return path, None
        with suppress(FileNotFoundError):
            descriptor = os.open(path, os.O_RDONLY)
            if _is_locked(descriptor, path):
                return path, descriptor
            os.close(descriptor)


def _new_path(folder: Path) -> Path:
    return folder / f".snnprog-{secrets.token_hex(8)}.tmp"


@contextmanager
def _in_use_or_not_made(path: Path) -> Iterator[None]:
    """Register a path before it is created, so that no signal arrives in between."""
    _in_use.add(path)
    try:
        yield
    except OSError:
        _in_use.discard(path)
        raise


def _is_locked(descriptor: int, path: Path) -> bool:
    """Lock an open file and return whether it still exists; without file locks, remains are not removed."""
    if sys.platform != "win32":
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if not path.exists():
            _in_use.discard(path)
            return False
    return True


def _remove_if_free(path: Path) -> None:
    if sys.platform != "win32":
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(path)
            finally:
                os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
