"""The compiled passes against the rows of the map, written out."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest

from snnprog.arrays import Raster
from snnprog.design.margins.sweep import Sweeper
from snnprog.potential import PotentialMap
from snnprog.rules.linear import LinearRule

DECAYS = [(4095, 205), (2000, 205), (100, 4000), (4095, 0), (0, 0), (4000, 4095), (4095, 4095), (0, 4095)]
LENGTHS = (40, 7, 300)


def make(
    current_decay: int, potential_decay: int, delays: Sequence[int] = (1, 3, 8)
) -> tuple[PotentialMap, Sweeper, Raster, np.random.Generator]:
    generator = np.random.default_rng(current_decay + potential_decay)
    current, potential = Fraction(4095 - current_decay, 4096), Fraction(4096 - potential_decay, 4096)
    linear = LinearRule(current=current, potential=potential, gain=Fraction(1), unit=64)
    mapping = PotentialMap([generator.random((ticks, 5)) < 0.1 for ticks in LENGTHS], delays, linear)
    raster = generator.random(sum(LENGTHS)) < 0.08
    return mapping, Sweeper(mapping, raster), raster, generator


@pytest.mark.parametrize(("current_decay", "potential_decay"), DECAYS)
@pytest.mark.parametrize("delays", [(1, 3, 8), range(2, 7), range(1, 18)], ids=["apart", "some", "many"])
def test_squares_and_products_are_those_of_the_rows(
    current_decay: int, potential_decay: int, delays: Sequence[int]
) -> None:
    """Consecutive delays have passes of their own: some for the adjoint, many for the potential, too."""
    mapping, sweeper, raster, generator = make(current_decay, potential_decay, delays)
    features = mapping.rows(mapping.resets(raster), np.arange(sum(LENGTHS)))
    prices = generator.normal(size=sum(LENGTHS))
    np.testing.assert_allclose(sweeper.squares[0], (features**2).sum(axis=1), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(sweeper.adjoint(prices), features.T @ prices, rtol=1e-7, atol=1e-6)
    weights = generator.normal(size=mapping.n_taps)
    np.testing.assert_allclose(sweeper.potential(weights), features @ weights, rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize(("current_decay", "potential_decay"), DECAYS)
def test_a_pass_meets_rows_as_written_out(current_decay: int, potential_decay: int) -> None:
    mapping, sweeper, raster, _ = make(current_decay, potential_decay)
    resets = mapping.resets(raster)
    features = mapping.rows(resets, np.arange(sum(LENGTHS)))
    beta = mapping.bias_response(resets)
    factor = np.where(raster, 1.0, -1.0) / (1.0 + mapping.norms(resets))
    factor[::7] = 0.0
    stiffness = np.array([40.0, 25.0])
    unknowns = sweeper.start()
    weights, offsets = np.zeros(mapping.n_taps), np.zeros(2)
    for _ in range(3):
        worst = sweeper.meet(np.stack([factor, beta]), stiffness, unknowns=unknowns)
        fell_short = 0.0
        for k in np.flatnonzero(factor):
            short = 1.0 - factor[k] * (features[k] @ weights + offsets[1] * beta[k] - offsets[0])
            if short > 0.0:
                fell_short = max(fell_short, short)
                square = features[k] @ features[k] + stiffness[0] + stiffness[1] * beta[k] ** 2
                change = short / (factor[k] * square)
                weights += change * features[k]
                offsets += change * stiffness * [-1.0, beta[k]]
        assert worst == pytest.approx(fell_short, rel=1e-6)
    size = np.abs(weights).max()
    np.testing.assert_allclose(unknowns.weights, weights, rtol=0.0, atol=1e-6 * size)
    np.testing.assert_allclose(unknowns.offsets, offsets, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(features.T @ (unknowns.prices * factor), weights, rtol=0.0, atol=1e-6 * size)


def test_equal_leaks_are_kept_apart() -> None:
    mapping, sweeper, raster, _ = make(204, 205)
    features = mapping.rows(mapping.resets(raster), np.arange(sum(LENGTHS)))
    np.testing.assert_allclose(sweeper.squares[0], (features**2).sum(axis=1), rtol=1e-3)
