"""What the benchmarks share: random instances, the verdict on a spec, and how samples are summed up.

In a random target, spikes are only placed where input arrives: otherwise no neuron could produce them, and what is
measured would be how often chance asks for that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

import numpy as np
from numpy.typing import NDArray

import snnprog as sp
from snnprog.arrays import Raster


class Verdict(Enum):
    """What came of a spec."""

    SOLVED = "solved"
    UNROUNDED = "has weights, but no integers were found"
    INFEASIBLE = "proved to have no weights"
    UNDECIDED = "undecided"


HAVE_WEIGHTS = (Verdict.SOLVED, Verdict.UNROUNDED)


def verdict(spec: sp.Spec) -> Verdict:
    """Compile a spec, and say what came of it: the call that is measured."""
    try:
        sp.compile(spec)
    except sp.InfeasibleError:
        return Verdict.INFEASIBLE
    except (sp.QuantizationError, sp.LimitError):
        return Verdict.UNROUNDED
    except sp.SolverError:
        return Verdict.UNDECIDED
    return Verdict.SOLVED


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
