"""Backend folders: where they are, and what each one says of itself."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from snnprog.errors import BackendError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SEARCH_PATH_VARIABLE = "SNNPROG_BACKENDS"
FILES = ("backend.toml", "requirements.txt", "runner.py")


@dataclass(frozen=True)
class Backend:
    """One backend folder.

    Attributes
    ----------
    name : str
        The folder's name.
    folder : Path
    summary : str
        One line.
    semantics : tuple of str
        The integer rules that it executes.
    python : tuple of int
        The (major, minor) of the Python that it needs.
    distributions : mapping
        Distribution name -> exact version that an interpreter must have to run it.
    timeout_seconds, timeout_seconds_per_tick : float
        After how long a run has failed.
    """

    name: str
    folder: Path
    summary: str
    semantics: tuple[str, ...]
    python: tuple[int, int]
    distributions: Mapping[str, str]
    timeout_seconds: float
    timeout_seconds_per_tick: float

    @property
    def runner(self) -> Path:
        """The script that runs a program."""
        return self.folder / "runner.py"

    @property
    def requirements(self) -> Path:
        """What its environment is built from."""
        return self.folder / "requirements.txt"

    @property
    def python_text(self) -> str:
        """The Python that it needs, as in "3.10"."""
        return ".".join(map(str, self.python))


def backend_names() -> list[str]:
    """Return the names of all backend folders, in the order of the search path; none of them is read."""
    return list(_folders())


def find_backend(name: str) -> Backend:
    """Return the backend folder of that name, the first on the search path; no other is read.

    Raises
    ------
    BackendError
        If there is none, its ``backend.toml`` cannot be understood, or it lacks a file.
    """
    folders = _folders()
    if name not in folders:
        known = ", ".join(["kernel", "reference", *folders])
        raise BackendError(f"there is no backend {name!r}; known are {known}; {SEARCH_PATH_VARIABLE} adds folders")
    return _read_folder(folders[name])


def _folders() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for parent in _search_path():
        for description in sorted(parent.glob("*/backend.toml")):
            found.setdefault(description.parent.name, description.parent)
    return found


def _search_path() -> list[Path]:
    package = Path(__file__).resolve().parent.parent
    given = [Path(entry) for entry in os.environ.get(SEARCH_PATH_VARIABLE, "").split(os.pathsep) if entry]
    return [*given, package / "backend_folders", package.parent / "backends"]


def _read_folder(folder: Path) -> Backend:
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise BackendError(f"backend folder {folder} lacks {', '.join(missing)}")
    try:
        with (folder / "backend.toml").open("rb") as file:
            description = tomllib.load(file)
        return Backend(
            name=folder.name,
            folder=folder,
            summary=_text(description, "summary"),
            semantics=_texts(description, "semantics"),
            python=_python_version(_text(description, "python")),
            distributions={str(name): str(version) for name, version in description["distributions"].items()},
            timeout_seconds=float(description["timeout_seconds"]),
            timeout_seconds_per_tick=float(description["timeout_seconds_per_tick"]),
        )
    except (
        tomllib.TOMLDecodeError,
        UnicodeDecodeError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        OSError,
    ) as error:
        raise BackendError(f"{folder / 'backend.toml'} is not as the contract asks: {error!r}") from error


def _text(description: Mapping[str, object], key: str) -> str:
    value = description[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is {value!r}; a text is needed")
    return value


def _texts(description: Mapping[str, object], key: str) -> tuple[str, ...]:
    values = description[key]
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"{key} is {values!r}; a list of texts is needed")
    return tuple(values)


def _python_version(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)\.(\d+)", text)
    if match is None:
        raise ValueError(f"python is {text!r}; a version such as '3.10' is needed")
    return int(match[1]), int(match[2])
