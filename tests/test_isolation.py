"""Files in the current folder are never run, whatever they are called, and neither are those of a Python that we start.

The hostile folder holds a module for every name in Python's library and for everything that the package depends on;
each notes its name in a marker file. That file must never appear.
"""

from __future__ import annotations

import ensurepip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cases import single_neuron
from command_line import FILES
from stand_in import write_backend

import snnprog as sp
from snnprog.backends.interpreters import find_interpreter
from snnprog.processes.isolation import START, import_folders, isolated, own_module

ROOT = Path(__file__).resolve().parents[1]
DEPENDENCIES = ("click", "h5py", "filelock", "numba", "numpy", "ortools", "pip", "platformdirs", "rich", "scipy")
AT_START = ("sitecustomize", "usercustomize")
NOTE = "import os\nwith open({marker!r}, 'a') as file: file.write(__name__ + '\\n')\nraise SystemExit(99)\n"
# As the installed script does: its import path begins with its own folder, not with the current one.
SCRIPT = "import sys; sys.path.remove(''); from snnprog.cli import main; main()"


BUNDLED_PIP = ensurepip.version()  # what a new environment has


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Return a folder of modules that must not run, with a program, a spec and inputs of some formats among them."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in (*sys.stdlib_module_names, *DEPENDENCIES, *AT_START):
        (folder / f"{name}.py").write_text(NOTE.format(marker=str(tmp_path / "marker")), encoding="utf-8")
    (folder / "planted.pth").write_text("import sitecustomize\n", encoding="utf-8")
    for file in FILES.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    program = single_neuron(n_inputs=2, potential_decay=4095)
    program.save(folder / "p.snnp")
    sp.write_rasters(folder / "x.h5", [np.eye(4, 2, dtype=bool)], dt_ms=1.0)
    sp.write_nir(folder / "p.nir", program, dt_ms=1.0)
    write_backend(tmp_path, "own", distributions=f'pip = "{BUNDLED_PIP}"', requirements="# nothing\n")
    return folder


def run_in(folder: Path, *words: str) -> None:
    """Run Python in a folder, with backends and a cache beside it; it must succeed, and no marker may appear."""
    own = {"SNNPROG_BACKENDS": str(folder.parent), "SNNPROG_CACHE": str(folder.parent / "cache"), "PIP_NO_INDEX": "1"}
    environment = {**os.environ, **own, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True)
    marker = folder.parent / "marker"
    ran = marker.read_text(encoding="utf-8").split() if marker.exists() else []
    assert ran == [], done.stderr
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "line",
    [
        "run p.snnp x.h5 --ticks 4 --dt-ms 1",
        "quantize p.nir -o q.snnp --dt-ms 1",
        "compile SPEC.toml -o q.snnp --workers 2",
        "explain SPEC.toml",
        "backends install own",
        "backends list",
    ],
)
def test_no_command_runs_what_lies_in_the_current_folder(hostile: Path, line: str) -> None:
    run_in(hostile, "-c", SCRIPT, *line.split())


def test_a_module_run_by_its_name_takes_the_current_folder_away(hostile: Path) -> None:
    """Python has imported some modules by then, from that folder first: they are none of the package's concern."""
    early = subprocess.run(
        [sys.executable, "-c", "import snnprog, sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    for name in {*early.stdout.split(), "runpy", "pkgutil"}:
        (hostile / f"{name}.py").unlink(missing_ok=True)
    assert (hostile / "json.py").exists()
    run_in(hostile, "-m", "snnprog", "run", "p.snnp", "x.h5", "--ticks", "4", "--dt-ms", "1")


def test_the_import_path_is_handed_over_without_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    (tmp_path / "here" / "json.py").write_text("raise SystemExit('not this one')", encoding="utf-8")
    (tmp_path / "there" / "guest.py").write_text("import json, sys; print(sys.argv[1:])", encoding="utf-8")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "path", ["", str(tmp_path / "here"), "../there", str(tmp_path / "there"), *sys.path])
    folders = import_folders()
    assert str(tmp_path / "here") not in folders
    assert not {"", "../there"} & set(folders)
    done = subprocess.run(own_module("guest", ["a", "b"]), cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "['a', 'b']\n"


def test_a_checkout_is_kept_although_it_is_the_current_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", [str(ROOT), "/elsewhere"])
    assert import_folders() == [str(ROOT), "/elsewhere"]
    monkeypatch.setattr(sys, "path", ["", "/elsewhere"])
    assert import_folders() == [str(ROOT), "/elsewhere"]


def test_a_user_s_own_packages_are_found(tmp_path: Path) -> None:
    """Folders of PYTHONPATH, and of a ``.pth`` of the user's site-packages: the child has its parent's path."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "guest.py").write_text("print('here')", encoding="utf-8")
    call = "import subprocess, sys; from snnprog.processes.isolation import own_module as own; sys.stdout.flush()\n"
    call += f"print(subprocess.run(own('guest'), cwd={str(tmp_path)!r}, capture_output=True, text=True).stdout)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "there"), str(ROOT)])}
    done = subprocess.run([sys.executable, "-c", call], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "here"


def test_no_command_of_the_current_folder_is_asked_for_pythons(hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = hostile.parent / "marker"
    for name in ("python3", "python", "python3.99", "uv", "conda", "mamba"):
        (hostile / name).write_text(f"#!/bin/sh\necho {name} >> {marker}\necho 3.99\n", encoding="utf-8")
        (hostile / name).chmod(0o755)
    monkeypatch.chdir(hostile)
    monkeypatch.setenv("PATH", os.pathsep.join([".", "", os.environ["PATH"]]))
    monkeypatch.setenv("CONDA_EXE", "./conda")
    monkeypatch.setenv("PYENV_ROOT", ".")
    with pytest.raises(sp.BackendError, match=r"no Python 3\.99 with venv was found"):
        find_interpreter((3, 99))
    assert not marker.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a current folder cannot be deleted there")
def test_the_current_folder_may_be_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setattr(sys, "path", ["", str(ROOT)])
    assert import_folders() == [str(ROOT)]


def test_an_isolated_python_ignores_its_surroundings(tmp_path: Path) -> None:
    (tmp_path / "json.py").touch()
    command = isolated(sys.executable, "-c", f"{START.partition(';')[0]}; print(json.__file__)")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert not done.stdout.startswith(str(tmp_path))
