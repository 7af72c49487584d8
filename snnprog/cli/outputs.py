"""Whether a command may write where it is told to: checked before the work begins."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from snnprog.archive import check_place
from snnprog.errors import FormatError
from snnprog.files import split_key


def check_output(output: Path, inputs: Iterable[str | Path | None]) -> None:
    """Check that an output can be written, and that it is none of the files that the command reads.

    Parameters
    ----------
    output : path
        What ``-o`` names.
    inputs : iterable of path, str or None
        All files that are read; as in ``FILE.npz:ARRAY``, they may name an array. None stands for an option not given.

    Raises
    ------
    FormatError
        If it cannot be written, or is an input under the same or another name (links included).
    """
    check_place(output)
    files = [Path(split_key(str(name))[0]) for name in inputs if name is not None]
    for file in files:
        if output.exists() and file.exists() and output.samefile(file):
            raise FormatError(f"{output} cannot be written: it is the input file {file}; give the output another name")
