"""The one rule of what is wrong, against all matchings of spikes with windows."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import snnprog as sp
from snnprog.judgement import EXTRA, MISSING, WrongBin, unmatched, wrong_bins

ticks = st.sets(st.integers(0, 12), max_size=4).map(sorted)
windows = st.tuples(st.integers(0, 3), st.integers(0, 3))


def most_matches(due: list[int], fired: list[int], window: tuple[int, int]) -> int:
    """Return how many target spikes can have a spike of their own in their windows, in any order."""
    before, after = window
    for count in range(min(len(due), len(fired)), 0, -1):
        for some in itertools.combinations(due, count):
            for places in itertools.permutations(fired, count):
                if all(-before <= place - tick <= after for tick, place in zip(some, places, strict=True)):
                    return count
    return 0


@given(ticks, ticks, windows)
def test_as_many_spikes_as_possible_are_matched(due: list[int], fired: list[int], window: tuple[int, int]) -> None:
    missing, extra = unmatched(due, fired, window=window)
    matches = most_matches(due, fired, window)
    assert (len(missing), len(extra)) == (len(due) - matches, len(fired) - matches)
    assert set(missing) <= set(due)
    assert set(extra) <= set(fired)


@given(ticks, ticks, windows)
def test_nothing_is_wrong_if_the_nth_spike_is_in_the_nth_window(
    due: list[int], fired: list[int], window: tuple[int, int]
) -> None:
    pairs = zip(due, fired, strict=False)
    in_order = len(due) == len(fired) and all(-window[0] <= place - tick <= window[1] for tick, place in pairs)
    assert (unmatched(due, fired, window=window) == ([], [])) == in_order


def test_without_windows_all_bins_that_count_and_differ_are_wrong() -> None:
    generator = np.random.default_rng(0)
    patterns = [sp.Pattern(*(generator.random((9, n)) < 0.5 for n in (1, 3, 3))) for _ in range(3)]
    spikes = [generator.random((9, 3)) < 0.5 for _ in patterns]
    found = wrong_bins(sp.Spec(patterns), spikes)
    assert found == sorted(found)
    for index, (pattern, raster) in enumerate(zip(patterns, spikes, strict=True)):
        differs = np.zeros_like(raster)
        for wrong in found:
            if wrong.pattern == index:
                differs[wrong.tick, wrong.output] = True
                assert wrong.kind == (MISSING if pattern.targets[wrong.tick, wrong.output] else EXTRA)
        assert np.array_equal(differs, (raster != pattern.targets) & pattern.care)


def test_bins_that_do_not_count_hold_no_spikes_of_a_window() -> None:
    targets, care = np.zeros((6, 1), dtype=bool), np.ones((6, 1), dtype=bool)
    targets[2], care[3] = True, False
    spec = sp.Spec([sp.Pattern(np.zeros((6, 1), dtype=bool), targets, care)], window=(1, 2))
    expected: dict[int, list[WrongBin | tuple[int, str]]] = {
        1: [],
        2: [],
        4: [],
        3: [WrongBin(0, 2, 0, MISSING)],
        5: [(2, MISSING), (5, EXTRA)],
    }
    for tick, wrong in expected.items():
        bins = [bin if isinstance(bin, WrongBin) else WrongBin(0, bin[0], 0, bin[1]) for bin in wrong]
        assert wrong_bins(spec, [(np.arange(6) == tick)[:, None]]) == bins
