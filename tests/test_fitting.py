"""Integers found by running them, against plain integer neurons and brute force."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from cases import PlainNeuron

import snnprog as sp
from snnprog.arrays import Int64s, Raster
from snnprog.design.margins.answer import ROUNDING_PROOF
from snnprog.design.problem import neuron_problem
from snnprog.design.task import Task
from snnprog.integers import fit_outputs
from snnprog.integers.fitted import Wanted, fitted, swept
from snnprog.integers.integer_problem import IntegerProblem
from snnprog.integers.machine import Machine
from snnprog.integers.reoptimise import ideal
from snnprog.integers.starts import THRESHOLDS, reals_with_roundings, starts_of

LIMIT = 2
GREATEST_THRESHOLD = 40
"""No potential of the small neurons below reaches it."""


def pattern(inputs: str, targets: str) -> sp.Pattern:
    """Return a pattern from ticks that are separated by spaces."""
    return sp.Pattern(
        *(np.array([[mark == "1" for mark in tick] for tick in text.split()]) for text in (inputs, targets))
    )


def xylo_decayed(value: int, decay: int) -> int:
    """Return what Xylo's decay leaves of a value."""
    taken = value >> decay
    return value - (taken or (value > 0) - (value < 0))


def plain_spikes(spec: sp.Spec, inputs: Raster, weights: Int64s, threshold: int) -> list[bool]:
    """Return the spikes of an output with one weight for each input, delay 1."""
    decays, spikes = spec.dynamics, []
    loihi, current, potential = PlainNeuron(decays.current_decay, decays.potential_decay), 0, 0
    for tick in range(len(inputs)):
        arriving = int(inputs[tick - 1] @ weights) if tick else 0
        if spec.chip.name == "xylo":
            current = xylo_decayed(current + arriving, decays.current_decay)
            potential = xylo_decayed(potential, decays.potential_decay) + current
            spikes.append(potential >= threshold)
            potential -= threshold * spikes[-1]
        else:
            loihi.integrate(64 * arriving, tick)
            spikes.append(loihi.v > 64 * threshold)
            loihi.v *= not spikes[-1]
    return spikes


def small_spec(seed: int, chip: str) -> sp.Spec:
    """Return a random spec of one output, some bins of which may not count."""
    generator = np.random.default_rng(seed)
    decays = (int(generator.integers(0, 4)), int(generator.integers(0, 4))) if chip == "xylo" else (1000, 3000)
    care = generator.random((7, 1)) < generator.choice([0.6, 1.0])
    raster = generator.random((7, 2)) < 0.6
    weights, threshold = generator.integers(-LIMIT, LIMIT + 1, 2), int(generator.integers(1, 5))
    dynamics = sp.Dynamics(*decays)
    blank = sp.Spec([sp.Pattern(raster, care)], dynamics=dynamics, chip=chip, weight_limit=LIMIT)
    targets = np.array([plain_spikes(blank, raster, weights, threshold)]).T
    if generator.random() < 0.6:
        targets ^= generator.random((7, 1)) < 0.15
    return sp.Spec([sp.Pattern(raster, targets, care)], dynamics=dynamics, chip=chip, weight_limit=LIMIT)


def integer_problem(spec: sp.Spec) -> tuple[IntegerProblem, Wanted]:
    """Return the integers of output 0 at exponent 0, and what it is to do."""
    task = Task.of(spec)
    everywhere, care = np.ones_like(task.care[:, 0]), task.care[:, 0]
    problem = neuron_problem(task.mapping, 0, raster=task.targets[:, 0], constrained=everywhere, box=task.box)
    machine = Machine(spec.chip, task.mapping, problem.raster)
    return IntegerProblem(problem, spec.chip, machine), Wanted(care, everywhere)


