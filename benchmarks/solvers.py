"""One neuron's margin problem with all its rows, as the linear program that general solvers are given.

Its columns are the weights, the threshold and the margin, in weight LSBs, as `snnprog.design.problem` states it. Every
solver has one core and a time limit; its tolerances and its scaling are left as its makers chose them.

Two linear classifiers are given the same rows: the traces of the taps at each tick, and whether a spike is due. A hard
margin is a penalty (C) that no row is worth. Their weights are stretched to the chip's range, as ours are. They know
nothing of that range and prove nothing, and where no weights separate the ticks, they do not say so.
"""

from __future__ import annotations

import math
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_matrix, csr_matrix, diags, hstack, identity, issparse, vstack

from snnprog.arrays import Floats
from snnprog.design.problem import NeuronProblem
from snnprog.solver import one_blas_thread

if TYPE_CHECKING:
    from sklearn.svm import SVC, LinearSVC

ROWS_AT_ONCE = 1000
# The classifiers' penalty: with 1e4 and 1e6, LIBLINEAR returned margins within 1 % of one another (500 taps).
PENALTY = 1e6
HIPO = Path(__file__).parent / "rivals" / "hipo.py"
MOST_ROUNDS = 10**6  # of the classifiers: the time limit comes first


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
    if name == HIGHS_NEWEST:
        values, seconds = highs_newest(program, limit)
    elif name in CLASSIFIERS:
        values, seconds = _classified(name, program, limit)
    else:
        start = time.process_time()
        values = OPTIMISERS[name](program, limit)
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


def highs_newest(program: FullProgram, limit: float) -> tuple[Floats | None, float]:
    """Ask the newest interior-point method of HiGHS, HiPO, by a script of its own: OR-Tools carries another HiGHS."""
    matrix = program.matrix
    arrays = {
        "start": matrix.indptr,
        "index": matrix.indices,
        "value": matrix.data,
        "least": program.least,
        "lower": program.lower,
        "upper": program.upper,
        "cost": -program.objective,
        "limit": np.array(limit),
    }
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "program.npz", Path(folder) / "answer.npz"
        np.savez(given, **arrays)
        subprocess.run([sys.executable, str(HIPO), str(given), str(found)], check=True, stdout=subprocess.DEVNULL)
        with np.load(found, allow_pickle=False) as answer:
            return (answer["values"] if answer["values"].size else None), float(answer["seconds"])


def _classified(name: str, program: FullProgram, limit: float) -> tuple[Floats | None, float]:
    """Ask a classifier in a process that may use so many seconds; return what it found, and its seconds."""
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_classify, args=(name, program, limit, sender))
    process.start()
    sender.close()
    try:
        found: tuple[Floats | None, float] = receiver.recv()
    except EOFError:
        found = None, limit
    process.join()
    return found


def _classify(name: str, program: FullProgram, limit: float, sender: Connection) -> None:
    """Send weights and threshold of a classifier of the ticks, stretched to the range of the weights."""
    classifier = CLASSIFIERS[name]()
    is_spike = program.matrix[:, -2].toarray().ravel() < 0.0
    if is_spike.all() or not is_spike.any():
        sender.send((None, 0.0))
        return
    features = csr_matrix(diags(np.where(is_spike, 1.0, -1.0)) @ program.matrix[:, :-2])
    start = time.process_time()
    seconds = math.ceil(start + limit)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    with one_blas_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier.fit(features, is_spike)
    coefficients = classifier.coef_
    weights = (coefficients.toarray() if issparse(coefficients) else coefficients).ravel()
    stretch = float(program.upper[:-2].max() / np.abs(weights).max())
    values = np.append(stretch * np.append(weights, -classifier.intercept_), 0.0)
    sender.send((values, time.process_time() - start))


def _liblinear() -> LinearSVC:
    from sklearn.svm import LinearSVC

    return LinearSVC(C=PENALTY, loss="hinge", dual=True, max_iter=MOST_ROUNDS, random_state=0)


def _libsvm() -> SVC:
    from sklearn.svm import SVC

    return SVC(C=PENALTY, kernel="linear")


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
    from ortools.linear_solver.python import model_builder_helper as ortools_lp

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


OPTIMISERS: dict[str, Callable[[FullProgram, float], Floats | None]] = {
    "GLOP": glop,
    "PDLP": pdlp,
    "HiGHS ipm": highs_interior_point,
    "HiGHS ds": highs_dual_simplex,
    "GLPK": glpk,
}
HIGHS_NEWEST = "HiGHS hipo"
CLASSIFIERS: dict[str, Callable[[], LinearSVC | SVC]] = {"LIBLINEAR": _liblinear, "libsvm": _libsvm}
# These maximise the margin; the classifiers only separate.
MAXIMISERS = (*OPTIMISERS, HIGHS_NEWEST)
SOLVERS = (*MAXIMISERS, *CLASSIFIERS)
