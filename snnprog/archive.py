"""Zip files of ``.npy`` arrays and small JSON texts: reproducible to write, safe to read.

Program files, stimuli, results and ``.npz`` rasters are all such archives. They carry no times and no owner, so
equal content is equal bytes; files are replaced atomically. Files that are read may be hostile: sizes
are checked before anything is allocated, nothing is ever unpickled, and every fault is a `FormatError`.
"""

from __future__ import annotations

import io
import math
import re
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from snnprog.documents import parse_json, parse_toml
from snnprog.errors import FormatError
from snnprog.output_files import write_bytes
from snnprog.wording import meant_file

# NumPy types these functions only in part.
npy: Any = np.lib.format

EARLIEST_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
MEMBER_LIMIT = 64
SIZE_LIMIT_BYTES = 1 << 30
SMALL_BYTES = 1 << 24  # limit for the smallest files; a raster of 16 million silent bins compresses to a few kB
DEFLATE_RATIO = 1032  # the most bytes that deflate can make of one (zlib.net, "Technical Details")
TEXT_BYTES, TEXT_RATIO = 1 << 20, 64  # for texts, which become objects of 30 bytes per byte; JSON compresses 10:1
DIRECTORY_LIMIT_BYTES = 1 << 16
HEADER_LIMIT_BYTES = 4096
AXES_LIMIT = 32
FIELDS_LIMIT = 32  # chosen; events have four
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
PLAIN_KINDS = "biufU"
# The end record of a zip (signature, members, size of the directory, length of the comment), and what stands before it
# in archives beyond 4 GiB: APPNOTE.TXT 6.3.10, sections 4.3.16 and 4.3.15.
END_RECORD = struct.Struct("<4s6xHL4xH")
END_SIGNATURE, LARGE_SIGNATURE, LARGE_BYTES = b"PK\5\6", b"PK\6\7", 20
UNQUOTED_RANGE = re.compile(rb"=\s*(\d+-\d+)\s*(?:#|$)", re.MULTILINE)
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
"""The beginning of what Git LFS leaves in the place of a file (git-lfs, docs/spec.md, "The Pointer")."""


