"""Satisfiability of formulas over bit-vectors, by Bitwuzla.

Formulas are a script of SMT-LIB, which other solvers read, too. Z3 5.4.1 gives the same results for the lemmas of
Xylo's step, except for two that it did not decide in 20 s.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from snnprog.files.hdf5 import check_installed
from snnprog.solver.deadline import check_time, is_time_over


@dataclass(frozen=True)
class Solution:
    """The solver's result for a script.

    Attributes
    ----------
    values : mapping of str to int, or None
        Values of the requested terms, unsigned, that satisfy all assertions; None if there are
        none, which is a proof.
    seconds : float
        Processor time that it took.
    """

    values: Mapping[str, int] | None
    seconds: float


def solve_formulas(script: str, terms: Iterable[str] = ()) -> Solution:
    """Return values of terms that satisfy all assertions of a script, or that there are none.

    Parameters
    ----------
    script : str
        Declarations, definitions and assertions of SMT-LIB, without ``check-sat``.
    terms : iterable of str
        Bit-vectors whose values are returned.

    Raises
    ------
    UndecidedError
        If the time that `until` allows runs out before there is an answer.
    SpecError
        If Bitwuzla is not installed.
    """
    check_installed("bitwuzla", "a proof by a solver", extra="prove")
    from bitwuzla import Option, Options, Parser, Result, TermManager

    check_time()
    began = time.process_time()
    options = Options()
    options.set(Option.PRODUCE_MODELS, True)
    parser = Parser(TermManager(), options)
    parser.configure_terminator(is_time_over)
    parser.parse(script, True, False)
    solver = parser.bitwuzla()
    result = solver.check_sat()
    seconds = time.process_time() - began
    if result is Result.UNSAT:
        return Solution(None, seconds)
    if result is not Result.SAT:
        check_time()
    values = {term: int(solver.get_value(parser.parse_term(term)).value(2), 2) for term in terms}
    return Solution(values, seconds)
