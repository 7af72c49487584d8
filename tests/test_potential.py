"""The linear map against exact fractions, and its bound on what truncation does against plain integers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from cases import PlainNeuron, exact_arrivals, exact_potential
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from snnprog.arrays import Raster
from snnprog.chips import CHIPS
from snnprog.potential import NO_RESET, RESIDUE, PotentialMap, Tape
from snnprog.rules.linear import LinearRule
from snnprog.spec import Dynamics

DECAYS = st.sampled_from([0, 1, 205, 1500, 4094, 4095]) | st.integers(0, 4095)


def linear_of(dynamics: Dynamics) -> LinearRule:
    return CHIPS["loihi1"].linear_rule(dynamics.current_decay, dynamics.potential_decay)


@dataclass
class Problem:
    """A few patterns, what a neuron that sees them does, and its dynamics."""

    rasters: list[Raster]
    spikes: list[list[bool]]
    delays: list[int]
    dynamics: Dynamics

    @property
    def linear(self) -> LinearRule:
        return linear_of(self.dynamics)

    @property
    def exact_leaks(self) -> tuple[Fraction, Fraction]:
        return Fraction(4095 - self.dynamics.current_decay, 4096), Fraction(4096 - self.dynamics.potential_decay, 4096)

    @property
    def mapping(self) -> PotentialMap:
        return PotentialMap(self.rasters, self.delays, self.linear)

    @property
    def raster(self) -> Raster:
        return np.array([spike for pattern in self.spikes for spike in pattern])

    def exact(self, weights: NDArray[np.generic], bias: Fraction = Fraction(0)) -> list[Fraction]:
        """Return the potential at all ticks, pattern by pattern from rest."""
        rows = [[Fraction(weight) for weight in row] for row in weights.tolist()]
        return [
            value
            for raster, spikes in zip(self.rasters, self.spikes, strict=True)
            for value in exact_potential(exact_arrivals(raster, self.delays, rows), spikes, *self.exact_leaks, bias)
        ]


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lengths = draw(st.lists(st.integers(1, 14), min_size=1, max_size=3))
    lines = draw(st.integers(1, 3))
    rates = draw(st.sampled_from([0.1, 0.3, 0.9])), draw(st.sampled_from([0.0, 0.2, 0.6]))
    return Problem(
        rasters=[generator.random((ticks, lines)) < rates[0] for ticks in lengths],
        spikes=[(generator.random(ticks) < rates[1]).tolist() for ticks in lengths],
        delays=draw(st.lists(st.sampled_from([1, 2, 3, 5, 9, 63]), min_size=1, max_size=3, unique=True).map(sorted)),
        dynamics=Dynamics(draw(DECAYS), draw(DECAYS)),
    )


def as_floats(values: list[Fraction]) -> NDArray[np.float64]:
    return np.array([float(value) for value in values])


@given(problems(), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=100)
def test_rows_and_products_are_the_potential(problem: Problem, seed: int) -> None:
    mapping, resets = problem.mapping, problem.mapping.resets(problem.raster)
    shape = len(problem.delays), problem.rasters[0].shape[1]
    rows = mapping.rows(resets, np.arange(mapping.tape.ticks))
    assert ((rows == 0) | (rows >= RESIDUE)).all()
    assert rows.shape == (mapping.tape.ticks, mapping.n_taps) == (len(problem.raster), shape[0] * shape[1])
    for tap in range(mapping.n_taps):
        unit = np.zeros(mapping.n_taps, dtype=int)
        unit[tap] = 1
        assert np.allclose(rows[:, tap], as_floats(problem.exact(unit.reshape(shape))), rtol=1e-9, atol=2e-9)
    weights = np.random.default_rng(seed).integers(-255, 256, shape)
    expected = as_floats(problem.exact(weights))
    scale = 1e-9 * (1 + np.abs(expected).max() + rows.sum(axis=1).max() * 255)
    product = mapping.potential(weights.ravel().astype(float), resets)
    assert np.allclose(product, expected, rtol=0, atol=scale)
    assert np.allclose(rows @ weights.ravel(), product, rtol=0, atol=scale)
    some = np.random.default_rng(seed).permutation(mapping.tape.ticks)[:3]
    assert np.array_equal(mapping.rows(resets, some), rows[some])


@given(problems())
@settings(deadline=None, max_examples=100)
def test_norms_arrivals_currents_and_bias(problem: Problem) -> None:
    mapping, resets = problem.mapping, problem.mapping.resets(problem.raster)
    shape = len(problem.delays), problem.rasters[0].shape[1]
    ones = np.ones(shape, dtype=int)
    norms = as_floats(problem.exact(ones))
    assert np.allclose(mapping.norms(resets), norms, rtol=1e-9, atol=2e-9)
    assert np.allclose(mapping.bias_response(resets), as_floats(problem.exact(0 * ones, Fraction(1))), rtol=1e-9)
    rows = [[1] * shape[1]] * shape[0]
    arrivals = [exact_arrivals(raster, problem.delays, rows) for raster in problem.rasters]
    assert mapping.arrivals(np.ones(mapping.n_taps)).tolist() == [float(value) for part in arrivals for value in part]
    alpha, _ = problem.exact_leaks
    currents = [exact_potential(part, [False] * len(part), Fraction(0), alpha) for part in arrivals]
    expected = as_floats([value for part in currents for value in part])
    assert np.allclose(mapping.current(np.ones(mapping.n_taps)), expected, rtol=1e-9)


@given(problems(), st.integers(0, 2**32 - 1), st.sampled_from([0, 0, 5, -320, 65520]), st.sampled_from([1, 3, 60, 255]))
@settings(deadline=None, max_examples=200)
def test_truncation_moves_the_potential_no_more_than_its_bound(
    problem: Problem, seed: int, bias: int, largest: int
) -> None:
    """Integers with resets where the raster says differ from the exact potential by at most ρ at every tick."""
    mapping, resets = problem.mapping, problem.mapping.resets(problem.raster)
    weights = np.random.default_rng(seed).integers(-largest, largest + 1, (len(problem.delays), mapping.n_lines))
    exact = problem.exact(weights, Fraction(bias, 64))
    integers = [
        value for index in range(len(problem.rasters)) for value in chip_potential(problem, index, weights, bias)
    ]
    bound = mapping.truncation(resets, problem.raster, biased=bias != 0)
    for tick, (ideal, found) in enumerate(zip(exact, integers, strict=True)):
        assert abs(float(ideal - Fraction(found, 64))) <= bound[tick] + 1e-9, tick
    assert (bound >= 0).all()


def chip_potential(problem: Problem, index: int, weights: NDArray[np.int64], bias: int) -> list[int]:
    """Return v before each reset in chip units, reset where the raster says and not where a threshold would."""
    neuron = PlainNeuron(problem.dynamics.current_decay, problem.dynamics.potential_decay, bias)
    potentials = []
    arrivals = exact_arrivals(problem.rasters[index], problem.delays, weights.tolist())
    for arriving, spike in zip(arrivals, problem.spikes[index], strict=True):
        neuron.integrate(64 * int(arriving))
        assert neuron.unclipped == neuron.v
        potentials.append(neuron.v)
        neuron.v = 0 if spike else neuron.v
    return potentials


def test_the_truncation_bound_is_not_idle() -> None:
    """It is zero where nothing can be lost, and within a small factor of what a slow decay really loses."""
    raster = np.zeros((60, 1), dtype=bool)
    raster[0] = True
    silent = [[False] * 60]
    slow = Problem([raster], silent, [1], Dynamics(potential_decay=3, current_decay=4095))
    bound = slow.mapping.truncation(slow.mapping.resets(slow.raster), slow.raster, biased=False)
    lost = [
        float(ideal) - found / 64
        for ideal, found in zip(slow.exact(np.array([[1]])), chip_potential(slow, 0, np.array([[1]]), 0), strict=True)
    ]
    assert bound[:2].tolist() == [0.0, 0.0]
    assert 0.5 * bound[-1] < lost[-1] <= bound[-1]
    exact = Problem([raster], silent, [1], Dynamics(potential_decay=0, current_decay=4095))
    assert not exact.mapping.truncation(exact.mapping.resets(exact.raster), exact.raster, biased=True).any()


# ------------------------------------------------------------------------------------------------------------- tape


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 70))
@settings(deadline=None)
def test_a_tape_finds_its_ticks_again(lengths: list[int], padding: int) -> None:
    tape = Tape(tuple(lengths), padding)
    places = [(pattern, tick) for pattern, length in enumerate(lengths) for tick in range(length)]
    assert [tape.where(tick) for tick in range(tape.ticks)] == places
    values = np.arange(1.0, tape.ticks + 1)
    padded = tape.padded(values)
    assert padded.shape == (tape.rows,)
    assert padded[tape.row].tolist() == values.tolist()
    assert np.count_nonzero(padded) == tape.ticks
    for first in tape.starts:
        row = tape.row[first]
        assert row >= padding
        assert not padded[row - padding : row].any()


def test_last_spikes_stay_inside_their_pattern() -> None:
    tape = Tape((3, 1, 4), 2)
    spikes = np.array([0, 1, 1, 1, 0, 1, 0, 0], dtype=bool)
    assert tape.last_spikes(spikes).tolist() == [NO_RESET, NO_RESET, 1, NO_RESET, NO_RESET, NO_RESET, 5, 5]


@given(problems(), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_a_pattern_does_not_feel_the_one_before(problem: Problem, seed: int) -> None:
    weights = np.random.default_rng(seed).normal(size=problem.mapping.n_taps)
    together = problem.mapping
    resets = together.resets(problem.raster)
    start = 0
    for raster, spikes in zip(problem.rasters, problem.spikes, strict=True):
        alone = Problem([raster], [spikes], problem.delays, problem.dynamics)
        own, part = alone.mapping.resets(alone.raster), slice(start, start + len(raster))
        start += len(raster)
        ticks = np.arange(part.start, part.stop)
        assert np.array_equal(together.rows(resets, ticks), alone.mapping.rows(own, ticks - part.start))
        assert np.array_equal(together.bias_response(resets)[part], alone.mapping.bias_response(own))
        assert np.array_equal(
            together.truncation(resets, problem.raster, biased=False)[part],
            alone.mapping.truncation(own, alone.raster, biased=False),
        )
        assert np.allclose(together.potential(weights, resets)[part], alone.mapping.potential(weights, own), atol=1e-12)
        assert np.allclose(together.norms(resets)[part], alone.mapping.norms(own), atol=1e-12)


@pytest.mark.parametrize(("current", "potential"), [(0, 0), (1000, 205), (4095, 4095)])
def test_losses_are_those_of_the_fractions(current: int, potential: int) -> None:
    linear = linear_of(Dynamics(potential, current))
    expected = [
        Fraction(leak.denominator - 1, leak.denominator) / 64
        for leak in (Fraction(4095 - current, 4096), Fraction(4096 - potential, 4096))
    ]
    assert linear.losses == tuple(float(loss) for loss in expected)


@pytest.mark.parametrize("decays", [(4095, 205), (1500, 205), (100, 0), (4095, 4095)])
def test_adjoint_and_field_are_those_of_the_rows(decays: tuple[int, int]) -> None:
    generator = np.random.default_rng(sum(decays))
    linear = linear_of(Dynamics(potential_decay=decays[1], current_decay=decays[0]))
    lengths = (30, 1, 50)
    mapping = PotentialMap([generator.random((ticks, 4)) < 0.2 for ticks in lengths], [1, 3, 8], linear)
    resets = mapping.resets(generator.random(sum(lengths)) < 0.1)
    prices = generator.normal(size=sum(lengths))
    rows = mapping.rows(resets, np.arange(sum(lengths)))
    np.testing.assert_allclose(mapping.adjoint(prices, resets), rows.T @ prices, rtol=1e-6, atol=1e-6)
    events, taps = mapping.arrival_events
    field = mapping.field(prices, resets)
    gathered = np.zeros(mapping.n_taps)
    np.add.at(gathered, taps, np.repeat(field, np.diff(events)))
    np.testing.assert_allclose(gathered, rows.T @ prices, rtol=1e-6, atol=1e-6)
