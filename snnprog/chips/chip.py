"""The description of a chip: number formats and limits as data, and one integer rule (`snnprog.rules`).

All ranges are inclusive pairs ``(least, greatest)``. A chip has no methods to override: all differences
between chips are in fields, so that a program file can contain its chip.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from snnprog.arrays import Floats, Int64s, Integers
from snnprog.calls import call_checked
from snnprog.chips.core import UNKNOWN, Core, Energy
from snnprog.chips.layers import Layers, Wiring
from snnprog.errors import LimitError, SpecError
from snnprog.rounding import half_even_integer
from snnprog.rules.fpga import FPGA_RULES
from snnprog.rules.limits import MOST_SHIFT, TITLE, check_limits
from snnprog.rules.linear import LinearRule, linear_rule
from snnprog.rules.loihi import LOIHI_RULE
from snnprog.rules.rule import Rule
from snnprog.rules.typed import convert_fields
from snnprog.rules.xylo import XYLO_RULE
from snnprog.wording import range_in_words

Range = tuple[int, int]

LONGEST_DELAY = 1024
"""In ticks: simulators store one value per neuron for each tick of delay. Loihi has 63."""

WIDEST = 1 << 31
"""The input from one synapse, and a bias, fit in 32 bits: program files have arrays of these."""

RULES = {rule.name: rule for rule in (LOIHI_RULE, XYLO_RULE, *FPGA_RULES)}
"""The built-in rules by name; backends list the names of the rules that they execute."""


def _steps_of(rule: Rule) -> tuple[object, ...]:
    """Return everything that a rule's name implies, except ranges, which a chip may narrow."""
    return rule.registers, rule.gather, rule.steps, rule.watched, rule.constants


@call_checked
@dataclass(frozen=True)
class WeightRanges:
    """The ranges of a weight's mantissa, for each sign mode.

    Attributes
    ----------
    mixed : (int, int)
        Range of weights of either sign.
    excitatory, inhibitory : (int, int)
        Ranges of non-negative and of non-positive weights.
    mixed_step : int
        Weights of either sign are multiples of it.
    """

    mixed: Range
    excitatory: Range
    inhibitory: Range
    mixed_step: int = 1

    def __post_init__(self) -> None:
        convert_fields(self, "weight ranges")

    def of(self, mode: str) -> Range:
        """Return the range of a sign mode, "mixed", "excitatory" or "inhibitory"."""
        found: Range = getattr(self, mode)
        return found


