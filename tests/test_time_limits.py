"""Limits: time that is over ends each search with what it has or a sentence, and work is bounded without a clock."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

import snnprog as sp
from snnprog.design import Design, design
from snnprog.design.guesses import rasters
from snnprog.design.hidden import add_hidden
from snnprog.design.neuron import UNDECIDED
from snnprog.design.proofs.referee import Referee
from snnprog.design.rasters.closest import design_closest
from snnprog.design.task import Task
from snnprog.integers import INEXACT, fit_outputs, quantize, repair
from snnprog.integers.exhaustive import EXPONENTS_EFFORT, UNPROVABLE_EFFORT, Repair
from snnprog.integers.fitted import Swept
from snnprog.integers.nearest import nearest_integers
from snnprog.integers.rounding import IntegerNeuron
from snnprog.integers.search import LONG, SHORT, IntegerRows, most_moves
from snnprog.judgement import WrongBinCosts
from snnprog.network import Neuron
from snnprog.solver import (
    Deadline,
    IntegerProgram,
    check_time,
    find_integers,
    is_time_over,
    noticing,
    present_deadline,
    step,
    until,
)


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


OVER = Deadline(0.0)


def over(_: float | None) -> Deadline:
    return OVER


def test_the_search_for_hidden_neurons_keeps_to_the_time() -> None:
    spec = exclusive_or(hidden="auto")
    designed = design(spec)
    assert len(add_hidden(spec, designed, [0]).hidden) > 0
    with until(OVER), pytest.raises(sp.UndecidedError, match="the time limit ran out"):
        add_hidden(spec, designed, [0])


def test_compile_says_that_hidden_neurons_had_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snnprog.compiler.steps.deadline_after", over)
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
    with until(OVER):
        (silent,) = design_closest(spec, [0], costs=WrongBinCosts(), conflicts={})
    assert not silent.raster.any()
    assert silent.designs[0].neuron is not None
    (best,) = design_closest(spec, [0], costs=WrongBinCosts(), conflicts={})
    assert (best.raster ^ np.concatenate([pattern.targets for pattern in spec.patterns])).sum() == 1
    result = sp.compile(spec, on_infeasible="closest", time_limit_s=0.0)
    assert result.report.neurons[0].status == "closest"
    assert result.report.wrong_bins == 2
    assert result.report.ended_by_time == ("design", "closest")
    assert result.report.as_dict()["ended_by_time"] == ["design", "closest"]
    assert sp.compile(spec, on_infeasible="closest").report.ended_by_time == ()


def test_the_search_for_integers_keeps_to_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = coarse_spec()
    network = design(spec).network
    with until(OVER):
        quantized = quantize(Task.of(spec), network)
    assert quantized.out_of_time == (0,)
    assert quantized.neurons[0].status == INEXACT
    monkeypatch.setattr("snnprog.integers.quantizer.present_deadline", lambda: OVER)
    monkeypatch.setattr("snnprog.compiler.deciding.Means.settled", lambda *_, **__: {})
    message = "output 0 is not exact in integers after 60 s of searching for them, although real weights exist; allow"
    with pytest.raises(sp.UndecidedError, match=message) as caught:
        sp.compile(spec, time_limit_s=60.0)
    assert caught.value.neurons == (0,)
    assert caught.value.ended_by_time == ("repair",)
    told = sp.explain(spec, time_limit_s=60.0)
    assert [verdict.status for verdict in told.verdicts] == ["undecided"]
    assert told.ended_by_time == ("repair",)


def windowed_spec(**options: Any) -> sp.Spec:
    """Return a spec of four outputs whose spikes have windows."""
    generator = np.random.default_rng(2)
    pattern = sp.Pattern(generator.random((60, 8)) < 0.2, generator.random((60, 4)) < 0.1)
    return sp.Spec([pattern], [1, 2, 3], window=(1, 2), **options)


def test_guesses_of_ticks_keep_to_the_time() -> None:
    """Each tick is drawn after a look at all ticks: of 1,500 ticks and 4 outputs, that took 36 s after a limit of 2."""
    task = Task.of(windowed_spec())
    assert len(list(rasters(task, range(4)))) > 1
    with until(OVER):
        guessed = rasters(task, range(4))
        np.testing.assert_array_equal(next(guessed), task.targets)
        with pytest.raises(sp.UndecidedError, match="the time limit ran out"):
            next(guessed)


def test_outputs_that_have_no_time_are_not_even_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 45 outputs and 2,500 patterns, that took 12 s of a processor after the limit."""

    def prepared(*_: object, **__: object) -> None:
        raise AssertionError("this must not run after the limit")

    task, silent = Task.of(coarse_spec()), IntegerNeuron(np.zeros((1, 11), np.int64), 0, 1, 0, 1.0, False, 0.0)
    monkeypatch.setattr("snnprog.integers.unbuilt.neuron_problem", prepared)
    monkeypatch.setattr("snnprog.integers.nearest.neuron_problem", prepared)
    with until(OVER):
        assert fit_outputs(task, [0]) == {}
        (near,) = nearest_integers(task, {0: [silent]}, costs=WrongBinCosts(), at_least={0: 0.0}).values()
    assert near.neuron is None
    assert near.is_out_of_time


