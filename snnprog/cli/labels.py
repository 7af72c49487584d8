"""Files with the class of each input."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from snnprog.cli.outputs import InputFile, RasterFile
from snnprog.errors import FormatError

if TYPE_CHECKING:
    from snnprog.arrays import Int64s


class LabelsFile(RasterFile):
    """A file of classes: .csv, .npy, or .npz as FILE or FILE:ARRAY."""

    suffixes = (".csv", ".npy", ".npz")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text; refuse a file that does not exist."""
        for path in self.files(str(value)):
            InputFile(*self.suffixes).convert(path, param, ctx)
        return str(value)


def labels_of(text: str) -> Int64s:
    """Return the classes in a file: an array, or one integer in each line.

    Raises
    ------
    FormatError
        If the file holds something else.
    """
    import numpy as np

    from snnprog.files import split_key
    from snnprog.files.arrays import named_array

    name, key = split_key(text)
    path = Path(name)
    try:
        if path.suffix in (".npy", ".npz"):
            found = np.load(path, allow_pickle=False) if path.suffix == ".npy" else named_array(path, key)
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
        raise FormatError(f"{text} must hold one integer for each input: {error}") from error
