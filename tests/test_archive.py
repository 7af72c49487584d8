"""Archives: the same bytes twice, whole or not at all, and from an untrusted file only content or FormatError."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from numpy.typing import NDArray
from untyped import untyped

from snnprog import archive
from snnprog.archive import array_of, json_of, read_archive, read_bytes, write_archive
from snnprog.errors import FormatError
from snnprog.output_files import write_bytes

ARRAYS: dict[str, NDArray[np.generic]] = {"a": np.arange(3, dtype="<i4"), "b": np.array([True, False])}
TEXTS = {"t.json": '{"x": 1}'}


def written(path: Path) -> bytes:
    write_archive(path, ARRAYS, texts=TEXTS)
    return path.read_bytes()


def npy(header: object, data: bytes = b"", *, magic: bytes = b"\x93NUMPY\x01\x00") -> bytes:
    """Return an array file with a header of one's own choosing."""
    text = header if isinstance(header, bytes) else repr(header).encode("latin-1")
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return magic + struct.pack("<H", len(text)) + text + data


def header(shape: object, descr: object = "<i4", *, fortran: object = False) -> dict[str, Any]:
    return {"descr": descr, "fortran_order": fortran, "shape": shape}


def members_of(content: bytes) -> dict[str, bytes]:
    return {"x.npy": content}


