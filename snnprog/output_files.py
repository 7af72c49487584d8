"""Atomic writing of files: flushed to the disk, with the permissions of the file that is replaced.

Decisions
---------
- The content is written into a temporary file in the same folder, flushed to the disk (``fsync``) and renamed; then
  the folder is flushed, too. A reader finds the old content or the new, also after a power cut.
- A file that is replaced keeps its mode, its access control list and other extended attributes, and its owner and group
  if the process may change them. If the group cannot be kept, the new group gets the permissions of others. A
  new file has the permissions that the umask leaves.
- A symbolic link stays a link: the file that it points to is written. A hard link becomes a separate file: the other
  names keep the old content.
- A write-protected file is not replaced, although the permissions of its folder would allow it.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from contextlib import suppress
from pathlib import Path

from snnprog.errors import FormatError
from snnprog.temporaries import temporary_file

NEW_FILE_MODE, PRIVATE_MODE = 0o666, 0o600


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically: write a temporary file, flush it to the disk, rename it.

    Raises
    ------
    FormatError
        If it cannot be written; an existing file is unchanged.
    """
    place = check_place(path)
    try:
        is_there = place.exists()
        with temporary_file(place.parent, mode=PRIVATE_MODE if is_there else NEW_FILE_MODE) as (file, temporary):
            file.write(content)
            file.flush()
            if is_there:
                _take_over(temporary, place)
            os.fsync(file.fileno())
            if sys.platform == "win32":  # for systems on which an open file cannot be renamed
                file.close()
            temporary.replace(place)
        _flush_folder(place.parent)
    except OSError as error:
        raise FormatError(f"{path} cannot be written: {error.strerror}") from error


def check_place(path: Path) -> Path:
    """Return the path that a file of this name would be written to, with links followed.

    Raises
    ------
    FormatError
        If its folder is missing, or the path exists and is not a regular file or is write-protected.
    """
    try:
        place = path.resolve()
        has_folder, is_there = place.parent.is_dir(), place.exists()
        is_file = place.is_file()
    except (OSError, ValueError, RuntimeError) as error:  # before Python 3.13, a loop of links is a RuntimeError
        reason = error.strerror if isinstance(error, OSError) else error
        raise FormatError(f"{path} cannot be written: {reason}; name a file in a folder that exists") from error
    if not has_folder:
        raise FormatError(f"{path} cannot be written: folder {place.parent} does not exist; create it")
    if is_there and not is_file:
        raise FormatError(f"{path} cannot be written: it is a folder or device; name a file")
    if is_there and not os.access(place, os.W_OK):
        raise FormatError(f"{path} cannot be written: the file is write-protected; name another file, or allow writing")
    return place


def _take_over(new: Path, old: Path) -> None:
    """Copy the owner, the permissions and the extended attributes of an old file to a new one, but not the times."""
    found = old.stat()
    mode = stat.S_IMODE(found.st_mode)
    if not _has_group(new, found):
        mode = mode & ~stat.S_IRWXG | (mode & stat.S_IRWXO) << 3
    shutil.copystat(old, new)
    os.utime(new)
    new.chmod(mode)


def _has_group(new: Path, found: os.stat_result) -> bool:
    """Set the owner and group of a file, or only the group; return whether it has this group."""
    if sys.platform != "win32":
        for owner in (found.st_uid, -1):
            with suppress(PermissionError):
                os.chown(new, owner, found.st_gid)
                return True
    return new.stat().st_gid == found.st_gid


def _flush_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk, if the system supports it."""
    if sys.platform != "win32":
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
