"""What is built and installed: the wheel's files, the source archive's, and the wheel at work on each supported Python.

The installations need a package index; without one they are skipped, unless ``SNNPROG_REQUIRE_WHEELS`` is set. A Python
that is not on this machine is skipped in any case.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import BytesParser
from pathlib import Path

import pytest
import tomli
from command_line import FILES

import snnprog as sp
from snnprog.backends.interpreters import find_interpreter

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = ((3, 10), (3, 11), (3, 12), (3, 13))
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

IMPOSSIBLE = """\
delays = [1]

[[patterns]]
inputs = "inputs.csv"
targets = "targets.csv"
ticks = 4
n_inputs = 1
n_outputs = 1
count = 2
"""


def run(*words: object, folder: Path) -> str:
    """Run a command that succeeds, and return what it prints."""
    done = subprocess.run(
        list(map(str, words)), cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel and the source archive of this checkout; hatchling comes with the extra dev."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-d", folder, folder=ROOT)
    return folder


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


def sources(*folders: str) -> set[str]:
    """Return the files of folders that belong to the project, from its root."""
    found = {path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()}
    return {path.as_posix() for path in found if "__pycache__" not in path.parts and path.suffix != ".pyc"}


# ---------------------------------------------------------------------------------------------------------- contents


def test_the_wheel_holds_the_package_the_backends_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    backends = {f"snnprog/backend_folders/{name.removeprefix('backends/')}" for name in sources("backends")}
    assert names == sources("snnprog") | backends
    assert "snnprog/py.typed" in names
    assert {name.split("/")[2] for name in backends} == {path.name for path in (ROOT / "backends").iterdir()}


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return BytesParser().parsebytes(archive.read(name))


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    said = metadata(wheel)
    assert (said["Name"], said["Version"], said["License-Expression"]) == ("snnprog", sp.__version__, "BSD-3-Clause")
    assert said["Requires-Python"] == PROJECT["requires-python"]
    named = {f"Programming Language :: Python :: {major}.{minor}" for major, minor in PYTHONS}
    assert named <= set(said.get_all("Classifier", []))
    with zipfile.ZipFile(wheel) as archive:
        (licence,) = (name for name in archive.namelist() if name.endswith("/licenses/LICENSE"))
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()


def test_the_source_archive_holds_what_builds_tests_and_documents(built: Path) -> None:
    (found,) = built.glob("*.tar.gz")
    with tarfile.open(found) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert sources("snnprog", "backends", "tests", "examples", "recipe") <= names
    assert {"Makefile", "noxfile.py", "constraints.txt", "LICENSE", "CITATION.cff", "CONTRIBUTING.md"} <= names


def test_the_source_archive_makes_the_same_wheel(built: Path, wheel: Path, tmp_path: Path) -> None:
    (found,) = built.glob("*.tar.gz")
    with tarfile.open(found) as archive:
        archive.extractall(tmp_path, filter="data")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", folder=tmp_path / found.name.removesuffix(".tar.gz"))
    (again,) = tmp_path.rglob("*.whl")
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(again) as other:
        assert {name: one.read(name) for name in one.namelist()} == {
            name: other.read(name) for name in other.namelist()
        }


# ------------------------------------------------------------------------------------------------------ installations


def installed(wheel: Path, python: tuple[int, int], folder: Path) -> Path:
    """Return the interpreter of a new environment of that Python, in which the wheel is installed."""
    try:
        base = find_interpreter(python)
    except sp.BackendError as error:
        pytest.skip(str(error))
    run(base, "-m", "venv", "--without-pip", folder / "environment", folder=folder)
    interpreter = folder / "environment" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    # Without --no-compile, pip compiles 20,000 files of which these commands import a tenth.
    options = ("--quiet", "--no-compile", "--disable-pip-version-check", "-c", ROOT / "constraints.txt")
    words = [sys.executable, "-m", "pip", "--python", interpreter, "install", *options, wheel]
    done = subprocess.run(list(map(str, words)), env=ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode and not os.environ.get("SNNPROG_REQUIRE_WHEELS"):
        pytest.skip(f"the wheel's dependencies cannot be installed: {done.stderr.strip()[-300:]}")
    assert done.returncode == 0, done.stderr
    return interpreter


@pytest.mark.parametrize("python", PYTHONS, ids=lambda version: f"{version[0]}.{version[1]}")
def test_the_wheel_works(wheel: Path, python: tuple[int, int], tmp_path: Path) -> None:
    """From outside the clone: version, a program, its check on the kernel, and a proof that there is none."""
    interpreter = installed(wheel, python, tmp_path)
    snnprog = (interpreter, "-m", "snnprog")
    assert sp.__version__ in run(interpreter.with_name("snnprog"), "--version", folder=tmp_path)
    for path in FILES.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    run(*snnprog, "compile", "SPEC.toml", "-o", "p.snnp", folder=tmp_path)
    said = json.loads(run(*snnprog, "verify", "p.snnp", "SPEC.toml", "--backend", "kernel", "--json", folder=tmp_path))
    assert said["exact"] is True
    listed = json.loads(run(*snnprog, "backends", "list", "--json", folder=tmp_path))["backends"]
    assert {backend["name"] for backend in listed} >= {
        path.parent.name for path in (ROOT / "backends").glob("*/backend.toml")
    }
    impossible(tmp_path / "impossible")
    words = ("explain", "SPEC.toml", "--proof", "p.json", "--spec-json", "s.json")
    done = subprocess.run(
        [*map(str, snnprog), *words], cwd=tmp_path / "impossible", env=ENVIRONMENT, capture_output=True, check=False
    )
    assert done.returncode == 3, done.stderr
    run(interpreter, "-m", "snnprog.check_proof", "s.json", "p.json", folder=tmp_path / "impossible")


def impossible(folder: Path) -> None:
    """Write a spec that nothing meets: of two equal patterns, one asks for a spike and the other for silence."""
    folder.mkdir()
    (folder / "SPEC.toml").write_text(IMPOSSIBLE, encoding="utf-8")
    (folder / "inputs.csv").write_text("pattern,tick,neuron\n0,0,0\n1,0,0\n", encoding="utf-8")
    (folder / "targets.csv").write_text("pattern,tick,neuron\n0,1,0\n", encoding="utf-8")
