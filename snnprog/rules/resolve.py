"""One tick of a rule as sums, for a known number of spikes and a known control state.

For a given raster, the spikes of a neuron are known, and so is the result of each ``select``; the rest of a tick is
sums of registers, arrivals, bias and threshold, roundings, and ends of registers. `Tick` holds them as affine *forms*
with exact fractions. A `Sums` handles roundings and ends: the linear rule (`snnprog.rules.linear`)
gives each rounding an error with bounds and ignores ends; an integer program (`snnprog.integers.exhaustive`) gives
each rounding a separate variable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType

import numpy as np

from snnprog.errors import SpecError
from snnprog.rules.expressions import (
    Add,
    Compare,
    Expression,
    FloorDiv,
    Hold,
    Leak,
    Max,
    Min,
    Mul,
    Neg,
    Ref,
    Rounding,
    Scale,
    Select,
    Shl,
    Shr,
    Sub,
    children,
)
from snnprog.rules.interpreter import OPERATIONS
from snnprog.rules.rule import COUNT, POTENTIAL, SPIKES, WEIGHT, Rule, Step

ARRIVING = "arriving spikes"
"""The symbol of the input of a tick: the sum of the weights of arriving spikes."""


@dataclass(frozen=True)
class Form:
    """``constant + Σ terms[symbol] * symbol``; without symbols of coefficient 0.

    Integral values are stored as integers if possible: sums of integers are much faster.
    """

    terms: Mapping[str, Fraction | int] = field(default_factory=dict)
    constant: Fraction | int = 0

    @classmethod
    def of(cls, value: int) -> Form:
        """Return an integer as a form."""
        return cls({}, value)

    @classmethod
    def symbol(cls, name: str) -> Form:
        """Return a symbol as a form."""
        return cls({name: 1})

    @property
    def is_constant(self) -> bool:
        """Whether it has no symbols."""
        return not self.terms

    def coefficient(self, symbol: str) -> Fraction:
        """Return the coefficient of a symbol; 0 if it does not appear."""
        return Fraction(self.terms.get(symbol, 0))

    def times(self, factor: Fraction | int) -> Form:
        """Return a multiple."""
        if factor == 0:
            return Form()
        return Form({name: value * factor for name, value in self.terms.items()}, self.constant * factor)

    def plus(self, other: Form) -> Form:
        """Return the sum."""
        terms = dict(self.terms)
        for name, value in other.terms.items():
            terms[name] = terms.get(name, 0) + value
        return Form({name: value for name, value in terms.items() if value}, self.constant + other.constant)


DECIDING: Mapping[type[Expression], str] = MappingProxyType(
    {Compare: "compares", Min: "takes the least of", Max: "takes the greatest of", FloorDiv: "divides"}
)
"""What messages say of the nodes that have no form."""

BY_HAND = "programs from sp.Program.from_arrays run on the chip"
"""What can be done with a rule for which weights cannot be designed."""


class Sums:
    """The handling of roundings and ends; by default, ends are ignored and roundings refused.

    The methods are called for values that are not constant; constants are calculated like the chip.
    """

    def rounded(self, operand: Form, factor: Fraction, rounding: Rounding) -> Form:
        """Return ``operand * factor``, rounded."""
        raise NotImplementedError

    def held(self, operand: Form, node: Hold, step: Step) -> Form:
        """Return what a register keeps of a value in a step."""
        return operand


@dataclass(frozen=True)
class Tick:
    """One tick of a neuron as forms.

    Attributes
    ----------
    state : mapping of str to Form
        Each register after the tick.
    compared : Form
        The potential that is compared with the threshold.
    values : mapping of str to Form
        The latest value of every name.
    """

    state: Mapping[str, Form]
    compared: Form
    values: Mapping[str, Form]


def resolved(
    rule: Rule, fixed: Mapping[str, int], *, state: Mapping[str, Form], spikes: int, sums: Sums, arriving: Form
) -> Tick:
    """Return one tick.

    Parameters
    ----------
    fixed : mapping of str to int
        Parameters and constants whose values are known; all others are symbols of their own names.
    state : mapping of str to Form
        Each register before the tick.
    spikes : int
        Number of spikes of the neuron in it.
    arriving : Form
        The sum of the weights of the spikes that arrive.

    Raises
    ------
    SpecError
        If a decision depends on more than control and spikes, or a product on two unknowns.
    """
    return _Resolver(rule, fixed, sums).tick(state, spikes, arriving)


class _Resolver:
    """Evaluates the steps of a rule on forms."""

    def __init__(self, rule: Rule, fixed: Mapping[str, int], sums: Sums) -> None:
        self.rule, self.sums = rule, sums
        known = {parameter.name for parameter in rule.parameters} | {each.name for each in rule.constants}
        self.values: dict[str, Form] = {
            name: Form.of(fixed[name]) if name in fixed else Form.symbol(name) for name in known
        }
        self.step = rule.gather

    def tick(self, state: Mapping[str, Form], spikes: int, arriving: Form) -> Tick:
        self.values |= state
        gather = self.rule.gather
        self.values.setdefault(gather.target, Form())
        self.values |= {WEIGHT: arriving, COUNT: Form.of(1)}
        self.values[gather.target] = self._evaluated(gather, gather.expression)
        compared = Form()
        for step in self.rule.steps:
            if step.target == SPIKES:
                compared = self.values[POTENTIAL]
                self.values[SPIKES] = Form.of(spikes)
            else:
                self.values[step.target] = self._evaluated(step, step.expression)
        after = {name: self.values[name] for name in self.rule.registers}
        return Tick(after, compared, dict(self.values))

    def _evaluated(self, step: Step, expression: Expression) -> Form:
        self.step = step
        return self._value(expression)

    def _value(self, expression: Expression) -> Form:
        """Return the form of an expression; of a ``select``, only the selected branch."""
        if isinstance(expression, Select):
            chosen = self._value(expression.condition)
            if not chosen.is_constant:
                raise self._refusal("selects by a value that does not follow from the spikes")
            return self._value(expression.if_true if chosen.constant else expression.if_false)
        if isinstance(expression, Ref):
            return self.values[expression.name]
        parts = [self._value(child) for child in children(expression)]
        if all(part.is_constant and part.constant.denominator == 1 for part in parts):
            return self._calculated(expression, parts)
        return self._combined(expression, parts)

    def _calculated(self, node: Expression, parts: list[Form]) -> Form:
        """Return the chip's result for integers."""
        integers = [np.array(int(part.constant), np.int64) for part in parts]
        return Form.of(int(OPERATIONS[type(node)](node, *integers)))

    def _combined(self, node: Expression, parts: list[Form]) -> Form:
        combine = _COMBINATIONS.get(type(node))
        if combine is not None:
            return combine(node, *parts)
        if isinstance(node, Mul):
            constant = next((part for part in parts if part.is_constant), None)
            if constant is None:
                raise self._refusal("multiplies two values that are known only during the run")
            other = parts[1] if constant is parts[0] else parts[0]
            return other.times(constant.constant)
        if isinstance(node, Hold):
            return self.sums.held(parts[0], node, self.step)
        if isinstance(node, Scale | Shr | Leak):
            return self._decayed(node, parts)
        raise self._refusal(f"{DECIDING[type(node)]} a value that is known only during the run")

    def _decayed(self, node: Scale | Shr | Leak, parts: list[Form]) -> Form:
        operand, by = parts
        if not by.is_constant:
            raise self._refusal("decays by a value that is known only during the run")
        divided = Fraction(1, 1 << int(by.constant))
        factor = Fraction(by.constant) / (1 << node.bits) if isinstance(node, Scale) else divided
        whole = factor.denominator == 1
        scaled = operand.times(int(factor)) if whole else self.sums.rounded(operand, factor, node.rounding)
        return operand.plus(scaled.times(-1)) if isinstance(node, Leak) else scaled

    def _refusal(self, what: str) -> SpecError:
        return SpecError(
            f"weights cannot be designed for rule {self.rule.name}: step {self.step.name!r} {what}; {BY_HAND}"
        )


_COMBINATIONS: Mapping[type[Expression], Callable[..., Form]] = {
    Add: lambda node, left, right: left.plus(right),
    Sub: lambda node, left, right: left.plus(right.times(-1)),
    Neg: lambda node, operand: operand.times(-1),
    Shl: lambda node, operand: operand.times(1 << node.bits),
}
