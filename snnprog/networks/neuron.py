"""One neuron of a trained network before and after it is rounded, and the weights that it may have."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.chips import Chip
from snnprog.rounding import half_even
from snnprog.rules.linear import SUBTRACT, LinearRule

NOTHING = 1 / 4096
"""What is kept of a potential where that is as good as nothing: Loihi's greatest decay."""

TINY = 1e-200
LEAST_SHARE = 1e-12  # of a threshold: smaller weights are none
ANY_INPUT, SOME_INPUTS = "any input", "some inputs"

LADDER, LADDER_OF_FEW = (6, 3, 1, 0), (3, 2, 1, 0)
"""How far exponents of one neuron's weights may be below the greatest: four formats for each sign, of the eight that
one core of Loihi 1 holds (`snnprog.chips.loihi1`). Closest near the top, where most of the error is: on a network for
digits, rounded to 8 bits, these leave 825 wrong bins, and all exponents 558. With few bits, none is to spare."""

FINE = 16
"""Mantissas below that are few bits: a choice, not a measurement."""


@dataclass(frozen=True, eq=False)
class RealNeuron:
    """One neuron before it is rounded, or several that share their weights.

    Attributes
    ----------
    name : str
        How messages call it.
    weights : (weights,) float
        What one unit of weight adds to the potential in its own tick is 1.
    copies : (weights,) int
        How many synapses of a neuron carry each weight at most; 0 for weights of other neurons that are driven less.
    threshold : float
        Infinite for a neuron that does not spike.
    bias : float
    is_equal_a_spike : bool
        Whether it spikes where its potential is its threshold.
    rule : LinearRule
        With the decays that the chip has.
    reach, current_reach : float
        How far its potential and its current are from 0 at most, as far as is known; infinite where nothing is.
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
        """Whether the chip compares otherwise (``>`` and ``>=``), and a neighbouring threshold makes up for it.

        That is where a potential is a sum of whole weights, as nothing decays but all at once (Loihi keeps 1/4096), and
        where no reset subtracts the threshold.
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
        Over which inputs its widths are proved to stay where all runtimes agree.
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
        Whether the largest weight may be one of the lesser half of the mantissas, where the threshold is far.
    """

    limit: int
    exponents: tuple[int, int]
    has_ladder: bool
    has_small: bool = True

    def rounded(self, weights: Floats, top: int) -> tuple[Int64s, Int64s]:
        """Return mantissas and exponents up to ``top`` of the weights that are nearest."""
        steps = exponents_up_to(top, self.exponents[0], limit=self.limit) if self.has_ladder else [top]
        exponents = np.full(weights.shape, top)
        for exponent in reversed(steps):
            exponents[np.abs(weights) < (self.limit + 0.5) * 2.0**exponent] = exponent
        mantissas = np.clip(half_even(weights / 2.0**exponents), -self.limit, self.limit)
        return mantissas, exponents


def exponents_up_to(top: int, least: int, *, limit: int) -> list[int]:
    """Return the exponents that weights of one neuron may have, in rising order.

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


def grid_of(chip: Chip, bits: int | None = None, *, has_own_exponents: bool = True) -> Grid:
    """Return the weights that neurons of a chip may have, with so many bits, the sign among them.

    Weights of fewer bits than the chip has share an exponent if they are to have none of their own.
    """
    has_own = has_own_exponents and bits != 1
    limit = chip.weight_limit if bits is None else min(chip.weight_limit, max(1, (1 << (bits - 1)) - 1))
    return Grid(limit, chip.exponents, has_ladder=not chip.is_exponent_shared and (bits is None or has_own))
