"""Each repair alone, and all of them against every weight vector there is, run by the chip's integer rule."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cases import CASES, PlainNeuron, exact_arrivals, random_raster, teach

import snnprog as sp
from snnprog.arrays import Int64s
from snnprog.chips import CHIPS
from snnprog.design import design
from snnprog.design.box import box_of
from snnprog.design.mapping import potential_map
from snnprog.design.problem import NeuronProblem, neuron_problem
from snnprog.design.support import restricted_to
from snnprog.design.task import Task
from snnprog.integers import quantize
from snnprog.integers.exhaustive import relaxed, whole
from snnprog.integers.integer_problem import IntegerProblem
from snnprog.integers.machine import Machine
from snnprog.integers.reoptimise import reoptimised
from snnprog.integers.rounding import IntegerNeuron
from snnprog.integers.search import SHORT, IntegerRows, search
from snnprog.spec import FREE, presynaptic_raster

LOIHI1 = CHIPS["loihi1"]
EXPONENTS = range(8)
MEMORYLESS = sp.Dynamics(potential_decay=4095)


def row_problem(spec: sp.Spec, exponent: int = 0, output: int = 0) -> NeuronProblem:
    """Return the rows of one output at an exponent, every tick constrained."""
    mapping = potential_map(spec)
    raster = np.concatenate([pattern.targets[:, output] for pattern in spec.patterns])
    everything = np.ones(raster.size, dtype=bool)
    return neuron_problem(
        mapping, output, raster=raster, constrained=everything, box=box_of(spec, mapping)
    ).at_exponent(exponent)


def integer_problem(spec: sp.Spec, exponent: int = 0) -> IntegerProblem:
    problem = row_problem(spec, exponent)
    machine = Machine(LOIHI1, problem.potential_map, problem.raster)
    return IntegerProblem(problem, LOIHI1, machine)


def plain_course(spec: sp.Spec, weights: Int64s, bias: int, output: int = 0) -> tuple[list[int], bool]:
    """Return the potentials before each reset, resets as the target has them, and whether all states are portable."""
    course, portable = [], True
    for pattern in spec.patterns:
        neuron = PlainNeuron(spec.dynamics.current_decay, spec.dynamics.potential_decay, bias)
        arrivals = exact_arrivals(presynaptic_raster(spec, pattern), spec.delays, weights.tolist())
        for arriving, spike in zip(arrivals, pattern.targets[:, output].tolist(), strict=True):
            neuron.integrate(64 * int(arriving))
            portable &= abs(64 * arriving) < 2**21 and abs(neuron.unwrapped) < 2**23 and abs(neuron.unclipped) < 2**23
            course.append(neuron.v)
            neuron.v = 0 if spike else neuron.v
    return course, portable


def is_exact(spec: sp.Spec, neuron: IntegerNeuron) -> bool:
    """Judge a neuron by the plain rule."""
    course, portable = plain_course(spec, neuron.mantissas * 2**neuron.exponent, neuron.bias)
    raster = np.concatenate([pattern.targets[:, 0] for pattern in spec.patterns])
    return portable and [value > 64 * neuron.threshold for value in course] == raster.tolist()


def tiny(seed: int, **options: Any) -> sp.Spec:
    """Return a spec of a few taps; of three in five the target is what small random integers do, else it is random."""
    generator = np.random.default_rng(seed)
    lines, ticks = int(generator.integers(1, 4)), int(generator.integers(4, 12))
    inputs = [generator.random((ticks, lines)) < 0.45]
    dynamics = sp.Dynamics(int(generator.choice([205, 1000, 2048, 4095])), int(generator.choice([4095, 2500])))
    threshold = int(options.get("threshold") or generator.integers(1, 6))
    if generator.random() < 0.6:
        patterns = teach(seed, inputs, n_outputs=1, delays=[1], dynamics=dynamics, threshold=30 * threshold)
    else:
        targets = generator.random((ticks, 1)) < 0.25
        targets[0] = False
        patterns = [sp.Pattern(inputs[0], targets)]
    return sp.Spec(patterns, dynamics=dynamics, **options)


def some_integers_do(spec: sp.Spec) -> bool:
    """Tell by running them all whether any weights of the spec, at any exponent, are exact with some threshold."""
    used, allowed, raster = potential_map(spec).is_tap_used, spec.mantissas, spec.patterns[0].targets[:, 0]
    values = [-1, 1] if allowed.is_binary else range(-allowed.limit, allowed.limit + 1)
    chosen = np.array(list(itertools.product(values, repeat=used.sum()))).reshape(-1, used.sum())
    weights = np.concatenate([chosen << exponent for exponent in EXPONENTS])
    u: Int64s = np.zeros(len(weights), np.int64)
    v: Int64s = np.zeros_like(u)
    silent, due, portable = np.zeros_like(v), np.full_like(v, 2**30), np.ones(len(v), dtype=bool)
    for tick, spike in enumerate(raster):
        arriving = 64 * (weights @ spec.patterns[0].inputs[tick - 1, used]) if tick else 0 * u
        u = rounded_to_zero(u, 4095 - spec.dynamics.current_decay) + arriving
        v = rounded_to_zero(v, 4096 - spec.dynamics.potential_decay) + u + int(spec.bias)
        portable &= (abs(arriving) < 2**21) & (abs(u) < 2**23) & (abs(v) < 2**23)
        silent, due = (silent, np.minimum(due, v)) if spike else (np.maximum(silent, v), due)
        v = 0 * v if spike else v
    least = np.maximum(1, -(-silent // 64)) if spec.threshold == FREE else np.full_like(v, int(spec.threshold))
    return bool((portable & (silent <= 64 * least) & (64 * least < due)).any())


def rounded_to_zero(values: Int64s, factor: int) -> Int64s:
    """Return ``values * factor / 4096`` rounded toward zero."""
    rounded: Int64s = np.sign(values) * (abs(values) * factor // 4096)
    return rounded


# ------------------------------------------------------------------------------------------- against all weight vectors


@pytest.mark.parametrize(
    "options",
    [
        {"weight_bits": 1},
        {"weight_bits": 2},
        {"weight_limit": 2},
        {"weight_bits": 1, "threshold": 2},
        {"weight_limit": 2, "threshold": 3},
        {"weight_limit": 1, "threshold": 5, "bias": 16},
        {"weight_limit": 2, "bias": -40},
    ],
    ids=str,
)
def test_verdicts_are_those_of_trying_everything(options: dict[str, Any]) -> None:
    """What compiles is possible, and what is refused, with proof, is not; nothing is left open."""
    verdicts = []
    for seed in range(10):
        spec = tiny(seed, **options)
        try:
            sp.compile(spec)
            verdicts.append(True)
        except sp.InfeasibleError:
            verdicts.append(False)
        assert verdicts[-1] == some_integers_do(spec), seed
    assert len(set(verdicts)) == 2


@pytest.mark.parametrize("options", [{"weight_bits": 2}, {"weight_limit": 2, "threshold": 3}], ids=str)
def test_the_exhaustive_programs_alone(options: dict[str, Any]) -> None:
    """The whole program decides each exponent; the relaxed one refuses nothing that is possible."""
    answers = []
    for seed in range(8):
        spec = tiny(seed, **options)
        problems = [integer_problem(spec, exponent) for exponent in EXPONENTS]
        decided = [whole(problem) for problem in problems]
        assert all(repair.neuron is not None or repair.is_impossible for repair in decided)
        found = [repair.neuron for repair in decided if repair.neuron is not None]
        assert all(is_exact(spec, neuron) for neuron in found)
        possible = some_integers_do(spec)
        assert bool(found) == possible
        loose = [relaxed(problem, [problem]) for problem in problems]
        assert not (possible and all(repair.is_impossible for repair in loose))
        if spec.threshold == FREE:
            assert not (possible and loose[0].is_impossible)
        answers.append((possible, loose[0].is_impossible))
    assert {(True, False), (False, True)} <= set(answers)


# --------------------------------------------------------------------------------------------------- each repair alone


@pytest.mark.parametrize("name", CASES)
def test_the_machine_is_the_plain_rule(name: str) -> None:
    spec = CASES[name]()
    problem = row_problem(spec)
    machine = Machine(LOIHI1, problem.potential_map, problem.raster)
    generator = np.random.default_rng(3)
    for size in (5, 200, 40_000):
        weights = generator.integers(-size, size + 1, problem.potential_map.n_taps)
        bias = int(generator.integers(-size, size))
        plain, portable = plain_course(spec, weights.reshape(len(spec.delays), -1), bias)
        course = machine.run(weights, bias)
        assert course.is_portable == portable
        if portable:
            assert course.potential.tolist() == plain


def taught(**options: Any) -> sp.Spec:
    inputs = random_raster(5, 60, 12, 0.3)
    return sp.Spec(teach(5, [inputs], n_outputs=1, delays=[1]), **options)


@pytest.mark.parametrize("share", [0.5, 0.05])
def test_reoptimised_weights_are_integers_in_their_box(share: float) -> None:
    problem = row_problem(taught(weight_limit=60), 2)
    mantissas, answer = reoptimised(problem, share)
    assert mantissas.dtype == np.int64
    assert (mantissas >= problem.box.weight_lower).all()
    assert (mantissas <= problem.box.weight_upper).all()
    assert answer.is_feasible
    margins = problem.margins(mantissas.astype(np.float64) * problem.step, answer.threshold, answer.bias)
    assert margins.min() > 0


def test_reoptimising_keeps_more_than_rounding() -> None:
    """Over several tight specs, plain rounding leaves rows that fall short, and re-optimising leaves less of them."""
    short = dict.fromkeys((1.0, 0.1), 0.0)
    for seed, share in itertools.product(range(4), short):
        problem = row_problem(perceptron(40, 56, seed, weight_bits=4), 4)
        mantissas, answer = reoptimised(problem, share)
        potential = problem.potential(mantissas.astype(np.float64) * problem.step, answer.bias)
        rows = problem.signs * (potential - answer.threshold)
        short[share] += float(np.maximum(-rows, 0.0).sum())
    assert short[0.1] < short[1.0]


def perceptron(taps: int, rows: int, seed: int, **options: Any) -> sp.Spec:
    """Return random rows of half ones, half to be spikes: the perceptron of the textbooks."""
    generator = np.random.default_rng(seed)
    inputs, targets = generator.random((rows + 1, taps)) < 0.5, generator.random((rows + 1, 1)) < 0.5
    targets[0] = False
    return sp.Spec([sp.Pattern(inputs, targets)], dynamics=MEMORYLESS, **options)


@pytest.mark.parametrize(("limit", "step"), [(1, 2), (1, 1), (7, 1)])
def test_the_search_finds_what_was_hidden(limit: int, step: int) -> None:
    generator = np.random.default_rng(limit + step)
    hidden = generator.choice(np.arange(-limit, limit + 1, step), 40)
    columns = generator.normal(size=(40, 22))
    columns *= np.sign(hidden @ columns)
    least = 0.5 * (hidden @ columns)
    bounds = np.full(40, -limit), np.full(40, limit)
    rows = IntegerRows(columns, least, *bounds, step=step, n_weights=40)
    start = np.full(40, -limit)
    found = search(rows, start, SHORT, seed=1)
    assert found is not None
    assert (found @ columns >= least - 1e-5).all()
    assert set(found.tolist()) <= set(range(-limit, limit + 1, step))
    again = search(rows, start, SHORT, seed=1)
    assert again is not None
    assert found.tolist() == again.tolist()
    assert search(replace(rows, least=least + 1e3), start, replace(SHORT, work=1e6), seed=1) is None


def test_binary_weights_near_their_limit() -> None:
    """At 0.6 rows per weight rounding fails, and the search does not."""
    for seed in range(3):
        result = sp.compile(perceptron(60, 36, seed, weight_bits=1))
        assert set(np.abs(result.program.weight).tolist()) == {1}
        assert result.report.neurons[0].status == "exact"


# --------------------------------------------------------------------------------------------------------- whole specs


@pytest.mark.parametrize("bits", range(1, 9))
def test_every_width_is_kept(bits: int) -> None:
    spec = perceptron(20, 8, 1, weight_bits=bits)
    program = sp.compile(spec).program
    assert sp.verify(program, spec).exact
    limit = max(1, 2 ** (bits - 1) - 1)
    assert np.abs(program.weight).max() <= limit
    if bits == 1:
        assert program.n_synapses == potential_map(spec).is_tap_used.sum()


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_signs_hold_at_few_bits(bits: int) -> None:
    """Three excitatory lines that must fire together, and one inhibitory line that must veto them."""
    inputs = np.array([list(map(int, row)) for row in ("1110", "0000", "1111", "0000", "1100", "0000")], dtype=bool)
    targets = np.array([[0], [1], [0], [0], [0], [0]], dtype=bool)
    spec = sp.Spec([sp.Pattern(inputs, targets)], dynamics=MEMORYLESS, signs=(1, 1, 1, -1), weight_bits=bits)
    program = sp.compile(spec).program
    assert (program.weight * np.array(spec.signs)[program.pre] > 0).all()
    if bits == 1:
        assert sorted(program.weight.tolist()) == [-1, 1, 1, 1]
    no_veto = sp.Spec(spec.patterns, dynamics=MEMORYLESS, signs=(1, 1, 1, 1), weight_bits=bits)
    with pytest.raises(sp.InfeasibleError):
        sp.compile(no_veto)


def test_recurrent_programs_of_few_bits_are_exact() -> None:
    inputs = random_raster(6, 40, 4)
    patterns = teach(6, [inputs], n_outputs=3, delays=[1, 3], recurrent=True)
    spec = sp.Spec(patterns, delays=[1, 3], recurrent=True, weight_bits=4)
    program = sp.compile(spec).program
    assert np.abs(program.weight).max() <= 7
    assert sp.verify(program, spec).exact


def test_repairs_do_not_depend_on_the_executor() -> None:
    targets = [perceptron(30, 20, seed).patterns[0] for seed in range(3)]
    spec = sp.Spec(
        [sp.Pattern(targets[0].inputs, np.concatenate([pattern.targets for pattern in targets], axis=1))],
        dynamics=MEMORYLESS,
        weight_bits=1,
    )
    network = design(spec).network
    alone = quantize(Task.of(spec), network, seed=4)
    assert {report.rounding for report in alone.neurons} - {"nearest"}
    with ThreadPoolExecutor(3) as executor:
        together = quantize(Task.of(spec), network, seed=4, executor=executor)
    assert alone.neurons == together.neurons
    assert alone.program.weight.tolist() == together.program.weight.tolist()


def test_an_impossible_width_is_told_in_its_words() -> None:
    """Of lines weighing ±2^e each, one fires the output alone and the other does not: both together cannot."""
    inputs = np.array([[1, 0], [0, 0], [0, 1], [0, 0], [1, 1], [0, 0]], dtype=bool)
    targets = np.array([[0], [1], [0], [0], [0], [1]], dtype=bool)
    possible = sp.Spec([sp.Pattern(inputs, targets)], dynamics=MEMORYLESS, weight_bits=2)
    assert sp.compile(possible).program.weight.tolist() == [1]
    spec = sp.Spec(possible.patterns, dynamics=MEMORYLESS, weight_bits=1)
    with pytest.raises(sp.InfeasibleError, match=r"no integers let output 0 .*: all that .* were tried") as caught:
        sp.compile(spec)
    assert [conflict.neuron for conflict in caught.value.conflicts] == [0]


def test_the_exhaustive_program_on_some_taps_alone() -> None:
    """Where synapses are counted, some taps have no unknown; spikes still arrive over them."""
    found = 0
    for seed in range(8):
        spec = tiny(seed, weight_bits=2)
        asked = integer_problem(spec)
        used = asked.taps[1:]
        few = IntegerProblem(restricted_to(asked.problem, used), LOIHI1, asked.machine)
        repair = whole(few)
        assert repair.neuron is not None or repair.is_impossible
        if repair.neuron is not None:
            found += 1
            assert is_exact(spec, repair.neuron)
            assert repair.neuron.mantissas.ravel()[asked.taps[0]] == 0
    assert found


def test_other_ticks_in_windows_are_chosen_where_the_first_have_no_integers() -> None:
    """No weights of -1, 0 and 1 give the ticks that the design chooses, but they give others in the same windows."""
    lines = np.array([[1, 1], [0, 1], [0, 0], [0, 1], [1, 1], [0, 0], [0, 0]], dtype=bool)
    target = [[bool(spike)] for spike in [0, 0, 0, 1, 1, 0, 1]]
    spec = sp.Spec([sp.Pattern(lines, target)], [1, 2], threshold=5, weight_bits=2, window=(1, 1))
    assert sp.verify(sp.compile(spec).program, spec).exact
