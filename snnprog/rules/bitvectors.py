"""A rule as SMT-LIB formulas over bit-vectors: what a solver needs to compare it with hardware, or with C.

Formulas are text (SMT-LIB 2.6, logics QF_BV and QF_UFBV), because that is what every solver reads: a proof obligation
can be written to a file and checked by another solver.

Every node becomes one definition: a two's complement vector. It is calculated in a width in which nothing overflows, and
then cut to the width of its span (`snnprog.rules.ranges`). That the cut loses nothing does not have to be believed:
`Formulas.fits` says it as a formula, for each cut, and a proof includes it. So the formulas mean what the rule means
over unbounded integers, for every register, parameter and arrival within the ranges that are given.

Products are written in one form, unsigned: the magnitude times the factor, and the sign after. `product` names them, so
that a proof can leave open what a product is (`PRODUCT_IS_ANY`): what is then true is true of the multiplication, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

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
from snnprog.rules.ranges import FAR, SPANS, Reach, Span
from snnprog.rules.rule import COUNT, SPIKES, WEIGHT, Rule, Step

SPARE = 2
"""Bits that a node is calculated with beyond its operands, its result and its constants: no node adds more than three
numbers of that size before it rounds, or holds."""

Range = tuple[int, int]


def unsigned_width(value: int) -> int:
    """Return the bits of an unsigned number up to a value; at least 1."""
    return max(value.bit_length(), 1)


def signed_width(low: int, high: int) -> int:
    """Return the bits of a two's complement number from ``low`` to ``high``; at least 1."""
    return max((value if value >= 0 else ~value).bit_length() for value in (low, high)) + 1


@dataclass(frozen=True)
class Vector:
    """An integer as a two's complement bit-vector, just wide enough for its range.

    Attributes
    ----------
    text : str
        A name, or any other term of SMT-LIB.
    low, high : int
        The range, both ends included.
    """

    text: str
    low: int
    high: int

    @property
    def width(self) -> int:
        """Its bits."""
        return signed_width(self.low, self.high)

    @property
    def size(self) -> int:
        """Its greatest magnitude."""
        return max(abs(self.low), abs(self.high))

    @property
    def is_known(self) -> bool:
        """Whether it has one value."""
        return self.low == self.high

    @property
    def factor(self) -> Factor:
        """It as an operand of a multiplication: without a sign where it has none."""
        if self.low < 0:
            return Factor(self.text, self.width, is_signed=True, most=self.size)
        width = unsigned_width(self.high)
        return Factor(resized(self.text, self.width, width), width, is_signed=False, most=self.high)

    def is_within(self, low: int, high: int) -> str:
        """Return, as a formula, that it is within a range."""
        width = max(self.width, signed_width(low, high))
        text = self.at(width)
        return f"(and (bvsle {number(low, width)} {text}) (bvsle {text} {number(high, width)}))"

    def at(self, width: int) -> str:
        """Return it with so many bits, no fewer than it has."""
        return resized(self.text, self.width, width)


def number(value: int, width: int) -> str:
    """Return an integer, modulo ``2**width``."""
    return f"(_ bv{value % (1 << width)} {width})"


def resized(text: str, width: int, to: int, *, is_signed: bool = True) -> str:
    """Return a vector with more bits of the same value, or without its upper bits."""
    if to == width:
        return text
    if to < width:
        return f"((_ extract {to - 1} 0) {text})"
    return f"((_ {'sign' if is_signed else 'zero'}_extend {to - width}) {text})"


# ---------------------------------------------------------------------------------------------------------- products


def product_name(left: int, right: int) -> str:
    """Return the name of the product of two unsigned vectors of these widths, the wider one first."""
    return f"|product {left} {right}|"


def exact_product(left: int, right: int) -> str:
    """Return the definition of a product as the multiplication."""
    width = left + right
    x, y = resized("x", left, width, is_signed=False), resized("y", right, width, is_signed=False)
    return _product_definition(left, right, f"(bvmul {x} {y})")


def open_products(widths: Iterable[tuple[int, int]]) -> list[str]:
    """Return definitions of products that make all of them one function, of which nothing is said.

    What holds for them holds for the multiplication, too, because a product keeps its value when its operands are
    written with more bits.
    """
    widths = sorted(set(widths))
    left, right = max(each[0] for each in widths), max(each[1] for each in widths)
    lines = [f"(declare-fun |any product| ((_ BitVec {left}) (_ BitVec {right})) (_ BitVec {left + right}))"]
    for m, n in widths:
        x, y = resized("x", m, left, is_signed=False), resized("y", n, right, is_signed=False)
        lines.append(_product_definition(m, n, resized(f"(|any product| {x} {y})", left + right, m + n)))
    return lines


def _product_definition(left: int, right: int, text: str) -> str:
    name = product_name(left, right)
    return f"(define-fun {name} ((x (_ BitVec {left})) (y (_ BitVec {right}))) (_ BitVec {left + right}) {text})"


@dataclass(frozen=True)
class Factor:
    """An operand of a multiplication.

    Attributes
    ----------
    text : str
        A name.
    width : int
    is_signed : bool
        Whether it is two's complement.
    most : int
        Its greatest magnitude.
    """

    text: str
    width: int
    is_signed: bool
    most: int

    @property
    def is_negative(self) -> str:
        """That it is less than 0, as a formula."""
        return f"(bvslt {self.text} {number(0, self.width)})" if self.is_signed else "false"

    @property
    def magnitude(self) -> str:
        """Its magnitude, unsigned, in the same width."""
        return f"(ite {self.is_negative} (bvneg {self.text}) {self.text})" if self.is_signed else self.text

    def extended(self, width: int) -> str:
        """Return it with so many bits, or without its upper ones."""
        return resized(self.text, self.width, width, is_signed=self.is_signed)