def is_possible(spec: sp.Spec) -> bool:
    """Tell by brute force whether any weights and any threshold do what is asked."""
    (only,) = spec.patterns
    values = range(-LIMIT, LIMIT + 1)
    return any(
        not (
            (np.array(plain_spikes(spec, only.inputs, np.array(weights), threshold)) != only.targets[:, 0])
            & only.care[:, 0]
        ).any()
        for weights in itertools.product(values, repeat=2)
        for threshold in range(1, GREATEST_THRESHOLD)
    )


@pytest.mark.parametrize("chip", ["loihi1", "xylo"])
def test_every_small_integer_is_tried(chip: str) -> None:
    outcomes = set()
    for seed in range(60):
        spec = small_spec(seed, chip)
        problem, wanted = integer_problem(spec)
        found, possible = swept([problem], wanted), is_possible(spec)
        assert (found.neuron is not None, found.is_complete) == (possible, not possible), seed
        outcomes.add(possible)
        if found.neuron is not None:
            done = plain_spikes(spec, spec.patterns[0].inputs, found.neuron.mantissas.ravel(), found.neuron.threshold)
            assert (np.array(done) == spec.targets[:, 0])[spec.care[:, 0]].all()
    assert outcomes == {False, True}


@pytest.mark.parametrize("chip", ["loihi1", "xylo"])
def test_a_fit_is_exact_and_the_same_again(chip: str) -> None:
    spec = next(spec for seed in range(60) if is_possible(spec := small_spec(seed, chip)))
    problem, wanted = integer_problem(spec)
    one, other = (fitted([problem], wanted, work=1e7, seed=(0, 0)) for _ in range(2))
    assert one is not None
    assert other is not None
    assert (one.threshold, one.mantissas.tolist()) == (other.threshold, other.mantissas.tolist())
    done = plain_spikes(spec, spec.patterns[0].inputs, one.mantissas.ravel(), one.threshold)
    assert (np.array(done) == spec.targets[:, 0])[spec.care[:, 0]].all()


def test_starts_alone_are_fitted() -> None:
    spec = next(spec for seed in range(60) if is_possible(spec := small_spec(seed, "loihi1")))
    problem, wanted = integer_problem(spec)
    ones = np.ones_like(problem.ranges[0])
    found = fitted([], wanted, starts=[(problem, ones)], work=1e7, seed=(0, 0))
    assert found is not None
    done = plain_spikes(spec, spec.patterns[0].inputs, found.mantissas.ravel(), found.threshold)
    assert (np.array(done) == spec.targets[:, 0])[spec.care[:, 0]].all()


@pytest.mark.parametrize("seed", [3, 5, 6, 9])
def test_planted_integers_are_found_although_many_bins_do_not_count(seed: int) -> None:
    generator = np.random.default_rng(seed)
    raster, care = generator.random((200, 16)) < 0.3, generator.random((200, 1)) < 0.5
    blank = sp.Spec([sp.Pattern(raster, care)], dynamics=sp.Dynamics(1000, 4095))
    planted = np.array([plain_spikes(blank, raster, generator.integers(-255, 256, 16), 250)]).T
    targets = np.where(care, planted, generator.random((200, 1)) < 0.3)
    problem, wanted = integer_problem(sp.Spec([sp.Pattern(raster, targets, care)], dynamics=blank.dynamics))
    found = fitted([problem], wanted, work=3e7, seed=(0, 0))
    assert found is not None
    done = plain_spikes(blank, raster, found.mantissas.ravel(), found.threshold)
    assert (np.array(done) == targets[:, 0])[care[:, 0]].all()


def test_what_lives_off_truncation_is_found() -> None:
    only = pattern("1 1 . 1 1 . 1 . 1 1 1", ". . . . . 1 . 1 . 1 1")
    spec = sp.Spec([only], dynamics=sp.Dynamics(7, 3), chip="xylo")
    result = sp.compile(spec)
    (neuron,) = result.report.neurons
    weights = result.program.weight << result.program.exponent
    assert neuron.rounding == "fitted"
    assert plain_spikes(spec, only.inputs, weights, neuron.threshold) == only.targets[:, 0].tolist()


