"""Linear and integer programs: the only module that imports a solver.

OR-tools' GLOP (a simplex method) answers; where it gives up for numerical reasons, which it says, GLOP with other
settings is asked, then PDLP (a first-order method). Integer programs and choices between 0 and 1 go to CP-SAT, one
worker and a fixed seed, with a limit in its own deterministic units of work: the answer does not depend on the machine.

A limit of time is the one thing that is not handed from function to function, because it may strike anywhere: `until`
sets it for all that is called inside, and the solver, and whoever calls `check_time`, keeps to it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ortools.linear_solver.python import model_builder_helper as ortools_lp
from ortools.sat.python import cp_model
from scipy.sparse import csr_matrix

from snnprog.errors import SolverError, UndecidedError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Limits in iterations, or in CP-SAT's deterministic time, not in seconds: the answer must not depend on the machine.
# GLOP can cycle for ever.
ATTEMPTS = (
    ("GLOP", "max_number_of_iterations: 1000000"),
    ("GLOP", "max_number_of_iterations: 1000000 use_scaling: false"),
    ("GLOP", "max_number_of_iterations: 1000000 use_dual_simplex: true"),
    ("GLOP", "max_number_of_iterations: 1000000 use_preprocessing: false"),
    (
        "PDLP",
        "termination_criteria { iteration_limit: 100000"
        " simple_optimality_criteria { eps_optimal_relative: 1e-9 eps_optimal_absolute: 1e-9 } }",
    ),
)

LEAST_SECONDS = 1e-3


CHOICE_LIMIT = "num_workers: 1 random_seed: 0 max_deterministic_time: 0.5"


@dataclass(frozen=True, eq=False)
class LinearProgram:
    """Maximise ``objective · x`` subject to ``matrix x >= least`` and ``lower <= x <= upper``.

    Attributes
    ----------
    objective, lower, upper : (variables,) float
    matrix : (rows, variables) float
    least : (rows,) float
    """

    objective: Floats
    matrix: Floats
    least: Floats
    lower: Floats
    upper: Floats


@dataclass(frozen=True, eq=False)
class Optimum:
    """The answer to a linear program.

    Attributes
    ----------
    values : (variables,) float
        An optimal point.
    duals : (rows,) float
        The price of each row: by how much the optimum falls per unit that its right side rises.
    """

    values: Floats
    duals: Floats


_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def until(deadline: float | None) -> Iterator[None]:
    """Let `check_time` and the solver, called inside, give up when `time.monotonic` passes ``deadline``."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def deadline_after(seconds: float | None) -> float | None:
    """Return what `until` wants for so many seconds from now; None for no limit."""
    return None if seconds is None else time.monotonic() + seconds


def check_time() -> None:
    """Raise `UndecidedError` if the time that `until` allows is over."""
    deadline = _deadline.get()
    if deadline is not None and time.monotonic() >= deadline:
        raise UndecidedError("the time limit ran out before there was an answer or a proof; allow more")


def maximise(program: LinearProgram) -> Optimum:
    """Solve a linear program that is feasible and bounded.

    Raises
    ------
    SolverError
        If no attempt ends with an optimum.
    UndecidedError
        If the time that `until` allows runs out.
    """
    outcomes = []
    for solver_name, parameters in ATTEMPTS:
        check_time()
        solver = ortools_lp.ModelSolverHelper(solver_name)
        solver.set_solver_specific_parameters(parameters)
        if (deadline := _deadline.get()) is not None:
            solver.set_time_limit_in_seconds(max(deadline - time.monotonic(), LEAST_SECONDS))
        solver.solve(_model(program))
        status = solver.status()
        if status == ortools_lp.SolveStatus.OPTIMAL:
            return Optimum(np.array(solver.variable_values()), np.abs(np.array(solver.dual_values())))
        check_time()
        outcomes.append(f"{solver_name} said {status.name}")
    raise SolverError(
        f"no optimum for a linear program of {program.matrix.shape[0]} rows and {program.matrix.shape[1]} columns:"
        f" {', '.join(outcomes)}; please report the specification"
    )


def choose(program: LinearProgram) -> Floats | None:
    """Return the best of the points whose variables are all 0 or 1 (bounds are not looked at), or None if none is left.

    All numbers of the program are whole. CP-SAT answers.

    Raises
    ------
    SolverError
        If that takes more than a fixed number of its steps.
    """
    model = _model(program)
    for variable in range(program.objective.size):
        model.set_var_lower_bound(variable, 0.0)
        model.set_var_upper_bound(variable, 1.0)
        model.set_var_integrality(variable, True)
    solver = ortools_lp.ModelSolverHelper("CP_SAT")
    solver.set_solver_specific_parameters(CHOICE_LIMIT)
    solver.solve(model)
    status = solver.status()
    if status == ortools_lp.SolveStatus.OPTIMAL:
        chosen: Floats = np.rint(np.array(solver.variable_values()))
        return chosen
    if status == ortools_lp.SolveStatus.INFEASIBLE:
        return None
    raise SolverError(f"no optimum among 0 and 1 for {program.matrix.shape[1]} variables: CP-SAT said {status.name}")