@dataclass(frozen=True)
class Product:
    """A multiplication in so many bits, as magnitudes that are multiplied, and the sign after."""

    left: Factor
    right: Factor
    width: int

    @property
    def ordered(self) -> tuple[Factor, Factor]:
        """The factors, the wider one first."""
        return (self.left, self.right) if self.left.width >= self.right.width else (self.right, self.left)

    @property
    def widths(self) -> tuple[int, int]:
        """The widths of the factors, the greater one first."""
        return self.ordered[0].width, self.ordered[1].width

    @property
    def text(self) -> str:
        """The product as a term."""
        left, right = self.ordered
        of_magnitudes = f"({product_name(*self.widths)} {left.magnitude} {right.magnitude})"
        unsigned = resized(of_magnitudes, sum(self.widths), self.width, is_signed=False)
        if not (left.is_signed or right.is_signed):
            return unsigned
        return f"(let ((x {unsigned})) (ite (xor {left.is_negative} {right.is_negative}) (bvneg x) x))"

    @property
    def is_bounded(self) -> str:
        """That it is no greater in magnitude than the product of the greatest magnitudes, as a formula."""
        left, right = self.ordered
        most = number(left.most * right.most, sum(self.widths))
        return f"(bvule ({product_name(*self.widths)} {left.magnitude} {right.magnitude}) {most})"

    @property
    def shape(self) -> Product:
        """The same with other names: what lemmas about products are about."""
        return replace(self, left=replace(self.left, text="|left|"), right=replace(self.right, text="|right|"))


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


def _divided(node: FloorDiv, width: int, left: str, right: str) -> str:
    negative = f"(bvnot (bvudiv (bvnot x) {right}))"
    return f"(let ((x {left})) (ite (bvslt x {number(0, width)}) {negative} (bvudiv x {right})))"


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
    FloorDiv: _divided,
}
"""What each node is as text: of the node, of one width for operands and result, and of the operands in that width.

`Ref` is looked up where steps are written (`Formulas`). `Mul` and `Scale` get their product, which is defined before."""


# ------------------------------------------------------------------------------------------------------------- a rule


@dataclass
class Formulas:
    """Definitions of SMT-LIB for steps of a rule.

    Attributes
    ----------
    prefix : str
        What the names of all definitions begin with.
    lines : list of str
        Declarations and definitions, in order.
    assumed : list of str
        That what is declared is within its range, as formulas.
    fits : list of str
        That no definition loses anything by its width, as formulas.
    products : list of Product
        The multiplications, but for those by a constant.
    """

    prefix: str = "rule"
    lines: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    fits: list[str] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)

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
            If a value can be so large that spans do not bound it.
        """
        table: dict[type[Expression], Callable[..., Vector]] = dict.fromkeys(BITVECTORS, self._node)
        vector: Vector = evaluate(expression, {**table, Ref: lambda node: values[node.name]})
        return vector

    def _node(self, node: Expression, *operands: Vector) -> Vector:
        ends, given = _span_of(node, operands), operands
        if isinstance(node, Mul | Scale):
            given = (self._product(*operands),)
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
        self.fits.append(f"(= {result.at(width)} |{name} in full|)")
        return result

    def _product(self, left: Vector, right: Vector) -> Vector:
        """Return the product of two numbers."""
        ends = _span_of(Mul(Const(0), Const(0)), (left, right))
        width = left.width + right.width
        if left.is_known or right.is_known:
            return self._defined(f"(bvmul {left.at(width)} {right.at(width)})", width, ends)
        product = Product(left.factor, right.factor, width)
        self.products.append(product)
        return self._defined(product.text, width, ends)


def _own_numbers(node: Expression, operands: Sequence[Vector]) -> tuple[int, ...]:
    """Return the numbers that a node calculates with beside its operands and its result."""
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
    """Return the range of every name that a tick's steps begin with: registers, parameters, and what was gathered."""
    gather = rule.gather
    fixed = {each.name for each in (*rule.parameters, *rule.constants)}
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
        Registers, parameters, constants, and what was gathered: declared.
    after : mapping of str to Vector
        The registers after the tick, and ``spikes``.
    """

    formulas: Formulas
    before: Mapping[str, Vector]
    after: Mapping[str, Vector]


def tick_formulas(rule: Rule, ranges: Mapping[str, Range]) -> TickFormulas:
    """Return the steps of a rule after the gathering, for any values within ranges (`ranges_of`)."""
    formulas = Formulas()
    before = {name: formulas.declared(name, ends) for name, ends in ranges.items()}
    after = formulas.steps(rule.steps, before)
    return TickFormulas(formulas, before, {name: after[name] for name in (*rule.registers, SPIKES)})


def gather_formulas(rule: Rule, ranges: Mapping[str, Range]) -> TickFormulas:
    """Return the gathering of one event, for any values of the target, ``weight`` and ``count`` within ranges."""
    formulas, target = Formulas(), rule.gather.target
    before = {name: formulas.declared(name, ranges[name]) for name in (target, WEIGHT, COUNT)}
    after = formulas.steps([rule.gather], before)
    return TickFormulas(formulas, before, {target: after[target]})