def test_silence_is_found_where_no_real_weights_were() -> None:
    patterns = [pattern(text, ". . . . .") for text in ("1 1 1 . .", ". . . . 1", "1 1 1 1 .")]
    for chip_decays in ((4095, 4095), (0, 0)):
        spec = sp.Spec(patterns, [2], dynamics=sp.Dynamics(*chip_decays), weight_bits=1)
        assert sp.verify(sp.compile(spec).program, spec).exact


def test_binary_weights_are_found_at_every_exponent() -> None:
    inputs = pattern("1 1 . 1 1 1 . 1 1", ". . . . . . . . .").inputs
    for exponent in range(8):
        blank = sp.Spec([sp.Pattern(inputs, inputs)], dynamics=sp.Dynamics(2048, 4095), weight_bits=1)
        targets = np.array([plain_spikes(blank, inputs, np.array([1 << exponent]), 1 << exponent)]).T
        threshold = 1 << exponent
        spec = sp.Spec([sp.Pattern(inputs, targets)], dynamics=blank.dynamics, weight_bits=1, threshold=threshold)
        assert sp.verify(sp.compile(spec).program, spec).exact


@pytest.mark.parametrize("seed", range(12))
def test_integers_of_a_xylo_neuron_are_found_again(seed: int) -> None:
    generator = np.random.default_rng(seed)
    inputs = generator.random((14, 3)) < 0.5
    dynamics = sp.Dynamics(int(generator.integers(1, 8)), int(generator.integers(1, 6)))
    blank = sp.Spec([sp.Pattern(inputs, inputs[:, :1])], dynamics=dynamics, chip="xylo")
    spikes = plain_spikes(blank, inputs, generator.integers(-3, 6, 3), int(generator.integers(2, 8)))
    spec = sp.Spec([sp.Pattern(inputs, np.array([spikes]).T)], dynamics=dynamics, chip="xylo")
    assert sp.verify(sp.compile(spec).program, spec).exact


def test_states_are_kept_within_their_registers() -> None:
    inputs = pattern(". 1 . . . . . . . .", ". . . . . . . . . .").inputs
    targets = np.zeros_like(inputs)
    targets[9] = True
    spec = sp.Spec([sp.Pattern(inputs, targets)], dynamics=sp.Dynamics(15, 1), chip="xylo", bias=100)
    result = sp.compile(spec)
    assert sp.verify(result.program, spec).exact
    assert result.report.neurons[0].excursion is None


def is_in_windows(done: Raster, spec: sp.Spec) -> bool:
    """Return whether the spikes that count match the target's in order, each within its window."""
    (only,), (before, after) = spec.patterns, spec.window
    due, found = (np.flatnonzero(each & only.care[:, 0]) for each in (only.targets[:, 0], done))
    return due.size == found.size and bool(((found >= due - before) & (found <= due + after)).all())


@pytest.mark.parametrize("chip", ["loihi1", "xylo"])
def test_every_small_integer_is_tried_in_windows(chip: str) -> None:
    outcomes, values = set(), range(-LIMIT, LIMIT + 1)
    for seed in range(40):
        spec = replace(small_spec(seed, chip), window=[(1, 1), (0, 2), (2, 0)][seed % 3])
        problem, wanted = integer_problem(spec)
        found = swept([problem], replace(wanted, window=spec.window))
        possible = any(
            is_in_windows(np.array(plain_spikes(spec, spec.inputs, np.array(weights), threshold)), spec)
            for weights in itertools.product(values, repeat=2)
            for threshold in range(1, GREATEST_THRESHOLD)
        )
        assert (found.neuron is not None, found.is_complete) == (possible, not possible), seed
        outcomes.add(possible)
        if found.neuron is not None:
            neuron = found.neuron
            done = plain_spikes(spec, spec.inputs, neuron.mantissas.ravel(), neuron.threshold)
            assert is_in_windows(np.array(done), spec), seed
    assert outcomes == {False, True}


