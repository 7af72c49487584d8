"""A rounding-proof margin in the time of a few hundred simulations, if there is one.

All rows are met in turn, again and again, each by the smallest change of the weights (the relaxation method of Agmon
and of Motzkin and Schoenberg, 1954); where the rows can be met with room to spare, that ends soon. The weights are then
stretched to the chip's range, and their margin is measured on every row: only that counts. If it is too small, the
largest weights are cut and the rows met again, which leaves more room to stretch. What each row has pushed with bounds
the margin of all other weights, because for prices y >= 0 and any weights in the box::

    min_k margin_k  <=  Σ y_k margin_k / Σ y_k  <=  max over the box of  Σ_k y_k margin_k / Σ y_k

Where the method does not get there, the linear program has the last word, and the only word on what is infeasible; it
starts where the passes stopped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats
from snnprog.design.margins.answer import COMFORTABLE, WidestMargin
from snnprog.design.margins.meeting import Unknowns
from snnprog.design.margins.sweep import Sweeper
from snnprog.design.problem import NeuronProblem
from snnprog.fixed_order import dot
from snnprog.solver import check_time

# × 3 and ÷ 3 of each constant here: never another outcome on 4 specs, and 1.1 to 1.3 of the time. Rounds, passes and
# stiffness lead to other weights, so to another program where the method has the last word (1 spec of the 4).
ROUNDS, PASSES = 3, 20
# How readily threshold and bias move beside one weight.
STIFFNESS = np.array([40.0, 25.0])
# Rows that fall short by less than this share of their demand count as met: what is stretched is then measured anyway.
NEARLY_MET = 0.3
# Where a row still falls short by more than its demand after a round, a spike or a silence is missed; more rounds will
# hardly meet it, and the linear program is as fast from here.
MISSED = 1.0
# Where the largest weights are cut, as a share of the largest.
SHRINKING = 0.7


@dataclass(frozen=True, eq=False)
class Relaxed:
    """The result of the relaxation method.

    Attributes
    ----------
    answer : WidestMargin or None
        The widest it met, where it met the rows at all.
    unknowns : Unknowns
        Where it stopped, and what each row pushed with in the last pass, or in all if all were met in the last. The
        last pass bounds the margin more tightly: by 1.45 LSBs after 20 passes over 2000 taps and 16,000 ticks, whose
        widest margin is .66; all of them by 2.25, and by 1.53 after 60.
    """

    answer: WidestMargin | None
    unknowns: Unknowns


def relax(problem: NeuronProblem) -> Relaxed | None:
    """Meet the rows in turn until the answer is comfortable, or the passes are used up; None if it does not apply.

    It is tried where spikes are due, all weights may have either sign, the threshold is free, the bias free or 0, and
    resets are to zero.
    """
    box = problem.box
    if not problem.potential_map.linear.is_plain:
        return None
    is_two_sided = bool((box.weight_lower == -box.weight_upper).all() and box.weight_upper.any())
    if not (box.is_scale_free and is_two_sided) or not (problem.constrained & problem.raster).any():
        return None
    sweeper = Sweeper(problem.potential_map, problem.raster)
    factor = np.where(problem.constrained, problem.signs / problem.slack, 0.0)
    rows, unknowns = np.stack([factor, problem.bias_response]), sweeper.start()
    stiffness = STIFFNESS * [1.0, float(box.is_bias_free)]
    best, limit = None, np.inf
    for _ in range(ROUNDS):
        shortfall, last = _pass(sweeper, rows, stiffness=stiffness, unknowns=unknowns, limit=limit)
        if shortfall > MISSED:
            break
        if shortfall > NEARLY_MET:
            continue
        answer = _stretched(problem, sweeper, factor=factor, unknowns=unknowns)
        if best is None or answer.margin > best.margin:
            best = answer
        if best.margin >= COMFORTABLE:
            break
        limit = SHRINKING * float(np.abs(unknowns.weights).max())
    return Relaxed(best, unknowns._replace(prices=last) if last.any() else unknowns)


def _pass(
    sweeper: Sweeper, rows: Floats, *, stiffness: Floats, unknowns: Unknowns, limit: float
) -> tuple[float, Floats]:
    """Meet all rows several times with weights up to a limit; return the worst shortfall and the pushes of the last."""
    for _ in range(PASSES):
        check_time()
        before = unknowns.prices.copy()
        shortfall = sweeper.meet(rows, stiffness, unknowns=unknowns)
        np.clip(unknowns.weights, -limit, limit, out=unknowns.weights)
    return shortfall, unknowns.prices - before


def _stretched(problem: NeuronProblem, sweeper: Sweeper, *, factor: Floats, unknowns: Unknowns) -> WidestMargin:
    """Stretch the weights to the box and measure their margin over all rows; bound the widest by the prices."""
    top = float(np.abs(unknowns.weights).max())
    stretch = problem.step * float(problem.box.weight_upper.max()) / top if top > 0.0 else 0.0
    weights, threshold, bias = problem.clipped(stretch * unknowns.weights, stretch * unknowns.offsets)
    return WidestMargin(
        weights=weights,
        threshold=threshold,
        bias=bias,
        margin=float(problem.margins(weights, threshold, bias).min()),
        bound=_bound(problem, sweeper, factor, unknowns.prices),
        is_feasible=True,
        prices=unknowns.prices / problem.slack,
    )


def _bound(problem: NeuronProblem, sweeper: Sweeper, factor: Floats, prices: Floats) -> float:
    """Bound the margin of all weights in the box; prices of spikes are brought into balance with those of silences.

    In balance, the threshold has no part in the bound.
    """
    box, signed = problem.box, prices * factor
    due, silent = float(signed[problem.raster].sum()), -float(signed[~problem.raster].sum())
    if due <= 0.0 or silent <= 0.0:
        return np.inf
    prices = np.where(problem.raster, prices * (silent / due), prices)
    signed = prices * factor
    pull, bias_pull = sweeper.adjoint(signed), float((signed * problem.bias_response).sum())
    widest = problem.step * dot(np.abs(pull), box.weight_upper) + abs(bias_pull) * box.bias[1]
    return (widest - float((prices * problem.truncation / problem.slack).sum())) / float(prices.sum())
