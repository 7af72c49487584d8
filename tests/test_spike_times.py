"""Spike times into bins: compared with exact rational arithmetic, and refused where a raster would be a guess."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnprog.errors import SpecError
from snnprog.files.spike_times import Binning, SpikeTimes, joined, observed_bins, rasters_of_times, share_of
from snnprog.raster import ROUNDING_SHARE

TICKS = ("0.1", "0.125", "0.25", "1", "2.5", "10", "33.3")
DECIMALS = st.integers(0, 10**7).map(lambda number: Fraction(number, 10**4))  # milliseconds, to 0.1 µs


def times_of(milliseconds: list[Fraction], neuron: list[int] | None = None, *, neurons: int = 1) -> SpikeTimes:
    """Return spike times as somebody's file has them: the floats nearest to decimal seconds."""
    seconds = np.array([float(time / 1000) for time in milliseconds])
    return SpikeTimes("spikes", seconds, np.array(neuron or [0] * len(milliseconds), dtype=np.int64), neurons)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.tuples(DECIMALS, st.integers(0, 2)), max_size=12),
    st.lists(DECIMALS, min_size=1, max_size=3),
    st.sampled_from(TICKS),
    st.integers(1, 40),
)
def test_windows_hold_what_exact_arithmetic_says(
    spikes: list[tuple[Fraction, int]], starts: list[Fraction], dt: str, ticks: int
) -> None:
    times = times_of([time for time, _ in spikes], [neuron for _, neuron in spikes], neurons=3)
    binning = Binning(float(dt), ticks, tuple(float(start) for start in starts), merge=True)
    for start, raster in zip(starts, rasters_of_times(times, binning), strict=True):
        expected = np.zeros((ticks, 3), dtype=bool)
        for time, neuron in spikes:
            tick = (time - start) // Fraction(dt)
            if 0 <= tick < ticks:
                expected[tick, neuron] = True
        assert np.array_equal(raster, expected)
        assert not raster.flags.writeable


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 10**6), st.sampled_from(TICKS), DECIMALS)
def test_an_edge_belongs_to_the_tick_that_begins_there(tick: int, dt: str, start: Fraction) -> None:
    spike = start + tick * Fraction(dt)
    binning = Binning(float(dt), 2, (float(start + (tick - 1) * Fraction(dt)),))
    (raster,) = rasters_of_times(times_of([spike]), binning)
    assert raster[:, 0].tolist() == [False, True]


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 60_000))
def test_single_precision_is_an_edge_too(tick: int) -> None:
    train = np.array([tick / 1000], dtype=np.float32)
    times = joined("spikes", [train.astype(np.float64)], share_of(train.dtype))
    (raster,) = rasters_of_times(times, Binning(1.0, 60_001))
    assert np.flatnonzero(raster[:, 0]).tolist() == [tick]


def test_what_each_type_may_be_off() -> None:
    assert share_of(np.dtype("f8")) == share_of(np.dtype(">i4")) == ROUNDING_SHARE
    assert share_of(np.dtype(">f4")) == ROUNDING_SHARE + 2.0**-24
    assert share_of(np.dtype("f2")) == ROUNDING_SHARE + 2.0**-11


def test_trains_one_after_another() -> None:
    times = joined("spikes", [np.array([0.5, 0.1]), np.zeros(0), np.array([0.2])], 0.25)
    assert times.neuron.tolist() == [0, 0, 2]
    assert times.seconds.tolist() == [0.5, 0.1, 0.2]
    assert (times.neurons, times.share) == (3, 0.25)
    assert joined("nothing", [], 0.0).neurons == 0


def test_windows_cut_what_one_raster_holds() -> None:
    rng = np.random.default_rng(1)
    seconds = np.sort(rng.uniform(0, 1, 50))
    times = SpikeTimes("spikes", rng.permutation(seconds), np.zeros(50, dtype=np.int64), 1)
    (whole,) = rasters_of_times(times, Binning(1.0, 1000, merge=True))
    starts = (0.0, 250.0, 500.0, 750.0)
    parts = rasters_of_times(times, Binning(1.0, 250, starts, merge=True))
    assert np.array_equal(np.concatenate(parts), whole)
    assert all(later - earlier == 250 for earlier, later in pairwise(starts))


