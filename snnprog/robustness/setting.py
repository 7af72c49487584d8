"""One neuron in one pattern under perturbed inputs, whatever its weights.

As long as every neuron spikes at its own ticks, whatever the perturbation, the ticks of all resets are known and the
potential is linear in the input spikes. So its rows are proved by induction over ticks: the first neuron that did
otherwise would have to do so at a row, and no row allows it. What the chip's rounding adds is an interval, as in
`snnprog.potential`, from the first tick at which anything can arrive.
"""

from __future__ import annotations

from functools import cached_property, lru_cache

import numpy as np

from snnprog.arrays import Bools, Floats, Int64s, Raster
from snnprog.errors import SpecError
from snnprog.jit import compiled
from snnprog.potential import PotentialMap, Resets
from snnprog.robustness.drive import Drive
from snnprog.rules.linear import SUBTRACT, LinearRule
from snnprog.spec import Robust

LEAST, GREATEST = 0, 1
SPIKE_TRAINS = 512
"""The number of spike trains whose resets are kept: a choice. Only time depends on it."""

FLOAT_SLACK = 1e-6
"""What floats can be wrong by, in LSBs: potentials below 2**17 are right to 2**-35, and sums of thousands to 1e-7."""

MOST_NUMBERS = 1 << 25
"""How many numbers the table of a worst case may have: a choice, which is 256 MiB."""


class Setting:
    """What is known of a neuron in a pattern before its weights.

    Parameters
    ----------
    heard : (ticks, lines) bool
        The spikes of the lines that reach it.
    spikes : (ticks,) bool
        Its own.
    is_free : (lines,) bool
        Whether the spikes of a line are perturbed.
    delays : (delays,) int
        Ascending, in ticks.
    linear : LinearRule
    robust : Robust
    is_heard_often : bool
        Whether it must not spike twice in a tick, as all that feed others (`snnprog.design.once`).
    """

    def __init__(
        self,
        heard: Raster,
        spikes: Raster,
        *,
        is_free: Bools,
        delays: Int64s,
        linear: LinearRule,
        robust: Robust,
        is_heard_often: bool = False,
    ) -> None:
        self.heard, self.spikes, self.is_free, self.delays = heard, spikes, is_free, delays
        self.linear, self.robust, self.is_heard_often = linear, robust, is_heard_often

    @property
    def ticks(self) -> int:
        """Duration of the pattern in ticks."""
        return int(self.spikes.size)

    @property
    def resets(self) -> Resets:
        """When it resets."""
        return _resets_of(self.spikes.tobytes(), self.linear)[0]

    @property
    def bias_response(self) -> Floats:
        """(ticks,) What a bias of 1 contributes to the potential."""
        return _resets_of(self.spikes.tobytes(), self.linear)[1]

    @cached_property
    def rows(self) -> tuple[Int64s, Int64s, Floats]:
        """The rows: ticks at which it is not refractory, sides, and how many thresholds are compared with.

        On side 0 a spike is due, and the least potential counts; on side 1 a silence, and the greatest counts.
        """
        ticks = np.flatnonzero(~self.resets.is_held)
        sides = np.where(self.spikes[ticks], LEAST, GREATEST)
        levels = self.resets.threshold_response[ticks]
        if self.is_heard_often:
            again = np.flatnonzero(self.spikes[ticks])
            ticks, levels = np.append(ticks, ticks[again]), np.append(levels, levels[again] + 1.0)
            sides = np.append(sides, np.full(again.size, GREATEST))
        return ticks.astype(np.int64), sides.astype(np.int64), levels

    @cached_property
    def is_cleared(self) -> Bools:
        """(ticks,) Whether the potential is 0 after a tick."""
        cleared = np.zeros(self.ticks, np.bool_)
        if self.linear.is_reset_to_zero:
            for tick in np.flatnonzero(self.spikes).tolist():
                cleared[tick : tick + self.linear.refractory] = True
        return cleared

    @cached_property
    def shares(self) -> Floats:
        """α, γ and the gain of an arriving spike."""
        linear = self.linear
        return np.array([float(linear.current), float(linear.potential), float(linear.gain)])

    def drive(self, weights: Floats) -> Drive:
        """Return what drives the neuron with weights (2, lines, delays): the least and the greatest of each."""
        return Drive(
            weights=weights,
            delays=self.delays,
            shares=self.shares,
            is_cleared=self.is_cleared,
            first=self._spikes[0],
            spikes=self._spikes[1],
            is_free=self.is_free,
            freedom=self.freedom,
        )

    @cached_property
    def _spikes(self) -> tuple[Int64s, Int64s]:
        """Where the spikes of each line begin, and their ticks: see `Drive`."""
        first = np.concatenate([[0], np.cumsum(self.heard.sum(axis=0))])
        return first.astype(np.int64), np.nonzero(self.heard.T)[1].astype(np.int64)

    @cached_property
    def freedom(self) -> Int64s:
        """(3,) Jitter in ticks and the greatest numbers of missing and of added spikes, as far as they change anything.

        Raises
        ------
        SpecError
            If the table of a worst case would be too large.
        """
        robust, free = self.robust, self.heard[:, self.is_free]
        most = (max(self.ticks - 1, 0), int(free.sum()), int(free.size))
        limits = (robust.jitter, robust.missing, robust.extra)
        jitter, missing, extra = (min(value, end) for value, end in zip(limits, most, strict=True))
        waiting = min(2 * jitter + 1, int(free.sum(axis=0).max(initial=0)))
        size = (self.ticks + 1) * (waiting + 1) * (missing + 1) * (extra + 1)
        if size > MOST_NUMBERS:
            raise SpecError(
                f"jitter, missing and extra must be small enough for tables of at most {MOST_NUMBERS} numbers,"
                f" got {robust}, which takes {size} in a pattern of {self.ticks} ticks;"
                " lower them, exempt lines, or shorten the patterns"
            )
        return np.array([jitter, missing, extra], np.int64)

    @cached_property
    def _possible(self) -> Raster:
        """(ticks, lines) Where a spike of each line may be, under some perturbation."""
        possible = self.heard.copy()
        for shift in range(1, min(self.robust.jitter, self.ticks - 1) + 1):
            possible[shift:] |= self.heard[:-shift]
            possible[:-shift] |= self.heard[shift:]
        return np.where(self.is_free, possible | (self.robust.extra > 0), self.heard)

    def rounding(self, *, is_biased: bool) -> Floats:
        """Return (2, ticks) the least and the most that rounding adds to the potential, in LSBs."""
        ticks, linear = self.ticks, self.linear
        sent = self._possible.any(axis=1)
        first = int(sent.argmax()) + int(self.delays[0]) if sent.any() else ticks
        by_now = np.arange(ticks) >= first
        before = np.concatenate([[False], by_now[:-1]])
        current = by_now if linear.is_current_rounded_at_once else before
        potential = by_now if linear.is_potential_rounded_at_once else before
        rounded = np.stack([current, potential | is_biased]).astype(np.float64)
        alpha, gamma, _ = self.shares.tolist()
        ends = [
            _added(self.is_cleared, rounded * [[float(u)], [float(v)]], (alpha, gamma))
            for u, v in zip(linear.current_error, linear.potential_error, strict=True)
        ]
        return np.stack(ends)

    def is_portable(self, weights: Floats, *, threshold: float, bias: float) -> bool:
        """Return whether no state can leave the range in which all runtimes agree, under any perturbation.

        Where resets subtract, the change of a potential in a tick counts as well.
        """
        linear, limits = self.linear, self.linear.limits
        alpha, gamma, gain = self.shares.tolist()
        arriving, (lost, wrong) = _arrivals(self._possible, self.delays, weights), linear.losses
        fall, rise = max(-bias, 0.0) + wrong, max(bias, 0.0) + wrong
        lasting = alpha, gamma, gain, lost, fall, rise
        subtracted = threshold * (linear.reset == SUBTRACT)
        top = threshold if linear.is_reset_to_zero else np.inf
        deepest_u, deepest_v = _deepest(arriving, self.spikes, lasting, (top, subtracted))
        reached = float(arriving.max(initial=0.0)), deepest_u, deepest_v
        ends = float(limits.arrivals), float(limits.current), float(limits.potential)
        return all(value < end for value, end in zip(reached, ends, strict=True))


