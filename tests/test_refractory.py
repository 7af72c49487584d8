"""Refractory periods in simulators, in the linear map and in files, compared with plain integers and fractions."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import exact_arrivals, exact_potential, plain_run, random_raster, single_neuron, states_of, with_wishes
from hypothesis import given, settings
from hypothesis import strategies as st
from verdict_specs import tiny_spec

import snnprog as sp
from snnprog.archive import write_archive
from snnprog.chips.loihi1 import LOIHI1
from snnprog.conformance import random_trial
from snnprog.design.margins.sweep import Sweeper
from snnprog.design.rasters.running import closed_loop
from snnprog.integers.machine import Machine
from snnprog.potential import PotentialMap
from snnprog.rules.linear import LinearRule
from snnprog.simulate import kernel, reference
from snnprog.simulate.neuron import NeuronSimulator

PERIODS = (1, 2, 3, 7, 63)
DECAYS = (sp.Dynamics(205, 4095), sp.Dynamics(0, 4095), sp.Dynamics(400, 1500), sp.Dynamics(4095, 0))


def neuron(refractory: int, **given: Any) -> sp.Program:
    """Return one neuron that every input spike makes fire if it may."""
    return single_neuron(**{"weight": 100, "potential_decay": 0, "refractory": refractory} | given)


# ------------------------------------------------------------------------------------------------------- simulators


@pytest.mark.parametrize("period", PERIODS)
def test_a_neuron_rests_for_its_period(period: int) -> None:
    """A spike at tick t is followed by the next at t + r where every tick would give one, with a current or a bias."""
    always = np.ones((200, 1), dtype=bool)
    for program in (neuron(period), neuron(period, current_decay=[0]), neuron(period, weight=[0], bias=[6400])):
        (trace,) = reference.simulate(program, [always], state=True)
        ticks = np.flatnonzero(trace.spikes[:, 0])
        assert set(np.diff(ticks).tolist()) == {period}
        assert trace.potentials is not None
        assert not trace.potentials.any()


def test_what_arrives_meanwhile_is_lost_but_for_its_current() -> None:
    inputs = np.zeros((12, 1), dtype=bool)
    inputs[[0, 2]] = True
    forgets = reference.simulate(neuron(4), [inputs], state=True)[0]
    keeps = reference.simulate(neuron(4, current_decay=[999]), [inputs], state=True)[0]
    assert np.flatnonzero(forgets.spikes[:, 0]).tolist() == [1]
    assert forgets.potentials is not None
    assert not forgets.potentials.any()
    assert np.flatnonzero(keeps.spikes[:, 0]).tolist()[:2] == [1, 5]


@pytest.mark.parametrize("seed", range(1, 40, 2))
def test_simulators_agree_with_plain_integers(seed: int) -> None:
    trial = random_trial(seed)
    assert trial.program.has_refractory == bool((trial.program.refractory > 1).any())
    every = replace(trial.program, outputs=np.arange(trial.program.n_neurons))
    for simulate in (reference.simulate, kernel.simulate):
        for raster, trace in zip(trial.inputs, simulate(every, trial.inputs, state=True), strict=True):
            plain = plain_run(every, raster)
            assert trace.spikes.tolist() == plain.spikes
            assert trace.currents is not None
            assert trace.potentials is not None
            assert trace.currents.tolist() == plain.currents
            assert trace.potentials.tolist() == plain.potentials


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 63))
def test_excursions_are_the_same_in_both(seed: int, period: int) -> None:
    """While a neuron is refractory, its potential leaves no range, whatever its current does."""
    generator = np.random.default_rng(seed)
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=2,
        n_neurons=3,
        outputs=[2, 0],
        pre=[0, 1, 2, 3, 4],
        post=[0, 1, 2, 0, 1],
        delay=generator.integers(1, 4, 5),
        weight=generator.integers(0, 256, 5),
        exponent=7,
        threshold=1000,
        current_decay=generator.choice([0, 3, 4095], 3),
        potential_decay=generator.choice([0, 9], 3),
        bias=[0, 4095 << 7, -4095 << 7],
        refractory=[period, 1, 63],
    )
    inputs = [generator.random((ticks, 2)) < 0.7 for ticks in (70, 1, 30)]
    one, other = (simulate(program, inputs, state=True) for simulate in (reference.simulate, kernel.simulate))
    for a, b in zip(one, other, strict=True):
        assert np.array_equal(a.spikes, b.spikes)
        assert np.array_equal(states_of(a)[1], states_of(b)[1])
        assert a.excursions == b.excursions


# -------------------------------------------------------------------------------------------------- the linear map


def linear_of(dynamics: sp.Dynamics, period: int) -> LinearRule:
    return LOIHI1.linear_rule(dynamics.current_decay, dynamics.potential_decay, period)


@pytest.mark.parametrize("dynamics", DECAYS, ids=str)
@pytest.mark.parametrize("period", [2, 3, 7])
def test_the_map_agrees_with_fractions(period: int, dynamics: sp.Dynamics) -> None:
    generator = np.random.default_rng(period)
    rasters, delays = [random_raster(5, 30, 3, 0.3), random_raster(6, 9, 3, 0.5)], [1, 3]
    spikes = random_raster(7, 39, 1, 0.2)[:, 0]
    mapping = PotentialMap(rasters, delays, linear_of(dynamics, period))
    weights, resets = generator.integers(-50, 60, 6).astype(float), mapping.resets(spikes)
    exact, biases = [], []
    alpha, gamma = mapping.linear.current, mapping.linear.potential
    for raster, own in zip(rasters, (spikes[:30], spikes[30:]), strict=True):
        arrivals = exact_arrivals(raster, delays, [[int(value) for value in row] for row in weights.reshape(2, 3)])
        exact += exact_potential(arrivals, own.tolist(), alpha, gamma, refractory=period)
        biases += exact_potential([Fraction(0)] * len(raster), own.tolist(), alpha, gamma, Fraction(1), period)
    potential = mapping.potential(weights, resets)
    assert potential == pytest.approx([float(value) for value in exact], abs=1e-9)
    assert mapping.bias_response(resets) == pytest.approx([float(value) for value in biases], abs=1e-9)
    rows, prices = mapping.rows(resets, np.arange(39)), generator.random(39)
    assert rows @ weights == pytest.approx(potential, abs=1e-6)
    assert mapping.adjoint(prices, resets) == pytest.approx(prices @ rows, abs=1e-6)
    assert mapping.norms(resets) == pytest.approx(rows.sum(axis=1), abs=1e-6)
    assert not rows[resets.is_held].any()
    assert not mapping.truncation(resets, spikes, biased=True)[resets.is_held].any()
    free = ~resets.is_held
    assert Sweeper(mapping, spikes).potential(weights)[free] == pytest.approx(potential[free], abs=1e-9)
    asked = np.where(free, prices, 0.0)
    sweeper = Sweeper(mapping, spikes)
    assert sweeper.adjoint(asked) == pytest.approx(asked @ rows, abs=1e-6)
    matrix = np.zeros((np.count_nonzero(free), 6))
    sweeper.rows(np.ones(39), np.flatnonzero(free), matrix)
    assert matrix == pytest.approx(rows[free], abs=1e-5)
    assert sweeper.squares[0][free] == pytest.approx((rows[free] ** 2).sum(axis=1), rel=1e-5, abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_truncation_stays_in_its_bound(seed: int, period: int) -> None:
    """What integers do, with the resets they make, differs from the map by no more than it says."""
    generator = np.random.default_rng(seed)
    dynamics = sp.Dynamics(int(generator.integers(0, 4096)), int(generator.integers(0, 4096)))
    mapping = PotentialMap([generator.random((60, 2)) < 0.4], [1, 2], linear_of(dynamics, period))
    weights = generator.integers(-200, 256, 4)
    run = NeuronSimulator(LOIHI1.rule, mapping).run(weights, int(generator.integers(1, 300)), bias=64)
    resets = mapping.resets(run.spikes)
    ideal = mapping.potential(weights.astype(float), resets) + mapping.bias_response(resets)
    assert (np.abs(run.potentials / 64 - ideal) <= mapping.truncation(resets, run.spikes, biased=True) + 1e-6).all()
    assert (run.potentials[resets.is_held] == 0).all()
    course = Machine(LOIHI1, mapping, run.spikes).run(weights, bias=64)
    assert np.array_equal(course.potential, run.potentials)


def test_a_closed_loop_of_real_weights_rests_too() -> None:
    """Whole weights without a leak: floats are exact, so the loop does what integers do."""
    dynamics = sp.Dynamics(0, 4095)
    spec = sp.Spec([sp.Pattern(random_raster(3, 80, 2, 0.4), np.zeros((80, 2), dtype=bool))], dynamics=dynamics)
    for period in (1, 2, 5):
        program = sp.Program.from_arrays(
            chip="loihi1",
            n_inputs=2,
            n_neurons=2,
            pre=[0, 1, 2, 3],
            post=[0, 1, 1, 0],
            weight=[60, 70, 40, -30],
            threshold=50,
            potential_decay=0,
            refractory=period,
        )
        lines = np.zeros((80, 4), dtype=bool)
        mapping = PotentialMap([lines], [1], linear_of(dynamics, period))
        weights = np.array([[60.0, 0, 0, -30], [0, 70, 40, 0]])
        inputs = spec.patterns[0].inputs
        done = closed_loop(mapping, inputs, weights=weights, thresholds=np.array([50.0, 50.0]), biases=np.zeros(2))
        assert done.tolist() == plain_run(program, inputs).spikes


# ------------------------------------------------------------------------------------------------ files and limits


def test_a_file_with_periods_says_what_they_mean(tmp_path: Path) -> None:
    program = neuron(5)
    program.save(tmp_path / "p.snnp")
    again = sp.load(tmp_path / "p.snnp")
    assert again.refractory.tolist() == [5]
    again.save(tmp_path / "q.snnp")
    assert (tmp_path / "p.snnp").read_bytes() == (tmp_path / "q.snnp").read_bytes()


BAD_FILES: dict[str, tuple[dict[str, Any], dict[str, list[int]], str]] = {
    "no array": ({}, {}, "has no array 'refractory'; it has"),
    "too short": ({}, {"refractory": []}, "refractory must have 1 entries, one for each neuron, got 0"),
    "too long a period": ({}, {"refractory": [64]}, r"refractory\[0\] must be 1 to 63, got 64"),
    "no meaning": (
        {"refractory": None},
        {"refractory": [3]},
        "says None about refractory periods; in format version 2",
    ),
    "an older version": ({"format_version": 1}, {"refractory": [3]}, "in format version 1 that is None"),
}


@pytest.mark.parametrize(("changes", "array", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_does_not_say_what_it_means_is_refused(
    tmp_path: Path, changes: dict[str, Any], array: dict[str, list[int]], message: str
) -> None:
    path = tmp_path / "p.snnp"
    neuron(5).save(path)
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    document = json.loads(members.pop("program.json"))
    arrays = {name[:-4]: np.load(io.BytesIO(content)) for name, content in members.items()}
    del arrays["refractory"]
    arrays |= {name: np.array(values, dtype="<i4") for name, values in array.items()}
    write_archive(path, arrays, texts={"program.json": json.dumps(document | changes)})
    with pytest.raises(sp.FormatError, match=message):
        sp.load(path)


def test_a_spec_file_has_the_key(tmp_path: Path) -> None:
    np.savez(tmp_path / "r.npz", x=np.ones((4, 1), dtype=bool), y=np.zeros((4, 1), dtype=bool))
    (tmp_path / "s.toml").write_text('refractory = 7\n[[patterns]]\ninputs = "r.npz:x"\ntargets = "r.npz:y"\n')
    assert sp.load_spec(tmp_path / "s.toml").refractory == 7


@pytest.mark.parametrize(
    ("chip", "period", "allowed"), [("loihi1", 64, "1 to 63"), ("loihi2", 0, "1 to 63"), ("xylo", 2, "1")]
)
def test_a_chip_has_its_range(chip: str, period: int, allowed: str) -> None:
    pattern = sp.Pattern(np.zeros((3, 1), dtype=bool), np.zeros((3, 1), dtype=bool))
    with pytest.raises(sp.LimitError, match=rf"refractory must be {allowed} on {chip}, got {period}") as caught:
        sp.Spec([pattern], chip=chip, refractory=period)
    assert caught.value.found == period
    with pytest.raises(sp.LimitError, match=rf"refractory\[0\] must be {allowed}, got {period}"):
        neuron(period, chip=chip, potential_decay=1, current_decay=1)


def test_a_spec_without_periods_keeps_its_digest() -> None:
    spec = tiny_spec(1)
    assert with_wishes(spec, refractory=1).digest() == spec.digest()
    assert with_wishes(spec, refractory=2).digest() != spec.digest()
    with pytest.raises(sp.SpecError, match=r"refractory must be an integer, got 1\.5"):
        with_wishes(spec, refractory=1.5)


def test_distinct_periods_are_distinct_profiles() -> None:
    """33 neurons that differ in their periods alone need two cores: one holds 32 profiles."""
    count = 33
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=1,
        n_neurons=count,
        outputs=[0],
        pre=[0] * count,
        post=np.arange(count),
        weight=1,
        threshold=9,
        potential_decay=0,
        refractory=1 + np.arange(count),
    )
    assert sp.place(program).cores == 2
    assert sp.place(replace(program, refractory=np.ones(count, dtype=int))).cores == 1
