"""The metric of Victor and Purpura against all ways of matching spikes, and as a metric."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import snnprog as sp

TICKS = 12
trains = st.lists(st.booleans(), min_size=0, max_size=TICKS).map(lambda bins: np.array(bins, dtype=bool))
short_trains = st.sets(st.integers(0, 30), max_size=4).map(lambda ticks: np.isin(np.arange(31), sorted(ticks)))
costs = st.sampled_from([0.0, 0.05, 0.1, 0.3, 1.0, 1.9, 2.0, 5.0, float("inf")])


def cheapest_matching(first: NDArray[np.bool_], second: NDArray[np.bool_], cost: float) -> float:
    """Return the least cost over all ways of moving some spikes onto others, in any order, and renewing the rest."""
    ours, theirs = np.flatnonzero(first).tolist(), np.flatnonzero(second).tolist()
    prices: list[float] = []
    for moved in range(min(len(ours), len(theirs)) + 1):
        for some in itertools.combinations(ours, moved):
            for places in itertools.permutations(theirs, moved):
                moves = sum(cost * abs(here - there) for here, there in zip(some, places, strict=True) if here != there)
                prices.append(len(ours) + len(theirs) - 2 * moved + moves)
    return min(prices)


@settings(deadline=None)
@given(short_trains, short_trains, costs)
def test_no_matching_is_cheaper(first: NDArray[np.bool_], second: NDArray[np.bool_], cost: float) -> None:
    distance = sp.victor_purpura(first, second, cost_per_tick=cost)
    assert distance == pytest.approx(cheapest_matching(first, second, cost), abs=1e-12)


@settings(deadline=None)
@given(trains, trains, trains, costs)
def test_it_is_a_metric(
    first: NDArray[np.bool_], second: NDArray[np.bool_], third: NDArray[np.bool_], cost: float
) -> None:
    def distance(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
        return sp.victor_purpura(one, other, cost_per_tick=cost)

    assert distance(first, first) == 0.0
    assert distance(first, second) == pytest.approx(distance(second, first), abs=1e-12)
    assert distance(first, third) <= distance(first, second) + distance(second, third) + 1e-12
    if cost > 0.0 and np.flatnonzero(first).tolist() != np.flatnonzero(second).tolist():
        assert distance(first, second) > 0.0


@settings(deadline=None)
@given(trains, trains)
def test_the_ends_of_the_scale(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> None:
    """At no cost only the numbers of spikes count; at any cost only the spikes that coincide."""
    ours, theirs = set(np.flatnonzero(first).tolist()), set(np.flatnonzero(second).tolist())
    assert sp.victor_purpura(first, second, cost_per_tick=0.0) == abs(len(ours) - len(theirs))
    assert sp.victor_purpura(first, second, cost_per_tick=np.inf) == len(ours ^ theirs)


def test_unless_said_otherwise_spikes_belong_together_within_twenty_ticks() -> None:
    one, near, far = (np.arange(40) == tick for tick in (3, 8, 30))
    assert sp.victor_purpura(one, near) == pytest.approx(0.5)
    assert sp.victor_purpura(one, far) == 2.0


@pytest.mark.parametrize(
    ("first", "cost", "message"),
    [
        ([0, 1], 0.1, r"first must be one bool for each tick, got int64 of shape \(2,\)"),
        (np.zeros((2, 2), dtype=bool), 0.1, r"first must be one bool for each tick, got bool of shape \(2, 2\)"),
        ([True], -1.0, "cost_per_tick must be a non-negative number, got -1.0"),
        ([True], float("nan"), "cost_per_tick must be a non-negative number, got nan"),
    ],
)
def test_bad_questions(first: Any, cost: float, message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        sp.victor_purpura(first, [True], cost_per_tick=cost)
