"""The choice of a threshold among the exact ones."""

from __future__ import annotations

from snnprog.arrays import Raster


def threshold_between(first: int, last: int, *, raster: Raster) -> int:
    """Return a threshold of those that do: the middle; the least where no spike bounds it from above."""
    return first + (last - first) // 2 if raster.any() else first
