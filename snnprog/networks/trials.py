"""A neuron rounded at several scales: what each holds, how far it is off, and whether registers have room for it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from snnprog.arrays import Bools, Floats, Int64s
from snnprog.chips import Chip
from snnprog.networks.neuron import ANY_INPUT, LEAST_SHARE, SOME_INPUTS, TINY, Grid, RealNeuron, ScaledNeuron

MOST_TRIALS = 1 << 16
"""Weights times scales that are tried with one exponent: some 10 ms. A choice, not a measurement."""

FEWEST_SMALL = 16
"""Small scales that are tried at least, however many weights there are: one for each octave of the widest mantissas
(14 bits beside the sign)."""

SLOWEST = 0.99
"""A bias is taken to last 100 ticks at most when its rounding is weighed against that of weights: a choice."""


@dataclass(frozen=True, eq=False)
class Trials:
    """A neuron rounded at several scales, those that bring its threshold and bias into range.

    Attributes
    ----------
    scales, off : (trials,) float
    thresholds, biases : (trials,) int
    mantissas, exponents : (trials, weights) int
    is_portable, is_roomy : (trials,) bool
        Whether no input takes it where runtimes differ, and whether what was seen does not.
    """

    scales: Floats
    off: Floats
    thresholds: Int64s
    biases: Int64s
    mantissas: Int64s
    exponents: Int64s
    is_portable: Bools
    is_roomy: Bools

    @classmethod
    def at(cls, neuron: RealNeuron, chip: Chip, grid: Grid, top: int) -> Trials:
        """Return the trials with a greatest exponent."""
        trials = cls.of(neuron, chip, grid, top=top, scales=_scales(neuron, grid, top=top))
        if not trials.scales.size and top == grid.exponents[0] and grid.has_small:  # a far threshold, or a strong bias
            return cls.of(neuron, chip, grid, top=top, scales=_small_scales(neuron, chip, grid))
        if top == grid.exponents[0] and grid.has_small and not trials.is_roomy.any():  # an integrator that goes far
            small = cls.of(neuron, chip, grid, top=top, scales=_small_scales(neuron, chip, grid))
            return small if small.is_roomy.any() else trials
        return trials

    @classmethod
    def of(cls, neuron: RealNeuron, chip: Chip, grid: Grid, *, top: int, scales: Floats) -> Trials:
        """Return the trials at given scales, with a greatest exponent."""
        scales, thresholds = _held(neuron, chip, scales)
        wanted = neuron.bias * scales * chip.unit
        biases = np.zeros(scales.size, np.int64)
        if neuron.bias:
            biases[:] = [chip.nearest_bias(float(bias)) for bias in wanted]
        mantissas, exponents = grid.rounded(neuron.weights * scales[:, None], top)
        weights = mantissas.astype(np.float64) * 2.0**exponents
        lasting = 1.0 / (1.0 - min(float(neuron.rule.potential), SLOWEST))
        off = ((weights / scales[:, None] - neuron.weights) ** 2).sum(axis=1)
        off += ((biases - wanted) / chip.unit / scales * lasting) ** 2
        if math.isfinite(neuron.threshold):
            off += (thresholds / scales - neuron.threshold) ** 2
        check = partial(are_portable, neuron, chip, weights=weights, thresholds=thresholds, biases=biases)
        is_portable, is_roomy = check(), check(reach=(neuron.reach * scales, neuron.current_reach * scales))
        return cls(scales, off, thresholds, biases, mantissas, exponents, is_portable, is_portable | is_roomy)

    @property
    def size(self) -> int:
        """Number of trials."""
        return int(self.scales.size)

    def nearest(self) -> ScaledNeuron | None:
        """Return the trial that is least off, whatever room it has; None where there is none."""
        best = self.best(np.ones(self.size, np.bool_))
        return None if best is None else best[1]

    def has_room(self, kind: str) -> Bools:
        """(trials,) Whether each is portable for any input, or for what was seen."""
        return self.is_portable if kind == ANY_INPUT else self.is_roomy

    def best(self, chosen: Bools) -> tuple[float, ScaledNeuron] | None:
        """Return the trial of some chosen ones that is least off, and how far; None where none is chosen."""
        if not chosen.any():
            return None
        best = int(np.argmin(np.where(chosen, self.off, np.inf)))
        neuron = ScaledNeuron(
            mantissas=self.mantissas[best].copy(),  # a view would keep those of all trials in memory
            exponents=self.exponents[best].copy(),
            threshold=int(self.thresholds[best]),
            bias=int(self.biases[best]),
            scale=float(self.scales[best]),
            portable_for=ANY_INPUT if self.is_portable[best] else SOME_INPUTS,
        )
        return float(self.off[best]), neuron


def _held(neuron: RealNeuron, chip: Chip, scales: Floats) -> tuple[Floats, Int64s]:
    """Return the scales that bring threshold and bias into the chip's ranges, and the thresholds."""
    thresholds = thresholds_at(neuron, chip, scales)
    is_held = (chip.thresholds[0] <= thresholds) & (thresholds <= chip.thresholds[1])
    is_held &= np.abs(neuron.bias * scales * chip.unit) <= chip.bias_limit
    return scales[is_held], thresholds[is_held].astype(np.int64)


