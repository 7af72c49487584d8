"""The spec of this project, and its program: compiled once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

import snnprog as sp


@pytest.fixture(scope="session")
def spec() -> sp.Spec:
    """Return the specification."""
    return sp.load_spec(Path(__file__).with_name("SPEC.toml"))


@pytest.fixture(scope="session")
def program(spec: sp.Spec) -> sp.Program:
    """Return the program that would be shipped."""
    return sp.compile(spec).program
