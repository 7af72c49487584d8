"""Integers fitted to samples: exact where they can be, the same every time, never worse where they were chosen."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from made_up_chips import KINDS, Kind, chip_of
from trained_networks import Example, convolution, dense, played, program_of

from snnprog.arrays import Int64s
from snnprog.chips import Chip, find_chip
from snnprog.errors import LimitError, SpecError
from snnprog.networks.calibration import (
    Accuracy,
    Calibrated,
    SampleSplit,
    TrainedLayers,
    calibrate,
    fewest_bits,
    split_samples,
)
from snnprog.networks.calibration.features import group_bins, neuron_rows
from snnprog.rules.expressions import Ref
from snnprog.simulate import simulate


def subtracting() -> Chip:
    """Return Loihi with a reset that takes the threshold off."""
    loihi = find_chip("loihi1")
    left = Ref("potential") - Ref("spikes") * (Ref("threshold") << 6)
    rule = replace(loihi.rule.with_step("reset", left), name="loihi-subtract")
    return replace(loihi, name="loihi-subtract", rule=rule)


def at_least() -> Chip:
    """Return Loihi whose neurons spike at the threshold, too."""
    loihi = find_chip("loihi1")
    rule = loihi.rule.with_step("fire", Ref("potential") >= (Ref("threshold") << 6))
    return replace(loihi, name="loihi-at-least", rule=replace(rule, name="loihi-at-least"))


CHIPS = {"loihi1": find_chip("loihi1"), "subtracting": subtracting(), "at least": at_least()}


def wrong_when_run(example: Example, result: Calibrated, chosen: Int64s, *, is_rounded: bool = False) -> int:
    """Return the wrong bins of the whole program on the reference."""
    integers = result.rounded if is_rounded else result.integers
    program = replace(
        program_of(example.layers, example.chip, integers), outputs=np.arange(example.layers.n_neurons, dtype=np.int32)
    )
    samples = example.samples.some(chosen)
    traces = simulate(program, samples.inputs)
    return sum(int((trace.spikes != spikes).sum()) for trace, spikes in zip(traces, samples.spikes, strict=True))


@pytest.mark.parametrize("name", CHIPS)
@pytest.mark.parametrize("seed", range(3))
def test_eight_bits_are_exact_where_fitted(name: str, seed: int) -> None:
    example = dense(chip=CHIPS[name], seed=seed)
    result = calibrate(example.layers, example.samples, chip=example.chip, bits=8, seed=seed)
    # where that is not worse than rounding on the samples that are chosen on
    assert result.wrong(0) == 0 or "rounded" in {stage.chosen for stage in result.stages}


def test_right_classes_decide_only_beyond_chance() -> None:
    """Of 100 inputs, shares of .9 and .81 differ by 1.8 deviations, and .9 and .79 by 2.2."""
    for share, is_beyond in ((0.81, False), (0.79, True), (0.9, False)):
        for pair in ((0.9, share), (share, 0.9)):
            accuracy = Accuracy((1.0, 1.0, 1.0), *((each, each, each) for each in pair))
            assert accuracy.is_result_better(100) == (pair[0] > pair[1] if is_beyond else None)
    assert Accuracy((1.0, 1.0, 1.0), (1.0, 1.0, 1.0), (1.0, 1.0, 1.0)).is_result_better(1) is None


@pytest.mark.parametrize("is_rounded", [False, True])
def test_right_classes_decide_between_fitted_and_rounded_weights(is_rounded: bool) -> None:
    """Labels are the classes of one of the two."""
    example = dense(samples=80, seed=1)
    plain = calibrate(example.layers, example.samples, bits=1)
    integers = plain.rounded if is_rounded else plain.integers
    traces = simulate(program_of(example.layers, example.chip, integers), example.samples.inputs)
    labels = np.array([int(each.spikes.sum(axis=0).argmax()) for each in traces])
    result = calibrate(example.layers, replace(example.samples, labels=labels), bits=1)
    assert result.accuracy is not None
    assert result.accuracy.result == (1.0, 1.0, 1.0)
    assert result.decided_by == "accuracy"
    assert ({each.chosen for each in result.stages} == {"rounded"}) == is_rounded
    assert (result.wrong_outputs == result.wrong_outputs_rounded) == is_rounded


def test_right_classes_of_readouts_decide_afterwards() -> None:
    result = calibrate(dense().layers, dense().samples, bits=2)
    better, worse = (1.0, 1.0, 1.0), (0.2, 0.2, 0.2)
    rounded = result.with_accuracy(Accuracy(better, result=worse, rounded=better))
    assert rounded.integers is result.rounded
    assert [each.wrong for each in rounded.stages] == [each.wrong_rounded for each in result.stages]
    assert (rounded.accuracy, rounded.decided_by) == (Accuracy(better, better, better), "accuracy")
    fitted = result.with_accuracy(Accuracy(better, result=better, rounded=worse))
    assert (fitted.integers, fitted.decided_by) == (result.integers, "accuracy")
    alike = result.with_accuracy(Accuracy(better, result=better, rounded=(0.9, 0.9, 0.9)))
    assert (alike.integers, alike.decided_by) == (result.integers, "wrong bins")


@pytest.mark.parametrize("name", CHIPS)
@pytest.mark.parametrize("bits", [1, 2, 4, 8, {0: 3, 1: 6}])
@pytest.mark.parametrize("is_recurrent", [False, True])
def test_what_is_reported_is_what_runs(name: str, bits: int | dict[int, int | None], is_recurrent: bool) -> None:
    example = dense(chip=CHIPS[name], seed=5, is_recurrent=is_recurrent)
    result = calibrate(example.layers, example.samples, chip=example.chip, bits=bits)
    parts = (result.split.fitting, result.split.choosing, result.split.held_out)
    for part, chosen in enumerate(parts):
        assert result.wrong(part) == wrong_when_run(example, result, chosen)
        assert result.wrong(part, is_rounded=True) == wrong_when_run(example, result, chosen, is_rounded=True)
    assert result.wrong(1) <= result.wrong(1, is_rounded=True)


@pytest.mark.parametrize("name", CHIPS)
@pytest.mark.parametrize("refractory", [2, 5])
def test_refractory_periods_are_fitted(name: str, refractory: int) -> None:
    example = dense(chip=CHIPS[name], seed=3, refractory=refractory)
    result = calibrate(example.layers, example.samples, chip=example.chip, bits=8)
    for part, chosen in enumerate((result.split.fitting, result.split.choosing, result.split.held_out)):
        assert result.wrong(part) == wrong_when_run(example, result, chosen)
    assert result.wrong(0) == 0 < result.wrong(0, is_rounded=True)
    assert result.wrong(2) <= result.wrong(2, is_rounded=True)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_made_up_chips(kind: Kind) -> None:
    chip = chip_of(kind)
    example = dense((5, 4), chip=chip, seed=2)
    result = calibrate(example.layers, example.samples, chip=chip)
    assert result.wrong(1) == wrong_when_run(example, result, result.split.choosing)
    assert result.wrong(1) <= result.wrong(1, is_rounded=True)


def test_the_same_every_time() -> None:
    results = [calibrate(example.layers, example.samples, bits=4, seed=3) for example in (dense(), dense())]
    for name in ("mantissa", "exponent", "threshold", "bias", "scale"):
        first, second = (getattr(result.integers, name) for result in results)
        assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("bits", [1, 2, 4, 8, None])
@pytest.mark.parametrize("is_shared", [False, True])
def test_silent_lines_keep_their_rounded_weights(bits: int | None, is_shared: bool) -> None:
    example = dense(seed=4, silent_line=True)
    layers = example.layers
    result = calibrate(layers, example.samples, bits=bits, is_exponent_shared=is_shared)
    integers = result.integers
    silent = np.flatnonzero(layers.pre == 0)
    got = (integers.mantissa << integers.exponent)[silent] / integers.scale[layers.group[layers.post[silent]]]
    step = (1 << integers.exponent[silent]) / integers.scale[layers.group[layers.post[silent]]]
    limit = 255 if bits is None else max(1, 2 ** (bits - 1) - 1)
    if bits == 1:
        assert (np.sign(got) == np.sign(layers.weight[silent])).all()
    else:
        assert (np.abs(got - np.clip(layers.weight[silent], -limit * step, limit * step)) <= step * 0.5000001).all()


def test_tied_weights_stay_tied() -> None:
    example = convolution()
    result = calibrate(example.layers, example.samples, bits=8)
    assert result.integers.mantissa.size == 12
    for values in (result.integers.threshold, result.integers.bias):
        assert all(np.unique(values[neurons]).size == 1 for neurons in example.layers.members)
    assert result.wrong(0) == wrong_when_run(example, result, result.split.fitting) == 0


@pytest.mark.parametrize("bits", [1, 2, 3, 8])
def test_mantissas_have_their_bits(bits: int) -> None:
    example = dense()
    result = calibrate(example.layers, example.samples, bits=bits)
    assert np.abs(result.integers.mantissa).max() <= max(1, 2 ** (bits - 1) - 1)
    if bits == 1:
        assert (result.integers.mantissa != 0).all()


def test_an_outlier_erases_nothing_where_exponents_differ() -> None:
    example = dense((8, 4), seed=6)
    weight = example.layers.weight.copy()
    weight[0] = 400.0
    layers = replace(example.layers, weight=weight)
    each = calibrate(layers, example.samples, bits=8, is_exponent_shared=False)
    shared = calibrate(layers, example.samples, bits=8, is_exponent_shared=True)
    assert layers.weight.all()
    assert (each.integers.mantissa == 0).sum() < (shared.integers.mantissa == 0).sum()
    assert np.unique(each.integers.exponent).size > 1
    assert all(np.unique(shared.integers.exponent[parameters]).size == 1 for parameters in layers.parameters_of)


@pytest.mark.parametrize("keep", [0.75, 0.4])
def test_pruning_keeps_its_share(keep: float) -> None:
    example = dense((12, 8, 3), seed=7)
    result = calibrate(example.layers, example.samples, bits=8, keep=keep)
    count = result.kept.size
    assert keep * count <= result.kept.sum() <= keep * count + 1
    assert not result.integers.mantissa[~result.kept].any()


@pytest.mark.parametrize("feeds_its_stage", [False, True])
def test_weights_of_neurons_that_nothing_depends_on_are_pruned_first(feeds_its_stage: bool) -> None:
    example = dense((12, 8, 3), seed=7)
    layers = example.layers
    weight = np.where(layers.pre == 12, 0.0, layers.weight)
    layers = replace(
        layers,
        pre=np.append(layers.pre, 12),
        post=np.append(layers.post, 1),
        delay=np.append(layers.delay, 1),
        weight=np.append(weight, 0.5 * feeds_its_stage),
        parameter=np.append(layers.parameter, weight.size),
    )
    result = calibrate(layers, played(layers, list(example.samples.inputs), example.chip), bits=8, keep=0.8)
    assert result.kept[layers.post == 0].any() == feeds_its_stage
    assert all(result.kept[layers.post == neuron].any() for neuron in range(1, layers.n_neurons))


def test_fewest_bits_stay_within_the_tolerance() -> None:
    example = dense((6, 4, 2), seed=8, samples=32)
    found = fewest_bits(example.layers, example.samples, tolerance=0.1)
    assert found.trials[0].bits == (8, 8)
    assert found.bits in [trial.bits for trial in found.trials if trial.is_tolerated] or found.bits == (8, 8)
    assert all(stage.bits == bits for stage, bits in zip(found.result.stages, found.bits, strict=True))
    assert sum(found.bits) < 16
    assert found.sensitivity[0, 1] > found.sensitivity[0, 4] > found.sensitivity[0, 8]
    assert len(found.trials) <= 1 + math.ceil(math.log2(15)) + math.ceil(math.log2(8))


def test_one_bit_is_found_where_every_loss_is_tolerated() -> None:
    example = dense((6, 4, 2), seed=8, samples=32)
    found = fewest_bits(example.layers, example.samples, tolerance=math.inf)
    assert found.bits == (1, 1)
    assert len(found.trials) == 1 + math.ceil(math.log2(15))


@pytest.mark.parametrize("name", CHIPS)
@pytest.mark.parametrize("refractory", [1, 2, 4])
def test_rows_give_the_trained_potentials(name: str, refractory: int) -> None:
    example = dense(chip=CHIPS[name], seed=9, is_recurrent=True, refractory=refractory)
    layers, samples = example.layers, example.samples
    lines = np.concatenate([np.concatenate(samples.inputs), np.concatenate(samples.spikes)], axis=1)
    for neuron in range(layers.n_neurons):
        synapses = layers.synapses_into[neuron]
        linear = layers.linear_rule(neuron, example.chip)
        rows = neuron_rows(
            lines,
            samples.age,
            slot=np.arange(synapses.size),
            pre=layers.pre[synapses],
            delay=layers.delay[synapses],
            spikes=np.concatenate(samples.spikes)[:, neuron],
            n_slots=synapses.size,
            linear=linear,
        )
        trained = np.concatenate([layers.weight[synapses], [layers.threshold[neuron], layers.bias[neuron]]])
        distance = np.concatenate(samples.potentials)[:, neuron] - layers.threshold[neuron]
        assert np.einsum("ku,u->k", rows, trained) == pytest.approx(distance, abs=1e-9)
        bins = group_bins(layers, samples, lines, group=neuron, linear=linear, seed=0)
        assert bins.error(trained) == pytest.approx(0.0, abs=1e-6)


def test_splits_share_nothing() -> None:
    split = split_samples(40, 1)
    parts = [split.fitting, split.choosing, split.held_out]
    assert [part.size for part in parts] == [20, 10, 10]
    assert np.sort(np.concatenate(parts)).tolist() == list(range(40))
    with pytest.raises(SpecError, match="samples must be 4 or more, got 3"):
        split_samples(3, 0)


def test_a_given_split_is_used() -> None:
    example = dense()
    split = SampleSplit(np.arange(10), np.arange(10, 20), np.arange(20, 40))
    assert calibrate(example.layers, example.samples, split=split).split is split


BAD = [
    ({"threshold": np.zeros(9)}, "threshold must be positive, got 0"),
    ({"weight": np.full(66, np.nan)}, "weight must be finite"),
    ({"bias": np.zeros(3)}, "arrays of a trained network must be vectors of one length"),
    ({"parameter": np.zeros(66)}, "synapses of one parameter must agree in their weights"),
    ({"group": np.zeros(9)}, "neurons of one group must agree in their"),
    ({"stage": np.repeat([1, 0], [6, 3])}, "a neuron must not be fed by a later stage"),
    ({"post": np.full(66, 9)}, "post must lie within 0 to 8, got 9 to 9"),
    ({"group": np.arange(9) * 2}, "group must number from 0 without gaps"),
]


@pytest.mark.parametrize(("changed", "message"), BAD)
def test_arrays_that_do_not_go_together(changed: dict[str, Any], message: str) -> None:
    layers: TrainedLayers = dense().layers
    with pytest.raises(SpecError, match=message):
        replace(layers, **changed)


def test_samples_that_do_not_go_together() -> None:
    samples = dense().samples
    with pytest.raises(SpecError, match="samples must have inputs, spikes and potentials each"):
        replace(samples, spikes=samples.spikes[:-1])
    with pytest.raises(SpecError, match="sample 0 must have one spike and one potential"):
        replace(samples, potentials=tuple(each[:-1] for each in samples.potentials))


def test_what_cannot_be_calibrated() -> None:
    example = dense()
    with pytest.raises(LimitError, match="bits"):
        calibrate(example.layers, example.samples, bits=9)
    with pytest.raises(SpecError, match="bits must be given for stages 0 to 1, got stage 2"):
        calibrate(example.layers, example.samples, bits={2: 4})
    with pytest.raises(SpecError, match="keep must be above 0 and at most 1, got 0"):
        calibrate(example.layers, example.samples, keep=0.0)
    with pytest.raises(SpecError, match="tolerance must be 0 or more, got -1"):
        fewest_bits(example.layers, example.samples, tolerance=-1)
    with pytest.raises(LimitError, match="delay"):
        calibrate(replace(example.layers, delay=np.full(66, 99)), example.samples)
    with pytest.raises(LimitError, match="threshold of neuron 0"):
        calibrate(replace(example.layers, threshold=np.full(9, 1e9)), example.samples)
