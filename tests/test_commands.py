"""Commands that are not trusted: each failure in a sentence with its last words, and nothing of them left running."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from processes import heirs_of, is_gone, wait_until

from snnprog.processes import commands
from snnprog.processes.commands import failure_of
from snnprog.temporaries import temporary_folder

FLOOD = "import os\nwhile True: os.write(2, b'x' * (1 << 20))"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
FORKS = (
    "import os, subprocess, sys\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session={session})\n"
    "open({note!r}, 'w').write(str(child.pid))"
)


def python(text: str, limit_s: float = 60.0) -> str:
    with temporary_folder() as folder:
        return failure_of([sys.executable, "-c", text], limit_s=limit_s, folder=folder)


def test_a_command_that_ends_well_has_no_failure() -> None:
    assert python("print('all is well')") == ""


@pytest.mark.parametrize(
    ("command", "failure"),
    [
        (["/no/such/program"], "cannot be started: .*No such file"),
        ([sys.executable, "a\0b"], "cannot be started: .*null byte"),
    ],
)
def test_a_command_that_cannot_be_started(tmp_path: Path, command: list[str], failure: str) -> None:
    with pytest.raises(AssertionError, match=failure):
        raise AssertionError(failure_of(command, limit_s=9.0, folder=tmp_path))


def test_a_flood_is_ended_and_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "SAID_LIMIT_BYTES", 1 << 22)
    failure = python(FLOOD)
    assert failure.startswith("printed more than 4194304 bytes and was ended; it said: xxx")
    assert len(failure) < 3000


def test_a_command_that_ignores_signals_is_ended() -> None:
    assert python(DEAF, 2.0) == "did not finish within 2 s and was ended; it said: deaf"


def test_children_are_ended_with_a_command_that_succeeds(tmp_path: Path) -> None:
    note = tmp_path / "child"
    assert python(FORKS.format(session=False, note=str(note))) == ""
    assert is_gone(int(note.read_text()))


def test_a_child_that_escapes_is_not_waited_for(tmp_path: Path) -> None:
    note = tmp_path / "child"
    assert python(FORKS.format(session=True, note=str(note))) == ""
    os.kill(int(note.read_text()), 9)  # fails where it has ended, that is, was waited for


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
def test_a_command_ends_with_its_killed_parent_and_so_do_its_children(tmp_path: Path) -> None:
    """The parent is killed when all four stand: itself, the guard, the command, and its child."""
    mark = {"SNNPROG_TEST_MARK": str(tmp_path)}
    command = FORKS.format(session=False, note=str(tmp_path / "child")) + "\nchild.wait()"
    script = (
        "import pathlib, sys; from snnprog.processes.commands import failure_of\n"
        f"failure_of([sys.executable, '-c', {command!r}], limit_s=600.0, folder=pathlib.Path({str(tmp_path)!r}))"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, **mark})
    setting = f"SNNPROG_TEST_MARK={tmp_path}"
    assert wait_until(lambda: len(heirs_of(setting)) == 4)
    parent.kill()
    parent.wait()
    assert wait_until(lambda: heirs_of(setting) == [])


def test_a_command_has_no_input() -> None:
    assert python("import sys; sys.exit(len(sys.stdin.read()))") == ""


@pytest.mark.skipif(os.name != "posix", reason="descriptors are handed on by POSIX alone")
def test_descriptors_are_handed_on_where_asked_for(tmp_path: Path) -> None:
    with (tmp_path / "held").open("wb") as file:
        command = [sys.executable, "-c", f"import os; os.write({file.fileno()}, b'here')"]
        assert failure_of(command, limit_s=60.0, folder=tmp_path, inherited=[file.fileno()]) == ""
        assert "Bad file descriptor" in failure_of(command, limit_s=60.0, folder=tmp_path)
    assert (tmp_path / "held").read_bytes() == b"here"
