"""Xylo's nearest rasters and windows, with outputs alone and in a loop, against trying every raster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from exact_lp import is_possible
from test_xylo_design import hidden_truth
from test_xylo_loop import TICKS, XYLO, exact_rows, greatest_count, loop_truth, problem_of

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.design.rasters.running import windowed_run
from snnprog.design.rasters.windows import design_in_windows
from snnprog.spec import with_targets

Make = Callable[[np.random.Generator], sp.Spec]
MAKES: dict[str, Make] = {"alone": hidden_truth, "in a loop": loop_truth}
LITTLE = 7


def little(seed: int, *, recurrent: bool, **changes: Any) -> sp.Spec:
    """Return a spec of seven ticks, one output and a random target."""
    generator = np.random.default_rng(seed)
    inputs, targets = generator.random((LITTLE, 2)) < 0.4, generator.random((LITTLE, 1)) < 0.4
    dynamics = sp.Dynamics(current_decay=1, potential_decay=int(generator.integers(0, 4)))
    options: dict[str, Any] = {"dynamics": dynamics, "chip": "xylo", "recurrent": recurrent} | changes
    return sp.Spec([sp.Pattern(inputs, targets)], **options)


def possible(spec: sp.Spec) -> Iterator[Raster]:
    """Yield every raster (ticks,) that some real weights within the chip's ranges give, by exact fractions."""
    weight, top = Fraction(127 << 7), Fraction(XYLO.thresholds[1])
    box = [(-weight, weight)] * spec.n_presynaptic + [(Fraction(1), top), (Fraction(0), Fraction(0))]
    for values in product([False, True], repeat=LITTLE):
        raster = np.array(values)
        rows, due = exact_rows(with_targets(spec, [0], raster[:, None]))
        if not spec.recurrent:
            rows, due = rows[:LITTLE], due[:LITTLE]
        signed = [[value if spike else -value for value in row] for row, spike in zip(rows, due, strict=True)]
        if is_possible(signed, [not spike for spike in due], box):
            yield raster


@pytest.mark.parametrize("recurrent", [False, True])
def test_no_raster_is_nearer_than_the_number_told(recurrent: bool) -> None:
    proved = 0
    for seed in range(8):
        spec = little(seed, recurrent=recurrent)
        nearest = min(int((raster != spec.targets[:, 0]).sum()) for raster in possible(spec))
        report = sp.compile(spec, on_infeasible="closest").report
        assert report.at_least <= min(nearest, report.wrong_bins)  # integers that live off truncation may be nearer
        proved += report.at_least == report.wrong_bins > 0
    assert proved >= 3


@pytest.mark.parametrize("recurrent", [False, True])
def test_windows_are_met_where_any_choice_of_ticks_can_be(recurrent: bool) -> None:
    verdicts = []
    for seed in range(8):
        spec = little(seed, recurrent=recurrent, window=(1, 1))
        (outcome,) = design_in_windows(spec).outcomes
        allowed = [raster for raster in possible(spec) if is_within(spec, raster)]
        assert (outcome.neuron is not None) == bool(allowed), seed
        assert bool(outcome.conflicts) == (not allowed), seed
        verdicts.append(bool(allowed))
    assert 0 < sum(verdicts) < 8


def is_within(spec: sp.Spec, raster: Raster) -> bool:
    """Return whether spikes pair up with the target's in order, none more than a tick away."""
    ours, due = np.flatnonzero(raster), np.flatnonzero(spec.targets[:, 0])
    return ours.size == due.size and bool((np.abs(ours - due) <= 1).all())


@pytest.mark.parametrize("kind", MAKES)
def test_targets_with_flipped_bins_have_a_program_near_them(kind: str) -> None:
    for seed in range(1, 3):
        generator = np.random.default_rng(seed)
        true = MAKES[kind](generator)
        patterns = [
            sp.Pattern(pattern.inputs, pattern.targets ^ (generator.random(pattern.targets.shape) < 0.02))
            for pattern in true.patterns
        ]
        spec = sp.Spec(patterns, dynamics=true.dynamics, chip="xylo", recurrent=true.recurrent)
        result = sp.compile(spec, on_infeasible="closest")
        inputs = [pattern.inputs for pattern in patterns]
        traces = sp.run(result.program, inputs)
        wrong = sum(
            int((trace.spikes != pattern.targets).sum()) for trace, pattern in zip(traces, patterns, strict=True)
        )
        assert wrong == result.report.wrong_bins
        assert not true.recurrent or greatest_count(result.program, inputs) <= 1


@pytest.mark.parametrize("kind", MAKES)
def test_moved_spikes_are_found_in_their_windows(kind: str) -> None:
    moved = 0
    for seed in range(4):
        true = MAKES[kind](np.random.default_rng(seed))
        patterns = [sp.Pattern(pattern.inputs, late(pattern.targets)) for pattern in true.patterns]
        spec = sp.Spec(patterns, dynamics=true.dynamics, chip="xylo", recurrent=true.recurrent, window=(1, 1))
        result = sp.compile(spec)
        assert sp.verify(result.program, spec).exact
        moved += any((chosen != pattern.targets).any() for chosen, pattern in zip(result.chosen, patterns, strict=True))
    assert moved >= 1


def late(targets: Raster) -> Raster:
    """Return the raster with every other spike of each neuron one tick later, where there is room."""
    moved = targets.copy()
    for neuron in range(targets.shape[1]):
        for tick in np.flatnonzero(targets[:-1, neuron])[::2].tolist():
            if not targets[tick + 1, neuron]:
                moved[tick : tick + 2, neuron] = False, True
    return moved


def test_a_run_in_windows_loses_a_threshold_at_each_spike() -> None:
    """In windows of one tick each it must fire there; what is asked between them is what its exact rows say."""
    spec = replace(loop_truth(np.random.default_rng(2)), recurrent=False)
    problem, generator = problem_of(spec), np.random.default_rng(0)
    weights, ticks = generator.normal(size=spec.n_inputs), np.flatnonzero(spec.targets[:, 0])
    windows = np.stack([ticks, ticks], axis=1)
    assert np.array_equal(windowed_run(problem, weights, threshold=1.0, bias=0.0, windows=windows), spec.targets[:, 0])
    first, last = 4, TICKS[0] - 1
    raster = np.zeros_like(spec.targets[:, 0])
    raster[first] = True
    after = problem.with_raster(raster)
    level = after.potential(weights, 0.0) / after.threshold_response
    threshold = float(np.quantile(level[first + 1 : last], 0.8))
    reached = after.distance(weights, threshold, 0.0) * after.signs
    expected = next(tick for tick in range(first + 1, last + 1) if reached[tick] > 0.0)
    wide = np.array([[first, first], [first + 1, last]])
    assert np.flatnonzero(windowed_run(problem, weights, threshold=threshold, bias=0.0, windows=wide)).tolist() == [
        first,
        expected,
    ]
