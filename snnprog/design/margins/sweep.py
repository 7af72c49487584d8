"""Compiled passes over the events of a network, which satisfy one neuron's rows in turn.

To move the weights just so far that one row is met costs a vector of all taps. Here the rows follow one another by the
neuron's own dynamics, so a pass over all ticks costs no more than simulating the neuron: the potential w · φ[k] is
carried from tick to tick as the chip carries it, and a tap's weight is brought up to date only when a spike passes it.

Between two events of a tap, φ[i] of that tap is ``fast γ^(i-b) + slow α^(i-b)`` with b a common base, so all the
changes since its last event add ``fast Σ δ γ^(i-b) + slow Σ δ α^(i-b)`` to its weight: two running sums, shared by all
taps. The base moves on, and all live taps are settled, before the powers lose precision, and at every reset.

Taps are counted by unsigned integers, so that no index can be one from the end, which would cost a test per event.
They have 32 bits, because a pass is as fast as its events are read: an adjoint of 640,000 events takes .47 ms, not .75.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Floats, Int64s, Raster, UInt32s, UInt64s
from snnprog.fixed_order import powers
from snnprog.jit import compiled
from snnprog.potential import PotentialMap

GOES_ON, RESETS, ENDS = 0, 1, 2  # after a tick
# A φ below this has no part in sums of about 1 that are right to 1e-15 a term: the tap is dropped.
FORGOTTEN = 1e-12
# The least power that is divided by: 5 digits are lost of 16 before the base moves on. × 3 and ÷ 3 gave other roundings
# (another program on 1 of 4 specs), and the same time.
LEAST_POWER = 1e-5
# Equal leaks would divide by 0 in ``alpha / (gamma - alpha)``: they are taken to differ by this share, which loses 6
# digits of 16. × 3 and ÷ 3: no change on 4 specs.
APART = 1e-6


class Unknowns(NamedTuple):
    """The arrays that the passes change, in place.

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


class Events(NamedTuple):
    """The input spikes of a neuron, and its resets.

    Attributes
    ----------
    first : (ticks + 1,) int
        Where the events of each tick begin in ``tap``.
    tap : (events,) int
        The tap that each event acts through.
    after : (ticks,) int
        Whether the potential goes on after a tick, is reset, or the pattern ends.
    """

    first: Int64s
    tap: UInt32s
    after: Int64s


class Decays(NamedTuple):
    """The shares of the potential and of the current that a tick keeps, and ``alpha / (gamma - alpha)``."""

    gamma: float
    alpha: float
    kappa: float


