"""Products and quotients in formulas, exact or uninterpreted.

Solvers do not decide whether two forms of a multiplication are equal once they are wider than about 10 bits. So rule
and circuit use the same functions: a product of unsigned magnitudes, with the sign after, and a quotient of unsigned
numbers. `Operations.opened` leaves these functions uninterpreted, except for bounds; a proof then also holds for the
multiplication and the division that `Operations.exact` defines.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from snnprog.rules.vectors import Operand, number, resized


def product_name(left: int, right: int) -> str:
    """Return the name of the product of two unsigned vectors of these widths, the wider one first."""
    return f"|product {left} {right}|"


def exact_product(left: int, right: int) -> str:
    """Return the definition of a product as the multiplication."""
    width = left + right
    x, y = resized("x", left, width, is_signed=False), resized("y", right, width, is_signed=False)
    return _product_definition(left, right, f"(bvmul {x} {y})")


def open_products(widths: Iterable[tuple[int, int]]) -> list[str]:
    """Return definitions of all products as one uninterpreted function.

    Their properties hold for the multiplication, too, because a product keeps its value if its operands are
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
class Product:
    """A multiplication in a number of bits: magnitudes are multiplied, then the sign is applied."""

    left: Operand
    right: Operand
    width: int

    @property
    def ordered(self) -> tuple[Operand, Operand]:
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
        """Formula: its magnitude is at most the product of the greatest magnitudes of its signs."""
        left, right = self.ordered
        width = sum(self.widths)
        most = f"(bvmul {left.most(width)} {right.most(width)})"
        return f"(bvule ({product_name(*self.widths)} {left.magnitude} {right.magnitude}) {most})"

    @property
    def keeps_zero(self) -> str:
        """Formula: it is 0 if a factor is 0."""
        left, right = self.ordered
        zeros = (f"(= {each.text} {number(0, each.width)})" for each in (left, right))
        product = f"({product_name(*self.widths)} {left.magnitude} {right.magnitude})"
        return f"(=> (or {' '.join(zeros)}) (= {product} {number(0, sum(self.widths))}))"

    def is_same_in(self, bits: int) -> str:
        """Return the formula that the magnitudes have the same product as vectors of a number of bits each."""
        left, right = self.ordered
        x, y = (resized(each.magnitude, each.width, bits, is_signed=False) for each in (left, right))
        narrow = f"({product_name(*self.widths)} {left.magnitude} {right.magnitude})"
        wide = f"({product_name(bits, bits)} {x} {y})"
        return f"(= {wide} {resized(narrow, sum(self.widths), 2 * bits, is_signed=False)})"

    @property
    def shape(self) -> Product:
        """The same with other names, for lemmas about products."""
        return replace(self, left=replace(self.left, text="|left|"), right=replace(self.right, text="|right|"))


@dataclass(frozen=True)
class Quotient:
    """A division of unsigned numbers, rounded down."""

    left: Operand
    right: Operand

    @property
    def width(self) -> int:
        """The width of the division."""
        return max(self.left.width, self.right.width)

    @property
    def text(self) -> str:
        """The quotient as a term."""
        return f"(|quotient {self.width}| {self.left.extended(self.width)} {self.right.extended(self.width)})"

    @property
    def is_bounded(self) -> str:
        """Formula: it is at most the maximum of the dividend."""
        return f"(bvule {self.text} {number(self.left.high, self.width)})"


def quotient_definition(width: int, *, is_open: bool) -> str:
    """Return the definition of a quotient of two vectors of a width: the division, or an uninterpreted function."""
    sort = f"(_ BitVec {width})"
    if is_open:
        return f"(declare-fun |quotient {width}| ({sort} {sort}) {sort})"
    return f"(define-fun |quotient {width}| ((x {sort}) (y {sort})) {sort} (bvudiv x y))"


@dataclass
class Operations:
    """The products and quotients in some formulas."""

    products: list[Product] = field(default_factory=list)
    quotients: list[Quotient] = field(default_factory=list)

    def __add__(self, other: Operations) -> Operations:
        """Return those of both."""
        return Operations([*self.products, *other.products], [*self.quotients, *other.quotients])

    @property
    def exact(self) -> list[str]:
        """Definitions of all as multiplications and divisions."""
        widths = sorted({each.width for each in self.quotients})
        lines = [quotient_definition(width, is_open=False) for width in widths]
        return lines + [exact_product(*each) for each in sorted({each.widths for each in self.products})]

    @property
    def opened(self) -> list[str]:
        """Declarations of all as uninterpreted functions."""
        widths = sorted({each.width for each in self.quotients})
        lines = [quotient_definition(width, is_open=True) for width in widths]
        return lines + (open_products(each.widths for each in self.products) if self.products else [])

    @property
    def bounds(self) -> list[str]:
        """Formulas: none is greater than its operands allow, and a product is 0 if a factor is 0."""
        found = [each.is_bounded for each in self.products] + [each.is_bounded for each in self.quotients]
        return found + [each.keeps_zero for each in self.products]
