"""One neuron in one pattern under perturbed inputs, whatever its weights.

As long as every neuron spikes at its own ticks, whatever the perturbation, the ticks of all resets are known and the
potential is linear in the input spikes. So its rows are proved by induction over ticks: the first neuron that did
otherwise would have to do so at a row, and no row allows it. What the chip's rounding adds is an interval, as in
`snnprog.potential`, from the first tick at which anything can arrive.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from snnprog.arrays import Bools, Floats, Int64s, Raster
from snnprog.potential import PotentialMap, Resets
from snnprog.robustness.worst import Drive
from snnprog.rules.linear import SUBTRACT, LinearRule
from snnprog.spec import Robust

LEAST, GREATEST = 0, 1
FLOAT_SLACK = 1e-6
"""What floats can be wrong by, in LSBs: potentials below 2**17 are right to 2**-35, and sums of thousands to 1e-7."""


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

    @cached_property
    def _map(self) -> PotentialMap:
        """A map of the same ticks whose only line is silent: for resets and the response to a bias."""
        return PotentialMap([np.zeros((self.ticks, 1), np.bool_)], [1], self.linear)

    @cached_property
    def resets(self) -> Resets:
        """When it resets."""
        return self._map.resets(self.spikes)

    @cached_property
    def bias_response(self) -> Floats:
        """(ticks,) What a bias of 1 contributes to the potential."""
        return self._map.bias_response(self.resets)

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
        robust = self.robust
        return Drive(
            weights=weights,
            delays=self.delays,
            shares=self.shares,
            is_cleared=self.is_cleared,
            first=np.concatenate([[0], np.cumsum(self.heard.sum(axis=0))]).astype(np.int64),
            spikes=np.nonzero(self.heard.T)[1].astype(np.int64),
            is_free=self.is_free,
            freedom=np.array([robust.jitter, robust.missing, robust.extra], np.int64),
        )

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
        comes = np.zeros(ticks, np.bool_)
        for delay in self.delays.tolist():
            comes[delay:] |= self._possible[: max(ticks - delay, 0)].any(axis=1)
        by_now = np.maximum.accumulate(comes)
        before = np.concatenate([[False], by_now[:-1]])
        current = by_now if linear.is_current_rounded_at_once else before
        potential = by_now if linear.is_potential_rounded_at_once else before
        potential = potential | is_biased
        added = np.zeros((2, ticks))
        alpha, gamma, _ = self.shares.tolist()
        for end in (LEAST, GREATEST):
            lost, kept = float(linear.current_error[end]), float(linear.potential_error[end])
            u = v = 0.0
            for tick in range(ticks):
                u = alpha * u + lost * current[tick]
                v = gamma * v + u + kept * potential[tick]
                added[end, tick] = v
                v = 0.0 if self.is_cleared[tick] else v
        return added

    def _arrivals(self, weights: Floats) -> Floats:
        """Return (2, ticks) the most that can arrive at each tick downward and upward, as magnitudes in LSBs."""
        arriving = np.zeros((2, self.ticks))
        for slot, delay in enumerate(self.delays.tolist()):
            sent = self._possible[: max(self.ticks - delay, 0)]
            for side, sign in ((LEAST, -1.0), (GREATEST, 1.0)):
                strongest = np.maximum(sign * weights[side, :, slot], 0.0)
                arriving[side, delay:] += np.einsum("tl,l->t", sent, strongest)
        return arriving

    def is_portable(self, weights: Floats, *, threshold: float, bias: float) -> bool:
        """Return whether no state can leave the range in which all runtimes agree, under any perturbation.

        Where resets subtract, the change of a potential in a tick counts as well.
        """
        linear, limits = self.linear, self.linear.limits
        alpha, gamma, gain = self.shares.tolist()
        arriving, (lost, wrong) = self._arrivals(weights), linear.losses
        down = up = low = high = deepest_u = deepest_v = taken = 0.0
        for tick in range(self.ticks):
            down, up = (alpha * u + gain * each + lost for u, each in zip((down, up), arriving[:, tick], strict=True))
            low = gamma * low + down + max(-bias, 0.0) + wrong
            high = gamma * high + up + max(bias, 0.0) + wrong
            taken = gamma * taken + threshold * bool(self.spikes[tick]) * (linear.reset == SUBTRACT)
            if linear.is_reset_to_zero:
                high = min(high, gamma * threshold + up + max(bias, 0.0) + wrong)
                deepest_v = max(deepest_v, low, high)
            else:
                change = 2.0 * (max(down, up) + abs(bias)) + (1.0 - gamma) * (low + high + taken) + 1.0
                deepest_v = max(deepest_v, low + taken, high, change)
            deepest_u = max(deepest_u, down, up)
        reached = float(arriving.max(initial=0.0)), deepest_u, deepest_v
        ends = float(limits.arrivals), float(limits.current), float(limits.potential)
        return all(value < end for value, end in zip(reached, ends, strict=True))
