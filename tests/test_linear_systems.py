"""Linear systems by spikes: the code of their inputs and states, the network, and programs on inputs of no spec."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm
from untyped import untyped

import snnprog as sp
from snnprog.arrays import Floats, Raster
from snnprog.coding import BalancedCode, pulse_density
from snnprog.specs.balanced import BalancedNetwork, spikes_of

LEAKY = [[-0.02]], [[0.02]]
TWO = [[0.0, 0.05], [-0.05, -0.025]], [[0.0], [0.05]]
TICKS = 4000


def signals(seed: int, inputs: int = 1, ticks: int = TICKS) -> Floats:
    """Return smooth random inputs, unlike the jumps of a spec."""
    phases = np.random.default_rng(seed).uniform(0.0, 2.0 * np.pi, (3, inputs))
    times = np.arange(ticks)[:, None]
    waves = [np.sin(2.0 * np.pi * times / period + phase) for period, phase in zip((97, 230, 611), phases, strict=True)]
    found: Floats = np.sum(waves, axis=0) / 3.0
    return found


# ----------------------------------------------------------------------------------------------------------- the code


@given(st.integers(0, 1000), st.floats(0.1, 10.0))
def test_sums_of_pulses_stay_within_half_a_step(seed: int, step: float) -> None:
    values = np.random.default_rng(seed).uniform(-step, step, (200, 2))
    values[:20] = step
    spikes = pulse_density(values, step)
    assert not (spikes[:, 0::2] & spikes[:, 1::2]).any()
    sent = step * np.cumsum(spikes[:, 0::2].astype(int) - spikes[:, 1::2], axis=0)
    assert np.abs(sent - np.cumsum(values, axis=0)).max() <= step * (0.5 + 1e-9)


def test_signals_beyond_a_step_are_refused() -> None:
    message = r"signals must be between -0\.5 and 0\.5 on channel 1, got -0\.6 at tick 1: take a greater step"
    with pytest.raises(sp.SpecError, match=message):
        pulse_density([[0.0, 0.5], [0.1, -0.6]], 0.5)
    with pytest.raises(sp.SpecError, match="step must be positive"):
        pulse_density([[0.0]], 0.0)


@given(st.integers(0, 10_000))
def test_the_system_from_tick_to_tick_is_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    system, drive, dt = rng.normal(size=(3, 3)) - 3.0 * np.eye(3), rng.normal(size=(3, 2)), float(rng.uniform(0.01, 2))
    code = BalancedCode(system, drive, dt=dt, reach=1.0)
    joined = np.zeros((5, 5))
    joined[:3, :3], joined[:3, 3:] = system * dt, drive * dt
    for found, wanted in zip(code.discrete, np.hsplit(expm(joined)[:3], [3]), strict=True):
        assert np.allclose(found, wanted, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("delay", [1, 4])
def test_the_solution_is_late_by_the_delay(delay: int) -> None:
    code, inputs = BalancedCode(*TWO, delay=delay), signals(1, ticks=200)
    system, drive = code.discrete
    state: Floats = np.zeros(2)
    for tick, wanted in enumerate(code.solution(inputs)):
        state = system @ state + drive @ (inputs[tick - delay] if tick >= delay else np.zeros(1))
        assert np.allclose(state, wanted)


def test_spikes_are_decoded_by_a_leaky_sum() -> None:
    code = BalancedCode(*TWO, C=[[1.0, -2.0]])
    spikes = np.random.default_rng(2).random((200, 4)) < 0.3
    state = np.zeros(2)
    for row, wanted in zip(spikes.astype(int), code.decode(spikes), strict=True):
        state = code.kept * state + code.steps * (row[:2] - row[2:])
        assert np.allclose(state @ [1.0, -2.0], wanted)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"A": [[1.0, 2.0]]}, r"A must be of shape \(states, states\)"),
        ({"A": [[0.01]]}, "reach must be given"),
        ({"A": [[1.0]]}, "reach must be given"),
        ({"C": [[1.0, 2.0]]}, r"C must be of shape \(outputs, 1\)"),
        ({"B": [[np.nan]]}, "B must be a matrix of finite numbers"),
        ({"refractory": 2}, "refractory must be True or False, got 2"),
        ({"tau": 0.0}, "tau must be a positive number, got 0.0"),
        ({"dt": np.inf}, "dt must be a positive number, got inf"),
        ({"delay": 0}, "delay must be at least 1, got 0"),
        ({"limit": [1.0, 2.0]}, "limit must be a positive number, or 1 of them"),
        ({"reach": -1.0}, "reach must be a positive number, or 1 of them"),
    ],
)
def test_codes_that_cannot_be(options: dict[str, object], message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        untyped(BalancedCode)(**({"A": LEAKY[0], "B": LEAKY[1]} | options))


# -------------------------------------------------------------------------------------------------------- the network


def plain_spikes(network: BalancedNetwork, inputs: Raster) -> Raster:
    """Return the spikes of a network, from the sums of its weights over all past spikes, neuron by neuron."""
    ticks, n = len(inputs), network.n_neurons
    lines = np.concatenate([inputs, np.zeros((ticks, n), bool)], axis=1)
    current, potential, free = np.zeros(n), np.zeros(n), np.zeros(n, int)
    for tick in range(ticks):
        for neuron in range(n):
            arrived = sum(
                network.weights[index, neuron, line]
                for index, delay in enumerate(network.delays)
                if tick >= delay
                for line in np.flatnonzero(lines[tick - delay])
            )
            current[neuron] = network.current * current[neuron] + arrived
            potential[neuron] = network.potential * potential[neuron] + current[neuron] if tick >= free[neuron] else 0.0
            if potential[neuron] > network.threshold:
                lines[tick, inputs.shape[1] + neuron], potential[neuron] = True, 0.0
                free[neuron] = tick + network.refractory
    spikes: Raster = lines[:, inputs.shape[1] :]
    return spikes


@pytest.mark.parametrize(("system", "delay"), [(LEAKY, 1), (LEAKY, 3), (TWO, 1), (TWO, 4)])
def test_a_network_is_the_sum_of_its_weights(system: tuple[list[list[float]], list[list[float]]], delay: int) -> None:
    code = BalancedCode(*system, delay=delay)
    network, inputs = BalancedNetwork.of(code, overshoot=0.1), code.encode(signals(3, ticks=400))
    assert np.array_equal(spikes_of(network, inputs)[0], plain_spikes(network, inputs))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5), st.floats(5.0, 200.0), st.booleans())
def test_the_error_of_a_leaky_integrator_is_bounded(
    seed: int, delay: int, time_constant: float, refractory: bool
) -> None:
    code = BalancedCode(-1.0 / time_constant, 1.0 / time_constant, delay=delay, refractory=refractory)
    rng = np.random.default_rng(seed)
    inputs = np.repeat(rng.uniform(-1.0, 1.0, 100).round(), rng.integers(1, 20, 100))[:, None]
    spikes, _ = spikes_of(BalancedNetwork.of(code), code.encode(inputs))
    assert code.error_bound is not None
    assert (np.abs(code.states(spikes) - code.solution(inputs)) <= code.error_bound).all()


@pytest.mark.parametrize("delay", [1, 3, 5])
def test_a_network_follows_an_oscillator_without_ping_pong(delay: int) -> None:
    code, inputs = BalancedCode(*TWO, delay=delay), signals(4)
    spikes, _ = spikes_of(BalancedNetwork.of(code, overshoot=0.1), code.encode(inputs))
    error = code.states(spikes) - code.solution(inputs)
    assert (np.sqrt((error**2).mean(axis=0)) < 0.6 * code.steps).all()
    assert code.error_bound is None


# ------------------------------------------------------------------------------------------------------- the programs


@cache
def leaky(delay: int, *, refractory: bool = True) -> tuple[sp.Spec, sp.CompileResult]:
    spec = sp.specs.linear_system(*LEAKY, delay=delay, ticks=1200, refractory=refractory)
    return spec, sp.compile(spec)


@pytest.mark.parametrize("delay", [1, 3])
def test_a_program_follows_inputs_of_no_spec(delay: int) -> None:
    spec, result = leaky(delay)
    assert sp.verify(result.program, spec, backends=["kernel", "reference"]).exact
    code, inputs = BalancedCode(*LEAKY, delay=delay), signals(7)
    spikes = sp.run(result.program, code.encode(inputs)).spikes
    assert np.array_equal(sp.run(result.program, code.encode(inputs), "reference").spikes, spikes)
    error = code.decode(spikes) - code.solution(inputs)
    assert code.error_bound is not None
    assert np.abs(error).max() <= code.error_bound[0]
    assert np.sqrt((error**2).mean()) < 0.4 * code.steps[0]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 3]))
def test_the_error_of_a_program_is_bounded(seed: int, delay: int) -> None:
    _, result = leaky(delay)
    code, rng = BalancedCode(*LEAKY, delay=delay), np.random.default_rng(seed)
    inputs = np.repeat(rng.uniform(-1.0, 1.0, 200).round(), rng.integers(1, 60, 200))[:, None]
    error = np.abs(code.decode(sp.run(result.program, code.encode(inputs)).spikes) - code.solution(inputs))
    bound = sp.error_bound(result.program, code)
    assert bound is not None
    assert code.error_bound is not None
    assert error.max() <= bound[0] < 3.0 * code.error_bound[0]


@pytest.mark.snnprog_backend("lava")
def test_a_program_without_refractory_periods_runs_on_lava() -> None:
    _, result = leaky(3, refractory=False)
    assert not result.program.has_refractory
    code, inputs = BalancedCode(*LEAKY, delay=3, refractory=False), signals(7)
    raster = code.encode(inputs)
    spikes = sp.run(result.program, raster).spikes
    assert np.array_equal(sp.run(result.program, raster[:400], "lava").spikes, spikes[:400])
    error = np.abs(code.decode(spikes) - code.solution(inputs))
    assert code.error_bound is not None
    assert error.max() <= code.error_bound[0]


def test_a_bound_grows_with_the_errors_of_weights() -> None:
    _, result = leaky(3)
    code, program = BalancedCode(*LEAKY, delay=3), result.program
    usual = sp.error_bound(program, code)
    weights = program.synapses.weight.copy()
    weights[weights.argmax()] -= 40
    wrong = sp.error_bound(program.with_synapses(weight=weights), code)
    assert usual is not None
    assert wrong is not None
    assert wrong[0] > usual[0]
    pre = program.synapses.pre
    exchanged = np.where(pre < 2, 1 - pre, pre)  # the input's lines
    assert sp.error_bound(program.with_synapses(pre=exchanged), code) is None
    assert sp.error_bound(program, BalancedCode(*TWO)) is None


def test_a_bound_is_of_a_program_of_the_code() -> None:
    _, result = leaky(3)
    with pytest.raises(sp.SpecError, match="error_bound needs a program that was compiled from the linear_system"):
        sp.error_bound(result.program, BalancedCode(*LEAKY, delay=1))


def test_a_spec_is_of_its_parameters() -> None:
    spec, _ = leaky(3)
    assert (spec.n_inputs, spec.n_outputs, spec.recurrent, spec.delays, spec.refractory) == (2, 2, True, (3,), 3)
    assert spec.input_names == ("u0 up", "u0 down")
    assert spec.output_names == ("x0 up", "x0 down")
    again = sp.specs.linear_system(*LEAKY, delay=3, ticks=1200)
    other = sp.specs.linear_system(*LEAKY, delay=3, ticks=1200, seed=1)
    assert again.digest() == spec.digest() != other.digest()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chip": "xylo"}, "linear_system needs a delay of 2, and xylo has 1 to 1"),
        ({"chip": "fpga-subtract"}, "linear_system needs a reset to zero, and on fpga-subtract a reset subtracts"),
        ({"delay": 63}, "linear_system needs a delay of 64, and loihi1 has 1 to 63: take a shorter delay"),
        ({"ticks": 0}, "ticks must be at least 1, got 0"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
    ],
)
def test_specs_that_linear_systems_cannot_have(options: dict[str, object], message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        untyped(sp.specs.linear_system)(*LEAKY, **options)
