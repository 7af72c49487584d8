"""Proofs that the step in a program's C equals the rule, neuron by neuron, for every state and every arrival.

pycparser reads the code; `c_semantics` makes bit-vectors of it by the rules of C99, with an obligation wherever C
leaves something undefined or to the compiler. The parameters are those of the program, which stand in the code's
tables; the registers and what arrives have any values within the ranges of the program's proof
(`snnprog.rules.ranges`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from snnprog.errors import FormatError
from snnprog.files.hdf5 import check_installed
from snnprog.program import Program
from snnprog.proving.c_semantics import CMachine, CValue, type_of
from snnprog.proving.lemmas import Lemma, all_of, decided, lemmas_about, same_in_lemmas
from snnprog.proving.step import Counterexample, StepProof
from snnprog.rules.bitvectors import TickFormulas, ranges_of, tick_formulas
from snnprog.rules.products import Product
from snnprog.rules.ranges import Span, reach_of
from snnprog.rules.rule import SPIKES, Rule
from snnprog.rules.vectors import Operand, Vector, number, resized
from snnprog.simulate.layout import arriving_span
from snnprog.simulate.parameters import parameters_of

PRELUDE = (
    "typedef int "
    + ", ".join(f"{sign}int{kind}_t" for sign in ("", "u") for kind in (8, 16, 32, 64, "_fast8", "_fast16", "_fast32"))
    + ";\n"
)
"""Names of types, only for the parser; `c_semantics` defines them."""

NARROW, WIDE = 32, 64
"""Bits of multiplications in C, and of their full products."""


@dataclass(frozen=True)
class StepSource:
    """A program's C after parsing.

    Attributes
    ----------
    prefix : str
        What its names begin with.
    functions : mapping of str to pycparser.c_ast.FuncDef
    tables : mapping of str to pycparser.c_ast.Decl
        The arrays.
    step : list of pycparser.c_ast.Node
        The statements of one neuron's tick.
    """

    prefix: str
    functions: Mapping[str, Any]
    tables: Mapping[str, Any]
    step: list[Any]

    @classmethod
    def from_text(cls, text: str, *, prefix: str) -> StepSource:
        """Return the parts of a program's C, with accessible states.

        Raises
        ------
        SpecError
            If pycparser is not installed.
        FormatError
            If there is no loop over neurons that proofs cover.
        """
        check_installed("pycparser", "proving a program's C", extra="prove")
        from pycparser import CParser

        tree = CParser().parse(PRELUDE + _preprocessed(text, {f"{prefix}_STATE"}))
        functions = {node.decl.name: node for node in tree.ext if type(node).__name__ == "FuncDef"}
        tables = {node.name: node for node in tree.ext if type(node).__name__ == "Decl"}
        for node in functions[f"{prefix}_tick"].body.block_items or []:
            inner = node.stmt.block_items if type(node).__name__ == "For" else []
            if f"{prefix}_potential" in {each.lvalue.name.name for each in inner if _is_store(each)}:
                return cls(prefix, functions, tables, inner)
        raise FormatError(f"the C code of {prefix} has no loop over neurons that proofs cover")

    def entry(self, table: str, index: int) -> int | None:
        """Return an entry of a constant table; None if the array is not such a table."""
        declared = self.tables[table]
        if "const" not in declared.quals + declared.type.type.quals or declared.init is None:
            return None
        node = declared.init.exprs[index]
        sign = -1 if type(node).__name__ == "UnaryOp" else 1
        return sign * int((node.expr if sign < 0 else node).value.rstrip("uUlL"), 0)


def _is_store(node: Any) -> bool:
    return type(node).__name__ == "Assignment" and type(node.lvalue).__name__ == "ArrayRef"


def _preprocessed(text: str, defined: set[str]) -> str:
    """Return the code without comments and directives, after preprocessing with some names defined."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    macros: dict[str, str] = {}
    kept, live = [], [True]
    for line in text.splitlines():
        words = line.split()
        if words and words[0] in ("#ifdef", "#ifndef"):
            live.append(live[-1] and (words[1] in defined) == (words[0] == "#ifdef"))
        elif words and words[0] == "#else":
            live[-1] = live[-2] and not live[-1]
        elif words and words[0] == "#endif":
            live.pop()
        elif live[-1] and words and words[0] == "#define":
            macros[words[1]] = " ".join(words[2:])
        elif live[-1] and not line.startswith("#"):
            kept.append(line)
    found = "\n".join(kept)
    for name, meaning in macros.items():
        found = re.sub(rf"\b{name}\b", meaning, found)
    return found


def prove_c(program: Program, source: str, *, prefix: str) -> Iterator[tuple[int, StepProof]]:
    """Prove for each neuron that its step in C equals the rule.

    Parameters
    ----------
    program : Program
    source : str
        Its C (`snnprog.export`).
    prefix : str
        What its names begin with.

    Yields
    ------
    neuron : int
    proof : StepProof
    """
    code, rule = StepSource.from_text(source, prefix=prefix), program.chip.rule
    parameters, arriving = parameters_of(program), arriving_span(program)
    for neuron in range(program.n_neurons):
        at = slice(neuron, neuron + 1)
        spans = {name: Span.of(values[at]) for name, values in parameters.items()}
        reach = reach_of(rule, spans, arriving=Span(arriving.low[at], arriving.high[at]))
        tick = tick_formulas(rule, ranges_of(rule, reach), opens_constants=True)
        yield neuron, _CStep(rule, code, tick, neuron).proof()


