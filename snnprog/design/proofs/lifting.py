"""How far the rows of a neuron's course can be lifted: not at all where no integers satisfy them.

Orders hold for all integers of the chip, so they are not lifted. Under assumptions that exclude one another, they
cannot hold, and such a program would have no answer and no prices. So there they may be broken, at a penalty, and
prices refute them like other rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import hstack

from snnprog.arrays import Floats
from snnprog.design.proofs.course import NOTHING_ASSUMED, IntegerCourse
from snnprog.fixed_order import dot
from snnprog.proof import OrderRow
from snnprog.solver import LinearProgram, maximise

PENALTY = 1e5
"""What it costs to break an order, beside the lift by as much. A hundred times the greatest lift; not measured: with a
lesser one, fewer cases are refuted without a split."""


@dataclass(frozen=True, eq=False)
class Lifted:
    """How far the least cleared row can be lifted, in LSBs, less penalties; each row's price, and all columns."""

    lift: float
    prices: Floats
    values: Floats


def lifted(course: IntegerCourse) -> Lifted:
    """Solve a course's program.

    Raises
    ------
    SolverError
        If the solver fails.
    """
    program = course.program()
    if course.assumed != NOTHING_ASSUMED:
        program = _with_breakable_orders(course, program)
    optimum = maximise(program)
    lift = dot(program.objective, optimum.values)
    return Lifted(lift, optimum.duals[: len(course.rows)], optimum.values[: len(course.lower)])


def _with_breakable_orders(course: IntegerCourse, program: LinearProgram) -> LinearProgram:
    """Return the program with one more column: by how much orders are broken."""
    broken = np.zeros((program.least.size, 1))
    broken[[index for index, (row, _) in enumerate(course.rows) if isinstance(row, OrderRow)]] = 1.0
    return LinearProgram(
        objective=np.append(program.objective, -PENALTY),
        matrix=hstack([program.matrix, broken], format="csr"),
        least=program.least,
        lower=np.append(program.lower, 0.0),
        upper=np.append(program.upper, np.inf),
    )
