"""A rule as SMT-LIB formulas over bit-vectors, for comparison with hardware or C by a solver.

Formulas are text (SMT-LIB 2.6, logics QF_BV and QF_UFBV), which every solver reads: a proof obligation
can be written to a file and checked by another solver.

Every node becomes one definition: a two's complement vector. It is calculated in a width without overflow,
and then truncated to the width of its span (`snnprog.rules.ranges`). Proofs include the formulas `Formulas.fits`, which
state of each node that it is within its span, so that truncation loses nothing. So the formulas are equivalent to the
rule over unbounded integers, for every register, parameter and arrival within the given ranges. (To say of the bits
alone that they are the same takes solvers longer: 4.2 s instead of 0.07 s for a neuron of Loihi's with decays.)

Products and quotients are written as functions, so that a proof can leave them uninterpreted; see
`snnprog.rules.products`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from snnprog.errors import SpecError
from snnprog.rules.expressions import (
    Add,
    Compare,
    Const,
    End,
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
    evaluate,
    nodes,
)
from snnprog.rules.products import Operations, Product, Quotient
from snnprog.rules.ranges import FAR, SPANS, Reach, Span
from snnprog.rules.rule import COUNT, SPIKES, WEIGHT, Rule, Step
from snnprog.rules.vectors import Range, Vector, number, resized, signed_width

SPARE = 2
"""Additional bits of a node beyond its operands, its result and its constants: no node adds more than three
numbers of that size before it rounds or clips."""

# ------------------------------------------------------------------------------------------------------------- nodes


def _magnitude(x: str, width: int) -> str:
    return f"(ite (bvslt {x} {number(0, width)}) (bvneg {x}) {x})"


def _signed(magnitude: str, x: str, width: int) -> str:
    """Return a magnitude with the sign of ``x``."""
    return f"(ite (bvslt {x} {number(0, width)}) (bvneg {magnitude}) {magnitude})"


def _half(bits: str, width: int) -> str:
    """Return half of ``2**bits``, rounded down."""
    one = number(1, width)
    return f"(bvlshr (bvshl {one} {bits}) {one})"


def _moving(x: str, bits: str, width: int) -> str:
    floor, zero = f"(bvashr {x} {bits})", number(0, width)
    sign = f"(ite (bvslt {x} {zero}) {number(-1, width)} (ite (= {x} {zero}) {zero} {number(1, width)}))"
    return f"(ite (= {floor} {zero}) {sign} {floor})"


def _half_even(x: str, bits: str, width: int) -> str:
    one = number(1, width)
    more = f"(bvadd (bvsub {_half(bits, width)} {one}) (bvand (bvashr {x} {bits}) {one}))"
    return f"(ite (= {bits} {number(0, width)}) {x} (bvashr (bvadd {x} {more}) {bits}))"


ROUNDINGS: Mapping[Rounding, Callable[[str, str, int], str]] = {
    Rounding.FLOOR: lambda x, bits, width: f"(bvashr {x} {bits})",
    Rounding.TOWARD_ZERO: lambda x, bits, width: _signed(f"(bvlshr {_magnitude(x, width)} {bits})", x, width),
    Rounding.AWAY_FROM_ZERO: lambda x, bits, width: _signed(
        f"(bvneg (bvashr (bvneg {_magnitude(x, width)}) {bits}))", x, width
    ),
    Rounding.HALF_UP: lambda x, bits, width: f"(bvashr (bvadd {x} {_half(bits, width)}) {bits})",
    Rounding.HALF_AWAY: lambda x, bits, width: _signed(
        f"(bvlshr (bvadd {_magnitude(x, width)} {_half(bits, width)}) {bits})", x, width
    ),
    Rounding.HALF_EVEN: _half_even,
    Rounding.MOVING: _moving,
}
"""``x / 2**bits`` as text: of the names of two vectors and their width."""


def _rounded(x: str, bits: str, width: int, *, rounding: Rounding) -> str:
    """Return ``x / 2**bits``, rounded; operands are named first, because a rounding reads them several times."""
    return f"(let ((x {x}) (bits {bits})) {ROUNDINGS[rounding]('x', 'bits', width)})"


def _leaking(node: Leak, width: int, x: str, bits: str) -> str:
    return f"(bvsub {x} {_rounded(x, bits, width, rounding=node.rounding)})"


def _scaled(node: Scale, width: int, product: str) -> str:
    return _rounded(product, number(node.bits, width), width, rounding=node.rounding)


def _held(node: Hold, width: int, x: str) -> str:
    low, high, span = (number(value, width) for value in (node.low, node.high, node.span))
    if node.end is End.CLIP:
        return f"(let ((x {x})) (ite (bvslt x {low}) {low} (ite (bvsgt x {high}) {high} x)))"
    if node.end is End.WRAP:
        return f"(bvadd {low} (bvsmod (bvsub {x} {low}) {span}))"
    return f"(let ((x {x})) (ite (bvsgt x {high}) (bvsub x {span}) (ite (bvslt x {low}) (bvadd x {span}) x)))"


def _compared(node: Compare, width: int, left: str, right: str) -> str:
    operator = "bvsgt" if node.operator == ">" else "bvsge"
    return f"(ite ({operator} {left} {right}) {number(1, width)} {number(0, width)})"


def _chosen(operator: str, left: str, right: str) -> str:
    return f"(let ((x {left}) (y {right})) (ite ({operator} x y) x y))"


BITVECTORS: Mapping[type[Expression], Callable[..., str]] = {
    Const: lambda node, width: number(node.value, width),
    Add: lambda node, width, left, right: f"(bvadd {left} {right})",
    Sub: lambda node, width, left, right: f"(bvsub {left} {right})",
    Mul: lambda node, width, product: product,
    Neg: lambda node, width, operand: f"(bvneg {operand})",
    Shl: lambda node, width, operand: f"(bvshl {operand} {number(node.bits, width)})",
    Shr: lambda node, width, operand, bits: _rounded(operand, bits, width, rounding=node.rounding),
    Scale: _scaled,
    Leak: _leaking,
    Hold: _held,
    Compare: _compared,
    Select: lambda node, width, condition, if_true, if_false: (
        f"(ite (= {condition} {number(0, width)}) {if_false} {if_true})"
    ),
    Min: lambda node, width, left, right: _chosen("bvslt", left, right),
    Max: lambda node, width, left, right: _chosen("bvsgt", left, right),
    FloorDiv: lambda node, width, quotient: quotient,
}
"""The text of each node: a function of the node, the width of operands and result, and the operands in that width.

