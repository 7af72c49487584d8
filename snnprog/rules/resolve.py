"""One tick of a rule as sums, for a known number of spikes and a known control state.

For a given raster, the spikes of a neuron are known, and so is the result of each ``select``; the rest of a tick is
sums of registers, arrivals, bias and threshold, roundings, and ends of registers. `Tick` holds them as affine *forms*
with exact fractions. A `Sums` handles roundings and ends: the linear rule (`snnprog.rules.linear`)
gives each rounding an error with bounds and ignores ends; an integer program (`snnprog.integers.exhaustive`) gives
each rounding a separate variable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from snnprog.errors import SpecError
from snnprog.rules.expressions import (
    Add,
    Compare,
    Const,
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


class Form(NamedTuple):
    """``constant + Σ terms[symbol] * symbol``; without symbols of coefficient 0.

    Integral values are stored as integers if possible: sums of integers are much faster. Proofs make millions of forms,
    and a tuple is made in half the time of a frozen dataclass.
    """

    terms: Mapping[str, Fraction | int] = MappingProxyType({})
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

    @property
    def is_integer(self) -> bool:
        """Whether it is a known integer."""
        return not self.terms and self.constant.denominator == 1

    def coefficient(self, symbol: str) -> Fraction:
        """Return the coefficient of a symbol; 0 if it does not appear."""
        return Fraction(self.terms.get(symbol, 0))

    def times(self, factor: Fraction | int) -> Form:
        """Return a multiple."""
        if factor == 0:
            return Form()
        return Form({name: value * factor for name, value in self.terms.items()}, self.constant * factor)

    def plus(self, other: Form, times: int = 1) -> Form:
        """Return the sum with a multiple of another form."""
        terms = dict(self.terms)
        for name, value in other.terms.items():
            total = terms.get(name, 0) + times * value
            if total:
                terms[name] = total
            else:
                terms.pop(name, None)
        return Form(terms, self.constant + times * other.constant)


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


Values = dict[str, Form]
"""The latest value of every name in a tick."""

Evaluate = Callable[[Values], Form]
"""An expression, from the values of its names."""


class Resolver:
    """Runs ticks of a rule on forms; its expressions are looked through once, and not in each tick.

    Parameters
    ----------
    fixed : mapping of str to int
        Parameters and constants whose values are known; all others are symbols of their own names.
    sums : Sums
        Handles roundings and ends.
    """

    def __init__(self, rule: Rule, fixed: Mapping[str, int], sums: Sums) -> None:
        self.rule, self.sums = rule, sums
        known = {parameter.name for parameter in rule.parameters} | {each.name for each in rule.constants}
        self.values: Values = {name: Form.of(fixed[name]) if name in fixed else Form.symbol(name) for name in known}
        self.gather = self._planned(rule.gather, rule.gather.expression)
        self.steps = [(step.target, self._planned(step, step.expression)) for step in rule.steps]

    def tick(self, state: Mapping[str, Form], *, spikes: int, arriving: Form) -> Tick:
        """Return one tick.

        Parameters
        ----------
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
        gathered = self.rule.gather.target
        values = {gathered: Form(), **self.values, **state, WEIGHT: arriving, COUNT: Form.of(1)}
        values[gathered] = self.gather(values)
        compared = Form()
        for target, evaluate in self.steps:
            if target == SPIKES:
                compared = values[POTENTIAL]
                values[SPIKES] = Form.of(spikes)
            else:
                values[target] = evaluate(values)
        return Tick({name: values[name] for name in self.rule.registers}, compared, values)

    def _planned(self, step: Step, node: Expression) -> Evaluate:
        """Return the evaluation of an expression in a step; of a ``select``, that of the selected branch only."""
        if isinstance(node, Select):
            return self._selected(step, node)
        if isinstance(node, Ref):
            return itemgetter(node.name)
        if isinstance(node, Const):
            constant = Form.of(node.value)
            return lambda values: constant
        parts, combine = [self._planned(step, child) for child in children(node)], self._combination(step, node)
        if len(parts) == 1:
            (only,) = parts

            def of_one(values: Values) -> Form:
                part = only(values)
                return _calculated(node, part) if part.is_integer else combine(part)

            return of_one
        left, right = parts

        def of_two(values: Values) -> Form:
            one, other = left(values), right(values)
            return _calculated(node, one, other) if one.is_integer and other.is_integer else combine(one, other)

        return of_two

    def _selected(self, step: Step, node: Select) -> Evaluate:
        condition, if_true, if_false = (self._planned(step, child) for child in children(node))

        def selected(values: Values) -> Form:
            chosen = condition(values)
            if not chosen.is_constant:
                raise self._refusal(step, "selects by a value that does not follow from the spikes")
            return if_true(values) if chosen.constant else if_false(values)

        return selected

    def _combination(self, step: Step, node: Expression) -> Callable[..., Form]:
        """Return how forms that are not both integers are combined."""
        combine = _COMBINATIONS.get(type(node))
        if combine is not None:
            return partial(combine, node)
        if isinstance(node, Mul):
            return partial(self._multiplied, step)
        if isinstance(node, Hold):
            return partial(self.sums.held, node=node, step=step)
        if isinstance(node, Scale | Shr | Leak):
            return partial(self._decayed, step, node)
        return partial(self._undecided, step, node)

    def _multiplied(self, step: Step, left: Form, right: Form) -> Form:
        if left.is_constant:
            return right.times(left.constant)
        if right.is_constant:
            return left.times(right.constant)
        raise self._refusal(step, "multiplies two values that are known only during the run")

    def _decayed(self, step: Step, node: Scale | Shr | Leak, operand: Form, by: Form) -> Form:
        if not by.is_constant:
            raise self._refusal(step, "decays by a value that is known only during the run")
        factor = _factor_of(node, by.constant)
        if factor.denominator == 1:
            scaled = operand.times(int(factor))
        else:
            scaled = self.sums.rounded(operand, factor, node.rounding)
        return operand.plus(scaled, -1) if isinstance(node, Leak) else scaled

    def _undecided(self, step: Step, node: Expression, *_: Form) -> Form:
        raise self._refusal(step, f"{DECIDING[type(node)]} a value that is known only during the run")

    def _refusal(self, step: Step, what: str) -> SpecError:
        return SpecError(f"weights cannot be designed for rule {self.rule.name}: step {step.name!r} {what}; {BY_HAND}")


@cache
def _factor_of(node: Scale | Shr | Leak, by: Fraction | int) -> Fraction:
    """Return what a decay multiplies by; of a leak, the share that it takes."""
    return Fraction(by) / (1 << node.bits) if isinstance(node, Scale) else Fraction(1, 1 << int(by))


def _calculated(node: Expression, *parts: Form) -> Form:
    """Return the chip's result for integers."""
    integers = [np.array(int(part.constant), np.int64) for part in parts]
    return Form.of(int(OPERATIONS[type(node)](node, *integers)))


_COMBINATIONS: Mapping[type[Expression], Callable[..., Form]] = {
    Add: lambda node, left, right: left.plus(right),
    Sub: lambda node, left, right: left.plus(right, -1),
    Neg: lambda node, operand: operand.times(-1),
    Shl: lambda node, operand: operand.times(1 << node.bits),
}
