"""Sufficient sets of taps, by linear programs that share the rows used so far.

One search solves hundreds of programs over ever fewer taps. The rows that bind hardly change, so they are kept from one
program to the next; an answer counts only once every tick has been examined.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.design.active_rows import FIRST_ROWS, ActiveRows, answers, margin_program, worst_first
from snnprog.design.problem import NeuronProblem
from snnprog.fixed_order import transposed_times
from snnprog.potential import RESIDUE, Ticks
from snnprog.solver import LinearProgram, maximise

# How many taps may come in at a time: only time depends on it. × 3 and ÷ 3: no change on 2 specs.
MORE_TAPS = 100
# The margin above which none is sought. It must exceed `ROUNDING_PROOF`, which is requested: a third of it is below,
# and found nothing; three times as much gave another program on 1 of 2 specs.
WIDE_ENOUGH = 1.0
# By which share a row or a tap's price may be off: the rooms sought are multiples of 0.25 LSB, which 1 % leaves apart.
# × 3 and ÷ 3: no change on 2 specs.
NEARLY = 1e-2


@dataclass(frozen=True, eq=False)
class Supported:
    """Weights (taps,), threshold and bias on few taps; their margin, and the LSBs by which all rows are cleared."""

    weights: Floats
    threshold: float
    bias: float
    margin: float
    room: float


def restricted_to(problem: NeuronProblem, taps: Int64s) -> NeuronProblem:
    """Return the same problem with weights only on these taps; rounding affects no others."""
    chosen = np.zeros(problem.potential_map.n_taps)
    chosen[taps] = 1.0
    norms = problem.potential_map.potential(chosen, problem.resets)
    box = replace(
        problem.box, weight_lower=problem.box.weight_lower * chosen, weight_upper=problem.box.weight_upper * chosen
    )
    return replace(problem, norms=np.where(norms < RESIDUE, 0.0, norms), box=box)


class Programs:
    """The linear programs of one neuron's problem."""

    def __init__(self, problem: NeuronProblem) -> None:
        self.problem = problem
        self.rows = ActiveRows(problem, problem.hardest(FIRST_ROWS))

    @property
    def usable(self) -> Int64s:
        """The taps that may have a weight."""
        return np.flatnonzero(self.problem.box.weight_upper > self.problem.box.weight_lower)

    def lightest(self, taps: Int64s, costs: Floats, *, room: float, others: Int64s | None = None) -> Floats:
        """Return the weights (taps,) of least ``Σ costs |w|`` on these taps that clear every row by ``room`` LSBs.

        There must be some. Others are taken in where they make the sum less.
        """
        others = np.zeros(0, dtype=np.int64) if others is None else np.setdiff1d(others, taps)

        def solve(rows: ActiveRows) -> tuple[tuple[Floats, Floats], Ticks]:
            return self._lightest(rows, taps, costs=costs, room=room)

        while True:
            for found, prices in answers(self.rows, solve):
                weights, cheaper = found, self._cheaper(others, costs, prices=prices)
                taps, others = np.union1d(taps, cheaper), np.setdiff1d(others, cheaper)
            if cheaper.size == 0:
                return weights

    def supported(self, taps: Int64s, least: float) -> Supported | None:
        """Return an answer on these taps with at least this margin, or None if there is none."""
        problem = restricted_to(self.problem, taps)
        for found in answers(self.rows, lambda rows: _widest(problem, rows, taps, least)):
            if found is None or found.margin >= least:
                return found
        return None

    def _lightest(
        self, rows: ActiveRows, taps: Int64s, *, costs: Floats, room: float
    ) -> tuple[tuple[Floats, Floats], Ticks]:
        """Return the lightest weights over some rows and the rows' prices, and the ticks that they violate."""
        problem, box, scale = self.problem, self.problem.box, room + float(self.problem.truncation.max(initial=0.0))
        rising, falling = taps[box.weight_upper[taps] > 0.0], taps[box.weight_lower[taps] < 0.0]
        optimum = maximise(
            _lightest_program(problem, rows, ways=(rising, falling), costs=costs, room=room, scale=scale)
        )
        values = optimum.values * scale
        weights = np.zeros(problem.potential_map.n_taps)
        weights[rising] += values[: rising.size]
        weights[falling] -= values[rising.size : -2]
        cleared = problem.cleared(weights, values[-2], values[-1])
        return (weights, optimum.duals), worst_first(cleared, room * (1.0 - NEARLY))

    def _cheaper(self, others: Int64s, costs: Floats, *, prices: Floats) -> Int64s:
        """Return those of the other taps that the prices of the rows say to be worth their cost, the best first."""
        pull = transposed_times(self.rows.features[:, others], prices * self.problem.signs[self.rows.ticks])
        box = self.problem.box
        gain = np.maximum(pull * (box.weight_upper[others] > 0.0), -pull * (box.weight_lower[others] < 0.0))
        excess = gain / costs[others]
        worthy = np.flatnonzero(excess > 1.0 + NEARLY)
        return others[worthy[np.argsort(-excess[worthy], kind="stable")[:MORE_TAPS]]]


def _lightest_program(
    problem: NeuronProblem, rows: ActiveRows, *, ways: tuple[Int64s, Int64s], costs: Floats, room: float, scale: float
) -> LinearProgram:
    """Build the rows over the positive and the negative parts of the weights, threshold and bias.

    ``ways`` are the taps whose weight may be positive, and those whose weight may be negative.
    """
    rising, falling = ways
    matrix = rows.signed(taps=np.concatenate(ways))
    matrix[:, rising.size : -2] *= -1.0
    rest = np.array([problem.box.threshold, problem.box.bias]).T
    up, down = problem.step * problem.box.weight_upper[rising], -problem.step * problem.box.weight_lower[falling]
    return LinearProgram(
        objective=-np.concatenate([costs[rising], costs[falling], [0.0, 0.0]]),
        matrix=matrix,
        least=(room + problem.truncation[rows.ticks]) / scale,
        lower=np.concatenate([np.zeros(rising.size + falling.size), rest[0] / scale]),
        upper=np.concatenate([up, down, rest[1]]) / scale,
    )


def _widest(problem: NeuronProblem, rows: ActiveRows, taps: Int64s, least: float) -> tuple[Supported | None, Ticks]:
    """Return the answer of widest margin over some rows, None below the required margin, and the ticks it violates."""
    scale = problem.step * float((problem.box.weight_upper - problem.box.weight_lower).max(initial=1.0))
    values = maximise(margin_program(problem, rows, scale=scale, taps=taps, most=WIDE_ENOUGH)).values * scale
    if values[-1] < least:
        return None, np.zeros(0, dtype=np.int64)
    within = np.clip(values[:-1], *problem.ends(taps))
    weights, (threshold, bias) = np.zeros(problem.potential_map.n_taps), within[-2:].tolist()
    weights[taps] = within[:-2]
    margins = problem.margins(weights, threshold, bias)
    found = Supported(
        weights, threshold, bias, float(margins.min(initial=np.inf)), problem.room(weights, threshold, bias)
    )
    return found, worst_first(margins, least)