def test_outputs_are_fitted_briefly_before_hidden_neurons(monkeypatch: pytest.MonkeyPatch) -> None:
    """A parity of three lines was fitted for 9 s, although it takes a hidden neuron."""
    briefly: list[bool] = []

    def fitted(*_: object, is_brief: bool = False, **__: object) -> dict[int, object]:
        briefly.append(is_brief)
        return {}

    patterns = []
    for number in range(8):
        inputs, targets = np.zeros((4, 3), dtype=bool), np.zeros((4, 1), dtype=bool)
        inputs[0] = [number >> line & 1 for line in range(3)]
        targets[2, 0] = inputs[0].sum() % 2
        patterns.append(sp.Pattern(inputs, targets))
    monkeypatch.setattr("snnprog.compiler.deciding.SOON_BRANCHING_WORK", 0)  # no proof comes first
    monkeypatch.setattr("snnprog.compiler.deciding.fit_outputs", fitted)
    result = sp.compile(sp.Spec(patterns, [1, 2], hidden="auto"))
    assert len(result.report.hidden) == 1
    assert briefly == [True]


def test_what_the_time_cut_short_without_a_word_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fits and guesses end quietly; the error then said that nothing had been found, as if all had been tried."""

    def late(*_: object, **__: object) -> dict[int, object]:
        with until(OVER):
            assert is_time_over()
        return {}

    spec = exclusive_or()
    monkeypatch.setattr("snnprog.compiler.work.design", lambda *_, **__: Design(Task.of(spec), (UNDECIDED,)))
    monkeypatch.setattr("snnprog.compiler.choosing.guesses", lambda *_: iter(()))
    for name in ("settled", "last_words"):
        monkeypatch.setattr(f"snnprog.compiler.deciding.Means.{name}", lambda *_, **__: {})
    for fitted, ended in ((lambda *_, **__: {}, ()), (late, ("design",))):
        monkeypatch.setattr("snnprog.compiler.deciding.fit_outputs", fitted)
        with pytest.raises(
            sp.UndecidedError, match="undecided after 60 s" if ended else "undecided: neither"
        ) as caught:
            sp.compile(spec, time_limit_s=60.0)
        assert caught.value.ended_by_time == ended


def test_a_clock_around_another_notices_the_same() -> None:
    for limit in (OVER, None):
        with noticing() as around, until(limit):
            with noticing() as clock:
                is_time_over()
            assert clock.has_decided == (limit is OVER)
        assert around.has_decided == (limit is OVER)


def test_what_ended_in_an_executor_is_noticed() -> None:
    with ThreadPoolExecutor(1) as executor, noticing() as clock:
        found = fit_outputs_of_late_jobs(executor)
    assert found == {}
    assert clock.has_decided


def fit_outputs_of_late_jobs(executor: ThreadPoolExecutor) -> dict[int, Neuron]:
    """Fit an output in an executor after the time; `until` does not reach its threads, but jobs take it along."""
    with until(OVER):
        return fit_outputs(Task.of(coarse_spec()), [0], executor=executor)


def test_integer_programs_keep_to_the_time() -> None:
    one = np.array([1])
    program = IntegerProgram(np.array([[1]]), one, one - 1, one, one)
    assert find_integers(program, effort=1.0).values == [1]
    with until(OVER), pytest.raises(sp.UndecidedError):
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
    monkeypatch.setattr(repair, "swept", lambda *_: Swept(None, is_complete=False))
    monkeypatch.setattr(repair, "fitted", lambda *_, **__: None)
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


def test_a_deadline_holds_in_another_process() -> None:
    deadline = Deadline(time.monotonic() + 5.0, "design")
    there = pickle.loads(pickle.dumps(deadline))
    assert there.step == "design"
    assert there.at == pytest.approx(deadline.at, abs=0.05)
    endless = Deadline(math.inf)
    assert pickle.loads(pickle.dumps(endless)) == endless


def test_a_step_takes_its_share_and_never_more_than_is_left() -> None:
    with until(Deadline(time.monotonic() + 100.0)), step("first", share=0.6):
        first = present_deadline()
        assert first is not None
        with step("second"):
            assert present_deadline() == Deadline(first.at, "second")
        assert 59.0 < first.at - time.monotonic() <= 60.0
    with step("endless", share=0.5):
        check_time()
        assert present_deadline() == Deadline(math.inf, "endless")


def test_what_time_ended_says_which_step() -> None:
    with until(OVER), step("design"), pytest.raises(sp.UndecidedError, match="the time limit ran out") as caught:
        check_time()
    assert caught.value.ended_by_time == ("design",)
    copied = pickle.loads(pickle.dumps(caught.value))
    assert (str(copied), copied.ended_by_time) == (str(caught.value), ("design",))


def hard_spec() -> sp.Spec:
    """Return a spec whose nearest raster takes far longer than the limits of these tests."""
    generator = np.random.default_rng(5)
    pattern = sp.Pattern(generator.random((400, 40)) < 0.1, generator.random((400, 3)) < 0.2)
    return sp.Spec([pattern], range(1, 5))


@pytest.mark.parametrize("workers", [0, 2])
def test_the_limit_is_for_the_whole_call(workers: int) -> None:
    """It was for each step: 10 s took up to 21.7 s."""
    sp.compile(hard_spec(), on_infeasible="closest", time_limit_s=0.0)  # loads compiled code, which no limit shortens
    limit, begun = 1.0, time.monotonic()
    with ThreadPoolExecutor(workers) if workers else nullcontext() as executor:
        result = sp.compile(hard_spec(), on_infeasible="closest", executor=executor, time_limit_s=limit)
    assert result.report.ended_by_time
    assert time.monotonic() - begun < limit + 20.0  # ample, for a busy machine; without a limit, it takes minutes


def test_a_long_search_tells_that_it_goes_on() -> None:
    told: list[tuple[str, int, int]] = []
    # The nearest raster takes minutes on any machine. Whether there are weights at all is known after a second on some.
    sp.compile(hard_spec(), on_infeasible="closest", progress=lambda *call: told.append(call), time_limit_s=2.0)
    searching = [call for call in told if call[0] == "design: searching"]
    assert len(searching) >= 2
    assert all(0 < done <= whole for _, done, whole in searching)


def test_solvers_end_at_an_interrupt() -> None:
    """Python hears of none while it is inside a solver: the main thread waits for it in Python."""
    script = """
import signal, threading
import numpy as np
from snnprog.solver import LinearProgram, maximise
size = 1500
generator = np.random.default_rng(0)
rows = -generator.random((size, size))
large = LinearProgram(np.ones(size), rows, -np.ones(size), np.zeros(size), np.ones(size))
threading.Timer(1.0, signal.raise_signal, [signal.SIGINT]).start()
try:
    while True:
        maximise(large)
except KeyboardInterrupt:
    print("interrupted")
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout == "interrupted\n"


def test_a_proof_that_the_time_does_not_suffice_to_check_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_time(referee: Referee, proof: object) -> None:
        with until(OVER):
            check_time()

    monkeypatch.setattr(Referee, "fault", out_of_time)
    inputs, targets = np.zeros((3, 1), dtype=bool), np.ones((3, 1), dtype=bool)
    with pytest.raises(sp.UndecidedError, match="a proof that there are no weights was found, but the time limit"):
        sp.compile(sp.Spec([sp.Pattern(inputs, targets)], [1]))
