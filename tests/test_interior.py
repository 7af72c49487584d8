"""The interior point method against the simplex method: same optimum, same verdict, bounds that hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

import snnprog as sp
from snnprog.arrays import Floats
from snnprog.design.box import box_of
from snnprog.design.mapping import potential_map
from snnprog.design.margins import answer
from snnprog.design.margins.interior import interior_margin
from snnprog.design.margins.quick import relax
from snnprog.design.margins.rows import Rows
from snnprog.design.problem import NeuronProblem, neuron_problem

ASKED: dict[str, dict[str, Any]] = {
    "plain": {},
    "several delays": {"delays": (1, 2, 5)},
    "current": {"dynamics": sp.Dynamics(300, 1500)},
    "no leak": {"dynamics": sp.Dynamics(0)},
    "memoryless": {"dynamics": sp.Dynamics(4095)},
    "bias": {"bias": "free"},
    "fixed bias": {"bias": 640},
    "fixed threshold": {"threshold": 300},
    "all fixed": {"threshold": 300, "bias": -640},
    "signs": {"signs": [1, -1] * 20},
}


def problem_of(ticks: int, rate: float, asked: dict[str, Any], seed: int = 0) -> NeuronProblem:
    generator = np.random.default_rng(seed)
    inputs = generator.random((ticks, 40)) < 0.08
    targets = generator.random((ticks, 1)) < rate
    targets[:12] = False
    spec = sp.Spec([sp.Pattern(inputs, targets)], **asked)
    mapping = potential_map(spec)
    counts = np.ones(ticks, dtype=bool)
    counts[7::11] = False
    return neuron_problem(mapping, 0, raster=targets[:, 0], constrained=counts, box=box_of(spec, mapping))


def written_out(rows: Rows) -> Floats:
    return rows.some(np.arange(rows.ticks.size), np.float64).astype(np.float64)


def optimum(rows: Rows) -> float:
    """Solve the scaled program whole, by SciPy's HiGHS."""
    matrix = np.column_stack([-written_out(rows), np.ones(rows.ticks.size)])
    bounds = [*zip(rows.lower, rows.upper, strict=True), (None, None)]
    answer = linprog(np.append(np.zeros(rows.lower.size), -1.0), matrix, -rows.least, bounds=bounds)
    assert answer.status == 0, answer.message
    return float(-answer.fun) * rows.unit


@pytest.fixture
def to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "SHARE", 1.0 - 1e-7)
    monkeypatch.setattr(answer, "COMFORTABLE", 1e9)
    monkeypatch.setattr(answer, "NEARLY", 1.0 - 1e-7)


@pytest.mark.parametrize("name", ASKED)
def test_products_are_those_of_the_rows(name: str) -> None:
    rows = Rows(problem_of(300, 0.05, ASKED[name]))
    generator = np.random.default_rng(1)
    values, prices = generator.normal(size=rows.lower.size), generator.normal(size=rows.ticks.size)
    matrix = written_out(rows)
    np.testing.assert_allclose(rows.times(values), matrix @ values, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(rows.transposed_times(prices), matrix.T @ prices, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", ASKED)
def test_margins_of_the_scaled_rows_are_the_problem_s(name: str) -> None:
    problem = problem_of(300, 0.05, ASKED[name])
    rows = Rows(problem)
    values = rows.lower + (rows.upper - rows.lower) * np.random.default_rng(2).random(rows.lower.size)
    margins = problem.margins(*rows.real(values))[rows.ticks]
    np.testing.assert_allclose((rows.times(values) - rows.least) * rows.unit, margins, rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize("ticks", [120, 400, 900])
@pytest.mark.parametrize("name", ASKED)
@pytest.mark.usefixtures("to_the_end")
def test_the_widest_margin_is_highs_s(name: str, ticks: int) -> None:
    problem = problem_of(ticks, 0.05, ASKED[name])
    widest = optimum(Rows(problem))
    answer = interior_margin(problem)
    assert answer is not None
    assert answer.is_feasible == (widest > problem.tolerance)
    assert answer.bound >= widest - 1e-6 * abs(widest) - 1e-9
    if answer.is_feasible:
        assert answer.margin == pytest.approx(widest, rel=1e-5)
        assert answer.bound == pytest.approx(widest, rel=1e-5)


@pytest.mark.parametrize("ticks", [150, 200])
@pytest.mark.usefixtures("to_the_end")
def test_a_warm_start_leads_to_the_same_margin(ticks: int) -> None:
    problem = problem_of(ticks, 0.05, {})
    relaxed = relax(problem)
    assert relaxed is not None
    cold, warm = interior_margin(problem), interior_margin(problem, relaxed.unknowns)
    assert cold is not None
    assert warm is not None
    assert warm.margin == pytest.approx(cold.margin, rel=1e-5)


def test_good_enough_is_half_of_the_widest_and_says_so() -> None:
    problem = problem_of(150, 0.05, {})
    answer, widest = interior_margin(problem), optimum(Rows(problem))
    assert answer is not None
    assert answer.margin >= answer.bound / 2
    assert answer.margin >= min(1.0, 0.95 * widest)
    assert answer.margin == problem.margins(answer.weights, answer.threshold, answer.bias).min()


def test_prices_of_an_impossible_neuron_prove_it() -> None:
    problem = problem_of(900, 0.4, {}).idealised(7)
    answer = interior_margin(problem)
    assert answer is not None
    assert not answer.is_feasible
    prices = answer.prices / answer.prices.sum() * problem.signs
    pull = problem.features(np.arange(prices.size)).T @ prices
    assert np.abs(pull).sum() * 255 < 1e-3
    assert prices.sum() > -1e-6, "a threshold is at least 0, so its pull may be below"
