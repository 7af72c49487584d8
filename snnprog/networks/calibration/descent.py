"""Integer searches: coordinate descent on a quadratic error, and a focused walk to integers without wrong spikes.

*Descent.* Each coordinate moves to the integer that is best while all others rest, then pairs of coordinates move
together; the gradient is kept up to date, so a coordinate costs one row of the Hessian. Every accepted move lowers the
error, so it ends.

*Walk.* Like WalkSAT for clauses (Selman, Kautz, Cohen 1994), it draws a bin with a wrong spike, and moves the
coordinate that corrects it at the lowest price: the quadratic error, plus the prices of bins that then miss their
margin. Where no move lowers the price, the drawn bin's own price rises (as in Morris's breakout method, 1993), so that
the walk escapes. Finally, coordinates return to lower quadratic errors as long as no spike becomes wrong.

Both use sums in a fixed order, and the walk's draws are arguments, so integers are the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.fixed_order import Matrix, times
from snnprog.jit import compiled

SWEEPS = 100
"""Maximum number of sweeps of a descent; on digits, none took more than 30."""

GAIN = 1e-9
"""Minimum decrease of the error by a move, as a share of the largest curvature: less may be rounding of sums."""

STEPS = 12000
"""Maximum number of steps of a walk: some tenths of a second for 64 weights."""

MOST_WATCHED = 200
"""Number of further bins, with the smallest margins, that a walk monitors: a choice."""

PATIENCE = 1000
"""Steps in which a walk with many misses must find fewer, or it ends: × 3 changed nothing on three nets, at three
times the time with few bits."""

FEW_MISSES = 10
"""Maximum number of misses with which a walk uses all its steps: a choice."""

FIRST_PRICE = 0.2
"""Initial price of a miss by a step, in units of the mean curvature: a choice, since prices rise."""

MISS = 0.1
"""Fixed cost of a miss in addition to its size, in steps, so that small ones justify a move: a choice."""

TENURE = 7
"""Steps for which a coordinate is fixed after a move; usual for this number of unknowns."""


@dataclass(frozen=True, eq=False)
class IntegerQuadratic:
    """A quadratic error of integers within ranges.

    Attributes
    ----------
    hessian : (unknowns, unknowns) float
    slope : (unknowns,) float
        The error is ``x · hessian x - 2 slope · x``.
    lower, upper, step : (unknowns,) float
    """

    hessian: Matrix
    slope: Floats
    lower: Floats
    upper: Floats
    step: Floats

    def error(self, values: Floats) -> float:
        """Return the error."""
        product = times(self.hessian, values) - 2.0 * self.slope
        return float((values * product).sum())


@dataclass(frozen=True, eq=False)
class Margins:
    """Bins whose spikes must be correct.

    Attributes
    ----------
    rows : (bins, unknowns) float
        Signed: a bin is correct if ``rows · x`` is positive.
    least : (bins,) float
        The margin that it should exceed.
    """

    rows: Matrix
    least: Floats

    def misses(self, values: Floats) -> int:
        """Return the number of bins that miss their margin."""
        return int((times(self.rows, values) <= self.least).sum())


def descended(problem: IntegerQuadratic, start: Floats) -> Floats:
    """Return integers that no move of one or two coordinates improves."""
    values = start.copy()
    gradient = times(problem.hessian, values) - problem.slope
    least = GAIN * float(np.diag(problem.hessian).max(initial=0.0))
    _descend(problem.hessian, values, gradient, problem.lower, problem.upper, problem.step, least)
    return values


def walked(problem: IntegerQuadratic, margins: Margins, start: Floats, *, draws: Int64s) -> Floats:
    """Return integers near the minimum error with as few bins below their margins as a walk finds.

    Parameters
    ----------
    draws : (steps,) int
        Non-negative random integers.
    """
    values = start.copy()
    gradient = times(problem.hessian, values) - problem.slope
    price = FIRST_PRICE * float(np.diag(problem.hessian).mean())
    columns = np.ascontiguousarray(margins.rows.T)
    spare = times(margins.rows, values) - margins.least
    watched = np.sort(np.argsort(spare, kind="stable")[: MOST_WATCHED + int((spare <= 0.0).sum())])
    room = np.ascontiguousarray(columns[:, watched]), spare[watched]
    ranges = problem.lower, problem.upper, problem.step
    best = _walk(problem.hessian, values, gradient, ranges, room, draws, price)
    _settle(problem.hessian, best, times(problem.hessian, best) - problem.slope, ranges, columns, margins.least)
    return best


@compiled(nogil=True)
def _move(hessian: Matrix, values: Floats, gradient: Floats, index: int, by: float) -> None:
    values[index] += by
    for j in range(values.size):
        gradient[j] += hessian[index, j] * by


@compiled(nogil=True)
def _best_step(gradient: float, curvature: float, step: float, value: float, lower: float, upper: float) -> float:
    """Return the best whole number of steps of one coordinate, times the step, within the range."""
    count: float = np.rint(-gradient / (curvature * step))
    count = min(max(count, np.ceil((lower - value) / step)), np.floor((upper - value) / step))
    return count * step


@compiled(nogil=True)
def _descend(
    hessian: Matrix, values: Floats, gradient: Floats, lower: Floats, upper: Floats, step: Floats, least: float
) -> None:
    size = values.size
    for _ in range(SWEEPS):
        moved = 0
        for i in range(size):
            if hessian[i, i] <= least:
                continue
            by = _best_step(gradient[i], hessian[i, i], step[i], values[i], lower[i], upper[i])
            if by != 0.0 and 2.0 * gradient[i] * by + hessian[i, i] * by * by < -least:
                _move(hessian, values, gradient, i, by)
                moved += 1
        if moved == 0 and _move_pairs(hessian, values, gradient, lower, upper, step, least) == 0:
            return


@compiled(nogil=True)
def _move_pairs(
    hessian: Matrix, values: Floats, gradient: Floats, lower: Floats, upper: Floats, step: Floats, least: float
) -> int:
    """Move pairs of coordinates by one step each if that lowers the error; return the number of moves."""
    size, moved = values.size, 0
    for i in range(size):
        if hessian[i, i] <= least:
            continue
        for sign in (-1.0, 1.0):
            first = sign * step[i]
            if not lower[i] <= values[i] + first <= upper[i]:
                continue
            own = 2.0 * gradient[i] * first + hessian[i, i] * first * first
            best, other, second = -least, -1, 0.0
            for j in range(size):
                if j == i or hessian[j, j] <= least:
                    continue
                slope = gradient[j] + hessian[i, j] * first
                by = _best_step(slope, hessian[j, j], step[j], values[j], lower[j], upper[j])
                change = own + 2.0 * slope * by + hessian[j, j] * by * by
                if change < best:
                    best, other, second = change, j, by
            if other >= 0:
                _move(hessian, values, gradient, i, first)
                if second != 0.0:
                    _move(hessian, values, gradient, other, second)
                moved += 1
    return moved


@compiled(nogil=True)
def _walk(
    hessian: Matrix,
    values: Floats,
    gradient: Floats,
    ranges: tuple[Floats, Floats, Floats],
    room: tuple[Matrix, Floats],
    draws: Int64s,
    first_price: float,
) -> Floats:
    """Walk; return the values with the fewest misses, and among those the lowest error."""
    lower, upper, step = ranges
    columns, spare = room
    size, bins = columns.shape
    prices, rests = np.full(bins, first_price), np.zeros(size, np.int64)
    missed = np.empty(bins, np.int64)
    best, fewest, least, error = values.copy(), bins + 1, 0.0, 0.0
    found = 0
    for index in range(draws.size):
        count = 0
        for k in range(bins):
            if spare[k] <= 0.0:
                missed[count] = k
                count += 1
        if count < fewest or (count == fewest and error < least):
            found = index if count < fewest else found
            fewest, least = count, error
            for i in range(size):  # Numba takes 2 s longer to compile the assignment of an array to a slice
                best[i] = values[i]
        if count == 0 or (fewest > FEW_MISSES and index - found > PATIENCE):
            break
        drawn, paid = missed[draws[index] % count], 0.0
        for m in range(count):
            paid += prices[missed[m]] * (MISS - spare[missed[m]])
        chosen, by, lowest = -1, 0.0, 0.0
        for i in range(size):
            slope = columns[i, drawn]
            if slope == 0.0 or rests[i] > index:
                continue
            move = step[i] if slope > 0.0 else -step[i]
            if i >= size - 2:  # threshold and bias have finer steps than weights
                move *= max(1.0, np.ceil(-spare[drawn] / (abs(slope) * step[i])))
            if not lower[i] <= values[i] + move <= upper[i]:
                continue
            cost = 2.0 * gradient[i] * move + hessian[i, i] * move * move - paid
            for k in range(bins):  # misses only add to the cost, so a move that is dear already is left
                if cost >= lowest:
                    break
                then = spare[k] + columns[i, k] * move
                if then <= 0.0:
                    cost += prices[k] * (MISS - then)
            if cost < lowest:
                chosen, by, lowest = i, move, cost
        if chosen < 0:
            prices[drawn] += first_price
            continue
        error += 2.0 * gradient[chosen] * by + hessian[chosen, chosen] * by * by
        _move(hessian, values, gradient, chosen, by)
        rests[chosen] = index + TENURE
        for k in range(bins):
            spare[k] += columns[chosen, k] * by
    return best


@compiled(nogil=True)
def _settle(
    hessian: Matrix,
    values: Floats,
    gradient: Floats,
    ranges: tuple[Floats, Floats, Floats],
    columns: Matrix,
    least: Floats,
) -> None:
    """Lower the error by moves of one coordinate that make no bin miss its margin, or miss it by more."""
    lower, upper, step = ranges
    size, bins = columns.shape
    spare = -least
    for i in range(size):
        for k in range(bins):
            spare[k] += columns[i, k] * values[i]
    for _ in range(SWEEPS):
        moved = 0
        for i in range(size):
            for sign in (-1.0, 1.0):
                by = sign * step[i]
                gain = 2.0 * gradient[i] * by + hessian[i, i] * by * by
                if gain >= -GAIN * hessian[i, i] or not lower[i] <= values[i] + by <= upper[i]:
                    continue
                is_right = True
                for k in range(bins):
                    change = columns[i, k] * by
                    if change < 0.0 and spare[k] + change <= 0.0:
                        is_right = False
                        break
                if is_right:
                    _move(hessian, values, gradient, i, by)
                    moved += 1
                    for k in range(bins):
                        spare[k] += columns[i, k] * by
        if moved == 0:
            return
