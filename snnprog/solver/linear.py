"""Linear programs, and those whose variables are 0 or 1: the best point, and what each row costs.

Programs go to OR-tools' model builder as one sparse matrix, which its ``Model.helper`` takes: row by row, building the
model takes as long as solving it (measured: 5.3 ms for 2.8 at 120 rows of 20, 33 for 16 at 160 of 100).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ortools.linear_solver.python.model_builder import Model, Solver, SolveStatus
from scipy.sparse import csr_matrix

from snnprog.arrays import Floats
from snnprog.errors import SolverError
from snnprog.rounding import half_even
from snnprog.solver.deadline import check_time, seconds_left

# Limits in iterations, or in CP-SAT's deterministic time, not in seconds: the answer must not depend on the machine.
# GLOP can cycle for ever. A million iterations are far beyond what the programs here take; the gaps of PDLP are
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
        solver, model = Solver(solver_name), _model(program)
        solver.set_solver_specific_parameters(parameters)
        if (left := seconds_left()) is not None:
            solver.set_time_limit_in_seconds(left)
        status = solver.solve(model)
        if status == SolveStatus.OPTIMAL:
            values, duals = solver.values(model.get_variables()), solver.dual_values(model.get_linear_constraints())
            return Optimum(values.to_numpy(), np.abs(duals.to_numpy()))
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
        model.helper.set_var_lower_bound(variable, 0.0)
        model.helper.set_var_upper_bound(variable, 1.0)
        model.helper.set_var_integrality(variable, True)
    solver = Solver("CP_SAT")
    solver.set_solver_specific_parameters(CHOICE_LIMIT)
    status = solver.solve(model)
    if status == SolveStatus.OPTIMAL:
        return half_even(solver.values(model.get_variables()).to_numpy()).astype(np.float64)
    if status == SolveStatus.INFEASIBLE:
        return None
    raise SolverError(f"no optimum among 0 and 1 for {program.matrix.shape[1]} variables: CP-SAT said {status.name}")


def _model(program: LinearProgram) -> Model:
    model = Model()  # type: ignore[no-untyped-call]
    model.helper.fill_model_from_sparse_data(
        program.lower,
        program.upper,
        program.objective,
        program.least,
        np.full(program.least.size, np.inf),
        csr_matrix(program.matrix),
    )
    model.helper.set_maximize(True)
    return model
