"""The cheapest raster that no known refusal excludes, by a binary program.

Solved again after each refusal, it finds the cheapest raster that can be given, once it names one that can, or proves
that none can (the implicit hitting set method of Moreno-Centeno and Karp, Operations Research 61, 2013, 453-468).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, diags, vstack

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.design.rasters.judge import Ruling
from snnprog.solver import LinearProgram, choose


@dataclass(frozen=True, eq=False)
class Apart:
    """Minimum distance of two spikes of an output in one pattern, in ticks.

    Attributes
    ----------
    pattern : (ticks,) int
        Which pattern each tick belongs to.
    ticks : int
    """

    pattern: Int64s
    ticks: int

    def rows(self, bins: Int64s, n_outputs: int, n_bins: int) -> csr_matrix:
        """Return for each of some bins those that share a spike with it: it, and as many after it as are too near."""
        near = bins[:, None] + np.arange(self.ticks) * n_outputs
        tick = np.minimum(near, n_bins - 1) // n_outputs
        row, place = np.nonzero((near < n_bins) & (self.pattern[tick] == self.pattern[tick[:, :1]]))
        return csr_matrix((np.ones(row.size), (row, near[row, place])), shape=(bins.size, n_bins))


class Choices:
    """Rasters, each given by choices x of 0 or 1: ``base + effect @ x``, at the price ``costs @ x``.

    Parameters
    ----------
    base : (ticks, outputs) bool
    effect : (ticks * outputs, choices) sparse
        What each choice adds to each bin.
    costs : (choices,) float
    rows, least : (rows, choices) sparse and (rows,) float
        ``rows @ x >= least`` holds for every raster that is meant.
    """

    def __init__(self, base: Raster, effect: csr_matrix, costs: Floats, rows: csr_matrix, least: Floats) -> None:
        self._base, self._effect, self._costs = base, effect, costs
        self._rows, self._least = [rows], [least]

    def refuse(self, raster: Raster, verdict: Ruling) -> None:
        """Exclude all rasters that equal a refused one in the bins that matter."""
        bins = np.flatnonzero(verdict.ground)
        values = raster.ravel()[bins]
        signs = np.where(values, -1.0, 1.0)
        least = 1.0 - values.sum() - signs @ self._base.ravel()[bins]
        self._rows.append(csr_matrix(signs @ self._effect[bins]))
        self._least.append(np.array([least]))

    def cheapest(self) -> tuple[Raster, float] | None:
        """Return the cheapest raster left, and its cost; None if none is left.

        Raises
        ------
        SolverError
            If the solver fails.
        """
        program = LinearProgram(
            objective=-self._costs,
            matrix=vstack(self._rows, format="csr"),
            least=np.concatenate(self._least),
            lower=np.zeros(self._costs.size),
            upper=np.ones(self._costs.size),
        )
        chosen = choose(program)
        if chosen is None:
            return None
        raster: Raster = (self._base.ravel() + self._effect @ chosen > 0.5).reshape(self._base.shape)
        return raster, float(self._costs @ chosen)


def changes_of(target: Raster, costs: Floats) -> Choices:
    """Return all rasters (ticks, outputs); each bin that is changed has a cost, an integer."""
    effect = diags(1.0 - 2.0 * target.ravel()).tocsr()
    return Choices(target, effect, costs.ravel(), csr_matrix((0, target.size)), np.zeros(0))


def spikes_in(base: Raster, outputs: Sequence[int], *, windows: Int64s, apart: Apart) -> Choices:
    """Return all rasters that have, beside ``base``, a spike in each window, of the output given for it.

    They all cost nothing: which is found first is the solver's affair. ``windows`` is (spikes, 2) first and last ticks.
    """
    spike, tick = [], []
    for index, (first, last) in enumerate(windows.tolist()):
        ticks = range(first, last + 1)
        spike += [index] * len(ticks)
        tick += list(ticks)
    n_choices, output = len(tick), np.array(outputs, dtype=np.int64)
    bins = np.array(tick, dtype=np.int64) * base.shape[1] + output[spike]
    numbers, ones = np.arange(n_choices), np.ones(n_choices)
    effect = csr_matrix((ones, (bins, numbers)), shape=(base.size, n_choices))
    once = csr_matrix((ones, (spike, numbers)), shape=(len(windows), n_choices))
    near = apart.rows(np.unique(bins), base.shape[1], base.size)
    rows = vstack([once, -once, -(near @ effect)], format="csr")
    least = np.concatenate([np.ones(len(windows)), -np.ones(len(windows)), near @ base.ravel() - 1.0])
    return Choices(base, effect, np.zeros(n_choices), rows, least)
