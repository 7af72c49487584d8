"""Integers of one group, fitted to potentials, and to spikes.

Both fits start at the rounded trained weights and minimise the weighted squared error of the potentials over integers;
the second then walks to integers whose spikes are correct on the bins nearest to the threshold. If a scale may be
chosen, the rounded weights rank the scales by the same error, and the best few are fitted. A weight that no
spike of the samples passes keeps the rounded trained value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.networks.calibration.descent import FEW_MISSES, STEPS, IntegerQuadratic, Margins, descended, walked
from snnprog.networks.calibration.features import GroupBins
from snnprog.networks.calibration.grid import GroupGrid
from snnprog.networks.calibration.groups import nearest_on
from snnprog.rules.linear import LinearRule

SCALES_FITTED = 4
"""Number of best-ranked scales that are fitted; with 8, errors of three nets fell by less than a hundredth."""

PULL = 1e-3
"""Regularisation: bins that each trained weight counts for, per bin of the samples; keeps rarely used weights."""

MOST_WALKS = 32
"""Number of walks for a group that is nearly exact. On a layer for digits at 8 bits, one neuron of 48 kept one wrong
bin after four walks on two of ten splits, which caused 3,500 wrong bins in later layers; with these, none did."""

LEAST_MARGIN = 0.02
"""Minimum margin in steps of a weight; the margin for truncation applies if larger. A choice."""

ROUNDED, POTENTIALS, SPIKES = "rounded", "potentials", "spikes"


@dataclass(frozen=True, eq=False)
class GroupFit:
    """The integers of a group by target of the fit.

    Attributes
    ----------
    integers : mapping of str to GroupIntegers
        For POTENTIALS and SPIKES.
    misses : int
        Number of bins near the threshold that are wrong or miss their margin with the integers fitted to spikes.
    """

    integers: Mapping[str, GroupIntegers]
    misses: int

    @property
    def is_nearly_right(self) -> bool:
        """Whether further walks may find exact integers."""
        return 0 < self.misses <= FEW_MISSES


@dataclass(frozen=True, eq=False)
class GroupIntegers:
    """One group in chip integers.

    Attributes
    ----------
    mantissas, exponents : (parameters,) int
    threshold, bias : int
    scale : float
        Units of the chip's threshold for each unit of the trained weights.
    """

    mantissas: Int64s
    exponents: Int64s
    threshold: int
    bias: int
    scale: float


def integers_of(grid: GroupGrid, values: Floats, unit: int) -> GroupIntegers:
    """Return unknowns on a grid as chip integers."""
    whole = np.rint(values).astype(np.int64)
    bias_step = round(float(grid.size[-1]) * unit)
    return GroupIntegers(whole[:-2], grid.exponents, int(whole[-2]), int(whole[-1]) * bias_step, grid.scale)


def fitted(
    bins: GroupBins,
    choices: Sequence[GroupGrid],
    *,
    kept: Raster,
    linear: LinearRule,
    seed: Sequence[int],
    is_persistent: bool = False,
) -> GroupFit:
    """Return the integers of a group, fitted to potentials and to spikes.

    Parameters
    ----------
    choices : sequence of GroupGrid
        One for each scale.
    kept : (parameters,) bool
        Which weights may differ from 0.
    seed : sequence of int
        Of the walk.
    is_persistent : bool
        Whether to continue walking if few bins are wrong.
    """
    problems = [_problem(bins, grid, kept) for grid in choices]
    starts = [nearest_on(grid, kept) for grid in choices]
    errors = [_error(bins, grid, start) for grid, start in zip(choices, starts, strict=True)]
    ranked = np.argsort(errors, kind="stable")[:SCALES_FITTED].tolist()
    found = {index: descended(problems[index], starts[index]) for index in ranked}
    ranked = sorted(ranked, key=lambda index: (_error(bins, choices[index], found[index]), index))
    descents = [
        _Descent(choices[index], problems[index], _margins(bins, choices[index], linear), found[index])
        for index in ranked
    ]
    right = _right(descents, seed, most=MOST_WALKS if is_persistent else len(descents))
    integers = {
        POTENTIALS: integers_of(choices[ranked[0]], found[ranked[0]], linear.unit),
        SPIKES: integers_of(right.grid, right.values, linear.unit),
    }
    return GroupFit(integers, right.misses)


@dataclass(frozen=True, eq=False)
class _Descent:
    """Integers on a grid, with their problem."""

    grid: GroupGrid
    problem: IntegerQuadratic
    margins: Margins
    values: Floats

    @cached_property
    def misses(self) -> int:
        return self.margins.misses(self.values)

    def walked(self, seed: Sequence[int]) -> _Descent:
        draws = np.random.default_rng(seed).integers(0, 1 << 30, STEPS)
        return replace(self, values=walked(self.problem, self.margins, self.values, draws=draws))


def _right(descents: Sequence[_Descent], seed: Sequence[int], *, most: int) -> _Descent:
    """Walk from several descents in turn while few spikes are wrong; return the integers with the fewest.

    After all of them, further walks start at their ends and at their starts in turn.
    """
    ends: list[_Descent] = []
    for index in range(most):
        place, again = index % len(descents), index // len(descents)
        start = ends[-len(descents)] if again % 2 else descents[place]
        ends.append(start.walked([*seed, index]))
        if not 0 < ends[-1].misses <= FEW_MISSES and (again == 0 or ends[-1].misses == 0):
            break
    return min(ends, key=lambda end: end.misses)


def _error(bins: GroupBins, grid: GroupGrid, values: Floats) -> float:
    """Return the error of integers in units of the trained weights, so that scales can be compared."""
    return bins.error(values * grid.size / grid.scale)


def _problem(bins: GroupBins, grid: GroupGrid, kept: Raster) -> IntegerQuadratic:
    """Return the potentials' error on the grid, in units of the chip's threshold, with its regularisation."""
    hessian = bins.hessian * grid.size[:, None] * grid.size
    slope = bins.slope * grid.size * grid.scale
    weights = np.arange(grid.size.size - 2)
    pull = PULL * hessian[weights, weights]
    hessian[weights, weights] += pull
    slope[:-2] += pull * grid.trained[:-2]
    lower, upper, start = grid.lower.copy(), grid.upper.copy(), nearest_on(grid, kept)
    rests = np.flatnonzero(bins.is_silent | ~kept)
    lower[rests] = upper[rests] = start[rests]
    return IntegerQuadratic(hessian, slope, lower, upper, grid.step)


def _margins(bins: GroupBins, grid: GroupGrid, linear: LinearRule) -> Margins:
    """Return the signed bins near the threshold, with the possible error by truncation, in steps of a weight."""
    near, unit = bins.near, grid.weight_unit
    sign = np.where(near.is_spike, 1.0, -1.0)
    rows = near.rows * (grid.size / unit) * sign[:, None]
    lasting = max(1.0 - float(linear.potential), 1e-6), max(1.0 - float(linear.current), 1e-6)
    lost = linear.losses[1] / lasting[0] + linear.losses[0] / (lasting[0] * lasting[1])
    return Margins(rows, np.full(sign.size, max(min(lost, 1.0) / unit, LEAST_MARGIN)))
