"""Searches by CP-SAT, which is imported only when one is made.

OR-tools imports pandas with it, which takes a quarter of a second: most specs need no such search.
"""

from __future__ import annotations

from snnprog.solver.programs import IntegerProgram, Integral, Packing, PackingAnswer


def find_integers(program: IntegerProgram, *, effort: float) -> Integral:
    """Find integers, prove that there are none, or give up once ``effort`` units of deterministic work are done.

    Raises
    ------
    UndecidedError
        If the time that `until` allows runs out.
    """
    from snnprog.solver import integers

    return integers.find_integers(program, effort=effort)


def find_packing(packing: Packing, *, effort: float) -> PackingAnswer:
    """Find the bin of each item, prove that they do not fit, or stop after ``effort`` units of work.

    Raises
    ------
    UndecidedError
        If the time that `until` allows runs out.
    """
    from snnprog.solver import packing as packings

    return packings.find_packing(packing, effort=effort)
