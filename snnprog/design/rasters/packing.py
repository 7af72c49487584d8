"""A bound on the cost of wrong bins: contradictions that have no bin in common.

Each row of a neuron follows from the bins since its last reset (see `judge`). If demands contradict one another, and
their rows follow from bins that all count, then one of these bins is wrong whatever the weights are, and that costs at
least as much as the cheapest of them. Contradictions without a common bin add up. They are looked for one after
another: the next one may only use rows that follow from bins no other has used.
"""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.design.margins.margin import widest_margin
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.certificate import Certificate
from snnprog.design.proofs.verdict import judge, minimal_conflict
from snnprog.potential import NO_RESET

# Contradictions that are looked for, each by a linear program. Of five recorded units, none had more than two.
MOST = 20


def packed(problem: NeuronProblem, costs: Floats, known: Certificate | None = None) -> float:
    """Return a cost that no real weights undercut under exact decays.

    Parameters
    ----------
    problem : NeuronProblem
        With a row at every tick, its raster being the target.
    costs : (ticks played,) float
        The cost of each bin if it is wrong; 0 where it does not count.
    known : Certificate, optional
        A contradiction that is known.

    Raises
    ------
    SolverError
        If the solver fails.
    UndecidedError
        If the time that `until` allows runs out.
    """
    since, row_tick = _since(problem), np.arange(problem.raster.size) % costs.size
    open_bins, total = costs > 0.0, 0.0
    for _ in range(MOST):
        rows = _follow_from(open_bins, since, row_tick) & problem.constrained
        narrowed = problem.constrained_to(rows)
        found = known if known is not None and rows[list(known.prices)].all() else _contradiction(narrowed)
        known = None
        if found is None:
            break
        ground = _ground(minimal_conflict(narrowed, found)[0], since, row_tick, costs.size)
        total += float(costs[ground].min())
        open_bins &= ~ground
    return total


def _since(problem: NeuronProblem) -> Int64s:
    """Return the first bin that each row follows from: the last spike, or the beginning of the pattern."""
    tape, ticks = problem.potential_map.played, problem.spikes.size
    spike = problem.resets.spike[:ticks]
    since = np.where(spike == NO_RESET, tape.starts[tape.pattern], spike)
    return np.resize(since, problem.raster.size)


def _follow_from(bins: Raster, since: Int64s, row_tick: Int64s) -> Raster:
    """Return which rows follow from these bins alone."""
    others = np.concatenate([[0], np.cumsum(~bins)])
    alone: Raster = others[row_tick + 1] == others[since]
    return alone


def _contradiction(problem: NeuronProblem) -> Certificate | None:
    """Return demands that no real weights meet together, if the program finds some and the proof holds."""
    if not problem.constrained.any():
        return None
    answer = widest_margin(problem.idealised(problem.box.widest_exponent))
    if answer.is_feasible:
        return None
    found = judge(problem, answer.prices)
    return found if isinstance(found, Certificate) else None


def _ground(conflict: Certificate, since: Int64s, row_tick: Int64s, ticks: int) -> Raster:
    """Return the bins that the rows of a contradiction follow from, (ticks,)."""
    ground = np.zeros(ticks, dtype=np.bool_)
    for row in conflict.prices:
        ground[since[row] : row_tick[row] + 1] = True
    return ground
