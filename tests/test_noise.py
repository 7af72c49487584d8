"""Noise asked for, and added: to the potential of plain integers, where it is compared with the threshold."""

from __future__ import annotations

import numpy as np
import pytest
from cases import CASES, PlainNeuron, exact_arrivals, random_raster, with_wishes
from numpy.typing import NDArray
from test_design import random_spec, widest_distance

import snnprog as sp
from snnprog.spec import presynaptic_raster

UNIT = 64
NOISE = 4.53125


def weights_of(program: sp.Program, spec: sp.Spec, output: int) -> list[list[int]]:
    """Return (delays, lines) what each tap adds to one neuron."""
    weights = np.zeros((len(spec.delays), spec.n_presynaptic), dtype=int)
    for synapse in np.flatnonzero(program.post == output):
        slot = spec.delays.index(int(program.delay[synapse]))
        weights[slot, program.pre[synapse]] += int(program.weight[synapse]) << int(program.exponent[synapse])
    return weights.tolist()


def noisy_run(program: sp.Program, spec: sp.Spec, output: int, noise: NDArray[np.int64]) -> list[bool]:
    """Return the spikes of one output on all patterns, with noise (ticks,) in units of the potential."""
    weights, threshold, drawn = weights_of(program, spec, output), int(program.threshold[output]), iter(noise.tolist())
    spikes = []
    for pattern, trace in zip(
        spec.patterns, sp.run(program, [pattern.inputs for pattern in spec.patterns]), strict=True
    ):
        neuron = PlainNeuron(spec.dynamics.current_decay, spec.dynamics.potential_decay, int(program.bias[output]))
        fed_back = sp.Pattern(pattern.inputs, trace.spikes)
        for arriving in exact_arrivals(presynaptic_raster(spec, fed_back), spec.delays, weights):
            neuron.integrate(int(arriving) * UNIT)
            spikes.append(neuron.v + next(drawn) > UNIT * threshold)
            neuron.v = 0 if spikes[-1] else neuron.v
    return spikes


@pytest.mark.parametrize("name", CASES)
def test_noise_up_to_what_is_reported_is_survived_and_no_more(name: str) -> None:
    spec = with_wishes(CASES[name](), noise=NOISE)
    result, generator = sp.compile(spec), np.random.default_rng(1)
    assert sp.verify(result.program, spec).exact
    ticks = sum(pattern.ticks for pattern in spec.patterns)
    silence = np.zeros(ticks, dtype=np.int64)
    for output, neuron in enumerate(result.report.neurons):
        assert neuron.noise is not None
        assert neuron.noise >= NOISE
        units = round(neuron.noise * UNIT)
        assert units == neuron.noise * UNIT
        expected = noisy_run(result.program, spec, output, silence)
        for noise in (units, -units, generator.choice([-units, units], ticks), generator.integers(-units, units + 1)):
            assert noisy_run(result.program, spec, output, silence + noise) == expected
        too_much = [noisy_run(result.program, spec, output, silence + way * (units + 1)) for way in (1, -1)]
        assert too_much != [expected, expected]


def test_nothing_is_measured_where_no_noise_is_asked_for() -> None:
    assert [neuron.noise for neuron in sp.compile(CASES["feed_forward"]()).report.neurons] == [None] * 3


def test_a_fixed_threshold_leaves_no_more_room_than_it_has() -> None:
    """A threshold of 20 leaves silences 20 LSBs, and not one unit more; the one input must reach beyond 20 + noise."""
    inputs = np.zeros((6, 1), dtype=bool)
    inputs[2] = True
    targets = np.roll(inputs, 1, axis=0)
    for noise, weight, status in ((0.0, 21, "certified"), (19.0, 40, "certified"), (20.0, 41, "exact")):
        result = sp.compile(sp.Spec([sp.Pattern(inputs, targets)], threshold=20, noise=noise))
        assert result.report.neurons[0].status == status
        assert int(result.program.effective_weight()[0]) >= weight
    with pytest.raises(sp.InfeasibleError, match=r"be silent at .* noise of 20\.0156 weight LSBs to survive"):
        sp.compile(sp.Spec([sp.Pattern(inputs, targets)], threshold=20, noise=20 + 1 / UNIT))


@pytest.mark.usefixtures("small_searches")
def test_noise_that_only_real_weights_survive_is_told() -> None:
    """Weights of up to 255 << 7 make it possible, what may arrive in one tick does not."""
    spec = with_wishes(CASES["several_patterns"](), noise=5000)
    with pytest.raises(sp.QuantizationError, match=r"output 0 must tolerate noise of 5000 LSBs in integers, got \d"):
        sp.compile(spec)


def test_noise_makes_weights_of_a_coarser_grid() -> None:
    spec = with_wishes(CASES["recurrent"](), noise=200)
    plain, noisy = sp.compile(CASES["recurrent"]()), sp.compile(spec)
    assert max(neuron.exponent for neuron in plain.report.neurons) == 0
    assert max(neuron.exponent for neuron in noisy.report.neurons) > 0
    assert min(neuron.noise or 0.0 for neuron in noisy.report.neurons) >= 200


def test_bins_that_do_not_count_do_not_flip_either() -> None:
    inputs = random_raster(3, 40, 4, 0.3)
    targets = np.zeros((40, 1), dtype=bool)
    targets[8::7] = inputs[7:-1:7, :1]
    care = random_raster(4, 40, 1, 0.7)
    spec = sp.Spec([sp.Pattern(inputs, targets, care)], delays=[1, 2, 3], noise=10)
    result = sp.compile(spec)
    expected = noisy_run(result.program, spec, 0, np.zeros(40, dtype=np.int64))
    assert noisy_run(result.program, spec, 0, np.full(40, 10 * UNIT)) == expected
    assert noisy_run(result.program, spec, 0, np.full(40, -10 * UNIT)) == expected


def test_verdicts_under_noise_agree_with_another_solver() -> None:
    """All rows at once, from exact fractions: by how much the best weights of the widest box clear the threshold."""
    told = {"infeasible": 0, "built": 0}
    for seed in range(48):
        spec, noise = random_spec(seed), (3.0, 50.0, 1000.0, 8000.0)[seed % 4]
        widest = widest_distance(spec, 0)
        try:
            sp.compile(with_wishes(spec, noise=noise))
        except sp.InfeasibleError:
            told["infeasible"] += 1
            assert widest <= noise
        except (sp.QuantizationError, sp.LimitError):
            assert widest > noise - 1 / UNIT
        else:
            told["built"] += 1
            assert widest > noise - 1 / UNIT
    assert min(told.values()) > 10
