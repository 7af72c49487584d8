"""Windows and macOS: the code is read to work there and is tested on Linux alone, so machines read it, too.

The type checker knows which names Python lacks on which system: ``make types`` checks the package once for each. This
file covers what it does not see: paths that only POSIX has, and other ways to ask for the system, which it does not
follow. And it runs commands without the modules and functions that Windows does not have.
"""

from __future__ import annotations

import ast
import os
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import FILES
from stand_in import write_backend

import snnprog as sp
from snnprog.backends.interpreters import find_interpreter

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(path for folder in ("snnprog", "backends") for path in (ROOT / folder).rglob("*.py"))
POSIX_PATH = re.compile(r"/(bin|dev|etc|proc|tmp|usr|var)/")

ABSENT_MODULES = ("fcntl", "grp", "pwd", "resource", "termios")
ABSENT_NAMES = (
    *("os.chown", "os.fchmod", "os.fork", "os.geteuid", "os.getuid", "os.killpg", "os.mkfifo", "os.register_at_fork"),
    *("os.setsid", "os.sysconf", "os.O_NOFOLLOW", "os.O_NONBLOCK", "os.sched_getaffinity", "os.set_blocking"),
    *("select.epoll", "select.poll", "signal.SIGHUP"),
)
# SIGKILL is missing there, too, but the standard library of this system needs it.

AS_ON_WINDOWS = """
import os, select, signal, sys
import click, filelock, numba, numpy, platformdirs, rich.console, scipy.optimize, scipy.sparse, subprocess, tempfile
import ortools.linear_solver.pywraplp, ortools.sat.python.cp_model, threadpoolctl  # these know where they really are
numba.njit(lambda number: number + 1)(1)
for module in {modules}:
    sys.modules[module] = None
for name in {names}:
    module, _, attribute = name.partition(".")
    delattr(sys.modules[module], attribute)
sys.platform = "win32"
from snnprog.__main__ import main
main()
"""


def posix_alone(source: str) -> list[str]:
    """Return, with their lines, what works on POSIX alone and the type checker does not see.

    A function that asks ``sys.platform`` may name such paths. Docstrings may, too.
    """
    nodes = list(ast.walk(ast.parse(source)))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    asking = [node for node in functions if "sys.platform" in source and "sys.platform" in ast.unparse(node)]
    excused = {inner for function in asking for inner in ast.walk(function)}
    excused |= {node.value for node in nodes if isinstance(node, ast.Expr)}
    found = []
    for node in set(nodes) - excused:
        is_path = isinstance(node, ast.Constant) and isinstance(node.value, str) and POSIX_PATH.match(node.value)
        is_system = isinstance(node, ast.Attribute) and ast.unparse(node) == "os.name"
        if is_path or is_system or (isinstance(node, ast.keyword) and node.arg == "preexec_fn"):
            found.append(f"line {getattr(node, 'lineno', 0)}: {ast.unparse(node)}")
    return found


@pytest.mark.parametrize(
    "source",
    [
        "Path('/tmp/found')",
        "def shell(): return ['/bin/sh', '-c', 'true']",
        "if os.name == 'nt': pass",
        "Popen(words, preexec_fn=os.setsid)",
    ],
)
def test_what_works_on_posix_alone_is_found(source: str) -> None:
    assert posix_alone(source)


def test_a_branch_for_other_systems_is_enough() -> None:
    assert posix_alone("def shell():\n    if sys.platform != 'win32':\n        return ['/bin/sh']\n    return []") == []
    assert posix_alone('"""/proc/self is not looked at."""') == []


def test_nothing_works_on_posix_alone() -> None:
    found = [f"{path}, {what}" for path in SOURCES for what in posix_alone(path.read_text(encoding="utf-8"))]
    assert found == [], "ask sys.platform in the same function"


def test_types_are_checked_for_each_system() -> None:
    """And Ruff looks for text files in the system's own encoding."""
    noxfile, project = ((ROOT / name).read_text(encoding="utf-8") for name in ("noxfile.py", "pyproject.toml"))
    assert 'PLATFORMS = ("win32", "darwin")' in noxfile
    assert '"PLW1514"' in project


# ------------------------------------------------------------------------------------------- without what Windows lacks


def as_on_windows(folder: Path, *words: str) -> tuple[int, str, str]:
    """Run a command line without what Windows lacks; return exit code, standard output and error."""
    script = AS_ON_WINDOWS.format(modules=ABSENT_MODULES, names=[name for name in ABSENT_NAMES if exists(name)])
    temporary = folder / "temporary"  # nobody else's, as other processes here remove what is not locked
    temporary.mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SNNPROG_BACKENDS": str(folder), "TMPDIR": str(temporary)}
    command = [sys.executable, "-c", script, *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def exists(name: str) -> bool:
    module, _, attribute = name.partition(".")
    return hasattr({"os": os, "select": select, "signal": signal}[module], attribute)


def test_the_launcher_of_windows_finds_interpreters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interpreter = tmp_path / "elsewhere" / "python"
    interpreter.parent.mkdir()
    for path, answer in ((tmp_path / "py.EXE", interpreter), (interpreter, "3.99")):
        path.write_text(f"#!/bin/sh\necho {answer}\n", encoding="utf-8")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PATHEXT", ".EXE")
    with pytest.raises(sp.BackendError, match=r"no Python 3\.99"):
        find_interpreter((3, 99))
    monkeypatch.setattr(sys, "platform", "win32")
    assert find_interpreter((3, 99)) == interpreter


def test_commands_run_without_what_windows_lacks(tmp_path: Path) -> None:
    for file in FILES.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    write_backend(tmp_path, "standin")
    code, said, error = as_on_windows(tmp_path, "compile", "SPEC.toml", "-o", "p.snnp", "--workers", "2")
    assert (code, error) == (0, "")
    code, said, error = as_on_windows(
        tmp_path, "verify", "p.snnp", "SPEC.toml", "--backend", "kernel", "--backend", "standin", "--state"
    )
    assert (code, error) == (0, "")
    assert "standin" in said
    code, said, error = as_on_windows(tmp_path, "report", "p.snnp", "--spec", "SPEC.toml", "-o", "p.html")
    assert (code, error) == (0, "")
    assert (tmp_path / "p.html").read_bytes().startswith(b"<!doctype html>")
    assert list((tmp_path / "temporary").iterdir()) == []
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".tmp")] == []
