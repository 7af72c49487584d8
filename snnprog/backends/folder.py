"""Backend folders: their search path and their ``backend.toml``."""

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
"""The entry of ``semantics`` for a backend that executes every rule, such as code generated from the rule."""
ARTIFACTS = (".nir", ".c", ".v", ".hex")
"""As `snnprog.emit.exporting.EXPORT_FORMS`, which would import the solvers, too."""
FILES = ("backend.toml", "requirements.txt", "runner.py")
REQUIRED_KEYS = ("summary", "semantics", "python", "distributions", "timeout_seconds", "timeout_seconds_per_tick")
KEYS = (
    *REQUIRED_KEYS,
    "satisfied_by",
    "commands",
    "gaps",
    "variables",
    "variable_examples",
    "passed_variables",
    "artifact",
    "board_variable",
    "stream",
)
"""The keys of a ``backend.toml``."""

USUAL_BOARD = "icebreaker"
"""The board of a backend that runs on one, where its variable names none: one with an iCE40UP5K, as upduino has."""


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
        The integer rules that it executes; "any" includes all.
    python : tuple of int
        The (major, minor) version of the Python that it requires; for "any", that of the running Python.
    distributions : mapping
        Distribution name -> exact version that an interpreter must have.
    satisfied_by : tuple of str
        Commands any of which, if on PATH, replaces the distributions.
    commands : tuple of str
        Commands of which one must be on PATH; empty if it does not call commands.
    timeout_seconds, timeout_seconds_per_tick : float
        The time limit of a run.
    gaps : Gaps
        Features of its chip that it does not support.
    variables : tuple of str
        Environment variables that must be set.
    variable_examples : mapping of str to str
        Required environment variable -> an example of its value, for messages; may lack some.
    passed_variables : tuple of str
        Further environment variables that are passed on if they are set.
    artifact : str
        Suffix of the file exported for it beside the program (see `snnprog.export`), such as ".c"; may be empty.
    board_variable : str
        The environment variable that names the FPGA board of that export; may be empty.
    stream : bool
        Whether its runner runs tick by tick: see `snnprog.backends.streaming`.
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
    variable_examples: Mapping[str, str]
    passed_variables: tuple[str, ...]
    artifact: str
    board_variable: str
    stream: bool

    def executes(self, rule: str) -> bool:
        """Return whether it executes the rule of a name."""
        return rule in self.semantics or ANY_RULE in self.semantics

    @property
    def board(self) -> str | None:
        """The FPGA board that its artifact is exported for, or None where it is for no board."""
        return (os.environ.get(self.board_variable) or USUAL_BOARD) if self.board_variable else None

    def limit_s(self, ticks: int) -> float:
        """Return the time limit, in seconds, of a run of a number of ticks."""
        return self.timeout_seconds + self.timeout_seconds_per_tick * ticks

    def longer(self, timeout_s: float | None) -> str:
        """Return what gives a run more time than its limit, which was given or is the backend's own, as advice."""
        if timeout_s is not None:
            return "; raise timeout_s= (--timeout)"
        return f"; give timeout_s= (--timeout), or raise timeout_seconds in {self.folder / 'backend.toml'}"

    @property
    def unset_variables(self) -> tuple[str, ...]:
        """The required environment variables that are not set."""
        return tuple(name for name in self.variables if not os.environ.get(name))

    @property
    def unset_text(self) -> str:
        """The required environment variables that are not set, with their examples, such as "A (such as x) and B"."""
        examples = self.variable_examples
        return " and ".join(
            f"{name} (such as {examples[name]})" if name in examples else name for name in self.unset_variables
        )

    @property
    def required_distributions(self) -> Mapping[str, str]:
        """The distributions that it requires here: empty if a command replaces them."""
        return {} if _is_on_path(self.satisfied_by) else self.distributions

    @property
    def missing_commands(self) -> tuple[str, ...]:
        """The commands of which one must be installed; empty if one is."""
        return () if not self.commands or _is_on_path(self.commands) else self.commands

    @property
    def runner(self) -> Path:
        """The script that runs a program."""
        return self.folder / "runner.py"

    @property
    def requirements(self) -> Path:
        """The requirements of its environment."""
        return self.folder / "requirements.txt"

    @property
    def python_text(self) -> str:
        """The Python version that it requires, such as "3.10"."""
        return ".".join(map(str, self.python))


def _is_on_path(commands: tuple[str, ...]) -> bool:
    path = absolute_folders("PATH")
    return any(shutil.which(name, path=path) for name in commands)


def backend_names() -> list[str]:
    """Return the names of all backend folders, in the order of the search path, without reading them."""
    return list(_folders())