def _model(program: LinearProgram) -> ortools_lp.ModelBuilderHelper:
    model = ortools_lp.ModelBuilderHelper()
    model.fill_model_from_sparse_data(
        program.lower,
        program.upper,
        program.objective,
        program.least,
        np.full(program.least.size, np.inf),
        csr_matrix(program.matrix),
    )
    model.set_maximize(True)
    return model


@dataclass(frozen=True)
class Division:
    """``values[quotient] = factor values[dividend] / divisor``, rounded toward zero."""

    quotient: int
    dividend: int
    factor: int
    divisor: int


@dataclass(frozen=True, eq=False)
class IntegerProgram:
    """Find integers with ``matrix x >= least``, ``lower <= x <= upper`` and all divisions.

    Attributes
    ----------
    matrix : (rows, variables) int
    least : (rows,) int
    lower, upper : (variables,) int
    steps : (variables,) int
        The values of each variable are ``lower``, ``lower + step``, and so on.
    divisions : tuple of Division
    """

    matrix: Integers
    least: Integers
    lower: Integers
    upper: Integers
    steps: Integers
    divisions: tuple[Division, ...] = ()


@dataclass(frozen=True, eq=False)
class Integral:
    """The answer to an integer program.

    Attributes
    ----------
    values : (variables,) int or None
        Integers that meet everything, where some were found.
    is_impossible : bool
        Whether there are none, proved.
    effort : float
        Units of deterministic work that it took.
    """

    values: Integers | None
    is_impossible: bool
    effort: float


def find_integers(program: IntegerProgram, *, effort: float) -> Integral:
    """Find integers, prove that there are none, or give up once ``effort`` units of deterministic work are done.

    Raises
    ------
    UndecidedError
        If the time that `until` allows runs out.
    """
    check_time()
    model = cp_model.CpModel()
    variables = [
        model.new_int_var_from_domain(_domain(*bounds), "")
        for bounds in zip(program.lower.tolist(), program.upper.tolist(), program.steps.tolist(), strict=True)
    ]
    for row, least in zip(program.matrix, program.least.tolist(), strict=True):
        terms = np.flatnonzero(row)
        chosen = [variables[term] for term in terms]
        model.add(cp_model.LinearExpr.weighted_sum(chosen, row[terms].tolist()) >= least)
    for division in program.divisions:
        dividend = division.factor * variables[division.dividend]
        model.add_division_equality(variables[division.quotient], dividend, division.divisor)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = effort
    if (deadline := _deadline.get()) is not None:
        solver.parameters.max_time_in_seconds = max(deadline - time.monotonic(), LEAST_SECONDS)
    status = solver.solve(model)
    spent = float(solver.deterministic_time)
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Integral(np.array([solver.value(variable) for variable in variables], dtype=np.int64), False, spent)
    if status != cp_model.INFEASIBLE:
        check_time()
    return Integral(None, status == cp_model.INFEASIBLE, spent)


def _domain(lower: int, upper: int, step: int) -> cp_model.Domain:
    if step == 1 or lower == upper:
        return cp_model.Domain(lower, upper)
    return cp_model.Domain.from_values(list(range(lower, upper + 1, step)))


@dataclass(frozen=True, eq=False)
class StoredParts:
    """What the parts in a bin take of its memory, as tables.

    Attributes
    ----------
    words : int
        The room in a bin.
    format : (parts,) int
    sizes : tuple of int
        The greatest numbers of items that the classes of bins have, ascending.
    listed : (classes, formats, synapses) int
        What a part takes, by its number of synapses.
    whole : (formats, items) int
        What it takes instead, by the bin's number of items, if it likes and no item has two synapses in it.
    """

    words: int
    format: Integers
    sizes: tuple[int, ...]
    listed: Integers
    whole: Integers


@dataclass(frozen=True, eq=False)
class Packing:
    """Put all items into bins, within the limits of each bin.

    Attributes
    ----------
    bins : int
    capacity : int or None
        The most items in a bin.
    kinds : tuple of ((items, marks) bool, int)
        The most distinct marks that the items of a bin have together.
    lines : (items, lines) bool
        Which lines reach a bin with the item in it; the last lines are those of the items themselves.
    routes : int or None
        The most pairs, in a bin, of an item and a bin that its line reaches.
    synapses : (items, parts) int
    stored : StoredParts or None
    """

    bins: int
    capacity: int | None
    kinds: tuple[tuple[NDArray[np.bool_], int], ...]
    lines: NDArray[np.bool_]
    routes: int | None
    synapses: Integers
    stored: StoredParts | None


