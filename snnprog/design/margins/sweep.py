"""Compiled passes over the events of a network: one neuron's rows, met one after another.

To move the weights just so far that one row is met costs a vector of all taps. Here the rows follow one another by the
neuron's own dynamics, so a pass over all ticks costs no more than simulating the neuron: the potential w · φ[k] is
carried from tick to tick as the chip carries it, and a tap's weight is brought up to date only when a spike passes it.

Between two events of a tap, φ[i] of that tap is ``fast γ^(i-b) + slow α^(i-b)`` with b a common base, so all the
changes since its last event add ``fast Σ δ γ^(i-b) + slow Σ δ α^(i-b)`` to its weight: two running sums, shared by all
taps. The base moves on, and all live taps are settled, before the powers lose precision, and at every reset.

Taps are counted by unsigned integers, so that no index can be one from the end, which would cost a test per event.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnprog.arrays import Floats, Int64s, Raster, UInt64s
from snnprog.potential import PotentialMap

GOES_ON, RESETS, ENDS = 0, 1, 2
FORGOTTEN = 1e-12
LEAST_POWER = 1e-5
APART = 1e-6


@dataclass(frozen=True, eq=False)
class Unknowns:
    """What the passes move, in place.

    Attributes
    ----------
    weights : (taps,) float
    offsets : (2,) float
        Threshold and bias.
    prices : (ticks,) float
        How often, and how hard, each row has pushed: ``weights = Σ prices · factor · φ``.
    """

    weights: Floats
    offsets: Floats
    prices: Floats


class Sweeper:
    """The events of a `PotentialMap` as one neuron sees them, and the passes over them.

    Parameters
    ----------
    mapping : PotentialMap
        The shared map.
    raster : (ticks,) bool
        When the neuron fires, and so resets; while it is refractory, there is no row.
    """

    def __init__(self, mapping: PotentialMap, raster: Raster) -> None:
        self.first, tap = mapping.arrival_events
        self.tap = tap.view(np.uint64)
        self.n_taps = mapping.n_taps
        self.after = np.where(raster | mapping.is_held(raster), RESETS, GOES_ON)
        self.after[mapping.tape.ends] = ENDS
        gamma, alpha = mapping.gamma, mapping.alpha
        if abs(gamma - alpha) < APART:
            alpha = gamma * (1.0 - APART)
        self.longest = max(mapping.tape.lengths)
        block = _block_length(gamma, alpha, mapping.tape.ticks)
        kappa = alpha / (gamma - alpha) if alpha else 0.0
        self.leaks = np.array([gamma, alpha, kappa])
        self.powers = self.powers_to(block + 1)

    @cached_property
    def squares(self) -> Floats:
        """(2, ticks) φ·φ, and φ·u with u the taps' traces of the current."""
        powers = self.powers_to(self.longest)
        squares: Floats = _squares(self.first, self.tap, self.after, self.leaks, powers, self.n_taps)
        return squares

    def powers_to(self, ticks: int) -> Floats:
        """Return γ^i and α^i for i = 0 to ``ticks``, (2, ticks + 1)."""
        powers: Floats = self.leaks[:2, None] ** np.arange(ticks + 1)
        return powers

    def start(self) -> Unknowns:
        """Return weights, offsets and prices that are all 0."""
        return Unknowns(np.zeros(self.n_taps), np.zeros(2), np.zeros(self.after.size))

    def potential(self, weights: Floats) -> Floats:
        """Return ``weights · φ`` at every tick, (ticks,)."""
        potential: Floats = _potential(self.first, self.tap, self.after, self.leaks, weights)
        return potential

    def adjoint(self, prices: Floats) -> Floats:
        """Return ``Σ_k prices[k] φ[k]``, (taps,)."""
        gathered: Floats = _adjoint(self.first, self.tap, self.after, self.leaks, self.n_taps, prices)
        return gathered

    def rows(self, factor: Floats, chosen: Int64s, matrix: NDArray[np.floating]) -> None:
        """Write ``factor[k] φ[k]`` of the chosen ticks, in order, into the first columns of a matrix."""
        powers = self.powers_to(self.longest)
        _rows(self.first, self.tap, self.after, powers, float(self.leaks[2]), factor, chosen, matrix)

    def meet(self, rows: Floats, stiffness: Floats, unknowns: Unknowns) -> float:
        """Go over all ticks once, and at each move the unknowns just so far that its row is met.

        Parameters
        ----------
        rows : (2, ticks) float
            ``factor`` and β: ``factor (w·φ + b β - θ) >= 1`` is asked for where the factor is not 0.
        stiffness : (2,) float
            How readily threshold and bias move beside a weight.

        Returns
        -------
        float
            By how much the worst row fell short when its turn came.
        """
        if self.leaks[1] == 0.0:
            alone: float = _meet_without_current(
                self.first,
                self.tap,
                self.after,
                float(self.leaks[0]),
                self.powers[0],
                self.squares[0],
                rows,
                stiffness,
                unknowns.weights,
                unknowns.offsets,
                unknowns.prices,
            )
            return alone
        shortfall: float = _meet(
            self.first,
            self.tap,
            self.after,
            self.leaks,
            self.powers,
            self.squares,
            rows,
            stiffness,
            unknowns.weights,
            unknowns.offsets,
            unknowns.prices,
        )
        return shortfall


