"""Don't-care bins: the search ends with weights or a proof, and agrees with trying every filling in integers."""

from __future__ import annotations

import importlib
import itertools
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from cases import one_of, plain_run
from verdict_specs import ExactNeuron

import snnprog as sp
from snnprog.design import design
from snnprog.design.conflicts import leaves
from snnprog.design.proofs.certificate import Certificate, Split

SPECS, SPECS_PER_TEST, MOST_FREE = 120, 20, 5


def free_spec(seed: int) -> sp.Spec:
    """Return a spec of one output with some don't-care bins, in one pattern or two."""
    generator = np.random.default_rng(seed)
    patterns = []
    for _ in range(int(generator.integers(1, 3))):
        length = int(generator.integers(4, 9))
        inputs = generator.random((length, 2)) < 0.4
        targets = generator.random((length, 1)) < 0.4
        care = np.ones_like(targets)
        care[generator.choice(length, int(generator.integers(1, 3)), replace=False)] = False
        patterns.append(sp.Pattern(inputs, targets, care))
    dynamics = sp.Dynamics(int(generator.choice([0, 205, 1000, 4095])), int(generator.choice([4095, 4095, 2000])))
    return sp.Spec(patterns, dynamics=dynamics, threshold=one_of(generator, "free", "free", 40))


def long_spec(seed: int) -> sp.Spec:
    """Return a spec of one output with a third of its 36 bins free."""
    generator = np.random.default_rng(seed)
    inputs, targets = generator.random((36, 5)) < 0.25, generator.random((36, 1)) < 0.2
    targets[:3] = False
    care = np.ones_like(targets)
    care[generator.choice(36, 12, replace=False)] = False
    return sp.Spec([sp.Pattern(inputs, targets, care)], delays=[1, 2])


def fillings(spec: sp.Spec) -> list[list[bool]]:
    """Return every raster that keeps the bins that count."""
    targets = np.concatenate([pattern.targets[:, 0] for pattern in spec.patterns])
    free = np.flatnonzero(~np.concatenate([pattern.care[:, 0] for pattern in spec.patterns]))
    rasters = []
    for filling in itertools.product([False, True], repeat=free.size):
        raster = targets.copy()
        raster[free] = filling
        rasters.append(raster.tolist())
    return rasters


@pytest.mark.parametrize("first", range(0, SPECS, SPECS_PER_TEST))
def test_the_search_agrees_with_every_filling(first: int) -> None:
    for seed in range(first, first + SPECS_PER_TEST):
        spec = free_spec(seed)
        (outcome,) = design(spec).outcomes
        possible = any(ExactNeuron(spec, raster=raster).is_possible() for raster in fillings(spec))
        assert (outcome.neuron is not None) == possible, f"seed {seed}: {outcome.conflicts}"
        assert not outcome.is_undecided
        if outcome.neuron is not None:
            assert ExactNeuron(spec, raster=outcome.neuron.raster.tolist()).is_possible(), f"seed {seed}"


def test_both_kinds_of_proof_occur_and_hold() -> None:
    kinds = set()
    for seed in range(SPECS):
        spec = free_spec(seed)
        designed = design(spec)
        proof = designed.outcomes[0].certificate
        if proof is None:
            continue
        kinds.add(type(proof))
        for raster in fillings(spec):
            assert any(contradicts(spec, raster, leaf) for leaf in leaves(proof)), f"seed {seed}: {raster}"
    assert kinds == {Certificate, Split}


def contradicts(spec: sp.Spec, raster: list[bool], leaf: Certificate) -> bool:
    """Return whether a certificate refutes one filling, in plain fractions."""
    return ExactNeuron(spec, raster=raster).open_end(dict(leaf.prices)) <= max(leaf.excess, Fraction(0))


def test_many_free_bins_end_with_weights_or_a_proof() -> None:
    built = refused = 0
    for seed in range(3, 20):
        spec = long_spec(seed)
        designed = design(spec)
        refused += bool(designed.conflicts)
        if designed.conflicts:
            assert all(spec.patterns[each.pattern].care[each.tick, 0] for each in designed.conflicts[0].bins)
            continue
        try:
            program = sp.compile(spec).program
        except sp.QuantizationError:
            continue
        built += 1
        for pattern in spec.patterns:
            spikes = np.array(plain_run(program, pattern.inputs).spikes)
            assert not ((spikes != pattern.targets) & pattern.care).any()
    assert built >= 5
    assert refused >= 5


def test_a_proof_by_cases_names_the_bins_that_count() -> None:
    for seed in range(SPECS):
        designed = design(free_spec(seed))
        if isinstance(designed.outcomes[0].certificate, Split):
            (conflict,) = designed.conflicts
            assert "whatever it does in its" in conflict.reason
            assert conflict.bins
            assert set(conflict.shares) == {0}
            return
    pytest.fail("no proof by cases among the specs")