@lru_cache(maxsize=SPIKE_TRAINS)
def _resets_of(spikes: bytes, linear: LinearRule) -> tuple[Resets, Floats]:
    """Return the resets of a neuron that fires at ``spikes``, one byte per tick, and its response to a bias of 1."""
    fired = np.frombuffer(spikes, np.bool_)
    mapping = PotentialMap([np.zeros((fired.size, 1), np.bool_)], [1], linear)
    resets = mapping.resets(fired)
    return resets, mapping.bias_response(resets)


@compiled(nogil=True)
def _arrivals(possible: Raster, delays: Int64s, weights: Floats) -> Floats:
    """Return (2, ticks) the most that can arrive at each tick downward and upward, as magnitudes in LSBs."""
    ticks, lines = possible.shape
    arriving = np.zeros((2, ticks))
    for tick in range(ticks):
        for line in range(lines):
            if possible[tick, line]:
                for slot in range(delays.size):
                    arrival = tick + delays[slot]
                    if arrival < ticks:
                        arriving[0, arrival] += max(-weights[0, line, slot], 0.0)
                        arriving[1, arrival] += max(weights[1, line, slot], 0.0)
    return arriving


@compiled(nogil=True)
def _added(is_cleared: Bools, errors: Floats, shares: tuple[float, float]) -> Floats:
    """Return (ticks,) what errors (2, ticks) of the current and of the potential add to the potential."""
    added, current, potential = np.empty(is_cleared.size), 0.0, 0.0
    for tick in range(is_cleared.size):
        current = shares[0] * current + errors[0, tick]
        potential = shares[1] * potential + current + errors[1, tick]
        added[tick] = potential
        if is_cleared[tick]:
            potential = 0.0
    return added


@compiled(nogil=True)
def _deepest(
    arriving: Floats,
    spikes: Raster,
    lasting: tuple[float, float, float, float, float, float],
    levels: tuple[float, float],
) -> tuple[float, float]:
    """Return bounds on the magnitudes of the current and of the potential; see `Setting.is_portable`.

    Parameters
    ----------
    lasting : tuple of float
        α, γ, the gain, and what each tick adds to a current, and to a potential downward and upward.
    levels : (float, float)
        Where a potential that is reset to zero begins a tick at most (infinite for other resets), and what a spike
        subtracts.
    """
    alpha, gamma, gain, lost, fall, rise = lasting
    top, subtracted = levels
    down = up = low = high = taken = greatest_u = greatest_v = 0.0
    for tick in range(spikes.size):
        down = alpha * down + gain * arriving[0, tick] + lost
        up = alpha * up + gain * arriving[1, tick] + lost
        low, high = gamma * low + down + fall, gamma * high + up + rise
        taken = gamma * taken + subtracted * spikes[tick]
        if top < np.inf:
            high = min(high, gamma * top + up + rise)
            greatest_v = max(greatest_v, low, high)
        else:
            change = 2.0 * (max(down, up) + max(fall, rise)) + (1.0 - gamma) * (low + high + taken) + 1.0
            greatest_v = max(greatest_v, low + taken, high, change)
        greatest_u = max(greatest_u, down, up)
    return greatest_u, greatest_v
