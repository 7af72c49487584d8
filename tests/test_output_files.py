"""What a written file leaves as it was: permissions, links, the old content where writing fails, and nothing beside."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from snnprog.errors import BackendError, FormatError
from snnprog.output_files import write_bytes
from snnprog.temporaries import NAME, sweep_left_behind, temporary_file, temporary_folder

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permission bits and locks of POSIX")
NOBODY = 65534
ROOT_ONLY = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755, 0o666])
def test_a_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "p.snnp"
    path.touch()
    path.chmod(mode)
    write_bytes(path, b"new")
    assert (path.read_bytes(), mode_of(path)) == (b"new", mode)


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_obeys_the_umask(tmp_path: Path, mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        write_bytes(tmp_path / "p.snnp", b"new")
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "p.snnp") == mode


def test_no_one_else_reads_the_new_content_of_a_private_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.snnp"
    path.touch(0o600)
    seen: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.extend(mode_of(entry) for entry in tmp_path.iterdir()))
    write_bytes(path, b"new")
    assert set(seen) == {0o600}


@ROOT_ONLY
def test_a_file_keeps_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "p.snnp"
    path.touch(0o640)
    os.chown(path, NOBODY, 12)
    write_bytes(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid, mode_of(path)) == (NOBODY, 12, 0o640)


@ROOT_ONLY
def test_where_the_group_cannot_be_kept_the_new_one_gets_no_rights() -> None:
    """Written by somebody who is in neither group: what group 12 could write, their own group cannot."""
    with tempfile.TemporaryDirectory() as name:  # pytest's own folder is closed to all others
        path = Path(name) / "p.snnp"
        path.touch()
        path.chmod(0o664)
        os.chown(path, NOBODY, 12)
        os.chown(name, NOBODY, NOBODY)
        child = os.fork()
        if child == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            write_bytes(path, b"new")
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert (path.read_bytes(), path.stat().st_gid, mode_of(path)) == (b"new", NOBODY, 0o644)


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="extended attributes of Linux")
def test_a_file_keeps_its_attributes(tmp_path: Path) -> None:
    path = tmp_path / "p.snnp"
    path.touch()
    try:
        os.setxattr(path, "user.note", b"mine")
    except OSError:
        pytest.skip("the file system has no extended attributes")
    write_bytes(path, b"new")
    assert os.getxattr(path, "user.note") == b"mine"


def test_its_time_is_that_of_the_writing(tmp_path: Path) -> None:
    path = tmp_path / "p.snnp"
    path.touch()
    os.utime(path, (0, 0))
    write_bytes(path, b"new")
    assert path.stat().st_mtime > 1e9


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "target.snnp", tmp_path / "p.snnp"
    link.symlink_to(target)
    for content in (b"new", b"newer"):  # first, it leads nowhere
        write_bytes(link, content)
        assert link.is_symlink()
        assert target.read_bytes() == content
    assert [entry.name for entry in (tmp_path / "folder").iterdir()] == ["target.snnp"]


def test_other_names_keep_the_old_content(tmp_path: Path) -> None:
    path, other = tmp_path / "p.snnp", tmp_path / "other.snnp"
    path.write_bytes(b"old")
    other.hardlink_to(path)
    write_bytes(path, b"new")
    assert (path.read_bytes(), other.read_bytes()) == (b"new", b"old")


def test_a_name_as_long_as_names_can_be(tmp_path: Path) -> None:
    path = tmp_path / ("p" * 250 + ".snnp")
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everything")
def test_a_protected_file_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "p.snnp"
    path.write_bytes(b"old")
    path.chmod(0o400)
    with pytest.raises(FormatError, match=r"p\.snnp cannot be written: the file is write-protected"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"


SMALL_DISK = """
import resource, sys
from pathlib import Path
from snnprog.errors import FormatError
from snnprog.output_files import write_bytes
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_bytes(Path(sys.argv[1]), bytes(2000))
except FormatError as error:
    print(error)
"""


def test_no_room(tmp_path: Path) -> None:
    path = tmp_path / "p.snnp"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", SMALL_DISK, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == f"{path} cannot be written: {os.strerror(errno.EFBIG)}\n"
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


# ---------------------------------------------------------------------------------------- what others have left behind

WRITE = (
    "import sys; from pathlib import Path; from snnprog.output_files import write_bytes as w; w(Path(sys.argv[1]), b'')"
)
LEFT = ".snnprog-0123456789abcdef.tmp"


def test_the_next_writer_removes_what_was_left_behind(tmp_path: Path) -> None:
    (tmp_path / LEFT).touch()
    (tmp_path / ".snnprog-notes.tmp").touch()  # somebody's own
    write_bytes(tmp_path / "p.snnp", b"new")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".snnprog-notes.tmp", "p.snnp"]


def test_what_is_in_use_is_left_alone(tmp_path: Path) -> None:
    with temporary_file(tmp_path, mode=0o600) as (file, path):
        assert NAME.fullmatch(path.name)
        subprocess.run([sys.executable, "-c", WRITE, str(tmp_path / "p.snnp")], check=True)
        assert path.exists()
        assert file.write(b"x") == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["p.snnp"]


def test_folders_are_removed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / LEFT).mkdir()
    (tmp_path / LEFT / "stimulus.npz").touch()
    with temporary_folder() as folder:
        assert [entry.name for entry in tmp_path.iterdir()] == [folder.name]
        assert mode_of(folder) == 0o700
        sweep_left_behind(tmp_path)
        assert folder.exists()
        (folder / "stimulus.npz").touch()
    assert list(tmp_path.iterdir()) == []


def test_no_place_for_temporary_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(
        BackendError,
        match="a folder for temporary files cannot be created: No such file or directory; set TMPDIR to another folder",
    ):
        temporary_folder().__enter__()
