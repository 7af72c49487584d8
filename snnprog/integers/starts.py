"""Integers from which fits start: those nearest to real weights.

Real weights under exact decays come first. Where they leave little room, integers may exist all the same, because
decays truncate, and these integers are small. Real weights that count truncation in are near them: those of the
program that has a column for each rounding (`snnprog.design.proofs.course`), with the threshold kept small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.design.margins.answer import ROUNDING_PROOF
from snnprog.design.proofs.course import IntegerCourse
from snnprog.design.task import Task
from snnprog.integers.integer_problem import IntegerProblem
from snnprog.integers.reoptimise import MODERATE_ENTRIES, ideal
from snnprog.solver import maximise_if_possible

MOST_ROUNDINGS = 1000
"""Roundings up to which their program is solved: each of 300 takes 20 ms, beside 200 ms to write it."""

THRESHOLDS = (16, 32, 64, 128)
"""The largest thresholds of starts. Of ten fits of five Xylo neurons (thresholds of 29, 150 ticks) with the same work,
five succeeded with these starts, and one without."""

ROOM = 3.0
"""By how many LSBs the rows of a start are cleared, if they can be. With 0 and 1, another such neuron was not found in
3 s from any of four seeds; with 3, from three of them."""

Start = tuple[IntegerProblem, Int64s]


def starts_of(problems: Sequence[IntegerProblem], reals: Floats, synapses: int | None) -> list[Start]:
    """Return starts at several exponents.

    Parameters
    ----------
    problems : sequence of IntegerProblem
        The neuron's at these exponents, the finest first.
    reals : (starts, taps + 2) float
        Real weights, threshold and bias, in LSBs, that are tried besides the best under exact decays.
    synapses : int or None
        If few are allowed, the largest weights stay.
    """
    first = problems[0].problem
    is_moderate = first.potential_map.n_taps * first.raster.size <= MODERATE_ENTRIES
    starts = [(one, one.rounded(ideal(one.problem))) for one in problems if is_moderate]
    starts += [_nearest(problems, real) for real in reals]
    for one, unknowns in starts:
        most = one.taps.size if synapses is None else synapses
        unknowns[np.argsort(-np.abs(unknowns[: one.taps.size]), kind="stable")[most:]] = 0
    return starts


@lru_cache(maxsize=8)  # each fit of an output has the same
def reals_with_roundings(task: Task, output: int) -> Floats:
    """Return (starts, taps + 2) real weights, threshold and bias, in LSBs, that count truncation in.

    There are none where weights under exact decays survive every rounding, where hidden neurons are there already, or
    where the program is too large.

    Raises
    ------
    UndecidedError
        If the time that `until` allows runs out.
    """
    spec, n_taps = replace(task.spec, hidden=0), task.mapping.n_taps
    problem = task.problem(output, task.targets[:, output], constrained=task.care[:, output])
    none, is_moderate = np.zeros((0, n_taps + 2)), n_taps * problem.raster.size <= MODERATE_ENTRIES
    if not spec.linear_rule.has_errors or task.n_hidden or not is_moderate:
        return none
    if ideal(problem).margin >= ROUNDING_PROOF:
        return none
    course = IntegerCourse(problem, spec)
    if not course.rows or len(course.roundings) > MOST_ROUNDINGS:
        return none
    program = course.program()
    found: list[Floats] = [none]
    for threshold in THRESHOLDS if problem.box.is_threshold_free else (0,):
        upper = program.upper.copy()
        upper[n_taps], upper[-1] = max(threshold, program.lower[n_taps]), ROOM
        optimum = maximise_if_possible(replace(program, upper=upper))
        if optimum is not None:
            found.append(optimum.values[None, : n_taps + 2])
    return np.concatenate(found)


def _nearest(problems: Sequence[IntegerProblem], real: Floats) -> Start:
    """Return the nearest integers at the finest exponent at which the weights are within their range."""
    weights, chosen = real[:-2], problems[-1]
    for one in reversed(problems):
        box, step = one.problem.box, one.problem.step
        if ((step * box.weight_lower <= weights) & (weights <= step * box.weight_upper)).all():
            chosen = one
    mantissas = chosen.problem.box.nearest_weights(weights / chosen.problem.step)
    return chosen, chosen.unknowns(mantissas, float(real[-2]), float(real[-1]))
