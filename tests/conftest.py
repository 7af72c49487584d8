"""What every test can ask for: the recordings that lie beside a checkout; for backends see `snnprog.pytest_plugin`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


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
