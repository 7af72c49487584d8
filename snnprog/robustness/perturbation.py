"""One perturbation of the input of a pattern, and all of them where they are few."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.names import Names, labelled
from snnprog.spec import Robust

NAMED = 4
"""How many changes a message names."""


@dataclass(frozen=True)
class Perturbation:
    """How the spikes of one pattern are changed; all ticks are those of the pattern.

    Attributes
    ----------
    moved : tuple of (int, int, int)
        Line, tick, and the tick that the spike moves to.
    missing, added : tuple of (int, int)
        Line and tick of each spike that is missing, and of each one that is added.
    """

    moved: tuple[tuple[int, int, int], ...] = ()
    missing: tuple[tuple[int, int], ...] = ()
    added: tuple[tuple[int, int], ...] = ()

    def of(self, inputs: Raster) -> Raster:
        """Return the perturbed raster of a pattern's inputs, (ticks, inputs)."""
        perturbed = inputs.copy()
        for line, tick in (*self.missing, *(each[:2] for each in self.moved)):
            perturbed[tick, line] = False
        for line, tick in (*self.added, *((line, target) for line, _, target in self.moved)):
            perturbed[tick, line] = True
        return perturbed

    def to_data(self) -> dict[str, object]:
        """Return the changes as plain data."""
        return {name: [list(each) for each in getattr(self, name)] for name in ("moved", "missing", "added")}

    def __str__(self) -> str:
        """Return the changes in words."""
        return self.in_words(None)

    def in_words(self, names: Names | None) -> str:
        """Return the changes in words, with the names of the input lines if they have any."""
        moved = [(labelled("input", line, names), tick, target) for line, tick, target in self.moved]
        parts = [f"{name} moved from tick {tick} to {target}" for name, tick, target in moved]
        parts += [f"{labelled('input', line, names)} missing at tick {tick}" for line, tick in self.missing]
        parts += [f"{labelled('input', line, names)} added at tick {tick}" for line, tick in self.added]
        more = len(parts) - NAMED
        return ", ".join(parts[:NAMED]) + (f" and {more} more changes" if more > 0 else "") or "no spike changed"


def perturbation_of(inputs: Raster, targets: Iterable[Int64s], added: Int64s) -> Perturbation:
    """Return a perturbation from where each spike of each line goes (-1: nowhere), and from added ones (added, 2)."""
    moved, missing = [], []
    for line, places in enumerate(targets):
        for tick, target in zip(np.flatnonzero(inputs[:, line]).tolist(), places.tolist(), strict=True):
            if target < 0:
                missing.append((line, tick))
            elif target != tick:
                moved.append((line, tick, target))
    more = tuple(sorted((int(line), int(tick)) for line, tick in added))
    return Perturbation(tuple(moved), tuple(missing), more)


def count_at_most(inputs: Raster, robust: Robust) -> float:
    """Return an upper bound on the number of perturbations of a pattern's inputs; inf if a float cannot hold it."""
    ticks = len(inputs)
    free = np.setdiff1d(np.arange(inputs.shape[1]), robust.exempt)
    spikes, bins = int(inputs[:, free].sum()), ticks * free.size
    ways = np.array([min(2 * robust.jitter + 1, ticks), 1 + spikes, 1 + bins], np.float64)
    with np.errstate(over="ignore"):
        return float(np.prod(ways ** [spikes, min(robust.missing, spikes), min(robust.extra, bins)]))


def every_perturbation(inputs: Raster, robust: Robust) -> Iterator[Perturbation]:
    """Yield perturbations of a pattern that lead to all perturbed rasters; several may lead to the same one."""
    ticks, free = len(inputs), [line for line in range(inputs.shape[1]) if line not in robust.exempt]
    spikes = [(line, tick) for line in free for tick in np.flatnonzero(inputs[:, line]).tolist()]
    ways = [range(max(0, tick - robust.jitter), min(ticks - 1, tick + robust.jitter) + 1) for _, tick in spikes]
    bins = list(itertools.product(free, range(ticks)))
    for missing in _up_to(range(len(spikes)), robust.missing):
        left = [index for index in range(len(spikes)) if index not in missing]
        for places in itertools.product(*(ways[index] for index in left)):
            moved = tuple((*spikes[at], to) for at, to in zip(left, places, strict=True) if to != spikes[at][1])
            for added in _up_to(bins, robust.extra):
                yield Perturbation(moved, tuple(spikes[index] for index in missing), added)


def _up_to(items: Iterable[int] | Iterable[tuple[int, int]], most: int) -> Iterator[tuple]:  # type: ignore[type-arg]
    pool = list(items)
    for count in range(min(most, len(pool)) + 1):
        yield from itertools.combinations(pool, count)
