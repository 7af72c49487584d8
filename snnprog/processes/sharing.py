"""Objects that many jobs hold, and which therefore travel once to each worker process.

A job is pickled without its `Shared` parts: each is pickled separately, under the hash of its pickle, and a worker
keeps those that it used last. Parts may hold parts. Processes of one machine read them from a file.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

KEPT = 16
"""Parts that a process keeps at most: one compilation has a few, for each of the patterns that it designs for."""


LEVEL = 1
"""Of the compression of parts: the fastest. Rasters are mostly zeros, and shrink a hundredfold."""


class Shared:
    """Base class of objects that many jobs hold."""

    @property
    def content(self) -> object:
        """All that distinguishes this object from others of its class."""
        raise NotImplementedError

    def __getstate__(self) -> dict[str, object]:
        """Leave out what is calculated on demand: traces of all lines take 64 times the room of their spikes."""
        kind = type(self)
        return {
            name: value
            for name, value in vars(self).items()
            if not isinstance(getattr(kind, name, None), cached_property)
        }


class Packer:
    """Pickles jobs, and their shared parts once each.

    Attributes
    ----------
    parts : dict of str to bytes
        Hash -> compressed pickle of each part.
    needs : dict of str to tuple of str
        Hash -> hashes of the parts that a part holds, directly or not.
    """

    def __init__(self) -> None:
        self.parts: dict[str, bytes] = {}
        self.needs: dict[str, tuple[str, ...]] = {}
        self._known: dict[int, tuple[Shared, str]] = {}  # keeps the objects, so that no identity is used again

    def packed(self, value: object) -> tuple[bytes, tuple[str, ...]]:
        """Return the pickle of a value, and the hashes of the parts that loading it requires."""
        return self._packed(value, None)

    def _packed(self, value: object, inside: Shared | None) -> tuple[bytes, tuple[str, ...]]:
        found: dict[str, None] = {}

        def key_of(held: object) -> str | None:
            if not isinstance(held, Shared) or held is inside:
                return None
            key = self._key_of(held)
            found.update(dict.fromkeys((key, *self.needs[key])))
            return key

        buffer = io.BytesIO()
        _Pickler(buffer, key_of).dump(value)
        return buffer.getvalue(), tuple(found)

    def _key_of(self, held: Shared) -> str:
        if id(held) not in self._known:
            pickled, needs = self._packed(held, held)
            content = zlib.compress(pickled, LEVEL)
            key = hashlib.sha256(content).hexdigest()
            self.parts[key], self.needs[key] = content, needs
            self._known[id(held)] = held, key
        return self._known[id(held)][1]


class _Pickler(pickle.Pickler):
    def __init__(self, buffer: io.BytesIO, key_of: Callable[[object], str | None]) -> None:
        super().__init__(buffer, protocol=pickle.HIGHEST_PROTOCOL)
        self._key_of = key_of

    def persistent_id(self, held: object) -> str | None:
        """Return the hash of a shared part; other objects are pickled in place."""
        return self._key_of(held)


class MissingPartError(Exception):
    """A shared part is not in this process, and its content was not given."""


class _Unpickler(pickle.Unpickler):
    def __init__(self, content: bytes, part_of: Callable[[str], Shared]) -> None:
        super().__init__(io.BytesIO(content))
        self._part_of = part_of

    def persistent_load(self, key: str) -> Shared:
        """Return the shared part of a hash."""
        return self._part_of(key)


class KeptParts:
    """The shared parts that this process used last."""

    def __init__(self, most: int = KEPT) -> None:
        self._most, self._lock = most, threading.RLock()
        self._parts: OrderedDict[str, Shared] = OrderedDict()

    def loaded(self, content: bytes, given: Mapping[str, Callable[[], bytes]]) -> Any:
        """Return a value of its pickle.

        Parameters
        ----------
        given : mapping of str to callable
            Hash -> function that returns the compressed pickle of a part, or raises OSError.

        Raises
        ------
        MissingPartError
            If a part is neither kept nor given.
        """

        def part_of(key: str) -> Shared:
            with self._lock:
                if key not in self._parts:
                    try:
                        pickled = given[key]()
                    except (KeyError, OSError) as error:
                        raise MissingPartError(key) from error
                    self._parts[key] = self.loaded(zlib.decompress(pickled), given)
                self._parts.move_to_end(key)
                part = self._parts[key]
                while len(self._parts) > self._most:
                    self._parts.popitem(last=False)
                return part

        return _Unpickler(content, part_of).load()
