"""The scale of a neuron's real weights before rounding, which can be chosen for each neuron.

Weights, threshold and bias are multiplied by one factor. If they are a chip's integers already, it is 1. Otherwise
it is the factor with the smallest rounding errors among those for which no value can overflow.
If weights have separate exponents, small weights get small exponents, so that one large weight does not make the
others coarse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from snnprog.arrays import Bools, Floats, Int64s
from snnprog.chips import Chip
from snnprog.errors import LimitError
from snnprog.rounding import half_even
from snnprog.rules.linear import SUBTRACT, LinearRule

WHOLE_SLACK = 1e-9
NOTHING = 1 / 4096
"""Share of a potential that counts as nothing: Loihi's maximum decay."""

TINY = 1e-200
LEAST_SHARE = 1e-12  # of a threshold: smaller weights count as 0
ANY_INPUT, SOME_INPUTS = "any input", "some inputs"

LADDER, LADDER_OF_FEW = (6, 3, 1, 0), (3, 2, 1, 0)
"""Exponents of one neuron's weights relative to the largest: four formats for each sign, of the eight of
one core of Loihi 1 (`snnprog.chips.loihi1`). They are dense near the top, where most of the error is: on a network for
digits, rounded to 8 bits, these give 825 wrong bins, and all exponents 558. With few bits, all are used."""

FINE = 16
"""Maximum mantissa that counts as few bits: a choice, not a measurement."""

WORTH_IT = 4.0
"""Maximum factor by which a proof of the range may increase squared errors of weights: errors
twice as large, one bit. A choice, not a measurement."""

MOST_TRIALS = 1 << 16
"""Number of weights times scales that are tried with one exponent: about 10 ms. A choice, not a measurement."""

SLOWEST = 0.99
"""Number of ticks over which the rounding error of a bias counts, relative to that of weights: a choice."""


@dataclass(frozen=True, eq=False)
class RealNeuron:
    """One neuron before rounding, or several that share their weights.

    Attributes
    ----------
    name : str
        Its name in messages.
    weights : (weights,) float
        One unit of weight adds 1 to the potential in its own tick.
    copies : (weights,) int
        Maximum number of synapses of a neuron with each weight; 0 for weights of other neurons with smaller inputs.
    threshold : float
        Infinite for a neuron that does not spike.
    bias : float
    is_equal_a_spike : bool
        Whether it spikes if its potential equals its threshold.
    rule : LinearRule
        With the chip's decays.
    reach, current_reach : float
        Maximum magnitudes of its potential and current, if known; otherwise infinite.
    """

    name: str
    weights: Floats
    copies: Int64s
    threshold: float
    bias: float
    is_equal_a_spike: bool
    rule: LinearRule
    reach: float = math.inf
    current_reach: float = math.inf

    @property
    def has_other_comparison(self) -> bool:
        """Whether the chip's comparison differs (``>`` and ``>=``), and a neighbouring threshold is equivalent.

        This holds if a potential is a sum of integer weights, because decays keep nothing (Loihi keeps 1/4096), and
        resets do not subtract the threshold.
        """
        rule = self.rule
        is_sum = rule.current == 0 and self.bias == 0.0 and (rule.potential == 1 or rule.potential <= NOTHING)
        is_reset = rule.reset != SUBTRACT or rule.potential <= NOTHING
        return is_sum and is_reset and self.is_equal_a_spike != rule.is_equal_a_spike


@dataclass(frozen=True, eq=False)
class ScaledNeuron:
    """One neuron in chip integers.

    Attributes
    ----------
    mantissas, exponents : (weights,) int
    threshold, bias : int
    scale : float
        Chip units for each unit of the real weights.
    portable_for : str
        The inputs for which its values are proved to stay in the range in which all runtimes agree.
    """

    mantissas: Int64s
    exponents: Int64s
    threshold: int
    bias: int
    scale: float
    portable_for: str


