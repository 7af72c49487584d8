"""The possible integers of a group of neurons on a chip: mantissas, exponents, thresholds, biases, and scales.

A scale is one unit of the trained weights in units of the chip's threshold. A weight becomes ``mantissa <<
exponent``: either all weights into a group have one exponent, or each has the smallest possible one, as the chip
allows. The threshold of a group follows from its scale, so with few bits the scale of a channel matters most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.chips import Chip
from snnprog.errors import LimitError, SpecError
from snnprog.networks.neuron import LEAST_SHARE, TINY, exponents_up_to
from snnprog.networks.running import REACH_MARGIN
from snnprog.rules.linear import SUBTRACT, LinearRule

# Search range below the scale at which the largest weight has the largest mantissa, by bits: with few
# bits, cutting off the largest weights costs less than losing the small ones. Scales are the inverse of these steps.
# Measured on three nets for digits: the least errors are inside, at .5 of the largest weight for 4 bits, .3 for 2.
LEAST_STEP = {1: 0.10, 2: 0.12, 3: 0.28, 4: 0.42, 5: 0.55, 6: 0.7}
LEAST_STEP_OF_MANY = 0.75
SCALES = 24
"""Number of scales that are tried; a choice, insensitive within × 2."""

OCTAVE = 2.0
"""If each weight has its own exponent, scales an octave apart give the same weights."""

HEADROOM = 0.9
"""The share of the range that rounding uses, so that fitted weights stay in range: a choice."""

MOVED_THRESHOLDS = (1.0, 0.99, 1.01, 0.98, 1.02)
"""Allowed change of a threshold if neurons share thresholds: choices within `THRESHOLD_LEEWAY`."""

THRESHOLD_LEEWAY, BIAS_LEEWAY = 0.125, 0.02
"""Allowed change of threshold and bias in a fit, as a share of the threshold: choices, beyond any fit on digits."""


@dataclass(frozen=True)
class Precision:
    """The bits of the weights of a stage.

    Attributes
    ----------
    bits : int or None
        Bits of a mantissa including its sign, as `Spec.weight_bits`: 1 is ±1, 2 is -1, 0 and 1; None for those
        of the chip.
    is_shared : bool
        Whether all weights into a group have one exponent.
    """

    bits: int | None
    is_shared: bool

    @property
    def is_binary(self) -> bool:
        """Whether a weight is ±1 and never 0."""
        return self.bits == 1

    def limit(self, chip: Chip) -> int:
        """Return the greatest mantissa."""
        if self.bits is None:
            return chip.weight_limit
        return min(chip.weight_limit, max(1, (1 << (self.bits - 1)) - 1))


@dataclass(frozen=True, eq=False)
class RealGroup:
    """One group before rounding.

    Attributes
    ----------
    name : str
    weights : (parameters,) float
    threshold, bias : float
    largest_sum : float
        Maximum sum of the weights of one sign into one of its neurons.
    reach : float
        Maximum magnitude of its potentials on the samples.
    linear : LinearRule
    """

    name: str
    weights: Floats
    threshold: float
    bias: float
    largest_sum: float
    reach: float
    linear: LinearRule


@dataclass(frozen=True, eq=False)
class GroupGrid:
    """The integers that a group may have at one scale, and those nearest to the trained values.

    Unknowns are the mantissas of the weights, then the threshold, then the bias.

    Attributes
    ----------
    scale : float
        Units of the chip's threshold for each unit of the trained weights.
    exponents : (parameters,) int
    start, trained : (unknowns,) float
        The nearest integers, and the trained values, both on this grid.
    lower, upper, step : (unknowns,) float
        An unknown is ``start + k step`` for whole k, within its range.
    size : (unknowns,) float
        The size of one unit of each unknown, in units of the chip's threshold.
    """

    scale: float
    exponents: Int64s
    start: Floats
    trained: Floats
    lower: Floats
    upper: Floats
    step: Floats
    size: Floats

    @property
    def weight_unit(self) -> float:
        """The typical step of a weight of the group, in units of the chip's threshold."""
        return float(np.sqrt((self.size[:-2] ** 2).mean())) if self.size.size > 2 else 1.0


def precisions_of(
    chip: Chip,
    n_stages: int,
    *,
    bits: int | Mapping[int, int | None] | None,
    is_exponent_shared: bool | None,
) -> tuple[Precision, ...]:
    """Return the precision of each stage.

    Raises
    ------
    SpecError
        If bits are given for an unknown stage.
    LimitError
        If the chip does not support these bits.
    """
    by_stage = bits if isinstance(bits, Mapping) else dict.fromkeys(range(n_stages), bits)
    unknown = sorted(set(by_stage) - set(range(n_stages)))
    if unknown:
        raise SpecError(f"bits must be given for stages 0 to {n_stages - 1}, got stage {unknown[0]}")
    for each in by_stage.values():
        if each is not None:
            chip.check_range("bits", each, allowed=(1, chip.weight_bits), hint="the sign is one of the bits")
    is_shared = chip.is_exponent_shared if is_exponent_shared is None else is_exponent_shared
    return tuple(
        Precision(by_stage.get(stage), is_shared or chip.is_exponent_shared or by_stage.get(stage) == 1)
        for stage in range(n_stages)
    )


