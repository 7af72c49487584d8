"""What every test can ask for: a backend that is installed, and the recordings that lie beside a checkout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from snnprog.backends import find_backend, status

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-backend",
        action="append",
        default=[],
        metavar="NAME",
        help="fail, instead of skipping, the tests of this backend where it is not installed",
    )


@pytest.fixture(autouse=True)
def _installed_backend(request: pytest.FixtureRequest) -> None:
    """Skip a test marked with ``backend(name)`` where that is not installed, or fail it where it is required."""
    for mark in request.node.iter_markers("backend"):
        name = mark.args[0]
        if status(find_backend(name)).is_ready:
            continue
        reason = f"backend {name} is not installed; run 'snnprog backends install {name}'"
        if name in request.config.getoption("--require-backend"):
            pytest.fail(reason)
        pytest.skip(reason)


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
