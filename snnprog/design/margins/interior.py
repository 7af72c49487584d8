"""The widest margin of a neuron with thousands of taps or ticks, by an interior point method specialised to its rows.

A primal-dual path-following method (Mehrotra 1992) for the linear program of `snnprog.design.problem`, in which every
unknown is scaled to a range of at most [-1, 1]::

    maximise m   subject to   R x - m = c + s ,   s >= 0 ,   lower <= x <= upper

Its products with all rows are passes over the network's events, far cheaper than the rows themselves. So its Newton
systems are solved by conjugate gradients on all rows, preconditioned by a Cholesky factor of the few rows that weigh
most at that step (Tits, Absil and Woessner 2006 remove the others altogether), in single precision. A start from the
relaxation method saves most of the path.

One step, in the order of the code: `NewtonSystem` writes the equations of the perturbed optimality conditions, in
which each product of a distance (slack, or room to an end) with its price is to become the same small number. Slacks
and prices are eliminated, which leaves ``(Rᵀ D R + E) Δx = …`` with D = prices / slacks and E the same of the ends, and
the margin as one more unknown. `Path.advance` solves twice with one factor: first towards products of 0 (predict),
which shows how far the gap would fall; then towards the mean product times the cube of that share, corrected by the
products of the first step (Mehrotra's rule). Steps go `SHORT_OF_THE_EDGE` of the way to the first
distance or price that would be 0, primal and dual apart.

What always holds: slacks, rooms and prices are above 0. ``slacks = R x - m - c`` holds to rounding, because the primal
equations are linear and are met from the start, so the path need not restore them. The dual residual is not 0: the
conjugate gradients are stopped early, and what they leave only makes the bound weaker, not wrong. When they do not get
there in `SYSTEM_ROUNDS`, the factor was too coarse: more rows go into the next, and many only in double precision.

For prices ``y >= 0`` that sum to 1, no weights have more margin than ``Σ_j max(lower_j g_j, upper_j g_j) - y·c`` with
``g = Rᵀ y``. So every step gives a bound that holds, whatever rounding did to it on the way.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.design.margins.answer import WidestMargin, is_wide
from snnprog.design.margins.factor import Factor, by_taps, factorised
from snnprog.design.margins.meeting import Unknowns
from snnprog.design.margins.rows import Precision, Rows
from snnprog.design.problem import NeuronProblem
from snnprog.fixed_order import dot, norm
from snnprog.solver import check_time

# × 3 and ÷ 3 of each constant here (of the odds, for shares): the outcome never changed on 2 specs of 120 and 600
# taps, and the time was between .82 and 1.2. The path to an optimum depends on them and an early end is anywhere on
# it, so most lead to another program, as exact.
#
# Ends a path that leads nowhere; usual ones have tens of steps.
STEPS = 200
# How far a step goes towards the first price or distance that would be 0 (usual: .9 to .999).
SHORT_OF_THE_EDGE = 0.99
# A cold start keeps so far from all ends, as a share of the ranges.
INSIDE = 0.1
# So often a third is cut off a step, to find the widest margin along it: to 1 %, in the time of about one pass.
CUTS = 12
# A warm start: the weights shrink by the first, keep the second (of the ranges) from the ends, prices are at least the
# third of the mean product over the slack, and the margin is drawn back by the fourth of what is still to gain.
STRETCH, BARELY_INSIDE, FLOOR, BACK = 0.8, 1e-4, 0.1, 0.2
# The rows that go into the factor: those that weigh more than this share of the heaviest; where that is too coarse, the
# share shrinks by the second, until below the third all rows are in and doubles have no digits left.
WEIGHTY, LESS_WEIGHTY, LEAST_WEIGHTY = 3e-3, 1e-2, 1e-16
# At least so many rows for each unknown: with .5, .8 and 1, a solution near the widest margin takes 50, 15 and 8 rounds
# (2000 taps, 16,000 ticks). An output of a recorded retina took .74 of the time with .8, and .81 with 1.
ROWS_FOR_EACH = 0.8
# Down to this share, rows are in single precision: as many rounds, each half as long. 1e-7 took 1.15 times as long in a
# run on an output of a recorded retina (2480 taps, 7300 ticks).
SINGLE = 1e-9
# How far the conjugate gradients go, as a share of the gap (what is left only weakens the bound), and their most
# rounds.
SYSTEM_TOLERANCE, SYSTEM_ROUNDS = 1.0, 60
# The same without a factor, where rounds are cheap and many: as many as take the time of a factor that is worth having.
# A round takes two passes over the events, and a factor one multiplication for each unknown, row, and unknown or row,
# whichever are fewer; so many of these take the time of an event (measured: 2000 taps on 16,000 ticks).
TAPS_TOLERANCE, FACTOR_SPEED = 3.0, 16


def interior_margin(
    problem: NeuronProblem, start: Unknowns | None = None, *, is_enough: Callable[[float, float], bool] = is_wide
) -> WidestMargin | None:
    """Maximise the margin of a neuron; end early at an answer that is good enough.

    Parameters
    ----------
    start : Unknowns, optional
        What the relaxation method came to, for the same problem.
    is_enough : callable
        Whether a margin is good enough, given a bound on all margins.

    Returns
    -------
    WidestMargin or None
        None if the path is lost to rounding before it has an answer.
    """
    rows = Rows(problem)
    path = Path(rows, cold_start(rows) if start is None else warm_start(rows, start))
    unit = rows.unit

    def is_done() -> bool:
        bound = path.lowest.bound * unit
        return bound <= problem.tolerance or is_enough(path.widest.margin * unit, bound)

    for _ in range(STEPS):
        check_time()
        at = path.point
        pull = rows.transposed_times(at.prices)
        path.note(at.values, rows.margin(at.values))
        path.note_bound(at.prices, rows.bound(at.prices, pull))
        if is_done():
            return rows.answer(path.widest.values, *path.lowest)
        if not path.advance(pull, is_done):
            break
    return None


@dataclass(frozen=True, eq=False)
class Point:
    """A point of the path; the steps of its arrays form another one.

    Attributes
    ----------
    values : (unknowns,) float
    margin : float
    slacks, prices : (rows,) float
        s and y, above 0.
    below, above : (unknowns,) float
        The prices of the lower and of the upper ends, above 0.
    """

    values: Floats
    margin: float
    slacks: Floats
    prices: Floats
    below: Floats
    above: Floats

    def moved(self, step: Point, primal: float, dual: float) -> Point:
        """Return the point some way along a step."""
        return Point(
            values=self.values + primal * step.values,
            margin=self.margin + primal * step.margin,
            slacks=self.slacks + primal * step.slacks,
            prices=self.prices + dual * step.prices,
            below=self.below + dual * step.below,
            above=self.above + dual * step.above,
        )


def cold_start(rows: Rows) -> Point:
    """Return a point in the middle of the ranges, its margin far below all rows."""
    width = rows.upper - rows.lower
    values = np.clip(0.0, rows.lower + INSIDE * width, rows.upper - INSIDE * width)
    reached = rows.times(values) - rows.least
    margin = float(reached.min() - np.abs(reached).mean()) - BARELY_INSIDE
    slacks = reached - margin
    gap = 1.0 / float((1.0 / slacks).sum())
    return Point(values, margin, slacks, gap / slacks, gap / (values - rows.lower), gap / (rows.upper - values))


def warm_start(rows: Rows, unknowns: Unknowns) -> Point:
    """Return a point near the result of the relaxation method, moved inside all bounds."""
    width = rows.upper - rows.lower
    values = STRETCH * rows.scaled(unknowns.weights, unknowns.offsets)
    values = np.clip(values, rows.lower + BARELY_INSIDE * width, rows.upper - BARELY_INSIDE * width)
    prices = unknowns.prices[rows.ticks] / unknowns.prices.sum()
    reached = rows.times(values) - rows.least
    span = rows.bound(prices, rows.transposed_times(prices)) - float(reached.min())
    slacks = reached - float(reached.min()) + BACK * span
    gap = span / slacks.size
    prices = np.maximum(prices, FLOOR * gap / slacks)
    prices /= prices.sum()
    pull = rows.transposed_times(prices)
    return Point(
        values=values,
        margin=float(reached.min()) - BACK * span,
        slacks=slacks,
        prices=prices,
        below=np.maximum(-pull, 0.0) + gap / (values - rows.lower),
        above=np.maximum(pull, 0.0) + gap / (rows.upper - values),
    )


class Widest(NamedTuple):
    """The values of widest margin so far."""

    values: Floats
    margin: float


class Lowest(NamedTuple):
    """The prices of lowest bound so far."""

    prices: Floats
    bound: float


class Path:
    """The way from a start to the widest margin, one Newton step after another.

    A point of the path stays clear of all rows and ends, so some point along a step, or along the prediction, has more
    margin than the next one, and some a lower bound. Such points are noted, but the path does not go through them.

    Attributes
    ----------
    point : Point
        How far it has come.
    widest : Widest
    lowest : Lowest
        The best of the points noted.
    """

    def __init__(self, rows: Rows, start: Point) -> None:
        self.rows, self.point = rows, start
        self.widest, self.lowest = Widest(start.values, -np.inf), Lowest(start.prices, np.inf)
        self.weighty = WEIGHTY
        self.is_by_taps = True

    def note(self, values: Floats, margin: float) -> None:
        """Note values that might be the widest."""
        if margin > self.widest.margin:
            self.widest = Widest(values, margin)

    def note_bound(self, prices: Floats, bound: float) -> None:
        """Note prices that might have the lowest bound."""
        if bound < self.lowest.bound:
            self.lowest = Lowest(prices, bound)

    def advance(self, pull: Floats, is_done: Callable[[], bool]) -> bool:
        """Take one step: predict, centre, correct; ``pull`` is ``Rᵀ y``. Return whether it led anywhere.

        It ends where it is, once it is done with what was noted on the way.
        """
        system = self._system(pull)
        pairs = system.pairs
        count = sum(first.size for first, _ in pairs)
        gap = system.gap / count
        ahead = system.step([-first * second for first, second in pairs])
        self._note_along(ahead, system, pull)
        if is_done():
            return True
        left = system.gap_after(ahead, *system.room(ahead)) / count
        centre = gap * min(1.0, left / gap) ** 3
        step = system.step(
            [
                centre - first * second - change * other
                for (first, second), (change, other) in zip(pairs, _changes(ahead), strict=True)
            ]
        )
        self._note_along(step, system, pull)
        primal, dual = (SHORT_OF_THE_EDGE * length for length in system.room(step))
        if system.is_slow and self.is_by_taps:
            self.is_by_taps = False
        elif system.is_slow:
            self.weighty *= LESS_WEIGHTY
        self.point = self.point.moved(step, min(1.0, primal), min(1.0, dual))
        return bool(np.isfinite(self.point.values).all()) and self.weighty > LEAST_WEIGHTY

    def _note_along(self, step: Point, system: NewtonSystem, pull: Floats) -> None:
        """Note the values of widest margin, and the prices of lowest bound, along a step."""
        at, rows = self.point, self.rows
        reached, changes = at.slacks + at.margin, step.slacks + step.margin
        length = _lowest(
            lambda length: -float((reached + length * changes).min()), SHORT_OF_THE_EDGE * system.room_of_values(step)
        )
        self.note(at.values + length * step.values, float((reached + length * changes).min()))
        pull_change = rows.transposed_times(step.prices)

        def bound(length: float) -> float:
            return rows.bound(at.prices + length * step.prices, pull + length * pull_change)

        length = _lowest(bound, SHORT_OF_THE_EDGE * _room(at.prices, step.prices))
        self.note_bound(at.prices + length * step.prices, bound(length))

    def _system(self, pull: Floats) -> NewtonSystem:
        at, rows = self.point, self.rows
        to_lower, to_upper = rows.room(at.values)
        weights, ends = at.prices / at.slacks, at.below / to_lower + at.above / to_upper
        if self.is_by_taps:
            effort = Effort(TAPS_TOLERANCE, _rounds_worth_a_factor(rows))
            return NewtonSystem(rows, at, pull, by_taps(weights, ends, rows), effort)
        chosen = _heaviest(weights, self.weighty, least=int(ROWS_FOR_EACH * rows.lower.size))
        precision: Precision = np.float32 if self.weighty >= SINGLE else np.float64
        factor = factorised(weights, ends, matrix=rows.some(chosen, precision), chosen=chosen)
        return NewtonSystem(rows, at, pull, factor, Effort(SYSTEM_TOLERANCE, SYSTEM_ROUNDS))


def _heaviest(weights: Floats, share: float, *, least: int) -> Int64s:
    """Return the rows that weigh more than a share of the heaviest, or the ``least`` heaviest, whichever are more."""
    limit = share * float(weights.max())
    if least < weights.size:
        limit = min(limit, float(np.partition(weights, -least - 1)[-least - 1]))
    return np.flatnonzero(weights > limit)


def _rounds_worth_a_factor(rows: Rows) -> int:
    """Return how many rounds without a factor take as long as one over as many rows as unknowns, if there are."""
    unknowns = rows.lower.size
    events = rows.sweeper.n_events + rows.ticks.size
    chosen = min(unknowns, rows.ticks.size)
    multiplications = int(unknowns * chosen * chosen)
    return max(SYSTEM_ROUNDS, multiplications // (FACTOR_SPEED * 4 * events))


@dataclass(frozen=True)
class Effort:
    """How far the conjugate gradients go, as a share of the gap, and their most rounds."""

    tolerance: float
    rounds: int


def _changes(step: Point) -> list[tuple[Floats, Floats]]:
    return [(step.slacks, step.prices), (step.values, step.below), (-step.values, step.above)]


class NewtonSystem:
    """The Newton system of one point.

    Attributes
    ----------
    pairs : list of (float, float)
        What must vanish in product: slacks with prices, distances from the ends with theirs.
    gap : float
        The sum of their products. What is left of the dual residual spoils the bound, so it must stay well below.
    is_slow : bool
        Whether the factor was too coarse for a solution in good time.
    """

    def __init__(self, rows: Rows, point: Point, pull: Floats, factor: Factor, effort: Effort) -> None:
        self.rows, self.point, self.factor, self.effort = rows, point, factor, effort
        self.to_lower, self.to_upper = rows.room(point.values)
        self.pairs = [(point.slacks, point.prices), (self.to_lower, point.below), (self.to_upper, point.above)]
        self.gap = math.fsum(dot(first, second) for first, second in self.pairs)
        self.dual_residual = pull + point.below - point.above
        self.margin_residual = 1.0 - float(point.prices.sum())
        self.is_slow = False

    def step(self, aims: list[Floats]) -> Point:
        """Return the step after which, to first order, the pairs' products change by these aims."""
        at, rows, (aim, aim_below, aim_above) = self.point, self.rows, aims
        pushed = aim / at.slacks
        right = self.dual_residual + rows.transposed_times(pushed)
        right += aim_below / self.to_lower - aim_above / self.to_upper
        solution = self._solve(np.append(right, self.margin_residual - pushed.sum()))
        values, margin = solution[:-1], float(solution[-1])
        slacks = rows.times(values) - margin
        return Point(
            values=values,
            margin=margin,
            slacks=slacks,
            prices=pushed - self.factor.weights * slacks,
            below=(aim_below - at.below * values) / self.to_lower,
            above=(aim_above + at.above * values) / self.to_upper,
        )

    def room(self, step: Point) -> tuple[float, float]:
        """Return how far the primal and the dual part of a step may go before something is negative."""
        at = self.point
        dual = [(at.prices, step.prices), (at.below, step.below), (at.above, step.above)]
        return min(_room(at.slacks, step.slacks), self.room_of_values(step)), min(_room(*pair) for pair in dual)

    def room_of_values(self, step: Point) -> float:
        """Return how far a step may go before a value leaves its range."""
        return min(_room(self.to_lower, step.values), _room(self.to_upper, -step.values))

    def gap_after(self, step: Point, primal: float, dual: float) -> float:
        """Return the sum of all products some way along a step."""
        return math.fsum(
            dot(first + primal * change, second + dual * other)
            for (first, second), (change, other) in zip(self.pairs, _changes(step), strict=True)
        )

    def _solve(self, right: Floats) -> Floats:
        """Solve by preconditioned conjugate gradients."""
        solution = np.zeros_like(right)
        residual = right
        target = self.effort.tolerance * min(norm(right), self.gap / math.sqrt(right.size))
        improved = self.factor.solve(residual)
        direction, slope = improved, dot(residual, improved)
        for _ in range(self.effort.rounds):
            if not slope > 0.0:
                break
            image = self._times(direction)
            length = slope / dot(direction, image)
            solution = solution + length * direction
            residual = residual - length * image
            if norm(residual) <= target:
                return solution
            improved = self.factor.solve(residual)
            slope, before = dot(residual, improved), slope
            direction = improved + (slope / before) * direction
        self.is_slow = True
        return solution

    def _times(self, vector: Floats) -> Floats:
        values, margin = vector[:-1], vector[-1]
        pushed = self.factor.weights * (self.rows.times(values) - margin)
        return np.append(self.rows.transposed_times(pushed) + self.factor.ends * values, -pushed.sum())


def _lowest(function: Callable[[float], float], most: float) -> float:
    """Return where a function that first falls, then rises, is lowest from 0 to ``most``: thirds are cut off."""
    low, high = 0.0, most
    for _ in range(CUTS):
        third = (high - low) / 3.0
        if function(low + third) > function(high - third):
            low += third
        else:
            high -= third
    return low


def _room(values: Floats, changes: Floats) -> float:
    shrinking = changes < 0.0
    return float((-values[shrinking] / changes[shrinking]).min(initial=1.0 / SHORT_OF_THE_EDGE))
