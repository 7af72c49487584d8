"""Limits: time that is over ends each search with what it has or a sentence, and work is bounded without a clock."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

import snnprog as sp
from snnprog.design import design
from snnprog.design.hidden import add_hidden
from snnprog.design.rasters.closest import design_closest
from snnprog.design.task import Task
from snnprog.integers import INEXACT, quantize, repair
from snnprog.integers.exhaustive import EXPONENTS_EFFORT, UNPROVABLE_EFFORT, Repair
from snnprog.integers.search import LONG, SHORT, IntegerRows, most_moves
from snnprog.solver import IntegerProgram, find_integers, until


def coarse_spec(**options: Any) -> sp.Spec:
    """Return a spec of 26 ticks and 11 inputs that real weights can do, and no plain rounding to -1, 0 and 1."""
    generator = np.random.default_rng(37)
    pattern = sp.Pattern(generator.random((26, 11)) < 0.3, generator.random((26, 1)) < 0.3)
    return sp.Spec([pattern], weight_limit=1, bias="free", dynamics=sp.Dynamics(2000, 200), **options)


def exclusive_or(**options: Any) -> sp.Spec:
    """Return a spec that no neuron can do alone, and hidden ones help."""
    patterns = []
    for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
        inputs, targets = np.zeros((6, 2), dtype=bool), np.zeros((6, 1), dtype=bool)
        inputs[0], targets[4, 0] = (a, b), a != b
        patterns.append(sp.Pattern(inputs, targets))
    return sp.Spec(patterns, [1, 2, 3, 4], **options)


def over(_: float | None) -> float:
    return time.monotonic() - 1.0


def test_the_search_for_hidden_neurons_keeps_to_the_time() -> None:
    spec = exclusive_or(hidden="auto")
    designed = design(spec)
    assert len(add_hidden(spec, designed, [0]).hidden) > 0
    with until(over(None)), pytest.raises(sp.UndecidedError, match="the time limit ran out"):
        add_hidden(spec, designed, [0])


def test_compile_says_that_hidden_neurons_had_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snnprog.compiler.work.deadline_after", over)
    message = r"^output 0 is not built with hidden neurons after 60 s; allow more time$"
    with pytest.raises(sp.UndecidedError, match=message) as caught:
        sp.compile(exclusive_or(hidden="auto"), time_limit_s=60.0)
    assert caught.value.neurons == (0,)


def test_pruning_that_has_no_time_leaves_what_works(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs: list[int] = []

    def attempt(_: object, output: int, *__: object) -> None:
        outputs.append(output)
        raise sp.UndecidedError("no time")

    monkeypatch.setattr("snnprog.design.hidden.pruning.attempt", attempt)
    assert sp.compile(exclusive_or(hidden="auto")).report.wrong_bins == 0
    assert outputs == [0]


def test_the_nearest_raster_is_the_best_by_then(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = exclusive_or()
    (silent,) = design_closest(spec, [0], time_limit_s=0.0)
    assert not silent.raster.any()
    assert silent.designs[0].neuron is not None
    (best,) = design_closest(spec, [0])
    assert (best.raster ^ np.concatenate([pattern.targets for pattern in spec.patterns])).sum() == 1
    result = sp.compile(spec, on_infeasible="closest", time_limit_s=0.0)
    assert result.report.neurons[0].status == "closest"
    assert result.report.wrong_bins == 2


def test_the_search_for_integers_keeps_to_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = coarse_spec()
    quantized = quantize(Task.of(spec), design(spec).network, time_limit_s=0.0)
    assert quantized.out_of_time == (0,)
    assert quantized.neurons[0].status == INEXACT
    assert quantized.conflicts == ()
    monkeypatch.setattr("snnprog.integers.quantizer.deadline_after", over)
    message = "output 0 is not exact in integers after 60 s of searching for them, although real weights exist; allow"
    with pytest.raises(sp.UndecidedError, match=message) as caught:
        sp.compile(spec, time_limit_s=60.0)
    assert caught.value.neurons == (0,)
    assert [verdict.status for verdict in sp.explain(spec, time_limit_s=60.0).verdicts] == ["undecided"]


def test_integer_programs_keep_to_the_time() -> None:
    one = np.array([1])
    program = IntegerProgram(np.array([[1]]), one, one - 1, one, one)
    assert find_integers(program, effort=1.0).values == [1]
    with until(over(None)), pytest.raises(sp.UndecidedError):
        find_integers(program, effort=1.0)


@pytest.mark.parametrize("is_bias_free", [True, False])
def test_the_last_word_is_bounded_for_all_exponents_together(
    monkeypatch: pytest.MonkeyPatch, is_bias_free: bool
) -> None:
    """Eight exponents took two units of work each, though nothing could be proved any more."""
    efforts: list[float] = []

    def whole(_: object, effort: float) -> Repair:
        efforts.append(effort)
        return Repair(None, effort=effort)

    monkeypatch.setattr(repair, "relaxed", lambda *_: Repair(None))
    monkeypatch.setattr(repair, "whole", whole)
    monkeypatch.setattr(repair, "search", lambda *_, seed: None)
    spec = coarse_spec() if is_bias_free else sp.Spec(coarse_spec().patterns, weight_limit=1)
    quantize(Task.of(spec), design(coarse_spec()).network)
    assert len(efforts) == 8
    assert efforts[1:] == [UNPROVABLE_EFFORT] * 7
    assert (efforts[0] == UNPROVABLE_EFFORT) == is_bias_free
    assert sum(efforts) <= EXPONENTS_EFFORT


@pytest.mark.parametrize(("weights", "moves"), [(2, 2e7), (11, 2e7), (12, 3.0**12 * 100), (60, 1.5e8)])
def test_few_choices_are_few_moves(weights: int, moves: float) -> None:
    ones = np.ones(weights, dtype=np.int64)
    rows = IntegerRows(np.ones((weights, 26)), np.ones(26), -ones, ones, step=1, n_weights=weights)
    assert most_moves(rows, LONG) == pytest.approx(moves)
    assert most_moves(rows, SHORT) <= 5e6
