"""Linear programs and binary programs: the optimum, and the price of each row.

OR-tools' model builder is used below its public classes, by the helpers that these wrap: only they transfer all values
at once. `Solver.values` makes a Python object of each variable and row, which adds .2 ms to a program and 40 % to the
time of a design with few synapses, which solves hundreds; to build a model row by row takes as long as solving it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from ortools.linear_solver.python import model_builder_helper as ortools_lp
from scipy.sparse import csr_matrix

from snnprog.arrays import Floats
from snnprog.errors import SolverError, UndecidedError
from snnprog.rounding import half_even
from snnprog.solver.deadline import check_time, seconds_left
from snnprog.solver.interrupts import interruptible

# Limits in iterations, or in CP-SAT's deterministic time, not in seconds: the answer must not depend on the machine.
# GLOP can cycle forever. A million iterations are far more than the programs here take; the gaps of PDLP are
# well below the tolerances of the callers.
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

# Units of CP-SAT's own time, which are about seconds.
CHOICE_LIMIT = "num_workers: 1 random_seed: 0 max_deterministic_time: 0.5 catch_sigint_signal: false"


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
        status, optimum = _attempt(program, solver_name, parameters)
        if optimum is not None:
            return optimum
        outcomes.append(f"{solver_name} said {status.name}")
    raise SolverError(
        f"no optimum for a linear program of {program.matrix.shape[0]} rows and {program.matrix.shape[1]} columns:"
        f" {', '.join(outcomes)}; please report the specification"
    )


def maximise_within(program: LinearProgram, work: float) -> Optimum | None:
    """Solve a linear program, or return None if GLOP needs more than so much of its deterministic time.

    Raises
    ------
    SolverError, UndecidedError
        As for `maximise`.
    """
    status, optimum = _attempt(program, "GLOP", f"{ATTEMPTS[0][1]} max_deterministic_time: {work:g}")
    if optimum is None and status != ortools_lp.SolveStatus.NOT_SOLVED:
        return maximise(program)
    return optimum


def _attempt(
    program: LinearProgram, solver_name: str, parameters: str
) -> tuple[ortools_lp.SolveStatus, Optimum | None]:
    """Return what a solver says, and the optimum if it found one."""
    check_time()
    solver = ortools_lp.ModelSolverHelper(solver_name)
    solver.set_solver_specific_parameters(parameters)
    if (left := seconds_left()) is not None:
        solver.set_time_limit_in_seconds(left)
    model = _model(program)
    interruptible(partial(solver.solve, model), solver.interrupt_solve)
    status = solver.status()
    if status == ortools_lp.SolveStatus.OPTIMAL:
        return status, Optimum(np.array(solver.variable_values()), np.abs(np.array(solver.dual_values())))
    check_time()
    return status, None


def maximise_if_possible(program: LinearProgram) -> Optimum | None:
    """Solve a linear program, or return None if the solver fails.

    Raises
    ------
    UndecidedError
        If the time that `until` allows runs out.
    """
    try:
        return maximise(program)
    except UndecidedError:
        raise
    except SolverError:
        return None


def choose(program: LinearProgram) -> Floats | None:
    """Return the best point with all variables 0 or 1 (bounds are ignored), or None if there is none.

    All numbers of the program are integers. CP-SAT solves it.

    Raises
    ------
    SolverError
        If this takes more than a fixed number of its steps.
    UndecidedError
        If the time that `until` allows runs out.
    """
    model = _model(program)
    for variable in range(program.objective.size):
        model.set_var_lower_bound(variable, 0.0)
        model.set_var_upper_bound(variable, 1.0)
        model.set_var_integrality(variable, True)
    solver = ortools_lp.ModelSolverHelper("CP_SAT")
    solver.set_solver_specific_parameters(CHOICE_LIMIT)
    check_time()
    if (left := seconds_left()) is not None:
        solver.set_time_limit_in_seconds(left)
    interruptible(partial(solver.solve, model), solver.interrupt_solve)
    status = solver.status()
    if status == ortools_lp.SolveStatus.OPTIMAL:
        return half_even(np.array(solver.variable_values())).astype(np.float64)
    if status == ortools_lp.SolveStatus.INFEASIBLE:
        return None
    check_time()
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
