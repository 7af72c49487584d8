"""Which taps suffice: linear programs over some of a neuron's taps, which share the rows that have mattered so far.

One search solves hundreds of programs over ever fewer taps. The rows that bind hardly change, so they are kept from one
program to the next; an answer counts only once every tick has been looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.design.problem import NeuronProblem
from snnprog.potential import RESIDUE, Ticks
from snnprog.solver import LinearProgram, maximise

FIRST_ROWS = 60
MORE_ROWS = 100
MORE_TAPS = 100
WIDE_ENOUGH = 1.0
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
    """Return the same problem where only these taps may have a weight; rounding moves no other."""
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
        self.rows: Ticks = np.zeros(0, dtype=np.int64)
        self.features: Floats = np.zeros((0, problem.potential_map.n_taps))
        self._add(problem.hardest(FIRST_ROWS))

    @property
    def usable(self) -> Int64s:
        """The taps that may have a weight."""
        return np.flatnonzero(self.problem.box.weight_upper > self.problem.box.weight_lower)

    def lightest(self, taps: Int64s, costs: Floats, room: float, others: Int64s | None = None) -> Floats:
        """Return the weights (taps,) of least ``Σ costs |w|`` on these taps that clear every row by ``room`` LSBs.

        There must be some. Others are taken in where they make the sum less.
        """
        problem = self.problem
        others = np.zeros(0, dtype=np.int64) if others is None else np.setdiff1d(others, taps)
        while True:
            rising, falling = self._ways(taps)
            optimum = maximise(self._lightest_program(rising, falling, costs, room))
            values = optimum.values * self._scale(room)
            weights = np.zeros(problem.potential_map.n_taps)
            weights[rising] += values[: rising.size]
            weights[falling] -= values[rising.size : -2]
            cleared = problem.cleared(weights, values[-2], values[-1])
            cheaper = self._cheaper(others, costs, optimum.duals)
            taps, others = np.union1d(taps, cheaper), np.setdiff1d(others, cheaper)
            if not self._take_in(np.flatnonzero(cleared < room * (1.0 - NEARLY)), cleared) and cheaper.size == 0:
                return weights

    def supported(self, taps: Int64s, least: float) -> Supported | None:
        """Return an answer on these taps with at least this margin, or None where there is none."""
        problem = restricted_to(self.problem, taps)
        while True:
            scale = problem.step * float((problem.box.weight_upper - problem.box.weight_lower).max(initial=1.0))
            values = maximise(self._widest_program(problem, taps, scale)).values * scale
            if values[-1] < least:
                return None
            low, high = _ends(problem, taps)
            weights, within = np.zeros(problem.potential_map.n_taps), np.clip(values[:-1], low, high)
            weights[taps], (threshold, bias) = within[:-2], within[-2:].tolist()
            margins = problem.margins(weights, threshold, bias)
            worst = float(margins.min(initial=np.inf))
            if worst >= least:
                return Supported(weights, threshold, bias, worst, problem.room(weights, threshold, bias))
            if not self._take_in(np.flatnonzero(margins < least), margins):
                return None

    def _take_in(self, ticks: Ticks, order: Floats) -> bool:
        """Add the first of these ticks in an order to the rows; tell whether any is new."""
        new = np.setdiff1d(ticks, self.rows)
        self._add(new[np.argsort(order[new], kind="stable")[: max(MORE_ROWS, self.rows.size // 3)]])
        return bool(new.size)

    def _add(self, ticks: Ticks) -> None:
        self.rows = np.concatenate([self.rows, ticks])
        self.features = np.concatenate([self.features, self.problem.features(ticks)])

    def _cheaper(self, others: Int64s, costs: Floats, prices: Floats) -> Int64s:
        """Return those of the other taps that the prices of the rows say to be worth their cost, the best first."""
        pull = (prices * self.problem.signs[self.rows]) @ self.features[:, others]
        box = self.problem.box
        gain = np.maximum(pull * (box.weight_upper[others] > 0.0), -pull * (box.weight_lower[others] < 0.0))
        excess = gain / costs[others]
        worthy = np.flatnonzero(excess > 1.0 + NEARLY)
        return others[worthy[np.argsort(-excess[worthy], kind="stable")[:MORE_TAPS]]]

    def _ways(self, taps: Int64s) -> tuple[Int64s, Int64s]:
        """Return the taps whose weight may be positive, and those whose weight may be negative."""
        box = self.problem.box
        return taps[box.weight_upper[taps] > 0.0], taps[box.weight_lower[taps] < 0.0]

    def _scale(self, room: float) -> float:
        return room + float(self.problem.truncation.max(initial=0.0))

    def _lightest_program(self, rising: Int64s, falling: Int64s, costs: Floats, room: float) -> LinearProgram:
        """Build the rows over the positive and the negative parts of the weights, threshold and bias."""
        problem, scale = self.problem, self._scale(room)
        signs = problem.signs[self.rows]
        parts = [self.features[:, rising], -self.features[:, falling], -problem.threshold_response[self.rows, None]]
        matrix = np.concatenate([*parts, problem.bias_response[self.rows, None]], axis=1)
        rest = np.array([problem.box.threshold, problem.box.bias]).T
        up, down = problem.step * problem.box.weight_upper[rising], -problem.step * problem.box.weight_lower[falling]
        return LinearProgram(
            objective=-np.concatenate([costs[rising], costs[falling], [0.0, 0.0]]),
            matrix=matrix * signs[:, None],
            least=(room + problem.truncation[self.rows]) / scale,
            lower=np.concatenate([np.zeros(rising.size + falling.size), rest[0] / scale]),
            upper=np.concatenate([up, down, rest[1]]) / scale,
        )

    def _widest_program(self, problem: NeuronProblem, taps: Int64s, scale: float) -> LinearProgram:
        """Build the margin problem's rows on these taps, each divided by its slack; more than enough is not sought."""
        slack = problem.slack[self.rows] / problem.step
        signs = problem.signs[self.rows] / slack
        offsets = np.column_stack(
            [
                -signs * problem.threshold_response[self.rows],
                signs * problem.bias_response[self.rows],
                np.full(signs.size, -1.0),
            ]
        )
        low, high = _ends(problem, taps)
        return LinearProgram(
            objective=np.concatenate([np.zeros(taps.size + 2), [1.0]]),
            matrix=np.concatenate([self.features[:, taps] * signs[:, None], offsets], axis=1),
            least=problem.truncation[self.rows] / (slack * scale),
            lower=np.concatenate([low / scale, [-np.inf]]),
            upper=np.concatenate([high, [problem.step * WIDE_ENOUGH]]) / scale,
        )


def _ends(problem: NeuronProblem, taps: Int64s) -> tuple[Floats, Floats]:
    """Return the least and the greatest weights of these taps, threshold and bias."""
    box, step = problem.box, problem.step
    low = np.concatenate([step * box.weight_lower[taps], [box.threshold[0], box.bias[0]]])
    high = np.concatenate([step * box.weight_upper[taps], [box.threshold[1], box.bias[1]]])
    return low, high
