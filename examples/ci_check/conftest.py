"""The spec of this project, and the program that it ships."""

from __future__ import annotations

from pathlib import Path

import pytest

import snnprog as sp


@pytest.fixture(scope="session")
def spec() -> sp.Spec:
    """Return the specification."""
    return sp.load_spec(Path(__file__).with_name("SPEC.toml"))


@pytest.fixture(scope="session")
def program() -> sp.Program:
    """Return the program that is shipped."""
    return sp.load(Path(__file__).with_name("direction.snnp"))