class RowDemand(NamedTuple):
    """The rows to meet: ``factor (w·φ + b β - θ) >= 1`` if the factor is not 0.

    Attributes
    ----------
    factor, beta : (ticks,) float
    squares : (2, ticks) float
        φ·φ, and φ·u with u the taps' traces of the current.
    stiffness : (2,) float
        How readily threshold and bias move beside a weight.
    """

    factor: Floats
    beta: Floats
    squares: Floats
    stiffness: Floats


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
        first, tap = mapping.arrival_events
        self.n_taps = mapping.n_taps
        after = np.where(raster | mapping.is_held(raster), RESETS, GOES_ON)
        after[mapping.tape.ends] = ENDS
        self.events = Events(first, tap.astype(np.uint32), after)
        gamma, alpha = mapping.gamma, mapping.alpha
        if abs(gamma - alpha) < APART:
            alpha = gamma * (1.0 - APART)
        self.longest = max(mapping.tape.lengths)
        block = _block_length(gamma, alpha, ticks=mapping.tape.ticks)
        self.decays = Decays(gamma, alpha, alpha / (gamma - alpha) if alpha else 0.0)
        self.powers = self.powers_to(block + 1)

    @cached_property
    def squares(self) -> Floats:
        """(2, ticks) φ·φ, and φ·u with u the taps' traces of the current."""
        powers = self.powers_to(self.longest)
        squares: Floats = _squares(self.events, self.decays, powers, self.n_taps)
        return squares

    def powers_to(self, ticks: int) -> Floats:
        """Return γ^i and α^i for i = 0 to ``ticks``, (2, ticks + 1)."""
        return np.stack([powers(leak, np.arange(ticks + 1)) for leak in self.decays[:2]])

    def start(self) -> Unknowns:
        """Return weights, offsets and prices that are all 0."""
        return Unknowns(np.zeros(self.n_taps), np.zeros(2), np.zeros(self.events.after.size))

    @property
    def n_events(self) -> int:
        """The number of events in a pass."""
        return int(self.events.tap.size)

    def potential(self, weights: Floats) -> Floats:
        """Return ``weights · φ`` at every tick, (ticks,)."""
        potential: Floats = _potential(self.events, self.decays, weights)
        return potential

    def adjoint(self, prices: Floats) -> Floats:
        """Return ``Σ_k prices[k] φ[k]``, (taps,)."""
        gathered: Floats = _adjoint(self.events, self.decays, self.n_taps, prices)
        return gathered

    def squared_adjoint(self, prices: Floats) -> Floats:
        """Return ``Σ_k prices[k] φ[k]²``, (taps,)."""
        values = _value_of_squares(self.events, self.decays, prices)
        gathered: Floats = _squared_adjoint(
            self.events, self.decays.kappa, self.powers_to(self.longest), values, self.n_taps
        )
        return gathered

    def rows(self, factor: Floats, chosen: Int64s, matrix: NDArray[np.floating]) -> None:
        """Write ``factor[k] φ[k]`` of the chosen ticks, in order, into the first columns of a matrix."""
        powers = self.powers_to(self.longest)
        _rows(self.events, powers, self.decays.kappa, factor, chosen, matrix)

    def meet(self, rows: Floats, stiffness: Floats, *, unknowns: Unknowns) -> float:
        """Go over all ticks once, and at each move the unknowns just so far that its row is met.

        Parameters
        ----------
        rows : (2, ticks) float
            ``factor`` and β: ``factor (w·φ + b β - θ) >= 1`` is requested if the factor is not 0.
        stiffness : (2,) float
            How readily threshold and bias move beside a weight.

        Returns
        -------
        float
            By how much the worst row fell short when its turn came.
        """
        demand = RowDemand(rows[0], rows[1], self.squares, stiffness)
        if self.decays.alpha == 0.0:
            alone: float = _meet_without_current(self.events, self.decays.gamma, self.powers[0], demand, unknowns)
            return alone
        shortfall: float = _meet(self.events, self.decays, self.powers, demand, unknowns)
        return shortfall


def _block_length(gamma: float, alpha: float, *, ticks: int) -> int:
    """Return how many ticks the base may stay, before its powers are too small to divide by."""
    lengths = [math.log(LEAST_POWER) / math.log(leak) for leak in (gamma, alpha) if 0.0 < leak < 1.0]
    return max(1, min(int(min(lengths, default=ticks)), ticks))


@compiled(nogil=True)
def _squares(events: Events, decays: Decays, powers: Floats, n_taps: int) -> Floats:
    """Return φ·φ and φ·u at every tick, (2, ticks), with u the taps' traces of the current."""
    first, tap, after = events
    gamma, alpha, kappa = decays
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


@compiled(nogil=True)
def _rows(
    events: Events, powers: Floats, kappa: float, factor: Floats, chosen: Int64s, matrix: NDArray[np.floating]
) -> None:
    """See `Sweeper.rows`."""
    first, tap, after = events
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


@compiled(nogil=True, inline="always")
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


@compiled(nogil=True)
def _potential(events: Events, decays: Decays, weights: Floats) -> Floats:
    """See `Sweeper.potential`."""
    first, tap, after = events
    gamma, alpha, _ = decays
    course = np.empty(after.size)
    potential = current = 0.0
    for k in range(after.size):
        a = b = c = d = 0.0  # four sums side by side, since each waits for its last term
        last = first[k + 1]
        whole = last - (last - first[k]) % 4
        for event in range(first[k], whole, 4):
            a += weights[tap[event]]
            b += weights[tap[event + 1]]
            c += weights[tap[event + 2]]
            d += weights[tap[event + 3]]
        for event in range(whole, last):
            a += weights[tap[event]]
        current = alpha * current + ((a + b) + (c + d))
        potential = gamma * potential + current
        course[k] = potential
        if after[k] != GOES_ON:
            potential = 0.0
        if after[k] == ENDS:
            current = 0.0
    return course


