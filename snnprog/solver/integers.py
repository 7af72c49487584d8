"""Integer programs with linear rows and divisions: find a solution, or prove that there is none."""

from __future__ import annotations

import numpy as np
from ortools.sat.python import cp_model

from snnprog.rules.expressions import Rounding
from snnprog.solver.programs import Division, IntegerProgram, Integral
from snnprog.solver.sat import solve_model

WIDEST = 1 << 50
"""Limit of half a quotient: CP-SAT sums within 63 bits."""


def find_integers(program: IntegerProgram, *, effort: float) -> Integral:
    """Find integers, prove that there are none, or give up once ``effort`` units of deterministic work are done.

    Raises
    ------
    UndecidedError
        If the time that `until` allows runs out.
    """
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
        _divide(model, variables[division.quotient], dividend=variables[division.dividend], division=division)
    solver, status = solve_model(model, effort=effort)
    spent = float(solver.response_proto.deterministic_time)
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Integral(np.array([solver.value(variable) for variable in variables], dtype=np.int64), False, spent)
    return Integral(None, status == cp_model.INFEASIBLE, spent)


def _divide(
    model: cp_model.CpModel, quotient: cp_model.IntVar, *, dividend: cp_model.IntVar, division: Division
) -> None:
    """Add a division with its rounding."""
    product, divisor, rounding = division.factor * dividend, division.divisor, division.rounding
    if rounding is Rounding.TOWARD_ZERO:
        model.add_division_equality(quotient, product, divisor)
        return
    rest = product - divisor * quotient
    if rounding is Rounding.FLOOR:
        model.add_linear_constraint(rest, 0, divisor - 1)
    elif rounding is Rounding.HALF_UP:
        model.add_linear_constraint(rest + divisor // 2, 0, divisor - 1)
    elif rounding is Rounding.HALF_EVEN:
        _divide_to_even(model, quotient, rest=rest, divisor=divisor)
    elif rounding is Rounding.MOVING:
        is_small = _is_between(model, product, low=1, high=divisor - 1)
        model.add_linear_constraint(rest + divisor * is_small, 0, divisor - 1)
    else:
        is_positive, half = _is_between(model, product, low=0, high=None), divisor // 2
        low, high = (0, divisor - 1) if rounding is Rounding.AWAY_FROM_ZERO else (half - divisor + 1, half)
        model.add_linear_constraint(-rest, low, high).only_enforce_if(is_positive)
        model.add_linear_constraint(rest, low, high).only_enforce_if(~is_positive)


def _divide_to_even(
    model: cp_model.CpModel, quotient: cp_model.IntVar, *, rest: cp_model.LinearExpr, divisor: int
) -> None:
    """Constrain the remainder to at most half a divisor, and to half only if the quotient is even."""
    is_odd, half = model.new_bool_var(""), divisor // 2
    pairs = model.new_int_var(-WIDEST, WIDEST, "")
    model.add(quotient == 2 * pairs + is_odd)
    model.add_linear_constraint(rest, -half, half)
    model.add_linear_constraint(rest, 1 - half, half - 1).only_enforce_if(is_odd)


def _is_between(model: cp_model.CpModel, value: cp_model.LinearExpr, *, low: int, high: int | None) -> cp_model.IntVar:
    """Return a variable that is 1 exactly if a value lies in a range; a ``high`` of None means no limit."""
    inside = model.new_bool_var("")
    model.add(value >= low).only_enforce_if(inside)
    if high is None:
        model.add(value <= low - 1).only_enforce_if(~inside)
        return inside
    is_above = model.new_bool_var("")
    model.add(value <= high).only_enforce_if(inside)
    model.add(value >= high + 1).only_enforce_if(~inside, is_above)
    model.add(value <= low - 1).only_enforce_if(~inside, ~is_above)
    return inside


def _domain(lower: int, upper: int, step: int) -> cp_model.Domain:
    if step == 1 or lower == upper:
        return cp_model.Domain(lower, upper)
    return cp_model.Domain.from_values(list(range(lower, upper + 1, step)))
