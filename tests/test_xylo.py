"""Xylo: the reference states its rule, by-hand programs keep to the chip, and XyloSim means the same integers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from cases import states_of

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.chips import CHIPS
from snnprog.conformance import check_conformance, random_trial
from snnprog.simulate import simulate

LOW, HIGH = -(1 << 15), (1 << 15) - 1


def saturated(value: int) -> int:
    return max(LOW, min(HIGH, value))


def loss(value: int, shift: int) -> int:
    """Return what a decay takes."""
    taken = value >> shift
    return taken if taken else (value > 0) - (value < 0)


def plain_run(program: sp.Program, raster: Raster) -> tuple[list[list[int]], list[list[int]], list[list[int]]]:
    """Run Xylo's rule in Python's own integers, event by event; return spike counts, currents and potentials."""
    is_output = [neuron in program.outputs.tolist() for neuron in range(program.n_neurons)]
    current, potential = [0] * program.n_neurons, [0] * program.n_neurons
    sent = [0] * (program.n_inputs + program.n_neurons)
    record: tuple[list[list[int]], list[list[int]], list[list[int]]] = ([], [], [])
    weights = program.effective_weight().tolist()
    for row in raster.astype(int).tolist():
        for line, count in enumerate(sent):
            for pre, post, weight in zip(program.pre.tolist(), program.post.tolist(), weights, strict=True):
                for _ in range(count if pre == line else 0):
                    current[post] = saturated(current[post] + weight)
        fired = [0] * program.n_neurons
        for neuron in range(program.n_neurons):
            current[neuron] -= loss(current[neuron], int(program.current_decay[neuron]))
            change = -loss(potential[neuron], int(program.potential_decay[neuron]))
            change = saturated((LOW if change == -LOW else change) + current[neuron])
            change = saturated(change + int(program.bias[neuron]))
            potential[neuron] = saturated(potential[neuron] + change)
            while potential[neuron] >= program.threshold[neuron] and fired[neuron] < (1 if is_output[neuron] else 31):
                potential[neuron] -= int(program.threshold[neuron])
                fired[neuron] += 1
        for column, values in zip(record, (fired, current, potential), strict=True):
            column.append(list(values))
        sent = row + fired
    return record


def by_hand(**changes: Any) -> sp.Program:
    """Return two inputs, a hidden neuron 0 that feeds itself and an output 1."""
    arrays: dict[str, Any] = {
        "chip": "xylo",
        "n_inputs": 2,
        "n_neurons": 2,
        "outputs": [1],
        "pre": [0, 2, 2, 1],
        "post": [0, 0, 1, 1],
        "weight": [100, -20, 60, -30],
        "exponent": [0, 0, 1, 1],
        "threshold": [30, 40],
        "potential_decay": [3, 2],
    }
    return sp.Program.from_arrays(**(arrays | changes))


@pytest.mark.parametrize("seed", range(8))
def test_the_reference_is_the_rule(seed: int) -> None:
    trial = random_trial(seed, "xylo")
    raster = trial.inputs[0][:60]
    (trace,) = simulate(trial.program, [raster], state=True)
    fired, currents, potentials = plain_run(trial.program, raster)
    assert trace.currents is not None
    assert trace.potentials is not None
    assert trace.currents.tolist() == currents
    assert trace.potentials.tolist() == potentials
    assert trace.spikes.astype(int).tolist() == [[row[output] for output in trial.program.outputs] for row in fired]


def test_hidden_neurons_spike_several_times_and_readouts_once() -> None:
    program = by_hand(threshold=[7, 1], weight=[100, 0, 60, 0])
    fired, _, potentials = plain_run(program, np.eye(6, 2, dtype=bool))
    (trace,) = simulate(program, [np.eye(6, 2, dtype=bool)], state=True)
    assert max(row[0] for row in fired) == 7
    assert max(row[1] for row in fired) == 1
    assert trace.potentials is not None
    assert trace.potentials.tolist() == potentials


def test_a_decay_of_small_values_takes_at_least_one() -> None:
    program = by_hand(weight=[3, 0, 0, 0], current_decay=[15, 1], potential_decay=[15, 1], threshold=[HIGH, HIGH])
    (trace,) = simulate(program, [np.eye(6, 2, dtype=bool)], state=True)
    assert trace.currents is not None
    assert trace.currents[:, 0].tolist() == [0, 2, 1, 0, 0, 0]
    assert trace.potentials is not None
    assert trace.potentials[:, 0].tolist() == [0, 2, 2, 1, 0, 0]


def test_patterns_side_by_side_are_the_same_as_alone() -> None:
    trial = random_trial(3, "xylo")
    together = simulate(trial.program, trial.inputs, state=True)
    for raster, trace in zip(trial.inputs, together, strict=True):
        (alone,) = simulate(trial.program, [raster], state=True)
        assert np.array_equal(alone.spikes, trace.spikes)
        assert np.array_equal(states_of(alone)[1], states_of(trace)[1])


def test_the_first_value_that_is_clipped_is_told() -> None:
    program = by_hand(weight=[127, 0, 0, 0], exponent=[7, 7, 0, 0], current_decay=[4, 1], threshold=[HIGH, HIGH])
    (trace,) = simulate(program, [np.ones((5, 2), dtype=bool)])
    assert trace.excursion is not None
    value = 127 * 128
    second = value - (value >> 4)
    assert (trace.excursion.tick, trace.excursion.neuron, trace.excursion.quantity) == (2, 0, "potential")
    assert trace.excursion.value == 2 * second + value - (second + value >> 4) - (second >> 3)


LIMITS: Mapping[str, tuple[dict[str, Any], str]] = {
    "a delay": ({"delay": [1, 2, 1, 1]}, "delay[1] must be 1, got 2"),
    "an output that feeds": (
        {"pre": [0, 3, 2, 1]},
        "pre of synapse 1 must be an input or a hidden neuron on xylo, got neuron 1, an output;",
    ),
    "exponents": ({"exponent": [0, 1, 1, 1]}, "exponents into the hidden layer must be equal on xylo, got [0, 1]"),
    "readout exponents": (
        {"exponent": [0, 0, 1, 2]},
        "exponents into the readout layer must be equal on xylo, got [1, 2]",
    ),
    "a synapse twice": ({"pre": [0, 0, 2, 1]}, "synapses from line 0 to neuron 0 must be 0 to 1 on xylo, got 2"),
    "a weight": ({"weight": [128, 0, 0, 0]}, "excitatory weight[0] must be 0 to 127, got 128"),
    "a threshold": ({"threshold": [0, 1]}, "threshold[0] must be 1 to 32767, got 0"),
    "a shift": ({"current_decay": [16, 1]}, "current_decay[0] must be 0 to 15, got 16"),
    "a bias": ({"bias": [128, 0]}, "bias must be a mantissa of -127 to 127 shifted left by 0 to 0, got 128"),
    "inputs": ({"n_inputs": 17, "pre": [0, 17, 17, 1]}, "inputs must be 0 to 16 on xylo, got 17"),
}


@pytest.mark.parametrize("name", LIMITS)
def test_what_the_chip_does_not_have(name: str) -> None:
    changes, message = LIMITS[name]
    with pytest.raises(sp.LimitError, match=re.escape(message)):
        by_hand(**changes)


def test_too_many_neurons_and_too_wide_a_fan_out() -> None:
    none: dict[str, Any] = {name: [] for name in ("pre", "post", "delay", "weight", "exponent")}
    many = {"threshold": [1] * 80, "current_decay": [1] * 80, "potential_decay": [1] * 80, "bias": [0] * 80}
    with pytest.raises(sp.LimitError, match=re.escape("outputs must be 0 to 8 on xylo, got 9")):
        by_hand(n_neurons=80, outputs=np.arange(9), **none, **many)
    post = np.arange(1, 65)
    wide: dict[str, Any] = {"pre": [0] * 64, "post": post, "delay": [1] * 64, "weight": post, "exponent": [0] * 64}
    with pytest.raises(sp.LimitError, match=re.escape("fan-out of line 0 must be 0 to 64 on xylo, got 65")):
        by_hand(n_neurons=80, outputs=[0], **wide, **many)


def test_time_constants_become_the_nearest_shifts() -> None:
    dynamics = sp.Dynamics.from_time_constants(potential=15.5, current=1.4427, chip="xylo")
    assert (dynamics.potential_decay, dynamics.current_decay) == (4, 1)
    assert dynamics.effective_time_constants(CHIPS["xylo"])[1] == pytest.approx(1.4427, abs=1e-4)


def test_program_files_name_the_rule(tmp_path: object) -> None:
    path = f"{tmp_path}/p.snnp"
    by_hand().save(path)
    assert sp.load(path).weight.tolist() == by_hand().weight.tolist()


@pytest.mark.snnprog_backend("xylosim")
def test_xylosim_means_the_same_integers() -> None:
    """Every program, clipping or not; what was measured over more seeds stands in the notes of the release."""
    outcome = check_conformance("xylosim", programs=8)
    assert outcome.divergence is None
    assert outcome.neuron_ticks > 60_000
    assert outcome.spikes > 1000