def _block_length(gamma: float, alpha: float, ticks: int) -> int:
    """Return how many ticks the base may stay, before its powers are too small to divide by."""
    lengths = [math.log(LEAST_POWER) / math.log(leak) for leak in (gamma, alpha) if 0.0 < leak < 1.0]
    return max(1, min(int(min(lengths, default=ticks)), ticks))


@njit(cache=True, nogil=True)
def _squares(first: Int64s, tap: UInt64s, after: Int64s, leaks: Floats, powers: Floats, n_taps: int) -> Floats:
    """Return φ·φ and φ·u at every tick, (2, ticks), with u the taps' traces of the current."""
    gamma, alpha, kappa = leaks
    squares = np.zeros((2, after.size))
    potential_of, current_of = np.zeros(n_taps), np.zeros(n_taps)
    stamp = np.full(n_taps, -1, np.int64)
    potential_square = current_square = cross = 0.0
    segment = pattern = 0
    for k in range(after.size):
        potential_square = gamma * gamma * potential_square + 2 * gamma * alpha * cross + alpha * alpha * current_square
        cross = alpha * (gamma * cross + alpha * current_square)
        current_square = alpha * alpha * current_square
        for event in range(first[k], first[k + 1]):
            j = tap[event]
            potential, current = _state(k, segment, pattern, stamp[j], potential_of[j], current_of[j], powers, kappa)
            potential_square += 2 * potential + 1.0
            cross += potential + current + 1.0
            current_square += 2 * current + 1.0
            potential_of[j], current_of[j], stamp[j] = potential + 1.0, current + 1.0, k
        squares[0, k], squares[1, k] = potential_square, cross
        if after[k] != GOES_ON:
            segment = k + 1
            potential_square = cross = 0.0
        if after[k] == ENDS:
            pattern = k + 1
            current_square = 0.0
    return squares


@njit(cache=True, nogil=True)
def _rows(
    first: Int64s,
    tap: UInt64s,
    after: Int64s,
    powers: Floats,
    kappa: float,
    factor: Floats,
    chosen: Int64s,
    matrix: NDArray[np.floating],
) -> None:
    """See `Sweeper.rows`."""
    n_taps = matrix.shape[1]
    potential_of, current_of = np.zeros(n_taps), np.zeros(n_taps)
    stamp = np.full(n_taps, -1, np.int64)
    segment = pattern = row = 0
    for k in range(after.size):
        if row == chosen.size:
            break
        for event in range(first[k], first[k + 1]):
            j = tap[event]
            potential, current = _state(k, segment, pattern, stamp[j], potential_of[j], current_of[j], powers, kappa)
            potential_of[j], current_of[j], stamp[j] = potential + 1.0, current + 1.0, k
        if chosen[row] == k:
            for j in range(n_taps):
                potential, _ = _state(k, segment, pattern, stamp[j], potential_of[j], current_of[j], powers, kappa)
                matrix[row, j] = factor[k] * potential
            row += 1
        if after[k] != GOES_ON:
            segment = k + 1
        if after[k] == ENDS:
            pattern = k + 1


