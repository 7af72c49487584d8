"""The content copied from an HDF5 file, and its transfer from the reading process to the parent.

Numbers are in a raw file, one array after another; a JSON text describes each of them and contains the
texts. So the parent only reads plain values, of the declared sizes. This module is separate from
`snnprog.files.hdf5_process`, which runs as a script that must not be imported before.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from snnprog.archive import read_bytes
from snnprog.documents import parse_json
from snnprog.errors import FormatError

OBJECT_LIMIT = 1 << 14
WAY_LIMIT = 16  # groups are shared by few links
NUMBER_BYTES = 8  # bytes of a number in the parent, for any size in the file
CHARACTER_BYTES = 4  # in an array of texts, which allocates the longest size for each
REFUSED, UNUSABLE = 3, 4
"""Exit codes of a process that refused its file, or has no h5py; Python itself exits with 1 or 2."""

NUMBERS_FILE, INDEX_FILE = "numbers", "index.json"
NUMBER_TYPE = re.compile(r"[<>|][biuf]\d{1,2}", re.ASCII)

T = TypeVar("T")


class RefusalError(Exception):
    """A file is not read; the text is the reason."""


@dataclass
class Copy:
    """The content copied so far.

    Attributes
    ----------
    limit : int
        Maximum size in memory in bytes.
    arrays : list
        In the order of ``index``.
    index : list of (str, str)
        The object of each array, and the attribute, if any.
    members : dict
        Group -> names of its members.
    others : dict
        Object, or ``object@attribute`` -> its type, if it is not a number, a text, or an array of them.
    size : int
        Number of bytes counted.
    visits : Counter
        Number of reads of each group, by its address in the file.
    reserve : callable
        Called with the maximum size of the next read, before it.
    rows : (int, int)
        First and end index of the lists of numbers to copy from a dataset of lists.
    """

    limit: int
    arrays: list[NDArray[np.generic]] = field(default_factory=list)
    index: list[tuple[str, str]] = field(default_factory=list)
    members: dict[str, list[str]] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    size: int = 0
    visits: Counter[int] = field(default_factory=Counter)
    reserve: Callable[[int], None] = lambda size: None
    rows: tuple[int, int] = (0, 0)

    def keep(self, name: str, attribute: str, array: NDArray[np.generic]) -> None:
        """Add an array whose bytes have been counted."""
        self.grow(len(name) + len(attribute))
        self.arrays.append(array)
        self.index.append((name, attribute))
        if len(self.arrays) > OBJECT_LIMIT:
            raise RefusalError(f"it holds more than {OBJECT_LIMIT} objects")

    def skip(self, name: str, found: str) -> None:
        """Record the type of an object that is not copied."""
        self.grow(len(name) + len(found))
        self.others[name] = found
        if len(self.others) > OBJECT_LIMIT:
            raise RefusalError(f"it holds more than {OBJECT_LIMIT} objects")

    def list_members(self, name: str, members: list[str]) -> None:
        """Record the members of a group."""
        self.grow(len(name) + sum(map(len, members)))
        if len(self.members) > OBJECT_LIMIT:
            raise RefusalError(f"it holds more than {OBJECT_LIMIT} groups")
        self.members[name] = members

    def visit(self, place: int) -> None:
        """Count a read of a group, since many links may lead to one group."""
        self.visits[place] += 1
        if self.visits[place] > WAY_LIMIT:
            raise RefusalError(f"more than {WAY_LIMIT} ways lead to one of its groups; write it once")

    def grow(self, size: int) -> None:
        """Count bytes, if possible before they are read."""
        self.size += size
        if self.size > self.limit:
            raise RefusalError(
                f"it unpacks to more than {self.limit} bytes, the most for a file of its size;"
                " store less in it, or without compression"
            )


def write_copy(copied: Copy, folder: Path) -> None:
    """Write the copied content into a folder: numbers one array after another, and a JSON text about them."""
    parts: list[dict[str, object]] = []
    with (folder / NUMBERS_FILE).open("wb") as file:
        for (name, attribute), array in zip(copied.index, copied.arrays, strict=True):
            part = {"name": name, "attribute": attribute, "shape": array.shape}
            if array.dtype.kind == "U":
                parts.append({**part, "texts": array.ravel().tolist()})
            else:
                np.ascontiguousarray(array).tofile(file)
                parts.append({**part, "type": array.dtype.str})
    index = json.dumps({"parts": parts, "members": copied.members, "others": copied.others})
    (folder / INDEX_FILE).write_text(index, encoding="utf-8")


def read_copy(folder: Path, *, limit: int) -> Copy:
    """Return the content that `write_copy` wrote.

    Raises
    ------
    ValueError
        If anything there is invalid or larger than the limit.
    """
    try:
        content = read_bytes(folder / NUMBERS_FILE)
        index = parse_json(read_bytes(folder / INDEX_FILE))
    except FormatError as error:
        raise ValueError(str(error)) from error
    copied = Copy(2 * limit)  # names were counted once already
    position = 0
    for part in _list_of(index["parts"], dict):
        array, size = _array(part, content, position=position)
        position += size
        copied.keep(_text_of(part["name"]), _text_of(part["attribute"]), array)
    if position != len(content) or position > limit:
        raise ValueError(f"expected {position} bytes, at most {limit}, got {len(content)}")
    for name, members in _mapping_of(index["members"]).items():
        copied.list_members(name, _list_of(members, str))
    for name, found in _mapping_of(index["others"]).items():
        copied.skip(name, _text_of(found))
    return copied


def _array(part: Mapping[str, object], content: bytes, *, position: int) -> tuple[NDArray[np.generic], int]:
    """Return the array at a position, and its number of bytes."""
    shape = tuple(_list_of(part["shape"], int))
    count = math.prod(shape)
    if "texts" in part:
        return np.array(_list_of(part["texts"], str), dtype=np.str_).reshape(shape), 0
    text = _text_of(part["type"])
    if not NUMBER_TYPE.fullmatch(text) or any(extent < 0 for extent in shape):
        raise ValueError(f"an array is of type {text!r} and shape {shape}")
    dtype = np.dtype(text)
    array = np.frombuffer(content, dtype=dtype, count=count, offset=position) if count else np.zeros(0, dtype=dtype)
    if dtype.kind == "b" and array.view(np.uint8).max(initial=0) > 1:
        raise ValueError("bools must be 0 or 1")
    return array.reshape(shape), count * dtype.itemsize


def _list_of(value: object, kind: type[T]) -> list[T]:
    if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
        raise ValueError(f"expected a list of {kind.__name__}")
    return value


def _mapping_of(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError("expected a table")
    return value


def _text_of(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("expected a text")
    return value