def test_fits_that_start_from_real_weights_find_more() -> None:
    """Six weights and a threshold that live off truncation, so that the nearest integers are not exact."""
    counts = {"from nothing": 0, "from real weights": 0}
    for seed in range(8):
        inputs = np.random.default_rng(seed).random((80, 6)) < 0.4
        blank = sp.Spec([sp.Pattern(inputs, inputs[:, :1])], chip="xylo", dynamics=sp.Dynamics(2, 15))
        targets = np.array([plain_spikes(blank, inputs, np.array([9, -7, -5, -5, 5, 3]), 2)]).T
        problem, wanted = integer_problem(replace(blank, patterns=(sp.Pattern(inputs, targets),)))
        near = problem.rounded(ideal(problem.problem))
        for name, starts in zip(counts, ([], [(problem, near)]), strict=True):
            neuron = fitted([problem], wanted, starts=starts, work=1e6, seed=(0, 0))
            counts[name] += neuron is not None
            if neuron is not None:
                done = plain_spikes(blank, inputs, neuron.mantissas.ravel(), neuron.threshold)
                assert done == targets[:, 0].tolist()
    assert counts["from real weights"] >= 2 * counts["from nothing"] > 0


@pytest.mark.parametrize("weights", [[0, 3, 0, 0, 1, 0], [0, 5, 0, 0, 3, 0], [0, 9, 0, 0, -6, 0]])
def test_no_more_synapses_are_found_than_are_allowed(weights: list[int]) -> None:
    inputs = np.random.default_rng(sum(weights)).random((30, 6)) < 0.4
    blank = sp.Spec([sp.Pattern(inputs, np.zeros((30, 1), np.bool_))], chip="xylo", dynamics=sp.Dynamics(2, 1))
    targets = np.array([plain_spikes(blank, inputs, np.array(weights), 5)]).T
    spec = replace(blank, patterns=(sp.Pattern(inputs, targets),), fan_in=2)
    neuron = fit_outputs(Task.of(spec), [0])[0]
    assert np.count_nonzero(neuron.weights) <= 2
    done = plain_spikes(spec, inputs, neuron.weights.ravel().astype(np.int64), int(neuron.threshold))
    assert (np.array(done) == targets[:, 0]).all()


def test_fits_start_from_weights_that_count_truncation_in() -> None:
    weights = np.array([3, -1, 3, 1, -1, 2, 1, -3])
    found = {"with roundings": 0, "without": 0}
    for seed in (3, 4):
        inputs = np.random.default_rng(seed).random((150, weights.size)) < 0.4
        blank = sp.Spec([sp.Pattern(inputs, inputs[:, :1])], chip="xylo", dynamics=sp.Dynamics(3, 3))
        targets = np.array([plain_spikes(blank, inputs, weights, 29)]).T
        spec = replace(blank, patterns=(sp.Pattern(inputs, targets),))
        problem, wanted = integer_problem(spec)
        assert ideal(problem.problem).margin < ROUNDING_PROOF, "the test is about weights that decays truncate"
        reals = reals_with_roundings(Task.of(spec), 0)
        assert (reals[:, -2] <= np.array(THRESHOLDS) + 1e-6).all()
        for name, some in zip(found, (reals, reals[:0]), strict=True):
            starts = starts_of([problem], some, None)
            neuron = fitted([problem], wanted, starts=starts, work=6e7, seed=(1, 0))
            found[name] += neuron is not None
            if neuron is not None:
                assert plain_spikes(spec, inputs, neuron.mantissas.ravel(), neuron.threshold) == targets[:, 0].tolist()
    assert found["with roundings"] > found["without"]


def test_weights_that_survive_rounding_are_no_start_with_roundings() -> None:
    task = Task.of(sp.Spec([pattern("1 . 1", ". 1 .")], chip="xylo", dynamics=sp.Dynamics(0, 0)))
    assert len(reals_with_roundings(task, 0)) == 0
