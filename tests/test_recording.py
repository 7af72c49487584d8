"""A run with all that pictures need: rows, margins, and what is compared with what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases import CASES, plain_run

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.conformance import golden_programs
from snnprog.report.recording import judge, name_of_row, nearest, record, rows_of

GOLDEN = {golden.name: golden for golden in golden_programs("loihi1")}


def relay(**changes: Any) -> sp.Program:
    """Return three neurons that repeat one input at different delays; the last two are read out, the second first."""
    arrays: dict[str, Any] = {
        "chip": "loihi1",
        "n_inputs": 1,
        "n_neurons": 3,
        "outputs": [2, 1],
        "pre": [0, 0, 0],
        "post": [0, 1, 2],
        "delay": [1, 2, 3],
        "weight": [60, 70, 80],
        "threshold": 50,
        "potential_decay": 4095,
    }
    return sp.Program.from_arrays(**(arrays | changes))


@pytest.fixture
def inputs() -> Raster:
    raster = np.zeros((6, 1), dtype=bool)
    raster[1] = True
    return raster


def test_rows_are_outputs_in_order_then_all_others(inputs: Raster) -> None:
    program = relay()
    recording = record(program, [inputs])
    assert rows_of(program).tolist() == [2, 1, 0]
    assert [name_of_row(program, row) for row in range(3)] == ["output 0", "output 1", "hidden neuron 0"]
    assert [np.flatnonzero(recording.spikes[:, row]).tolist() for row in range(3)] == [[4], [3], [2]]
    assert (recording.potentials[[4, 3, 2], [0, 1, 2]] == [80 * 64, 70 * 64, 60 * 64]).all()


@pytest.mark.parametrize("name", GOLDEN)
def test_patterns_follow_one_another(name: str) -> None:
    golden = GOLDEN[name]
    recording = record(golden.trial.program, golden.trial.inputs)
    assert recording.lengths == tuple(len(raster) for raster in golden.trial.inputs)
    for start, trace, answer in zip(recording.starts, golden.expected, recording.answers(), strict=True):
        assert (answer == trace.spikes).all()
        assert (recording.spikes[start : start + len(answer), : answer.shape[1]] == trace.spikes).all()


def test_all_neurons_fire_as_in_plain_integers() -> None:
    golden = GOLDEN["some_outputs"]
    recording = record(golden.trial.program, golden.trial.inputs[:1])
    plain = np.array(plain_run(golden.trial.program, golden.trial.inputs[0]).spikes)
    assert (recording.spikes == plain[:, recording.rows]).all()


def test_margins_are_distances_at_the_worst_bin_that_counts(inputs: Raster) -> None:
    targets = np.zeros((6, 2), dtype=bool)
    targets[4, 0] = targets[3, 1] = True
    spec = sp.Spec([sp.Pattern(inputs, targets)])
    found = nearest(judge(record(relay(), [inputs]), spec))
    assert [(each.spike, each.spike_tick, each.silence) for each in found] == [(30, 4, 50), (20, 3, 50), (10, 2, 50)]
    assert [each.margin for each in found] == [30, 20, 10]


def test_silence_in_a_refractory_period_has_no_margin() -> None:
    """An input at each tick makes it spike at every third; in between it is held, and can come no nearer."""
    program = relay(post=[2, 2, 2], weight=[60, 0, 0], delay=[1, 2, 3], refractory=[1, 1, 3])
    inputs, targets = np.ones((8, 1), dtype=bool), np.zeros((8, 2), dtype=bool)
    targets[1::3, 0] = True
    recording = record(program, [inputs, inputs])
    assert np.flatnonzero(recording.held[:8, 0]).tolist() == [2, 3, 5, 6]
    assert (recording.held[8:, 0] == recording.held[:8, 0]).all()
    assert (recording.potentials[:8, 0] / 64).tolist() == [0, 60, 0, 0, 60, 0, 0, 60]
    judged = judge(recording, sp.Spec([sp.Pattern(inputs, targets)] * 2))
    found = nearest(judged)[0]
    assert (judged.wrong, found.spike, found.silence, found.silence_tick) == ((), 10, 50, 0)


def test_what_is_on_the_wrong_side_is_negative(inputs: Raster) -> None:
    targets = np.zeros((6, 2), dtype=bool)
    targets[2, 0] = True
    judged = judge(record(relay(), [inputs]), sp.Spec([sp.Pattern(inputs, targets)]))
    found = nearest(judged)
    assert (found[0].spike, found[0].spike_tick, found[0].silence, found[0].silence_tick) == (-50, 2, -30, 4)
    assert (found[1].spike, found[1].spike_tick, found[1].silence, found[1].margin) == (None, -1, -20, -20)
    assert judged.wrong_ticks("missing") == ([2], [0])
    assert judged.wrong_ticks("extra") == ([3, 4], [1, 0])


def test_bins_that_do_not_count_have_no_margin(inputs: Raster) -> None:
    care = np.zeros((6, 2), dtype=bool)
    care[0, 0] = True
    found = nearest(judge(record(relay(), [inputs]), sp.Spec([sp.Pattern(inputs, care, care)])))
    assert (found[0].spike, found[0].silence) == (-50, None)
    assert (found[1].spike, found[1].silence, found[1].margin) == (None, None, np.inf)


def test_with_windows_margins_are_those_of_the_ticks_that_were_chosen(inputs: Raster) -> None:
    targets = np.zeros((6, 2), dtype=bool)
    targets[5, 0] = targets[2, 1] = True
    judged = judge(record(relay(), [inputs]), sp.Spec([sp.Pattern(inputs, targets)], window=(1, 1)))
    assert judged.wrong == ()
    assert [each.margin for each in nearest(judged)] == [30, 20, 10]
    late = sp.Spec([sp.Pattern(inputs, np.roll(targets, 3, axis=0))], window=(1, 1))
    assert nearest(judge(record(relay(), [inputs]), late))[0].spike == -50


@pytest.mark.parametrize("name", ["many_delays", "both_decays", "care_mask", "several_patterns", "free_bias"])
def test_every_compiled_program_keeps_its_margin(name: str) -> None:
    """The compiler tells the margin under exact decays; integers truncate, and are never on the wrong side."""
    spec = CASES[name]()
    result = sp.compile(spec)
    found = nearest(judge(record(result.program, [pattern.inputs for pattern in spec.patterns]), spec))
    for measured, told in zip(found, result.report.neurons, strict=True):
        assert measured.margin >= 0
        assert measured.margin == pytest.approx(told.margin, abs=3.0)


def test_nothing_to_run_on_is_refused() -> None:
    with pytest.raises(sp.SpecError, match="inputs must have at least one pattern, got none"):
        record(relay(), [])
