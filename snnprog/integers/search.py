"""Integer coordinate search: annealed moves of one or two unknowns, in compiled code, until every row is satisfied.

What falls is the sum by which rows fall short (their hinge). A move adds to one unknown, or takes from another mantissa
what it adds to one, so that the sum of the weights stays; it is taken if it does not raise the sum, or by chance, the
less likely the later (Kirkpatrick, Gelatt and Vecchi 1983). Runs start from the rounded weights, barely heated at
first, then hotter and longer, until the work that is allowed is done.

All sums are exact in 64-bit integers, rows being scaled by a power of two: their order does not matter to the answer.
Chance is xorshift64* (Vigna 2016), the same in every thread.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from snnprog.arrays import Floats, Int64s, UInt64s
from snnprog.fixed_order import exponential, logarithm, transposed_times
from snnprog.jit import compiled
from snnprog.rounding import half_even
from snnprog.solver import check_time

# The rows' binary digits after the point: finer than `FLOAT_SLACK`, and fewer where sums would exceed 62 bits.
FRACTION_BITS = 24
# How many rows moves look at between two looks at the clock: a fifth of a second. No answer depends on it.
AT_ONCE = 200_000_000
# The largest sum of integers, and more choices than any search gets through.
LARGEST_SUM, MANY = 2.0**61, 1e200
# The heat at which a run ends, in units of what a weight of 1 does to a row: hardly any move that harms is taken.
COLDEST = 0.1
# By what factor each run is longer than the one before. × 3 and ÷ 3 of the constants above and below: no change on 1
# spec that no integers solve, where a search only takes its time.
LONGER = 2.0
# Where there are few weights to choose from, no more moves than this for each choice, nor fewer than some first runs.
MOVES_PER_CHOICE, LEAST_RUNS = 100.0, 10.0


@dataclass(frozen=True)
class Schedule:
    """How runs follow one another.

    Attributes
    ----------
    heats : tuple of float
        What each run begins with, over and over: in units of what the largest weight does to a row.
    first_steps : int
        Moves tried in the first run; each next one is twice as long.
    work : float
        How many rows may be examined in all.
    """

    heats: tuple[float, ...]
    first_steps: int
    work: float


# A run that starts barely heated keeps what rounding has found, hotter ones leave it. A row is examined in about a
# nanosecond, so the work is about .2 s and 6 s.
SHORT = Schedule((0.003, 0.8, 0.03, 0.3), 200_000, 2e8)
LONG = Schedule((0.8, 0.5, 0.8, 1.2), 2_000_000, 6e9)


@dataclass(frozen=True, eq=False)
class IntegerRows:
    """IntegerRows ``values @ columns >= least`` over integers, and how they are moved.

    Attributes
    ----------
    columns : (unknowns, rows) float
    least : (rows,) float
    lower, upper : (unknowns,) int
    step : int
        Distance between neighbouring weights.
    n_weights : int
        The unknowns that are weights; they come first.
    """

    columns: Floats
    least: Floats
    lower: Int64s
    upper: Int64s
    step: int
    n_weights: int

    @property
    def reach(self) -> Int64s:
        """(unknowns,) The longest move: a weight's range, and for the others its effect on a row."""
        weight = max(int((self.upper - self.lower)[: self.n_weights].max(initial=1)) // 2, 1)
        reach = np.full(len(self.columns), weight, dtype=np.int64)
        others = np.abs(self.columns[self.n_weights :]).mean(axis=1)
        reach[self.n_weights :] = np.ceil(2.0 * weight * self.size / np.maximum(others, 1e-6))
        return np.clip(reach, 1, np.maximum(self.upper - self.lower, 1))

    def shortfall(self, values: Int64s) -> float:
        """Return the sum by which rows fall short."""
        return float(np.maximum(self.least - transposed_times(self.columns, values), 0.0).sum())

    @property
    def size(self) -> float:
        """The typical effect of a weight of 1 on a row; 1 if none acts."""
        weights = np.abs(self.columns[: self.n_weights])
        return float(weights.sum() / max(np.count_nonzero(weights > 1e-2), 1)) or 1.0


def search(rows: IntegerRows, start: Int64s, schedule: Schedule, *, seed: int) -> Int64s | None:
    """Return values that meet all rows, or None if none were found.

    Parameters
    ----------
    start : (unknowns,) int
        Where runs begin.
    schedule : Schedule
        How long to look.
    seed : int
        Of the moves.

    Raises
    ------
    UndecidedError
        If the time that `until` allows runs out.
    """
    scaled = _in_integers(rows)
    if scaled is None:
        return None
    board, unit = scaled
    steps, run, left = schedule.first_steps, 0, most_moves(rows, schedule)
    weight = float(rows.reach[: rows.n_weights].max(initial=1))
    generator = np.random.default_rng(seed)
    while True:
        check_time()
        steps = int(min(steps, left))
        if steps < 1:
            return None
        hottest = max(schedule.heats[run % len(schedule.heats)] * weight, COLDEST)
        heats = (unit * rows.size * hottest, unit * rows.size * COLDEST)
        values = start.copy()
        if _run(board, values, steps, heats, seed=int(generator.integers(1, 1 << 62))):
            return values
        left, steps, run = left - steps, int(steps * LONGER), run + 1


def _run(board: Board, values: Int64s, steps: int, heats: tuple[float, float], *, seed: int) -> bool:
    """Cool from the first heat to the second, moving ``values`` in place, with looks at the clock in between."""
    state = np.array([seed], dtype=np.uint64)
    heat = np.array([heats[0], exponential(logarithm(heats[1] / heats[0]) / steps)])
    most = int(max(1, AT_ONCE // max(board.least.size, 1)))
    for done in range(0, steps, most):
        check_time()
        if _anneal(board, values, min(most, steps - done), heat, state):
            return True
    return False


def most_moves(rows: IntegerRows, schedule: Schedule) -> float:
    """Return the maximum number of moves: few for few weights."""
    values = (rows.upper - rows.lower)[: rows.n_weights] // rows.step + 1
    with np.errstate(over="ignore"):
        choices = min(float(np.prod(values.astype(np.float64))), MANY)
    few = max(MOVES_PER_CHOICE * choices, LEAST_RUNS * schedule.first_steps)
    return min(schedule.work / max(rows.least.size, 40), few)


class Board(NamedTuple):
    """IntegerRows in integers, as `IntegerRows` has them, and how their unknowns are moved.

    Attributes
    ----------
    columns : (unknowns, rows) int
    least : (rows,) int
    limits : pair of (unknowns,) int
        The least and the largest of each unknown.
    reach : (unknowns,) int
    kinds : (int, int)
        How many of the unknowns are weights, and how far apart neighbouring weights lie.
    """

    columns: Int64s
    least: Int64s
    limits: tuple[Int64s, Int64s]
    reach: Int64s
    kinds: tuple[int, int]


def _in_integers(rows: IntegerRows) -> tuple[Board, float] | None:
    """Scale rows by a power of two, so that their sums stay exact; None if they are too large for any."""
    top = np.maximum(np.abs(rows.lower), np.abs(rows.upper)).astype(np.float64)
    largest = float((transposed_times(np.abs(rows.columns), top) + np.abs(rows.least)).sum())
    bits = min(FRACTION_BITS, math.frexp(LARGEST_SUM / max(largest, 1.0))[1] - 1)
    if bits < 1:
        return None
    unit = float(1 << bits)
    columns, least = half_even(rows.columns * unit), np.ceil(rows.least * unit).astype(np.int64)
    return Board(columns, least, (rows.lower, rows.upper), rows.reach, (rows.n_weights, rows.step)), unit


@compiled()
def _draw(state: UInt64s) -> float:
    """Advance the generator; return a number from [0, 1)."""
    bits = state[0]
    bits ^= bits >> np.uint64(12)
    bits ^= bits << np.uint64(25)
    bits ^= bits >> np.uint64(27)
    state[0] = bits
    return float((bits * np.uint64(2685821657736338717)) >> np.uint64(11)) / 9007199254740992.0


@compiled()
def _short_by(board: Board, values: Int64s) -> tuple[Int64s, int]:
    """Return the shortfall of each row, negative if it is met, and the sum of the positive ones."""
    short = board.least.copy()
    for j in range(values.size):
        for k in range(short.size):
            short[k] -= values[j] * board.columns[j, k]
    total = 0
    for k in range(short.size):
        total += max(short[k], 0)
    return short, total


@compiled(forceinline=True)
def _moved(short: Int64s, change: Int64s, move: int, column: Int64s) -> int:
    """Write to ``change`` the shortfalls of rows after a move; return the sum of the positive ones."""
    after = 0
    for k in range(short.size):
        change[k] = short[k] - move * column[k]
        after += max(change[k], 0)
    return after


@compiled(forceinline=True)
def _moved_both(short: Int64s, change: Int64s, move: int, column: Int64s, other: Int64s) -> int:
    """Do the same for a move from one weight to another."""
    after = 0
    for k in range(short.size):
        change[k] = short[k] - move * (column[k] - other[k])
        after += max(change[k], 0)
    return after


@compiled()
def _anneal(board: Board, values: Int64s, steps: int, heat: Floats, state: UInt64s) -> bool:
    """Make some moves of ``values``, in place, and of the heat and the generator; return whether all rows are met.

    ``heat`` is the present one, and what each move leaves of it.

    The invariant: ``short = least - values @ columns``, and ``total`` is the sum of what is positive of it. A move is
    taken if the total it leads to is below ``total + E`` with E exponential of mean ``heat[0]``, which is Metropolis's
    rule with the chance drawn first. Lengths are drawn evenly on a logarithmic scale, so that fine and coarse moves are
    equally likely; a weight that may only be one of two values goes to the other one.
    """
    columns, _, (lower, upper), reach, (n_weights, step) = board
    short, total = _short_by(board, values)
    change = np.empty_like(short)
    spans = np.empty(reach.size)
    for j in range(reach.size):
        spans[j] = logarithm(reach[j] + 1.0)
    for _ in range(steps):
        if total <= 0:
            return True
        heat[0] *= heat[1]
        j = int(_draw(state) * values.size)
        if j < n_weights and step > 1:
            move = step if values[j] < 0 else -step
        else:
            move = int(exponential(_draw(state) * spans[j]))
            if _draw(state) < 0.5:
                move = -move
        if values[j] + move < lower[j] or values[j] + move > upper[j]:
            continue
        other = -1
        if j < n_weights and _draw(state) < 0.5:
            other = int(_draw(state) * n_weights)
            if other == j or values[other] - move < lower[other] or values[other] - move > upper[other]:
                continue
        allowed = total - heat[0] * logarithm(1.0 - _draw(state))
        if other < 0:
            after = _moved(short, change, move, columns[j])
        else:
            after = _moved_both(short, change, move, columns[j], columns[other])
        if after < allowed:
            values[j] += move
            if other >= 0:
                values[other] -= move
            total = after
            short, change = change, short
    return total <= 0
