"""Xylo's compiled loops are its reference: spikes, states and what was clipped, whatever the program does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cases import states_of

import snnprog as sp
from snnprog.backends import KERNEL, REFERENCE, built_in, run_backend
from snnprog.conformance import random_trial
from snnprog.simulate import event_kernel, kernel, simulate

pytestmark = pytest.mark.filterwarnings("ignore::snnprog.errors.PortabilityWarning")


def assert_equal(ours: sp.Trace, theirs: sp.Trace) -> None:
    assert np.array_equal(ours.spikes, theirs.spikes)
    for one, other in zip(states_of(ours), states_of(theirs), strict=True):
        assert np.array_equal(one, other)
    assert ours.excursions == theirs.excursions


@pytest.mark.parametrize("seed", range(40))
def test_the_kernel_is_the_reference(seed: int) -> None:
    trial = random_trial(seed, "xylo")
    inputs = [raster[:80] for raster in trial.inputs]
    answers = zip(
        kernel.simulate(trial.program, inputs, state=True), simulate(trial.program, inputs, state=True), strict=True
    )
    for ours, theirs in answers:
        assert_equal(ours, theirs)


def test_some_of_these_programs_clip_and_some_spike_often() -> None:
    traces = [kernel.simulate(trial.program, trial.inputs)[0] for trial in (random_trial(s, "xylo") for s in range(40))]
    assert 5 < sum(trace.excursion is not None for trace in traces) < 38
    assert sum(bool(trace.spikes.any()) for trace in traces) > 20


def test_threads_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = random_trial(3, "xylo")
    patterns = [raster[:50] for raster in trial.inputs * 4]
    alone = kernel.simulate(trial.program, patterns, state=True)
    monkeypatch.setattr(event_kernel, "THREAD_WORK", 1)
    for ours, theirs in zip(kernel.simulate(trial.program, patterns, state=True), alone, strict=True):
        assert_equal(ours, theirs)


def test_nothing_in_gives_nothing_out() -> None:
    program = random_trial(3, "xylo").program
    assert kernel.simulate(program, []) == []
    (trace,) = kernel.simulate(program, [np.zeros((0, program.n_inputs), dtype=bool)], state=True)
    assert trace.spikes.shape == (0, program.n_outputs)
    assert trace.currents is not None
    assert trace.currents.shape == (0, program.n_neurons)


def test_the_kernel_runs_xylo_by_default() -> None:
    trial = random_trial(5, "xylo")
    assert built_in(trial.program) == KERNEL
    assert "numba" in run_backend(trial.program, trial.inputs).versions
    assert "numba" not in run_backend(trial.program, trial.inputs, REFERENCE).versions


def test_a_synapse_order_that_is_not_sorted_changes_nothing() -> None:
    """Lines act in order, however the program's synapses are listed."""
    trial = random_trial(1, "xylo")
    order = np.random.default_rng(0).permutation(trial.program.n_synapses)
    names = ("pre", "post", "delay", "weight", "exponent", "sign_mode")
    shuffled = replace(trial.program, **{name: getattr(trial.program, name)[order] for name in names})
    inputs = [raster[:60] for raster in trial.inputs]
    for ours, theirs in zip(
        kernel.simulate(shuffled, inputs, state=True), kernel.simulate(trial.program, inputs, state=True), strict=True
    ):
        assert_equal(ours, theirs)
