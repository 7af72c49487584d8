"""Certificates, margins and widths, each compared with plain integers or exact fractions."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from cases import CASES, PlainNeuron, exact_arrivals, exact_potential, plain_run, random_raster
from hypothesis import given, settings
from hypothesis import strategies as st

import snnprog as sp
from snnprog.arrays import Floats
from snnprog.chips import CHIPS
from snnprog.design import design
from snnprog.design.mapping import potential_map
from snnprog.design.task import Task
from snnprog.integers import CERTIFIED, EXACT, INEXACT, quantize
from snnprog.integers.exhaustive import Repair
from snnprog.integers.rehearsal import Rehearsal, rehearse
from snnprog.integers.rounding import IntegerNeuron, Interval, Rounder
from snnprog.integers.widths import ANY_INPUT, SPEC_PATTERNS, widths_for_any_input, widths_for_patterns
from snnprog.network import Network, Neuron
from snnprog.potential import PotentialMap
from snnprog.spec import FREE, presynaptic_raster

LOIHI1 = CHIPS["loihi1"]
UNIT = 64
SCALES = (1.0, 0.3, 0.05, 0.01)


def rounding_of(spec: sp.Spec, neuron: Neuron) -> Rounder:
    task = Task.of(spec)
    return Rounder(task, neuron, np.ones(neuron.raster.size, dtype=bool), task.mapping)


# ----------------------------------------------------------------------------------------------------- certificates


@pytest.mark.parametrize("name", CASES)
def test_certified_neurons_survive_every_rounding(name: str) -> None:
    """Any weights within half a step of the real ones spike as designed, decays truncating as the chip's do.

    Weights are moved in units of the potential, 64 to an LSB, so that the chip's integer rule runs them as they are.
    """
    spec = CASES[name]()
    generator = np.random.default_rng(1)
    certified = 0
    for neuron in design(spec).network.neurons:
        rounding = rounding_of(spec, neuron)
        for scale in SCALES if rounding.is_scalable else (1.0,):
            integers = rounding.round(scale)
            if not integers.certified:
                continue
            certified += 1
            step = 1 << integers.exponent
            ideal, half = neuron.weights * scale * UNIT, step * UNIT / 2
            for _ in range(6):
                kind = generator.integers(0, 3)
                offset = [
                    generator.uniform(-1, 1, ideal.shape),
                    np.sign(generator.normal(size=ideal.shape)),
                    np.ones(ideal.shape),
                ][kind]
                units = np.clip(np.rint(ideal + half * offset), np.ceil(ideal - half), np.floor(ideal + half))
                assert run_units(spec, units, integers) == neuron.raster.tolist()
            assert (
                run_units(spec, integers.mantissas.astype(np.float64) * step * UNIT, integers) == neuron.raster.tolist()
            )
    assert certified > 0


def run_units(spec: sp.Spec, units: Floats, integers: IntegerNeuron) -> list[bool]:
    """Return the spikes on all patterns of a neuron whose weights are in units of the potential."""
    spikes = []
    for pattern in spec.patterns:
        neuron = PlainNeuron(spec.dynamics.current_decay, spec.dynamics.potential_decay, integers.bias)
        presynaptic = presynaptic_raster(spec, pattern)
        for arriving in exact_arrivals(presynaptic, spec.delays, units.astype(int).tolist()):
            neuron.integrate(int(arriving))
            spikes.append(neuron.v > UNIT * integers.threshold)
            neuron.v = 0 if spikes[-1] else neuron.v
    return spikes


@pytest.mark.parametrize("name", CASES)
def test_margins_are_distances_in_exact_fractions(name: str) -> None:
    spec = CASES[name]()
    alpha, gamma = spec.linear_rule.current, spec.linear_rule.potential
    for neuron in design(spec).network.neurons:
        rounding = rounding_of(spec, neuron)
        integers = rounding.round(1.0)
        weights = (integers.mantissas << integers.exponent).tolist()
        distances, first = [], 0
        for pattern in spec.patterns:
            spikes = neuron.raster[first : first + pattern.ticks].tolist()
            first += pattern.ticks
            arrivals = exact_arrivals(presynaptic_raster(spec, pattern), spec.delays, weights)
            potential = exact_potential(arrivals, spikes, alpha, gamma, Fraction(integers.bias, UNIT))
            distances += [
                value - integers.threshold if spike else integers.threshold - value
                for value, spike in zip(potential, spikes, strict=True)
            ]
        assert integers.margin == pytest.approx(float(min(distances)), abs=1e-5)


def test_small_scales_lose_the_certificate_and_then_the_spikes() -> None:
    spec = CASES["several_patterns"]()
    rounding = rounding_of(spec, design(spec).network.neurons[0])
    kinds = [rounding.round(scale).certified for scale in (1.0, 0.001)]
    assert kinds == [True, False]
    first_only = Task.of(replace_targets(spec, [0]))
    assert rehearse(first_only, [rounding.round(1.0)]) == [Rehearsal()]
    assert rehearse(first_only, [rounding.round(0.001)])[0].wrong_bins > 0


@pytest.mark.parametrize(("scale", "exponent"), [(1.0, 3), (0.51, 3), (0.5, 2), (0.13, 1), (0.12, 0), (0.01, 0)])
def test_scaled_weights_are_rounded_on_the_finest_grid_that_holds_them(scale: float, exponent: int) -> None:
    spec = coincidence()
    network = clumsy(spec, [[2040.0, 1999.0]], 3000.0)
    rounding = rounding_of(spec, replace(network.neurons[0], exponent=3))
    integers = rounding.round(scale)
    assert integers.exponent == exponent
    assert np.abs((integers.mantissas << exponent) - scale * np.array([[2040.0, 1999.0]])).max() <= 2**exponent / 2
    filled = rounding.round(rounding.filling(scale)).mantissas.max() if scale > 0.125 else 255
    assert filled == 255
    assert scale / 2 < rounding.filling(scale) <= scale


def replace_targets(spec: sp.Spec, outputs: list[int]) -> sp.Spec:
    patterns = [sp.Pattern(pattern.inputs, pattern.targets[:, outputs]) for pattern in spec.patterns]
    return sp.Spec(patterns, spec.delays, dynamics=spec.dynamics)


@pytest.mark.parametrize(
    ("interval", "empty"),
    [((3.2, 3.9), True), ((3.0, 3.5), False), ((3.0, 3.0), True), ((2.5, 3.0), True), ((2.5, 3.1), False)],
)
def test_an_interval_is_empty_without_an_integer(interval: tuple[float, float], empty: bool) -> None:
    assert Interval(*interval).is_empty == empty


@given(st.floats(0, 1000), st.floats(0, 1000), st.integers(1, 1200))
@settings(deadline=None)
def test_the_middle_lies_inside_and_far_from_both_ends(least: float, width: float, top: int) -> None:
    interval = Interval(least, least + width)
    if interval.is_empty or least > top:
        return
    middle = interval.middle(top)
    inside = [value for value in range(int(least), top + 1) if least <= value < least + width]
    assert middle in inside
    assert abs((inside[0] + inside[-1]) / 2 - middle) <= 0.5


# ----------------------------------------------------------------------------------------------------- whole networks


@pytest.mark.parametrize("name", CASES)
def test_reports_are_true(name: str) -> None:
    spec = CASES[name]()
    outcome = design(spec)
    quantized = quantize(Task.of(spec), outcome.network)
    for report, neuron in zip(quantized.neurons, outcome.network.neurons, strict=True):
        own = quantized.program.post == report.output
        assert report.status in (CERTIFIED, EXACT)
        assert report.wrong_bins == 0
        assert report.margin > 0
        assert report.synapses == own.sum()
        assert (quantized.program.exponent[own] == report.exponent).all()
        assert quantized.program.threshold[report.output] == report.threshold
        assert quantized.program.bias[report.output] == report.bias
        assert report.design_margin == pytest.approx(neuron.margin, abs=1e-6)
        assert report.portable_for in (ANY_INPUT, SPEC_PATTERNS)


@pytest.mark.parametrize("name", CASES)
def test_what_is_portable_for_any_input_is(name: str) -> None:
    """Loud random inputs, and whatever the outputs then do, keep such a neuron in the portable range."""
    spec = CASES[name]()
    result = sp.compile(spec)
    portable = {report.output for report in result.report.neurons if report.portable_for == ANY_INPUT}
    for seed, rate in enumerate((1.0, 0.7, 0.3)):
        excursion = plain_run(result.program, random_raster(seed, 120, spec.n_inputs, rate)).excursion
        assert excursion is None or excursion[2] not in portable


def test_a_neuron_that_never_forgets_is_portable_for_its_patterns_only() -> None:
    spec = CASES["no_leak"]()
    reports = sp.compile(spec).report.neurons
    program = sp.compile(spec).program
    negative = {int(post) for post, weight in zip(program.post, program.weight, strict=True) if weight < 0}
    assert negative
    assert {report.output for report in reports if report.portable_for == SPEC_PATTERNS} >= negative


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 205, 2000, 4095]), st.sampled_from([0, 500, 4095]))
@settings(deadline=None, max_examples=60)
def test_widths_hold_for_any_input(seed: int, potential_decay: int, current_decay: int) -> None:
    generator = np.random.default_rng(seed)
    taps, threshold, bias = (
        int(generator.integers(1, 5)),
        int(generator.integers(1, 300)),
        int(generator.integers(-999, 999)),
    )
    weights = generator.integers(-60, 61, taps)
    inputs = generator.random((150, taps)) < generator.choice([0.2, 0.8])
    if generator.random() < 0.5:
        inputs[:] = (weights > 0) if generator.random() < 0.5 else (weights < 0)
    mapping = PotentialMap([inputs], [1], LOIHI1.linear_rule(current_decay, potential_decay))
    widths = widths_for_any_input(weights.astype(float), bias / UNIT, threshold=float(threshold), mapping=mapping)
    neuron = PlainNeuron(current_decay, potential_decay, bias)
    for row in inputs:
        arriving = UNIT * int(weights[row].sum())
        neuron.integrate(arriving)
        assert abs(arriving) <= UNIT * widths.arrivals * (1 + 1e-9)
        assert abs(neuron.unwrapped) <= UNIT * widths.current * (1 + 1e-9)
        assert abs(neuron.unclipped) <= UNIT * widths.potential * (1 + 1e-9)
        neuron.v = 0 if neuron.v > UNIT * threshold else neuron.v


@pytest.mark.parametrize("name", CASES)
def test_widths_for_patterns_hold_on_them(name: str) -> None:
    spec = CASES[name]()
    mapping = potential_map(spec)
    for neuron in design(spec).network.neurons:
        rounding = rounding_of(spec, neuron)
        integers = rounding.round(1.0)
        weights = integers.mantissas << integers.exponent
        widths = widths_for_patterns(
            weights.ravel().astype(float),
            integers.bias / UNIT,
            threshold=float(integers.threshold),
            step=float(1 << integers.exponent),
            mapping=mapping,
            resets=rounding.resets,
        )
        lost = rounding.truncation.max()
        lost_current = 4096 / (1 + spec.dynamics.current_decay)
        for pattern in spec.patterns:
            plain = PlainNeuron(spec.dynamics.current_decay, spec.dynamics.potential_decay, integers.bias)
            for arriving in exact_arrivals(presynaptic_raster(spec, pattern), spec.delays, weights.tolist()):
                plain.integrate(UNIT * int(arriving))
                assert abs(arriving) <= widths.arrivals + 1e-9
                assert abs(plain.unwrapped) <= UNIT * widths.current + lost_current
                assert abs(plain.unclipped) <= UNIT * (widths.potential + lost + 1e-6)
                plain.v = 0 if plain.v > UNIT * integers.threshold else plain.v


# ------------------------------------------------------------------------------------------------- scales, and failure


def clumsy(spec: sp.Spec, weights: list[list[float]], threshold: float) -> Network:
    """Return a network of one neuron whose real weights are given, whatever they do."""
    raster = np.concatenate([pattern.targets[:, 0] for pattern in spec.patterns])
    return Network(spec.delays, (Neuron(np.array(weights), threshold, 0.0, 0, 0.0, 1.0, raster),))


def coincidence(**options: Any) -> sp.Spec:
    """Return a spec in which one line must not fire the output, and both together must."""
    inputs = np.array([[1, 0], [0, 0], [0, 1], [0, 0], [1, 1], [0, 0]], dtype=bool)
    targets = np.array([[0], [0], [0], [0], [0], [1]], dtype=bool)
    dynamics = sp.Dynamics(potential_decay=4095)
    return sp.Spec([sp.Pattern(inputs, targets)], dynamics=dynamics, **options)


def test_other_scales_are_tried_where_plain_rounding_fails() -> None:
    """1.4 + 1.4 rounds to 1 + 1, and no integer from 1 separates 1 from 2 but 1; 0.5 + 0.5 rounds to nothing."""
    spec = coincidence()
    good = quantize(Task.of(spec), clumsy(spec, [[1.4, 1.4]], 2.0))
    assert good.neurons[0].status == EXACT
    assert (good.program.weight.tolist(), good.program.threshold.tolist()) == ([1, 1], [1])
    assert good.neurons[0].rounding == "nearest"
    rounded_away = quantize(Task.of(spec), clumsy(spec, [[0.5, 0.5]], 0.7)).neurons[0]
    assert (rounded_away.status, rounded_away.rounding) == (EXACT, "re-optimised")


def test_scaling_saves_what_rounding_alone_breaks() -> None:
    """Weights of 3.0 (silence) and 3.4 (a spike) both round to 3; at three quarters they round to 2 and 3."""
    inputs = np.array([[1, 0], [0, 0], [0, 1], [0, 0]], dtype=bool)
    targets = np.array([[0], [0], [0], [1]], dtype=bool)
    spec = sp.Spec([sp.Pattern(inputs, targets)], dynamics=sp.Dynamics(potential_decay=4095))
    network = clumsy(spec, [[3.0, 3.4]], 3.2)
    assert not rounding_of(spec, network.neurons[0]).round(1.0).certified
    (report,) = quantize(Task.of(spec), network).neurons
    assert (report.status, report.threshold) == (EXACT, 2)
    assert report.margin == pytest.approx(0.0, abs=1e-3)
    fixed = sp.Spec(spec.patterns, dynamics=spec.dynamics, threshold=3)
    (report,) = quantize(Task.of(fixed), network).neurons
    assert (report.status, report.threshold, report.rounding) == (EXACT, 3, "re-optimised")


def test_the_seed_chooses_the_scales_and_nothing_else() -> None:
    spec = CASES["everything"]()
    network = design(spec).network
    first, again = quantize(Task.of(spec), network, seed=3), quantize(Task.of(spec), network, seed=3)
    assert first.neurons == again.neurons
    assert np.array_equal(first.program.weight, again.program.weight)


def test_a_fixed_threshold_that_plain_rounding_does_not_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real weights 100.25 and 100.25 add up to 200.5, over 200; no scale may help, for the threshold is fixed."""
    spec = coincidence(threshold=200)
    network = clumsy(spec, [[100.25, 100.25]], 200.0)
    (report,) = quantize(Task.of(spec), network).neurons
    assert (report.status, report.wrong_bins, report.threshold) == (EXACT, 0, 200)
    monkeypatch.setattr("snnprog.integers.quantizer.repair", lambda job: Repair(None))
    (report,) = quantize(Task.of(spec), network).neurons
    assert (report.status, report.wrong_bins, report.threshold) == (INEXACT, 1, 200)
    assert report.margin < 1e-4


def test_inexact_neurons_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three outputs only the middle one is spoilt, and not repaired; the error names it."""
    monkeypatch.setattr("snnprog.integers.quantizer.repair", lambda job: Repair(None))
    spec = CASES["feed_forward"]()
    network = design(spec).network
    spoilt = replace(network.neurons[1], weights=network.neurons[1].weights * 0.0)
    quantized = quantize(Task.of(spec), Network(network.delays, (network.neurons[0], spoilt, network.neurons[2])))
    assert [report.status == INEXACT for report in quantized.neurons] == [False, True, False]
    monkeypatch.setattr("snnprog.compiler.work.quantize", lambda *arguments, **options: quantized)
    with pytest.raises(sp.QuantizationError, match="1 of 3 outputs is not exact in integers: output 1 has") as caught:
        sp.compile(spec)
    assert caught.value.neurons == (1,)


def test_free_thresholds_stay_on_the_chip() -> None:
    for name, case in CASES.items():
        spec = case()
        if spec.threshold == FREE:
            program = sp.compile(spec).program
            assert (program.threshold >= 1).all(), name
            assert (program.threshold <= 131071).all(), name
