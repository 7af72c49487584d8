"""What each command imports: start-up is a matter of modules, so the modules are pinned, not the seconds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cases import single_neuron

ROOT = Path(__file__).resolve().parents[1]
SPEC = ROOT / "examples" / "spec_files" / "SPEC.toml"
HEAVY = ("numpy", "scipy", "numba", "ortools", "rich", "matplotlib", "sklearn", "multiprocessing")
SCRIPT = """
import sys
from snnprog.cli import main
try:
    main()
finally:
    print([name for name in {heavy} if name in sys.modules], file=sys.stderr)
"""


def modules(*words: object) -> list[str]:
    """Run a command line in a fresh interpreter; return which heavy modules it has imported."""
    command = [sys.executable, "-c", SCRIPT.format(heavy=HEAVY), *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: list[str] = eval(done.stderr.splitlines()[-1])
    return found


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "p.snnp"
    single_neuron(n_inputs=2, potential_decay=4095).save(path)
    np.savez(tmp_path / "x.npz", raster=np.ones((1, 4, 2), dtype=bool))
    return path


@pytest.mark.parametrize(
    "words",
    [["--help"], ["completion", "zsh"], ["run", "--help"], ["report", "--help"], ["backends", "check", "--help"]],
)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    assert modules(*words) == []


def test_the_version_needs_numpy_alone() -> None:
    """It reads the folders of backends, and imports none of the packages whose versions it prints."""
    assert modules("--version") == ["numpy"]


def test_a_small_run_needs_numpy_alone(program: Path) -> None:
    """Which of the simulators does it, too, so that Numba is not imported for a moment's work."""
    assert modules("run", program, program.parent / "x.npz") == ["numpy"]


def test_a_run_on_the_kernel_needs_numpy_and_numba_alone(program: Path) -> None:
    """SciPy comes with Numba, which looks into it."""
    found = modules("run", program, program.parent / "x.npz", "--backend", "kernel")
    assert {"numpy", "numba"} <= set(found)
    assert not {"ortools", "rich", "matplotlib", "sklearn"} & set(found)


def test_inspecting_needs_no_simulator(program: Path) -> None:
    assert not {"numba", "scipy", "ortools"} & set(modules("inspect", program, "--json"))