`Ref` is looked up where steps are written (`Formulas`). `Mul` and `Scale` get their product, and `FloorDiv`
its quotient, which are defined before."""


# ------------------------------------------------------------------------------------------------------------- a rule


@dataclass
class Formulas:
    """Definitions of SMT-LIB for steps of a rule.

    Attributes
    ----------
    prefix : str
        Prefix of the names of all definitions.
    lines : list of str
        Declarations and definitions, in order.
    assumed : list of str
        Formulas that declared vectors are within their ranges.
    fits : list of str
        Formulas that each definition is within its span, so that its truncation loses nothing.
    operations : Operations
        The multiplications, except those by a constant, and the divisions of non-negative values.
    opens_constants : bool
        Whether multiplications by a constant are included.
    """

    prefix: str = "rule"
    lines: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    fits: list[str] = field(default_factory=list)
    operations: Operations = field(default_factory=Operations)
    opens_constants: bool = False

    def declared(self, name: str, ends: Range) -> Vector:
        """Return a vector that may have any value within a range."""
        vector = Vector(f"|{self.prefix}.{name}|", *ends)
        self.lines.append(f"(declare-fun {vector.text} () (_ BitVec {vector.width}))")
        self.assumed.append(vector.is_within(*ends))
        return vector

    def steps(self, steps: Iterable[Step], values: Mapping[str, Vector]) -> dict[str, Vector]:
        """Return all values after some steps, from those before them."""
        after = dict(values)
        for step in steps:
            after[step.target] = self.expression(step.expression, after)
        return after

    def expression(self, expression: Expression, values: Mapping[str, Vector]) -> Vector:
        """Return the value of an expression.

        Raises
        ------
        SpecError
            If a value is unbounded.
        """
        table: dict[type[Expression], Callable[..., Vector]] = dict.fromkeys(BITVECTORS, self._node)
        vector: Vector = evaluate(expression, {**table, Ref: lambda node: values[node.name]})
        return vector

    def _node(self, node: Expression, *operands: Vector) -> Vector:
        ends, given = _span_of(node, operands), operands
        if isinstance(node, Mul | Scale):
            given = (self._product(*operands),)
        elif isinstance(node, FloorDiv):
            given = (self._quotient(*operands),)
        numbers = [*ends, *(end for each in given for end in (each.low, each.high)), *_own_numbers(node, operands)]
        width = signed_width(min(numbers), max(numbers)) + SPARE
        text = BITVECTORS[type(node)](node, width, *(each.at(width) for each in given))
        return self._defined(text, width, ends)

    def _defined(self, text: str, width: int, ends: Range) -> Vector:
        """Define a vector in its full width, and return it in the width of its span."""
        name = f"{self.prefix} {len(self.lines)}"
        result = Vector(f"|{name}|", *ends)
        self.lines.append(f"(define-fun |{name} in full| () (_ BitVec {width}) {text})")
        cut = resized(f"|{name} in full|", width, result.width)
        self.lines.append(f"(define-fun {result.text} () (_ BitVec {result.width}) {cut})")
        low, high = (number(end, width) for end in ends)
        self.fits.append(f"(and (bvsle {low} |{name} in full|) (bvsle |{name} in full| {high}))")
        return result

    def _product(self, left: Vector, right: Vector) -> Vector:
        """Return the product of two numbers."""
        ends = _span_of(Mul(Const(0), Const(0)), (left, right))
        width = left.width + right.width
        if (left.is_known or right.is_known) and not self.opens_constants:
            return self._defined(f"(bvmul {left.at(width)} {right.at(width)})", width, ends)
        product = Product(left.factor, right.factor, width)
        self.operations.products.append(product)
        return self._defined(product.text, width, ends)

    def _quotient(self, left: Vector, right: Vector) -> Vector:
        """Return ``left / right``, rounded down: for negative values, it is ``-1 - (-1 - left) / right``."""
        ends = _span_of(FloorDiv(Const(0), Const(1)), (left, right))
        width = max(left.width, right.width)
        if left.low >= 0:
            quotient = Quotient(left.factor, right.factor)
            self.operations.quotients.append(quotient)
            return self._defined(resized(quotient.text, quotient.width, width, is_signed=False), width, ends)
        x, y = left.at(width), right.at(width)
        negative = f"(bvnot (bvudiv (bvnot {x}) {y}))"
        return self._defined(f"(ite (bvslt {x} {number(0, width)}) {negative} (bvudiv {x} {y}))", width, ends)


def _own_numbers(node: Expression, operands: Sequence[Vector]) -> tuple[int, ...]:
    """Return the constants that a node uses in addition to its operands and its result."""
    if isinstance(node, Hold):
        return node.low, node.high, node.span
    if isinstance(node, Shr | Leak):
        return (1 << operands[1].high,)
    return (1 << node.bits,) if isinstance(node, Scale) else ()


def _span_of(node: Expression, operands: Iterable[Vector]) -> Range:
    spans = [Span(np.asarray(each.low, np.int64), np.asarray(each.high, np.int64)) for each in operands]
    span = SPANS[type(node)](node, *spans)
    if span.magnitude >= FAR:
        raise SpecError(f"{type(node).__name__} of a rule has no bounds below 2**60; give its registers ends")
    return span.least, span.greatest


def ranges_of(rule: Rule, reach: Reach) -> dict[str, Range]:
    """Return the range of every name that a tick's steps begin with: registers, parameters, and the gathered value."""
    gather = rule.gather
    fixed = {each.name for each in rule.parameters} | {each.name for each in rule.constants}
    spans = {**reach.registers, gather.target: reach.of(gather, gather.expression)}
    for step in rule.steps:
        for node in nodes(step.expression):
            if isinstance(node, Ref) and node.name in fixed:
                spans[node.name] = reach.of(step, node)
    return {name: (span.least, span.greatest) for name, span in spans.items()}


