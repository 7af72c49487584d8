"""Verdicts, certificates and integer simulations of many small specs against a decision in integers.

The suite looks at some; as many as wanted are looked at by::

    SNNPROG_VERDICT_SPECS=10000 python -m pytest -q tests/test_verdicts.py
"""

from __future__ import annotations

import os
import re
from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from cases import plain_run, teach
from hypothesis import given, settings
from hypothesis import strategies as st
from verdict_specs import ExactNeuron, tiny_spec

import snnprog as sp
from snnprog.conflict import Conflict
from snnprog.design import Design, design
from snnprog.design.proofs.certificate import HAIR, Certificate
from snnprog.solver import deadline_after, until

WANTED = os.environ.get("SNNPROG_VERDICT_SPECS")
SPECS, TESTS = int(WANTED or "480"), 8
TRUNCATION_FREE = (sp.Dynamics(0, 4095), sp.Dynamics(4095, 4095))


def check_spec(spec: sp.Spec, text: str) -> str:
    """Check all that is said of a spec, and return what that was."""
    exact, designed = ExactNeuron(spec), design(spec)
    (outcome,) = designed.outcomes
    if outcome.neuron is not None:
        assert exact.is_possible(), f"{text}: designed, but no weights exist"
        return check_program(spec, text)
    assert isinstance(outcome.certificate, Certificate), text
    check_certificate(exact, outcome.certificate, text)
    for conflict in outcome.conflicts:
        check_conflict(spec, exact, conflict, text)
    return "infeasible" if outcome.certificate.excess <= 0 else "infeasible but for a hair"


def check_certificate(exact: ExactNeuron, certificate: Certificate, text: str) -> None:
    """The prices prove what they say they do, in plain fractions, and the other method finds nothing else."""
    assert exact.open_end(dict(certificate.prices)) == certificate.excess, text
    lift = exact.lift()
    assert certificate.excess <= HAIR, text
    assert lift is None or lift <= max(certificate.excess, Fraction(0)), (
        f"{text}: refused, but weights lift the spikes by {lift}"
    )


def check_conflict(spec: sp.Spec, exact: ExactNeuron, conflict: Conflict, text: str) -> None:
    """The bins that are named contradict one another, and without any one of them they do not."""
    first = np.concatenate([[0], np.cumsum([pattern.ticks for pattern in spec.patterns])])
    ticks = [int(first[each.pattern]) + each.tick for each in conflict.bins]
    lift = exact.lift(ticks)
    assert lift is None or lift <= HAIR, f"{text}: {conflict}"
    assert conflict.is_minimal, f"{text}: {conflict}"
    for tick in ticks if len(ticks) > 1 else ():
        rest = [other for other in ticks if other != tick]
        assert exact.is_possible(rest), f"{text}: {conflict}: {tick} is not needed"
    assert all(share > 0 for share in conflict.shares), text
    assert sum(conflict.shares) == 1, text


def check_program(spec: sp.Spec, text: str) -> str:
    """What is compiled is exact in plain integers."""
    try:
        program = sp.compile(spec).program
    except sp.InfeasibleError:
        return "no integers"
    except (sp.QuantizationError, sp.LimitError) as error:
        return type(error).__name__
    for pattern in spec.patterns:
        spikes = np.array(plain_run(program, pattern.inputs).spikes)
        assert not ((spikes != pattern.targets) & pattern.care).any(), text
    return "exact"


@pytest.mark.parametrize("part", range(TESTS))
def test_verdicts_agree_with_whole_numbers(part: int) -> None:
    seeds = range(part, SPECS, TESTS)
    counts = Counter(check_spec(tiny_spec(seed), f"seed {seed}") for seed in seeds)
    print(dict(counts))
    assert counts["exact"] > SPECS // TESTS // 5
    assert counts["infeasible"] > SPECS // TESTS // 5


@pytest.mark.parametrize("seed", [4236, 5488, 5918])
def test_odd_specs_that_once_failed(seed: int) -> None:
    check_spec(tiny_spec(seed), f"seed {seed}")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_any_small_spec(seed: int) -> None:
    check_spec(tiny_spec(seed), f"seed {seed}")