def loop_spec(seed: int) -> sp.Spec:
    """Return a small spec in which outputs feed outputs, with one to three don't-care bins."""
    generator = np.random.default_rng(seed)
    ticks, outputs = int(generator.integers(5, 8)), int(generator.integers(1, 4))
    inputs = generator.random((ticks, int(generator.integers(1, 3)))) < 0.4
    targets = generator.random((ticks, outputs)) < 0.35
    targets[0] = False
    care = np.ones_like(targets)
    care.flat[generator.choice(targets.size, int(generator.integers(1, 4)), replace=False)] = False
    dynamics = sp.Dynamics(int(generator.choice([0, 205, 1000, 4095])), int(generator.choice([4095, 4095, 2000])))
    delays = [[1], [1, 2], [2]][generator.integers(3)]
    return sp.Spec([sp.Pattern(inputs, targets, care)], delays, recurrent=True, dynamics=dynamics)


def filled_loops(spec: sp.Spec) -> list[sp.Spec]:
    """Return the spec with every filling of its don't-care bins."""
    (pattern,) = spec.patterns
    free, filled = np.argwhere(~pattern.care), []
    for filling in itertools.product([False, True], repeat=len(free)):
        targets = pattern.targets.copy()
        targets[tuple(free.T)] = filling
        filled.append(replace(spec, patterns=(sp.Pattern(pattern.inputs, targets),)))
    return filled


@pytest.mark.parametrize("first", range(0, 60, 15))
def test_in_a_loop_the_search_agrees_with_every_filling(first: int) -> None:
    for seed in range(first, first + 15):
        spec = loop_spec(seed)
        designed = design(spec)
        outputs = range(spec.n_outputs)
        possible = any(
            all(ExactNeuron(filled, output).is_possible() for output in outputs) for filled in filled_loops(spec)
        )
        assert (not designed.unbuilt) == possible, f"seed {seed}: {designed.conflicts}"
        assert not designed.undecided
        if possible:
            (asked,), (done,) = spec.patterns, designed.spec.patterns
            assert not ((asked.targets != done.targets) & asked.care).any()


def test_a_loop_whose_targets_cannot_be_built_does_otherwise_in_its_free_bins() -> None:
    saved = 0
    for seed in range(60):
        spec = loop_spec(seed)
        (pattern,) = spec.patterns
        if not design(replace(spec, patterns=(sp.Pattern(pattern.inputs, pattern.targets),))).unbuilt:
            continue
        designed = design(spec)
        if designed.unbuilt:
            continue
        try:
            program = sp.compile(spec).program
        except (sp.QuantizationError, sp.InfeasibleError):
            continue
        (trace,) = sp.run(program, [pattern.inputs])
        assert not ((trace.spikes != pattern.targets) & pattern.care).any(), f"seed {seed}"
        saved += bool((trace.spikes != pattern.targets).any())
    assert saved >= 5


def test_a_loop_that_no_filling_saves_is_refused_by_cases() -> None:
    kinds = set()
    for seed in range(60):
        designed = design(loop_spec(seed))
        kinds |= {type(outcome.certificate) for outcome in designed.outcomes if outcome.certificate is not None}
        for conflict in designed.conflicts:
            if "whatever the outputs do in their" in conflict.reason:
                assert conflict.bins
                assert f"output {conflict.neuron}" in conflict.reason
    assert kinds == {Certificate, Split}


def recurrent_spec(target: list[list[int]], care: list[list[int]]) -> sp.Spec:
    inputs = np.array([[1], [0], [0], [1], [0], [0]], dtype=bool)
    return sp.Spec([sp.Pattern(inputs, np.array(target, dtype=bool), np.array(care, dtype=bool))], recurrent=True)


def test_in_a_loop_a_proof_rests_on_bins_that_no_free_bin_reaches() -> None:
    target = [[1, 0], [0, 0], [0, 0], [0, 0], [0, 1], [0, 0]]
    free_late = [[1, 1]] * 5 + [[0, 0]]
    designed = design(recurrent_spec(target, free_late))
    assert [conflict.neuron for conflict in designed.conflicts] == [0]


@pytest.mark.parametrize("seed", [10235, 30008, 62999])
def test_neurons_of_a_loop_settle_what_they_do_in_free_bins(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[1] / "benchmarks")
    case = importlib.import_module("promise_draw").case_from_seed(seed)  # a circuit is known that does what is asked
    spec = case.spec()
    assert spec.recurrent
    assert sp.verify(sp.compile(spec).program, spec).exact
