"""The commands of the project: ``make test`` and ``nox -s test`` are the same, and the Makefile calls this file.

With make, nothing has to be installed first: the Makefile makes the environment ``.venv`` with nox in it. Without make,
as on Windows: ``pip install nox``, then ``nox -s demo`` or ``nox -s test``; ``nox -l`` lists all sessions.

nox makes no environments of its own here: every session runs in ``.venv``, which `install` fills once, until
pyproject.toml or constraints.txt change. Settings are environment variables, which make passes on: see `SETTINGS`.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import nox
from nox.command import CommandFailed

SETTINGS = {
    "VENV": ".venv",  # where the environment is
    "BACKENDS": "lava nengo_loihi brian2_loihi xylosim c",  # those that are installed for the tests
    "REQUIRE": "",  # backends whose absence is a failure and not a skip, as in "lava,nengo_loihi"
    "WORKERS": "2",  # processes that test side by side
}
VENV, BACKENDS, REQUIRE, WORKERS = (os.environ.get(name) or usual for name, usual in SETTINGS.items())

SCRIPTS = "Scripts" if sys.platform == "win32" else "bin"
PYTHON = f"{VENV}/{SCRIPTS}/python"
READY = Path(VENV, "ready")
LOWEST = f"{VENV}-lowest"
# Python compiles what it imports; pip would compile thousands of files that are never imported.
PIP = ("-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check")

# The main tests with the lowest version of each dependency, on the lowest Python. Tests of pictures and of the layout
# of tables are left out, as Matplotlib and Rich draw them in other ways since; so are warnings about newer versions.
LOWEST_TESTS = (
    *("solver", "cli", "commands", "small_specs", "golden", "files", "event_raster", "event_files", "event_inputs"),
    *("nir", "kernel", "report_command", "convert_onnx", "estimators", "cartpole"),
)
FIND_LOWEST = (
    "from snnprog.backends.interpreters import find_interpreter; print(find_interpreter((3, 10)))"  # requires-python
)

PLATFORMS = ("win32", "darwin")
"""Systems that the tests do not run on. Types are checked for them, too: what Python lacks there is an error."""

MADE = (VENV, LOWEST, "node_modules", "build", "dist", "docs/_build", "docs/_gallery")
CACHES = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".nox")

# Set in many containers. Then each of the hundreds of Pythons that sessions start compiles all that it imports again,
# which takes 1.5 s for a snnprog command (measured).
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "scripts", "test", "lowest"]


def is_newer(mark: Path, *files: str) -> bool:
    """Return whether a mark was made after all these files."""
    return mark.exists() and all(mark.stat().st_mtime >= Path(file).stat().st_mtime for file in files)


def run(session: nox.Session, *words: str, module: str = "") -> None:
    """Run the environment's Python, which is made first where it is missing or old."""
    if not is_newer(READY, "pyproject.toml", "constraints.txt"):
        if not Path(VENV, "pyvenv.cfg").exists():
            start(session, sys.executable, "-m", "venv", VENV)
        start(session, PYTHON, *PIP, "-c", "constraints.txt", "-e", ".[dev,demo,docs]")
        READY.touch()
    start(session, PYTHON, *(("-m", module) if module else ()), *words)


def start(session: nox.Session, *command: str) -> None:
    """Run a command; its messages stay apart from what it prints."""
    session.run(*command, external=True, stderr=None)


def install_backends(session: nox.Session, names: Sequence[str]) -> None:
    """Install runtimes in environments of their own; those that cannot be installed are skipped with a note."""
    for name in names:
        try:
            run(session, "backends", "install", name, module="snnprog")
        except CommandFailed:
            session.warn(f"{name} is skipped; everything else goes on.")


@nox.session
def install(session: nox.Session) -> None:
    """Make the environment."""
    run(session, "--version", module="snnprog")


@nox.session
def backends(session: nox.Session) -> None:
    """Install the runtimes that are named after --, or all."""
    install_backends(session, session.posargs or BACKENDS.split())