@dataclass(frozen=True, eq=False)
class Packed:
    """The bin of each item, where such were found, and whether it is proved that there are none."""

    bins: Integers | None
    is_impossible: bool


def find_packing(packing: Packing, *, effort: float) -> Packed:
    """Find the bin of each item, prove that they do not go in, or give up after ``effort`` units of work."""
    builder, solver = _PackingModel(packing), cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = effort
    status = solver.solve(builder.model)
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        inside = [[solver.value(variable) for variable in row] for row in builder.inside]
        return Packed(np.argmax(np.array(inside), axis=1).astype(np.int64), False)
    return Packed(None, status == cp_model.INFEASIBLE)


class _PackingModel:
    """The constraints of a packing."""

    def __init__(self, packing: Packing) -> None:
        self.packing, self.model = packing, cp_model.CpModel()
        items, self.bins = packing.synapses.shape[0], range(packing.bins)
        self.inside = [[self.model.new_bool_var("") for _ in self.bins] for _ in range(items)]
        self.sizes = [cp_model.LinearExpr.sum([row[index] for row in self.inside]) for index in self.bins]
        for item, row in enumerate(self.inside):
            self.model.add_exactly_one(row)
            for later in row[item + 1 :]:  # bins are alike: the first item is in the first, and so on
                self.model.add(later == 0)
        if packing.capacity is not None:
            for size in self.sizes:
                self.model.add(size <= packing.capacity)
        for marks, limit in packing.kinds:
            for has in self._marks(marks):
                self.model.add(cp_model.LinearExpr.sum(has) <= limit)
        if packing.routes is not None:
            self._limit_routes(packing.routes)
        if packing.stored is not None:
            for index in self.bins:
                self._limit_words(packing.stored, index)

    def _marks(self, marks: NDArray[np.bool_]) -> list[list[cp_model.IntVar]]:
        """Return, for each bin, a variable for each mark that is 1 where an item in the bin has it."""
        has = [[self.model.new_bool_var("") for _ in range(marks.shape[1])] for _ in self.bins]
        for item, mark in np.argwhere(marks).tolist():
            for index in self.bins:
                self.model.add_implication(self.inside[item][index], has[index][mark])
        return has

    def _limit_routes(self, limit: int) -> None:
        items = len(self.inside)
        reached = self._marks(self.packing.lines[:, -items:])
        for index in self.bins:
            routes = []
            for item in range(items):
                going = self.model.new_int_var(0, self.packing.bins, "")
                there = cp_model.LinearExpr.sum([row[item] for row in reached])
                self.model.add(going >= there).only_enforce_if(self.inside[item][index])
                routes.append(going)
            self.model.add(cp_model.LinearExpr.sum(routes) <= limit)

    def _limit_words(self, stored: StoredParts, index: int) -> None:
        size = self.model.new_int_var(0, len(self.inside), "")
        self.model.add(size == self.sizes[index])
        classes = [self.model.new_bool_var("") for _ in stored.sizes]
        self.model.add_exactly_one(classes)
        for is_of, greatest in zip(classes, stored.sizes, strict=True):
            self.model.add(size <= greatest).only_enforce_if(is_of)
        whole = [self._entry(size, table) for table in stored.whole]
        words = [
            self._words(stored, index, part, classes, whole[stored.format[part]])
            for part in range(self.packing.synapses.shape[1])
        ]
        self.model.add(cp_model.LinearExpr.sum(words) <= stored.words)

    def _words(
        self, stored: StoredParts, index: int, part: int, classes: list[cp_model.IntVar], whole: cp_model.IntVar
    ) -> cp_model.IntVar:
        """Return a variable that is at least the words of a part in a bin, listed or whole, as is shorter."""
        column = self.packing.synapses[:, part]
        users = np.flatnonzero(column).tolist()
        words = self.model.new_int_var(0, stored.words, "")
        number = self.model.new_int_var(0, int(column.sum()), "")
        self.model.add(
            number == cp_model.LinearExpr.weighted_sum([self.inside[u][index] for u in users], column[users].tolist())
        )
        is_whole = self.model.new_bool_var("")
        self.model.add(words >= whole).only_enforce_if(is_whole)
        for user in users:
            if column[user] > 1:
                self.model.add_implication(is_whole, ~self.inside[user][index])
        for is_of, tables in zip(classes, stored.listed, strict=True):
            listed = self._entry(number, tables[stored.format[part]][: int(column.sum()) + 1])
            self.model.add(words >= listed).only_enforce_if([is_of, ~is_whole])
        return words

    def _entry(self, place: cp_model.IntVar, table: Integers) -> cp_model.IntVar:
        """Return a variable that is the table's entry at a place."""
        entry = self.model.new_int_var(int(table.min()), int(table.max()), "")
        self.model.add_element(place, table.tolist(), entry)
        return entry
