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
MOST_ITERATIONS = "max_number_of_iterations: 1000000"
ATTEMPTS = (
    ("GLOP", MOST_ITERATIONS),
    ("GLOP", f"{MOST_ITERATIONS} use_scaling: false"),
    ("GLOP", f"{MOST_ITERATIONS} use_dual_simplex: true"),
    ("GLOP", f"{MOST_ITERATIONS} use_preprocessing: false"),
    (
        "PDLP",
        "termination_criteria { iteration_limit: 100000"
        " simple_optimality_criteria { eps_optimal_relative: 1e-9 eps_optimal_absolute: 1e-9 } }",
    ),
)

# Up to this many entries, a program is first solved in the calling thread, where an interrupt has to wait: 2 ms at the
# most (6000 entries), against .3 to .5 ms for a thread of its own, which is more than most of these programs take. The
# few that need more iterations begin again in a thread.
SMALL_ENTRIES, FEW_ITERATIONS = 6000, "max_number_of_iterations: 500"

# How a solver ends at its limit: before it has a point that meets all rows, or with one.
ENDED_EARLY = ortools_lp.SolveStatus.NOT_SOLVED, ortools_lp.SolveStatus.FEASIBLE

# Units of CP-SAT's own time, which are about seconds.
CHOICE_LIMIT = "num_workers: 1 random_seed: 0 max_deterministic_time: 0.5 catch_sigint_signal: false"


@dataclass(frozen=True, eq=False)
class LinearProgram:
    """Maximise ``objective · x`` subject to ``matrix x >= least`` and ``lower <= x <= upper``.

    Attributes
    ----------
    objective, lower, upper : (variables,) float
    matrix : (rows, variables) float
        An array, or SciPy's by rows.
    least : (rows,) float
    """

    objective: Floats
    matrix: Floats | csr_matrix
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
    if optimum is None and status not in ENDED_EARLY:
        return maximise(program)
    return optimum


def _attempt(
    program: LinearProgram, solver_name: str, parameters: str
) -> tuple[ortools_lp.SolveStatus, Optimum | None]:
    """Return what a solver says, and the optimum if it found one."""
    check_time()
    model, (n_rows, n_columns) = _model(program), program.matrix.shape
    status = ENDED_EARLY[0]
    if n_rows * n_columns <= SMALL_ENTRIES and MOST_ITERATIONS in parameters:
        solver = _solver(solver_name, parameters.replace(MOST_ITERATIONS, FEW_ITERATIONS))
        solver.solve(model)
        status = solver.status()
    if status in ENDED_EARLY:
        solver = _solver(solver_name, parameters)
        interruptible(partial(solver.solve, model), solver.interrupt_solve)
        status = solver.status()
    if status == ortools_lp.SolveStatus.OPTIMAL:
        return status, Optimum(np.array(solver.variable_values()), np.abs(np.array(solver.dual_values())))
    check_time()
    return status, None


def _solver(name: str, parameters: str) -> ortools_lp.ModelSolverHelper:
    """Return a solver that ends with the time allowed."""
    solver = ortools_lp.ModelSolverHelper(name)
    solver.set_solver_specific_parameters(parameters)
    if (left := seconds_left()) is not None:
        solver.set_time_limit_in_seconds(left)
    return solver


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
    check_time()
    solver = _solver("CP_SAT", CHOICE_LIMIT)
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
        _in_rows(program.matrix),
    )
    model.set_maximize(True)
    return model


def _in_rows(matrix: Floats | csr_matrix) -> csr_matrix:
    """Return a matrix by rows; from an array, in half the time that SciPy takes for a small one."""
    if not isinstance(matrix, np.ndarray):
        return csr_matrix(matrix)
    row, column = np.nonzero(matrix)
    first = np.zeros(len(matrix) + 1, np.int32)
    np.cumsum(np.bincount(row, minlength=len(matrix)), out=first[1:])
    return csr_matrix((matrix[row, column], column.astype(np.int32), first), shape=matrix.shape)
