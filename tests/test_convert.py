"""Artificial networks to spiking programs: counts come near activations, classes stay, costs are told."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_chips import KINDS, chip_of
from scipy.sparse import csr_array
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import snnprog as sp
from snnprog.arrays import Floats
from snnprog.break_even import BREAK_EVEN
from snnprog.chips import Chip, find_chip
from snnprog.coding import EvenRate, Latency
from snnprog.conversion.ann import INPUT, Ann, AnnLayer, with_pairs, with_shares, with_sources_scaled
from snnprog.conversion.balancing import balanced, l4_norms
from snnprog.conversion.costs import Costs
from snnprog.conversion.decoding import SpikeCounts
from snnprog.conversion.flows import dense
from snnprog.conversion.integrator import integrator_of
from snnprog.convolution import Convolution
from snnprog.errors import SpecError
from snnprog.networks.weights import Kernel, Matrix
from snnprog.simulate import simulate

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
assert ConvergenceWarning

SUBTRACTING = chip_of(next(kind for kind in KINDS if kind.name == "ordered32"))


@pytest.fixture(scope="module")
def digits() -> tuple[Floats, Floats, MLPClassifier]:
    samples, labels = load_digits(return_X_y=True)
    samples = samples / 16.0
    return samples, labels, MLPClassifier((24,), max_iter=60, random_state=0).fit(samples[:1200], labels[:1200])


def perceptron(rng: np.random.Generator, sizes: tuple[int, ...]) -> MLPRegressor:
    """Return a perceptron with random weights, which was not trained for anything."""
    model = MLPRegressor(hidden_layer_sizes=sizes[1:-1], max_iter=1, random_state=0)
    model.fit(rng.random((8, sizes[0])), rng.random((8, sizes[-1])))
    model.coefs_ = [rng.normal(0.0, 1.0, shape) for shape in pairwise(sizes)]
    model.intercepts_ = [rng.normal(0.0, 0.3, size) for size in sizes[1:]]
    return model


# ---------------------------------------------------------------- how good


@pytest.mark.parametrize(
    ("chip", "code", "most"),
    [
        (SUBTRACTING, "rate", 0.01),
        (SUBTRACTING, "latency", 0.015),
        ("loihi1", "rate", 0.015),
        ("loihi1", "latency", 0.02),
    ],
)
def test_digits_keep_their_classes(
    digits: tuple[Floats, Floats, MLPClassifier], chip: str | Chip, code: str, most: float
) -> None:
    samples, labels, model = digits
    result = sp.convert(
        model, data=samples[:300], held_out=(samples[1200:1500], labels[1200:1500]), code=code, chip=chip
    )
    scores = result.scores
    assert scores.ann == pytest.approx(model.score(samples[1200:1500], labels[1200:1500]))
    assert scores.loss is not None
    assert scores.loss <= most
    assert scores.agreement >= 1.0 - 2.5 * most
    assert result.quantized.mismatch.excursion is None
    decoded = result.decode([trace.spikes for trace in simulate(result.program, result.encode(samples[1200:1210]))])
    assert np.mean(decoded == model.predict(samples[1200:1210])) >= 0.9


def test_one_spike_for_each_value_costs_less(digits: tuple[Floats, Floats, MLPClassifier]) -> None:
    samples, labels, model = digits
    held_out = samples[1200:1260], labels[1200:1260]
    rate, latency = (
        sp.convert(model, data=samples[:100], held_out=held_out, code=code, ticks=64) for code in ("rate", "latency")
    )
    raster = latency.encode(samples[:1])[0]
    assert raster.sum(axis=0).max() == 1
    assert latency.costs.synaptic_operations < rate.costs.synaptic_operations / 4
    assert rate.costs.multiplications == 64 * 24 + 24 * 10
    assert rate.costs.is_ann_cheaper
    assert "the artificial network would cost less" in rate.costs.verdict
    assert rate.costs.energy_pj is not None


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1 << 30), ticks=st.sampled_from([32, 64, 128]), adjust=st.sampled_from([None, "l4"]))
def test_counts_are_rounded_sums_where_the_threshold_is_subtracted(seed: int, ticks: int, adjust: str | None) -> None:
    """One layer of the real network: each count is within 1 of the activation, and of what one spike of each line adds.

    A line's spikes are spread evenly, so at each tick they are within one of their share. The sum is then off by at
    most all weights together, and spikes that were too early are not taken back.
    """
    rng = np.random.default_rng(seed)
    model = perceptron(rng, (5, 3))
    samples = rng.random((24, 5))
    result = sp.convert(model, data=samples, held_out=(samples, None), ticks=ticks, adjust=adjust, chip=SUBTRACTING)
    spikes = [trace.spikes for trace in simulate(result.program, result.encode(samples))]
    counts, unit = result.decoder.counts(spikes), result.decoder.unit
    shares = np.rint(cast(EvenRate, result.encoder).share(samples) * ticks) / ticks
    span = result.encoder.span
    sums = (shares * span + result.encoder.low) @ model.coefs_[0] + model.intercepts_[0] + result.decoder.offset
    wanted = np.clip(sums / unit, 0.0, 1.0) * ticks
    late = wanted == ticks  # a neuron that should spike in every tick cannot make up for a spike that comes late
    early = span @ np.abs(model.coefs_[0]) / unit
    assert (np.abs(counts - wanted) <= 1.0 + early + late).all()


@pytest.mark.parametrize("ticks", [16, 64, 256])
def test_values_converge(ticks: int) -> None:
    rng = np.random.default_rng(5)
    samples = rng.random((40, 6)) * 4.0 - 1.0
    model = perceptron(rng, (6, 8, 7, 2))
    result = sp.convert(model, data=samples, held_out=(samples, None), ticks=ticks, chip=SUBTRACTING, percentile=100.0)
    assert result.scores.measure == "R2"
    assert 1.0 - result.scores.agreement <= 8.0 / ticks


def test_the_same_twice_and_on_the_reference(digits: tuple[Floats, Floats, MLPClassifier]) -> None:
    samples, labels, model = digits
    first, again = (sp.convert(model, data=samples[:60], labels=labels[:60], ticks=32, seed=3) for _ in range(2))
    assert all(
        np.array_equal(getattr(first.program, name), getattr(again.program, name))
        for name in ("pre", "post", "weight", "exponent", "threshold", "bias")
    )
    assert first.as_dict() == again.as_dict()
    assert first.scores.samples == 15
    inputs = first.encode(samples[:2])
    for backend in ("kernel", "reference"):
        traces = sp.run(first.program, inputs, backend=backend)
        assert [trace.spikes.tolist() for trace in traces] == [
            trace.spikes.tolist() for trace in sp.run(first.program, inputs)
        ]


def test_two_classes_have_two_outputs() -> None:
    rng = np.random.default_rng(1)
    samples = rng.normal(size=(200, 4))
    labels = np.where(samples[:, 0] + samples[:, 1] > 0.0, "yes", "no")
    model = MLPClassifier((8,), max_iter=200, random_state=0).fit(samples, labels)
    result = sp.convert(model, data=samples, labels=labels, ticks=64, chip=SUBTRACTING)
    assert result.ann.classes == ("no", "yes")
    assert result.program.n_outputs == 2
    assert result.scores.agreement >= 0.95
    assert "logistic at the end was omitted" in result.notes[0]


def test_a_program_for_xylo() -> None:
    rng = np.random.default_rng(2)
    samples = rng.random((120, 5))
    labels = (samples @ [1.0, -1.0, 1.0, -1.0, 0.5] > 0.2).astype(int)
    model = MLPClassifier((10,), max_iter=400, random_state=0).fit(samples, labels)
    result = sp.convert(model, data=samples, labels=labels, ticks=64, chip="xylo")
    assert result.scores.agreement >= 0.9


@pytest.mark.snnprog_backend("lava", "nengo_loihi")
def test_programs_for_loihi_are_the_same_elsewhere(snnprog_backend: str) -> None:
    rng = np.random.default_rng(8)
    samples = rng.random((40, 6))
    for code in ("rate", "latency"):
        result = sp.convert(perceptron(rng, (6, 8, 5, 3)), data=samples, ticks=48, code=code)
        check_same(result, samples[:3], snnprog_backend)


@pytest.mark.snnprog_backend("xylosim")
def test_programs_for_xylo_are_the_same_elsewhere(snnprog_backend: str) -> None:
    rng = np.random.default_rng(8)
    samples = rng.random((40, 6))
    check_same(
        sp.convert(perceptron(rng, (6, 8, 3)), data=samples, ticks=48, chip="xylo"), samples[:3], snnprog_backend
    )


def check_same(result: sp.Conversion, samples: Floats, backend: str) -> None:
    """Check that outputs spike in the same bins on the kernel, the reference and a backend."""
    inputs = result.encode(samples)
    wanted, *others = (sp.run(result.program, inputs, backend=name) for name in ("kernel", "reference", backend))
    assert sum(int(trace.spikes.sum()) for trace in wanted) > 0
    for traces in others:
        assert all(np.array_equal(a.spikes, b.spikes) for a, b in zip(wanted, traces, strict=True))


# ---------------------------------------------------------------- parts


def test_even_rates_have_exact_counts_at_even_distances() -> None:
    encoder = EvenRate(duration=20, low=np.zeros(3), high=np.ones(3))
    (raster,) = encoder.transform([[0.25, 1.0, 0.0]])
    assert raster.sum(axis=0).tolist() == [5, 20, 0]
    assert set(np.diff(np.flatnonzero(raster[:, 0]))) == {4}
    same = EvenRate(duration=20, low=np.zeros(8), high=np.ones(8)).transform([[0.1] * 8])[0]
    assert same.sum(axis=1).max() <= 2
    with pytest.raises(SpecError, match="duration must be at least 1, got 0"):
        EvenRate(duration=0)


@settings(max_examples=40, deadline=None)
@given(duration=st.integers(1, 100), shares=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=9))
def test_even_rates_count_to_the_nearest(duration: int, shares: list[float]) -> None:
    width = len(shares)
    (raster,) = EvenRate(duration=duration, low=np.zeros(width), high=np.ones(width)).transform([shares])
    assert raster.sum(axis=0).tolist() == np.rint(np.array(shares) * duration).astype(int).tolist()


def test_l4_norms_by_hand() -> None:
    layer = AnnLayer("a", (2,), {INPUT: dense(np.array([[1.0, -2.0, 0.0], [0.0, 0.0, 0.0]]))}, np.zeros(2))
    assert l4_norms(layer) == pytest.approx([17.0**0.25, 1.0])
    kernel = Kernel(Convolution((1, 2), (2, 2), (1, 1)), np.array([3.0, -1.0]).reshape(2, 1, 1, 1))
    assert l4_norms(AnnLayer("b", (2, 2, 2), {INPUT: kernel}, np.zeros(8))) == pytest.approx([3.0] * 4 + [1.0] * 4)


def test_units_by_l4_change_no_activation() -> None:
    rng = np.random.default_rng(0)
    hidden = AnnLayer("hidden", (4,), {INPUT: dense(rng.normal(size=(4, 3)))}, rng.normal(size=4))
    output = AnnLayer("output", (2,), {"hidden": dense(rng.normal(size=(2, 4)))}, np.zeros(2), is_rectified=False)
    ann = Ann("net", (3,), (hidden, output), 20, (0, 1))
    samples = rng.random((50, 3))
    found = balanced(ann, ann.activations(samples), rates={"hidden": 1.0, "output": 1.0}, adjust="l4", percentile=100.0)
    first, second = (balance.layer.parts for balance in found)
    rates = np.maximum(first[INPUT].matrix @ samples.T + hidden.constant[:, None], 0.0) / found[0].unit[:, None]
    assert rates.max() == pytest.approx(1.0)
    assert np.allclose(second["hidden"].matrix @ rates, ann.outputs(samples).T)
    assert found[0].unit / l4_norms(hidden) == pytest.approx([found[0].unit[0] / l4_norms(hidden)[0]] * 4)
    assert len(set(found[1].unit)) == 1
    outputs = ann.outputs(samples).min(axis=1) + found[1].offset
    assert (outputs >= 0.0).mean() == pytest.approx(0.9, abs=0.03)


def test_inputs_as_shares_give_the_same() -> None:
    rng = np.random.default_rng(3)
    geometry = Convolution((2, 3), (4, 4), (3, 3), before=(1, 1), after=(1, 1))
    kernel = Kernel(geometry, rng.normal(size=geometry.weight_shape))
    ann = Ann("net", (2, 4, 4), (AnnLayer("conv", (3, 4, 4), {INPUT: kernel}, rng.normal(size=48)),), 1, None)
    low, span = np.repeat([-1.0, 2.0], 16), np.repeat([3.0, 0.5], 16)
    samples = rng.normal(size=(5, 32))
    shares = with_shares(ann, low, span)
    assert np.allclose(shares.outputs((samples - low) / span), ann.outputs(samples))
    assert isinstance(shares.layers[0].parts[INPUT], Kernel)
    each = rng.random(32)
    assert np.allclose(with_sources_scaled(kernel, each).matrix.toarray(), kernel.matrix.toarray() * each)


def test_pairs_of_lines_give_the_same() -> None:
    rng = np.random.default_rng(5)
    dense = Matrix(csr_array(rng.normal(size=(4, 6))))
    ann = Ann("net", (6,), (AnnLayer("a", (4,), {INPUT: dense}, rng.normal(size=4)),), 24, None)
    low, span, samples = rng.normal(size=6), rng.uniform(1, 3, 6), rng.normal(size=(5, 6))
    share = (samples - low) / span
    found = with_pairs(ann, low, span)
    assert found.input_shape == (12,)
    assert np.allclose(found.outputs(np.concatenate([share, 1.0 - share], axis=1)), ann.outputs(samples))


def test_a_latency_code_of_centred_values_has_two_lines_for_each() -> None:
    """With one line for each value, a fifth of these classes was lost."""
    samples, labels = load_breast_cancer(return_X_y=True)
    samples = (samples - samples.mean(axis=0)) / samples.std(axis=0)
    perceptron = MLPClassifier((12,), max_iter=60, random_state=0).fit(samples[:400], labels[:400])
    result = sp.convert(
        perceptron, data=samples[:400], held_out=(samples[400:], labels[400:]), ticks=48, code="latency"
    )
    rasters = result.encode(samples[:3])
    assert rasters[0].shape == (result.total_ticks, 60)
    assert all((raster.sum(axis=0) <= 1).all() for raster in rasters)
    assert result.scores.agreement > 0.95
    assert result.scores.loss is not None
    assert result.scores.loss < 0.03


def test_ties_go_to_the_output_whose_last_spike_came_first() -> None:
    decoder = SpikeCounts(ticks=6, latency=1, unit=np.ones(3))
    raster = np.zeros((8, 3), dtype=bool)
    raster[[0, 2, 4], 0] = True  # the first one is before its time
    raster[[1, 3], 1] = True
    raster[[7], 2] = True  # and this one after it
    assert decoder.counts([raster]).tolist() == [[2, 2, 0]]
    assert decoder.decide([raster, np.zeros((8, 3), dtype=bool)]).tolist() == [1, 0]
    assert decoder.values([raster])[0] == pytest.approx([1 / 3, 1 / 3, 0.0])


def test_integrators_of_chips() -> None:
    loihi, other = integrator_of(find_chip("loihi1")), integrator_of(SUBTRACTING)
    assert (loihi.is_subtracting, loihi.current_kept, loihi.potential_kept) == (False, 0.0, 1.0)
    assert loihi.lasting_current_kept == 4095 / 4096
    assert other.is_subtracting
    assert integrator_of(find_chip("xylo")).convention.many
    with pytest.raises(SpecError, match="neurons of unreset16 are not reset"):
        integrator_of(chip_of(next(kind for kind in KINDS if kind.name == "unreset16")))


def test_costs_say_which_is_cheaper() -> None:
    costs = Costs(10.0, 20.0, 100.0, 640.0, 1000, None, None)
    assert math.isclose(BREAK_EVEN, 1.55 / 1.35)
    assert not costs.is_ann_cheaper
    assert "without counting 640 updates of neurons" in costs.verdict
    assert costs.spikes == 30.0


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"code": "phase"}, "code must be 'rate' or 'latency', got 'phase'"),
        ({"adjust": "l2"}, "adjust must be 'l4' or None, got 'l2'"),
        ({"percentile": 101.0}, "percentile must be a number from 50 to 100, got 101.0"),
        ({"ticks": 0}, "ticks must be from 1 to 16384, got 0"),
        ({"max_pool": "max"}, "max_pool must be 'average' or None, got 'max'"),
        ({"held_out": 1.5}, "held_out must be a share above 0 and below 1"),
        (
            {"held_out": ([[1.0, 2.0]], None)},
            r"samples must have the shape \(64,\) of the MLPClassifier's input, got \(2,\)",
        ),
        ({"labels": [1, 2]}, "labels must be one for each of 20 samples"),
        (
            {"labels": np.eye(10)[[1] * 20]},
            r"one class for each sample, .*; of one-hot rows, give labels\.argmax\(axis=1\)",
        ),
        ({"data": [[1.0]]}, "samples must have the shape"),
        ({"data": [["a"]]}, r"data must be real numbers of \(samples, ...\), got an array of <U1"),
        ({"data": [[1j]]}, "data must be real numbers"),
        ({"data": [[1.0], [1.0, 2.0]]}, r"data must be an array \(samples, ...\), got rows of different lengths"),
        (
            {"data": [[1.0, np.nan], [np.inf, 2.0]]},
            r"data must be finite, got nan at \(0, 1\) and 2 such values in all",
        ),
        ({"data": [1.0]}, r"data must be numbers of \(samples, ...\), got an array of shape \(1,\)"),
        ({"labels": ["a"] * 20}, "labels must be classes of the network, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, got 'a'"),
        ({"percentile": "high"}, "percentile must be a number, got 'high'"),
        ({"seed": -1}, "seed must be a non-negative integer, got -1"),
        ({"data": np.zeros((3, 64))}, "data must hold 2 samples for balancing and for evaluation, got 3"),
    ],
)
def test_wrong_options_get_a_sentence(
    digits: tuple[Floats, Floats, MLPClassifier], options: dict[str, object], message: str
) -> None:
    arguments = {"data": digits[0][:20], **options}
    convert = cast("object", sp.convert)
    assert callable(convert)
    with pytest.raises(SpecError, match=message):
        convert(digits[2], **arguments)


def test_other_models_get_a_sentence(digits: tuple[Floats, Floats, MLPClassifier]) -> None:
    samples, labels, _ = digits
    with pytest.raises(SpecError, match=r"model must be a path of an .onnx file"):
        sp.convert(3, data=samples)
    with pytest.raises(SpecError, match=r"got a Pipeline; convert its last step, pipeline\[-1\]"):
        sp.convert(make_pipeline(StandardScaler(), MLPClassifier()), data=samples)
    with pytest.raises(SpecError, match="the MLPClassifier must be fitted before it is converted"):
        sp.convert(MLPClassifier(), data=samples)
    tanh = MLPClassifier((4,), activation="tanh", max_iter=2).fit(samples, labels)
    with pytest.raises(SpecError, match="has activation='tanh'; train it with activation='relu'"):
        sp.convert(tanh, data=samples)
    several = MLPClassifier((4,), max_iter=2).fit(samples[:50], np.random.default_rng(0).random((50, 3)) > 0.5)
    with pytest.raises(SpecError, match="is a multilabel classifier, which is not supported"):
        sp.convert(several, data=samples)
    assert isinstance(sp.convert(digits[2], data=samples[:40], code="latency", ticks=16).encoder, Latency)
