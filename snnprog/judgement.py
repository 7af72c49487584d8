"""Which bins of an output are wrong: the single rule that decides whether a program is exact.

Only bins that count are compared. Without windows, each must equal its target. With windows of ``(before, after)``
ticks, the output's spikes are matched with the target's, one to one and in order, a spike at tick k with a target spike
at tick t where ``t - before <= k <= t + after``; as many as possible are matched. A target spike without a match is
*missing*, a spike without one is *extra*. Windows of (0, 0) are equivalent to no windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Raster
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
