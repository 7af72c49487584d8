"""The minimum bits of each stage within a tolerance, reduced in order of sensitivity.

A stage's sensitivity at some bits is the contribution of its rounded weights to the squared error of potentials near
thresholds, in squared thresholds: half the quadratic form of their Hessian, as in Hessian-aware quantization (Yao et
al. 2021; Lui and Neftci 2021, arXiv:2104.14117), but exact, since potentials are linear in weights. Stages lose one bit
after another, first the stage that saves most bits of memory for its rise in sensitivity, until all have one bit. The
last step of this path whose loss is tolerated on the second part of the samples is found by bisection: the network is
calibrated and evaluated at a few steps. The stage that loses a bit in the step after it keeps that bit, and the others
continue on a path of their own. n stages of b bits take about n log2(n b) calibrations.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Int64s
from snnprog.chips import Chip, find_chip
from snnprog.errors import SpecError
from snnprog.networks.calibration.calibrating import CHOOSING, calibrate, split_samples
from snnprog.networks.calibration.features import group_bins
from snnprog.networks.calibration.grid import grids, precisions_of
from snnprog.networks.calibration.groups import real_group
from snnprog.networks.calibration.report import Calibrated, SampleSplit
from snnprog.networks.calibration.trained import Samples, TrainedLayers

TOLERANCE = 0.01
"""The share of correct classes, or of output spikes, that fewer bits may cost: one point, a choice."""

MOST_CALIBRATIONS = 40
"""Maximum number of calibrations; the fewest bits found until then are the result. A choice: two stages of 15 bits take
at most 10, three stages of 8 bits 13."""


@dataclass(frozen=True)
class BitsTrial:
    """A trial of bits.

    Attributes
    ----------
    bits : tuple of int
        Of each stage.
    loss : float
        On the second part of the samples.
    is_tolerated : bool
    """

    bits: tuple[int, ...]
    loss: float
    is_tolerated: bool


@dataclass(frozen=True, eq=False)
class FewestBits:
    """The result of the search.

    Attributes
    ----------
    result : Calibrated
        At the fewest bits.
    bits : tuple of int
        Of each stage.
    trials : tuple of BitsTrial
        In the order they were made.
    sensitivity : mapping of (stage, bits) to float
    """

    result: Calibrated
    bits: tuple[int, ...]
    trials: tuple[BitsTrial, ...]
    sensitivity: Mapping[tuple[int, int], float]


def loss_of(result: Calibrated) -> float:
    """Return the loss of a network on the second part: of correct classes, or without labels, of output spikes."""
    if result.accuracy is not None:
        return result.accuracy.trained[CHOOSING] - result.accuracy.result[CHOOSING]
    return result.wrong_outputs.choosing / max(result.output_spikes.choosing, 1)


def fewest_bits(
    network: TrainedLayers,
    samples: Samples,
    *,
    chip: str | Chip = "loihi1",
    tolerance: float = TOLERANCE,
    is_exponent_shared: bool | None = None,
    thresholds: Int64s | None = None,
    split: SampleSplit | None = None,
    seed: int = 0,
) -> FewestBits:
    """Return a network at the fewest bits for each stage whose loss on the second part stays within a tolerance.

    Parameters
    ----------
    network, samples, chip, is_exponent_shared, thresholds, split, seed
        As in `calibrate`.
    tolerance : float
        The share of correct classes that may be lost; without labels, wrong output bins divided by output
        spikes.

    Raises
    ------
    SpecError
        If the tolerance is negative, or as in `calibrate`.
    """
    if not tolerance >= 0.0:
        raise SpecError(f"tolerance must be 0 or more, got {tolerance!r}; it is a share of classes or of spikes")
    limits = find_chip(chip)
    parts = split_samples(len(samples), seed) if split is None else split
    costs = sensitivities(
        network, samples.some(parts.fitting), chip=limits, is_exponent_shared=is_exponent_shared, seed=seed
    )
    trials: list[BitsTrial] = []

    def tried(bits: tuple[int, ...]) -> tuple[Calibrated, bool]:
        result = calibrate(
            network,
            samples,
            chip=limits,
            bits=dict(enumerate(bits)),
            is_exponent_shared=is_exponent_shared,
            thresholds=thresholds,
            split=parts,
            seed=seed,
        )
        trials.append(BitsTrial(bits, loss_of(result), loss_of(result) <= tolerance))
        return result, trials[-1].is_tolerated

    room = np.bincount(network.stage_of_group[network.group_of_parameter], minlength=network.n_stages)
    open_stages = set(range(network.n_stages))
    bits = (limits.weight_bits,) * network.n_stages
    best, _ = tried(bits)
    while len(path := _path(bits, open_stages, costs, room)) > 1:
        low, high = 0, len(path) - 1
        while low < high and len(trials) < MOST_CALIBRATIONS:
            middle = (low + high + 1) // 2
            result, is_tolerated = tried(path[middle])
            if is_tolerated:
                best, low = result, middle
            else:
                high = middle - 1
        bits = path[low]
        if len(trials) == MOST_CALIBRATIONS or high == len(path) - 1:
            break
        open_stages.remove(next(stage for stage in open_stages if path[high + 1][stage] != bits[stage]))
    return FewestBits(best, bits, tuple(trials), costs)


def _path(
    bits: tuple[int, ...], open_stages: Set[int], costs: Mapping[tuple[int, int], float], room: Int64s
) -> list[tuple[int, ...]]:
    """Return the bits of all stages, from the given ones to one bit for each open stage, one bit less at each step."""

    def price(stage: int) -> float:
        have = path[-1][stage]
        return float((costs[stage, have - 1] - costs[stage, have]) / room[stage])

    path = [bits]
    while left := [stage for stage in open_stages if path[-1][stage] > 1]:
        cheapest = min(left, key=price)
        path.append(tuple(each - (index == cheapest) for index, each in enumerate(path[-1])))
    return path


def sensitivities(
    network: TrainedLayers, samples: Samples, *, chip: Chip, is_exponent_shared: bool | None, seed: int
) -> dict[tuple[int, int], float]:
    """Return, by stage and bits, the error of potentials from rounding at the best scale, in squared thresholds."""
    costs = {(stage, bits): 0.0 for stage in range(network.n_stages) for bits in range(1, chip.weight_bits + 1)}
    trained = np.concatenate([np.concatenate(samples.inputs), np.concatenate(samples.spikes)], axis=1)
    for group in range(len(network.members)):
        real, stage = real_group(network, samples, group=group, chip=chip), int(network.stage_of_group[group])
        data = group_bins(network, samples, trained, group=group, linear=real.linear, seed=seed)
        for bits in range(1, chip.weight_bits + 1):
            precisions = precisions_of(chip, network.n_stages, bits=bits, is_exponent_shared=is_exponent_shared)
            errors = [data.error(grid.start * grid.size / grid.scale) for grid in grids(real, chip, precisions[stage])]
            costs[stage, bits] += min(errors) / real.threshold**2
    return costs