@nox.session
def demo(session: nox.Session) -> None:
    """Compile a classifier of Iris flowers for Loihi 1, and test it on unseen flowers."""
    install_backends(session, ["lava"])
    run(session, "demo", module="snnprog")
    print(f"{'' if sys.platform == 'win32' else '. '}{VENV}/{SCRIPTS}/activate makes snnprog a command of this shell")


@nox.session
def test(session: nox.Session) -> None:
    """Run the whole test suite.

    Its workers take all processors, and threads of a BLAS wait for one another in loops: with two of them in each of
    two workers on two processors, the example of an event camera took 14 s of processor time instead of 7 s.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    install_backends(session, BACKENDS.split())
    required = [word for name in REQUIRE.replace(",", " ").split() for word in ("--snnprog-require", name)]
    run(session, "-q", "-n", WORKERS, "--dist", "worksteal", *required, *session.posargs, module="pytest")


@nox.session(default=False)
def install_lowest(session: nox.Session) -> None:
    """Make the environment with the lowest versions of all dependencies."""
    python, mark = f"{LOWEST}/{SCRIPTS}/python", Path(LOWEST, "ready")
    if not is_newer(mark, "pyproject.toml", "constraints-lowest.txt"):
        install(session)
        found = session.run(PYTHON, "-c", FIND_LOWEST, external=True, silent=True, stderr=None)
        start(session, str(found).strip(), "-m", "venv", LOWEST)
        tools = ("hypothesis<7", "pytest<10", "pytest-xdist<4", "tomli")
        start(
            session,
            python,
            *PIP,
            "-c",
            "constraints-lowest.txt",
            "-e",
            ".[files,events,gym,onnx,plot,sklearn,tables]",
            *tools,
        )
        mark.touch()


@nox.session
def lowest(session: nox.Session) -> None:
    """Run the main tests with the lowest versions of all dependencies."""
    install_lowest(session)
    files = [f"tests/test_{name}.py" for name in LOWEST_TESTS]
    words = ("-m", "pytest", "-n", WORKERS, "-W", "default", "-p", "no:cacheprovider")
    start(session, f"{LOWEST}/{SCRIPTS}/python", *words, *files)


@nox.session
def lint(session: nox.Session) -> None:
    """Check layout, style and spelling."""
    run(session, "format", "--check", ".", module="ruff")
    run(session, "check", ".", module="ruff")
    run(session, module="codespell_lib")


@nox.session
def types(session: nox.Session) -> None:
    """Check types for this system, and those of the package for each other."""
    run(session, module="mypy")
    for name in PLATFORMS:
        cache = f".mypy_cache/{name}"
        words = ("--platform", name, "--no-warn-unreachable", "--cache-dir", cache, "snnprog", "backends")
        run(session, *words, module="mypy")


@nox.session
def scripts(session: nox.Session) -> None:
    """Check the scripts of the report's page, with ESLint and TypeScript's check of their JSDoc types: needs Node."""
    npm = shutil.which("npm")
    if npm is None:
        message = "npm is missing: install Node 20.19 or later"
        stop = session.error if os.environ.get("SNNPROG_REQUIRE_NODE") else session.skip
        stop(message)
    if not is_newer(Path("node_modules", ".package-lock.json"), "package.json", "package-lock.json"):
        start(session, npm, "ci", "--silent")
        Path("node_modules", ".package-lock.json").touch()
    for name in ("lint", "types"):
        start(session, npm, "run", "--silent", name)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site in docs/_build/html. Notebooks and scripts of pictures are run; a warning is an error."""
    words = ("-q", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")
    try:
        run(session, *words, module="sphinx")
    except CommandFailed:
        shutil.rmtree("docs/_build/html", ignore_errors=True)  # the next build must find the same warnings
        raise
    session.log("open docs/_build/html/index.html")


@nox.session(default=False)
def clean(session: nox.Session) -> None:
    """Remove environments, caches and what was built."""
    for folder in (*MADE, *CACHES):
        shutil.rmtree(folder, ignore_errors=True)
