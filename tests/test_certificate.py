"""Certificates: what prices pull at against plain fractions, and that no wrong prices are taken for a contradiction."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from cases import CASES
from exact_lp import maximum
from hypothesis import given, settings
from hypothesis import strategies as st
from verdict_specs import ExactNeuron, tiny_spec

import snnprog as sp
from snnprog.design import design
from snnprog.design.box import box_of
from snnprog.design.mapping import potential_map
from snnprog.design.problem import NeuronProblem, neuron_problem
from snnprog.design.proofs import proving, verdict
from snnprog.design.proofs.certificate import HAIR, Certificate, certify, widest_box
from snnprog.design.proofs.histories import clashes
from snnprog.design.proofs.needed import needed
from snnprog.design.proofs.nullvector import null_vector
from snnprog.design.proofs.pull import exact_bits, pull
from snnprog.design.proofs.separation import separations
from snnprog.design.proofs.simplex import maximise_exactly

SMALL = [name for name in CASES if name not in ("longest_delay", "everything")]


def problem_of(spec: sp.Spec, output: int = 0) -> NeuronProblem:
    """Return the rows of one output, all of them constrained."""
    mapping = potential_map(spec)
    targets = np.concatenate([pattern.targets[:, output] for pattern in spec.patterns])
    box = box_of(spec, mapping)
    return neuron_problem(mapping, output, raster=targets, constrained=np.ones_like(targets), box=box)


def infeasible_specs(count: int) -> list[sp.Spec]:
    specs = (tiny_spec(seed) for seed in range(10_000))
    return [spec for spec, _ in zip((s for s in specs if design(s).conflicts), range(count), strict=False)]


# ----------------------------------------------------------------------------------------------------------- pulls


@pytest.mark.parametrize("name", SMALL)
def test_pulls_are_the_exact_sums_of_rows(name: str) -> None:
    spec = CASES[name]()
    problem, exact = problem_of(spec), ExactNeuron(spec)
    generator = np.random.default_rng(0)
    ticks = generator.choice(problem.raster.size, min(4, problem.raster.size), replace=False).tolist()
    prices = {tick: int(generator.integers(1, 9)) for tick in ticks}
    total = [
        sum(price * exact.rows[tick][column] for tick, price in prices.items()) for column in range(len(exact.box))
    ]
    pulled = pull(problem, prices)
    unit = Fraction(1, 1 << pulled.bits)
    for tap, value in enumerate(total[:-2]):
        assert [end * unit for end in pulled.taps.get(tap, (0, 0))] == [value, value]
    assert [end * unit for end in pulled.threshold] == [total[-2], total[-2]]
    assert [end * unit for end in pulled.bias] == [total[-1]] * 2
    for bits in (1, 7, 40):
        rounded = pull(problem, prices, bits)
        unit = Fraction(1, 1 << bits)
        for tap, value in enumerate(total[:-2]):
            low, high = rounded.taps.get(tap, (0, 0))
            assert low * unit <= value <= high * unit


def test_pulls_of_long_memories_are_rounded_outwards() -> None:
    ticks = 3000
    inputs, targets = np.zeros((ticks, 2), dtype=bool), np.zeros((ticks, 1), dtype=bool)
    inputs[[0, 1500], [0, 1]] = targets[-1] = True
    problem = problem_of(sp.Spec([sp.Pattern(inputs, targets)]))
    assert exact_bits(problem, {ticks - 1: 1}) > 30_000
    low, high = pull(problem, {ticks - 1: 1}).taps[1]
    assert high - low > 0
    kept = Fraction(4096 - 205, 4096) ** (ticks - 1 - 1501)
    assert low <= kept * (1 << 1000) <= high
    assert Fraction(high - low, low) < Fraction(1, 10**200)


# ------------------------------------------------------------------------------------------------------------ proofs


def test_no_changed_proof_is_believed() -> None:
    """Prices that are moved, dropped or added give what fractions say they do, and mostly no proof."""
    refused = 0
    for spec in infeasible_specs(40):
        problem, exact = problem_of(spec), ExactNeuron(spec)
        certificate = design(spec).outcomes[0].certificate
        assert isinstance(certificate, Certificate)
        assert certify(problem, certificate.prices) == certificate
        for tick in range(problem.raster.size):
            prices = {**certificate.prices, tick: certificate.prices.get(tick, 0) + 1}
            again = certify(problem, prices)
            due = any(exact.spikes[other] for other in prices)
            left_open = exact.open_end(prices)
            assert (again is not None) == (left_open <= HAIR if due else left_open < 0)
            refused += again is None
    assert refused > 50


def test_weights_that_are_never_zero_may_be_those_of_any_grid() -> None:
    """What +1 does of the finest grid is no contradiction, although +1 of the widest does not do it."""
    rising = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=2,
        n_neurons=1,
        pre=[0, 1],
        post=0,
        weight=[1, -1],
        threshold=3,
        current_decay=4095,
        potential_decay=0,
    )
    inputs = np.array([[1, tick == 2] for tick in range(10)], dtype=bool)
    (trace,) = sp.run(rising, [inputs])
    assert trace.spikes.any()
    dynamics = sp.Dynamics(potential_decay=0, current_decay=4095)
    patterns = [sp.Pattern(inputs, trace.spikes)]
    spec = sp.Spec(patterns, dynamics=dynamics, threshold=3, weight_bits=1, signs=[1, -1])
    box = widest_box(problem_of(spec))
    assert (box.weight_lower.tolist(), box.weight_upper.tolist()) == ([1.0, -128.0], [128.0, -1.0])
    assert not design(spec).conflicts


def test_prices_of_ticks_that_do_not_count_prove_nothing() -> None:
    problem = problem_of(infeasible_specs(1)[0])
    answer = verdict.judge(problem)
    assert isinstance(answer, Certificate)
    assert certify(problem.constrained_to(np.zeros_like(problem.raster)), answer.prices) is None
    assert certify(problem, {}) is None


def test_possible_neurons_have_no_proof() -> None:
    for name in SMALL:
        spec = CASES[name]()
        if all(pattern.care.all() for pattern in spec.patterns):
            problem = problem_of(spec)
            assert not isinstance(verdict.judge(problem), Certificate), name
            assert clashes(problem) == []


def test_many_prices_are_corrected_until_less_than_a_hair_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way of large neurons: no null vector, float prices improved by exact residuals."""
    monkeypatch.setattr(proving, "FEW_ROWS", 0)
    proved = 0
    for seed in range(6):
        generator = np.random.default_rng(seed)
        inputs, targets = generator.random((120, 8)) < 0.15, generator.random((120, 1)) < 0.35
        targets[:4] = False
        spec = sp.Spec([sp.Pattern(inputs, targets)], [1, 2, 3])
        problem = problem_of(spec)
        *_, separation = separations(problem)
        if separation.lift > 1e-3:
            continue
        certificate = proving.prove(problem, separation.prices)
        assert certificate is not None, f"seed {seed}"
        assert ExactNeuron(spec).open_end(dict(certificate.prices)) == certificate.excess <= HAIR
        proved += 1
    assert proved >= 4


