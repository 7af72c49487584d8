"""Writing a file: whole or not at all, flushed to the disk, with the permissions of the file that it replaces.

Decisions
---------
- The content is written into a temporary file in the same folder, flushed to the disk (``fsync``) and renamed; then
  the folder is flushed, too. Whoever reads the file meets the old content or the new, after a power cut as well.
- A file that is replaced keeps its mode, its access control list and other extended attributes, and its owner and group
  as far as the process may give files away. If the group cannot be kept, the new group may do what all others may. A
  new file has the permissions that the umask leaves.
- A symbolic link stays a link: the file that it leads to is written. A hard link becomes a file of its own: the other
  names keep the old content.
- A file that may not be written is not replaced, although the permissions of its folder would allow it.
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
    """Put a file in place whole: written beside its name, flushed to disk, then renamed.

    Raises
    ------
    FormatError
        If it cannot be written; what stood there then still does.
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
            if sys.platform == "win32":  # where an open file cannot be renamed
                file.close()
            temporary.replace(place)
        _flush_folder(place.parent)
    except OSError as error:
        raise FormatError(f"{path} cannot be written: {error.strerror}") from error


def check_place(path: Path) -> Path:
    """Return where a file of that name would be written, links followed.

    Raises
    ------
    FormatError
        If its folder is missing, or something stands there that is no regular file or may not be written.
    """
    try:
        place = path.resolve()
        has_folder, is_there = place.parent.is_dir(), place.exists()
        is_file = place.is_file()
    except (OSError, ValueError, RuntimeError) as error:  # before Python 3.13, a loop of links is a RuntimeError
        reason = error.strerror if isinstance(error, OSError) else error
        raise FormatError(f"{path} cannot be written: {reason}; name a file in a folder that exists") from error
    if not has_folder:
        raise FormatError(f"{path} cannot be written: there is no folder {place.parent}")
    if is_there and not is_file:
        raise FormatError(f"{path} cannot be written: a folder or device stands there; name a file")
    if is_there and not os.access(place, os.W_OK):
        raise FormatError(f"{path} cannot be written: the file is write-protected; name another, or allow writing")
    return place


def _take_over(new: Path, old: Path) -> None:
    """Give a new file the owner, the permissions and the extended attributes of the old one, but not its times."""
    found = old.stat()
    mode = stat.S_IMODE(found.st_mode)
    if not _has_group(new, found):
        mode = mode & ~stat.S_IRWXG | (mode & stat.S_IRWXO) << 3
    shutil.copystat(old, new)
    os.utime(new)
    new.chmod(mode)


def _has_group(new: Path, found: os.stat_result) -> bool:
    """Give a file its owner and group, or its group alone; return whether it has that. On Windows all have group 0."""
    if sys.platform != "win32":
        for owner in (found.st_uid, -1):
            with suppress(PermissionError):
                os.chown(new, owner, found.st_gid)
                return True
    return new.stat().st_gid == found.st_gid


def _flush_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk, where the system can."""
    if sys.platform != "win32":
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
