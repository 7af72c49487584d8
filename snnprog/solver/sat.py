"""Deterministic use of CP-SAT: one worker, a fixed seed, a limit in its own units of work, and an end on request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ortools.sat.python import cp_model

from snnprog.solver.deadline import check_time, seconds_left
from snnprog.solver.interrupts import interruptible

if TYPE_CHECKING:  # OR-tools has it since 9.15
    from ortools.sat.python.cp_model_helper import CpSolverStatus


def solve_model(model: cp_model.CpModel, *, effort: float) -> tuple[cp_model.CpSolver, CpSolverStatus]:
    """Solve a model, or give up once ``effort`` units of deterministic work are done; return the solver and its status.

    Raises
    ------
    UndecidedError
        If the time that `until` allows runs out before there is an answer.
    """
    check_time()
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = effort
    solver.parameters.catch_sigint_signal = False  # it would take over Python's interrupt handling permanently
    if (left := seconds_left()) is not None:
        solver.parameters.max_time_in_seconds = left
    status = interruptible(lambda: solver.solve(model), solver.stop_search)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE, cp_model.INFEASIBLE):
        check_time()
    return solver, status
