"""The direction detector gives the spikes that it was compiled for, on every backend that the command line names."""

from __future__ import annotations

import numpy as np
import pytest

import snnprog as sp
from snnprog.pytest_plugin import assert_exact


def test_every_spike_comes_out(program: sp.Program, spec: sp.Spec, snnprog_backend: str) -> None:
    """All trials of the spec, spike for spike."""
    assert_exact(program, spec, snnprog_backend)


def test_the_program_is_of_this_spec(program: sp.Program, spec: sp.Spec) -> None:
    """The file that is shipped was compiled from SPEC.toml as it is now."""
    assert program.provenance["spec_sha256"] == spec.digest(), "compile SPEC.toml again"


@pytest.mark.parametrize("first", [1, 4, 9])
def test_a_trial_that_was_not_compiled_for(program: sp.Program, snnprog_backend: str, first: int) -> None:
    """From the left, at other times than in the spec."""
    inputs, targets = np.zeros((2, 24, 2), dtype=bool)
    inputs[[first, first + 3], [0, 1]] = True
    targets[first + 5, 0] = True
    assert_exact(program, sp.Pattern(inputs, targets), snnprog_backend)


@pytest.mark.snnprog_backend("lava")
def test_lava_agrees_in_every_state(program: sp.Program, spec: sp.Spec) -> None:
    """Currents and potentials, too; skipped where Lava is not installed, unless --snnprog-require lava is given."""
    assert_exact(program, spec, "lava", record="state")