@dataclass
class _CStep:
    """One neuron's tick, in C and in the rule."""

    rule: Rule
    code: StepSource
    tick: TickFormulas
    neuron: int
    stored: dict[str, CValue] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)

    def proof(self) -> StepProof:
        """Prove that behaviour is defined, and that registers and spikes are the same."""
        machine = CMachine(self.code.functions, self._load)
        names: dict[str, CValue] = {}
        for node in self.code.step:
            if _is_store(node):
                kind = type_of(self.code.tables[node.lvalue.name.name].type.type)
                self.stored[node.lvalue.name.name] = machine.converted(machine.value(node.rvalue, names), kind)
                continue
            machine.declare(node, names)
            if node.name == self.rule.gather.target:
                self.given.append(_is_same(names[node.name], self.tick.before[node.name]))
        formulas, results = self.tick.formulas, self._results()
        operations = formulas.operations + machine.operations
        lines = [*formulas.lines, *self.lines, *machine.lines]
        given = [f"(assert {each})" for each in (*formulas.assumed, *self.given)]
        terms = [each.text for values in (self.tick.before, self.tick.after, results) for each in values.values()]
        products = formulas.operations.products if machine.operations.products else []
        lemmas = [*lemmas_about(operations), *same_in_lemmas(products, NARROW), *_split_lemmas(machine.splits)]
        for name, claim in {
            "no definition of the rule loses anything by its width": all_of(formulas.fits),
            "nothing in C is undefined, or left to the compiler": all_of(machine.obligations),
            "values that C multiplies in two parts are these parts": all_of(map(_is_whole, machine.splits)),
        }.items():
            lemmas.append(decided(name, [*operations.exact, *lines, *given], claim=claim, terms=terms))
            given.append(f"(assert {claim})")
        facts = [*operations.bounds, *map(_is_product_whole, machine.splits)]
        facts += [each.is_same_in(NARROW) for each in products]
        shown = [*given, *(f"(assert {each})" for each in facts)]
        for name, value in results.items():
            claim = _is_same(value, self.tick.after[name])
            lemma = decided(f"{name} is the same", [*operations.opened, *lines, *shown], claim=claim)
            if not lemma.holds:
                lemma = decided(lemma.name, [*operations.exact, *lines, *given], claim=claim, terms=terms)
            lemmas.append(lemma)
        failed = next((lemma for lemma in lemmas if not lemma.holds), None)
        return StepProof(tuple(lemmas), None if failed is None else self._counterexample(failed.values))

    def _load(self, node: Any) -> CValue:
        """Return an element of a table, of a register, or of the arrivals."""
        array = node.name.name
        kind, name = type_of(self.code.tables[array].type.type), array.removeprefix(f"{self.code.prefix}_")
        entry = self.code.entry(array, self.neuron)
        if entry is not None:
            return CValue(number(entry, kind.bits), kind)
        if name in self.rule.registers:
            vector = self.tick.before[name]
            value = CValue(resized(vector.text, vector.width, kind.bits), kind)
            self.given.append(_is_same(value, vector))
            return value
        value = CValue(f"|c {array}|", kind)
        self.lines.append(f"(declare-fun {value.text} () (_ BitVec {kind.bits}))")
        return value

    def _results(self) -> dict[str, CValue]:
        """Return the values that the code stores, by the rule's names."""
        names = {f"{self.code.prefix}_{name}": name for name in self.rule.registers}
        names[f"{self.code.prefix}_fired"] = SPIKES
        return {names[array]: value for array, value in self.stored.items() if array in names}

    def _counterexample(self, values: Mapping[str, int]) -> Counterexample:
        before, expected = (
            {name: each.integer(values[each.text]) for name, each in vectors.items()}
            for vectors in (self.tick.before, self.tick.after)
        )
        found = {name: each.integer(values[each.text]) for name, each in self._results().items()}
        return Counterexample(before, expected, found)


def _is_same(value: CValue, vector: Vector) -> str:
    """Return, as a formula, that a value of C is the integer of a vector."""
    width = max(value.kind.bits + 1, vector.width)
    return f"(= {value.at(width)} {vector.at(width)})"


def _is_whole(split: Mapping[str, CValue]) -> str:
    """Return, as a formula, that a value is its parts together."""
    value, whole, part, bits = (split[name].at(WIDE) for name in ("value", "whole", "part", "bits"))
    return f"(= {value} (bvadd (bvshl {whole} {bits}) {part}))"


def _is_product_whole(split: Mapping[str, CValue]) -> str:
    """Return, as a formula, that a product is those of the parts together."""
    value, whole, part = (_times(split[name], split["factor"]) for name in ("value", "whole", "part"))
    return f"(= {value} (bvadd (bvshl {whole} {split['bits'].at(WIDE)}) {part}))"


def _times(value: CValue, factor: CValue) -> str:
    bits = value.kind.bits
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return Product(Operand(value.text, bits, low, high), Operand(factor.text, bits, low, high), WIDE).text


def _split_lemmas(splits: Sequence[Mapping[str, CValue]]) -> list[Lemma]:
    """Return the lemma that a product in two parts equals the full product modulo ``2**64``."""
    if not splits:
        return []
    lines = [f"(declare-fun {name} () (_ BitVec {WIDE}))" for name in ("whole", "part", "factor", "unit")]
    left = "(bvmul (bvadd (bvmul whole unit) part) factor)"
    right = "(bvadd (bvmul (bvmul whole factor) unit) (bvmul part factor))"
    return [decided("a product in two parts is that of the whole", lines, claim=f"(= {left} {right})")]
