"""Find a Python of a given version on this machine: by variable, PATH, launcher (Windows), pyenv, uv and conda."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from snnprog.errors import BackendError
from snnprog.processes.commands import answer_of
from snnprog.processes.isolation import isolated
from snnprog.processes.surroundings import absolute_folders

Version = tuple[int, int]

PROBE = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
PROBE_SECONDS = 30.0


def variable_for(version: Version) -> str:
    """Return the environment variable that names an interpreter of this version, as in SNNPROG_PYTHON_3_10."""
    return f"SNNPROG_PYTHON_{version[0]}_{version[1]}"


def find_interpreter(version: Version) -> Path:
    """Return an interpreter of a version that can create virtual environments.

    Raises
    ------
    BackendError
        If no such Python is found, or the environment variable names an unsuitable one.
    """
    text, variable = f"{version[0]}.{version[1]}", variable_for(version)
    named = os.environ.get(variable)
    if named:
        if not _is_usable(Path(named), version):
            raise BackendError(f"{variable} must name a Python {text} with venv and ensurepip, got {named}")
        return Path(named).absolute()
    for candidate in _candidates(version):
        if _is_usable(candidate, version):
            return candidate.absolute()
    raise BackendError(
        f"no Python {text} with venv was found on PATH, under pyenv, uv or conda; install one (as in"
        f" 'uv python install {text}' or 'pyenv install {text}') or name its path in {variable}"
    )


def _which(name: str) -> str | None:
    """Return the path of a command on PATH; never in the current folder, which may be untrusted."""
    found = shutil.which(name, path=absolute_folders("PATH"))
    return found if found and os.path.isabs(found) else None  # noqa: PTH117  (Windows also searches there)


def _candidates(version: Version) -> Iterator[Path]:
    text = f"{version[0]}.{version[1]}"
    if sys.version_info[:2] == version:
        yield Path(sys.executable)
    for name in (f"python{text}", "python3", "python"):
        if found := _which(name):
            yield Path(found)
    if sys.platform == "win32":
        yield from _launched_interpreters(text)
    yield from _pyenv_interpreters(text)
    yield from _uv_interpreters(text)
    yield from _conda_interpreters()


def _launched_interpreters(text: str) -> Iterator[Path]:
    """Yield what the launcher of Windows starts, as its interpreters have no version in their names."""
    answer = _ask([_which("py"), f"-{text}", "-c", "import sys; print(sys.executable)"])
    if answer:
        yield Path(answer)


def _pyenv_interpreters(text: str) -> Iterator[Path]:
    named = Path(os.environ.get("PYENV_ROOT", ""))
    root = named if named.is_absolute() else Path(os.path.expanduser("~/.pyenv"))  # noqa: PTH111  (there may be no home)
    yield from (folder / "bin" / "python" for folder in sorted(root.glob(f"versions/{text}*"), reverse=True))


def _uv_interpreters(text: str) -> Iterator[Path]:
    answer = _ask([_which("uv"), "python", "find", "--no-python-downloads", text])
    if answer:
        yield Path(answer)


def _conda_interpreters() -> Iterator[Path]:
    named = os.environ.get("CONDA_EXE", "")
    conda = named if Path(named).is_absolute() else _which("conda") or _which("mamba")
    try:
        environments = json.loads(_ask([conda, "env", "list", "--json"]) or "{}").get("envs", [])
    except (ValueError, AttributeError):
        return
    for prefix in environments:
        yield Path(prefix) / "bin" / "python"
        yield Path(prefix) / "python.exe"


def _is_usable(candidate: Path, version: Version) -> bool:
    return candidate.is_file() and _ask(isolated(candidate.absolute(), "-c", PROBE)) == f"{version[0]}.{version[1]}"


def _ask(command: Sequence[str | None]) -> str:
    """Return the output of a command, or an empty string if it is missing, fails or hangs."""
    words = [word for word in command if word]
    if len(words) < len(command):
        return ""
    return answer_of(words, limit_s=PROBE_SECONDS)
