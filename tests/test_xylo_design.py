"""What is designed for Xylo, against exact fractions, integers, an exact simplex method, and XyloSim."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from exact_lp import is_possible
from numpy.typing import NDArray

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.chips import CHIPS
from snnprog.design import design
from snnprog.design.box import box_of
from snnprog.design.mapping import potential_map
from snnprog.design.problem import NeuronProblem, neuron_problem
from snnprog.design.proofs.histories import clashes
from snnprog.design.proofs.pull import pull
from snnprog.design.rasters.running import free_run
from snnprog.integers.noise import survived_noise
from snnprog.simulate import simulate
from snnprog.simulate.neuron import NeuronSimulator

XYLO = CHIPS["xylo"]
TICKS = (30, 24)

Make = Callable[[np.random.Generator], sp.Spec]


def hidden_truth(generator: np.random.Generator, **changes: Any) -> sp.Spec:
    """Return a spec of what a random readout layer does: there are weights for it."""
    dynamics = sp.Dynamics(current_decay=int(generator.integers(1, 4)), potential_decay=int(generator.integers(0, 6)))
    n_inputs, n_outputs = int(generator.integers(6, 17)), int(generator.integers(1, 4))
    pre, post = np.nonzero(generator.random((n_inputs, n_outputs)) < 0.9)
    program = sp.Program.from_arrays(
        chip="xylo",
        n_inputs=n_inputs,
        n_neurons=n_outputs,
        pre=pre,
        post=post,
        weight=generator.integers(-100, 128, pre.size),
        exponent=3,
        threshold=generator.integers(300, 1500, n_outputs),
        current_decay=dynamics.current_decay,
        potential_decay=dynamics.potential_decay,
    )
    while True:
        inputs = [generator.random((ticks, n_inputs)) < 0.12 for ticks in TICKS]
        traces = simulate(program, inputs)
        if all(trace.excursion is None for trace in traces):
            break
    patterns = [sp.Pattern(raster, trace.spikes) for raster, trace in zip(inputs, traces, strict=True)]
    options: dict[str, Any] = {"dynamics": dynamics, "chip": "xylo"} | changes
    return sp.Spec(patterns, **options)


def tiny(seed: int) -> sp.Spec:
    """Return a spec with few inputs and random targets."""
    generator = np.random.default_rng(seed)
    inputs = generator.random((12, 3)) < 0.3
    targets = generator.random((12, 1)) < 0.25
    dynamics = sp.Dynamics(current_decay=int(generator.integers(1, 3)), potential_decay=int(generator.integers(0, 4)))
    return sp.Spec([sp.Pattern(inputs, targets)], dynamics=dynamics, chip="xylo")


def problem_of(spec: sp.Spec, output: int = 0) -> NeuronProblem:
    mapping = potential_map(spec)
    targets = np.concatenate([pattern.targets[:, output] for pattern in spec.patterns])
    return neuron_problem(mapping, output, raster=targets, constrained=np.ones_like(targets), box=box_of(spec, mapping))


def exact_rows(spec: sp.Spec, output: int = 0) -> list[list[Fraction]]:
    """Return what weights, threshold and bias add to the potential before each reset, from the rule alone."""
    kept = Fraction(1) - Fraction(1, 1 << spec.dynamics.current_decay)
    left = Fraction(1) - Fraction(1, 1 << spec.dynamics.potential_decay)
    rows = []
    for pattern in spec.patterns:
        current = [Fraction(0)] * spec.n_inputs
        potential = [Fraction(0)] * (spec.n_inputs + 2)
        sent = [0] * spec.n_inputs
        for raster, target in zip(pattern.inputs, pattern.targets[:, output], strict=True):
            current = [kept * (value + spikes) for value, spikes in zip(current, sent, strict=True)]
            flowing = [*current, Fraction(0), Fraction(1)]
            potential = [left * value + flow for value, flow in zip(potential, flowing, strict=True)]
            rows.append([*potential[:-2], potential[-2] - 1, potential[-1]])
            potential[-2] -= int(target)
            sent = raster.astype(int).tolist()
    return rows


# ------------------------------------------------------------------------------------------------------------ the map


@pytest.mark.parametrize("seed", range(6))
def test_rows_are_those_of_the_rule(seed: int) -> None:
    spec = hidden_truth(np.random.default_rng(seed))
    problem = problem_of(spec)
    exact = np.array([[float(value) for value in row] for row in exact_rows(spec)])
    features = problem.features(np.arange(problem.raster.size))
    assert np.allclose(features, exact[:, :-2], rtol=0, atol=2e-9)
    assert np.allclose(-problem.threshold_response, exact[:, -2])
    assert np.allclose(problem.bias_response, exact[:, -1])
    assert np.allclose(problem.norms, exact[:, :-2].sum(axis=1), atol=1e-7)
    weights = np.random.default_rng(seed).normal(size=features.shape[1])
    assert np.allclose(problem.potential(weights, 0.5), features @ weights + 0.5 * problem.bias_response)
    prices = np.random.default_rng(seed).random(problem.raster.size)
    assert np.allclose(problem.potential_map.adjoint(prices, problem.resets), prices @ features, atol=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_decays_move_the_potential_no_more_than_the_bound(seed: int) -> None:
    """Whole numbers that lose the threshold where the raster says differ from exact ones by at most ρ."""
    generator = np.random.default_rng(seed)
    spec = hidden_truth(generator)
    problem, bias = problem_of(spec), int(generator.choice([0, 0, 3, -50]))
    weights, threshold = generator.integers(-90, 91, problem.potential_map.n_taps), 200
    exact = [sum(a * b for a, b in zip(row, [*weights.tolist(), 0, bias], strict=True)) for row in exact_rows(spec)]
    bound = problem.potential_map.truncation(problem.resets, problem.raster, biased=bias != 0)
    found = subtracting_course(spec, problem.raster, weights, threshold, bias)
    ideal = np.array([float(value) for value in exact]) - threshold * (problem.threshold_response - 1.0)
    assert (np.abs(found - ideal) <= bound + 1e-9).all()
    assert np.abs(found - ideal).max() > 0.1 * bound.max()


def subtracting_course(
    spec: sp.Spec, raster: Raster, weights: NDArray[np.int64], threshold: int, bias: int
) -> NDArray[np.int64]:
    """Return the potential before each reset, in integers, the resets being where ``raster`` has spikes."""

    def decayed(value: int, shift: int) -> int:
        taken = value >> shift
        return value - (taken if taken else (value > 0) - (value < 0))

    course, tick = [], 0
    for pattern in spec.patterns:
        current = potential = 0
        for row in range(pattern.ticks):
            arriving = int(weights @ pattern.inputs[row - 1]) if row else 0
            current = decayed(current + arriving, spec.dynamics.current_decay)
            potential = decayed(potential, spec.dynamics.potential_decay) + current + bias
            course.append(potential)
            potential -= threshold * int(raster[tick])
            tick += 1
    return np.array(course)


@pytest.mark.parametrize("seed", range(4))
def test_pulls_are_the_exact_sums_of_rows(seed: int) -> None:
    spec = hidden_truth(np.random.default_rng(seed))
    problem, rows, generator = problem_of(spec), exact_rows(spec), np.random.default_rng(seed)
    prices = {int(tick): int(generator.integers(1, 9)) for tick in generator.choice(problem.raster.size, 5, False)}
    signs = {tick: 1 if problem.raster[tick] else -1 for tick in prices}
    total = [
        sum(price * signs[tick] * rows[tick][column] for tick, price in prices.items())
        for column in range(len(rows[0]))
    ]
    pulled = pull(problem, prices)
    unit = Fraction(1, 1 << pulled.bits)
    for tap, value in enumerate(total[:-2]):
        assert [end * unit for end in pulled.taps.get(tap, (0, 0))] == [value, value]
    assert [end * unit for end in pulled.threshold] == [total[-2]] * 2
    assert [end * unit for end in pulled.bias] == [total[-1]] * 2
    rounded = pull(problem, prices, 9)
    assert rounded.threshold[0] <= total[-2] * 512 <= rounded.threshold[1]


def test_real_weights_let_run_do_what_they_were_designed_for() -> None:
    spec = hidden_truth(np.random.default_rng(5))
    for index, neuron in enumerate(design(spec).network.neurons):
        problem = problem_of(spec, index)
        spikes = free_run(problem, neuron.weights.ravel(), threshold=neuron.threshold, bias=neuron.bias)
        assert np.array_equal(spikes, problem.raster)


# -------------------------------------------------------------------------------------------------- verdicts and proofs


def test_every_verdict_is_that_of_an_exact_simplex_method() -> None:
    """Spikes reach the threshold, silences stay strictly below; within the chip's widest ranges."""
    verdicts = []
    for seed in range(60):
        spec = tiny(seed)
        designed = design(spec)
        signs = [1 if spike else -1 for spike in spec.patterns[0].targets[:, 0]]
        rows = [[sign * value for value in row] for sign, row in zip(signs, exact_rows(spec), strict=True)]
        weight, top = Fraction(127 << 7), Fraction(XYLO.thresholds[1])
        box = [(-weight, weight)] * spec.n_inputs + [(Fraction(1), top), (Fraction(0), Fraction(0))]
        possible = is_possible(rows, [sign < 0 for sign in signs], box)
        assert possible == (not designed.conflicts), seed
        verdicts.append(possible)
    assert 10 < sum(verdicts) < 50


