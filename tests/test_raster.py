"""Rasters and events: both ways, and a sentence for everything that is neither."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from numpy.typing import ArrayLike

from snnprog.arrays import Raster
from snnprog.errors import SpecError
from snnprog.raster import as_raster, bin_spike_times, events_of_raster, raster_of_events

RASTERS = nps.arrays(np.bool_, nps.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8))
ONE = np.array([[1, 0], [0, 0], [0, 1]], dtype=bool)


# ---------------------------------------------------------------- as_raster


@pytest.mark.parametrize("values", [ONE, ONE.astype(int), ONE.astype("u1"), ONE.tolist(), ONE.astype(int).tolist()])
def test_what_is_a_raster(values: ArrayLike) -> None:
    raster = as_raster(values, "inputs")
    assert raster.dtype == np.bool_
    assert np.array_equal(raster, ONE)
    assert not raster.flags.writeable


def test_a_raster_is_a_copy() -> None:
    values = ONE.copy()
    raster = as_raster(values, "inputs")
    values[:] = True
    assert np.array_equal(raster, ONE)
    assert values.flags.writeable


def test_a_raster_may_have_no_neurons() -> None:
    assert as_raster(np.zeros((3, 0), dtype=bool), "inputs").shape == (3, 0)


NO_RASTERS: dict[str, tuple[ArrayLike, str]] = {
    "one axis": (
        [1, 0],
        "inputs must have two axes (ticks, neurons), got shape (2,); write array.reshape(-1, 1) for one neuron, or"
        " (1, -1) for one tick",
    ),
    "times": (
        [0.5, 2.25],
        "inputs must have two axes (ticks, neurons), got shape (2,); snnprog.raster.bin_spike_times makes one of",
    ),
    "three axes": (
        [[[1]]],
        "inputs must have two axes (ticks, neurons), got shape (1, 1, 1); give one raster for each pattern",
    ),
    "a number": (1, "inputs must have two axes (ticks, neurons), got an int"),
    "a text": ("10", "inputs must have two axes (ticks, neurons), got a str"),
    "ragged": (
        [[1], [1, 0]],
        "inputs must be a bool array (ticks, neurons), got a ragged one; snnprog.raster.bin_spike_times makes one",
    ),
    "no ticks": (np.zeros((0, 2), dtype=bool), "inputs must have at least one tick"),
    "two": ([[0, 1], [0, 2]], "inputs must hold bools, or integers 0 and 1, got 2 at (1, 1)"),
    "minus one": ([[-1]], "inputs must hold bools, or integers 0 and 1, got -1 at (0, 0)"),
    "floats": ([[0.0, 1.0]], "inputs must hold bools, got type float64; write array.astype(bool)"),
    "other floats": (
        [[0.0, 2.5]],
        "inputs must hold bools, got type float64; compare with a level, as in array > 0.5 (snnprog.raster.bin_",
    ),
    "NaN": ([[np.nan]], "inputs must hold bools, got type float64; compare with a level, as in array > 0.5"),
    "texts": ([["1"]], "inputs must hold bools, got type <U1; give bools, or integers 0 and 1"),
    "None": (np.array([[None]]), "inputs must hold bools, got type object; give bools, or integers 0 and 1"),
    "complex": ([[1j]], "inputs must hold bools, got type complex128; give bools, or integers 0 and 1"),
}


@pytest.mark.parametrize(("values", "message"), NO_RASTERS.values(), ids=NO_RASTERS)
def test_what_is_no_raster(values: ArrayLike, message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        as_raster(values, "inputs")


# ---------------------------------------------------------------- events


@settings(deadline=None)
@given(RASTERS)
def test_raster_to_events_and_back(raster: Raster) -> None:
    tick, neuron = events_of_raster(raster)
    assert sorted(zip(tick, neuron, strict=True)) == list(zip(tick, neuron, strict=True))
    again = raster_of_events(tick, neuron, ticks=raster.shape[0], neurons=raster.shape[1])
    assert np.array_equal(again, raster)
    assert not again.flags.writeable


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3))))
def test_events_to_raster_and_back(events: list[tuple[int, int]]) -> None:
    raster = raster_of_events([t for t, _ in events], [n for _, n in events], ticks=6, neurons=4)
    assert list(zip(*(column.tolist() for column in events_of_raster(raster)), strict=True)) == sorted(set(events))


@pytest.mark.parametrize("dtype", ["i1", "u2", "<i8", "u8"])
def test_events_of_any_integer_type(dtype: str) -> None:
    raster = raster_of_events(np.array([0, 2], dtype=dtype), np.array([1, 0], dtype=dtype), ticks=3, neurons=2)
    assert np.array_equal(raster, np.array([[0, 1], [0, 0], [1, 0]], dtype=bool))


NO_EVENTS: dict[str, tuple[ArrayLike, ArrayLike, str]] = {
    "lengths": ([0, 1], [0], "spikes: ticks and neurons must have equal lengths, got 2 and 1"),
    "late": ([0, 3], [0, 0], "spikes: tick of event 1 must be 0 to 2, got 3"),
    "early": ([-1], [0], "spikes: tick of event 0 must be 0 to 2, got -1"),
    "high": ([0], [2], "spikes: neuron of event 0 must be 0 to 1, got 2"),
    "low": ([0], [-1], "spikes: neuron of event 0 must be 0 to 1, got -1"),
    "floats": ([0.0], [0], "spikes: tick must be a list of integers, got float64 of shape (1,)"),
    "bools": ([True], [0], "spikes: tick must be a list of integers, got bool of shape (1,)"),
    "texts": ([0], ["0"], "spikes: neuron must be a list of integers, got <U1 of shape (1,)"),
    "a number": (0, [0], "spikes: tick must be a list of integers, got int64 of shape ()"),
    "two axes": ([0], [[0]], "spikes: neuron must be a list of integers, got int64 of shape (1, 1)"),
    "ragged": ([[0], [0, 1]], [0], "spikes: tick must be a list of integers, got a ragged one"),
}


@pytest.mark.parametrize(("tick", "neuron", "message"), NO_EVENTS.values(), ids=NO_EVENTS)
def test_what_are_no_events(tick: ArrayLike, neuron: ArrayLike, message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        raster_of_events(tick, neuron, ticks=3, neurons=2, name="spikes")


@pytest.mark.parametrize(("ticks", "neurons"), [(0, 1), (-1, 1), (1, -1)])
def test_extents_that_no_raster_has(ticks: int, neurons: int) -> None:
    with pytest.raises(
        SpecError,
        match=f"events: a raster must have at least one tick and 0 or more neurons, got {ticks} and {neurons}",
    ):
        raster_of_events([], [], ticks=ticks, neurons=neurons)


# ---------------------------------------------------------------- spike times


@pytest.mark.parametrize(
    ("times", "bin_ms", "ticks"),
    [
        ([0.0, 0.0009, 0.001, 0.0019], 1.0, [0, 1]),
        ([0.0, 0.25, 0.4999], 500.0, [0]),
        ([0.0001, 0.0003], 0.1, [1, 3]),
        ([1.001, 1.003], 1.0, [1001, 1003]),
        ([2.0], 1.0, []),
        ([1.999, 1.9999999], 1.0, [1999]),
        ([1e300, 1e18, 3.0], 1.0, []),
        ([], 1.0, []),
    ],
)
def test_bins_hold_their_beginning_and_not_their_end(times: list[float], bin_ms: float, ticks: list[int]) -> None:
    raster, merged = bin_spike_times(times, [0] * len(times), bin_ms=bin_ms, ticks=2000, neurons=1)
    assert np.flatnonzero(raster[:, 0]).tolist() == ticks
    assert merged == sum(time < 2000 * bin_ms / 1000 for time in times) - len(ticks)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.1, 0.125, 0.2, 0.5, 1.0, 2.0, 2.5, 10.0]))
def test_a_time_at_an_edge_is_in_the_bin_that_begins_there(tick: int, bin_ms: float) -> None:
    time = float(f"{tick * round(bin_ms * 1000)}e-6")
    base = max(tick - 2, 0)
    raster, _ = bin_spike_times([time], [0], bin_ms=bin_ms, ticks=tick + 2, neurons=1)
    assert np.flatnonzero(raster[base:, 0]).tolist() == [tick - base]


def test_merged_counts_only_same_bin_and_neuron() -> None:
    times = [0.0, 0.0001, 0.0002, 0.0, 0.001, 9.0, 9.0]
    raster, merged = bin_spike_times(times, [0, 0, 0, 1, 0, 1, 1], bin_ms=1, ticks=3, neurons=2)
    assert raster.tolist() == [[True, True], [True, False], [False, False]]
    assert merged == 2


NO_TIMES: dict[str, tuple[ArrayLike, ArrayLike, float, str]] = {
    "negative": ([-0.001], [0], 1.0, "spike times must be finite and non-negative; shift or drop the others first"),
    "NaN": ([0.0, np.nan], [0, 0], 1.0, "spike times must be finite and non-negative"),
    "infinite": ([np.inf], [0], 1.0, "spike times must be finite and non-negative"),
    "neuron": ([0.001], [2], 1.0, "spike times: neuron of event 0 must be 0 to 1, got 2"),
    "float neuron": ([0.001], [1.0], 1.0, "spike times: neuron must be a list of integers, got float64 of shape"),
    "lengths": (
        [0.001, 0.002],
        [0],
        1.0,
        "spike times and neurons must be lists of equal length, got shapes (2,) and (1,)",
    ),
    "axes": (
        [[0.001]],
        [[0]],
        1.0,
        "spike times and neurons must be lists of equal length, got shapes (1, 1) and (1, 1)",
    ),
    "text": (["soon"], [0], 1.0, "spike times must be one list of numbers for all neurons: could not"),
    "ragged": ([[0.0], [0.0, 1.0]], [0], 1.0, "spike times must be one list of numbers for all neurons: setting an"),
    "bools": (
        [True, False],
        [0, 0],
        1.0,
        "spike times must be numbers of seconds, got bools; an array of bools is a raster",
    ),
    "bin 0": ([0.001], [0], 0.0, "bin_ms must be a positive number of milliseconds, got 0.0"),
    "bin negative": ([0.001], [0], -1.0, "bin_ms must be a positive number of milliseconds, got -1.0"),
    "bin NaN": ([0.001], [0], np.nan, "bin_ms must be a positive number of milliseconds, got nan"),
    "bin infinite": ([0.001], [0], np.inf, "bin_ms must be a positive number of milliseconds, got inf"),
    "bin too small": ([0.001], [0], 1e-320, "must be a positive number of milliseconds"),
}


@pytest.mark.parametrize(("times", "neuron", "bin_ms", "message"), NO_TIMES.values(), ids=NO_TIMES)
def test_what_are_no_spike_times(times: ArrayLike, neuron: ArrayLike, bin_ms: float, message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        bin_spike_times(times, neuron, bin_ms=bin_ms, ticks=3, neurons=2)