def _scales(neuron: RealNeuron, grid: Grid, *, top: int) -> Floats:
    """Return scales that make the largest weight one of the greater half of the mantissas, with an exponent.

    A mantissa of the lesser half is, doubled, another on a grid twice as fine.
    """
    largest = float(np.abs(neuron.weights).max(initial=0.0))
    if largest == 0.0 or largest < LEAST_SHARE * neuron.threshold < math.inf:
        return np.zeros(0) if largest or neuron.bias or math.isfinite(neuron.threshold) else np.ones(1)
    least = grid.limit // 2 + 1
    step = max(1, (grid.limit + 1 - least) * neuron.weights.size // MOST_TRIALS)
    return np.arange(grid.limit, least - 1, -step)[::-1].astype(np.float64) * (2.0**top / largest)


def _small_scales(neuron: RealNeuron, chip: Chip, grid: Grid) -> Floats:
    """Return scales that make the largest weight one of the lesser half of the mantissas, or none at all.

    Where these are too many to try, those that are tried lie in equal ratios.
    """
    largest, room = float(np.abs(neuron.weights).max(initial=0.0)), _room(neuron, chip)
    if largest == 0.0 or largest < LEAST_SHARE * neuron.threshold < math.inf:
        return np.array([min(room, 2.0 ** math.floor(math.log2(room)))])
    least, half = grid.exponents[0], grid.limit // 2
    some = np.geomspace(1.0, max(half, 1), max(MOST_TRIALS // neuron.weights.size, FEWEST_SMALL))
    mantissas = np.arange(1.0, half + 1.0) if half <= some.size else np.unique(np.rint(some))
    scales: Floats = mantissas.astype(np.float64) * (2.0**least / largest)
    return scales


def _room(neuron: RealNeuron, chip: Chip) -> float:
    """Return the greatest scale with which threshold and bias are in the chip's ranges."""
    bias = chip.bias_limit / chip.unit / max(abs(neuron.bias), TINY)
    return min(chip.thresholds[1] / neuron.threshold, bias) if math.isfinite(neuron.threshold) else bias


def thresholds_at(neuron: RealNeuron, chip: Chip, scales: Floats) -> Floats:
    """Return whole thresholds at some scales; the chip's greatest for a neuron that does not spike.

    Where the network compares otherwise than the chip, the neighbouring threshold makes up for it if potentials are
    sums of whole weights. Elsewhere that only matters where a potential equals the threshold.
    """
    if not math.isfinite(neuron.threshold):
        return np.full(scales.size, float(chip.thresholds[1]))
    thresholds = neuron.threshold * scales
    if not neuron.has_other_comparison:
        return np.rint(thresholds)
    return np.ceil(thresholds) - 1.0 if neuron.is_equal_a_spike else np.floor(thresholds) + 1.0


def are_portable(
    neuron: RealNeuron,
    chip: Chip,
    *,
    weights: Floats,
    thresholds: Int64s,
    biases: Int64s,
    reach: tuple[Floats, Floats] | None = None,
) -> Bools:
    """Tell of each row whether no input takes arrivals, current or potential beyond where all runtimes agree.

    With ``reach``, of potentials and currents, these are taken to reach that far, and no further.
    """
    rule = neuron.rule
    limits, each = rule.limits, weights * neuron.copies
    up, down = np.maximum(each, 0.0).sum(axis=1), np.maximum(-each, 0.0).sum(axis=1)
    gain, current, potential = float(rule.gain), float(rule.current), float(rule.potential)
    constant = biases / chip.unit
    with np.errstate(over="ignore"):  # where nothing leaks, there is no bound
        current_up, current_down = (gain * side / max(1.0 - current, TINY) for side in (up, down))
        drive = current_up + np.maximum(constant, 0.0)
        potential_down = (current_down + np.maximum(-constant, 0.0)) / max(1.0 - potential, TINY)
        potential_up = drive / max(1.0 - potential, TINY)
    if math.isfinite(neuron.threshold):  # where a reset leaves something, only a drive below the threshold is bounded
        is_bounded = rule.is_reset_to_zero | (drive <= thresholds)
        potential_up = np.where(is_bounded, thresholds + drive, potential_up)
    if reach is not None:
        potential_up = potential_down = reach[0]
        current_up = current_down = reach[1]
    are_portable: Bools = (
        (np.maximum(up, down) < float(limits.arrivals))
        & (np.maximum(current_up, current_down) < float(limits.current))
        & (np.maximum(potential_up, potential_down) < float(limits.potential))
    )
    return are_portable