@dataclass(frozen=True)
class Grid:
    """The weights that a neuron may have.

    Attributes
    ----------
    limit : int
        The greatest mantissa.
    exponents : (int, int)
        The least and the greatest exponent.
    has_ladder : bool
        Whether weights of one neuron may have different exponents.
    has_small : bool
        Whether the largest weight may be in the lower half of the mantissas if the threshold is far.
    """

    limit: int
    exponents: tuple[int, int]
    has_ladder: bool
    has_small: bool = True

    def rounded(self, weights: Floats, top: int) -> tuple[Int64s, Int64s]:
        """Return mantissas and exponents up to ``top`` of the nearest weights."""
        steps = exponents_up_to(top, self.exponents[0], limit=self.limit) if self.has_ladder else [top]
        exponents = np.full(weights.shape, top)
        for exponent in reversed(steps):
            exponents[np.abs(weights) <= self.limit * 2.0**exponent] = exponent
        mantissas = np.clip(half_even(weights / 2.0**exponents), -self.limit, self.limit)
        return mantissas, exponents


def exponents_up_to(top: int, least: int, *, limit: int) -> list[int]:
    """Return the possible exponents of weights of one neuron, in ascending order.

    Parameters
    ----------
    top : int
        The greatest in use.
    least : int
        The least of the chip.
    limit : int
        The greatest mantissa.
    """
    ladder = LADDER if limit >= FINE and top - least >= len(LADDER) else LADDER_OF_FEW
    return [top - down for down in ladder if top - down >= least]


def grid_of(chip: Chip, bits: int | None = None) -> Grid:
    """Return the possible weights of neurons of a chip with a number of bits, including the sign."""
    if bits is None:
        return Grid(chip.weight_limit, chip.exponents, has_ladder=not chip.is_exponent_shared)
    return Grid(min(chip.weight_limit, max(1, (1 << (bits - 1)) - 1)), chip.exponents, has_ladder=False)


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
        largest = float(np.abs(neuron.weights).max(initial=0.0))
        raise LimitError(
            f"threshold of {neuron.name}, in units of its largest weight",
            neuron.threshold / max(largest, TINY),
            f"at most {chip.thresholds[1]} on {chip.name}",
            "scale the weights up; no neuron of this chip could reach it",
        )
    return found


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


@dataclass(frozen=True, eq=False)
class Trials:
    """A neuron rounded at several scales, those that bring its threshold and bias into range.

    Attributes
    ----------
    scales, off : (trials,) float
    thresholds, biases : (trials,) int
    mantissas, exponents : (trials, weights) int
    is_portable, is_roomy : (trials,) bool
        Whether runtimes agree for any input, and for the observed range.
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
        """Return the trials with a maximum exponent."""
        trials = cls.of(neuron, chip, grid, top=top, scales=_scales(neuron, grid, top=top))
        if not trials.scales.size and top == grid.exponents[0] and grid.has_small:  # a far threshold, or a strong bias
            return cls.of(neuron, chip, grid, top=top, scales=_small_scales(neuron, chip, grid))
        if top == grid.exponents[0] and grid.has_small and not trials.is_roomy.any():  # an integrator with a wide range
            small = cls.of(neuron, chip, grid, top=top, scales=_small_scales(neuron, chip, grid))
            return small if small.is_roomy.any() else trials
        return trials

    @classmethod
    def of(cls, neuron: RealNeuron, chip: Chip, grid: Grid, *, top: int, scales: Floats) -> Trials:
        """Return the trials at given scales, with a maximum exponent."""
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
        told = partial(_are_portable, neuron, chip, weights=weights, thresholds=thresholds, biases=biases)
        is_portable, is_roomy = told(), told(reach=(neuron.reach * scales, neuron.current_reach * scales))
        return cls(scales, off, thresholds, biases, mantissas, exponents, is_portable, is_portable | is_roomy)

    @property
    def size(self) -> int:
        """Number of trials."""
        return int(self.scales.size)

    def nearest(self) -> ScaledNeuron | None:
        """Return the trial with the smallest error, portable or not; None if there is none."""
        best = self.best(np.ones(self.size, np.bool_))
        return None if best is None else best[1]

    def has_room(self, kind: str) -> Bools:
        """(trials,) Whether each is portable for any input, or for the observed range."""
        return self.is_portable if kind == ANY_INPUT else self.is_roomy

    def best(self, chosen: Bools) -> tuple[float, ScaledNeuron] | None:
        """Return the chosen trial with the smallest error, and the error; None if none is chosen."""
        if not chosen.any():
            return None
        best = int(np.argmin(np.where(chosen, self.off, np.inf)))
        neuron = ScaledNeuron(
            mantissas=self.mantissas[best],
            exponents=self.exponents[best],
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
    """Return scales that put the largest weight in the upper half of the mantissas, with an exponent.

    Doubling a mantissa of the lower half gives one on a grid twice as fine.
    """
    largest = float(np.abs(neuron.weights).max(initial=0.0))
    if largest == 0.0 or largest < LEAST_SHARE * neuron.threshold < math.inf:
        return np.zeros(0) if largest or neuron.bias or math.isfinite(neuron.threshold) else np.ones(1)
    least = grid.limit // 2 + 1
    step = max(1, (grid.limit + 1 - least) * neuron.weights.size // MOST_TRIALS)
    return np.arange(grid.limit, least - 1, -step)[::-1].astype(np.float64) * (2.0**top / largest)


def _small_scales(neuron: RealNeuron, chip: Chip, grid: Grid) -> Floats:
    """Return scales that put the largest weight in the lower half of the mantissas, or make it 0."""
    largest, room = float(np.abs(neuron.weights).max(initial=0.0)), _room(neuron, chip)
    if largest == 0.0 or largest < LEAST_SHARE * neuron.threshold < math.inf:
        return np.array([min(room, 2.0 ** math.floor(math.log2(room)))])
    least = grid.exponents[0]
    return np.arange(1, grid.limit // 2 + 1).astype(np.float64) * (2.0**least / largest)


def _room(neuron: RealNeuron, chip: Chip) -> float:
    """Return the largest scale with which threshold and bias are in the chip's ranges."""
    bias = chip.bias_limit / chip.unit / max(abs(neuron.bias), TINY)
    return min(chip.thresholds[1] / neuron.threshold, bias) if math.isfinite(neuron.threshold) else bias


