"""What is copied out of an HDF5 file, and when a file is refused: known to the process that reads and to its parent.

It is apart from `snnprog.files.hdf5_process`, which runs as a script: nothing may import it before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SIZE_LIMIT_BYTES = 1 << 30
OBJECT_LIMIT = 1 << 14
REFUSED = 3
"""The exit code of a process that refused its file: Python itself exits with 1 or 2."""


class RefusalError(Exception):
    """A file is not read; the text is the reason."""


@dataclass
class Copy:
    """What has been copied so far.

    Attributes
    ----------
    arrays : list
        In the order of ``index``.
    index : list of (str, str)
        The object that each array was, and the attribute, if it was one.
    members : dict
        Group -> names of what is in it.
    others : dict
        Object, or ``object@attribute`` -> its type, where it is no array of numbers or texts, or not one of either.
    """

    arrays: list[NDArray[np.generic]] = field(default_factory=list)
    index: list[tuple[str, str]] = field(default_factory=list)
    members: dict[str, list[str]] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    size: int = 0

    def keep(self, name: str, attribute: str, array: NDArray[np.generic]) -> None:
        """Add an array."""
        self.arrays.append(array)
        self.index.append((name, attribute))
        if len(self.arrays) > OBJECT_LIMIT:
            raise RefusalError(f"it holds more than {OBJECT_LIMIT} objects")

    def skip(self, name: str, found: str) -> None:
        """Note what is not copied."""
        self.others[name] = found
        if len(self.others) > OBJECT_LIMIT:
            raise RefusalError(f"it holds more than {OBJECT_LIMIT} objects")

    def grow(self, size: int) -> None:
        """Count bytes before they are read."""
        self.size += size
        if self.size > SIZE_LIMIT_BYTES:
            raise RefusalError(f"it unpacks to more than {SIZE_LIMIT_BYTES} bytes")
