"""The events of a network as one neuron sees them, and all passes over them."""

from __future__ import annotations

from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.design.margins import meeting, passes
from snnprog.design.margins.events import ENDS, GOES_ON, RESETS, Decays, Events, bursts_of
from snnprog.design.margins.meeting import RowDemand, Unknowns
from snnprog.fixed_order import powers
from snnprog.potential import PotentialMap

# Equal leaks would divide by 0 in ``alpha / (gamma - alpha)``: they are taken to differ by this share, which loses 6
# digits of 16. × 3 and ÷ 3: no change on 4 specs.
APART = 1e-6
# From so many consecutive delays on, an adjoint, and a potential, is faster by bursts: at 5 delays, an adjoint takes .3
# of the time and a potential 1.4; at 8, .5 and 1.25; at 16, .4 and .55; at 62, .25 and .45.
DELAYS_OF_AN_ADJOINT, DELAYS_OF_A_POTENTIAL = 4, 12


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
        self._n_delays = int(mapping.delays.size)
        is_run = self._n_delays >= DELAYS_OF_AN_ADJOINT and bool((np.diff(mapping.delays) == 1).all())
        self._bursts = bursts_of(self.events, mapping.n_lines, self._n_delays) if is_run else None
        gamma, alpha = mapping.gamma, mapping.alpha
        if abs(gamma - alpha) < APART:
            alpha = gamma * (1.0 - APART)
        self.longest = max(mapping.tape.lengths)
        block = meeting.block_length(gamma, alpha, ticks=mapping.tape.ticks)
        self.decays = Decays(gamma, alpha, alpha / (gamma - alpha) if alpha else 0.0)
        self.powers = self.powers_to(block + 1)

    @cached_property
    def squares(self) -> Floats:
        """(2, ticks) φ·φ, and φ·u with u the taps' traces of the current."""
        squares: Floats = passes.squares(self.events, self.decays, self._all_powers, self.n_taps)
        return squares

    @cached_property
    def _all_powers(self) -> Floats:
        return self.powers_to(self.longest)

    def powers_to(self, ticks: int) -> Floats:
        """Return γ^i and α^i for i = 0 to ``ticks``, (2, ticks + 1)."""
        return _powers_to(self.decays.gamma, self.decays.alpha, ticks)

    def start(self) -> Unknowns:
        """Return weights, offsets and prices that are all 0."""
        return Unknowns(np.zeros(self.n_taps), np.zeros(2), np.zeros(self.events.after.size))

    @property
    def n_events(self) -> int:
        """The number of events in a pass."""
        return int(self.events.tap.size)

    def potential(self, weights: Floats) -> Floats:
        """Return ``weights · φ`` at every tick, (ticks,)."""
        if self._bursts is not None and self._n_delays >= DELAYS_OF_A_POTENTIAL:
            by_line = weights.reshape(self._n_delays, -1).T.ravel()
            by_bursts: Floats = passes.potential_by_bursts(self._bursts, self.events.after, self.decays, by_line)
            return by_bursts
        potential: Floats = passes.potential(self.events, self.decays, weights)
        return potential

    def adjoint(self, prices: Floats) -> Floats:
        """Return ``Σ_k prices[k] φ[k]``, (taps,)."""
        if self._bursts is not None:
            by_line = passes.adjoint_by_bursts(self._bursts, self.events.after, self.decays, self.n_taps, prices)
            by_delay: Floats = by_line.reshape(-1, self._n_delays).T.ravel()
            return by_delay
        gathered: Floats = passes.adjoint(self.events, self.decays, self.n_taps, prices)
        return gathered

    def squared_adjoint(self, prices: Floats) -> Floats:
        """Return ``Σ_k prices[k] φ[k]²``, (taps,)."""
        values = passes.value_of_squares(self.events, self.decays, prices)
        gathered: Floats = passes.squared_adjoint(self.events, self.decays.kappa, self._all_powers, values, self.n_taps)
        return gathered

    def rows(self, factor: Floats, chosen: Int64s, matrix: NDArray[np.floating]) -> None:
        """Write ``factor[k] φ[k]`` of the chosen ticks, in order, into the first columns of a matrix."""
        passes.rows(self.events, self._all_powers, self.decays.kappa, factor, chosen, matrix)

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
            alone: float = meeting.meet_without_current(
                self.events, self.decays.gamma, self.powers[0], demand, unknowns
            )
            return alone
        shortfall: float = meeting.meet(self.events, self.decays, self.powers, demand, unknowns)
        return shortfall


@lru_cache(maxsize=4)  # those of a block and of the longest pattern, for the neurons of two networks
def _powers_to(gamma: float, alpha: float, ticks: int) -> Floats:
    found = np.stack([powers(leak, np.arange(ticks + 1)) for leak in (gamma, alpha)])
    found.flags.writeable = False
    return found
