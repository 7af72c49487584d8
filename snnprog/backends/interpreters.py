"""Finding a Python of a given version on this machine: by variable, PATH, pyenv, uv and conda."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from snnprog.errors import BackendError
from snnprog.processes.isolation import NEUTRAL_FOLDER, isolated

Version = tuple[int, int]

PROBE = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
PROBE_SECONDS = 30.0


def variable_for(version: Version) -> str:
    """Return the environment variable that names an interpreter of this version, as in SNNPROG_PYTHON_3_10."""
    return f"SNNPROG_PYTHON_{version[0]}_{version[1]}"


def find_interpreter(version: Version) -> Path:
    """Return an interpreter of that version which can make virtual environments.

    Raises
    ------
    BackendError
        If there is none, or the environment variable names one that will not do.
    """
    text, variable = f"{version[0]}.{version[1]}", variable_for(version)
    named = os.environ.get(variable)
    if named:
        if not _is_usable(Path(named), version):
            raise BackendError(f"{variable} names {named}, which is no Python {text} with venv and ensurepip")
        return Path(named).absolute()
    for candidate in _candidates(version):
        if _is_usable(candidate, version):
            return candidate.absolute()
    raise BackendError(
        f"no Python {text} with venv was found on PATH, under pyenv, uv or conda; install one (as in"
        f" 'uv python install {text}' or 'pyenv install {text}') or name its path in {variable}"
    )


def _candidates(version: Version) -> Iterator[Path]:
    text = f"{version[0]}.{version[1]}"
    if sys.version_info[:2] == version:
        yield Path(sys.executable)
    for name in (f"python{text}", "python3", "python"):
        if found := shutil.which(name):
            yield Path(found)
    yield from _pyenv_interpreters(text)
    yield from _uv_interpreters(text)
    yield from _conda_interpreters()


def _pyenv_interpreters(text: str) -> Iterator[Path]:
    root = Path(os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv"))  # noqa: PTH111  (there may be no home)
    yield from (folder / "bin" / "python" for folder in sorted(root.glob(f"versions/{text}*"), reverse=True))


def _uv_interpreters(text: str) -> Iterator[Path]:
    answer = _ask([shutil.which("uv"), "python", "find", "--no-python-downloads", text])
    if answer:
        yield Path(answer)


def _conda_interpreters() -> Iterator[Path]:
    conda = os.environ.get("CONDA_EXE") or shutil.which("conda") or shutil.which("mamba")
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
    """Return what a command prints, or nothing where it is missing, fails or hangs."""
    words = [word for word in command if word]
    if len(words) < len(command):
        return ""
    try:
        answer = subprocess.run(
            words, cwd=NEUTRAL_FOLDER, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