@compiled(nogil=True)
def _adjoint(events: Events, decays: Decays, n_taps: int, prices: Floats) -> Floats:
    """See `Sweeper.adjoint`: the network run backwards in time."""
    first, tap, after = events
    gamma, alpha, _ = decays
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


@compiled(nogil=True)
def _value_of_squares(events: Events, decays: Decays, prices: Floats) -> Floats:
    """Return (3, ticks): what p², 2 p u and u² of a tap at each tick add to ``Σ prices φ²`` if no event follows.

    p and u are the tap's traces of potential and current; with p' = γ p + α u and u' = α u, squares follow linearly.
    """
    gamma, alpha, _ = decays
    values = np.zeros((3, prices.size))
    first = cross = second = 0.0
    for k in range(prices.size - 1, -1, -1):
        goes_on, ends = events.after[k] == GOES_ON, events.after[k] == ENDS
        values[2, k] = 0.0 if ends else alpha * alpha * (second + 2.0 * cross + first)
        values[1, k] = gamma * alpha * (cross + first) if goes_on else 0.0
        values[0, k] = prices[k] + (gamma * gamma * first if goes_on else 0.0)
        first, cross, second = values[0, k], values[1, k], values[2, k]
    return values


@compiled(nogil=True)
def _squared_adjoint(events: Events, kappa: float, powers: Floats, values: Floats, n_taps: int) -> Floats:
    """See `Sweeper.squared_adjoint`: each event adds what it changes in the value of its tap's traces."""
    first, tap, after = events
    gathered = np.zeros(n_taps)
    potential_of, current_of = np.zeros(n_taps), np.zeros(n_taps)
    stamp = np.full(n_taps, -1, np.int64)
    segment = pattern = 0
    for k in range(after.size):
        for event in range(first[k], first[k + 1]):
            j = tap[event]
            potential, current = _state(k, segment, pattern, stamp[j], potential_of[j], current_of[j], powers, kappa)
            gathered[j] += values[0, k] * (2.0 * potential + 1.0) + values[2, k] * (2.0 * current + 1.0)
            gathered[j] += 2.0 * values[1, k] * (potential + current + 1.0)
            potential_of[j], current_of[j], stamp[j] = potential + 1.0, current + 1.0, k
        if after[k] != GOES_ON:
            segment = k + 1
        if after[k] == ENDS:
            pattern = k + 1
    return gathered


@compiled(nogil=True, inline="always")
def _push(k: int, potential: float, demand: RowDemand, unknowns: Unknowns) -> tuple[float, float]:
    """Meet the row of tick k by the smallest change of the unknowns, each step of an offset counting its stiffness.

    Threshold, bias and price are moved here; a weight is moved by the change times its φ, which is left to the caller.

    Returns
    -------
    shortfall, change : float
        By how much the row fell short, 0 where it was met; and the change per unit of φ.
    """
    factor, beta, offsets, stiffness = demand.factor[k], demand.beta[k], unknowns.offsets, demand.stiffness
    if factor == 0.0:
        return 0.0, 0.0
    shortfall = 1.0 - factor * (potential + offsets[1] * beta - offsets[0])
    if not shortfall > 0.0:
        return 0.0, 0.0
    change = shortfall / (factor * (demand.squares[0, k] + stiffness[0] + stiffness[1] * beta * beta))
    unknowns.prices[k] += change / factor
    offsets[0] -= change * stiffness[0]
    offsets[1] += change * stiffness[1] * beta
    return shortfall, change


