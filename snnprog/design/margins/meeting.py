"""Compiled passes over the events of a neuron that meet its rows in turn.

To move the weights just so far that one row is met costs a vector of all taps. Here the rows follow one another by the
neuron's own dynamics, so a pass over all ticks costs no more than simulating the neuron: the potential w · φ[k] is
carried from tick to tick as the chip carries it, and a tap's weight is brought up to date only when a spike passes it.

Between two events of a tap, φ[i] of that tap is ``fast γ^(i-b) + slow α^(i-b)`` with b a common base, so all the
changes since its last event add ``fast Σ δ γ^(i-b) + slow Σ δ α^(i-b)`` to its weight: two running sums, shared by all
taps. The base moves on, and all live taps are settled, before the powers lose precision, and at every reset.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster, UInt64s
from snnprog.design.margins.events import ENDS, GOES_ON, RESETS, Decays, Events
from snnprog.jit import compiled

# A φ below this has no part in sums of about 1 that are right to 1e-15 a term: the tap is dropped.
FORGOTTEN = 1e-12
# The least power that is divided by: 5 digits are lost of 16 before the base moves on. × 3 and ÷ 3 gave other roundings
# (another program on 1 of 4 specs), and the same time.
LEAST_POWER = 1e-5


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


def block_length(gamma: float, alpha: float, *, ticks: int) -> int:
    """Return how many ticks the base may stay, before its powers are too small to divide by."""
    lengths = [math.log(LEAST_POWER) / math.log(leak) for leak in (gamma, alpha) if 0.0 < leak < 1.0]
    return max(1, min(int(min(lengths, default=ticks)), ticks))


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
def meet(events: Events, decays: Decays, powers: Floats, demand: RowDemand, unknowns: Unknowns) -> float:
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
def meet_without_current(events: Events, gamma: float, powers: Floats, demand: RowDemand, unknowns: Unknowns) -> float:
    """See `Sweeper.meet`: for currents of one tick, with a reset that ends the gains of all taps.

    So a tap whose last event lies before a reset is settled when its next one comes, from the running sum as it stood
    at that reset; the invariant is that of `Gains`. What an event does depends on no branch: a branch would be taken
    half of the time, and mispredicted as often.
    """
    first, tap, after = events
    weights, n_taps, block = unknowns.weights, unknowns.weights.size, powers.size - 2
    # At most one era ends with each tick. To count those that do would take Numba .9 s more to compile.
    eras, sums = np.zeros(n_taps, np.uint64), np.zeros(after.size + 2)
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
