"""Xylo where outputs hear one another: exact fractions, integers, an exact simplex method, XyloSim."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from exact_lp import is_possible
from test_xylo import plain_run

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.chips import CHIPS
from snnprog.design import design
from snnprog.design.box import box_of
from snnprog.design.mapping import potential_map
from snnprog.design.problem import NeuronProblem, neuron_problem
from snnprog.design.proofs.histories import clashes
from snnprog.design.proofs.pull import pull
from snnprog.rules.rule import LayerConstant
from snnprog.simulate import simulate
from snnprog.simulate.neuron import NeuronSimulator
from snnprog.spec import presynaptic_raster

XYLO = CHIPS["xylo"]
TICKS = (30, 24)

Make = Callable[[np.random.Generator], sp.Spec]


def loop_truth(generator: np.random.Generator, **changes: Any) -> sp.Spec:
    """Return a spec of what a random loop does, where no neuron of it spikes twice in a tick."""
    dynamics = sp.Dynamics(current_decay=int(generator.integers(1, 4)), potential_decay=int(generator.integers(1, 6)))
    n_inputs, count = int(generator.integers(4, 13)), int(generator.integers(1, 4))
    while True:
        program = random_loop(generator, n_inputs, count, dynamics)
        inputs = [generator.random((ticks, n_inputs)) < 0.15 for ticks in TICKS]
        if greatest_count(program, inputs) == 1:
            break
    patterns = [
        sp.Pattern(raster, trace.spikes) for raster, trace in zip(inputs, simulate(program, inputs), strict=True)
    ]
    options: dict[str, Any] = {"dynamics": dynamics, "chip": "xylo", "recurrent": True} | changes
    return sp.Spec(patterns, **options)


def random_loop(generator: np.random.Generator, n_inputs: int, count: int, dynamics: sp.Dynamics) -> sp.Program:
    pre, post = np.nonzero(generator.random((n_inputs + count, count)) < 0.9)
    return sp.Program.from_arrays(
        chip="xylo",
        n_inputs=n_inputs,
        n_neurons=2 * count,
        outputs=count + np.arange(count),
        pre=np.tile(pre, 2),
        post=np.concatenate([post, post + count]),
        weight=np.tile(generator.integers(-100, 128, pre.size), 2),
        exponent=3,
        threshold=np.tile(generator.integers(300, 1500, count), 2),
        current_decay=dynamics.current_decay,
        potential_decay=dynamics.potential_decay,
    )


def greatest_count(program: sp.Program, inputs: list[Raster]) -> int:
    """Return the most spikes that any neuron has in any tick, by plain integers."""
    return max(max(map(max, plain_run(program, raster)[0])) for raster in inputs)


def tiny_loop(seed: int) -> sp.Spec:
    """Return a spec with one output that hears itself, and a target: random, or what a readout neuron would do."""
    generator = np.random.default_rng(seed)
    inputs, targets = generator.random((9, 2)) < 0.35, generator.random((9, 1)) < 0.35
    dynamics = sp.Dynamics(current_decay=int(generator.integers(1, 3)), potential_decay=int(generator.integers(0, 4)))
    if seed % 2:
        program = sp.Program.from_arrays(
            chip="xylo",
            n_inputs=2,
            n_neurons=1,
            pre=[0, 1],
            post=0,
            weight=generator.integers(20, 128, 2),
            threshold=20,
            current_decay=dynamics.current_decay,
            potential_decay=dynamics.potential_decay,
        )
        targets = simulate(program, [inputs])[0].spikes
    return sp.Spec([sp.Pattern(inputs, targets)], dynamics=dynamics, chip="xylo", recurrent=True)


def pair(*, recurrent: bool) -> sp.Spec:
    """Return a spec by which either input makes a spike, and so do both together, which is two thresholds."""
    inputs, targets = np.zeros((10, 2), dtype=bool), np.zeros((10, 1), dtype=bool)
    inputs[[0, 8], 0] = inputs[[4, 8], 1] = True
    targets[[1, 5, 9]] = True
    dynamics = sp.Dynamics(current_decay=1, potential_decay=0)
    return sp.Spec([sp.Pattern(inputs, targets)], dynamics=dynamics, chip="xylo", recurrent=recurrent)


def problem_of(spec: sp.Spec, output: int = 0) -> NeuronProblem:
    mapping, targets = potential_map(spec), spec.targets[:, output]
    return neuron_problem(mapping, output, raster=targets, constrained=np.ones_like(targets), box=box_of(spec, mapping))


def exact_rows(spec: sp.Spec, output: int = 0) -> tuple[list[list[Fraction]], list[bool]]:
    """Return what weights, threshold and bias add before all resets, then after them; and whether a spike is due."""
    kept = Fraction(1) - Fraction(1, 1 << spec.dynamics.current_decay)
    left = Fraction(1) - Fraction(1, 1 << spec.dynamics.potential_decay)
    before, after, due = [], [], []
    for pattern in spec.patterns:
        lines = presynaptic_raster(spec, pattern).astype(int).tolist()
        current, potential = [Fraction(0)] * spec.n_presynaptic, [Fraction(0)] * (spec.n_presynaptic + 2)
        sent = [0] * spec.n_presynaptic
        for row, target in zip(lines, pattern.targets[:, output].tolist(), strict=True):
            current = [kept * (value + spikes) for value, spikes in zip(current, sent, strict=True)]
            flowing = [*current, Fraction(0), Fraction(1)]
            potential = [left * value + flow for value, flow in zip(potential, flowing, strict=True)]
            before.append([*potential[:-2], potential[-2] - 1, potential[-1]])
            potential[-2] -= int(target)
            after.append([*potential[:-2], potential[-2] - 1, potential[-1]])
            due.append(target)
            sent = row
    return before + after, due + [False] * len(due)


# ----------------------------------------------------------------------------------------------------- rows and proofs


@pytest.mark.parametrize("seed", range(4))
def test_rows_are_those_of_the_rule_before_and_after_each_reset(seed: int) -> None:
    spec = loop_truth(np.random.default_rng(seed))
    problem, (rows, due) = problem_of(spec), exact_rows(spec)
    exact = np.array([[float(value) for value in row] for row in rows])
    assert np.allclose(problem.features(np.arange(problem.raster.size)), exact[:, :-2], rtol=0, atol=2e-9)
    assert np.allclose(-problem.threshold_response, exact[:, -2])
    assert np.allclose(problem.bias_response, exact[:, -1])
    assert problem.raster.tolist() == due
    assert np.array_equal(problem.spikes, spec.targets[:, 0])


@pytest.mark.parametrize("seed", range(4))
def test_pulls_are_the_exact_sums_of_rows(seed: int) -> None:
    spec, generator = loop_truth(np.random.default_rng(seed)), np.random.default_rng(seed)
    problem, (rows, due) = problem_of(spec), exact_rows(spec)
    prices = {int(tick): int(generator.integers(1, 9)) for tick in generator.choice(len(rows), 9, False)}
    total = [
        sum(price * (1 if due[tick] else -1) * rows[tick][column] for tick, price in prices.items())
        for column in range(len(rows[0]))
    ]
    pulled = pull(problem, prices)
    unit = Fraction(1, 1 << pulled.bits)
    for tap, value in enumerate(total[:-2]):
        assert [end * unit for end in pulled.taps.get(tap, (0, 0))] == [value, value]
    assert [end * unit for end in pulled.threshold] == [total[-2]] * 2
    assert [end * unit for end in pulled.bias] == [total[-1]] * 2


def test_every_verdict_is_that_of_an_exact_simplex_method() -> None:
    """With the rows of single spikes; without them some would be the other way round."""
    verdicts, looser = [], []
    for seed in range(60):
        spec = tiny_loop(seed)
        designed, (rows, due) = design(spec), exact_rows(spec)
        signed = [[value if spike else -value for value in row] for row, spike in zip(rows, due, strict=True)]
        weight, top = Fraction(127 << 7), Fraction(XYLO.thresholds[1])
        box = [(-weight, weight)] * spec.n_presynaptic + [(Fraction(1), top), (Fraction(0), Fraction(0))]
        half = len(rows) // 2
        verdicts.append(is_possible(signed, [not spike for spike in due], box))
        looser.append(is_possible(signed[:half], [not spike for spike in due[:half]], box))
        assert verdicts[-1] == (not designed.conflicts), seed
    assert 10 < sum(verdicts) < sum(looser) < 55


@pytest.mark.parametrize("recurrent", [False, True])
def test_two_thresholds_need_not_be_two_spikes(recurrent: bool) -> None:
    """A readout neuron spikes once all the same; in a loop, only truncating decays keep both inputs below two."""
    spec = pair(recurrent=recurrent)
    assert sp.verify(sp.compile(spec).program, spec).exact


@pytest.mark.parametrize("readout_spikes", [1, 31])
def test_a_neuron_that_would_spike_twice_is_found_out(readout_spikes: int) -> None:
    """Both inputs together are two thresholds, which one reset, or two in the same tick, take off."""
    spec = pair(recurrent=True)
    constants = (LayerConstant("most", hidden=31, readout=readout_spikes),)
    rule = replace(XYLO.rule, name="another", constants=constants)
    run = NeuronSimulator(rule, potential_map(spec)).run(np.array([40, 40, 0]), 20, 0)
    before, after = np.split(run.spikes, 2)
    assert np.flatnonzero(before).tolist() == [1, 5, 9]
    assert np.flatnonzero(after).tolist() == [9]


def test_equal_histories_are_found_before_resets_and_after() -> None:
    inputs = np.zeros((6, 1), dtype=bool)
    inputs[[0, 2]] = True
    targets = np.zeros((2, 6, 1), dtype=bool)
    targets[0, 3] = True
    spec = sp.Spec([sp.Pattern(inputs, target) for target in targets], chip="xylo", recurrent=True)
    assert clashes(problem_of(spec)) == [(3, 9)]
    with pytest.raises(sp.InfeasibleError, match="patterns 0 and 1 are identical up to tick 3"):
        sp.compile(spec)


# ------------------------------------------------------------------------------------------------------------- compiled

KINDS: Mapping[str, Make] = {
    "plain": loop_truth,
    "a free bias": lambda generator: loop_truth(generator, bias="free"),
    "a fixed bias": lambda generator: loop_truth(generator, bias=15),
    "five bits": lambda generator: loop_truth(generator, weight_bits=5),
    "noise": lambda generator: loop_truth(generator, noise=2.0),
    "sparse": lambda generator: loop_truth(generator, sparse=True),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_loops_become_exact_programs(kind: str, seed: int) -> None:
    """Each neuron stands in the hidden layer and in the readout layer, and nowhere is there a second spike."""
    spec = KINDS[kind](np.random.default_rng(seed))
    result = sp.compile(spec)
    program, count = result.program, spec.n_outputs
    assert sp.verify(program, spec).exact
    assert program.outputs.tolist() == list(range(count, 2 * count))
    for pattern in spec.patterns:
        fired, _, potentials = plain_run(program, pattern.inputs)
        assert [row[:count] for row in fired] == pattern.targets.astype(int).tolist()
        assert [row[:count] for row in potentials] == [row[count:] for row in potentials]
    for neuron in result.report.neurons:
        assert neuron.noise is None or neuron.noise >= spec.noise


def test_bins_that_do_not_count_are_filled_for_the_whole_loop() -> None:
    for seed in range(6):
        generator = np.random.default_rng(seed)
        true, patterns = loop_truth(generator), []
        for pattern in true.patterns:
            care = generator.random(pattern.targets.shape) < 0.9
            patterns.append(sp.Pattern(pattern.inputs, pattern.targets & care, care))
        spec = sp.Spec(patterns, dynamics=true.dynamics, chip="xylo", recurrent=True)
        assert sp.verify(sp.compile(spec).program, spec).exact


def test_coarse_weights_of_a_loop_are_repaired() -> None:
    for seed in (1, 9):
        spec = loop_truth(np.random.default_rng(seed), weight_bits=3)
        result = sp.compile(spec)
        assert any(neuron.rounding != "nearest" for neuron in result.report.neurons)
        assert sp.verify(result.program, spec).exact
        assert greatest_count(result.program, [pattern.inputs for pattern in spec.patterns]) == 1


def test_what_is_said_of_a_loop_is_what_becomes_of_it() -> None:
    spec = loop_truth(np.random.default_rng(2))
    statuses = [verdict.status for verdict in sp.explain(spec).verdicts]
    assert statuses == [neuron.status for neuron in sp.compile(spec).report.neurons]
    wrong = [sp.Pattern(pattern.inputs, pattern.targets.copy()) for pattern in spec.patterns]
    impossible = np.array(wrong[0].targets)
    impossible[0, 0] = True
    wrong[0] = sp.Pattern(wrong[0].inputs, impossible)
    asked = sp.Spec(wrong, dynamics=spec.dynamics, chip="xylo", recurrent=True)
    statuses = [verdict.status for verdict in sp.explain(asked).verdicts]
    assert statuses[0] == "infeasible"
    assert set(statuses[1:]) <= {"certified", "exact", "inexact", "infeasible"}


def test_a_loop_that_is_too_large_for_the_readout_layer_is_refused() -> None:
    inputs, targets = np.zeros((3, 1), dtype=bool), np.zeros((3, 9), dtype=bool)
    with pytest.raises(sp.LimitError, match="outputs must be 0 to 8 on xylo, got 9"):
        sp.compile(sp.Spec([sp.Pattern(inputs, targets)], chip="xylo", recurrent=True))


def test_widths_proved_for_any_input_hold_on_any() -> None:
    """Whatever comes in: neurons of a loop may then send up to 31 spikes per tick."""
    proved = 0
    for seed in range(6):
        generator = np.random.default_rng(seed)
        spec = loop_truth(generator, weight_limit=int(generator.integers(1, 12)))
        result = sp.compile(spec)
        inputs = [generator.random((60, spec.n_inputs)) < rate for rate in (0.05, 0.5, 1.0)]
        if all(neuron.portable_for == "any input" for neuron in result.report.neurons):
            assert all(trace.excursion is None for trace in simulate(result.program, inputs))
            proved += greatest_count(result.program, inputs) > 1
    assert proved >= 1


@pytest.mark.snnprog_backend("xylosim")
def test_compiled_loops_are_the_same_on_xylosim() -> None:
    for seed in range(6):
        spec = loop_truth(np.random.default_rng(100 + seed))
        check = sp.verify(sp.compile(spec).program, spec, ["reference", "xylosim"], record="state")
        assert check.exact, check.first_divergence
        assert check.backends["xylosim"].is_portable
