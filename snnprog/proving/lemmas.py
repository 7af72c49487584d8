"""Lemmas: statements about bit-vectors that a solver proves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from snnprog.rules.products import Operations, Product, exact_product, open_products, quotient_definition
from snnprog.rules.vectors import Operand, number, resized
from snnprog.solver.formulas import solve_formulas


@dataclass(frozen=True)
class Lemma:
    """A statement that a solver has decided.

    Attributes
    ----------
    name : str
        What it says.
    holds : bool
    seconds : float
        Processor time that the solver took.
    values : mapping of str to int
        Where it does not hold: values of the requested terms, unsigned.
    """

    name: str
    holds: bool
    seconds: float
    values: Mapping[str, int] = field(default_factory=dict)


def decided(name: str, lines: Iterable[str], *, claim: str, terms: Sequence[str] = ()) -> Lemma:
    """Return whether a claim holds for all values of the declared variables, given the assertions."""
    script = "\n".join(["(set-logic ALL)", *lines, f"(assert (not {claim}))"])
    solution = solve_formulas(script, terms)
    return Lemma(name, solution.values is None, solution.seconds, solution.values or {})


def until_failure(*parts: Callable[[], Iterable[Lemma]]) -> tuple[Lemma, ...]:
    """Return the lemmas of the parts of a proof, in order; the first that does not hold is the last."""
    lemmas: list[Lemma] = []
    for lemma in chain.from_iterable(part() for part in parts):
        lemmas.append(lemma)
        if not lemma.holds:
            break
    return tuple(lemmas)


def all_of(claims: Iterable[str]) -> str:
    """Return the conjunction of claims."""
    return f"(and true true {' '.join(claims)})"


def lemmas_about(operations: Operations) -> list[Lemma]:
    """Return the lemmas about products and quotients that stay uninterpreted.

    That a product of magnitudes, with the sign after, is the multiplication, takes three steps, because solvers do not
    decide it at once beyond 10 bits: signs may be taken out of a multiplication (an identity of the ring of integers
    modulo ``2**width``); a product of unsigned numbers keeps its value in more bits; and with these two given for the
    factors at hand, and nothing else known of multiplications, the product is what it is said to be. A fourth lemma
    says that no product is greater than that of the greatest factors; and no quotient is greater than what is divided.
    """
    shapes = sorted({product.shape for product in operations.products}, key=str)
    lemmas = [_ring_lemma(width) for width in sorted({each.width for each in shapes})]
    lemmas += [_quotient_lemma(width) for width in sorted({each.width for each in operations.quotients})]
    return lemmas + [lemma(shape) for shape in shapes for lemma in (_width_lemma, _sign_lemma, _bound_lemma)]


def _ring_lemma(width: int) -> Lemma:
    lines = [f"(declare-fun {name} () (_ BitVec {width}))" for name in "xy"]
    claims = [
        "(= (bvmul (bvneg x) y) (bvneg (bvmul x y)))",
        "(= (bvmul x (bvneg y)) (bvneg (bvmul x y)))",
        "(= (bvmul (bvneg x) (bvneg y)) (bvmul x y))",
    ]
    return decided(f"signs may be taken out of a multiplication in {width} bits", lines, claim=all_of(claims))


def _width_lemma(product: Product) -> Lemma:
    left, right = (Operand(each.text, each.width, 0, (1 << each.width) - 1) for each in product.ordered)
    unsigned = Product(left, right, product.width)
    claim = f"(= {unsigned.text} {_multiplied(unsigned, 'bvmul')})"
    name = f"{left.width} x {right.width} unsigned bits have the same product in {product.width} bits"
    return decided(name, [exact_product(*product.widths), *_declared(product)], claim=claim)


def _sign_lemma(product: Product) -> Lemma:
    left, right = product.ordered
    sort, width = f"(_ BitVec {product.width})", product.width
    x, y = (resized(each.magnitude, each.width, width, is_signed=False) for each in (left, right))
    given = [
        f"(= (times (bvneg {x}) {y}) (bvneg (times {x} {y})))",
        f"(= (times {x} (bvneg {y})) (bvneg (times {x} {y})))",
        f"(= (times (bvneg {x}) (bvneg {y})) (times {x} {y}))",
        f"(= {Product(left.unsigned, right.unsigned, width).text} (times {x} {y}))",
    ]
    lines = [
        *open_products([product.widths]),
        *_declared(product),
        f"(declare-fun times ({sort} {sort}) {sort})",
        *(f"(assert {each})" for each in given),
    ]
    name = f"{_described(product)} is that of their magnitudes, the sign after, in {width} bits"
    return decided(name, lines, claim=f"(= {product.text} {_multiplied(product, 'times')})")


def _bound_lemma(product: Product) -> Lemma:
    ranges = [f"(assert {each.is_within})" for each in product.ordered]
    lines = [exact_product(*product.widths), *_declared(product), *ranges]
    name = f"{_described(product)} is no greater than that of the greatest, and 0 where a factor is"
    return decided(name, lines, claim=all_of([product.is_bounded, product.keeps_zero]))


def same_in_lemmas(products: Iterable[Product], bits: int) -> list[Lemma]:
    """Return the lemmas that products equal products of vectors of this width."""
    lemmas = []
    for product in sorted({each.shape for each in products}, key=str):
        lines = [exact_product(*widths) for widths in sorted({product.widths, (bits, bits)})]
        name = f"{_described(product)} is the same in {bits} bits"
        lemmas.append(decided(name, [*lines, *_declared(product)], claim=product.is_same_in(bits)))
    return lemmas


def _quotient_lemma(width: int) -> Lemma:
    lines = [quotient_definition(width, is_open=False)]
    lines += [f"(declare-fun {name} () (_ BitVec {width}))" for name in "xy"]
    claim = f"(=> (distinct y {number(0, width)}) (bvule (|quotient {width}| x y) x))"
    return decided(f"no quotient in {width} bits is greater than what is divided", lines, claim=claim)


def _multiplied(product: Product, operation: str) -> str:
    """Return the multiplication of the factors, the wider one first, in the product's width."""
    return f"({operation} {' '.join(each.extended(product.width) for each in product.ordered)})"


def _declared(product: Product) -> list[str]:
    return [f"(declare-fun {each.text} () (_ BitVec {each.width}))" for each in (product.left, product.right)]


def _described(product: Product) -> str:
    return f"the product of {_kind(product.left)} and {_kind(product.right)}"


def _kind(factor: Operand) -> str:
    return f"{factor.width} bits from {factor.low} to {factor.high}"
