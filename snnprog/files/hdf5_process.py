"""What reads an HDF5 file in a process of its own: the HDF5 library may hang or crash on a damaged one.

It copies the parts that are named into an ``.npz`` of arrays ``0``, ``1`` and so on, and a JSON ``index``: what each of
them was, the members of every group on the way, and what was met that is no array of numbers or texts. Groups, links
and chunks come from strangers, too: they are few, lead nowhere else, and of bearable size, or the file is refused.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnprog.files.hdf5_copy import OBJECT_LIMIT, REFUSED, SIZE_LIMIT_BYTES, Copy, RefusalError

MEMORY_LIMIT_BYTES = 1 << 33
TEXT_LIMIT = 1 << 16
TEXT_LIMIT_BYTES = 1 << 22
DEPTH_LIMIT = 16


def copy_parts(path: str, names: Sequence[str]) -> Copy:
    """Return the named parts of a file, groups with all that is in them; what is missing is left out."""
    import h5py

    copied = Copy()
    with h5py.File(path, "r") as file:
        _note_members(file, "", copied=copied)
        for name in names:
            parts = name.split("/")
            for depth in range(1, len(parts)):
                group = "/".join(parts[:depth])
                if group not in copied.members and isinstance(found := _member(file, group), h5py.Group):
                    _note_members(found, group, copied=copied)
            found = _member(file, name)
            if found is not None:
                _copy(found, name, copied=copied, depth=0)
    return copied


def _member(file: Any, name: str) -> Any:
    """Return what a name leads to by hard links alone, or None."""
    import h5py

    found = file
    for part in name.split("/"):
        link = found.get(part, getlink=True) if isinstance(found, h5py.Group) else None
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise RefusalError(f"/{name} is a link to another place; a file that holds it is needed")
        found = found[part]
    return found


def _note_members(group: Any, name: str, *, copied: Copy) -> list[str]:
    if len(group) > OBJECT_LIMIT:
        raise RefusalError(f"/{name} has {len(group)} members; at most {OBJECT_LIMIT} are read")
    if len(copied.members) > OBJECT_LIMIT:
        raise RefusalError(f"it holds more than {OBJECT_LIMIT} groups, or leads to one by many ways")
    copied.members[name] = list(group)
    return copied.members[name]


def _copy(found: Any, name: str, *, copied: Copy, depth: int) -> None:
    import h5py

    if depth > DEPTH_LIMIT:
        raise RefusalError(f"it is nested more than {DEPTH_LIMIT} deep")
    if isinstance(found, h5py.Dataset):
        _copy_dataset(found, name, copied=copied)
    elif isinstance(found, h5py.Group):
        for member in _note_members(found, name, copied=copied):
            inner = f"{name}/{member}"
            _copy(_member(found, member), inner, copied=copied, depth=depth + 1)
    else:
        copied.skip(name, "a named type")
    _copy_attributes(found, name, copied=copied)


def _copy_dataset(dataset: Any, name: str, *, copied: Copy) -> None:
    import h5py

    if dataset.is_virtual or dataset.external:
        raise RefusalError(f"/{name} keeps its data in other files; a file that holds it is needed")
    if dataset.shape is None:
        copied.skip(name, "empty")
    elif h5py.check_string_dtype(dataset.dtype) is not None:
        copied.keep(name, "", _texts(dataset, name, copied))
    elif dataset.dtype.kind in "biuf":
        chunk = math.prod(dataset.chunks or (0,)) * dataset.dtype.itemsize
        if chunk > SIZE_LIMIT_BYTES:
            raise RefusalError(f"/{name} is stored in chunks of {chunk} bytes; at most {SIZE_LIMIT_BYTES} are read")
        copied.grow(max(math.prod(dataset.shape), 1) * dataset.dtype.itemsize)
        copied.keep(name, "", np.asarray(dataset[()]))
    else:
        copied.skip(name, str(dataset.dtype))


def _texts(dataset: Any, name: str, copied: Copy) -> NDArray[np.generic]:
    """Return texts of any shape; one by one, since each may be long, and many may be the same one."""
    if math.prod(dataset.shape) > TEXT_LIMIT:
        raise RefusalError(f"/{name} holds {math.prod(dataset.shape)} texts; at most {TEXT_LIMIT} are read")
    texts = []
    for place in _places(dataset.shape):
        value = dataset[place]
        copied.grow(len(value) * (SIZE_LIMIT_BYTES // TEXT_LIMIT_BYTES))
        texts.append(value.decode("utf-8") if isinstance(value, bytes) else str(value))
    return np.array(texts, dtype=np.str_).reshape(dataset.shape)


def _places(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    yield from np.ndindex(*shape)


def _copy_attributes(found: Any, name: str, *, copied: Copy) -> None:
    """Copy the attributes that are one number or one text, some writers' arrays of one among them; note the others."""
    if len(found.attrs) > OBJECT_LIMIT:
        raise RefusalError(f"/{name} has {len(found.attrs)} attributes; at most {OBJECT_LIMIT} are read")
    for attribute in found.attrs:
        kept = found.attrs.get_id(attribute)
        is_one = kept.shape is not None and math.prod(kept.shape) == 1
        value = found.attrs[attribute] if is_one and (kept.dtype.kind in "biufS" or kept.dtype.hasobject) else None
        value = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
        if isinstance(value, (str, bytes, int, float, np.generic)):
            text = value.decode("utf-8") if isinstance(value, bytes) else value
            copied.grow(len(str(text)))
            copied.keep(name, attribute, np.asarray(text))
        else:
            copied.skip(f"{name}@{attribute}", f"{kept.dtype} of shape {kept.shape}")


def main(path: str, names: str, result: str) -> int:
    """Copy parts of a file, or say on standard error why not; return the exit code."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    try:
        copied = copy_parts(path, json.loads(names))
    except RefusalError as refusal:
        sys.stderr.write(str(refusal))
        return REFUSED
    except Exception as error:  # whatever the library says of a damaged file
        sys.stderr.write(f"it is damaged ({type(error).__name__}: {error})")
        return REFUSED
    index = json.dumps({"index": copied.index, "members": copied.members, "others": copied.others})
    arrays: dict[str, Any] = {str(place): array for place, array in enumerate(copied.arrays)}
    np.savez(result, index=np.array(index), **arrays)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