class LiveTaps(NamedTuple):
    """The weights, and the taps that a spike has passed and whose φ has not faded since.

    The invariant: brought up to date, the weight of a live tap j is::

        weights[j] + fast[j] (sum_fast - mark[0, j]) + slow[j] (sum_slow - mark[1, j])

    with ``sum_fast = Σ δ γ^(i - base)`` and ``sum_slow = Σ δ α^(i - base)`` over the changes δ of the ticks i since the
    base, and marks what these sums were at the tap's last event. All other taps are up to date.

    Attributes
    ----------
    weights : (taps,) float
    fast, slow : (taps,) float
        φ of tap j at tick i is ``fast[j] γ^(i - base) + slow[j] α^(i - base)``.
    mark : (2, taps) float
    listed : (taps,) int
        The live taps come first, in the order in which they became live.
    is_live : (taps,) bool
    """

    weights: Floats
    fast: Floats
    slow: Floats
    mark: Floats
    listed: Int64s
    is_live: Raster


@compiled(nogil=True, inline="always")
def _settle(j: int, live: LiveTaps, sum_fast: float, sum_slow: float) -> None:
    """Bring the weight of a live tap up to date."""
    live.weights[j] += live.fast[j] * (sum_fast - live.mark[0, j]) + live.slow[j] * (sum_slow - live.mark[1, j])


@compiled(nogil=True, inline="always")
def _move_base(
    live: LiveTaps, n_live: int, sums: tuple[float, float], steps: tuple[float, float], decays: Decays, after: int
) -> int:
    """Settle all live taps at the end of a tick and count their φ from the next one on; return how many stay live.

    ``steps`` are γ and α to the power of the ticks from the old base to the next tick. A reset leaves of φ what the
    currents bring in: fast becomes -slow γ / α, so that φ is 0 one tick before.
    """
    kept = 0
    for entry in range(n_live):
        j = live.listed[entry]
        _settle(j, live, sums[0], sums[1])
        live.mark[0, j] = live.mark[1, j] = 0.0
        live.slow[j] *= steps[1]
        live.fast[j] *= steps[0]
        if after == RESETS:
            live.fast[j] = -live.slow[j] / decays.alpha * decays.gamma if decays.alpha > 0.0 else 0.0
        live.is_live[j] = after != ENDS and max(abs(live.fast[j]), abs(live.slow[j])) > FORGOTTEN
        if live.is_live[j]:
            live.listed[kept] = j
            kept += 1
    return kept


@compiled(nogil=True)
def _meet(events: Events, decays: Decays, powers: Floats, demand: RowDemand, unknowns: Unknowns) -> float:
    """See `Sweeper.meet`, for currents that last; the invariant is that of `LiveTaps`."""
    first, tap, after = events
    gamma, alpha, kappa = decays
    weights, n_taps, block = unknowns.weights, unknowns.weights.size, powers.shape[1] - 2
    nothing, unlisted = np.zeros(n_taps), np.empty(n_taps, np.int64)
    live = LiveTaps(weights, nothing, nothing.copy(), np.zeros((2, n_taps)), unlisted, np.zeros(n_taps, np.bool_))
    sum_fast = sum_slow = potential = current = worst = 0.0
    base = n_live = 0
    for k in range(after.size):
        current *= alpha
        power_fast, power_slow = powers[0, k - base], powers[1, k - base]
        for event in range(first[k], first[k + 1]):
            j = tap[event]
            if live.is_live[j]:
                _settle(j, live, sum_fast, sum_slow)
            else:
                live.is_live[j], live.fast[j], live.slow[j] = True, 0.0, 0.0
                live.listed[n_live] = j
                n_live += 1
            live.fast[j] += (1.0 + kappa) / power_fast
            if alpha > 0.0:
                live.slow[j] -= kappa / power_slow
            live.mark[0, j], live.mark[1, j] = sum_fast, sum_slow
            current += weights[j]
        potential = gamma * potential + current
        shortfall, change = _push(k, potential, demand, unknowns)
        if shortfall > 0.0:
            worst = max(worst, shortfall)
            potential += change * demand.squares[0, k]
            current += change * demand.squares[1, k]
            sum_fast += change * power_fast
            sum_slow += change * power_slow
        if after[k] != GOES_ON or k - base >= block:
            steps = (powers[0, k + 1 - base], powers[1, k + 1 - base])
            n_live = _move_base(live, n_live, (sum_fast, sum_slow), steps, decays, after[k])
            base, sum_fast, sum_slow = k + 1, 0.0, 0.0
            potential = potential if after[k] == GOES_ON else 0.0
            current = current if after[k] != ENDS else 0.0
    for entry in range(n_live):
        _settle(live.listed[entry], live, sum_fast, sum_slow)
    return worst


