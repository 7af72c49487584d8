"""Limits of a process that reads an untrusted file with a native library: memory, processor time, output size."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

# Memory of the HDF5 library beside the data: it doubles the buffer for a chunk until the unpacked data fit.
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
    with suppress(ImportError):
        import resource

        _limit(resource.RLIMIT_CORE, 0)
        _limit(resource.RLIMIT_CPU, PROCESSOR_SECONDS + limit // PROCESSOR_BYTES_PER_SECOND)
        _limit(resource.RLIMIT_FSIZE, limit + SPARE_BYTES)


def limit_memory(size: int) -> None:
    """Limit further memory of this process to a number of bytes plus a reserve, if the system supports it."""
    with suppress(ImportError):
        import resource

        _limit(resource.RLIMIT_AS, _address_space() + size + SPARE_BYTES)


def _limit(kind: int, most: int) -> None:
    import resource

    hard = resource.getrlimit(kind)[1]
    with suppress(ValueError, OSError):  # for systems that do not allow setting it
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _address_space() -> int:
    """Return the number of bytes that this process has mapped."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:  # not on Linux
        return ANY_IMPORT_BYTES
    return pages * os.sysconf("SC_PAGE_SIZE")