def write_archive(path: Path, arrays: Mapping[str, NDArray[np.generic]], *, texts: Mapping[str, str]) -> None:
    """Write arrays as ``<name>.npy`` and texts as ``<name>`` into one zip, atomically and byte-identically.

    Raises
    ------
    FormatError
        If the file cannot be written.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in texts.items():
            _add_member(archive, name, content=text.encode("utf-8"))
        for name, array in arrays.items():
            _add_member(archive, f"{name}.npy", content=_npy_bytes(array))
    write_bytes(path, buffer.getvalue())


def check_regular(path: Path) -> int:
    """Return the size of a regular file in bytes; refuse pipes and devices, which may never end.

    Raises
    ------
    FormatError
        If it is missing or not a regular file.
    """
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        meant = meant_file(path) if isinstance(error, FileNotFoundError) else ""
        raise FormatError(f"{path} cannot be read: {reason}{meant}") from error
    if not stat.S_ISREG(found.st_mode):
        kind = "Is a directory" if stat.S_ISDIR(found.st_mode) else "it is a pipe or device"
        raise FormatError(f"{path} cannot be read: {kind}; give a regular file")
    return found.st_size


def unpacked_limit(size: int) -> int:
    """Return the most bytes that a file of this size may unpack to, from the limit of deflate."""
    return min(SIZE_LIMIT_BYTES, SMALL_BYTES + DEFLATE_RATIO * size)


def read_bytes(path: Path) -> bytes:
    """Return the content of a regular file.

    Raises
    ------
    FormatError
        If it is missing, not a regular file, or larger than `SIZE_LIMIT_BYTES`.
    """
    size = check_regular(path)
    if size > SIZE_LIMIT_BYTES:
        raise FormatError(f"{path} has {size} bytes; at most {SIZE_LIMIT_BYTES} are read")
    try:
        return path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror}") from error


def read_toml(path: Path) -> dict[str, Any]:
    """Return the table of a TOML file.

    Raises
    ------
    FormatError
        If it cannot be read, or is not valid TOML; see `read_bytes` and `snnprog.documents.parse_toml`.
    """
    content = read_bytes(path)
    try:
        return parse_toml(content)
    except ValueError as error:
        bare = UNQUOTED_RANGE.search(content)
        hint = "" if bare is None else f"; a range is text: write {bare[1].decode()} in quotes"
        raise FormatError(f"{path} is not valid TOML: {error}{hint}") from error


def read_archive(path: Path, only: str | None = None, *, limit: int = SIZE_LIMIT_BYTES) -> dict[str, bytes]:
    """Return the members of a zip by name, after checking their number, names and sizes.

    Parameters
    ----------
    only : str, optional
        The only member to read; if it is missing, all are read, so that a message can name them.
    limit : int
        The most bytes that it may unpack to, if the content is known beforehand.

    Raises
    ------
    FormatError
        If the file is missing, damaged, empty or not a zip archive, or declares more content than `unpacked_limit`
        allows.
    """
    size = check_regular(path)
    try:
        with path.open("rb") as file:
            _check_ending(path, file, size=size)
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
                _check_members(path, members, size=size, limit=min(limit, unpacked_limit(size)))
                wanted = [member for member in members if member.filename == only] or members
                return {member.filename: _read_member(archive, member) for member in wanted}
    except FormatError:
        raise
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise FormatError(f"{path} is not a complete zip archive: {error}") from error


def array_of(path: Path, members: Mapping[str, bytes], *, name: str, has_fields: bool = False) -> NDArray[np.generic]:
    """Return the array ``<name>.npy`` of an archive's members, read-only.

    Parameters
    ----------
    has_fields : bool
        Whether it must be an array of structures of plain numbers.

    Raises
    ------
    FormatError
        If it is missing, malformed, of a type that requires unpickling, or shorter or longer than its header declares.
    """
    if f"{name}.npy" not in members:
        raise FormatError(f"{path} has no array {name!r}; it has {_arrays(members)}")
    content = members[f"{name}.npy"]
    stream = io.BytesIO(content)
    try:
        shape, fortran, dtype = _read_npy_header(stream)
    except Exception as error:  # every fault of a header means that this is not an array
        raise FormatError(f"array {name!r} in {path} has a malformed header: {type(error).__name__}") from error
    _check_type(path, name, dtype, has_fields=has_fields)
    _check_extent(path, name, shape, dtype, len(content) - stream.tell())
    flat = np.frombuffer(content, dtype=dtype, offset=stream.tell())
    if dtype.kind == "b" and flat.view(np.uint8).max(initial=0) > 1:
        raise FormatError(f"array {name!r} in {path} must hold bools stored as 0 and 1")
    return flat.reshape(shape, order="F" if fortran else "C")


def rows_of_array(path: Path, key: str | None, rows: Callable[[int], int]) -> Iterator[NDArray[np.generic]]:
    """Yield the rows of an array of two axes piece by piece, so that memory does not depend on their number.

    Parameters
    ----------
    key : str, optional
        Name of the array; if it is None, the archive must have one.
    rows : callable
        Row length -> number of rows of a piece.

    Raises
    ------
    FormatError
        As `read_archive` and `array_of`, but for sizes; also if the array has other axes, or columns come first.
    """
    size = check_regular(path)
    try:
        with path.open("rb") as file:
            _check_ending(path, file, size=size)
            with zipfile.ZipFile(file) as archive:
                names = [member.filename for member in archive.infolist() if member.filename.endswith(".npy")]
                if key is None and len(names) != 1:
                    raise FormatError(
                        f"{path} must hold one array, or be named as in {path.name}:NAME; it has {_arrays(names)}"
                    )
                name = names[0] if key is None else f"{key}.npy"
                if name not in names:
                    raise FormatError(f"{path} has no array {key!r}; it has {_arrays(names)}")
                with archive.open(name) as member:
                    yield from _pieces(path, name[:-4], member, rows)
    except FormatError:
        raise
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise FormatError(f"{path} is not a complete zip archive: {error}") from error


def _pieces(path: Path, name: str, member: IO[bytes], rows: Callable[[int], int]) -> Iterator[NDArray[np.generic]]:
    head = io.BytesIO(member.read(HEADER_LIMIT_BYTES + LARGE_BYTES))
    try:
        shape, fortran, dtype = _read_npy_header(head)
    except Exception as error:  # every fault of a header means that this is not an array
        raise FormatError(f"array {name!r} in {path} has a malformed header: {type(error).__name__}") from error
    _check_type(path, name, dtype, has_fields=False)
    if len(shape) != 2 or fortran:
        raise FormatError(
            f"array {name!r} in {path} must have shape (ticks, neurons) in C order to be streamed, got {shape}"
            f"{' in Fortran order' if fortran else ''}"
        )
    piece, kept, left = rows(shape[1]), head.read(), shape[0]
    while left:
        count = min(piece, left)
        wanted = count * shape[1] * dtype.itemsize
        content = kept[:wanted] + member.read(max(wanted - len(kept), 0))
        kept, left = kept[wanted:], left - count
        if len(content) < wanted:
            raise FormatError(f"array {name!r} in {path} ends before its {shape[0]} rows do")
        yield np.frombuffer(content, dtype).reshape(count, shape[1])


def fields_of(path: Path, members: Mapping[str, bytes], *, name: str) -> tuple[str, ...]:
    """Return the names of the fields of an array of structures; an empty list for any other or damaged array."""
    try:
        return _read_npy_header(io.BytesIO(members[f"{name}.npy"]))[2].names or ()
    except Exception:  # a damaged header has no fields
        return ()


def structured_of(path: Path, members: Mapping[str, bytes], *, name: str) -> NDArray[Any]:
    """Return an array of structures of plain numbers; see `array_of`.

    Raises
    ------
    FormatError
        As `array_of`; also if it is any other array.
    """
    if not fields_of(path, members, name=name):
        array = array_of(path, members, name=name)
        advice = "; a raster of bools is read from an .npz: np.savez('x.npz', array)" if array.dtype.kind == "b" else ""
        raise FormatError(
            f"array {name!r} in {path} must be an array of structures with the fields x, y, t and p, got"
            f" {array.dtype} of shape {array.shape}{advice}"
        )
    return array_of(path, members, name=name, has_fields=True)


def json_of(path: Path, members: Mapping[str, bytes], *, name: str) -> dict[str, object]:
    """Return the JSON object ``name`` of an archive's members.

    Raises
    ------
    FormatError
        If it is missing, or `parse_json` refuses it.
    """
    if name not in members:
        raise FormatError(f"{path} has no {name}; it has {_names(members)}")
    try:
        return parse_json(members[name])
    except ValueError as error:
        raise FormatError(f"{name} in {path} is not valid JSON: {error}") from error


def _arrays(members: Iterable[str]) -> str:
    return ", ".join(sorted(each[:-4] for each in members if each.endswith(".npy"))) or "none"


def _names(members: Mapping[str, bytes]) -> str:
    return ", ".join(sorted(members)) or "nothing"


def _read_npy_header(stream: io.BytesIO) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    version = npy.read_magic(stream)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about literals in the header of a hostile file, printed on standard error
        shape, fortran, dtype = readers[version](stream, max_header_size=HEADER_LIMIT_BYTES)
    return shape, fortran, dtype


def _add_member(archive: zipfile.ZipFile, name: str, *, content: bytes) -> None:
    member = zipfile.ZipInfo(name, EARLIEST_ZIP_TIME)
    member.compress_type = zipfile.ZIP_STORED  # compressed bytes depend on the version of the compressor
    member.external_attr = 0o644 << 16
    member.create_system = 3
    archive.writestr(member, content)


def _npy_bytes(array: NDArray[np.generic]) -> bytes:
    stream = io.BytesIO()
    npy.write_array(stream, np.asarray(array, order="C"), version=(1, 0), allow_pickle=False)
    return stream.getvalue()


def _check_ending(path: Path, file: BinaryIO, *, size: int) -> None:
    """Refuse a directory with too many members before `zipfile` makes an object of each.

    Where the last bytes are an end record without a comment, that is the record that `zipfile` reads.
    """
    if file.read(len(LFS_POINTER)) == LFS_POINTER:
        raise FormatError(f"{path} is a pointer of Git LFS, not the file itself; 'git lfs pull' gets the file")
    file.seek(max(0, size - END_RECORD.size - LARGE_BYTES))
    tail = file.read(END_RECORD.size + LARGE_BYTES)
    if len(tail) < END_RECORD.size:
        raise zipfile.BadZipFile("it is too short" if tail else "it is empty")
    signature, count, directory, comment = END_RECORD.unpack(tail[-END_RECORD.size :])
    if signature != END_SIGNATURE or comment:
        raise zipfile.BadZipFile("it has no end record; it is cut off, or another kind of file")
    if tail[: -END_RECORD.size].startswith(LARGE_SIGNATURE):
        raise zipfile.BadZipFile("it is a zip64 archive")
    if count > MEMBER_LIMIT:
        raise FormatError(f"{path} has {count} members; at most {MEMBER_LIMIT} are read")
    if directory > DIRECTORY_LIMIT_BYTES:
        raise zipfile.BadZipFile(f"its directory has {directory} bytes; at most {DIRECTORY_LIMIT_BYTES} are read")


def _check_members(path: Path, members: list[zipfile.ZipInfo], *, size: int, limit: int) -> None:
    if not members:
        raise FormatError(f"{path} is an empty zip archive")
    if len(members) > MEMBER_LIMIT:
        raise FormatError(f"{path} has {len(members)} members; at most {MEMBER_LIMIT} are read")
    names = [member.filename for member in members]
    if len(set(names)) != len(names):
        raise FormatError(f"{path} has a member twice: {', '.join(sorted(names))}")
    for member in members:
        # A damaged comment length hides the members that follow, so comments are refused.
        if member.comment or member.compress_type not in METHODS:
            raise FormatError(f"{member.filename} in {path} has a comment or is neither stored nor deflated")
    unpacked = sum(member.file_size for member in members)
    if unpacked > limit:
        raise FormatError(
            f"{path} has {size} bytes and unpacks to {unpacked}; at most {limit} are read from a file of this size"
        )
    texts = sum(member.file_size for member in members if not member.filename.endswith(".npy"))
    if texts > TEXT_BYTES + TEXT_RATIO * size:
        raise FormatError(
            f"{path} has {size} bytes and its texts unpack to {texts}; at most {TEXT_BYTES + TEXT_RATIO * size}"
            " are read from a file of this size"
        )


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as stream:
        content = stream.read(member.file_size + 1)
    if len(content) != member.file_size:
        raise zipfile.BadZipFile(f"{member.filename} has {len(content)} bytes and declares {member.file_size}")
    return content


def _check_type(path: Path, name: str, dtype: np.dtype[np.generic], *, has_fields: bool) -> None:
    kinds = [field[0].kind for field in (dtype.fields or {}).values()] if has_fields else [dtype.kind]
    if dtype.hasobject or len(kinds) > FIELDS_LIMIT or not all(kind in PLAIN_KINDS for kind in kinds):
        raise FormatError(f"array {name!r} in {path} must hold plain numbers, got type {dtype}")


def _check_extent(
    path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype[np.generic], stored_bytes: int
) -> None:
    if any(type(extent) is not int or extent < 0 for extent in shape):
        raise FormatError(f"array {name!r} in {path} must have non-negative integers as its shape, got {shape!r}")
    # An array without elements stores no data, whatever its other extents are.
    if len(shape) > AXES_LIMIT or math.prod(max(extent, 1) for extent in shape) > SIZE_LIMIT_BYTES:
        raise FormatError(
            f"array {name!r} in {path} declares {len(shape)} axes, the longest of {max(shape)};"
            f" at most {AXES_LIMIT} and {SIZE_LIMIT_BYTES} elements are read"
        )
    if math.prod(shape) * dtype.itemsize != stored_bytes or dtype.itemsize == 0:
        raise FormatError(
            f"array {name!r} in {path} declares shape {shape} of {dtype} and holds {stored_bytes} bytes of data"
        )