@njit(cache=True, nogil=True, inline="always")
def _state(
    k: int, segment: int, pattern: int, stamp: int, potential: float, current: float, powers: Floats, kappa: float
) -> tuple[float, float]:
    """Return the traces of potential and current that a tap, last touched at ``stamp``, has at tick k."""
    if stamp < pattern:
        return 0.0, 0.0
    if kappa == 0.0:
        return (potential * powers[0, k - stamp] if stamp >= segment else 0.0), 0.0
    elapsed = k - stamp
    left = current * powers[1, elapsed]
    if stamp >= segment:
        return potential * powers[0, elapsed] + kappa * current * (powers[0, elapsed] - powers[1, elapsed]), left
    at_reset, elapsed = current * powers[1, segment - 1 - stamp], k - segment + 1
    return kappa * at_reset * (powers[0, elapsed] - powers[1, elapsed]), left


@njit(cache=True, nogil=True)
def _potential(first: Int64s, tap: UInt64s, after: Int64s, leaks: Floats, weights: Floats) -> Floats:
    """See `Sweeper.potential`."""
    gamma, alpha, _ = leaks
    course = np.empty(after.size)
    potential = current = 0.0
    for k in range(after.size):
        arriving = 0.0
        for event in range(first[k], first[k + 1]):
            arriving += weights[tap[event]]
        current = alpha * current + arriving
        potential = gamma * potential + current
        course[k] = potential
        if after[k] != GOES_ON:
            potential = 0.0
        if after[k] == ENDS:
            current = 0.0
    return course


@njit(cache=True, nogil=True)
def _adjoint(first: Int64s, tap: UInt64s, after: Int64s, leaks: Floats, n_taps: int, prices: Floats) -> Floats:
    """See `Sweeper.adjoint`: the network run backwards in time."""
    gamma, alpha, _ = leaks
    gathered = np.zeros(n_taps)
    potential = current = 0.0
    for k in range(after.size - 1, -1, -1):
        if after[k] != GOES_ON:
            potential = 0.0
        if after[k] == ENDS:
            current = 0.0
        potential = prices[k] + gamma * potential
        current = potential + alpha * current
        for event in range(first[k], first[k + 1]):
            gathered[tap[event]] += current
    return gathered


@njit(cache=True, nogil=True)
def _meet(
    first: Int64s,
    tap: UInt64s,
    after: Int64s,
    leaks: Floats,
    powers: Floats,
    squares: Floats,
    rows: Floats,
    stiffness: Floats,
    weights: Floats,
    offsets: Floats,
    prices: Floats,
) -> float:
    """See `Sweeper.meet`."""
    gamma, alpha, kappa = leaks
    n_taps, block = weights.size, powers.shape[1] - 2
    fast, slow, mark = np.zeros(n_taps), np.zeros(n_taps), np.zeros((2, n_taps))
    live, is_live, n_live = np.empty(n_taps, np.int64), np.zeros(n_taps, np.bool_), 0
    sum_fast = sum_slow = potential = current = worst = 0.0
    base = 0
    for k in range(after.size):
        current *= alpha
        power_fast, power_slow = powers[0, k - base], powers[1, k - base]
        for event in range(first[k], first[k + 1]):
            j = tap[event]
            if is_live[j]:
                weights[j] += fast[j] * (sum_fast - mark[0, j]) + slow[j] * (sum_slow - mark[1, j])
            else:
                is_live[j], fast[j], slow[j] = True, 0.0, 0.0
                live[n_live] = j
                n_live += 1
            fast[j] += (1.0 + kappa) / power_fast
            if alpha > 0.0:
                slow[j] -= kappa / power_slow
            mark[0, j], mark[1, j] = sum_fast, sum_slow
            current += weights[j]
        potential = gamma * potential + current
        factor, beta = rows[0, k], rows[1, k]
        if factor != 0.0:
            shortfall = 1.0 - factor * (potential + offsets[1] * beta - offsets[0])
            if shortfall > 0.0:
                worst = max(worst, shortfall)
                change = shortfall / (factor * (squares[0, k] + stiffness[0] + stiffness[1] * beta * beta))
                prices[k] += change / factor
                potential += change * squares[0, k]
                current += change * squares[1, k]
                offsets[0] -= change * stiffness[0]
                offsets[1] += change * stiffness[1] * beta
                sum_fast += change * power_fast
                sum_slow += change * power_slow
        if after[k] != GOES_ON or k - base >= block:
            step_fast, step_slow = powers[0, k + 1 - base], powers[1, k + 1 - base]
            kept = 0
            for entry in range(n_live):
                j = live[entry]
                weights[j] += fast[j] * (sum_fast - mark[0, j]) + slow[j] * (sum_slow - mark[1, j])
                mark[0, j] = mark[1, j] = 0.0
                slow[j] *= step_slow
                fast[j] *= step_fast
                if after[k] == RESETS:
                    fast[j] = -slow[j] / alpha * gamma if alpha > 0.0 else 0.0
                is_live[j] = after[k] != ENDS and max(abs(fast[j]), abs(slow[j])) > FORGOTTEN
                if is_live[j]:
                    live[kept] = j
                    kept += 1
            n_live = kept
            base, sum_fast, sum_slow = k + 1, 0.0, 0.0
            if after[k] != GOES_ON:
                potential = 0.0
            if after[k] == ENDS:
                current = 0.0
    for entry in range(n_live):
        j = live[entry]
        weights[j] += fast[j] * (sum_fast - mark[0, j]) + slow[j] * (sum_slow - mark[1, j])
    return worst


