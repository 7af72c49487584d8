"""Files with the class of each input."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from snnprog.errors import FormatError

if TYPE_CHECKING:
    from snnprog.arrays import Int64s


def labels_of(path: Path) -> Int64s:
    """Return the classes in a file: an array, or one integer in each line.

    Raises
    ------
    FormatError
        If the file holds something else.
    """
    import numpy as np

    try:
        if path.suffix == ".npy":
            found = np.load(path, allow_pickle=False)
            if found.dtype.kind not in "iu":
                raise ValueError(f"it is an array of {found.dtype}")
            return np.asarray(found, np.int64)
        words = path.read_text(encoding="utf-8").split()
        odd = next((word for word in words if not word.lstrip("+-").isdecimal()), None)
        if odd is not None:
            raise ValueError(f"{odd!r} is not an integer; write one in each line, without a heading")
        return np.array([int(word) for word in words], np.int64)
    except UnicodeDecodeError as error:
        raise FormatError(f"{path} must hold one integer for each input as text, and cannot be read as text") from error
    except (ValueError, OSError) as error:
        raise FormatError(f"{path} must hold one integer for each input: {error}") from error
