"""One neuron's margin problem with all its rows, as the linear program that four general solvers are given.

Its columns are the weights, the threshold and the margin, in weight LSBs, as `snnprog.design.problem` states it. Every
solver has one core and a time limit; its tolerances and its scaling are left as its makers chose them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from ortools.linear_solver.python import model_builder_helper as ortools_lp
from scipy.optimize import linprog
from scipy.sparse import coo_matrix, csr_matrix, diags, hstack, identity, vstack

from snnprog.arrays import Floats
from snnprog.design.problem import NeuronProblem

ROWS_AT_ONCE = 1000


@dataclass(frozen=True, eq=False)
class FullProgram:
    """Maximise the last unknown subject to ``matrix x >= least`` and ``lower <= x <= upper``.

    Attributes
    ----------
    matrix : (rows, unknowns) sparse float
    least : (rows,) float
    lower, upper : (unknowns,) float
    """

    matrix: csr_matrix
    least: Floats
    lower: Floats
    upper: Floats

    @property
    def objective(self) -> Floats:
        """(unknowns,) What is maximised."""
        return np.concatenate([np.zeros(self.lower.size - 1), [1.0]])


@dataclass(frozen=True)
class Answer:
    """What was found: the seconds of one core that it took, and the margin on all rows; NaN where nothing was found."""

    seconds: float
    margin: float = np.nan


def full_program(problem: NeuronProblem) -> FullProgram:
    """Return the program of a problem whose bias is 0, every constrained row explicit."""
    rows, box, step = np.flatnonzero(problem.constrained), problem.box, problem.step
    blocks = np.array_split(rows, max(1, rows.size // ROWS_AT_ONCE))
    features = vstack([csr_matrix(problem.features(block)) for block in blocks])
    signs, slack = problem.signs[rows], problem.slack[rows]
    return FullProgram(
        matrix=hstack([diags(signs) @ features, -signs[:, None], -slack[:, None]], format="csr"),
        least=problem.truncation[rows],
        lower=np.concatenate([step * box.weight_lower, [box.threshold[0], -np.inf]]),
        upper=np.concatenate([step * box.weight_upper, [box.threshold[1], np.inf]]),
    )


def solve(name: str, program: FullProgram, problem: NeuronProblem, limit: float) -> Answer:
    """Give the program to a solver of `SOLVERS` for at most so many seconds; measure its margin on all rows."""
    start = time.process_time()
    values = SOLVERS[name](program, limit)
    seconds = time.process_time() - start
    if values is None:
        return Answer(seconds)
    inside = np.clip(values, program.lower, program.upper)
    return Answer(seconds, float(problem.margins(inside[:-2], float(inside[-2]), 0.0).min()))


def glop(program: FullProgram, limit: float) -> Floats | None:
    """Ask GLOP, a simplex method."""
    return _ortools("GLOP", program, limit)


def pdlp(program: FullProgram, limit: float) -> Floats | None:
    """Ask PDLP, a first-order method."""
    return _ortools("PDLP", program, limit)


def highs_interior_point(program: FullProgram, limit: float) -> Floats | None:
    """Ask the interior-point method of HiGHS."""
    return _highs("highs-ipm", program, limit)


def highs_dual_simplex(program: FullProgram, limit: float) -> Floats | None:
    """Ask the dual simplex method of HiGHS."""
    return _highs("highs-ds", program, limit)


def glpk(program: FullProgram, limit: float) -> Floats | None:
    """Ask the simplex method of GLPK, with its presolver; bounds are rows of one entry."""
    import cvxopt
    import cvxopt.glpk

    identities = identity(program.lower.size, format="csr")
    below, above = np.isfinite(program.lower), np.isfinite(program.upper)
    rows = coo_matrix(vstack([-program.matrix, -identities[below], identities[above]]))
    right = np.concatenate([-program.least, -program.lower[below], program.upper[above]])
    cvxopt.glpk.options = {"msg_lev": "GLP_MSG_OFF", "tm_lim": int(1000 * limit)}
    status, values, _ = cvxopt.glpk.lp(
        cvxopt.matrix(-program.objective),
        cvxopt.spmatrix(rows.data, rows.row.tolist(), rows.col.tolist(), rows.shape),
        cvxopt.matrix(right),
    )
    return np.array(values).ravel() if status == "optimal" else None


def _ortools(name: str, program: FullProgram, limit: float) -> Floats | None:
    model = ortools_lp.ModelBuilderHelper()
    no_end = np.full(program.least.size, np.inf)
    model.fill_model_from_sparse_data(
        program.lower, program.upper, program.objective, program.least, no_end, program.matrix
    )
    model.set_maximize(True)
    solver = ortools_lp.ModelSolverHelper(name)
    solver.set_time_limit_in_seconds(limit)
    solver.solve(model)
    return np.array(solver.variable_values()) if solver.status() == ortools_lp.SolveStatus.OPTIMAL else None


def _highs(method: str, program: FullProgram, limit: float) -> Floats | None:
    answer = linprog(
        -program.objective,
        A_ub=-program.matrix,
        b_ub=-program.least,
        bounds=np.column_stack([program.lower, program.upper]),
        method=method,
        options={"time_limit": limit},
    )
    return np.array(answer.x) if answer.status == 0 else None


SOLVERS: dict[str, Callable[[FullProgram, float], Floats | None]] = {
    "GLOP": glop,
    "PDLP": pdlp,
    "HiGHS ipm": highs_interior_point,
    "HiGHS ds": highs_dual_simplex,
    "GLPK": glpk,
}
