"""A solution of one neuron's margin problem, and when it is sufficient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats
from snnprog.potential import Ticks
from snnprog.rounding import HALF_STEP

# A margin is counted in steps that rounding can move, so half a step is what rounding takes of it.
ROUNDING_PROOF = HALF_STEP
# Where a search for a wider margin ends: the same again for truncating decays and noise. A third of it takes .43 of the
# time, three times as much 1.7, and gives another program on 3 of 6 specs, as exact.
COMFORTABLE = 1.0
# The share of the dearest price below which a row has none: above what solvers leave.
# × 3 and ÷ 3: no change on 6 specs.
WORTHLESS = 1e-7


@dataclass(frozen=True, eq=False)
class WidestMargin:
    """A solution of the margin problem.

    Attributes
    ----------
    weights : (taps,) float
    threshold, bias : float
        In weight LSBs of exponent 0.
    margin : float
        At the worst of all constrained ticks; see `snnprog.design.problem` for its unit.
    bound : float
        An upper bound on the margin of all weights.
    is_feasible : bool
        Whether some weights reproduce the targets, however narrowly: the bound exceeds the solver's tolerance.
    prices : (ticks,) float
        What an LSB at each tick costs, up to a common factor: where ``bound`` is 0, ``Σ prices s φ`` nearly vanishes.
    """

    weights: Floats
    threshold: float
    bias: float
    margin: float
    bound: float
    prices: Floats
    is_feasible: bool

    @property
    def binding(self) -> Ticks:
        """Ticks whose rows have a price, dearest first."""
        priced = np.flatnonzero(self.prices > WORTHLESS * self.prices.max(initial=0.0))
        return priced[np.argsort(-self.prices[priced], kind="stable")]

    @property
    def is_rounding_proof(self) -> bool:
        """Whether every rounding of these weights reproduces the targets."""
        return self.margin >= ROUNDING_PROOF
