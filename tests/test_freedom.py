"""Don't-care bins: the search ends with weights or a proof, and agrees with trying every filling in whole numbers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from cases import plain_run
from verdict_specs import ExactNeuron

import snnprog as sp
from snnprog.design import design, recheck
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
    return sp.Spec(patterns, dynamics=dynamics, threshold=["free", "free", 40][generator.integers(3)])


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
        assert recheck(spec, designed) == (True,), f"seed {seed}"
        for raster in fillings(spec):
            assert any(contradicts(spec, raster, leaf) for leaf in leaves(proof)), f"seed {seed}: {raster}"
    assert kinds == {Certificate, Split}


def contradicts(spec: sp.Spec, raster: list[bool], leaf: Certificate) -> bool:
    """Tell whether a certificate refutes one filling, in plain fractions."""
    return ExactNeuron(spec, raster=raster).open_end(dict(leaf.prices)) <= max(leaf.excess, 0)


def test_many_free_bins_end_with_weights_or_a_proof() -> None:
    built = refused = 0
    for seed in range(3, 20):
        spec = long_spec(seed)
        designed = design(spec)
        assert recheck(spec, designed) == (True,)
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


def recurrent_spec(target: list[list[int]], care: list[list[int]]) -> sp.Spec:
    inputs = np.array([[1], [0], [0], [1], [0], [0]], dtype=bool)
    return sp.Spec([sp.Pattern(inputs, np.array(target, dtype=bool), np.array(care, dtype=bool))], recurrent=True)


def test_in_a_loop_a_proof_rests_on_bins_that_no_free_bin_reaches() -> None:
    target = [[1, 0], [0, 0], [0, 0], [0, 0], [0, 1], [0, 0]]
    free_late = [[1, 1]] * 5 + [[0, 0]]
    designed = design(spec := recurrent_spec(target, free_late))
    assert [conflict.neuron for conflict in designed.conflicts] == [0]
    assert recheck(spec, designed) == (True, True)
    free_early = [[0, 1]] + [[1, 1]] * 5
    target[0], target[4] = [1, 0], [0, 0]
    with pytest.raises(sp.SolverError, match="output 0: what the target says in its 1 don't-care bins cannot be built"):
        design(recurrent_spec(target, free_early))