def test_an_equal_history_is_told_and_a_subtraction_is_part_of_it() -> None:
    """After a spike less is left, so the same inputs may be answered otherwise; in two patterns they may not."""
    inputs = np.zeros((6, 1), dtype=bool)
    inputs[[0, 2]] = True
    first, second = np.zeros((6, 1), dtype=bool), np.zeros((6, 1), dtype=bool)
    first[3] = True
    spec = sp.Spec([sp.Pattern(inputs, first), sp.Pattern(inputs, second)], chip="xylo")
    assert clashes(problem_of(spec)) == [(3, 9)]
    with pytest.raises(sp.InfeasibleError, match="patterns 0 and 1 are identical up to tick 3"):
        sp.compile(spec)
    assert sp.compile(sp.Spec([sp.Pattern(inputs, first)], chip="xylo")).report.status == "exact"


def test_a_spike_before_anything_arrives_is_impossible() -> None:
    targets = np.eye(4, 1, dtype=bool)
    with pytest.raises(sp.InfeasibleError, match="no input has reached it since the pattern began"):
        sp.compile(sp.Spec([sp.Pattern(np.ones((4, 2), dtype=bool), targets)], chip="xylo"))


# ------------------------------------------------------------------------------------------------------------- compiled

KINDS: Mapping[str, Make] = {
    "plain": hidden_truth,
    "a free bias": lambda generator: hidden_truth(generator, bias="free"),
    "a fixed bias": lambda generator: hidden_truth(generator, bias=20),
    "a fixed threshold": lambda generator: hidden_truth(generator, threshold=900),
    "four bits": lambda generator: hidden_truth(generator, weight_bits=5),
    "noise": lambda generator: hidden_truth(generator, noise=3.0),
    "sparse": lambda generator: hidden_truth(generator, sparse=True),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_specs_become_exact_programs(kind: str, seed: int) -> None:
    spec = KINDS[kind](np.random.default_rng(seed))
    result = sp.compile(spec)
    assert sp.verify(result.program, spec).exact
    assert np.unique(result.program.exponent).size <= 1
    for neuron in result.report.neurons:
        assert neuron.noise is None or neuron.noise >= spec.noise
        assert spec.threshold in ("free", neuron.threshold)
        assert spec.bias in ("free", neuron.bias)


@pytest.mark.snnprog_backend("xylosim")
def test_compiled_programs_are_the_same_on_xylosim() -> None:
    certified = 0
    for seed in range(12):
        spec = hidden_truth(np.random.default_rng(100 + seed))
        result = sp.compile(spec)
        check = sp.verify(result.program, spec, backends=["reference", "xylosim"])
        assert check.exact, check.first_divergence
        assert check.backends["xylosim"].is_portable
        certified += all(neuron.status == "certified" for neuron in result.report.neurons)
    assert certified > 6


@pytest.mark.parametrize("seed", [1, 5, 6])
def test_coarse_weights_are_repaired_to_be_exact(seed: int) -> None:
    generator = np.random.default_rng(seed)
    program = sp.Program.from_arrays(
        chip="xylo",
        n_inputs=8,
        n_neurons=1,
        pre=np.arange(8),
        post=0,
        weight=generator.integers(-1, 2, 8),
        exponent=7,
        threshold=int(generator.integers(100, 400)),
        current_decay=2,
    )
    inputs = [generator.random((25, 8)) < 0.15 for _ in range(2)]
    patterns = [
        sp.Pattern(raster, trace.spikes) for raster, trace in zip(inputs, simulate(program, inputs), strict=True)
    ]
    spec = sp.Spec(patterns, dynamics=sp.Dynamics(potential_decay=4, current_decay=2), weight_bits=2, chip="xylo")
    result = sp.compile(spec)
    assert sp.verify(result.program, spec).exact
    assert np.abs(result.program.weight).max(initial=0) <= 1
    assert result.report.neurons[0].rounding != "nearest"


def test_bins_that_do_not_count_are_filled() -> None:
    generator = np.random.default_rng(1)
    true = hidden_truth(generator)
    patterns = []
    for pattern in true.patterns:
        care = generator.random(pattern.targets.shape) < 0.9
        patterns.append(sp.Pattern(pattern.inputs, pattern.targets & care, care))
    spec = sp.Spec(patterns, dynamics=true.dynamics, chip="xylo")
    assert sp.verify(sp.compile(spec).program, spec).exact


def test_widths_proved_for_any_input_hold_on_any() -> None:
    """Where a neuron is said never to clip, it does not, whatever comes in."""
    proved = 0
    for seed in range(30):
        generator = np.random.default_rng(seed)
        spec = hidden_truth(generator, weight_limit=int(generator.integers(5, 60)))
        try:
            result = sp.compile(spec)
        except (sp.InfeasibleError, sp.QuantizationError):
            continue
        if any(neuron.portable_for != "any input" for neuron in result.report.neurons):
            continue
        proved += 1
        rates = (0.05, 0.5, 1.0)
        inputs = [generator.random((60, spec.n_inputs)) < rate for rate in rates]
        inputs += [np.tile(generator.random(spec.n_inputs) < 0.5, (60, 1)) for _ in range(4)]
        assert all(trace.excursion is None for trace in simulate(result.program, inputs))
    assert proved >= 5


@pytest.mark.parametrize("seed", range(10))
def test_the_compiled_neuron_is_the_reference(seed: int) -> None:
    generator = np.random.default_rng(seed)
    spec = hidden_truth(generator)
    mapping, exponent = potential_map(spec), int(generator.integers(0, 8))
    weights = generator.integers(-128, 128, spec.n_inputs)
    threshold, bias = int(generator.integers(1, 9000)), int(generator.integers(-127, 128))
    program = sp.Program.from_arrays(
        chip="xylo",
        n_inputs=spec.n_inputs,
        n_neurons=1,
        pre=np.arange(spec.n_inputs),
        post=0,
        weight=weights,
        exponent=exponent,
        threshold=threshold,
        bias=bias,
        current_decay=spec.dynamics.current_decay,
        potential_decay=spec.dynamics.potential_decay,
    )
    traces = simulate(program, [pattern.inputs for pattern in spec.patterns], state=True)
    run = NeuronSimulator(XYLO.rule, mapping).run(weights << exponent, threshold, bias)
    assert np.array_equal(run.spikes, np.concatenate([trace.spikes[:, 0] for trace in traces]))
    after = np.concatenate([trace.potentials[:, 0] for trace in traces if trace.potentials is not None])
    assert np.array_equal(run.potentials - threshold * run.spikes, after)
    assert run.is_portable == all(trace.excursion is None for trace in traces)


def test_noise_survived_counts_equality_as_a_spike() -> None:
    assert survived_noise(np.array([10, 7]), 10, rule=XYLO.rule) == 0
    assert survived_noise(np.array([12, 7]), 10, rule=XYLO.rule) == 2
    assert survived_noise(np.array([15, 9]), 10, rule=XYLO.rule) == 0


# -------------------------------------------------------------------------------------------------------- what is not

REFUSED: Mapping[str, tuple[dict[str, Any], type[Exception], str]] = {
    "delays": ({"delays": [1, 2]}, sp.LimitError, "delay must be 1 on xylo, got 2"),
    "decays of another chip": ({"dynamics": sp.Dynamics()}, sp.LimitError, "must be 0 to 15 on xylo, got 205"),
    "a bias": ({"bias": 128}, sp.LimitError, "bias must be -127 to 127 on xylo, got 128"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_built_for_xylo_is_said(name: str) -> None:
    changes, kind, message = REFUSED[name]
    with pytest.raises(kind, match=re.escape(message)):
        hidden_truth(np.random.default_rng(0), **changes)


def test_weights_do_not_come_back_where_resets_subtract() -> None:
    with pytest.raises(sp.SpecError, match="chip is 'xylo'; weights come back"):
        sp.recover(tiny(0), [np.zeros((12, 1), dtype=int)])