def zip_of(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


# ---------------------------------------------------------------- writing


def test_equal_content_is_equal_bytes(tmp_path: Path) -> None:
    assert written(tmp_path / "one.npz") == written(tmp_path / "two.npz")


def test_nothing_tells_when_or_by_whom(tmp_path: Path) -> None:
    written(tmp_path / "one.npz")
    with zipfile.ZipFile(tmp_path / "one.npz") as file:
        assert [member.filename for member in file.infolist()] == ["t.json", "a.npy", "b.npy"]
        assert {member.date_time for member in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {(member.create_system, member.external_attr >> 16) for member in file.infolist()} == {(3, 0o644)}
        assert {member.extra + member.comment for member in file.infolist()} == {b""}


def test_numpy_reads_what_is_written(tmp_path: Path) -> None:
    written(tmp_path / "one.npz")
    with np.load(tmp_path / "one.npz", allow_pickle=False) as file:
        assert file["a"].tolist() == [0, 1, 2]
        assert file["b"].tolist() == [True, False]


def test_what_numpy_writes_is_read(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "n.npz", a=ARRAYS["a"], b=ARRAYS["b"])
    members = read_archive(tmp_path / "n.npz")
    assert array_of(tmp_path, members, name="a").tolist() == [0, 1, 2]


def test_writing_again_replaces_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "one.npz"
    written(path)
    write_archive(path, {}, texts={"only.json": "{}"})
    assert read_archive(path) == {"only.json": b"{}"}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("step", ["fsync", "replace", "chmod"])
def test_a_failing_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    path = tmp_path / "one.npz"
    before = written(path)

    def fail(*_: object, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    owner: object = os if step == "fsync" else Path
    monkeypatch.setattr(owner, step, fail)
    with pytest.raises(FormatError, match=r"one\.npz cannot be written: No space left on device"):
        write_archive(path, {}, texts={"t.json": "{}"})
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "one.npz"
    before = written(path)

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_bytes(path, b"new")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("place", ["missing/x.npz", "file/x.npz", "folder"])
def test_places_that_cannot_be_written(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder" / "full").mkdir(parents=True)
    with pytest.raises(FormatError, match="cannot be written"):
        write_archive(tmp_path / place, ARRAYS, texts=TEXTS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_locked_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(FormatError, match="cannot be written: Permission denied"):
            write_archive(tmp_path / "x.npz", ARRAYS, texts=TEXTS)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(os.name != "posix", reason="permission bits")
def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    written(tmp_path / "one.npz")
    assert (tmp_path / "one.npz").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_objects_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        write_archive(tmp_path / "x.npz", {"a": np.array([{}], dtype=object)}, texts={})
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- the zip


def test_whole_archives_are_read(tmp_path: Path) -> None:
    written(tmp_path / "one.npz")
    members = read_archive(tmp_path / "one.npz")
    assert list(members) == ["t.json", "a.npy", "b.npy"]
    assert json_of(tmp_path, members, name="t.json") == {"x": 1}
    assert array_of(tmp_path, members, name="a").tolist() == [0, 1, 2]
    assert array_of(tmp_path, members, name="b").tolist() == [True, False]


def test_truncated_at_every_length(tmp_path: Path) -> None:
    path = tmp_path / "one.npz"
    whole = written(path)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(FormatError, match=r"one\.npz is not a complete zip archive"):
            read_archive(path)


@pytest.mark.parametrize("change", [0x01, 0x08, 0x0E, 0x34, 0x80, 0xFF])
def test_every_byte_flipped_is_refused_or_without_effect(tmp_path: Path, change: int) -> None:
    """A flip in a field that carries no content, such as a time, may pass; content is never another."""
    path = tmp_path / "one.npz"
    whole = written(path)
    content = read_archive(path)
    refused = 0
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ change]) + whole[position + 1 :])
        try:
            assert read_archive(path) == content, f"byte {position}"
        except FormatError:
            refused += 1
    assert refused > len(whole) // 2


TOO_SHORT = "is not a complete zip archive: it is too short"


@pytest.mark.parametrize(
    ("end", "message"),
    [
        (b"", "is not a complete zip archive: it is empty"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
            "is a pointer of Git LFS, not the file",
        ),
        (b"PK", TOO_SHORT),
        (b"PK\x05\x06" + bytes(18), "is an empty zip archive"),
        (b"not a zip", TOO_SHORT),
        (bytes(100), "is not a complete zip archive: it has no end record; it is cut off, or another kind of file"),
    ],
)
def test_what_is_no_archive(tmp_path: Path, end: bytes, message: str) -> None:
    (tmp_path / "x.npz").write_bytes(end)
    with pytest.raises(FormatError, match=f"x.npz {message}"):
        read_archive(tmp_path / "x.npz")


@pytest.mark.parametrize(
    ("name", "message"),
    [("missing.npz", "No such file"), ("", "Is a directory"), ("n" * 300, "File name too long"), ("a\0b", "null")],
)
def test_what_cannot_be_opened(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_archive(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_pipes_are_neither_read_nor_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for read in (read_archive, read_bytes):
        with pytest.raises(FormatError, match="cannot be read: it is a pipe or device; give a regular file"):
            read(tmp_path / "pipe")
    with pytest.raises(FormatError, match="pipe cannot be written: it is a folder or device; name a file"):
        write_bytes(tmp_path / "pipe", b"x")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    for content in (b"made", b"replaced"):
        write_bytes(tmp_path / "link", content)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "file").read_bytes() == content


def test_a_member_twice(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as file:
        file.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("a", b"2")
    with pytest.raises(FormatError, match=r"has a member twice: a, a"):
        read_archive(tmp_path / "x.npz")


def test_too_many_members(tmp_path: Path) -> None:
    few = zip_of(tmp_path / "few.npz", {f"m{index}": b"" for index in range(archive.MEMBER_LIMIT)})
    assert len(read_archive(few)) == archive.MEMBER_LIMIT
    many = zip_of(tmp_path / "many.npz", {f"m{index}": b"" for index in range(archive.MEMBER_LIMIT + 1)})
    with pytest.raises(FormatError, match="has 65 members; at most 64 are read"):
        read_archive(many)


def test_a_bomb_is_refused_before_it_unpacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "SIZE_LIMIT_BYTES", 1000)
    path = zip_of(tmp_path / "x.npz", {"a": bytes(600), "b": bytes(401)})
    with pytest.raises(FormatError, match="has 195 bytes and unpacks to 1001; at most 1000 are read"):
        read_archive(path)
    assert len(read_archive(zip_of(path, {"a": bytes(600), "b": bytes(400)}))) == 2


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        (0, "is not a complete zip archive: Bad CRC-32 for file 'a'"),
        (10, "is not a complete zip archive: Bad CRC-32 for file 'a'"),
        *((size, f"unpacks to {size}; at most") for size in (1 << 29, (1 << 30) + 1, 0xFFFFFFFE)),
    ],
)
def test_a_member_that_lies_about_its_size(tmp_path: Path, declared: int, message: str) -> None:
    path = zip_of(tmp_path / "x.npz", {"a": bytes(5000)})
    content = bytearray(path.read_bytes())
    directory = content.index(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = struct.pack("<I", declared)
    path.write_bytes(content)
    with pytest.raises(FormatError, match=message):
        read_archive(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_rare_compressions_are_refused(tmp_path: Path, method: int) -> None:
    path = zip_of(tmp_path / "x.npz", {"a": bytes(50)}, method)
    with pytest.raises(FormatError, match=r"a in .* has a comment or is neither stored nor deflated"):
        read_archive(path)


def test_an_encrypted_member(tmp_path: Path) -> None:
    content = bytearray(written(tmp_path / "x.npz"))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(FormatError, match="encrypted"):
        read_archive(tmp_path / "x.npz")


# ---------------------------------------------------------------- arrays

GOOD_HEADERS = {
    "version 1": (npy(header((2,)), bytes(8)), [0, 0]),
    "scalar": (npy(header(()), b"\1\0\0\0"), 1),
    "empty": (npy(header((0, 5))), []),
    "Fortran order": (npy(header((2, 2), "|u1", fortran=True), b"\1\2\3\4"), [[1, 3], [2, 4]]),
    "C order": (npy(header((2, 2), "|u1"), b"\1\2\3\4"), [[1, 2], [3, 4]]),
    "big-endian": (npy(header((2,), ">i2"), b"\1\0\0\1"), [256, 1]),
    "text": (npy(header((1,), "<U2"), "hi".encode("utf-32-le")), ["hi"]),
    "flags": (npy(header((2,), "|b1"), b"\1\0"), [True, False]),
}

BAD_HEADERS = {
    "empty": (b"", "malformed header"),
    "no magic": (b"NUMPY", "malformed header"),
    "version 9": (npy(header((2,)), bytes(8), magic=b"\x93NUMPY\x09\x00"), "malformed header: KeyError"),
    "cut header": (npy(header((2,)))[:20], "malformed header"),
    "no dict": (npy("[1]"), "malformed header"),
    "no literal": (npy(b"__import__('os')"), "malformed header"),
    "missing key": (npy({"descr": "<i4", "shape": (1,)}), "malformed header"),
    "further key": (npy(header((1,)) | {"more": 1}), "malformed header"),
    "shape is a list": (npy(header([1])), "malformed header"),
    "shape of texts": (npy(header(("a",))), "malformed header"),
    "order is no bool": (npy(header((1,), fortran=1)), "malformed header"),
    "unknown type": (npy(header((1,), "<q9")), "malformed header"),
    "very long header": (npy(repr(header((1,))).encode() + b" " * 5000), "malformed header"),
    "deeply nested": (npy(b"(" * 3000), "malformed header"),
    "negative extent": (npy(header((-1,))), "array 'x' in x.npz must have non-negative integers as its shape, got"),
    "bool extent": (
        npy(header((True,)), bytes(4)),
        "array 'x' in x.npz must have non-negative integers as its shape, got",
    ),
    "too little data": (npy(header((3,)), bytes(8)), r"declares shape \(3,\) of int32 and holds 8 bytes"),
    "too much data": (npy(header((1,)), bytes(8)), r"declares shape \(1,\) of int32 and holds 8 bytes"),
    "not a multiple": (npy(header((1,)), bytes(5)), "holds 5 bytes"),
    "huge": (npy(header((1 << 40,)), bytes(8)), "declares 1 axes, the longest of 1099511627776"),
    "overflowing product": (npy(header((1 << 62, 1 << 62)), bytes(8)), "declares 2 axes"),
    "huge around nothing": (npy(header((0, 10**30))), "declares 2 axes"),
    "nothing, but often": (npy(header((1 << 40, 1, 0))), "declares 3 axes"),
    "too many axes": (npy(header((1,) * 100), bytes(4)), "declares 100 axes"),
    "objects": (npy(header((1,), "|O"), bytes(8)), "array 'x' in x.npz must hold plain numbers, got type object"),
    "objects, pickled": (
        npy(header((1,), "|O"), pickle.dumps([1])),
        "array 'x' in x.npz must hold plain numbers, got type object",
    ),
    "structured": (
        npy(header((1,), [("f", "<i4")]), bytes(4)),
        r"array 'x' in x.npz must hold plain numbers, got type \[\('f', '<i4'\)\]$",
    ),
    "subarray": (
        npy(header((1,), ("<i4", (2,))), bytes(8)),
        r"array 'x' in x.npz must hold plain numbers, got type \('<i4', \(2,\)\)$",
    ),
    "raw bytes": (
        npy(header((1,), "|V4"), bytes(4)),
        r"array 'x' in x.npz must hold plain numbers, got type \|V4$",
    ),
    "byte text": (
        npy(header((1,), "|S4"), bytes(4)),
        r"array 'x' in x.npz must hold plain numbers, got type \|S4$",
    ),
    "complex": (
        npy(header((1,), "<c8"), bytes(8)),
        "array 'x' in x.npz must hold plain numbers, got type complex64$",
    ),
    "dates": (
        npy(header((1,), "<M8[s]"), bytes(8)),
        r"array 'x' in x.npz must hold plain numbers, got type datetime64\[s\]$",
    ),
    "no width": (npy(header((4,), "<U0")), "holds 0 bytes"),
    "odd flags": (npy(header((2,), "|b1"), b"\2\0"), "array 'x' in x.npz must hold bools stored as 0 and 1"),
}


@pytest.mark.parametrize(("content", "values"), GOOD_HEADERS.values(), ids=GOOD_HEADERS)
def test_arrays_are_read(content: bytes, values: object) -> None:
    array = array_of(Path("x.npz"), members_of(content), name="x")
    assert array.tolist() == values
    assert not array.flags.writeable
    with pytest.raises(ValueError, match="cannot set WRITEABLE"):
        array.flags.writeable = True


@pytest.mark.parametrize(("content", "message"), BAD_HEADERS.values(), ids=BAD_HEADERS)
def test_arrays_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message) as caught:
        array_of(Path("x.npz"), members_of(content), name="x")
    assert str(caught.value).startswith("array 'x' in x.npz ")


@pytest.mark.parametrize("members", [{}, {"y.npy": b"", "b": b""}])
def test_a_missing_array_names_those_there_are(members: dict[str, bytes]) -> None:
    there = "y" if members else "none"
    with pytest.raises(FormatError, match=re.escape(f"x.npz has no array 'x'; it has {there}")):
        array_of(Path("x.npz"), members, name="x")


def test_array_files_of_version_2(tmp_path: Path) -> None:
    stream = io.BytesIO()
    untyped(np.lib.format.write_array)(stream, np.arange(3), version=(2, 0))
    assert array_of(tmp_path, members_of(stream.getvalue()), name="x").tolist() == [0, 1, 2]


@settings(deadline=None)
@given(
    nps.arrays(st.sampled_from(["|b1", "|u1", "<i4", "<i8", "<f8", ">i2"]), nps.array_shapes(min_dims=0, min_side=0))
)
def test_arrays_come_back(tmp_path_factory: pytest.TempPathFactory, array: NDArray[np.generic]) -> None:
    path = tmp_path_factory.getbasetemp() / "come_back.npz"
    write_archive(path, {"x": array, "f": np.asarray(array, order="F")}, texts={})
    members = read_archive(path)
    for name in ("x", "f"):
        again = array_of(path, members, name=name)
        assert again.dtype == array.dtype
        assert again.shape == array.shape
        assert again.tobytes() == array.tobytes()


# ---------------------------------------------------------------- JSON

BAD_TEXTS = {
    "nothing": (b"", "not valid JSON"),
    "cut": (b'{"x": ', "not valid JSON"),
    "NaN": (b'{"x": NaN}', "j.json in x.snnp is not valid JSON: NaN is not valid JSON"),
    "Infinity": (b'{"x": Infinity}', "j.json in x.snnp is not valid JSON: Infinity is not valid JSON"),
    "-Infinity": (b'{"x": [-Infinity]}', "j.json in x.snnp is not valid JSON: -Infinity is not valid JSON"),
    "1e999": (b'{"x": 1e999}', "1e999 is too large"),
    "-1e999": (b'{"x": -1e999}', "-1e999 is too large"),
    "long integer": (b'{"x": ' + b"1" * 5000 + b"}", "not valid JSON"),
    "deep list": (b'{"x": ' + b"[" * 100_000, "not valid JSON"),
    "deep objects": (b'{"x": ' * 100_000, "not valid JSON"),
    "no UTF-8": (b'{"x": "\xff"}', "not valid JSON"),
    "byte order mark": (b"\xef\xbb\xbf{}", "not valid JSON"),
    "UTF-16": ("{}".encode("utf-16"), "not valid JSON"),
    "comment": (b"{} // x", "not valid JSON"),
    "list": (b"[]", "it must be an object, got a list"),
    "text": (b'"x"', "it must be an object, got a str"),
    "number": (b"1", "it must be an object, got an int"),
    "null": (b"null", "it must be an object, got None"),
}


@pytest.mark.parametrize(("content", "message"), BAD_TEXTS.values(), ids=BAD_TEXTS)
def test_texts_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message) as caught:
        json_of(Path("x.snnp"), {"j.json": content}, name="j.json")
    assert str(caught.value).startswith("j.json in x.snnp is ")


def test_a_missing_text_names_those_there_are() -> None:
    with pytest.raises(FormatError, match=r"x\.snnp has no j\.json; it has a\.npy, b"):
        json_of(Path("x.snnp"), {"b": b"", "a.npy": b""}, name="j.json")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@settings(deadline=None)
@given(st.dictionaries(st.text(), JSON_VALUES))
def test_objects_come_back(value: dict[str, Any]) -> None:
    assert json_of(Path("x"), {"j": json.dumps(value).encode()}, name="j") == value