class Gains(NamedTuple):
    """The weights, and their gains by changes since each tap's last event, if currents last one tick.

    An era lasts from one reset to the next; a tap whose φ has faded, or that no spike has passed, stands in era 0. The
    invariant: brought up to date, the weight of tap j is::

        weights[j] + gains[j, 0] (sums[eras[j]] - gains[j, 1])

    with ``sums[e] = Σ δ γ^(i - base)`` over the changes δ of the ticks i of era e since its last base. A reset makes φ
    0, so a sum stays what it was at the end of its era, and a reset has nothing to settle.

    Attributes
    ----------
    weights : (taps,) float
    gains : (taps, 2) float
        ``φ γ^-(i - base)`` of each tap, and what the sum was at its last event.
    eras : (taps,) int
    sums : (eras,) float
    listed : (taps + 1,) int
        The taps of the present era; one place more, so that a tap can be written before it is known to be new.
    """

    weights: Floats
    gains: Floats
    eras: UInt64s
    sums: Floats
    listed: Int64s


@compiled(nogil=True, inline="always")
def _move_base_alone(state: Gains, n_live: int, total: float, step: float) -> int:
    """Settle the taps of the present era and count their φ from the next tick on; return how many have not faded."""
    weights, gains, eras, _, listed = state
    kept = 0
    for entry in range(n_live):
        j = listed[entry]
        weights[j] += gains[j, 0] * (total - gains[j, 1])
        gains[j, 0] *= step
        gains[j, 1] = 0.0
        if gains[j, 0] > FORGOTTEN:
            listed[kept] = j
            kept += 1
        else:
            gains[j, 0], eras[j] = 0.0, 0
    return kept


@compiled(nogil=True)
def _meet_without_current(events: Events, gamma: float, powers: Floats, demand: RowDemand, unknowns: Unknowns) -> float:
    """See `Sweeper.meet`: for currents of one tick, with a reset that ends the gains of all taps.

    So a tap whose last event lies before a reset is settled when its next one comes, from the running sum as it stood
    at that reset; the invariant is that of `Gains`. What an event does depends on no branch: a branch would be taken
    half of the time, and mispredicted as often.
    """
    first, tap, after = events
    weights, n_taps, block = unknowns.weights, unknowns.weights.size, powers.size - 2
    eras, sums = np.zeros(n_taps, np.uint64), np.zeros(np.count_nonzero(after) + 2)
    state = Gains(weights, np.zeros((n_taps, 2)), eras, sums, np.empty(n_taps + 1, np.int64))
    gains, listed = state.gains, state.listed
    inverses = 1.0 / powers
    total = potential = worst = 0.0
    base, era, n_live = 0, np.uint64(1), 0
    for k in range(after.size):
        power, inverse = powers[k - base], inverses[k - base]
        potential *= gamma
        for event in range(first[k], first[k + 1]):
            j = tap[event]
            is_live = eras[j] == era
            weights[j] += gains[j, 0] * (sums[eras[j]] - gains[j, 1])
            gains[j, 0] = gains[j, 0] * is_live + inverse
            gains[j, 1] = total
            eras[j], listed[n_live] = era, j
            n_live += not is_live
            potential += weights[j]
        shortfall, change = _push(k, potential, demand, unknowns)
        if shortfall > 0.0:
            worst = max(worst, shortfall)
            potential += change * demand.squares[0, k]
            total += change * power
            sums[era] = total
        if after[k] != GOES_ON:
            era, base, n_live = era + np.uint64(1), k + 1, 0
            total = potential = 0.0
        elif k - base >= block:
            n_live = _move_base_alone(state, n_live, total, powers[k + 1 - base])
            base, total, sums[era] = k + 1, 0.0, 0.0
    for j in range(n_taps):
        weights[j] += gains[j, 0] * (sums[eras[j]] - gains[j, 1])
    return worst
