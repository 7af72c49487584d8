"""The solver on linear programs whose optimum, and prices, are known."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from scipy.optimize import linprog

import snnprog as sp
from snnprog.solver import (
    Deadline,
    Division,
    IntegerProgram,
    Integral,
    LinearProgram,
    check_time,
    choose,
    deadline_after,
    find_integers,
    maximise,
    maximise_within,
    until,
)

INFINITE = float("inf")


def program(
    objective: list[float], matrix: list[list[float]], least: list[float], bounds: list[tuple[float, float]]
) -> LinearProgram:
    lower, upper = np.array(bounds, dtype=float).T
    rows = np.array(matrix, dtype=float).reshape(-1, len(objective))
    return LinearProgram(np.array(objective, dtype=float), rows, np.array(least, dtype=float), lower, upper)


# name -> program, optimal point, prices of the rows (by how much the optimum falls as a row's right side rises)
KNOWN = {
    "one row": (program([1], [[-1]], [-3], [(0, 10)]), [3], [1]),
    "a bound and no row": (program([1], [], [], [(0, 10)]), [10], []),
    "two rows": (program([3, 2], [[-1, -1], [-1, 0]], [-4, -3], [(0, 9), (0, 9)]), [3, 1], [2, 1]),
    "an idle row": (program([1], [[-1], [-1]], [-3, -5], [(0, 10)]), [3], [1, 0]),
    "a free variable": (program([-1], [[1]], [-7], [(-INFINITE, INFINITE)]), [-7], [1]),
    "negative bounds": (program([1, -1], [[-1, 1]], [1], [(-5, -2), (-5, 5)]), None, [1]),
    "a row that scales": (program([1], [[-4]], [-2], [(0, 10)]), [0.5], [0.25]),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_optima_and_prices(name: str) -> None:
    problem, values, duals = KNOWN[name]
    optimum = maximise(problem)
    if values is not None:
        assert optimum.values == pytest.approx(values, abs=1e-7)
    assert optimum.duals == pytest.approx(duals, abs=1e-7)
    assert (problem.matrix @ optimum.values >= problem.least - 1e-7).all()
    assert ((problem.lower - 1e-7 <= optimum.values) & (optimum.values <= problem.upper + 1e-7)).all()


@pytest.mark.parametrize("seed", range(25))
def test_random_programs_reach_the_optimum_of_another_solver(seed: int) -> None:
    generator = np.random.default_rng(seed)
    rows, columns = int(generator.integers(1, 15)), int(generator.integers(1, 8))
    matrix, inside = generator.normal(size=(rows, columns)), generator.uniform(-1, 1, columns)
    problem = LinearProgram(
        objective=generator.normal(size=columns),
        matrix=matrix,
        least=matrix @ inside - generator.uniform(0, 1, rows),
        lower=np.full(columns, -1.0),
        upper=np.full(columns, 1.0),
    )
    other = linprog(-problem.objective, -matrix, -problem.least, bounds=(-1, 1), method="highs")
    optimum = maximise(problem)
    assert problem.objective @ optimum.values == pytest.approx(-other.fun, abs=1e-7)
    assert (matrix @ optimum.values >= problem.least - 1e-7).all()
    assert optimum.duals == pytest.approx(np.abs(other.ineqlin.marginals), abs=1e-6)


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (program([1], [[1], [-1]], [2, -1], [(-9, 9)]), "INFEASIBLE"),
        (program([1], [[1]], [0], [(0, INFINITE)]), "UNBOUNDED|INFEASIBLE"),
    ],
    ids=["infeasible", "unbounded"],
)
def test_what_has_no_optimum_is_an_error(problem: LinearProgram, status: str) -> None:
    rows, columns = problem.matrix.shape
    message = f"no optimum for a linear program of {rows} rows and {columns} columns: GLOP said .*({status}).*PDLP said"
    with pytest.raises(sp.SolverError, match=message):
        maximise(problem)


def test_the_same_program_gives_the_same_bits() -> None:
    problem = program([1, 1, 1], [[-1, -2, -1], [-2, -1, -1]], [-4, -4], [(0, 3)] * 3)
    first, second = maximise(problem), maximise(problem)
    assert first.values.tobytes() == second.values.tobytes()
    assert first.duals.tobytes() == second.duals.tobytes()


def test_a_deadline_that_is_over_stops_the_solver_and_no_one_after_it() -> None:
    with until(Deadline(time.monotonic())):
        with pytest.raises(sp.UndecidedError, match="the time limit ran out"):
            maximise(KNOWN["one row"][0])
        with until(None):
            check_time()
    check_time()
    assert maximise(KNOWN["one row"][0]).values == pytest.approx([3])


def dense(size: int) -> LinearProgram:
    generator = np.random.default_rng(0)
    return LinearProgram(
        objective=generator.random(size),
        matrix=-generator.random((size, size)),
        least=-np.ones(size),
        lower=np.zeros(size),
        upper=np.ones(size),
    )


def test_a_program_that_takes_longer_than_allowed_is_given_up() -> None:
    with until(deadline_after(0.01)), pytest.raises(sp.UndecidedError):
        maximise(dense(500))


def test_a_program_that_takes_more_work_than_allowed_has_no_answer() -> None:
    assert maximise_within(dense(60), 1e-5) is None
    within = maximise_within(dense(60), 1.0)
    assert within is not None
    assert within.values.tobytes() == maximise(dense(60)).values.tobytes()


def integers(
    matrix: list[list[int]], least: list[int], step: int = 1, divisions: tuple[Division, ...] = ()
) -> Integral:
    n = len(matrix[0])
    steps = np.full(n, step)
    return find_integers(
        IntegerProgram(np.array(matrix), np.array(least), np.full(n, -5), np.full(n, 5), steps, divisions), effort=1.0
    )


def test_integers_are_found_or_refused() -> None:
    found = integers([[2, 2], [-2, -2]], [4, -4])
    assert found.values is not None
    assert found.values.sum() == 2
    assert not found.is_impossible
    odd = integers([[2, 2], [-2, -2]], [3, -3])
    assert odd.values is None
    assert odd.is_impossible


def test_integers_keep_their_steps() -> None:
    even = integers([[1], [-1]], [4, -4], step=2)
    assert even.is_impossible
    assert integers([[1], [-1]], [3, -3], step=2).values is not None


@pytest.mark.parametrize("dividend", range(-5, 6))
def test_divisions_round_toward_zero(dividend: int) -> None:
    answer = integers([[1, 0], [-1, 0]], [dividend, -dividend], divisions=(Division(1, 0, 3, 4),))
    assert answer.values is not None
    assert answer.values.tolist() == [dividend, int(dividend * 3 / 4)]


def test_no_effort_leaves_it_open() -> None:
    generator = np.random.default_rng(1)
    matrix = generator.integers(-9, 10, (60, 40))
    program = IntegerProgram(matrix, np.full(60, 40), np.full(40, -1), np.full(40, 1), np.full(40, 2))
    answer = find_integers(program, effort=1e-4)
    assert answer.values is None
    assert not answer.is_impossible


@pytest.mark.parametrize("seed", range(25))
def test_choices_are_the_best_of_all_there_are(seed: int) -> None:
    generator = np.random.default_rng(seed)
    rows, columns = int(generator.integers(1, 8)), int(generator.integers(1, 7))
    matrix = generator.integers(-2, 3, (rows, columns)).astype(float)
    objective, least = generator.integers(-3, 4, columns).astype(float), generator.integers(-2, 2, rows).astype(float)
    points = [np.array(point) for point in itertools.product([0.0, 1.0], repeat=columns)]
    values = [float(objective @ point) for point in points if (matrix @ point >= least).all()]
    chosen = choose(LinearProgram(objective, matrix, least, np.zeros(columns), np.ones(columns)))
    if not values:
        assert chosen is None
        return
    assert chosen is not None
    assert set(chosen.tolist()) <= {0.0, 1.0}
    assert (matrix @ chosen >= least).all()
    assert objective @ chosen == max(values)


def test_choices_that_take_too_long_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snnprog.solver.linear.CHOICE_LIMIT", "num_workers: 1 max_deterministic_time: 0.0")
    generator = np.random.default_rng(0)
    cover = (generator.random((80, 40)) < 0.15).astype(float)
    problem = LinearProgram(-np.ones(40), cover, np.ones(80), np.zeros(40), np.ones(40))
    with pytest.raises(sp.SolverError, match="no optimum among 0 and 1 for 40 variables: CP-SAT said"):
        choose(problem)
