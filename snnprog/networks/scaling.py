"""The scale of a neuron's real weights before rounding, which can be chosen for each neuron.

Weights, threshold and bias are multiplied by one factor. If they are a chip's integers already, it is 1. Otherwise
it is the factor with the smallest rounding errors among those for which no value can overflow.
If weights have separate exponents, small weights get small exponents, so that one large weight does not make the
others coarse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, partial

import numpy as np

from snnprog.chips import Chip
from snnprog.errors import LimitError
from snnprog.networks.neuron import ANY_INPUT, SOME_INPUTS, TINY, Grid, RealNeuron, ScaledNeuron
from snnprog.networks.trials import Trials, are_portable, thresholds_at

WHOLE_SLACK = 1e-9

WORTH_IT = 4.0
"""Maximum factor by which a proof of the range may increase squared errors of weights: errors
twice as large, one bit. A choice, not a measurement."""


def scaled(neuron: RealNeuron, chip: Chip, *, grid: Grid) -> ScaledNeuron:
    """Return a neuron in chip integers.

    Raises
    ------
    LimitError
        If no scale brings its threshold and bias into the chip's ranges.
    """
    as_it_is = _whole(neuron, chip, grid)
    if as_it_is is not None:
        return as_it_is
    found = _best(neuron, chip, grid)
    if found is None:
        raise _out_of_range(neuron, chip, grid)
    return found


def _out_of_range(neuron: RealNeuron, chip: Chip, grid: Grid) -> LimitError:
    largest = float(np.abs(neuron.weights).max(initial=0.0))
    share = neuron.threshold / max(largest, TINY)
    least = chip.thresholds[0] / (grid.limit * 2.0 ** grid.exponents[1])
    item = f"threshold of {neuron.name}, in units of its largest weight,"
    if share < least:
        return LimitError(item, share, f"at least {least:.3g} on {chip.name}", "scale its largest weights down")
    allowed = f"at most {chip.thresholds[1]} on {chip.name}"
    return LimitError(item, share, allowed, "scale the weights up or check dt_ms; no neuron here could reach it")


def scaled_alike(neurons: Sequence[RealNeuron], chip: Chip, *, grid: Grid) -> list[ScaledNeuron]:
    """Return neurons at one scale, the smallest of their best ones, so that their potentials can be compared.

    Raises
    ------
    LimitError
        If no scale brings a bias into the chip's range.
    """
    own = [scaled(neuron, chip, grid=grid) for neuron in neurons]
    least = min((each.scale for each in own if each.mantissas.any()), default=1.0)
    return [
        each if each.scale == least else at_scale(neuron, chip, grid, scale=least) or each
        for neuron, each in zip(neurons, own, strict=True)
    ]


def at_scale(neuron: RealNeuron, chip: Chip, grid: Grid, *, scale: float) -> ScaledNeuron | None:
    """Return a neuron at a scale, with the least exponents that hold its weights; None if its bias is out of range."""
    top = least_exponent(neuron, grid, scale=scale)
    trials = Trials.of(neuron, chip, grid, top=grid.exponents[1] if top is None else top, scales=np.array([scale]))
    return trials.nearest()


def least_exponent(neuron: RealNeuron, grid: Grid, *, scale: float) -> int | None:
    """Return the least exponent that holds the weights of a neuron at a scale; None if the greatest does not."""
    largest, (low, high) = float(np.abs(neuron.weights).max(initial=0.0)) * scale, grid.exponents
    return next((each for each in range(low, high + 1) if largest <= grid.limit * 2.0**each), None)


def _best(neuron: RealNeuron, chip: Chip, grid: Grid) -> ScaledNeuron | None:
    """Return the neuron at the best of all scales, or None if its threshold or bias is out of range at all of them.

    The best scale that is portable for any input, unless that makes weights much coarser than one that allows the
    observed range of the potential; if there is neither, the most accurate of the smallest ones.
    """
    trials = cache(partial(Trials.at, neuron, chip, grid))
    proved = _best_with_room(trials, grid, ANY_INPUT)
    seen = _best_with_room(trials, grid, SOME_INPUTS)
    worth_it = WORTH_IT if math.isfinite(neuron.threshold) else 1.0  # every bit of a readout matters
    if proved is not None and (seen is None or proved[0] <= worth_it * seen[0]):
        return proved[1]
    if seen is not None:
        return seen[1]
    smallest = next((trials(top) for top in range(grid.exponents[0], grid.exponents[1] + 1) if trials(top).size), None)
    return None if smallest is None else smallest.nearest()


def _best_with_room(trials: Callable[[int], Trials], grid: Grid, kind: str) -> tuple[float, ScaledNeuron] | None:
    """Return the best scale of a kind and its error; None if there is no scale of that kind.

    A neuron that fits at a scale also fits at smaller ones. So there is none if the smallest exponent with thresholds
    in range has none. Otherwise the largest exponent that has one is best, as its grids are the finest; near its
    limit, where only some scales fit, the next one may be better.
    """
    found = []
    lowest = trials(grid.exponents[0])
    if lowest.has_room(kind).any() or not lowest.size:
        for top in range(grid.exponents[1], grid.exponents[0] - 1, -1):
            best = trials(top).best(trials(top).has_room(kind))
            found += [] if best is None else [best]
            if len(found) == 2:
                break
    return min(found, key=lambda each: each[0]) if found else None


def _whole(neuron: RealNeuron, chip: Chip, grid: Grid) -> ScaledNeuron | None:
    """Return the neuron if its numbers are the chip's integers already.

    For a neighbouring threshold they are doubled if they fit, so that it lies halfway between two potentials.
    """
    scales = (2.0, 1.0) if neuron.has_other_comparison else (1.0,)
    return next((found for scale in scales if (found := _whole_at(neuron, chip, grid, scale=scale)) is not None), None)


def _whole_at(neuron: RealNeuron, chip: Chip, grid: Grid, *, scale: float) -> ScaledNeuron | None:
    unit = chip.unit
    threshold = int(thresholds_at(neuron, chip, np.full(1, scale))[0])
    own = [neuron.threshold] if math.isfinite(neuron.threshold) else []
    numbers = np.concatenate([neuron.weights, own, [neuron.bias * unit]])
    whole = np.rint(numbers)
    if (np.abs(numbers - whole) > WHOLE_SLACK * np.maximum(np.abs(numbers), 1.0)).any():
        return None
    if (np.abs(whole) * scale > 2**62).any():
        return None
    weights, bias = (whole[: neuron.weights.size] * scale).astype(np.int64), int(whole[-1] * scale)
    exponents = np.zeros(weights.size, dtype=np.int64)
    for _ in range(grid.exponents[1]):
        exponents += np.abs(weights) > grid.limit << exponents
    if not grid.has_ladder:
        exponents[:] = max(exponents.max(initial=0), grid.exponents[0])
    is_held = (np.abs(weights) <= grid.limit << exponents) & (weights % (1 << exponents) == 0)
    if not is_held.all() or not chip.thresholds[0] <= threshold <= chip.thresholds[1] or not chip.is_bias(bias):
        return None
    columns = {"weights": weights[None].astype(np.float64), "thresholds": np.array([threshold])}
    is_portable = are_portable(neuron, chip, **columns, biases=np.array([bias]))[0]
    return ScaledNeuron(
        weights >> exponents, exponents, threshold, bias, scale, ANY_INPUT if is_portable else SOME_INPUTS
    )
