"""Weight errors in proofs, explanations under perturbations, and exempt lines by name."""

from __future__ import annotations

import copy
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Command

import snnprog as sp
from snnprog import check_proof
from snnprog.errors import InfeasibleError, SnnprogError, SpecError
from snnprog.proof import Exhausted, proof_to_data
from snnprog.robustness.checking import check_robust
from snnprog.spec.document import spec_to_data

LIMIT, THRESHOLDS = 3, range(1, 10)


def small_program(weights: tuple[int, ...], threshold: int, *, lines: int) -> sp.Program:
    """Return a neuron with two taps: of two lines, or of one line with two delays."""
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=lines,
        n_neurons=1,
        outputs=[0],
        pre=[0, lines - 1],
        post=[0, 0],
        delay=[1, 3 - lines],
        weight=list(weights),
        exponent=[0, 0],
        threshold=[threshold],
        current_decay=[4095],
        potential_decay=[205],
        bias=[0],
    )


def drawn_spec(seed: int) -> sp.Spec:
    """Return a spec that some small program meets, and weight errors under which it may not."""
    rng = np.random.default_rng(seed)
    lines = 1 + seed % 2
    weights = tuple(rng.integers(-LIMIT, LIMIT + 1, 2).tolist())
    program = small_program(weights, int(rng.integers(1, 7)), lines=lines)
    patterns = []
    for _ in range(3):
        inputs = rng.random((7, lines)) < 0.4
        patterns.append(sp.Pattern(inputs, sp.run(program, inputs).spikes))
    robust = sp.Robust(weights=float(rng.choice([0.34, 0.5, 1.0])), missing=int(seed % 4 == 3))
    return sp.Spec(patterns, range(1, 4 - lines), robust=robust, weight_limit=LIMIT)


def has_program(spec: sp.Spec) -> bool:
    """Return whether any of all small programs stays exact."""
    assert spec.robust is not None
    choices = itertools.product(range(-LIMIT, LIMIT + 1), range(-LIMIT, LIMIT + 1), THRESHOLDS)
    return any(
        check_robust(small_program((one, other), threshold, lines=spec.n_inputs), spec, spec.robust).holds
        for one, other, threshold in choices
    )


@pytest.mark.parametrize("seed", range(12))
def test_verdicts_on_weight_errors_agree_with_all_integers(seed: int) -> None:
    spec = drawn_spec(seed)
    try:
        program = sp.compile(spec).program
    except InfeasibleError as error:
        assert check_proof.check(spec_to_data(spec), dict(error.proof)) is None
        assert not has_program(spec)
        return
    assert spec.robust is not None
    assert check_robust(program, spec, spec.robust).holds
