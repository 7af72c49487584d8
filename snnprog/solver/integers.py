"""Int64s that meet linear rows and divisions: found, or proved not to be there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ortools.sat.python import cp_model

from snnprog.arrays import Int64s
from snnprog.solver.deadline import check_time, seconds_left


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

    matrix: Int64s
    least: Int64s
    lower: Int64s
    upper: Int64s
    steps: Int64s
    divisions: tuple[Division, ...] = ()


@dataclass(frozen=True, eq=False)
class Integral:
    """The answer to an integer program.

    Attributes
    ----------
    values : (variables,) int or None
        Int64s that meet everything, where some were found.
    is_impossible : bool
        Whether there are none, proved.
    effort : float
        Units of deterministic work that it took.
    """

    values: Int64s | None
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
    if (left := seconds_left()) is not None:
        solver.parameters.max_time_in_seconds = left
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