@dataclass(frozen=True)
class TickFormulas:
    """One tick of a neuron as formulas.

    Attributes
    ----------
    formulas : Formulas
    before : mapping of str to Vector
        Registers, parameters, constants, and the gathered value, as declared vectors.
    after : mapping of str to Vector
        The registers after the tick, and ``spikes``.
    """

    formulas: Formulas
    before: Mapping[str, Vector]
    after: Mapping[str, Vector]


def tick_formulas(rule: Rule, ranges: Mapping[str, Range], *, opens_constants: bool = False) -> TickFormulas:
    """Return the steps of a rule after the gathering, for any values within ranges (`ranges_of`)."""
    formulas = Formulas(opens_constants=opens_constants)
    before = {name: formulas.declared(name, ends) for name, ends in ranges.items()}
    after = formulas.steps(rule.steps, before)
    return TickFormulas(formulas, before, {name: after[name] for name in (*rule.registers, SPIKES)})


def gather_formulas(rule: Rule, ranges: Mapping[str, Range]) -> TickFormulas:
    """Return the gathering of one event, for any values of the target, ``weight`` and ``count`` within ranges."""
    formulas, target = Formulas(), rule.gather.target
    before = {name: formulas.declared(name, ranges[name]) for name in (target, WEIGHT, COUNT)}
    after = formulas.steps([rule.gather], before)
    return TickFormulas(formulas, before, {target: after[target]})