def thresholds_at(neuron: RealNeuron, chip: Chip, scales: Floats) -> Floats:
    """Return integer thresholds at some scales; the chip's maximum for a neuron that does not spike.

    Where the network compares otherwise than the chip, the neighbouring threshold makes up for it if potentials are
    sums of whole weights. Elsewhere that only matters where a potential equals the threshold.
    """
    if not math.isfinite(neuron.threshold):
        return np.full(scales.size, float(chip.thresholds[1]))
    thresholds = neuron.threshold * scales
    if not neuron.has_other_comparison:
        return np.rint(thresholds)
    return np.ceil(thresholds) - 1.0 if neuron.is_equal_a_spike else np.floor(thresholds) + 1.0


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
    is_portable = _are_portable(neuron, chip, **columns, biases=np.array([bias]))[0]
    return ScaledNeuron(
        weights >> exponents, exponents, threshold, bias, scale, ANY_INPUT if is_portable else SOME_INPUTS
    )


def _are_portable(
    neuron: RealNeuron,
    chip: Chip,
    *,
    weights: Floats,
    thresholds: Int64s,
    biases: Int64s,
    reach: tuple[Floats, Floats] | None = None,
) -> Bools:
    """Return for each row whether arrivals, current and potential stay where all runtimes agree, for any input.

    ``reach`` limits potentials and currents to an observed range.
    """
    rule = neuron.rule
    limits, each = rule.limits, weights * neuron.copies
    up, down = np.maximum(each, 0.0).sum(axis=1), np.maximum(-each, 0.0).sum(axis=1)
    gain, current, potential = float(rule.gain), float(rule.current), float(rule.potential)
    constant = biases / chip.unit
    with np.errstate(over="ignore"):  # without leak there is no bound
        current_up, current_down = (gain * side / max(1.0 - current, TINY) for side in (up, down))
        drive = current_up + np.maximum(constant, 0.0)
        potential_down = (current_down + np.maximum(-constant, 0.0)) / max(1.0 - potential, TINY)
        potential_up = drive / max(1.0 - potential, TINY)
    if math.isfinite(neuron.threshold):  # with resets by subtraction, only a drive below the threshold is bounded
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