def test_prices_on_more_rows_than_it_takes_are_corrected_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same pattern three times: its prices may be shared among the three in any way."""
    monkeypatch.setattr(proving, "FEW_ROWS", 0)
    generator = np.random.default_rng(3)
    inputs, targets = generator.random((100, 6)) < 0.15, generator.random((100, 1)) < 0.35
    targets[:4] = False
    problem = problem_of(spec := sp.Spec([sp.Pattern(inputs, targets)] * 3, [1, 2]))
    *_, separation = separations(problem)
    assert separation.lift < -0.5
    prices = np.tile(separation.prices.reshape(3, 100).sum(axis=0) / 3.0, 3) * (1.0 + 1e-8 * generator.random(300))
    certificate = proving.prove(problem, prices)
    assert certificate is not None
    assert len(certificate.prices) == 3 * (separation.prices.reshape(3, 100).sum(axis=0) > 0.0).sum()
    assert ExactNeuron(spec).open_end(dict(certificate.prices)) == certificate.excess <= HAIR


def test_what_was_not_searched_is_not_called_minimal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guesses settle most demands without a program; with neither, a conflict says that it may not be minimal."""
    inputs = np.random.default_rng(1).random((60, 4)) < 0.4
    targets = np.random.default_rng(2).random((60, 1)) < 0.3
    inputs[:, 0], targets[:4] = True, False
    problem = problem_of(spec := sp.Spec([sp.Pattern(inputs, targets)], [1, 2]))
    answer = verdict.judge(problem)
    assert isinstance(answer, Certificate)
    assert len(answer.prices) > 3
    monkeypatch.setattr(verdict, "FILTER_WORK", 0)
    certificate, is_minimal = verdict.minimal_conflict(problem, answer)
    assert is_minimal
    exact = ExactNeuron(spec)
    for tick in certificate.prices:
        assert exact.is_possible([other for other in certificate.prices if other != tick])
    monkeypatch.setattr(verdict, "needed", lambda problem, certificate: set())
    assert verdict.minimal_conflict(problem, answer) == (answer, False)


