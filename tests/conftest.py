"""What every test can ask for: the recordings that lie beside a checkout, the command line, and a browser.

For backends see `snnprog.pytest_plugin`.
"""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from chromium import COMMAND_VARIABLE, FLAGS, chromium_command, is_required
from command_line import FILES, Command
from numpy.typing import NDArray

import snnprog as sp
from snnprog import cli

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

DEAREST = (
    *("test_site", "test_wheels", "test_showpieces", "test_hardware_special", "test_windows"),
    *("test_hidden", "test_refractory_design", "test_exploration", "test_robust_compile", "test_examples"),
)
"""The files that take longest. The last test of a run must be short, for until it ends the other workers wait."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the dearest files first. So they are in the first worker's half, which the others help to finish."""
    items.sort(key=lambda item: DEAREST.index(item.path.stem) if item.path.stem in DEAREST else len(DEAREST))


@pytest.fixture(autouse=True)
def no_lines_of_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print no lines of progress: how many there are depends on the machine, and tests compare standard error."""
    monkeypatch.setattr("snnprog.progress.LINE_SECONDS", threading.TIMEOUT_MAX)


SEARCHES = (
    *("integers.unbuilt.WORK", "integers.unbuilt.BRIEF_WORK", "integers.repair.SHORT_FIT", "integers.repair.LONG_FIT"),
    *("compiler.work.MANY", "compiler.deciding.MANY", "compiler.deciding.FEW"),
)
"""How much work goes into the searches for integers before an output is undecided."""


@pytest.fixture
def small_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try no weights but 0 and ±1, and do a thousandth of the other work: for tests of what is said in the end."""
    monkeypatch.setattr("snnprog.integers.fitted.SMALL_WEIGHTS", (1,))
    for name in SEARCHES:
        module, _, constant = f"snnprog.{name}".rpartition(".")
        monkeypatch.setattr(f"snnprog.{name}", getattr(import_module(module), constant) // 1000)


@pytest.fixture
def recording() -> object:
    """Return a function that loads a recording by file name, or skips where the recordings are not at hand."""

    def load(name: str) -> dict[str, NDArray[np.generic]]:
        path = SHARED_DATA / name
        if not path.is_file():
            pytest.skip(f"the recording {name} is not at hand")
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}

    return load


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a headless Chromium, one for all tests; skip where there is none, or fail where one is required."""
    command = chromium_command()
    if command is None:
        reason = f"no Chromium was found; install one, or name it in {COMMAND_VARIABLE}"
        pytest.fail(reason, pytrace=False) if is_required() else pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=command, args=list(FLAGS))
        yield launched
        launched.close()


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs the command line and returns (exit code, output, errors)."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["snnprog", *map(str, words)])
        with pytest.raises(SystemExit) as leaving:
            cli.main()
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return int(leaving.value.code or 0), printed.out, printed.err

    return run


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder on the search path for backends."""
    parent = tmp_path / "backends"
    parent.mkdir()
    monkeypatch.setenv("SNNPROG_BACKENDS", str(parent))
    return parent


@pytest.fixture(scope="session")
def compiled_detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the compiled program of the example's files, which no test may change."""
    path = tmp_path_factory.mktemp("compiled") / "detector.snnp"
    sp.compile(sp.load_spec(FILES / "SPEC.toml")).program.save(path)
    return path


@pytest.fixture
def detector(compiled_detector: Path, tmp_path: Path) -> Path:
    """Return a copy of the compiled program of the example's files."""
    path = tmp_path / "detector.snnp"
    shutil.copy(compiled_detector, path)
    return path