@njit(cache=True, nogil=True)
def _meet_without_current(
    first: Int64s,
    tap: UInt64s,
    after: Int64s,
    gamma: float,
    powers: Floats,
    squares: Floats,
    rows: Floats,
    stiffness: Floats,
    weights: Floats,
    offsets: Floats,
    prices: Floats,
) -> float:
    """See `Sweeper.meet`: for currents that are gone after a tick, where a reset ends all that a tap has to gain.

    So a tap whose last event lies before a reset is settled when its next one comes, from the running sum as it stood
    at that reset: a reset costs nothing. What an event does depends on no branch: it would be taken half of the time.
    """
    n_taps, block = weights.size, powers.size - 2
    gains, eras, inverses = np.zeros((n_taps, 2)), np.zeros(n_taps, np.uint64), 1.0 / powers
    sums = np.zeros(np.count_nonzero(after) + 2)
    live, n_live = np.empty(n_taps + 1, np.int64), 0
    total = potential = worst = 0.0
    base, era = 0, np.uint64(1)
    for k in range(after.size):
        power, inverse = powers[k - base], inverses[k - base]
        potential *= gamma
        for event in range(first[k], first[k + 1]):
            j = tap[event]
            is_live = eras[j] == era
            weights[j] += gains[j, 0] * (sums[eras[j]] - gains[j, 1])
            gains[j, 0] = gains[j, 0] * is_live + inverse
            gains[j, 1] = total
            eras[j], live[n_live] = era, j
            n_live += not is_live
            potential += weights[j]
        factor, beta = rows[0, k], rows[1, k]
        if factor != 0.0:
            shortfall = 1.0 - factor * (potential + offsets[1] * beta - offsets[0])
            if shortfall > 0.0:
                worst = max(worst, shortfall)
                change = shortfall / (factor * (squares[k] + stiffness[0] + stiffness[1] * beta * beta))
                prices[k] += change / factor
                potential += change * squares[k]
                offsets[0] -= change * stiffness[0]
                offsets[1] += change * stiffness[1] * beta
                total += change * power
                sums[era] = total
        if after[k] != GOES_ON:
            era, base, n_live = era + np.uint64(1), k + 1, 0
            total = potential = 0.0
        elif k - base >= block:
            step, kept = powers[k + 1 - base], 0
            for entry in range(n_live):
                j = live[entry]
                weights[j] += gains[j, 0] * (total - gains[j, 1])
                gains[j, 0] *= step
                gains[j, 1] = 0.0
                if gains[j, 0] > FORGOTTEN:
                    live[kept] = j
                    kept += 1
                else:
                    gains[j, 0], eras[j] = 0.0, 0
            n_live, base, total, sums[era] = kept, k + 1, 0.0, 0.0
    for j in range(n_taps):
        weights[j] += gains[j, 0] * (sums[eras[j]] - gains[j, 1])
    return worst