REFUSED: dict[str, tuple[list[float], Binning, str]] = {
    "two in one tick": (
        [1.0, 1.4],
        Binning(1.0, 5),
        "spikes: neuron 0 has 2 spikes in tick 1 of 1 ms; take a shorter tick, or allow merging",
    ),
    "two ticks of two": ([1.0, 1.4, 3.1, 3.2, 3.3], Binning(1.0, 5), "in tick 1 of 1 ms (and 1 more bin like it)"),
    "two in a window": ([9.0, 9.1], Binning(0.5, 5, (8.0,)), "in tick 2 of 0.5 ms of the window from 8 ms; take"),
    "after the end": (
        [1.0, 5.0, 9.0],
        Binning(1.0, 5),
        "spikes has 2 spikes after the last of 5 ticks, the last at 0.009 s; give more ticks, or starts_ms",
    ),
    "one after the end": ([5.0], Binning(1.0, 5), "has 1 spike after the last of 5 ticks"),
}


@pytest.mark.parametrize(("milliseconds", "binning", "message"), REFUSED.values(), ids=REFUSED)
def test_what_would_be_a_guess(milliseconds: list[float], binning: Binning, message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        rasters_of_times(times_of([Fraction(time) for time in milliseconds]), binning)


def test_times_kept_too_coarsely() -> None:
    times = joined("spikes", [np.array([9000.0])], share_of(np.dtype(np.float32)))
    message = "spikes stores times up to 9000 s with errors up to 0.54 ms; ticks of 1 ms are too short for"
    with pytest.raises(SpecError, match=message):
        rasters_of_times(times, Binning(1.0, 10, (0.0,)))
    (raster,) = rasters_of_times(times, Binning(2.0, 10, (8_999_990.0,)))
    assert np.flatnonzero(raster[:, 0]).tolist() == [5]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"dt_ms": 0.0}, "dt_ms must be a positive number of milliseconds, got 0.0"),
        ({"dt_ms": "1"}, "dt_ms must be a positive number of milliseconds, got '1'"),
        ({"dt_ms": True}, "dt_ms must be a positive number of milliseconds, got True"),
        ({"dt_ms": 10**400}, "dt_ms must be a positive number of milliseconds, got"),
        ({"ticks": 0}, "ticks must be at least 1, got 0"),
        ({"ticks": 1.5}, "ticks must be an integer, got 1.5"),
        ({"starts_ms": ()}, "starts_ms must be a list of 1 to 1048576 finite numbers, got shape (0,)"),
        ({"starts_ms": 3.0}, "starts_ms must be a list of 1 to 1048576 finite numbers, got shape ()"),
        ({"starts_ms": (np.nan,)}, "starts_ms must be a list of 1 to 1048576 finite numbers, got shape (1,)"),
        ({"starts_ms": ("a",)}, "starts_ms must be a list of numbers: could not convert string to float: 'a'"),
        ({"starts_ms": (10**400,)}, "starts_ms must be a list of numbers: int too large to convert to float"),
        ({"merge": 1}, "merge must be True or False, got 1"),
    ],
)
def test_what_is_no_binning(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        Binning(**({"dt_ms": 1.0, "ticks": 5} | values))


QUARTERS = st.lists(st.tuples(st.integers(-9, 40), st.integers(0, 12)), min_size=1, max_size=6)


@settings(deadline=None, max_examples=200)
@given(st.lists(QUARTERS, max_size=3), st.integers(-3, 12), st.sampled_from([0.1, 0.3, 1.0, 7.0]))
def test_bins_are_observed_where_all_of_them_lie_in_intervals(
    neurons: list[list[tuple[int, int]]], start: int, dt_ms: float
) -> None:
    """Intervals are told in quarters of a tick, so edges of bins are met but for rounding."""
    quarter_s = dt_ms / 4000.0
    intervals = [np.array([(begin, begin + size) for begin, size in own]) * quarter_s for own in neurons]
    binning = Binning(dt_ms=dt_ms, ticks=6, starts_ms=(0.0, start * dt_ms / 4))
    for found, first in zip(observed_bins(intervals, binning, share=ROUNDING_SHARE), (0, start), strict=True):
        covered = [{q for begin, size in own for q in range(begin, begin + size)} for own in neurons]
        due = [[{first + 4 * t + q for q in range(4)} <= own for own in covered] for t in range(6)]
        assert found.tolist() == due
        assert not found.flags.writeable
