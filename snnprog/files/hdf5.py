"""Safe reading of HDF5 files: SONATA, NWB and NIR.

The HDF5 library is not designed for hostile files: of 6,000 that differed from valid ones in a few bytes, two made it
hang (h5py 3.16, HDF5 2.0). So a separate process reads (`snnprog.files.hdf5_process`), with limits on time,
memory and the unpacked size for a file of its size; it ends with this one. The results are arrays of numbers and texts,
and every fault is a `FormatError`.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snnprog.archive import check_regular, unpacked_limit
from snnprog.errors import FormatError, SnnprogError, SpecError
from snnprog.files.hdf5_copy import REFUSED, UNUSABLE, Copy, RefusalError, read_copy
from snnprog.files.reader_failures import reading_failure
from snnprog.processes.commands import Ending, ending_of
from snnprog.processes.isolation import own_module
from snnprog.processes.surroundings import ONE_THREAD
from snnprog.temporaries import temporary_folder

SIGNATURE = b"\x89HDF\r\n\x1a\n"
POINTER = b"version https://git-lfs"
"""The beginning of the small files that Git LFS leaves where large ones were not downloaded."""

TIME_LIMIT_S = 120.0
READER = "snnprog.files.hdf5_process"


@dataclass(frozen=True, eq=False)
class Hdf5:
    """Parts of a file: its arrays by name without the leading slash, and other objects.

    Attributes
    ----------
    path : Path
    arrays : mapping
        Name -> numbers or texts.
    attributes : mapping
        (name, attribute) -> one number or text.
    members : mapping
        Name of a group, "" for the file -> names of its members.
    others : mapping
        Name, or ``name@attribute`` -> type of an object that is not a number, a text, or an array of them.
    """

    path: Path
    arrays: Mapping[str, NDArray[np.generic]]
    attributes: Mapping[tuple[str, str], NDArray[np.generic]]
    members: Mapping[str, Sequence[str]]
    others: Mapping[str, str]

    @classmethod
    def of(cls, path: Path, copied: Copy) -> Hdf5:
        """Return the parts copied from a file."""
        pairs = list(zip(copied.index, copied.arrays, strict=True))
        return cls(
            path=path,
            arrays={name: array for (name, attribute), array in pairs if not attribute},
            attributes={(name, attribute): array for (name, attribute), array in pairs if attribute},
            members=copied.members,
            others=copied.others,
        )

    def group(self, name: str) -> Sequence[str]:
        """Return the names of the members of a group.

        Raises
        ------
        FormatError
            If the group does not exist.
        """
        if name not in self.members:
            raise self.lacks(name)
        return self.members[name]

    def numbers(self, name: str, kinds: str, *, axes: int = 1) -> NDArray[np.generic]:
        """Return an array of numbers with a number of axes, of given NumPy kinds ("i", "u", "f").

        Raises
        ------
        FormatError
            If it is missing or of another type.
        """
        if name not in self.arrays:
            raise self.lacks(name)
        array = self.arrays[name]
        if array.ndim != axes or array.dtype.kind not in kinds or array.dtype.itemsize > 8:
            wanted = "integers" if "f" not in kinds else "numbers"
            raise FormatError(f"/{name} in {self.path} must be {wanted}, got {array.dtype} of shape {array.shape}")
        return array

    def attribute(self, name: str, attribute: str) -> object:
        """Return the number or text of an attribute, or None if it is missing.

        Raises
        ------
        FormatError
            If it is of another type.
        """
        odd = self.others.get(f"{name}@{attribute}")
        if odd is not None:
            raise FormatError(
                f"attribute {attribute!r} of /{name} in {self.path} must be one number or text, got {odd}"
            )
        found = self.attributes.get((name, attribute))
        return None if found is None else found.item()

    def lacks(self, name: str) -> FormatError:
        """Return the error for a missing part."""
        if name in self.others:
            return FormatError(f"/{name} in {self.path} must be numbers, got {self.others[name]}")
        above = name.rpartition("/")[0]
        while above not in self.members:
            above = above.rpartition("/")[0]
        there = ", ".join(sorted(self.members[above])[:20]) or "nothing"
        return FormatError(f"{self.path} has no /{name}; /{above} holds {there}")


def read_hdf5(path: Path, names: Sequence[str], *, rows: tuple[int, int] = (0, 0)) -> Hdf5:
    """Return the named parts of a file, groups with all members; omit missing ones.

    Parameters
    ----------
    rows : (int, int)
        See `snnprog.files.hdf5_process.copy_parts`.

    Raises
    ------
    FormatError
        If the file is missing, not HDF5, damaged, locked or packed by a missing filter, or takes
        more memory or time than a file of its size may.
    SpecError
        If h5py is not installed, or cannot be imported.
    """
    size = check_regular(path)
    _check_signature(path)
    check_installed("h5py", f"reading {path}")
    with temporary_folder() as folder:
        words = [str(path.absolute()), json.dumps(list(names)), str(folder), json.dumps(rows)]
        command = own_module(READER, words)
        ending = ending_of(command, limit_s=TIME_LIMIT_S, folder=folder, settings=ONE_THREAD)
        if ending.failure:
            raise _error(path, ending)
        try:
            return Hdf5.of(path, read_copy(folder, limit=unpacked_limit(size)))
        except (ValueError, KeyError, RefusalError) as error:
            raise FormatError(f"{path} cannot be read: its reader wrote an invalid result: {error}") from error


def check_installed(package: str, what: str, *, extra: str = "files") -> None:
    """Raise `SpecError` unless a required package of an extra is installed."""
    if importlib.util.find_spec(package) is None:
        raise SpecError(f"{what} needs {package}; install it with: pip install 'snnprog[{extra}]'")


def _check_signature(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(len(POINTER))
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror}") from error
    if start == POINTER:
        raise FormatError(f"{path} is a pointer of Git LFS, not the file itself; download that with: git lfs pull")
    beginning = start[: len(SIGNATURE)]
    if beginning != SIGNATURE:
        what = f"it begins with {beginning!r}" if beginning else "it is empty"
        zipped = ", as archives of PyTorch and NumPy do; write a trained network as .nir, with the tool or nirtorch"
        what += zipped if beginning.startswith(b"PK") else ""
        raise FormatError(f"{path} is not an HDF5 file: {what}")


def _error(path: Path, ending: Ending) -> SnnprogError:
    """Return what to raise where the process that reads failed."""
    if ending.code == UNUSABLE:
        return SpecError(
            f"reading {path} needs h5py, and h5py cannot be imported ({ending.last_words});"
            " reinstall it with: pip install --force-reinstall h5py"
        )
    if ending.code == REFUSED and ending.last_words:
        return FormatError(f"{path} cannot be read: {ending.last_words}")
    return reading_failure(path, ending, library="the HDF5 library")
