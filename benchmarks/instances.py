"""Random instances: what the benchmarks share of making them.

A spike is only asked for where something arrives: else nothing could make it, and what is measured would be how often
chance asks for that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from snnprog.raster import Raster


def random_raster(generator: np.random.Generator, ticks: int, lines: int, rate: float) -> Raster:
    """Return spikes ``(ticks, lines)``, each bin one with probability ``rate``."""
    return generator.random((ticks, lines), dtype=np.float32) < rate


def random_target(generator: np.random.Generator, inputs: Raster, delays: Sequence[int], rate: float) -> Raster:
    """Return the target ``(ticks, 1)`` of one output: spikes at this rate, where an input arrives."""
    arrives = np.zeros(len(inputs), dtype=np.bool_)
    for delay in delays:
        arrives[delay:] |= inputs[:-delay].any(axis=1)
    return (arrives & (generator.random(len(inputs)) < rate))[:, None]


def quantile_with_error(values: Sequence[float], share: float) -> tuple[float, float]:
    """Return the value that this share of a sample lies below, and its standard error by the bootstrap."""
    sample: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    drawn = np.random.default_rng(0).choice(sample, (1000, sample.size))
    return float(np.quantile(sample, share)), float(np.quantile(drawn, share, axis=1).std())


def longest(is_solved: Callable[[int], bool], most: int, step: int) -> int:
    """Return by bisection, to within a step, the greatest size below ``most`` that is solved; 0 is taken to be."""
    solved, failed = 0, most
    while failed - solved > step:
        middle = (solved + failed) // 2
        solved, failed = (middle, failed) if is_solved(middle) else (solved, middle)
    return solved
