"""Linear and integer programs: the only folder that imports a solver.

OR-tools' GLOP (a simplex method) solves linear programs; if it reports numerical problems, GLOP with other
settings is tried, then PDLP (a first-order method). Integer programs and binary choices go to CP-SAT, with one
worker, a fixed seed, and a limit in its deterministic units of work: the result does not depend on the machine.
"""

from __future__ import annotations

from snnprog.solver.deadline import (
    Deadline,
    check_time,
    deadline_after,
    is_time_over,
    noticing,
    present_deadline,
    step,
    telling,
    until,
)
from snnprog.solver.interrupts import interruptible
from snnprog.solver.jobs import run_jobs
from snnprog.solver.linear import LinearProgram, Optimum, choose, maximise, maximise_if_possible, maximise_within
from snnprog.solver.programs import Division, IntegerProgram, Integral, Packing, PackingAnswer, StoredParts
from snnprog.solver.searches import find_integers, find_packing
from snnprog.solver.threads import one_blas_thread

__all__ = [
    "Deadline",
    "Division",
    "IntegerProgram",
    "Integral",
    "LinearProgram",
    "Optimum",
    "Packing",
    "PackingAnswer",
    "StoredParts",
    "check_time",
    "choose",
    "deadline_after",
    "find_integers",
    "find_packing",
    "interruptible",
    "is_time_over",
    "maximise",
    "maximise_if_possible",
    "maximise_within",
    "noticing",
    "one_blas_thread",
    "present_deadline",
    "run_jobs",
    "step",
    "telling",
    "until",
]