def find_backend(name: str) -> Backend:
    """Return the first backend folder of a name on the search path; read no other folder.

    Raises
    ------
    BackendError
        If the backend is unknown, its ``backend.toml`` is invalid, or a file is missing.
    """
    folders = _folders()
    if name in BUILT_IN_NAMES:
        raise BackendError(f"backend {name} is built in and has no folder; it is always ready")
    if name not in folders:
        known = [*BUILT_IN_NAMES, *folders]
        several = f"; give {' and '.join(map(repr, name.split(',')))} one by one" if "," in name else ""
        hint = (
            several
            or did_you_mean(name, known)
            or f"; {search_path_fault() or f'add folders to {SEARCH_PATH_VARIABLE}'}"
        )
        raise BackendError(f"unknown backend {name!r}; known backends are {', '.join(known)}{hint}")
    return _read_folder(folders[name])


def _folders() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for parent in _search_path():
        for description in sorted(parent.glob("*/backend.toml")):
            found.setdefault(description.parent.name, description.parent)
    return found


def _search_path() -> list[Path]:
    package = Path(__file__).resolve().parent.parent
    return [*_given_path(), package / "backend_folders", package.parent / "backends"]


def _given_path() -> list[Path]:
    return [Path(entry).absolute() for entry in os.environ.get(SEARCH_PATH_VARIABLE, "").split(os.pathsep) if entry]


def search_path_fault() -> str:
    """Return what is wrong with a folder in the user's search path; an empty string if nothing is."""
    for folder in _given_path():
        if not folder.is_dir():
            return f"{SEARCH_PATH_VARIABLE} names {folder}, which is not a folder"
        if (folder / "backend.toml").is_file():
            return f"{SEARCH_PATH_VARIABLE} names {folder}, which is a backend; name its parent, {folder.parent}"
    return ""


def _read_folder(folder: Path) -> Backend:
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise BackendError(f"backend folder {folder} lacks {', '.join(missing)}")
    try:
        description = parse_toml(read_bytes(folder / "backend.toml"))
        _check_keys(description)
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
            variable_examples=_examples({"variable_examples": {}, **description}, "variable_examples"),
            passed_variables=_texts({"passed_variables": [], **description}, "passed_variables"),
            artifact=_artifact({"artifact": "", **description}),
            board_variable=_text({"board_variable": "", **description}, "board_variable"),
            stream=_flag({"stream": False, **description}, "stream"),
        )
    except (TypeError, ValueError) as error:
        raise BackendError(f"{folder / 'backend.toml'} is not valid: {error}") from error


def _check_keys(description: Mapping[str, object]) -> None:
    """Raise `ValueError` for a key that is unknown, or that is missing."""
    for key in description:
        if key not in KEYS:
            hint = did_you_mean(key, KEYS) or f"; known keys are {', '.join(KEYS)}"
            raise ValueError(f"unknown key {key!r}{hint}")
    for key in REQUIRED_KEYS:
        if key not in description:
            raise ValueError(f"it has no {key}; it must have {', '.join(REQUIRED_KEYS)}")


def _text(description: Mapping[str, object], key: str) -> str:
    value = description[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} must be a string, got {value!r}")
    return value


def _texts(description: Mapping[str, object], key: str) -> tuple[str, ...]:
    values = description[key]
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"{key} must be a list of strings, got {values!r}")
    return tuple(values)


def _examples(description: Mapping[str, object], key: str) -> Mapping[str, str]:
    values = description[key]
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise TypeError(f"{key} must be a table of strings, got {values!r}")
    return values


def _flag(description: Mapping[str, object], key: str) -> bool:
    value = description[key]
    if not isinstance(value, bool):
        raise TypeError(f"{key} must be true or false, got {value!r}")
    return value


def _artifact(description: Mapping[str, object]) -> str:
    suffix = _text(description, "artifact")
    if suffix and suffix not in ARTIFACTS:
        raise ValueError(f"artifact must be one of {', '.join(ARTIFACTS)}, got {suffix!r}")
    return suffix


def _distributions(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(version, str) for version in value.values()):
        raise TypeError(f"distributions must be a table of exact versions, got {value!r}")
    odd = [name for name in value if not re.fullmatch(DISTRIBUTION, name)]
    if odd:
        raise ValueError(f"distributions must name Python distributions, got {odd[0]!r}")
    return value


def _python_version(text: str) -> tuple[int, int]:
    if text == ANY_PYTHON:
        return sys.version_info[:2]
    match = re.fullmatch(r"([0-9]{1,4})\.([0-9]{1,4})", text)
    if match is None:
        raise ValueError(f"python must be a version such as '3.10', or 'any', got {text!r}")
    return int(match[1]), int(match[2])
