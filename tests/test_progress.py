"""What is told as work goes on: each step, how much of it is done, and how much there is."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stand_in import write_backend

import snnprog as sp
from snnprog.backends.folder import SEARCH_PATH_VARIABLE
from snnprog.cli.progress import progress_bar
from snnprog.conformance import check_conformance
from snnprog.verification import ALL_BACKENDS

Told = list[tuple[str, int, int]]


def small_spec(**options: Any) -> sp.Spec:
    rng = np.random.default_rng(3)
    inputs, targets = rng.random((60, 6)) < 0.1, rng.random((60, 2)) < 0.2
    targets[:6] = False
    return sp.Spec([sp.Pattern(inputs, targets)], delays=range(1, 9), **options)


def test_verify_tells_of_each_backend_and_of_all() -> None:
    told: Told = []
    spec = small_spec()
    program = sp.compile(spec).program
    sp.verify(program, spec, ["kernel"], progress=lambda *step: told.append(step))
    assert told == [
        (ALL_BACKENDS, 0, 2),
        ("reference", 0, 1),
        ("reference", 1, 1),
        (ALL_BACKENDS, 1, 2),
        ("kernel", 0, 1),
        ("kernel", 1, 1),
    ]


def test_a_check_tells_of_golden_and_random_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_backend(tmp_path, "short", gaps="most_neurons = 1")
    monkeypatch.setenv(SEARCH_PATH_VARIABLE, str(tmp_path))
    told: Told = []
    outcome = check_conformance("short", programs=2, progress=lambda *step: told.append(step))
    golden = [step for step in told if step[0] == "golden programs"]
    assert golden == [("golden programs", done, outcome.golden) for done in range(outcome.golden + 1)]
    assert told[len(golden) :] == [("random programs", 1, 2), ("random programs", 2, 2)]


def test_repairs_are_told() -> None:
    told: Told = []
    with pytest.raises((sp.InfeasibleError, sp.QuantizationError)):
        sp.compile(small_spec(weight_bits=1), progress=lambda *step: told.append(step))
    steps = [step for step in told if step[0] == "repair"]
    begun = [index for index, (_, done, _) in enumerate(steps) if done == 0]
    rounds = [steps[first:last] for first, last in itertools.pairwise([*begun, len(steps)])]
    assert rounds
    for each in rounds:  # a brief one, and a long one
        assert [done for _, done, _ in each] == list(range(len(each)))
        assert each[-1][1] == each[-1][2]


def test_nothing_is_shown_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar(quiet=False) as progress:
        assert progress is None  # standard error is no terminal here
    assert capsys.readouterr() == ("", "")