@call_checked
@dataclass(frozen=True, repr=False)
class Chip:
    """The rule and the limits of one chip; the module that defines an instance cites the source of each field.

    Attributes
    ----------
    name : str
    rule : Rule
        The integer rule of a tick; it defines the ranges of thresholds, decays and refractory periods.
    delays : (int, int)
        In ticks; a spike at tick t acts at tick t + delay, so the minimum is 1.
    weight_ranges : WeightRanges
    weight_bits : int
        The maximum of `Spec.weight_bits`.
    exponents : (int, int)
        A synapse adds ``mantissa << exponent``.
    design_exponents : tuple of int
        The exponents that weights are designed for, in the order tried, from the finest to the widest.
    usual_decays : (int, int)
        Default (current decay, potential decay).
    bias_mantissas, bias_exponents : (int, int)
        A bias is ``mantissa << exponent``; the range of mantissas is symmetric.
    free_bias_exponents : (int, int)
        The range of ``bias_exponents`` for a designed bias.
    is_exponent_shared : bool
        Whether all weights into a layer of neurons have the same exponent.
    layers : Layers or None
        The limits of a chip with separate hidden and readout layers.
    cores : int or None
        Number of cores of one chip, if known.
    core : Core
        The limits of one core.
    energy : Energy or None
        Published energies per operation, if any.

    Raises
    ------
    SpecError
        If the fields are inconsistent.
    """

    name: str
    rule: Rule
    delays: Range
    weight_ranges: WeightRanges
    weight_bits: int
    exponents: Range = (0, 0)
    design_exponents: tuple[int, ...] = (0,)
    usual_decays: Range = (0, 0)
    bias_mantissas: Range = (0, 0)
    bias_exponents: Range = (0, 0)
    free_bias_exponents: Range = (0, 0)
    is_exponent_shared: bool = False
    layers: Layers | None = None
    cores: int | None = field(default=None, kw_only=True)
    core: Core = field(default=UNKNOWN, kw_only=True)
    energy: Energy | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        convert_fields(self, f"chip {self.name}")
        check_limits(self.rule)
        for item, ok, allowed in self._demands():
            if not ok:
                found = "" if item in ("rule", "core") else f", got {getattr(self, item)}"
                raise SpecError(f"{item} of chip {self.name} must be {allowed}{found}")

    def __repr__(self) -> str:
        return f"<Chip {self.name}>"

    def _demands(self) -> Iterator[tuple[str, bool, str]]:
        """Yield the condition of each field: its name, whether it is satisfied, and what is allowed."""
        yield "name", bool(TITLE.fullmatch(self.name)), "up to 64 letters, digits and any of . _ + -"
        ranges = self.weight_ranges
        for mode in ("mixed", "excitatory", "inhibitory"):
            low, high = ranges.of(mode)
            yield "weight_ranges", low <= 0 <= high, "ranges around 0"
        yield "weight_ranges", ranges.excitatory[0] == 0 == ranges.inhibitory[1], "of one sign but for mixed"
        yield "weight_ranges", self.weight_limit >= 1, "ranges that include -1 to 1"
        yield "weight_ranges", 1 <= ranges.mixed_step <= self.weight_limit, "in steps of 1 or more, within the ranges"
        for item, least in (("thresholds", 1), ("current_decays", 0), ("potential_decays", 0), ("refractory", 1)):
            yield item, getattr(self, item)[0] >= least, f"{least} or more, by the rule's parameters"
        for item in ("delays", "exponents", "bias_mantissas", "bias_exponents", "free_bias_exponents"):
            low, high = getattr(self, item)
            yield item, low <= high, "(least, greatest)"
        most = self.weight_limit.bit_length() + 1
        yield "weight_bits", 1 <= self.weight_bits <= most, f"1 to {most}, as wide as weight_ranges"
        yield "delays", self.delays[0] >= 1 and self.delays[1] <= LONGEST_DELAY, f"from 1 to {LONGEST_DELAY}"
        yield "exponents", self.exponents[0] >= 0 and self.exponents[1] <= MOST_SHIFT, f"from 0 to {MOST_SHIFT}"
        widest = max(abs(end) for mode in ("mixed", "excitatory", "inhibitory") for end in ranges.of(mode))
        yield "weight_ranges", widest << self.exponents[1] < WIDEST, "within 32 bits with the greatest exponent"
        low, high = self.bias_exponents
        yield "bias_exponents", low >= 0 and high <= MOST_SHIFT, f"from 0 to {MOST_SHIFT}"
        yield "bias_mantissas", self.bias_limit < WIDEST, "within 32 bits with the greatest exponent"
        yield "bias_mantissas", self.bias_mantissas[0] == -self.bias_mantissas[1], "as far down as up"
        low, high = self.rule.range_of("bias")
        yield (
            "bias_mantissas",
            low <= -self.bias_limit and self.bias_limit <= high,
            f"within the rule's {low} to {high}",
        )
        inside = [self.exponents[0] <= exponent <= self.exponents[1] for exponent in self.design_exponents]
        yield "design_exponents", bool(inside) and all(inside), f"among {self.exponents}"
        rises = list(self.design_exponents) == sorted(set(self.design_exponents))
        yield "design_exponents", rises, "in rising order"
        least, greatest = self.bias_exponents
        free = self.free_bias_exponents
        yield "free_bias_exponents", least <= free[0] <= free[1] <= greatest, f"within {self.bias_exponents}"
        spans = self.current_decays, self.potential_decays
        inside = [first <= decay <= last for decay, (first, last) in zip(self.usual_decays, spans, strict=True)]
        yield "usual_decays", all(inside), f"a current decay in {spans[0]} and a potential decay in {spans[1]}"
        own = RULES.get(self.rule.name, self.rule)
        alike = _steps_of(own) == _steps_of(self.rule)
        yield "rule", alike, f"a rule with another name: {self.rule.name} is the name of a different rule"
        for name, (low, high) in ((each.name, (each.low, each.high)) for each in own.parameters):
            first, last = self.rule.range_of(name)
            yield "rule", low <= first and last <= high, f"called otherwise: {name} of {own.name} is {low} to {high}"
        yield "cores", self.cores is None or self.cores >= 1, "1 or more, or None"
        yield (
            "core",
            self.core.memory is None or ranges.mixed_step % 2 == 0 or self.core.memory.holds(ranges.mixed),
            "without memory, or with memory whose weight_bits hold mixed weights: their steps are odd",
        )

    @property
    def unit(self) -> int:
        """One unit of the threshold in units of the potential and of a bias."""
        return self.rule.unit

    @property
    def thresholds(self) -> Range:
        """The range of a threshold's mantissa."""
        return self.rule.range_of("threshold")

    @property
    def current_decays(self) -> Range:
        """The range of the current's decay."""
        return self.rule.range_of("current_decay")

    @property
    def potential_decays(self) -> Range:
        """The range of the potential's decay."""
        return self.rule.range_of("potential_decay")

    @property
    def refractory(self) -> Range:
        """The range of refractory periods in ticks; 1 for a neuron that may spike at every tick."""
        return self.rule.range_of("refractory")

    @property
    def is_readout_apart(self) -> bool:
        """Whether neurons that are read out cannot feed neurons."""
        return self.layers is not None

    @property
    def weight_limit(self) -> int:
        """Maximum magnitude of a one-sided weight of either sign."""
        return min(self.weight_ranges.excitatory[1], -self.weight_ranges.inhibitory[0])

    @property
    def bias_limit(self) -> int:
        """Maximum magnitude of a bias, in units of the potential."""
        return self.bias_mantissas[1] << self.bias_exponents[1]

    def linear_rule(self, current_decay: int, potential_decay: int, refractory: int = 1) -> LinearRule:
        """Return the linear rule of neurons with these decays.

        Raises
        ------
        SpecError
            If weights cannot be designed for the chip's rule.
        """
        decays = {"current_decay": current_decay, "potential_decay": potential_decay}
        return linear_rule(self.rule, decays, refractory)

    def shares_of(self, current_decays: Integers, potential_decays: Integers) -> tuple[Floats, Floats]:
        """Return the shares of current and potential that remain after one tick."""
        current, potential = self.usual_decays
        return (
            _each(current_decays, lambda decay: self.linear_rule(decay, potential).current),
            _each(potential_decays, lambda decay: self.linear_rule(current, decay).potential),
        )

    def check_range(self, item: str, value: int, *, allowed: Range, hint: str = "") -> None:
        """Raise `LimitError` unless a value lies in a range.

        Parameters
        ----------
        item : str
            The name of the quantity.
        value : int
            The value.
        allowed : (int, int)
            The allowed range, inclusive.
        hint : str
            What to try.
        """
        if not allowed[0] <= value <= allowed[1]:
            raise LimitError(item, value, f"{range_in_words(allowed)} on {self.name}", hint)

    def check_wiring(self, wiring: Wiring) -> None:
        """Raise `LimitError` if the chip does not support a program's connections."""
        if self.layers is not None:
            self.layers.check_wiring(wiring, self.name)

    def nearest_bias(self, bias: float) -> int:
        """Return the bias ``mantissa << exponent`` that lies nearest (half to even) to a real one in range."""
        for exponent in range(self.bias_exponents[0], self.bias_exponents[1] + 1):
            mantissa = half_even_integer(bias / (1 << exponent))
            if self.bias_mantissas[0] <= mantissa <= self.bias_mantissas[1]:
                return mantissa << exponent
        raise LimitError("bias", bias, f"-{self.bias_limit} to {self.bias_limit} on {self.name}")

    def is_bias(self, bias: int) -> bool:
        """Return whether an integer is ``mantissa << exponent`` for some allowed pair."""
        return abs(bias) <= self.bias_limit and self.nearest_bias(bias) == bias

    def decays_of(self, tau_current: float, tau_potential: float) -> Range:
        """Return (current decay, potential decay) nearest to time constants in ticks.

        A membrane with time constant τ keeps ``exp(-1/τ)`` per tick; ``math.inf`` keeps all, 0 keeps nothing.
        """
        kept = [np.array([0.0 if tau == 0 else math.exp(-1.0 / tau)]) for tau in (tau_current, tau_potential)]
        current, potential = self.decays_that_keep(*kept)
        return int(current[0]), int(potential[0])

    def decays_that_keep(self, current_shares: Floats, potential_shares: Floats) -> tuple[Int64s, Int64s]:
        """Return the decays whose shares of current and potential after one tick are nearest to these."""
        current, potential = self.usual_decays

        def current_kept(decay: int) -> Fraction:
            return self.linear_rule(decay, potential).current

        def potential_kept(decay: int) -> Fraction:
            return self.linear_rule(current, decay).potential

        return (
            _nearest_decays(current_shares, self.current_decays, kept=current_kept),
            _nearest_decays(potential_shares, self.potential_decays, kept=potential_kept),
        )


def _nearest_decays(shares: Floats, allowed: Range, *, kept: Callable[[int], Fraction]) -> Int64s:
    """Return the decay that keeps the share nearest to each; the kept share is monotonic in the decay."""
    distinct, index = np.unique(shares, return_inverse=True)
    return np.array([_nearest(float(share), allowed, kept) for share in distinct], np.int64)[index]


def _nearest(share: float, allowed: Range, kept: Callable[[int], Fraction]) -> int:
    """Return the decay that keeps the share nearest to one."""
    low, high = allowed
    is_rising = kept(low) < kept(high)
    while high - low > 1:
        middle = (low + high) // 2
        if (kept(middle) < share) == is_rising:
            low = middle
        else:
            high = middle
    return min((low, high), key=lambda decay: abs(kept(decay) - share))


def _each(decays: Integers, kept: Callable[[int], Fraction]) -> Floats:
    """Return the share that each decay keeps; cached."""
    distinct, index = np.unique(decays, return_inverse=True)
    return np.array([float(kept(int(decay))) for decay in distinct])[index]
