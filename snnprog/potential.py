"""The linear map from weights to potentials, its rows, its products, and its rounding bounds.

If every raster is given, the resets of a neuron are known, and its potential is linear in the unknown weights
(Rostro-Gonzalez, Cessac, Vasquez, Viéville 2009, arXiv:0905.4810, section 2)::

    U[k] = α U[k-1] + Σ_taps w[tap] z_pre[k - delay]                 a current that is not reset
    V[k] = γ V[k-1] (1 - Z[k-1]) + U[k] + bias                       a potential that is
         = w · φ[k] + bias β[k]

This is a reset to zero. Where a reset subtracts the threshold θ, the potential stays linear, and only the factor of the
threshold changes: φ and β are those of a neuron that never fires, and the row compares with
``τ[k] θ``, where ``τ[k] = 1 + Σ γ^(k-s)`` over the spikes s before k. Where nothing is reset, φ and β are the same, and
τ is 1. Arriving spikes may be scaled (`LinearRule.gain`). A refractory neuron stays at 0 for some
ticks after a spike, while its current goes on: each of these ticks is one more reset, and at them φ and β are 0. A
chip's rule says which of these apply and how it rounds (`snnprog.rules.linear`).

All neurons share the *reset-free trace* x[k, pre], the response of a neuron that never fires to one line:
``φ[k] = A[k] - γ^(k-s) A[s]`` with s the last tick that left the potential at 0, and A[k] the traces
x[k - delay, pre] of all taps. So a row of the map is two gathers, and a product with it is one pass of the network: the
matrix of (ticks × taps) is never stored.

The ticks of all patterns are concatenated on one axis; each pattern is preceded by ``max_delay`` silent ticks of
padding, so that a delayed look-up never reaches into the previous pattern. A tap is a (delay, presynaptic line) pair;
taps are ordered by delay, then line. Weights are in LSBs of exponent 0, and potentials in units of the threshold: the
chip's potential divided by `LinearRule.unit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.fixed_order import powers
from snnprog.jit import compiled
from snnprog.processes.sharing import Shared
from snnprog.rules.linear import SUBTRACT, LinearRule

Ticks = Int64s

NO_RESET = -1
RESIDUE = 1e-9
"""Below this, the remainder of a spike counts as 0: no chip represents it, and it may be a rounding error."""


@dataclass(frozen=True, eq=False)
class Tape:
    """The ticks of several patterns on one axis, each pattern preceded by its padding.

    Attributes
    ----------
    lengths : tuple of int
        Ticks of each pattern.
    padding : int
        Silent ticks before each pattern.
    """

    lengths: tuple[int, ...]
    padding: int

    @cached_property
    def starts(self) -> Ticks:
        """Index of each pattern's first tick among all ticks (padding not counted)."""
        return np.concatenate([[0], np.cumsum(self.lengths)])[:-1].astype(np.int64)

    @property
    def ends(self) -> Ticks:
        """Index of each pattern's last tick."""
        ends: Ticks = self.starts + np.array(self.lengths) - 1
        return ends

    @cached_property
    def pattern(self) -> Ticks:
        """(ticks,) The pattern of each tick."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @cached_property
    def row(self) -> Ticks:
        """(ticks,) The position of each tick on the padded axis."""
        return np.arange(self.ticks) + self.padding * (self.pattern + 1)

    @property
    def ticks(self) -> int:
        """Number of ticks of all patterns."""
        return sum(self.lengths)

    @property
    def rows(self) -> int:
        """Number of ticks with the padding."""
        return self.ticks + self.padding * len(self.lengths)

    def where(self, tick: int) -> tuple[int, int]:
        """Return (pattern, tick in the pattern) of a tick among all."""
        pattern = int(self.pattern[tick])
        return pattern, tick - int(self.starts[pattern])

    def padded(self, values: NDArray[np.generic]) -> Floats:
        """Return values ``(ticks, …)`` on the padded axis, zero in the padding."""
        padded = np.zeros((self.rows, *values.shape[1:]))
        padded[self.row] = values
        return padded

    def filtered(self, values: Floats, leak: float) -> Floats:
        """Return ``y[k] = leak y[k-1] + values[k]`` along ``(ticks, …)``, from rest in each pattern."""
        if leak == 0.0:
            return values
        return _leaking_sums(values, self.starts, leak=leak)

    def filtered_back(self, values: Floats, leak: float) -> Floats:
        """Return ``y[k] = leak y[k+1] + values[k]``, from 0 after the end of each pattern."""
        return _leaking_sums(values[::-1], self.ticks - 1 - self.ends[::-1], leak=leak)[::-1]

    def last_spikes(self, spikes: Raster) -> Ticks:
        """Return, for spikes ``(ticks,)`` of one neuron, the tick of its last one before each tick, or NO_RESET."""
        here = np.where(spikes, np.arange(self.ticks), NO_RESET)
        before = np.concatenate([[NO_RESET], np.maximum.accumulate(here)[:-1]])
        return np.where(before >= self.starts[self.pattern], before, NO_RESET)


def _leaking_sums(values: Floats, starts: Ticks, *, leak: float) -> Floats:
    """Return ``y[k] = leak y[k-1] + values[k]`` along ``(ticks, …)``, restarted at each start."""
    sums = np.array(values, dtype=np.float64, order="C")
    is_start = np.zeros(len(sums), dtype=np.bool_)
    is_start[starts] = True
    _sum_up(sums.reshape(len(sums), -1), is_start, leak)
    return sums


@compiled(nogil=True)
def _sum_up(sums: Floats, is_start: Raster, leak: float) -> None:
    for k in range(1, sums.shape[0]):
        if not is_start[k]:
            for column in range(sums.shape[1]):
                sums[k, column] += leak * sums[k - 1, column]


@dataclass(frozen=True, eq=False)
class Resets:
    """When one neuron resets: the part of the map that is specific to a neuron.

    Attributes
    ----------
    spike : (ticks,) int
        The last spike strictly before each tick, or NO_RESET.
    last : (ticks,) int
        The last tick, at most the tick itself, that left the potential at 0, or NO_RESET: that of the spike, or, if
        the neuron is refractory, the last refractory one so far.
    kept : (ticks,) float
        γ^(k - last), the share of the potential at the reset that would remain; 0 if there was no reset.
    threshold_response : (ticks,) float
        τ, how many thresholds the reset-free potential must exceed: 1 for resets to zero.

    Where a reset subtracts the threshold, the potential is not cleared, so ``last`` is NO_RESET.
    """

    spike: Ticks
    last: Ticks
    kept: Floats
    threshold_response: Floats

    @property
    def is_held(self) -> Raster:
        """(ticks,) Whether the neuron is refractory: its potential is 0, and it cannot spike."""
        held: Raster = self.last == np.arange(self.last.size)
        return held

    def without_past(self, free: Floats) -> Floats:
        """Turn a reset-free quantity ``(ticks, …)`` into the one with resets: ``free[k] - γ^(k-s) free[s]``."""
        kept = self.kept.reshape(-1, *([1] * (free.ndim - 1)))
        past: Floats = free - kept * free[self.last]
        return past


class PotentialMap(Shared):
    """The map for all neurons with the same presynaptic rasters and delays.

    Parameters
    ----------
    presynaptic : sequence of (ticks, lines) bool
        One raster per pattern.
    delays : sequence of int
        The delays available to each line, in ticks.
    linear : LinearRule
        The neurons' decays and resets.
    """

    def __init__(self, presynaptic: Sequence[Raster], delays: Sequence[int], linear: LinearRule) -> None:
        self.delays = np.asarray(delays, dtype=np.int64)
        self.linear = linear
        self.tape = Tape(tuple(len(raster) for raster in presynaptic), int(self.delays.max()))
        self.alpha, self.gamma = float(linear.current), float(linear.potential)
        self.n_lines = presynaptic[0].shape[1]
        tick, line = np.concatenate([raster.nonzero() for raster in presynaptic], axis=1)
        tick = tick + np.repeat(self.tape.starts, [np.count_nonzero(raster) for raster in presynaptic])
        places = (self.tape.row[tick], line)
        self._spikes = csr_matrix((np.ones(tick.size), places), shape=(self.tape.rows, self.n_lines))

    @property
    def content(self) -> object:
        """See `Shared.content`."""
        spikes = self._spikes
        return type(self), self.tape.lengths, self.delays, self.linear, spikes.indptr, spikes.indices, spikes.shape

    @cached_property
    def _trace(self) -> Floats:
        """(rows, lines) The reset-free traces, on the padded axis."""
        return self.tape.padded(self._free(self._spikes[self.tape.row].toarray()))

    @property
    def n_taps(self) -> int:
        """Number of (delay, line) pairs."""
        return int(self.delays.size) * self.n_lines

    @property
    def played(self) -> Tape:
        """The ticks as they are simulated; the map may have several rows for each (`snnprog.design.once`)."""
        return self.tape

    def at_every_look(self, ticks: Raster) -> Raster:
        """Map values of the simulated ticks to the ticks of the map."""
        return ticks

    def due_of(self, spikes: Raster) -> Raster:
        """Return where the potential of a neuron firing at ``spikes`` (simulated ticks,) must reach the threshold."""
        return spikes

    @property
    def is_after_reset(self) -> Raster:
        """(ticks,) Whether a tick stands for the potential after its reset, not before it."""
        return np.zeros(self.tape.ticks, np.bool_)

    def tick_of(self, pattern: int, tick: int, *, is_after_reset: bool) -> int:
        """Return the map's tick for a tick of a pattern, before or after its reset."""
        return int(self.played.starts[pattern]) + tick + is_after_reset * self.played.ticks

    @cached_property
    def arrival_events(self) -> tuple[Ticks, Ticks]:
        """The spikes in order of arrival: those of tick k act through the taps ``tap[first[k]:first[k + 1]]``.

        Returns
        -------
        first : (ticks + 1,) int
        tap : (arrivals,) int
        """
        row, line = self._spikes.nonzero()
        tick = np.searchsorted(self.tape.row, row)
        arrival = tick[:, None] + self.delays
        inside = arrival < (self.tape.starts + self.tape.lengths)[self.tape.pattern[tick]][:, None]
        tap = (np.arange(self.delays.size) * self.n_lines + line[:, None])[inside]
        arrival = arrival[inside]
        first = np.concatenate([[0], np.cumsum(np.bincount(arrival, minlength=self.tape.ticks))])
        return first.astype(np.int64), tap[np.argsort(arrival, kind="stable")]

    @property
    def is_tap_used(self) -> Raster:
        """(taps,) Whether any spike acts through a tap before its pattern ends; other weights have no effect."""
        return np.bincount(self.arrival_events[1], minlength=self.n_taps) > 0

    def resets(self, spikes: Raster, lasting: int | None = None) -> Resets:
        """Return the resets of a neuron that fires at ``spikes`` (ticks,), with a refractory period."""
        if not self.linear.is_reset_to_zero:
            return self._unforgotten(spikes)
        ticks, spike = np.arange(self.tape.ticks), self.tape.last_spikes(spikes)
        longest = self.linear.refractory if lasting is None else lasting
        last = np.where(spike == NO_RESET, NO_RESET, np.minimum(spike + longest - 1, ticks))
        kept = np.where(last == NO_RESET, 0.0, powers(self.gamma, np.where(last == NO_RESET, 0, ticks - last)))
        return Resets(spike, last, kept, np.ones(self.tape.ticks))

    def is_held(self, due: Raster) -> Raster:
        """Return when a neuron is refractory if its potential reaches the threshold at ``due`` (ticks,)."""
        return self.resets(due[: self.played.ticks]).is_held

    def _unforgotten(self, spikes: Raster) -> Resets:
        """Return the resets of a neuron whose spikes subtract a threshold, or nothing, from the potential."""
        ticks = self.tape.ticks
        lost = spikes.astype(np.float64) * (self.linear.reset == SUBTRACT)
        taken = self.tape.filtered(lost, self.gamma)
        before = np.concatenate([[0.0], taken[:-1]]) * self.gamma
        before[self.tape.starts] = 0.0
        never = np.full(ticks, NO_RESET)
        return Resets(never, never, np.zeros(ticks), 1.0 + before)

    def rows(self, resets: Resets, ticks: Ticks) -> Floats:
        """Return φ, ``(len(ticks), taps)``, for the given ticks."""
        features = self._gather(ticks)
        again = np.flatnonzero(resets.last[ticks] != NO_RESET)
        if again.size:
            past = self._gather(resets.last[ticks[again]])
            features[again] -= resets.kept[ticks[again], None] * past
        features[features < RESIDUE] = 0.0
        return features

    def potential(self, weights: Floats, resets: Resets) -> Floats:
        """Return ``w · φ`` at every tick, ``(ticks,)``, for the weights ``(taps,)`` of one neuron: one network pass."""
        return resets.without_past(self._free(self.arrivals(weights)))

    def current(self, weights: Floats) -> Floats:
        """Return U at every tick, ``(ticks,)``."""
        return self.gain * self.tape.filtered(self.arrivals(weights), self.alpha)

    @property
    def gain(self) -> float:
        """The amount that one arriving weight LSB adds to the current in the same tick, in units of the threshold."""
        return float(self.linear.gain)

    def arrivals(self, weights: Floats) -> Floats:
        """Return the sum of weights that arrive at every tick, ``(ticks,)``, for weights ``(taps,)``."""
        sent = self._spikes @ weights.reshape(self.delays.size, self.n_lines).T
        arriving = np.zeros(self.tape.ticks)
        for index, delay in enumerate(self.delays):
            arriving += sent[self.tape.row - delay, index]
        return arriving

    def field(self, prices: Floats, resets: Resets) -> Floats:
        """Return what one unit arriving at each tick (ticks,) adds to ``Σ prices[k] V[k]``: a pass back in time."""
        unreset = prices.copy()
        again = resets.last != NO_RESET  # at a refractory tick, the tick's own price is subtracted
        np.subtract.at(unreset, resets.last[again], resets.kept[again] * prices[again])
        return self.gain * self.tape.filtered_back(self.tape.filtered_back(unreset, self.gamma), self.alpha)

    def adjoint(self, prices: Floats, resets: Resets) -> Floats:
        """Return ``Σ_k prices[k] φ[k]``, (taps,): one network pass back in time."""
        padded = np.concatenate([self.tape.padded(self.field(prices, resets)), np.zeros(self.tape.padding)])
        acted = padded[np.arange(self.tape.rows)[:, None] + self.delays]
        gathered: Floats = (self._spikes.T @ acted).T.ravel()
        return gathered

    def norms(self, resets: Resets) -> Floats:
        """Return ``‖φ‖₁`` at every tick, ``(ticks,)``; φ is never negative."""
        norms = resets.without_past(self._free_norms)
        return np.where(norms < RESIDUE, 0.0, norms)

    def bias_response(self, resets: Resets) -> Floats:
        """Return β, ``(ticks,)``: the contribution of a constant bias of 1 to the potential."""
        return resets.without_past(self._free_bias_response)

    def truncation(self, resets: Resets, due: Raster, *, biased: bool) -> Floats:
        """Return ρ, ``(ticks,)``: the most that rounding can have moved the potential to the wrong side, in LSBs.

        Parameters
        ----------
        due : (ticks,) bool
            Where the potential must reach the threshold; there the wrong side is below it, otherwise above.
        biased : bool
            Whether there is a bias.
        """
        low, high = (self._rounded(resets, end, biased=biased) for end in (0, 1))
        return np.where(due, -low, high)

    def most_truncation(self, resets: Resets, *, biased: bool) -> float:
        """Return the largest rounding error of the potential at any tick, in either direction, in LSBs."""
        ends = [np.abs(self._rounded(resets, end, biased=biased)).max(initial=0.0) for end in (0, 1)]
        return float(max(ends))

    def _rounded(self, resets: Resets, end: int, *, biased: bool) -> Floats:
        """Return the least (``end`` 0) or the most (1) that rounding adds to the potential at every tick, in LSBs.

        Each rounding of u and of v adds an error, and errors decay like the values that they are added to.
        Before the first spike arrives there are no errors.
        """
        return resets.without_past(self._free_errors[end, biased])

    @cached_property
    def _free_norms(self) -> Floats:
        """(ticks,) The norms without resets, the same for all neurons."""
        return self._free(self._arriving)

    @cached_property
    def _free_bias_response(self) -> Floats:
        """(ticks,) The response to a bias without resets, the same for all neurons."""
        return self.tape.filtered(np.ones(self.tape.ticks), self.gamma)

    @cached_property
    def _free_errors(self) -> dict[tuple[int, bool], Floats]:
        """The least (0) and the most (1) that rounding adds without resets (ticks,), without and with a bias."""
        linear, tape, found = self.linear, self.tape, {}
        before, by_now = self._arrived
        for end in (0, 1):
            current_error, potential_error = float(linear.current_error[end]), float(linear.potential_error[end])
            added = tape.filtered((by_now if linear.is_current_rounded_at_once else before) * current_error, self.alpha)
            spiked = by_now if linear.is_potential_rounded_at_once else before
            for biased, where in ((False, spiked), (True, np.ones(tape.ticks))):
                found[end, biased] = tape.filtered(added + potential_error * where, self.gamma)
        return found

    @cached_property
    def _arriving(self) -> Floats:
        """(ticks,) The number of spikes that arrive at every tick, through all taps."""
        return self.arrivals(np.ones(self.n_taps))

    @property
    def _arrived(self) -> tuple[Floats, Floats]:
        """(ticks,) 1 where a spike has arrived before a tick of the pattern, and before it or at it; else 0."""
        arriving = self._arriving > 0
        total: Ticks = np.cumsum(arriving) - arriving
        before = (total > total[self.tape.starts[self.tape.pattern]]).astype(np.float64)
        return before, np.maximum(before, arriving)

    def _free(self, arriving: Floats) -> Floats:
        """Return the reset-free response ``(ticks, …)`` to arriving values."""
        return self.gain * self.tape.filtered(self.tape.filtered(arriving, self.alpha), self.gamma)

    def _gather(self, ticks: Ticks) -> Floats:
        """Return the reset-free features ``(len(ticks), taps)``."""
        delayed = self.tape.row[ticks][:, None] - self.delays
        features: Floats = self._trace[delayed].reshape(len(ticks), self.n_taps)
        return features
