"""Cues: a stored raster, with noise or with one changed bin."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Raster
from snnprog.calls import call_checked
from snnprog.checks import as_number, as_seed
from snnprog.errors import SpecError
from snnprog.raster import as_raster

Cue: TypeAlias = tuple[int, Raster]
"""The number of a memory, and a raster (ticks, lines) that resembles it."""


@call_checked
def noisy_cue(
    raster: ArrayLike, *, deleted: float = 0.2, added: float = 0.2, seed: int | np.random.Generator = 0
) -> Raster:
    """Return a raster of which some spikes are deleted, and to which others are added, at random.

    Parameters
    ----------
    raster : (ticks, neurons) bool
    deleted, added : float
        How many spikes to delete, and to add in bins without a spike, each as a share of the raster's number of
        spikes; rounded to whole spikes.
    seed : int or numpy Generator
        The seed of the draw, or the generator to draw from.

    Raises
    ------
    SpecError
        If the raster or an option is malformed, a share is negative, or there are not so many bins.
    """
    noisy = as_raster(raster, "raster").copy()
    flat = noisy.reshape(-1)
    rng = seed if isinstance(seed, np.random.Generator) else np.random.default_rng(as_seed(seed))
    full, empty = np.flatnonzero(flat), np.flatnonzero(~flat)
    for name, share, bins in (("deleted", deleted, full), ("added", added, empty)):
        share = as_number(name, share)
        if not 0 <= share * full.size <= bins.size:
            most = bins.size / max(1, full.size)
            raise SpecError(f"{name} must be from 0 to {most:g}, the share of bins that there are, got {share:g}")
        flat[rng.choice(bins, round(share * full.size), replace=False)] ^= True
    return noisy


def nearly_perfect(memory: int, raster: Raster) -> Iterator[Cue]:
    """Yield a memory's cues with one changed bin, in the order of the bins."""
    for place in np.ndindex(raster.shape):
        cue = raster.copy()
        cue[place] ^= True
        yield memory, cue


def count_of(bins: int, changes: int) -> int:
    """Return the number of cues with at most so many changed bins."""
    return sum(math.comb(bins, number) for number in range(changes + 1))
