"""The process that reads an HDF5 file, separate because the HDF5 library may hang or crash on a damaged one.

It copies the named parts into a folder (see `snnprog.files.hdf5_copy`): arrays, the members of every group on
the path, and the types of other objects. Groups, links and chunks may be hostile, too:
unless they are few, stay in the file, and take no more than a file of that size may, the file is refused. Limits on
this process's memory and processor time end everything else.
"""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnprog.archive import unpacked_limit
from snnprog.files.hdf5_copy import (
    CHARACTER_BYTES,
    NUMBER_BYTES,
    OBJECT_LIMIT,
    REFUSED,
    UNUSABLE,
    Copy,
    RefusalError,
    write_copy,
)
from snnprog.files.hdf5_filters import check_filters
from snnprog.files.process_limits import READ_SHARES, limit_memory, limit_time_and_files

TEXT_LIMIT = 1 << 16
TEXT_BYTES = 1 << 13  # counted for each text that is read separately, in .3 ms; it has at least 16 bytes in the file
DEPTH_LIMIT = 16
CHUNK_BYTES = 512  # memory of the library for a chunk while it reads: 330 to 480 were measured (HDF5 2.0)
MESSAGE_CHARACTERS = 1000
FILE_SHARES = 32  # objects took ten bytes for each byte in the file


def copy_parts(
    path: str,
    names: Sequence[str],
    *,
    rows: tuple[int, int] = (0, 0),
    reserve: Callable[[int], None] = lambda size: None,
) -> Copy:
    """Return the named parts of a file, groups with all members; omit missing ones.

    An array of structures is copied as one array for each of its fields, ``<name>/<field>``.

    Parameters
    ----------
    rows : (int, int)
        First and end index of the lists of numbers to copy from a dataset of lists; each becomes an array
        ``<name>/<number>``.
    reserve : callable
        See `Copy`.
    """
    import h5py

    size = Path(path).stat().st_size
    copied = Copy(unpacked_limit(size), reserve=reserve, rows=rows)
    reserve(FILE_SHARES * size)
    with h5py.File(path, "r", locking="best-effort") as file:
        _note_members(file, "", copied=copied)
        for name in names:
            parts = name.split("/")
            for depth in range(1, len(parts)):
                group = "/".join(parts[:depth])
                if group not in copied.members and isinstance(found := _member(file, group), h5py.Group):
                    _note_members(found, group, copied=copied)
            found = _member(file, name)
            if found is not None:
                _copy(found, name, copied=copied)
    return copied


def _member(file: Any, name: str) -> Any:
    """Return the object of a name, through hard links only, or None."""
    import h5py

    found = file
    for part in name.split("/"):
        link = found.get(part, getlink=True) if isinstance(found, h5py.Group) else None
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise RefusalError(f"/{name} must be a part of the file, got a link to another place")
        found = found[part]
    return found


def _note_members(group: Any, name: str, *, copied: Copy) -> list[str]:
    if len(group) > OBJECT_LIMIT:
        raise RefusalError(f"/{name} has {len(group)} members; at most {OBJECT_LIMIT} are read")
    copied.list_members(name, list(group))
    return copied.members[name]


def _copy(found: Any, name: str, *, copied: Copy, above: tuple[int, ...] = ()) -> None:
    """Copy an object, a group with all members; ``above`` are the groups that contain it."""
    import h5py

    if len(above) > DEPTH_LIMIT:
        raise RefusalError(f"it is nested more than {DEPTH_LIMIT} deep")
    if isinstance(found, h5py.Dataset):
        _copy_dataset(found, name, copied=copied)
    elif isinstance(found, h5py.Group):
        place = h5py.h5o.get_info(found.id).addr
        if place in above:
            raise RefusalError(f"/{name} leads back to a group that it is in")
        copied.visit(place)
        for member in _note_members(found, name, copied=copied):
            inner = f"{name}/{member}"
            _copy(_member(found, member), inner, copied=copied, above=(*above, place))
    else:
        copied.skip(name, "a named type")
    _copy_attributes(found, name, copied=copied)


def _copy_dataset(dataset: Any, name: str, *, copied: Copy) -> None:
    import h5py

    if dataset.is_virtual or dataset.external:
        raise RefusalError(f"/{name} keeps its data in other files; copy the data into this file")
    if dataset.shape is None:
        copied.skip(name, "empty")
    elif h5py.check_string_dtype(dataset.dtype) is not None:
        _check_storage(dataset, name, copied=copied)
        copied.keep(name, "", _texts(dataset, name, copied))
    elif dataset.dtype.kind in "biuf":
        _check_storage(dataset, name, copied=copied)
        size = math.prod(dataset.shape) * max(dataset.dtype.itemsize, NUMBER_BYTES)
        copied.grow(size)
        copied.reserve(READ_SHARES * (size + math.prod(dataset.chunks or ()) * dataset.dtype.itemsize))
        copied.keep(name, "", np.asarray(dataset[()]))
    elif h5py.check_vlen_dtype(dataset.dtype) is not None and dataset.ndim == 1:
        _copy_lists(dataset, name, copied=copied)
    elif dataset.dtype.names is not None and all(dataset.dtype[field].kind in "biuf" for field in dataset.dtype.names):
        _copy_fields(dataset, name, copied=copied)
    else:
        copied.skip(name, str(dataset.dtype))


