"""Networks whose potentials were observed, and what of them comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from cases import plain_run, random_raster, with_wishes
from numpy.typing import NDArray
from untyped import untyped

import snnprog as sp

DELAYS = (1, 2, 5)
DYNAMICS = {
    "no memory of currents": sp.Dynamics(205, 4095),
    "no leak": sp.Dynamics(0, 4095),
    "slow currents": sp.Dynamics(205, 1500),
    "slower currents": sp.Dynamics(1000, 200),
}


@dataclass(frozen=True, eq=False)
class Observed:
    """A network, and what plain integers say that it did."""

    program: sp.Program
    spec: sp.Spec
    potentials: list[NDArray[np.int64]]

    @property
    def weights(self) -> NDArray[np.int64]:
        """(delays, lines, neurons) What each tap adds."""
        program = self.program
        weights = np.zeros((len(self.spec.delays), self.spec.n_presynaptic, program.n_neurons), dtype=np.int64)
        slot = np.searchsorted(self.spec.delays, program.delay)
        weights[slot, program.pre, program.post] = program.effective_weight()
        return weights


def observe(
    seed: int,
    *,
    dynamics: sp.Dynamics,
    ticks: tuple[int, ...] = (150, 90),
    bias: int = 0,
    is_bias_known: bool = True,
) -> Observed:
    """Run a random recurrent network of four neurons on random inputs."""
    generator = np.random.default_rng(seed)
    n_inputs, n_neurons = 4, 4
    grid = np.meshgrid(np.arange(n_inputs + n_neurons), np.arange(n_neurons), DELAYS)
    kept = generator.random(grid[0].size) < 0.8
    pre, post, delay = (axis.ravel()[kept] for axis in grid)
    memory = 4096 / (1 + dynamics.current_decay)
    weight = np.rint(generator.integers(-100, 105, pre.size) / memory).astype(int)
    weight[pre >= n_inputs] //= 2
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        pre=pre,
        post=post,
        delay=delay,
        weight=weight,
        exponent=1,
        threshold=200,
        bias=bias,
        current_decay=dynamics.current_decay,
        potential_decay=dynamics.potential_decay,
    )
    inputs = [generator.random((count, n_inputs)) < 0.25 for count in ticks]
    traces = [plain_run(program, raster) for raster in inputs]
    patterns = [sp.Pattern(raster, np.array(trace.spikes)) for raster, trace in zip(inputs, traces, strict=True)]
    spec = sp.Spec(patterns, DELAYS, recurrent=True, dynamics=dynamics, bias=bias if is_bias_known else "free")
    return Observed(program, spec, [np.array(trace.potentials) for trace in traces])


def assert_program_does_what_was_observed(recovery: sp.Recovery, observed: Observed) -> None:
    assert recovery.program is not None, recovery.obstacle
    assert recovery.obstacle == ""
    for pattern, potentials in zip(observed.spec.patterns, observed.potentials, strict=True):
        trace = plain_run(recovery.program, pattern.inputs)
        assert trace.spikes == pattern.targets.tolist()
        assert (np.array(trace.potentials) == potentials)[pattern.care & ~pattern.targets].all()


def assert_determined_weights_are_right(recovery: sp.Recovery, observed: Observed) -> None:
    for index, neuron in enumerate(recovery.neurons):
        right = np.rint(neuron.weights) == observed.weights[:, :, index]
        assert right[neuron.is_determined].all()


@pytest.mark.parametrize("dynamics", DYNAMICS.values(), ids=DYNAMICS)
@pytest.mark.parametrize(("bias", "is_bias_known"), [(0, True), (320, True), (320, False)])
def test_random_recurrent_networks_come_back_exactly(dynamics: sp.Dynamics, bias: int, is_bias_known: bool) -> None:
    complete = 0
    for seed in (2, 3, 5):
        observed = observe(seed, dynamics=dynamics, bias=bias, ticks=(200, 100), is_bias_known=is_bias_known)
        recovery = sp.recover(observed.spec, observed.potentials)
        assert_determined_weights_are_right(recovery, observed)
        assert_program_does_what_was_observed(recovery, observed)
        assert recovery.program is not None
        for index, neuron in enumerate(recovery.neurons):
            assert neuron.thresholds is not None
            assert neuron.thresholds[0] <= recovery.program.threshold[index] <= neuron.thresholds[1]
            if neuron.is_complete:
                complete += 1
                again = Observed(recovery.program, observed.spec, observed.potentials)
                assert (again.weights[:, :, index] == observed.weights[:, :, index]).all()
                assert recovery.program.bias[index] == bias
                assert neuron.rank == neuron.unknowns
                assert neuron.thresholds[0] <= observed.program.threshold[index] <= neuron.thresholds[1]
    assert complete >= 4


@pytest.mark.parametrize("dynamics", DYNAMICS.values(), ids=DYNAMICS)
def test_what_was_not_observed_may_stay_unknown_but_is_never_wrong(dynamics: sp.Dynamics) -> None:
    """Short records, and potentials of which a third is hidden."""
    some = programs = 0
    for seed in range(25):
        full = observe(seed, dynamics=dynamics, ticks=(20 + 4 * seed, 10), bias=64)
        care = [random_raster(seed, len(pattern.targets), 4, 0.67) for pattern in full.spec.patterns]
        patterns = [
            sp.Pattern(pattern.inputs, pattern.targets, mask)
            for pattern, mask in zip(full.spec.patterns, care, strict=True)
        ]
        observed = Observed(full.program, with_wishes(full.spec, patterns=patterns), full.potentials)
        hidden = [
            np.where(mask, values, -77) for mask, values in zip(care, full.potentials, strict=True)
        ]  # must not be read
        recovery = sp.recover(observed.spec, hidden)
        assert_determined_weights_are_right(recovery, observed)
        some += sum(int(neuron.is_determined.sum()) for neuron in recovery.neurons)
        if recovery.program is not None:
            programs += 1
            assert_program_does_what_was_observed(recovery, observed)
    assert some > 200
    assert programs > 0


@pytest.mark.parametrize("seed", range(6))
def test_determined_is_what_the_rank_determines(seed: int) -> None:
    """Without memory of currents, a seen tick gives the sum of the weights that arrive: a row of zeros and ones."""
    observed = observe(seed, dynamics=DYNAMICS["no leak"], ticks=(40, 20))
    recovery = sp.recover(observed.spec, observed.potentials)
    for index, neuron in enumerate(recovery.neurons):
        rows = []
        for pattern in observed.spec.patterns:
            lines = np.hstack([pattern.inputs, pattern.targets]).astype(float)
            late = [np.vstack([np.zeros((delay, lines.shape[1])), lines[:-delay]]) for delay in DELAYS]
            rows.append(np.hstack(late)[~pattern.targets[:, index]])
        matrix = np.vstack(rows)
        rank = np.linalg.matrix_rank(matrix)
        assert neuron.rank == rank
        assert neuron.unknowns == matrix.shape[1]
        alone = [np.linalg.matrix_rank(np.vstack([matrix, unit])) == rank for unit in np.eye(matrix.shape[1])]
        assert neuron.is_determined.ravel().tolist() == alone
        assert neuron.residual < 1e-6


def twins(signs: list[int] | None = None, weights: tuple[int, int] = (30, 11)) -> tuple[sp.Spec, list[NDArray[Any]]]:
    """Return what a neuron did whose first two inputs always spike together."""
    inputs = random_raster(5, 60, 3, 0.3)
    inputs[:, 1] = inputs[:, 0]
    program = sp.Program.from_arrays(
        chip="loihi1", n_inputs=3, n_neurons=1, pre=[0, 1, 2], post=0, weight=[*weights, -7], threshold=60
    )
    trace = plain_run(program, inputs)
    return sp.Spec([sp.Pattern(inputs, np.array(trace.spikes))], signs=signs), [np.array(trace.potentials)]


def test_twins_share_their_weight() -> None:
    spec, potentials = twins()
    recovery = sp.recover(spec, potentials)
    neuron = recovery.neurons[0]
    assert neuron.is_determined.tolist() == [[False, False, True]]
    assert neuron.weights == pytest.approx(np.array([[20.5, 20.5, -7]]))
    assert (neuron.rank, neuron.unknowns, neuron.is_complete) == (2, 3, False)
    assert recovery.program is not None
    assert plain_run(recovery.program, spec.patterns[0].inputs).potentials == potentials[0].tolist()


@pytest.mark.parametrize("signs", [[1, 1, -1], [-1, 1, -1], [1, -1, 0], [0, 0, -1], [0, 1, 0]])
def test_signs_choose_among_what_fits(signs: list[int]) -> None:
    spec, potentials = twins(signs)
    recovery = sp.recover(spec, potentials)
    assert recovery.program is not None, recovery.obstacle
    assert (np.array(signs)[recovery.program.pre] * recovery.program.weight >= 0).all()
    assert plain_run(recovery.program, spec.patterns[0].inputs).potentials == potentials[0].tolist()


def test_a_weight_against_its_sign_is_told() -> None:
    spec, potentials = twins([0, 0, 1])
    recovery = sp.recover(spec, potentials)
    assert recovery.program is None
    assert "from line 2 at delay 1 it has -7, against its sign" in recovery.obstacle
    assert recovery.neurons[0].weights[0, 2] == pytest.approx(-7)


def test_too_little_rank_is_not_called_impossible() -> None:
    """25 ticks of 30 lines: integer weights exist, for they were run, but the equations do not tell them."""
    generator = np.random.default_rng(0)
    weights = generator.integers(-60, 100, 30)
    synapses: dict[str, Any] = {
        "pre": np.arange(30),
        "post": [0] * 30,
        "delay": [1] * 30,
        "weight": weights,
        "exponent": [0] * 30,
    }
    neuron: dict[str, Any] = {"threshold": [200], "current_decay": [4095], "potential_decay": [163], "bias": [0]}
    program = sp.Program.from_arrays(chip="loihi1", n_inputs=30, n_neurons=1, outputs=[0], **synapses, **neuron)
    inputs = generator.random((25, 30)) < 0.1
    trace = sp.run(program, inputs, "reference", "state")
    assert trace.potentials is not None
    spec = sp.Spec([sp.Pattern(inputs, trace.spikes)], [1], dynamics=sp.Dynamics(163, 4095))
    recovery = sp.recover(spec, [trace.potentials])
    assert recovery.program is None
    assert recovery.obstacle.startswith("neuron 0: no integer weights were found, but some may exist: ")
    # The least-squares solution is one of many. What is wrong with its integers depends on the processor's last bits.
    assert recovery.obstacle.endswith("; the observations have rank 15 for 30 unknowns; observe more ticks")


def test_what_no_network_did_is_told() -> None:
    observed = observe(1, dynamics=DYNAMICS["no memory of currents"])
    wrong = [values.copy() for values in observed.potentials]
    tick, neuron = (int(place) for place in np.argwhere(~observed.spec.patterns[0].targets)[200])
    wrong[0][tick, neuron] += 1000
    recovery = sp.recover(observed.spec, wrong)
    assert recovery.program is None
    assert f"neuron {neuron}: no integer weights fit: " in recovery.obstacle
    assert not recovery.neurons[neuron].is_determined.any()
    assert recovery.neurons[neuron].residual > 100
    assert recovery.neurons[neuron].thresholds is None
    others = [recovery.neurons[index] for index in range(4) if index != neuron]
    assert all(other.thresholds is not None for other in others)


def test_a_given_threshold_must_fit() -> None:
    spec, potentials = twins(weights=(30, 10))
    assert sp.recover(with_wishes(spec, threshold=60), potentials).program is not None
    recovery = sp.recover(with_wishes(spec, threshold=500), potentials)
    assert recovery.program is None
    assert "no threshold lies between" in recovery.obstacle


def test_weights_beyond_the_grid_are_told() -> None:
    """A potential that follows from a weight of 301, which no mantissa and exponent make."""
    inputs = random_raster(5, 30, 1, 0.3)
    arriving = np.vstack([[False], inputs[:-1]]) * 301 * 64
    spec = sp.Spec([sp.Pattern(inputs, np.zeros((30, 1), dtype=bool))], dynamics=sp.Dynamics(4095, 4095))
    potentials, potential = [], 0
    for units in arriving[:, 0].tolist():
        potential = potential // 4096 + units
        potentials.append([potential])
    recovery = sp.recover(spec, [np.array(potentials)])
    assert recovery.program is None
    assert "weights up to 301 LSBs with a bias of 0 are not on the chip's grid" in recovery.obstacle
    assert recovery.neurons[0].weights.tolist() == [[pytest.approx(301)]]


def test_nothing_to_recover() -> None:
    """No presynaptic line and a bias that is given: nothing is unknown, and the clock is a program."""
    spec = sp.Spec([sp.Pattern(np.zeros((6, 0), dtype=bool), np.zeros((6, 1), dtype=bool))], bias=64)
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=0,
        n_neurons=1,
        pre=[],
        post=[],
        weight=[],
        threshold=100,
        bias=64,
    )
    potentials = np.array(plain_run(program, np.zeros((6, 0), dtype=bool)).potentials)
    recovery = sp.recover(spec, [potentials])
    assert recovery.program is not None
    assert recovery.neurons[0].is_complete
    assert sp.recover(spec, [potentials + 1]).program is None


@pytest.mark.parametrize(
    ("potentials", "message"),
    [
        ([], "potentials must have 1 array, one for each pattern, got 0"),
        (
            [np.zeros((60, 1))],
            r"potentials of pattern 0 must be integers of shape \(60, 1\), got float64 of shape \(60, 1\); give the"
            " integers of the chip, as Trace.potentials has them, not millivolts",
        ),
        (
            [np.zeros((60, 2), dtype=int)],
            r"potentials of pattern 0 must be integers of shape \(60, 1\), got int64 of shape \(60, 2\)",
        ),
        (np.zeros((1, 60, 1), dtype=int), "potentials must be a list of arrays, one for each pattern, got an ndarray"),
        (None, "potentials must be a list of arrays, one for each pattern, got None"),
        ([[[0], [0, 0]]], r"potentials must be arrays: setting an array element with a sequence\."),
        ([np.full((60, 1), 1 << 23)], "potentials of pattern 0 reach 8388608; the chip's stay below"),
    ],
)
def test_potentials_that_are_refused(potentials: list[NDArray[Any]], message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        sp.recover(twins()[0], potentials)


def test_only_a_spec_will_do() -> None:
    with pytest.raises(sp.SpecError, match="spec must be a Spec, got a list"):
        sp.recover(untyped([]), [])
