"""Values as bytes: a canonical form, from which a result is read back, and whose hash identifies a job.

A value is None, a bool, a number, a text, bytes, a fraction, an array, a tuple, a list, a mapping, or a dataclass or
an enumeration of this package with such fields and values. Equal values have equal bytes, in any process. Each begins
with a letter for its kind; numbers of items and lengths follow as 8 bytes. Nothing is ever unpickled: a damaged or
hostile file is a `ValueError`.

The hash of a job covers all that decides its result. It leaves out deadlines, and takes each `Shared` object,
which all jobs of a step hold, as its own hash, which is calculated once.
"""

from __future__ import annotations

import hashlib
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np

from snnprog.processes.sharing import Shared
from snnprog.wording import a_type

LENGTH = struct.Struct("<Q")
FLOAT = struct.Struct("<d")
PACKAGE = "snnprog."
PLAIN_KINDS = "biuf"
DEADLINE = "deadline"
"""Name of the fields that do not decide a result: results that a deadline ended are not recorded."""


def encoded(value: object) -> bytes:
    """Return the bytes of a value.

    Raises
    ------
    TypeError
        If a value of another kind is in it.
    """
    return b"".join(_parts(value, None))


class Hasher:
    """Calculates hashes of jobs; those of shared objects are kept."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Shared, bytes]] = {}  # keeps the objects, so that no identity is used again

    def hash_of(self, value: object) -> bytes:
        """Return the SHA-256 of a value."""
        sha = hashlib.sha256()
        for part in _parts(value, self._of_shared):
            sha.update(part)
        return sha.digest()

    def _of_shared(self, value: Shared) -> bytes:
        if id(value) not in self._known:
            self._known[id(value)] = value, self.hash_of(value.content)
        return self._known[id(value)][1]


def _parts(value: object, of_shared: Callable[[Shared], bytes] | None) -> Iterator[bytes]:
    if isinstance(value, Shared) and of_shared is not None:
        yield b"S" + of_shared(value)
    elif isinstance(value, (np.ndarray, np.generic)):
        yield from _array(value)
    elif isinstance(value, Enum):
        yield from _text(b"e", f"{type(value).__module__}:{type(value).__qualname__}")
        yield from _parts(value.value, of_shared)
    elif value is None or isinstance(value, bool):
        yield {None: b"N", True: b"T", False: b"F"}[value]
    elif isinstance(value, int):
        yield from _text(b"i", str(value))
    elif isinstance(value, float):
        yield b"f" + FLOAT.pack(value)
    elif isinstance(value, str):
        yield from _text(b"s", value)
    elif isinstance(value, bytes):
        yield b"b" + LENGTH.pack(len(value))
        yield value
    elif isinstance(value, Fraction):
        yield from _text(b"q", str(value))
    elif isinstance(value, (tuple, list, frozenset)):  # the fields of a named tuple have no names here
        items = sorted(value) if isinstance(value, frozenset) else value
        kind = b"t" if isinstance(value, tuple) else b"l" if isinstance(value, list) else b"z"
        yield kind + LENGTH.pack(len(items))
        for item in items:
            yield from _parts(item, of_shared)
    elif isinstance(value, Mapping):
        yield b"m" + LENGTH.pack(len(value))
        for key, item in value.items():
            yield from _parts(key, of_shared)
            yield from _parts(item, of_shared)
    elif is_dataclass(value) and type(value).__module__.startswith(PACKAGE):
        named = [(each.name, getattr(value, each.name)) for each in fields(value) if each.name != DEADLINE]
        yield from _text(b"d", f"{type(value).__module__}:{type(value).__qualname__}")
        yield LENGTH.pack(len(named))
        for name, item in named:
            yield from _text(b"s", name)
            yield from _parts(item, of_shared)
    elif isinstance(value, type):
        yield from _text(b"c", f"{value.__module__}:{value.__qualname__}")
    else:
        raise TypeError(f"{a_type(value)} cannot be written into a journal")


def _text(kind: bytes, text: str) -> Iterator[bytes]:
    content = text.encode("utf-8")
    yield kind + LENGTH.pack(len(content))
    yield content


def _array(value: np.ndarray[Any, Any] | np.generic) -> Iterator[bytes]:
    """Yield type, shape and content; bools take a bit each."""
    array = np.ascontiguousarray(value).reshape(np.shape(value))
    if array.dtype.kind not in PLAIN_KINDS:
        raise TypeError(f"an array of {array.dtype} cannot be written into a journal")
    yield from _text(b"a" if isinstance(value, np.ndarray) else b"g", array.dtype.newbyteorder("<").str)
    yield LENGTH.pack(array.ndim) + b"".join(map(LENGTH.pack, array.shape))
    content = np.packbits(array) if array.dtype == np.bool_ else array.astype(array.dtype.newbyteorder("<"))
    yield content.tobytes()


def decoded(content: bytes) -> Any:
    """Return the value of its bytes; arrays are read-only.

    Raises
    ------
    ValueError
        If they are not the bytes of a value.
    """
    reader = _ValueReader(content)
    try:
        value = reader.value()
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError, ZeroDivisionError) as error:
        raise ValueError(f"an entry is invalid: {error}") from error
    if reader.place != len(content):
        raise ValueError("an entry is longer than its value")
    return value


class _ValueReader:
    """Reads one value after another."""

    def __init__(self, content: bytes) -> None:
        self.content, self.place = content, 0

    def value(self) -> Any:
        kind = self._take(1)
        if kind in PLAIN:
            return PLAIN[kind]
        if kind in TEXTS:
            return TEXTS[kind](self._take(self._length()).decode("utf-8"))
        if kind == b"f":
            return FLOAT.unpack(self._take(FLOAT.size))[0]
        if kind == b"b":
            return self._take(self._length())
        if kind in (b"a", b"g"):
            array = self._array()
            return array if kind == b"a" else array[()]
        if kind in COLLECTIONS:
            return COLLECTIONS[kind](self.value() for _ in range(self._length()))
        if kind == b"m":
            return {self.value(): self.value() for _ in range(self._length())}
        if kind == b"d":
            kept = _class_named(self._take(self._length()).decode("utf-8"))
            return kept(**{self.value(): self.value() for _ in range(self._length())})
        if kind == b"e":
            return _class_named(self._take(self._length()).decode("utf-8"))(self.value())
        raise ValueError(f"an entry has the unknown kind {kind!r}")

    def _take(self, length: int) -> bytes:
        taken = self.content[self.place : self.place + length]
        if len(taken) < length:
            raise ValueError("an entry ends too early")
        self.place += length
        return taken

    def _length(self) -> int:
        length: int = LENGTH.unpack(self._take(LENGTH.size))[0]
        return length

    def _array(self) -> np.ndarray[Any, Any]:
        dtype = np.dtype(self._take(self._length()).decode("ascii"))
        if dtype.kind not in PLAIN_KINDS:
            raise ValueError(f"an entry has an array of {dtype}")
        shape = tuple(self._length() for _ in range(self._length()))
        size = int(np.prod(shape, dtype=object))
        if dtype == np.bool_:
            bits = np.unpackbits(np.frombuffer(self._take(-(-size // 8)), np.uint8), count=size)
            array = bits.view(np.bool_).reshape(shape)
        else:
            array = (
                np.frombuffer(self._take(size * dtype.itemsize), dtype).astype(dtype.newbyteorder("=")).reshape(shape)
            )
        array.flags.writeable = False
        return array


def _class_named(name: str) -> type:
    """Return a dataclass or an enumeration of this package that is loaded: no name of a file imports anything."""
    module, _, qualname = name.partition(":")
    found = getattr(sys.modules.get(module), qualname, None)
    if not module.startswith(PACKAGE) or not isinstance(found, type):
        raise ValueError(f"an entry has the unknown kind {name!r}")
    if not (is_dataclass(found) or issubclass(found, Enum)):
        raise ValueError(f"an entry has the unknown kind {name!r}")
    return found


PLAIN: Mapping[bytes, Any] = MappingProxyType({b"N": None, b"T": True, b"F": False})
TEXTS: Mapping[bytes, Callable[[str], Any]] = MappingProxyType({b"i": int, b"s": str, b"q": Fraction})
COLLECTIONS: Mapping[bytes, Callable[[Iterator[Any]], Any]] = MappingProxyType(
    {b"t": tuple, b"l": list, b"z": frozenset}
)
