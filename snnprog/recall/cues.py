"""Cues: a stored raster, with noise or with one changed bin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Raster
from snnprog.errors import SpecError
from snnprog.raster import as_raster

Cue: TypeAlias = tuple[int, Raster]
"""The number of a memory, and a raster (ticks, lines) that resembles it."""


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
        If the raster is malformed, a share is negative, or there are not so many bins.
    """
    noisy = as_raster(raster, "raster").copy()
    flat, rng = noisy.reshape(-1), np.random.default_rng(seed)
    full, empty = np.flatnonzero(flat), np.flatnonzero(~flat)
    for name, share, bins in (("deleted", deleted, full), ("added", added, empty)):
        if not 0 <= share * full.size <= bins.size:
            most = bins.size / max(1, full.size)
            raise SpecError(f"{name} must be from 0 to {most:g}, the share of bins that there are, got {share!r}")
        flat[rng.choice(bins, round(share * full.size), replace=False)] ^= True
    return noisy


def nearly_perfect(rasters: Sequence[Raster]) -> Iterator[Cue]:
    """Yield each memory's perfect cue, and then those with one changed bin, in the order of the bins."""
    for memory, raster in enumerate(rasters):
        yield memory, raster
        for place in np.ndindex(raster.shape):
            cue = raster.copy()
            cue[place] ^= True
            yield memory, cue
