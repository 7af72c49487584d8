"""A solution of one neuron's margin problem, and when it is sufficient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats
from snnprog.potential import Ticks
from snnprog.rounding import HALF_STEP

# A margin is counted in steps that rounding can move, so half a step is what rounding takes of it.
ROUNDING_PROOF = HALF_STEP
# By what a margin must exceed this: more than two ways to add it up differ (1e-12).
SURE = 1e-6
# Where a search for a wider margin ends: the same again for truncating decays and noise. A third of it takes .43 of the
# time, three times as much 1.7, and gives another program on 3 of 6 specs, as exact.
COMFORTABLE = 1.0
# The shares of the widest margin at which a search ends: the first if that is comfortable, else nearly all.
SHARE, NEARLY = 0.5, 0.95
# The share that the bound exceeds the widest margin by at most, where that is requested: the millionth that the
# documentation promises.
MILLIONTH = 1e-6
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
    def is_wide(self) -> bool:
        """Whether the margin is comfortable and half of the widest, or nearly the widest."""
        return is_wide(self.margin, self.bound)

    @property
    def is_rounding_proof(self) -> bool:
        """Whether every rounding of these weights reproduces the targets."""
        return self.margin >= ROUNDING_PROOF


def is_wide(margin: float, bound: float) -> bool:
    """Return whether a margin is comfortable and half of the widest, or nearly the widest."""
    return margin >= max(SHARE * bound, min(COMFORTABLE, NEARLY * bound))


def is_comfortable(margin: float, bound: float) -> bool:
    """Return whether a margin is comfortable and half of the widest."""
    return margin >= max(COMFORTABLE, SHARE * bound)


def is_widest(margin: float, bound: float) -> bool:
    """Return whether a margin is proved to be the widest, to a millionth of it."""
    return margin >= bound - MILLIONTH * abs(bound)


def is_settled(margin: float, bound: float) -> bool:
    """Return whether a margin survives rounding; or none does, and it is wide, or not even above 0.

    A path whose margin is above 0 goes on to a wide one, since a second search would only come back to here.
    """
    if bound >= ROUNDING_PROOF * (1.0 - SURE):
        return margin >= ROUNDING_PROOF * (1.0 + SURE)
    return margin <= 0.0 or is_wide(margin, bound)
