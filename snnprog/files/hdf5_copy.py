"""What is copied out of an HDF5 file, and how it crosses from the process that reads to its parent.

Numbers lie one array after another in a file without any form; a JSON text says what each of them is, and holds the
texts. So the parent reads no more than plain values, as many bytes as were announced. This module is apart from
`snnprog.files.hdf5_process`, which runs as a script: nothing may import that before.
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
WAY_LIMIT = 16  # whoever shares a group shares it among few
NUMBER_BYTES = 8  # what every number becomes in the parent, however few bytes it has in the file
CHARACTER_BYTES = 4  # in an array of texts, in which each has room for the longest
REFUSED, UNUSABLE = 3, 4
"""The exit codes of a process that refused its file, or has no h5py to read it: Python itself exits with 1 or 2."""

NUMBERS_FILE, INDEX_FILE = "numbers", "index.json"
NUMBER_TYPE = re.compile(r"[<>|][biuf]\d{1,2}", re.ASCII)

T = TypeVar("T")


class RefusalError(Exception):
    """A file is not read; the text is the reason."""


@dataclass
class Copy:
    """What has been copied so far.

    Attributes
    ----------
    limit : int
        How many bytes all of it may take in memory.
    arrays : list
        In the order of ``index``.
    index : list of (str, str)
        The object that each array was, and the attribute, if it was one.
    members : dict
        Group -> names of what is in it.
    others : dict
        Object, or ``object@attribute`` -> its type, where it is no array of numbers or texts, or not one of either.
    size : int
        How many bytes were counted.
    visits : Counter
        How often each group was read, by its place in the file.
    reserve : callable
        Called with the bytes that what is read next may take, before it is read.
    rows : (int, int)
        From which on and before which lists of numbers are copied, of a dataset that holds such.
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
        """Add an array, the bytes of which have been counted."""
        self.grow(len(name) + len(attribute))
        self.arrays.append(array)
        self.index.append((name, attribute))
        if len(self.arrays) > OBJECT_LIMIT:
            raise RefusalError(f"it holds more than {OBJECT_LIMIT} objects")

    def skip(self, name: str, found: str) -> None:
        """Note what is not copied."""
        self.grow(len(name) + len(found))
        self.others[name] = found
        if len(self.others) > OBJECT_LIMIT:
            raise RefusalError(f"it holds more than {OBJECT_LIMIT} objects")

    def list_members(self, name: str, members: list[str]) -> None:
        """Note what is in a group."""
        self.grow(len(name) + sum(map(len, members)))
        if len(self.members) > OBJECT_LIMIT:
            raise RefusalError(f"it holds more than {OBJECT_LIMIT} groups")
        self.members[name] = members

    def visit(self, place: int) -> None:
        """Count a group that is going to be read, since links may lead to one by very many ways."""
        self.visits[place] += 1
        if self.visits[place] > WAY_LIMIT:
            raise RefusalError(f"more than {WAY_LIMIT} ways lead to one of its groups; write it once")

    def grow(self, size: int) -> None:
        """Count bytes, before they are read wherever that can be known."""
        self.size += size
        if self.size > self.limit:
            raise RefusalError(
                f"it unpacks to more than {self.limit} bytes, the most for a file of its size;"
                " store less in it, or without compression"
            )


def write_copy(copied: Copy, folder: Path) -> None:
    """Write what was copied into a folder: numbers one array after another, and a JSON text about them."""
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
    """Return what `write_copy` wrote.

    Raises
    ------
    ValueError
        If anything there is not as that writes it, or larger than the limit.
    """
    try:
        content = read_bytes(folder / NUMBERS_FILE)
        index = parse_json(read_bytes(folder / INDEX_FILE))
    except FormatError as error:
        raise ValueError(str(error)) from error
    copied = Copy(2 * limit)  # names were counted once, and are not again
    position = 0
    for part in _list_of(index["parts"], dict):
        array, size = _array(part, content, position=position)
        position += size
        copied.keep(_text_of(part["name"]), _text_of(part["attribute"]), array)
    if position != len(content) or position > limit:
        raise ValueError(f"{len(content)} bytes came; {position} were announced, and at most {limit} are read")
    for name, members in _mapping_of(index["members"]).items():
        copied.list_members(name, _list_of(members, str))
    for name, found in _mapping_of(index["others"]).items():
        copied.skip(name, _text_of(found))
    return copied


def _array(part: Mapping[str, object], content: bytes, *, position: int) -> tuple[NDArray[np.generic], int]:
    """Return an array that stands at a position, and how many bytes it has there."""
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
        raise ValueError("flags are neither 0 nor 1")
    return array.reshape(shape), count * dtype.itemsize


def _list_of(value: object, kind: type[T]) -> list[T]:
    if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
        raise ValueError(f"a list of {kind.__name__} was announced")
    return value


def _mapping_of(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError("a table was announced")
    return value


def _text_of(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a text was announced")
    return value
