"""Backend folders: where they are, and what each one says of itself."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from snnprog.archive import read_bytes
from snnprog.backends.gaps import Gaps, read_gaps
from snnprog.checks import as_seconds
from snnprog.documents import parse_toml
from snnprog.errors import BackendError
from snnprog.processes.surroundings import absolute_folders
from snnprog.wording import did_you_mean

BUILT_IN_NAMES = ("kernel", "reference")
SEARCH_PATH_VARIABLE = "SNNPROG_BACKENDS"
DISTRIBUTION = r"[A-Za-z0-9][A-Za-z0-9._-]*"  # PyPA's "Names and normalization"
ANY_PYTHON = "any"
ANY_RULE = "any"
"""What ``semantics`` lists where a backend executes every rule, as code that is made from the rule does."""
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
        The integer rules that it executes; "any" among them stands for all.
    python : tuple of int
        The (major, minor) of the Python that it needs; for "any", that of the one that runs this.
    distributions : mapping
        Distribution name -> exact version that an interpreter must have to run it.
    satisfied_by : tuple of str
        Commands of which any one, found on PATH, takes the place of the distributions.
    commands : tuple of str
        Commands of which one must be on PATH for it to run; empty where it calls none.
    timeout_seconds, timeout_seconds_per_tick : float
        After how long a run has failed.
    gaps : Gaps
        What it lacks of its chip.
    variables : tuple of str
        The environment variables that must be set for it to run.
    passed_variables : tuple of str
        Further environment variables that it gets where they are set.
    artifact : str
        Suffix of what is exported for it beside the program (see `snnprog.export`), such as ".c"; empty without.
    board_variable : str
        The environment variable that names the FPGA board which that export is for; empty without.
    stream : bool
        Whether its runner goes on tick by tick: see `snnprog.backends.streaming`.
    """

    name: str
    folder: Path
    summary: str
    semantics: tuple[str, ...]
    python: tuple[int, int]
    distributions: Mapping[str, str]
    satisfied_by: tuple[str, ...]
    commands: tuple[str, ...]
    timeout_seconds: float
    timeout_seconds_per_tick: float
    gaps: Gaps
    variables: tuple[str, ...]
    passed_variables: tuple[str, ...]
    artifact: str
    board_variable: str
    stream: bool

    def executes(self, rule: str) -> bool:
        """Tell whether it executes the rule of that name."""
        return rule in self.semantics or ANY_RULE in self.semantics

    @property
    def board(self) -> str | None:
        """The FPGA board that its artifact is exported for; None where none is named."""
        return os.environ.get(self.board_variable) or None if self.board_variable else None

    def limit_s(self, ticks: int) -> float:
        """Return the seconds after which a run of so many ticks has failed."""
        return self.timeout_seconds + self.timeout_seconds_per_tick * ticks

    @property
    def unset_variables(self) -> tuple[str, ...]:
        """The environment variables that it needs and that are not set."""
        return tuple(name for name in self.variables if not os.environ.get(name))

    @property
    def required_distributions(self) -> Mapping[str, str]:
        """The distributions that it needs here: none where a command takes their place."""
        return {} if _is_on_path(self.satisfied_by) else self.distributions

    @property
    def missing_commands(self) -> tuple[str, ...]:
        """The commands of which one must be installed, where none is."""
        return () if not self.commands or _is_on_path(self.commands) else self.commands

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


def _is_on_path(commands: tuple[str, ...]) -> bool:
    path = absolute_folders("PATH")
    return any(shutil.which(name, path=path) for name in commands)


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
    if name in BUILT_IN_NAMES:
        raise BackendError(f"backend {name} is built in and has no folder; it is always ready")
    if name not in folders:
        known = [*BUILT_IN_NAMES, *folders]
        raise BackendError(
            f"there is no backend {name!r}; known are {', '.join(known)};"
            f" {SEARCH_PATH_VARIABLE} adds folders{did_you_mean(name, known)}"
        )
    return _read_folder(folders[name])


def _folders() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for parent in _search_path():
        for description in sorted(parent.glob("*/backend.toml")):
            found.setdefault(description.parent.name, description.parent)
    return found


def _search_path() -> list[Path]:
    package = Path(__file__).resolve().parent.parent
    given = [Path(entry).absolute() for entry in os.environ.get(SEARCH_PATH_VARIABLE, "").split(os.pathsep) if entry]
    return [*given, package / "backend_folders", package.parent / "backends"]


def _read_folder(folder: Path) -> Backend:
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise BackendError(f"backend folder {folder} lacks {', '.join(missing)}")
    try:
        description = parse_toml(read_bytes(folder / "backend.toml"))
        return Backend(
            name=folder.name,
            folder=folder,
            summary=_text(description, "summary"),
            semantics=_texts(description, "semantics"),
            python=_python_version(_text(description, "python")),
            distributions=_distributions(description["distributions"]),
            satisfied_by=_texts({"satisfied_by": [], **description}, "satisfied_by"),
            commands=_texts({"commands": [], **description}, "commands"),
            timeout_seconds=as_seconds("timeout_seconds", description["timeout_seconds"]),
            timeout_seconds_per_tick=as_seconds("timeout_seconds_per_tick", description["timeout_seconds_per_tick"]),
            gaps=read_gaps(description.get("gaps", {})),
            variables=_texts({"variables": [], **description}, "variables"),
            passed_variables=_texts({"passed_variables": [], **description}, "passed_variables"),
            artifact=_artifact({"artifact": "", **description}),
            board_variable=_text({"board_variable": "", **description}, "board_variable"),
            stream=_flag({"stream": False, **description}, "stream"),
        )
    except (KeyError, TypeError, ValueError) as error:
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


def _flag(description: Mapping[str, object], key: str) -> bool:
    value = description[key]
    if not isinstance(value, bool):
        raise TypeError(f"{key} must be true or false, got {value!r}")
    return value


def _artifact(description: Mapping[str, object]) -> str:
    suffix = _text(description, "artifact")
    if not suffix:
        return suffix
    from snnprog.emit.exporting import EXPORT_FORMS  # which needs more than a small run on a built-in simulator

    if suffix not in EXPORT_FORMS:
        raise ValueError(f"artifact must be one of {', '.join(EXPORT_FORMS)}, got {suffix!r}")
    return suffix


def _distributions(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(version, str) for version in value.values()):
        raise TypeError(f"distributions is {value!r}; a table of exact versions is needed")
    odd = [name for name in value if not re.fullmatch(DISTRIBUTION, name)]
    if odd:
        raise ValueError(f"distributions names {odd[0]!r}; the name of a distribution is needed")
    return value


def _python_version(text: str) -> tuple[int, int]:
    if text == ANY_PYTHON:
        return sys.version_info[:2]
    match = re.fullmatch(r"([0-9]{1,4})\.([0-9]{1,4})", text)
    if match is None:
        raise ValueError(f"python is {text!r}; a version such as '3.10', or 'any', is needed")
    return int(match[1]), int(match[2])
