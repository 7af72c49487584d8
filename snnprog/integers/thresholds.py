"""The choice of a threshold among the exact ones."""

from __future__ import annotations

from snnprog.arrays import Raster


def threshold_between(first: int, last: int, *, raster: Raster) -> int:
    """Return the middle of the possible thresholds; the least if no spike bounds it from above."""
    return first + (last - first) // 2 if raster.any() else first