def grids(group: RealGroup, chip: Chip, precision: Precision, *, thresholds: Int64s | None = None) -> list[GroupGrid]:
    """Return the grids at all scales to try, the one for plain rounding first.

    Parameters
    ----------
    thresholds : (thresholds,) int, optional
        Allowed thresholds; others are used only if none of them fits.

    Raises
    ------
    LimitError
        If no scale brings the threshold into the chip's range.
    """
    if thresholds is not None:
        found = [
            _grid(group, chip, precision, scale=scale, exponent=exponent, threshold=threshold)
            for threshold in thresholds.tolist()
            for scale, exponent in _scales_near(threshold, group, chip, precision)
        ]
        if found:
            return sorted(found, key=_rounding_error)[:SCALES]
    scales = _scales(group, chip, precision)
    return [_grid(group, chip, precision, scale=scale, exponent=exponent) for scale, exponent in scales]


def plain_grid(group: RealGroup, chip: Chip, precision: Precision) -> GroupGrid:
    """Return the grid for plain rounding.

    Raises
    ------
    LimitError
        As `grids`.
    """
    scale, exponent = _scales(group, chip, precision)[0]
    return _grid(group, chip, precision, scale=scale, exponent=exponent)


def _rounding_error(grid: GroupGrid) -> float:
    return float((((grid.start - grid.trained) * grid.size / grid.scale) ** 2).sum())


def _scales_near(threshold: int, group: RealGroup, chip: Chip, precision: Precision) -> list[tuple[float, int]]:
    """Return scales that bring a group's threshold near a given one, with the possible exponents."""
    limit, top = precision.limit(chip), float(np.abs(group.weights).max(initial=0.0))
    if top < group.threshold * LEAST_SHARE:
        return []
    room, (low, high) = _room(group, chip), chip.exponents
    scales = [threshold / group.threshold / moved for moved in MOVED_THRESHOLDS]
    scales = [scale for scale in scales if scale <= room]
    if not precision.is_shared:
        return [(scale, high) for scale in scales if limit * 2.0**low / OCTAVE <= top * scale <= limit * 2.0**high]
    share = LEAST_STEP.get(precision.bits or 0, LEAST_STEP_OF_MANY)
    return [
        (scale, exponent)
        for scale in scales
        for exponent in range(low, high + 1)
        if share <= limit * 2.0**exponent / (top * scale) < OCTAVE
    ]


def _room(group: RealGroup, chip: Chip) -> float:
    """Return the greatest scale at which threshold and bias are in range, and no input takes the state out of range.

    Potentials may reach `REACH_MARGIN` times their maximum on the samples, if that is less than their maximum on any
    input.
    """
    limits, sums = group.linear.limits, max(group.largest_sum, TINY)
    lasting = max(1.0 - float(group.linear.current), TINY)
    current = sums * float(group.linear.gain) / lasting
    forgotten = max(1.0 - float(group.linear.potential), TINY)
    up = current / forgotten if group.linear.reset == SUBTRACT else group.threshold + current
    potential = max(up, current / forgotten) + abs(group.bias) / forgotten
    potential = min(potential, REACH_MARGIN * max(group.reach, group.threshold))
    ends = ((limits.arrivals, sums), (limits.current, current), (limits.potential, potential))
    safe = min(HEADROOM * float(limit) / max(each, TINY) for limit, each in ends)
    return min(safe, _hard_room(group, chip))


def _hard_room(group: RealGroup, chip: Chip) -> float:
    bias = chip.bias_limit / chip.unit / max(abs(group.bias), TINY)
    return min(chip.thresholds[1] / group.threshold / (1 + THRESHOLD_LEEWAY), bias)