@pytest.mark.parametrize("seed", range(6))
def test_what_guesses_show_to_be_needed_is_needed(seed: int) -> None:
    generator = np.random.default_rng(seed)
    inputs, targets = generator.random((60, 5)) < 0.3, generator.random((60, 1)) < 0.4
    targets[:4] = False
    signs = None if seed % 2 else [1, -1, 0, 0, 0]
    problem = problem_of(spec := sp.Spec([sp.Pattern(inputs, targets)], [1, 2], signs=signs))
    answer = verdict.judge(problem)
    assert isinstance(answer, Certificate)
    ticks, exact = needed(problem, answer), ExactNeuron(spec)
    for tick in ticks:
        assert exact.is_possible([other for other in answer.prices if other != tick])
    assert all(verdict.refute(problem, [k for k in answer.prices if k != tick]) is None for tick in ticks)


# ------------------------------------------------------------------------------------------------------- arithmetic


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_null_vectors_are_found_and_coprime(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 6))
    prices = data.draw(st.lists(st.integers(1, 40), min_size=count, max_size=count))
    entries = st.lists(st.integers(-9, 9), min_size=count + 1, max_size=count + 1)
    rows = [[value * prices[-1] << 24 for value in data.draw(entries)] for _ in range(count - 1)]
    rows.append(
        [-sum(p * row[j] for p, row in zip(prices, rows, strict=False)) // prices[-1] for j in range(count + 1)]
    )
    vector = null_vector(rows)
    if vector is not None:
        assert not any(sum(y * row[j] for y, row in zip(vector, rows, strict=True)) for j in range(count + 1))
        assert np.gcd.reduce(vector) == 1
        assert len({Fraction(y, price) for y, price in zip(vector, prices, strict=True)}) == 1


def test_rows_without_just_one_balance_have_no_null_vector() -> None:
    assert null_vector([[1, 1], [2, 2], [3, 3]]) is None
    assert null_vector([[0, 0]]) == [1]
    assert null_vector([[3]]) is None


def test_columns_beyond_what_it_takes_are_left_to_the_check() -> None:
    assert null_vector([[1, 0], [2, 1]]) == [-2, 1]


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_the_exact_simplex_agrees_with_another_and_proves_itself(first: int) -> None:
    for seed in range(first, first + 100):
        generator = np.random.default_rng(seed)
        rows, columns = int(generator.integers(1, 7)), int(generator.integers(1, 5))
        matrix = [[Fraction(int(v), 3) for v in row] for row in generator.integers(-4, 5, (rows, columns))]
        matrix += [[Fraction(int(i == j)) for j in range(columns)] for i in range(columns)]
        most = [Fraction(int(v), 2) for v in generator.integers(-4, 6, rows)] + [Fraction(7)] * columns
        objective = [Fraction(int(v)) for v in generator.integers(-3, 4, columns)]
        answer = maximise_exactly(matrix, most, objective=objective)
        assert answer is not None
        expected = maximum(matrix, most, objective)
        assert answer.is_feasible == (expected is not None)
        assert min(answer.prices) >= 0
        reduced = [sum(y * row[j] for y, row in zip(answer.prices, matrix, strict=True)) for j in range(columns)]
        worth = sum(y * end for y, end in zip(answer.prices, most, strict=True))
        if answer.is_feasible:
            assert sum(c * x for c, x in zip(objective, answer.values, strict=True)) == expected == worth
            assert all(value >= c for value, c in zip(reduced, objective, strict=True))
        else:
            assert worth < 0 <= min(reduced)
