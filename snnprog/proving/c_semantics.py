"""Integer expressions of C99 as bit-vectors, with conditions for defined behaviour.

The types are those of ``stdint.h`` and ``int``, which is taken to have 32 bits. Operands are promoted and converted as
C99 says (section 6.3.1). Whatever the standard leaves undefined or to the implementation becomes an obligation of the
path that leads to it: no signed overflow, no shift of or by a negative number, no division by 0, and no conversion to a
signed type that does not hold the value (6.5 and 6.3.1.3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from snnprog.errors import FormatError
from snnprog.rules.products import Operations, Product
from snnprog.rules.vectors import Operand, integer, number, resized


@dataclass(frozen=True)
class CType:
    """An integer type: its bits, and whether it is signed."""

    bits: int
    is_signed: bool

    @property
    def promoted(self) -> CType:
        """The type after integer promotion."""
        return self if self.bits >= INT.bits else INT

    def joined(self, other: CType) -> CType:
        """Return the type of an operation of both."""
        left, right = self.promoted, other.promoted
        if left.bits != right.bits:
            return left if left.bits > right.bits else right
        return CType(left.bits, left.is_signed and right.is_signed)


INT = CType(32, True)
TYPES: Mapping[str, CType] = {
    "int": INT,
    **{
        f"{'' if is_signed else 'u'}int{bits}_t": CType(bits, is_signed)
        for bits in (8, 16, 32, 64)
        for is_signed in (True, False)
    },
}


@dataclass(frozen=True)
class CValue:
    """A value of C: a bit-vector of its type's width."""

    text: str
    kind: CType

    def at(self, width: int) -> str:
        """Return the value as a vector of this width."""
        return resized(self.text, self.kind.bits, width, is_signed=self.kind.is_signed)

    def integer(self, value: int) -> int:
        """Return the integer of its bits, given as an unsigned number."""
        return integer(value, self.kind.bits) if self.kind.is_signed else value

    @property
    def is_true(self) -> str:
        """That it is not 0, as a formula."""
        return f"(distinct {self.text} {number(0, self.kind.bits)})"


SPLIT = frozenset({"value", "factor", "bits", "whole", "part"})
"""The variables of a function that multiplies in two parts (`snnprog.emit.c.helpers`)."""

ARITHMETIC: Mapping[str, str] = {"+": "bvadd", "-": "bvsub", "*": "bvmul"}
BITWISE: Mapping[str, str] = {"&": "bvand", "|": "bvor", "^": "bvxor"}
RELATIONS: Mapping[str, tuple[str, str]] = {
    "<": ("bvslt", "bvult"),
    "<=": ("bvsle", "bvule"),
    ">": ("bvsgt", "bvugt"),
    ">=": ("bvsge", "bvuge"),
    "==": ("=", "="),
    "!=": ("distinct", "distinct"),
}
"""Operators with their names for signed and for unsigned operands."""


