"""Limits of a process that reads an untrusted file with a native library: memory, processor time, output size."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

if sys.platform != "win32":
    import resource

# What the HDF5 library takes beside what is read: it doubles the room for a chunk until what it unpacks fits.
READ_SHARES, SPARE_BYTES = 4, 1 << 27
# An HDF5 file of 1 GiB that unpacks to as much takes 3 s, and 2^14 objects take 4 s; an import takes 1 s at most.
PROCESSOR_SECONDS, PROCESSOR_BYTES_PER_SECOND = 20, 1 << 25
ANY_IMPORT_BYTES = 1 << 33  # NumPy and h5py map .2 GB, and .05 GB more for each processor


def limit_time_and_files(limit: int) -> None:
    """Limit the processor time and output size of this process, if the system supports it.

    Parameters
    ----------
    limit : int
        Maximum number of bytes that the file may unpack to.
    """
    if sys.platform != "win32":
        _limit(resource.RLIMIT_CORE, 0)
        _limit(resource.RLIMIT_CPU, PROCESSOR_SECONDS + limit // PROCESSOR_BYTES_PER_SECOND)
        _limit(resource.RLIMIT_FSIZE, limit + SPARE_BYTES)


def limit_memory(size: int) -> None:
    """Limit further memory of this process to a number of bytes plus a reserve, if the system supports it."""
    if sys.platform != "win32":
        _limit(resource.RLIMIT_AS, _address_space() + size + SPARE_BYTES)


def _limit(kind: int, most: int) -> None:
    if sys.platform != "win32":
        hard = resource.getrlimit(kind)[1]
        with suppress(ValueError, OSError):  # where a system does not let it be set
            resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _address_space() -> int:
    """Return the number of bytes that this process has mapped."""
    if sys.platform == "linux":
        with suppress(OSError):  # where /proc is not mounted
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
            return pages * os.sysconf("SC_PAGE_SIZE")
    return ANY_IMPORT_BYTES