def _copy_lists(dataset: Any, name: str, *, copied: Copy) -> None:
    """Copy the requested lists of numbers; each counts, even if several are the same in the file."""
    import h5py

    kind = h5py.check_vlen_dtype(dataset.dtype)
    copied.skip(name, f"{len(dataset)} lists of {kind}")
    if kind.kind not in "biuf":
        return
    _check_storage(dataset, name, copied=copied)
    copied.reserve(READ_SHARES * copied.limit)
    for row in range(*slice(*copied.rows).indices(len(dataset))):
        numbers = np.asarray(dataset[row])
        copied.grow(numbers.size * max(numbers.itemsize, NUMBER_BYTES))
        copied.keep(f"{name}/{row}", "", numbers)


def _copy_fields(dataset: Any, name: str, *, copied: Copy) -> None:
    """Copy an array of structures of numbers, field by field."""
    _check_storage(dataset, name, copied=copied)
    count, names = math.prod(dataset.shape), dataset.dtype.names
    size = count * sum(max(dataset.dtype[field].itemsize, NUMBER_BYTES) for field in names)
    copied.grow(size)
    copied.reserve(READ_SHARES * (size + math.prod(dataset.chunks or ()) * dataset.dtype.itemsize))
    table = dataset[()]
    for field in names:
        copied.keep(f"{name}/{field}", "", np.ascontiguousarray(table[field]))


def _check_storage(dataset: Any, name: str, *, copied: Copy) -> None:
    """Refuse chunks that are too large, too many, or cannot be unpacked."""
    check_filters(dataset, name)
    if dataset.chunks is None:
        return
    chunk = math.prod(dataset.chunks) * dataset.dtype.itemsize
    if chunk > copied.limit:
        raise RefusalError(
            f"/{name} is stored in chunks of {chunk} bytes; at most {copied.limit} are read of a file of its size"
        )
    extents = zip(dataset.shape, dataset.chunks, strict=True)
    copied.grow(CHUNK_BYTES * math.prod(-(-extent // length) for extent, length in extents))


def _texts(dataset: Any, name: str, copied: Copy) -> NDArray[np.generic]:
    """Return texts of any shape; one by one if their lengths vary: each may be long, and several may be the same."""
    count = math.prod(dataset.shape)
    if count > TEXT_LIMIT:
        raise RefusalError(f"/{name} holds {count} texts; at most {TEXT_LIMIT} are read")
    if dataset.dtype.kind == "S":
        copied.grow(CHARACTER_BYTES * max(count, 1) * dataset.dtype.itemsize)
        return np.asarray(np.char.decode(dataset[()], "utf-8"))
    copied.grow(TEXT_BYTES * count)
    copied.reserve(READ_SHARES * copied.limit)
    texts: list[str] = []
    longest = 0
    for place in np.ndindex(*dataset.shape):
        value = dataset[place]
        text = value.decode("utf-8") if isinstance(value, bytes) else str(value)
        copied.grow(CHARACTER_BYTES * (len(text) + count * max(len(text) - longest, 0)))
        longest = max(longest, len(text))
        texts.append(text)
    return np.array(texts, dtype=np.str_).reshape(dataset.shape)


def _copy_attributes(found: Any, name: str, *, copied: Copy) -> None:
    """Copy the attributes that are one number or text, also as arrays of length 1; record the others."""
    if len(found.attrs) > OBJECT_LIMIT:
        raise RefusalError(f"/{name} has {len(found.attrs)} attributes; at most {OBJECT_LIMIT} are read")
    for attribute in found.attrs:
        kept = found.attrs.get_id(attribute)
        is_one = kept.shape is not None and math.prod(kept.shape) == 1
        if is_one and kept.dtype.kind == "S":
            copied.grow(kept.dtype.itemsize)
        value = found.attrs[attribute] if is_one and (kept.dtype.kind in "biufS" or kept.dtype.hasobject) else None
        value = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
        if isinstance(value, (str, bytes, int, float, np.generic)):
            text = value.decode("utf-8") if isinstance(value, bytes) else value
            copied.grow(CHARACTER_BYTES * len(str(text)))
            copied.keep(name, attribute, np.asarray(text))
        else:
            copied.skip(f"{name}@{attribute}", f"{kept.dtype} of shape {kept.shape}")


def reason_of(error: Exception) -> str:
    """Return the reason, in words about the file, of an error of the library."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, MemoryError) or any(word in text.lower() for word in OUT_OF_MEMORY):
        return "unpacking it takes more memory than a file of its size may; store it without compression"
    if "filter returned failure" in text:
        return f"it is damaged, or a chunk unpacks to more than it declares ({text})"
    if "unable to lock file" in text:
        return "another program has it open and locked; close it there, or read a copy"
    return f"it is damaged ({text})"


OUT_OF_MEMORY = ("unable to allocate", "memory allocation failed", "can't allocate", "out of memory", "bad_alloc")


def main(path: str, names: str, folder: str, rows: str) -> int:
    """Copy parts of a file, or print the reason of a failure on standard error; return the exit code."""
    warnings.simplefilter("ignore")
    try:
        import h5py

        h5py.File  # noqa: B018  (another h5py.py lacks it)
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}: {error}"[:MESSAGE_CHARACTERS])
        return UNUSABLE
    try:
        limit_time_and_files(unpacked_limit(Path(path).stat().st_size))
        copied = copy_parts(path, json.loads(names), rows=tuple(json.loads(rows)), reserve=limit_memory)
        limit_memory(READ_SHARES * copied.limit)
        write_copy(copied, Path(folder))
    except RefusalError as refusal:
        sys.stderr.write(str(refusal)[:MESSAGE_CHARACTERS])
        return REFUSED
    except Exception as error:  # the library may raise anything for a damaged file
        sys.stderr.write(reason_of(error)[:MESSAGE_CHARACTERS])
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