@pytest.mark.parametrize("dynamics", TRUNCATION_FREE, ids=str)
def test_what_a_chip_does_is_never_refused(dynamics: sp.Dynamics) -> None:
    """Where no decay truncates, targets that integers gave can be built."""
    for seed in range(40):
        inputs = [np.random.default_rng(seed + 1000 * index).random((10, 3)) < 0.4 for index in range(2)]
        patterns = teach(seed, inputs, n_outputs=1, delays=[1, 2], dynamics=dynamics, threshold=30)
        assert not design(sp.Spec(patterns, [1, 2], dynamics=dynamics)).conflicts, f"seed {seed}"


# ------------------------------------------------------------------------------------------------- narrow cases


def narrow(decay: int, *, quiet: int, lines: int = 1, **options: Any) -> sp.Spec:
    """Return a spec whose spike is due when only a residue of an old input is left."""
    inputs, targets = np.zeros((quiet + 3, lines), dtype=bool), np.zeros((quiet + 3, 1), dtype=bool)
    inputs[0] = True
    targets[-1] = True
    return sp.Spec([sp.Pattern(inputs, targets)], dynamics=sp.Dynamics(decay), **options)


@pytest.mark.parametrize("quiet", [3, 20, 300])
@pytest.mark.parametrize("decay", [205, 4000, 4095])
def test_residues_are_neither_forgotten_nor_overrated(decay: int, quiet: int) -> None:
    assert check_spec(narrow(decay, quiet=quiet), "narrow").startswith("infeasible")


def test_a_residue_that_is_too_weak_is_called_that() -> None:
    spec = narrow(4095, quiet=5)
    (conflict,) = design(spec).conflicts
    assert "what has reached it since the pattern began is too little for any weights of the chip" in conflict.reason


def test_histories_that_differ_by_a_residue_are_not_called_the_same() -> None:
    """Two trials, one with an old spike of which 1e-40 is left: no weights of the chip tell them apart by a hair."""
    inputs = np.zeros((2, 15, 2), dtype=bool)
    inputs[:, 13, 0] = inputs[0, 1, 1] = True
    targets = np.zeros((2, 15, 1), dtype=bool)
    targets[0, 14] = True
    spec = sp.Spec([sp.Pattern(*pair) for pair in zip(inputs, targets, strict=True)], dynamics=sp.Dynamics(4095))
    assert check_spec(spec, "residue") == "infeasible but for a hair"
    (conflict,) = design(spec).conflicts
    assert re.search(r"no weights let output 0 spike at .* and be silent at", conflict.reason)
    certificate = design(spec).outcomes[0].certificate
    assert isinstance(certificate, Certificate)
    assert 0 < certificate.excess < Fraction(1, 10**30)


def test_a_silence_may_lie_right_at_the_threshold() -> None:
    """A bias of 10 LSBs that meets a threshold of 10 keeps silent; with an input, it fires."""
    inputs, targets = np.zeros((6, 1), dtype=bool), np.zeros((6, 1), dtype=bool)
    inputs[2], targets[3] = True, True
    resting = sp.Spec([sp.Pattern(inputs[:1], targets[:1])], bias=640, threshold=10)
    assert check_spec(resting, "edge") == "exact"
    spec = sp.Spec([sp.Pattern(inputs, targets)], dynamics=sp.Dynamics(4095), bias=640, threshold=10)
    assert check_spec(spec, "over the edge") == "infeasible"  # 1/4096 of the 10 LSBs is left at the second tick


def test_an_undecided_output_is_named() -> None:
    spec = tiny_spec(0)
    with until(deadline_after(0.0)):
        designed: Design = design(spec)
    assert designed.undecided == designed.out_of_time == (0,)
    assert designed.conflicts == ()
    with pytest.raises(sp.UndecidedError, match="output 0 is undecided after 0 s") as caught:
        sp.compile(spec, time_limit_s=0)
    assert caught.value.neurons == (0,)
    assert caught.value.ended_by_time == ("design",)


@pytest.mark.parametrize("limit", [-1.0, float("nan"), float("inf"), "10", True])
def test_a_time_limit_is_a_number_of_seconds(limit: float) -> None:
    with pytest.raises(sp.SpecError, match=r"time_limit_s must be a non-negative, finite number of seconds, got .*"):
        sp.compile(tiny_spec(0), time_limit_s=limit)


def test_a_time_limit_that_is_not_reached_changes_nothing() -> None:
    spec = next(spec for spec in map(tiny_spec, range(50)) if not design(spec).conflicts)
    assert sp.compile(spec, time_limit_s=600).program.provenance == sp.compile(spec).program.provenance
