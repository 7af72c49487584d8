"""Windows: the ticks chosen are in them, what comes out is exact for them, and a refusal is one of every choice."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
from cases import plain_run

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.design import design
from snnprog.design.rasters.windows import windows_of
from snnprog.progress import SEARCHING
from snnprog.spec import with_targets


def random_spec(
    seed: int, window: tuple[int, int], *, ticks: int = 12, inputs: int = 2, outputs: int = 1, recurrent: bool = False
) -> sp.Spec:
    generator = np.random.default_rng(seed)
    patterns = []
    for _ in range(2):
        targets = generator.random((ticks, outputs)) < 0.2
        targets[0] = False
        patterns.append(sp.Pattern(generator.random((ticks, inputs)) < 0.3, targets))
    return sp.Spec(patterns, [1, 2], recurrent=recurrent, window=window)


def choices(spec: sp.Spec) -> Iterator[Raster]:
    """Yield every raster (ticks of all patterns, outputs) that windows allow, by trying all ticks for all spikes."""
    before, after = spec.window
    columns = []
    for pattern in spec.patterns:
        for output in range(spec.n_outputs):
            due = np.flatnonzero(pattern.targets[:, output]).tolist()
            ranges = [range(max(tick - before, 0), min(tick + after, pattern.ticks - 1) + 1) for tick in due]
            allowed = [ticks for ticks in itertools.product(*ranges) if list(ticks) == sorted(set(ticks))]
            columns.append([np.isin(np.arange(pattern.ticks), ticks) for ticks in allowed])
    for chosen in itertools.product(*columns):
        rows = [chosen[first : first + spec.n_outputs] for first in range(0, len(chosen), spec.n_outputs)]
        yield np.concatenate([np.stack(row, axis=1) for row in rows])


def can_be_built(spec: sp.Spec, raster: Raster) -> bool:
    plain = replace(with_targets(spec, range(spec.n_outputs), raster), window=(0, 0))
    return not design(plain).conflicts


def check_in_windows(spec: sp.Spec, result: sp.CompileResult) -> None:
    """Judge by plain integers, and by the n-th spike and the n-th target spike."""
    before, after = spec.window
    for pattern, chosen in zip(spec.patterns, result.chosen, strict=True):
        spikes = np.array(plain_run(result.program, pattern.inputs).spikes)
        assert np.array_equal(spikes, chosen)
        for output in range(spec.n_outputs):
            due, fired = np.flatnonzero(pattern.targets[:, output]), np.flatnonzero(spikes[:, output])
            assert due.size == fired.size
            assert ((fired >= due - before) & (fired <= due + after)).all()
    assert sp.verify(result.program, spec).exact


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_verdicts_are_those_of_all_choices(seed: int, recurrent: bool) -> None:
    spec = random_spec(seed, [(1, 1), (0, 2)][seed % 2], ticks=8, recurrent=recurrent)
    possible = any(can_be_built(spec, raster) for raster in choices(spec))
    if possible:
        check_in_windows(spec, sp.compile(spec))
    else:
        with pytest.raises(sp.InfeasibleError, match=r"wherever the .* target spikes fall in their windows") as caught:
            sp.compile(spec)
        assert [conflict.neuron for conflict in caught.value.conflicts] == [0]


def test_outcomes_are_of_both_kinds() -> None:
    """The test above would be worth little if all its specs, or none, could be built."""
    kinds = {
        any(can_be_built(spec, raster) for raster in choices(spec))
        for spec in (random_spec(seed, (1, 1), ticks=8) for seed in (0, 2, 4, 6, 8, 10))
    }
    assert kinds == {False, True}


@pytest.mark.parametrize(("seed", "recurrent"), [(1, False), (4, False), (2, True)])
def test_windows_build_what_its_own_ticks_forbid(seed: int, recurrent: bool) -> None:
    spec = random_spec(seed, (2, 2), ticks=30, inputs=6, outputs=2, recurrent=recurrent)
    with pytest.raises(sp.InfeasibleError):
        sp.compile(replace(spec, window=(0, 0)))
    result = sp.compile(spec)
    check_in_windows(spec, result)
    assert result.report.status == "exact"
    assert result.report.deviations
    for deviation in result.report.deviations:
        assert deviation.wrong == ()
        for distance, pattern, chosen in zip(deviation.distances, spec.patterns, result.chosen, strict=True):
            trains = chosen[:, deviation.output], pattern.targets[:, deviation.output]
            assert distance == sp.victor_purpura(*trains)


@pytest.mark.parametrize("seed", range(30))
def test_windows_are_what_their_definition_allows(seed: int) -> None:
    """Their first and last ticks are the earliest and the latest that any choice gives a spike."""
    spec = random_spec(seed, [(1, 1), (2, 0), (0, 2), (3, 3)][seed % 4], ticks=7)
    target = np.concatenate([pattern.targets[:, 0] for pattern in spec.patterns])
    windows = windows_of(target, np.ones_like(target), starts=np.array([0, 7]), window=spec.window)
    ticks = np.array([np.flatnonzero(raster[:, 0]) for raster in choices(spec)])
    assert windows.tolist() == np.stack([ticks.min(axis=0), ticks.max(axis=0)], axis=1).tolist()


def test_a_window_ends_at_bins_that_do_not_count() -> None:
    target, care = np.zeros(9, dtype=bool), np.ones(9, dtype=bool)
    target[[2, 5]], care[[3, 7]] = True, False
    assert windows_of(target, care, starts=np.array([0]), window=(4, 4)).tolist() == [[0, 2], [4, 6]]


def test_bins_that_do_not_count_are_free_in_windows() -> None:
    spec = random_spec(1, (1, 1), ticks=20, inputs=6)
    masked = [
        sp.Pattern(pattern.inputs, pattern.targets, np.random.default_rng(3).random(pattern.targets.shape) < 0.8)
        for pattern in spec.patterns
    ]
    spec = replace(spec, patterns=tuple(masked))
    result = sp.compile(spec)
    assert sp.verify(result.program, spec).exact


def test_ticks_that_were_not_chosen_are_wrong() -> None:
    spec = random_spec(1, (2, 2), ticks=30, inputs=6, outputs=2)
    program = sp.compile(spec).program
    assert sp.verify(program, spec).exact
    check = sp.verify(program, replace(spec, window=(0, 0))).backends["kernel"]
    assert check.wrong_bins > 0
    assert check.first_divergence is not None


@pytest.mark.parametrize("recurrent", [False, True])
def test_the_choice_does_not_depend_on_the_executor(recurrent: bool) -> None:
    spec = random_spec(1, (2, 2), ticks=30, inputs=6, outputs=2, recurrent=recurrent)
    alone = sp.compile(spec)
    processes = ProcessPoolExecutor(2, mp_context=get_context("spawn"))
    pools: list[Executor] = [ThreadPoolExecutor(2), *([] if recurrent else [processes])]
    for pool in pools:
        with pool:
            calls: list[tuple[str, int, int]] = []
            other = sp.compile(spec, executor=pool, progress=lambda *call, calls=calls: calls.append(call))
        done = [call for call in calls if SEARCHING not in call[0]]
        assert done == ([("windows", 1, 1)] if recurrent else [("windows", 1, 2), ("windows", 2, 2)])
        assert np.array_equal(other.program.weight, alone.program.weight)
        assert all(np.array_equal(*rasters) for rasters in zip(other.chosen, alone.chosen, strict=True))


@pytest.mark.usefixtures("small_searches")
def test_where_nothing_is_found_or_proved_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = random_spec(0, (1, 1), ticks=100, inputs=2)
    monkeypatch.setattr("snnprog.design.freedom.LEAST_STEPS", 1)
    monkeypatch.setattr("snnprog.design.freedom.MOST_STEPS", 1)
    with pytest.raises(
        sp.UndecidedError, match=r"output 0: no weights were found .* windows of \(1, 1\), and no proof"
    ):
        sp.compile(spec)
    result = sp.compile(spec, on_infeasible="closest", time_limit_s=2)
    assert result.report.status == "closest"
    assert result.report.wrong_bins == sp.verify(result.program, spec).backends["kernel"].wrong_bins


@pytest.mark.parametrize("recurrent", [False, True])
def test_a_time_limit_holds_for_windows(recurrent: bool) -> None:
    with pytest.raises(sp.UndecidedError, match=r"outputs 0, 1 are undecided after 0 s.*allow more time"):
        sp.compile(random_spec(1, (1, 1), outputs=2, recurrent=recurrent), time_limit_s=0)


def test_windows_may_be_longer_than_all_patterns() -> None:
    target, starts = np.array([0, 0, 1, 0, 1, 0], dtype=bool), np.array([0])
    care = np.ones_like(target)
    for longest, long in (((10**30, 0), (6, 0)), ((0, 10**30), (0, 6))):
        assert (
            windows_of(target, care, starts=starts, window=longest)
            == windows_of(target, care, starts=starts, window=long)
        ).all()


def test_a_conflict_does_not_call_a_bin_silent_that_may_have_a_spike() -> None:
    inputs, targets = np.zeros((6, 1), dtype=bool), np.zeros((6, 1), dtype=bool)
    inputs[1], targets[[2, 4]] = True, True
    with pytest.raises(sp.InfeasibleError, match="wherever the 2 target spikes fall in their windows") as caught:
        sp.compile(sp.Spec([sp.Pattern(inputs, targets)], [1], window=(0, 1)))
    in_windows = {2, 3, 4, 5}
    assert not in_windows & {each.tick for conflict in caught.value.conflicts for each in conflict.bins}