def _scales(group: RealGroup, chip: Chip, precision: Precision) -> list[tuple[float, int]]:
    """Return scales with the exponent of all weights, or with the largest allowed one."""
    limit, top = precision.limit(chip), float(np.abs(group.weights).max(initial=0.0))
    if top < group.threshold * LEAST_SHARE:
        return [(min(_room(group, chip), float(chip.thresholds[1])), chip.exponents[0])]
    room, low, high = _room(group, chip), chip.exponents[0], chip.exponents[1]
    least = max(chip.thresholds[0] / group.threshold, 2.0**low / top)
    if not precision.is_shared:
        best = min(room, limit * 2.0**high / top)
        found = [(best / OCTAVE ** (index / SCALES), high) for index in range(SCALES)]
        return _usable(found, group, chip, least=least)
    share = LEAST_STEP.get(precision.bits or 0, LEAST_STEP_OF_MANY)
    steps = share ** (np.arange(SCALES) / (SCALES - 1))
    if precision.is_binary:  # ±1 approximates weights best at their mean magnitude
        steps = np.concatenate([[float(np.abs(group.weights).mean()) / top], steps])
    found = [
        (
            limit * 2.0**exponent / (top * step),
            exponent,
        )
        for step in steps.tolist()
        for exponent in [_exponent(limit / (top * step), room, low=low, high=high)]
    ]
    return _usable(found, group, chip, least=least)


def _exponent(fine: float, room: float, *, low: int, high: int) -> int:
    """Return the largest exponent at which a scale fits."""
    return next((exponent for exponent in range(high, low, -1) if fine * 2.0**exponent <= room), low)


def _usable(found: list[tuple[float, int]], group: RealGroup, chip: Chip, *, least: float) -> list[tuple[float, int]]:
    hard = _hard_room(group, chip)
    least = max(least, 0.5 * 2.0 ** chip.exponents[0] / float(np.abs(group.weights).max()))  # below, all become 0
    usable = [(scale, exponent) for scale, exponent in found if least <= scale <= hard]
    if usable:
        return usable
    coarse = min(max(scale for scale, _ in found), hard)
    if coarse < least:
        raise LimitError(
            f"threshold of {group.name}, in units of the trained weights",
            group.threshold,
            f"{chip.thresholds[0]} to {chip.thresholds[1]} on {chip.name} at a scale that holds the weights",
            "rescale the neuron's weights and threshold, or take a chip with wider weights",
        )
    return [(coarse, found[0][1])]


def _grid(
    group: RealGroup,
    chip: Chip,
    precision: Precision,
    *,
    scale: float,
    exponent: int,
    threshold: int | None = None,
) -> GroupGrid:
    limit, unit = precision.limit(chip), chip.unit
    scaled = group.weights * scale
    exponents = np.full(scaled.size, exponent, np.int64)
    if not precision.is_shared:
        exponents[:] = chip.exponents[0]
        for _ in range(chip.exponents[1] - chip.exponents[0]):
            exponents += (np.rint(np.abs(scaled) / _powers(exponents)) > limit) & (exponents < exponent)
        top = int(exponents.max(initial=chip.exponents[0]))
        allowed = np.array(exponents_up_to(top, chip.exponents[0], limit=limit), np.int64)
        exponents[:] = allowed[np.searchsorted(allowed, exponents)]
    mantissas = np.clip(np.rint(scaled / _powers(exponents)), -limit, limit)
    if precision.is_binary:
        mantissas = np.where(scaled < 0, -1.0, 1.0)
    trained_threshold = group.threshold * scale
    bias_step = _bias_step(chip, (abs(group.bias) + BIAS_LEEWAY * group.threshold) * scale * unit)
    size = np.concatenate([_powers(exponents), [1.0, bias_step / unit]])
    trained = np.concatenate([scaled, [trained_threshold, group.bias * scale]]) / size
    start = np.concatenate([mantissas, np.rint(trained[-2:])])
    start[-2] = np.clip(start[-2], *chip.thresholds) if threshold is None else threshold
    lower, upper = np.full((2, size.size), float(limit))
    lower *= -1.0
    leeway = THRESHOLD_LEEWAY if threshold is None else 0.0
    bias_leeway = BIAS_LEEWAY / size[-1] if chip.bias_limit else 0.0
    reach = np.array([leeway, bias_leeway]) * trained_threshold
    lower[-2:], upper[-2:] = start[-2:] - np.floor(reach), start[-2:] + np.floor(reach)
    lower[-2], upper[-2] = max(lower[-2], chip.thresholds[0]), min(upper[-2], chip.thresholds[1])
    most = chip.bias_limit // bias_step
    lower[-1], upper[-1] = max(lower[-1], -most), min(upper[-1], most)
    step = np.ones(size.size)
    step[:-2] = 2.0 if precision.is_binary else 1.0
    return GroupGrid(scale, exponents, start, trained, np.minimum(lower, start), np.maximum(upper, start), step, size)


def _powers(exponents: Int64s) -> Floats:
    powers: Floats = np.left_shift(1, exponents).astype(np.float64)
    return powers


def _bias_step(chip: Chip, reach: float) -> int:
    """Return the step of the chip's biases up to a magnitude, in units of the potential."""
    exponent = chip.bias_exponents[0]
    while exponent < chip.bias_exponents[1] and chip.bias_mantissas[1] << exponent < reach:
        exponent += 1
    return 1 << exponent