@dataclass
class CMachine:
    """Evaluates expressions and function bodies of C, as pycparser reads them.

    Attributes
    ----------
    functions : mapping of str to pycparser.c_ast.FuncDef
        What may be called.
    load : callable
        Returns the value of an array's element, of its node.
    lines : list of str
        Definitions, in order.
    obligations : list of str
        What must hold for all of it to be defined, as formulas.
    operations : Operations
        The multiplications, but for those by a constant that stands in the code.
    splits : list of dict
        The variables of functions that multiply in two parts: ``value = whole * 2**bits + part``.
    """

    functions: Mapping[str, Any]
    load: Callable[[Any], CValue]
    lines: list[str] = field(default_factory=list)
    obligations: list[str] = field(default_factory=list)
    operations: Operations = field(default_factory=Operations)
    splits: list[dict[str, CValue]] = field(default_factory=list)
    _path: list[str] = field(default_factory=list)

    def value(self, node: Any, names: Mapping[str, CValue]) -> CValue:
        """Return the value of an expression.

        Raises
        ------
        FormatError
            If it is of a kind that is not known here, or a name that nothing declares.
        """
        kind = type(node).__name__
        if kind == "Constant":
            text = node.value.rstrip("uUlL")
            bits = 32 if int(text, 0) < 1 << 31 else 64
            return CValue(number(int(text, 0), bits), CType(bits, True))
        if kind == "ID":
            if node.name not in names:
                raise FormatError(
                    f"the C code reads {node.name}, which nothing declares: {node.coord}; give C that compiles"
                )
            return names[node.name]
        if kind == "ArrayRef":
            return self.load(node)
        if kind == "Cast":
            return self.converted(self.value(node.expr, names), type_of(node.to_type.type))
        if kind == "UnaryOp":
            return self._unary(node.op, self.value(node.expr, names))
        if kind == "TernaryOp":
            return self._chosen(node, names)
        if kind == "FuncCall":
            return self._called(node, names)
        if kind == "BinaryOp":
            if node.op in ("&&", "||"):
                return self._logical(node, names)
            return self._binary(node.op, self.value(node.left, names), self.value(node.right, names))
        raise FormatError(f"the C code has a {kind}, which proofs do not cover: {node.coord}")

    def converted(self, value: CValue, kind: CType) -> CValue:
        """Return a value in another type; a signed one must hold it."""
        if value.kind == kind:
            return value
        result = self._defined(value.at(kind.bits), kind)
        if kind.is_signed:
            width = max(value.kind.bits, kind.bits) + 1
            self._demand(f"(= {result.at(width)} {value.at(width)})")
        return result

    def _defined(self, text: str, kind: CType) -> CValue:
        name = f"|c {len(self.lines)}|"
        self.lines.append(f"(define-fun {name} () (_ BitVec {kind.bits}) {text})")
        return CValue(name, kind)

    def _demand(self, formula: str) -> None:
        self.obligations.append(f"(=> (and true true {' '.join(self._path)}) {formula})")

    @contextmanager
    def _where(self, condition: str) -> Iterator[None]:
        """Evaluate the body of the context under a condition."""
        self._path.append(condition)
        yield
        self._path.pop()

    def _unary(self, operator: str, operand: CValue) -> CValue:
        kind = operand.kind.promoted
        value = self.converted(operand, kind)
        if operator == "-":
            return self._binary("-", CValue(number(0, kind.bits), kind), value)
        if operator == "!":
            return self._truth(f"(not {operand.is_true})")
        if operator == "~":
            return self._defined(f"(bvnot {value.text})", kind)
        if operator == "+":
            return value
        raise FormatError(f"the C code has the operator {operator!r}, which proofs do not cover")

    def _truth(self, formula: str) -> CValue:
        return self._defined(f"(ite {formula} {number(1, INT.bits)} {number(0, INT.bits)})", INT)

    def _binary(self, operator: str, left: CValue, right: CValue) -> CValue:
        if operator in ("<<", ">>"):
            return self._shifted(operator, left, right)
        kind = left.kind.joined(right.kind)
        x, y = self.converted(left, kind).text, self.converted(right, kind).text
        if operator in RELATIONS:
            return self._truth(f"({RELATIONS[operator][0 if kind.is_signed else 1]} {x} {y})")
        if operator in BITWISE:
            return self._defined(f"({BITWISE[operator]} {x} {y})", kind)
        if operator in ARITHMETIC:
            return self._calculated(ARITHMETIC[operator], x, y, kind)
        if operator in ("/", "%"):
            return self._divided(operator, x, y, kind)
        raise FormatError(f"the C code has the operator {operator!r}, which proofs do not cover")

    def _calculated(self, operator: str, x: str, y: str, kind: CType) -> CValue:
        if not kind.is_signed:
            return self._defined(f"({operator} {x} {y})", kind)
        width = 2 * kind.bits if operator == "bvmul" else kind.bits + 1
        text = f"({operator} {resized(x, kind.bits, width)} {resized(y, kind.bits, width)})"
        if operator == "bvmul" and not x.startswith("(_ bv") and not y.startswith("(_ bv"):
            text = self._product(x, y, kind)
        wide = self._defined(text, CType(width, True))
        result = self._defined(resized(wide.text, width, kind.bits), kind)
        self._demand(f"(= {result.at(width)} {wide.text})")
        return result

    def _product(self, x: str, y: str, kind: CType) -> str:
        """Return the product of two signed values in twice their bits, as one that may stay uninterpreted."""
        low, high = -(1 << (kind.bits - 1)), (1 << (kind.bits - 1)) - 1
        left, right = (Operand(each, kind.bits, low, high) for each in (x, y))
        product = Product(left, right, 2 * kind.bits)
        self.operations.products.append(product)
        return product.text

    def _divided(self, operator: str, x: str, y: str, kind: CType) -> CValue:
        self._demand(f"(distinct {y} {number(0, kind.bits)})")
        if kind.is_signed:
            least = number(1 << (kind.bits - 1), kind.bits)
            self._demand(f"(not (and (= {x} {least}) (= {y} {number(-1, kind.bits)})))")
        signed = {"/": "bvsdiv", "%": "bvsrem"}[operator]
        return self._defined(f"({signed if kind.is_signed else signed.replace('s', 'u', 1)} {x} {y})", kind)

    def _shifted(self, operator: str, left: CValue, right: CValue) -> CValue:
        kind = left.kind.promoted
        value, count = self.converted(left, kind), self.converted(right, right.kind.promoted)
        bits = count.kind.bits
        self._demand(f"(bvult {count.text} {number(kind.bits, bits)})")
        if kind.is_signed:
            self._demand(f"(bvsge {value.text} {number(0, kind.bits)})")
        amount = count.at(kind.bits)
        if operator == ">>":
            return self._defined(f"(bvlshr {value.text} {amount})", kind)
        result = self._defined(f"(bvshl {value.text} {amount})", kind)
        if kind.is_signed:
            back = f"(= (bvlshr {result.text} {amount}) {value.text})"
            self._demand(f"(and {back} (bvsge {result.text} {number(0, kind.bits)}))")
        return result

    def _chosen(self, node: Any, names: Mapping[str, CValue]) -> CValue:
        condition = self.value(node.cond, names).is_true
        with self._where(condition):
            if_true = self.value(node.iftrue, names)
        with self._where(f"(not {condition})"):
            if_false = self.value(node.iffalse, names)
        kind = if_true.kind.joined(if_false.kind)
        x, y = self.converted(if_true, kind).text, self.converted(if_false, kind).text
        return self._defined(f"(ite {condition} {x} {y})", kind)

    def _logical(self, node: Any, names: Mapping[str, CValue]) -> CValue:
        left = self.value(node.left, names).is_true
        with self._where(left if node.op == "&&" else f"(not {left})"):
            right = self.value(node.right, names).is_true
        return self._truth(f"({'and' if node.op == '&&' else 'or'} {left} {right})")

    def _called(self, node: Any, names: Mapping[str, CValue]) -> CValue:
        function = self.functions[node.name.name]
        declared = function.decl.type.args.params
        given = (self.value(each, names) for each in node.args.exprs)
        inner = {
            each.name: self.converted(value, type_of(each.type)) for each, value in zip(declared, given, strict=True)
        }
        for statement in function.body.block_items:
            if type(statement).__name__ == "Return":
                return self.converted(self.value(statement.expr, inner), type_of(function.decl.type.type))
            self.declare(statement, inner)
            if SPLIT.issubset(inner):
                self.splits.append(inner)
        raise FormatError(f"the C function {node.name.name} returns nothing")

    def declare(self, node: Any, names: dict[str, CValue]) -> None:
        """Add a declared variable with its value."""
        if type(node).__name__ != "Decl" or node.init is None:
            raise FormatError(f"the C code has a statement that proofs do not cover: {node.coord}")
        names[node.name] = self.converted(self.value(node.init, names), type_of(node.type))


def type_of(declared: Any) -> CType:
    """Return the type of a declaration.

    Raises
    ------
    FormatError
        If it is not an integer type of a known width.
    """
    words = getattr(getattr(declared, "type", None), "names", [])
    if len(words) != 1 or words[0] not in TYPES:
        raise FormatError(
            f"the C code has the type {' '.join(words) or type(declared).__name__}, which proofs do not cover"
        )
    return TYPES[words[0]]
