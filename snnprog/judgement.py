"""Which bins of an output are wrong: the single rule that decides whether a program is exact.

Only bins that count are compared. Without windows, each must equal its target. With windows of ``(before, after)``
ticks, the output's spikes are matched with the target's, one to one and in order, a spike at tick k with a target spike
at tick t where ``t - before <= k <= t + after``; as many as possible are matched. A target spike without a match is
*missing*, a spike without one is *extra*. Windows of (0, 0) are equivalent to no windows.

If no program is exact, programs are compared by the cost of their wrong bins (`WrongBinCosts`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats, Raster
from snnprog.spec import Spec

MISSING, EXTRA = "missing", "extra"


@dataclass(frozen=True, order=True)
class WrongBin:
    """A wrong bin; ordered by pattern, tick and output.

    Attributes
    ----------
    pattern, tick, output : int
        Where; a spike that is missing from a window is reported at its target's tick.
    kind : str
        "missing" or "extra".
    """

    pattern: int
    tick: int
    output: int
    kind: str


@dataclass(frozen=True)
class WrongBinCosts:
    """The cost of a missing spike, and of an extra one (a false alarm)."""

    miss: float = 1.0
    alarm: float = 1.0

    @property
    def least(self) -> float:
        """The cost of the cheapest wrong bin."""
        return min(self.miss, self.alarm)

    @property
    def most(self) -> float:
        """The cost of the dearest wrong bin."""
        return max(self.miss, self.alarm)

    def of(self, due: Raster, care: Raster) -> Floats:
        """Return the cost of each bin if it is wrong; 0 where it does not count."""
        return np.where(care, np.where(due, self.miss, self.alarm), 0.0)

    def total(self, wrong: Iterable[WrongBin]) -> float:
        """Return the cost of wrong bins."""
        kinds = [found.kind for found in wrong]
        return kinds.count(MISSING) * self.miss + kinds.count(EXTRA) * self.alarm


def wrong_bins(spec: Spec, spikes: Sequence[Raster]) -> list[WrongBin]:
    """Return all wrong bins of the outputs ``spikes``, one raster (ticks, outputs) per pattern, in order."""
    found = []
    for index, (pattern, raster) in enumerate(zip(spec.patterns, spikes, strict=True)):
        due, fired = pattern.targets & pattern.care, raster & pattern.care
        for output in np.flatnonzero((due != fired).any(axis=0)).tolist():
            missing, extra = unmatched(
                np.flatnonzero(due[:, output]).tolist(), np.flatnonzero(fired[:, output]).tolist(), window=spec.window
            )
            found += [WrongBin(index, tick, output, MISSING) for tick in missing]
            found += [WrongBin(index, tick, output, EXTRA) for tick in extra]
    return sorted(found)


def unmatched(due: Sequence[int], fired: Sequence[int], *, window: tuple[int, int]) -> tuple[list[int], list[int]]:
    """Return the target ticks and the spike ticks, both in order, that have no match.

    The earliest target spike is matched with the earliest possible spike: windows open and close in the order of
    their targets, so no other choice matches more.
    """
    before, after = window
    missing, extra, waiting = [], [], list(due)
    for tick in fired:
        while waiting and waiting[0] + after < tick:
            missing.append(waiting.pop(0))
        if waiting and waiting[0] - before <= tick:
            waiting.pop(0)
        else:
            extra.append(tick)
    return missing + waiting, extra
