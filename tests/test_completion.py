"""What windows leave open: against every raster of a few ticks, judged by the rule that judges programs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from snnprog.arrays import Raster
from snnprog.design.completion import Windows
from snnprog.judgement import unmatched


def agreeing(windows: Windows, known: dict[int, bool]) -> Raster:
    """Return all rasters (rasters, ticks) that keep what is known and match the target in the bins that count."""
    ticks, found = len(windows.care), []
    for spikes in itertools.product([False, True], repeat=ticks):
        fired = [tick for tick in range(ticks) if spikes[tick] and windows.care[tick]]
        is_matched = unmatched(windows.due, fired, window=windows.window) == ([], [])
        if is_matched and all(spikes[tick] == value for tick, value in known.items()):
            found.append(spikes)
    return np.array(found, dtype=np.bool_).reshape(len(found), ticks)


@pytest.mark.parametrize("seed", range(120))
def test_open_values_are_those_of_all_rasters(seed: int) -> None:
    generator = np.random.default_rng(seed)
    target, care = generator.random(7) < 0.35, generator.random(7) < 0.8
    before, after = (int(ticks) for ticks in generator.integers(0, 4, 2))
    windows = Windows.of(target, care, (before, after))
    counting = [tick for tick in range(7) if care[tick]]
    chosen = generator.permutation(counting)[: int(generator.integers(0, 4))]
    known = {int(tick): bool(generator.random() < 0.4) for tick in chosen}
    rasters, values = agreeing(windows, known), windows.open_values(known)
    assert (values is None) == (len(rasters) == 0)
    for tick, (silent, spike) in enumerate(values or []):
        assert silent == (not rasters[:, tick].all())
        assert spike == bool(rasters[:, tick].any())
    for tick in range(7):
        if care[tick] and not windows.is_open(tick):
            assert not agreeing(windows, {})[:, tick].any()
    if values is None:
        reason = windows.reason(known)
        assert reason.items() <= known.items()
        assert windows.open_values(reason) is None
        assert all(windows.open_values({k: v for k, v in reason.items() if k != tick}) is not None for tick in reason)


@pytest.mark.parametrize("seed", range(20))
def test_bins_may_become_known_one_by_one(seed: int) -> None:
    generator = np.random.default_rng(seed)
    target, care = generator.random(40) < 0.2, generator.random(40) < 0.8
    windows = Windows.of(target, care, (2, 1))
    choosing, known = windows.choosing({}), dict[int, bool]()
    for tick in generator.permutation(40).tolist():
        values = windows.open_values(known)
        assert [choosing.values(each) for each in range(40)] == values
        silent, _ = choosing.values(tick)
        known[tick] = not silent or bool(choosing.values(tick)[1] and generator.random() < 0.5)
        choosing.choose(tick, known[tick])
        assert choosing.is_possible
