"""Circuits in BTOR2, as Yosys writes them, and their nodes as SMT-LIB at any clock.

BTOR2 is one node a line (Niemetz, Preiner, Wolf and Biere 2018, "BTOR2, BtorMC and Boolector 3.0"): inputs, states,
what a state is after a clock (``next``), and operations on bit-vectors and arrays, each of which SMT-LIB has, too.

Products are written in the form of `snnprog.rules.bitvectors`: magnitudes are multiplied and the sign comes after, so
that a product may be left open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from snnprog.errors import FormatError
from snnprog.rules.products import Operations, Product, Quotient
from snnprog.rules.vectors import Operand, number

Node = tuple[str, ...]
"""The words of a line after its number, but for the symbol at its end."""

SAME = ("and", "or", "xor", "not", "neg", "nand", "nor", "xnor", "add", "sub", "udiv", "urem", "sdiv", "srem", "smod")

OPERATORS: Mapping[str, str] = {
    **{name: f"bv{name}" for name in SAME},
    "sll": "bvshl",
    "srl": "bvlshr",
    "sra": "bvashr",
    "concat": "concat",
    "read": "select",
    "write": "store",
}
"""Operations with other names in SMT-LIB."""

RELATIONS: Mapping[str, str] = {
    **{name: f"bv{name}" for name in ("ult", "ugt", "slt", "sgt")},
    "ulte": "bvule",
    "ugte": "bvuge",
    "slte": "bvsle",
    "sgte": "bvsge",
    "eq": "=",
    "iff": "=",
    "neq": "distinct",
}
"""Relations: one bit in BTOR2, a truth value in SMT-LIB."""


@dataclass
class Circuit:
    """A circuit in BTOR2: nodes by their numbers, operands before their users.

    Attributes
    ----------
    sorts : dict of int to str
        Each sort in SMT-LIB.
    nodes : dict of int to Node
        Operation, sort and operands.
    inputs, outputs : dict of str to int
        By name.
    states : dict of str to int
        Registers and memories, by each of their names.
    wires : dict of str to int
        The nodes that have a name.
    successors : dict of int to int
        State -> the node that it is after the next clock.
    initial : dict of int to int
        State -> the node that it is at the start.
    """

    sorts: dict[int, str] = field(default_factory=dict)
    nodes: dict[int, Node] = field(default_factory=dict)
    inputs: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    wires: dict[str, int] = field(default_factory=dict)
    successors: dict[int, int] = field(default_factory=dict)
    initial: dict[int, int] = field(default_factory=dict)

    @classmethod
    def from_text(cls, text: str) -> Circuit:
        """Return the circuit of a BTOR2 file.

        Raises
        ------
        FormatError
            If a line has an unknown operation.
        """
        circuit = cls()
        for line in text.splitlines():
            words = tuple(line.partition(";")[0].split())
            if words:
                circuit._add(int(words[0]), words[1:])
        return circuit

    def sort_of(self, node: int) -> str:
        """Return a node's sort in SMT-LIB."""
        return self.sorts[int(self.nodes[abs(node)][1])]

    def width_of(self, node: int) -> int:
        """Return the bits of a node that is not an array."""
        return int(self.sort_of(abs(node)).split()[-1].rstrip(")"))

    def operands(self, node: int) -> tuple[int, ...]:
        """Return the numbers of a node's operands."""
        operator, _, *words = self.nodes[node]
        if operator in ("const", "constd", "consth", "zero", "one", "ones", "input", "state"):
            return ()
        count = {"slice": 1, "uext": 1, "sext": 1}.get(operator, len(words))
        return tuple(int(word) for word in words[:count] if word.lstrip("-").isdigit())

    def _add(self, line: int, words: Node) -> None:
        operator = words[0]
        if operator == "sort":
            self.sorts[line] = self._sort(words[1:])
        elif operator == "output":
            self.outputs[words[2] if len(words) > 2 else f"n{line}"] = int(words[1])
        elif operator == "next":
            self.successors[int(words[2])] = int(words[3])
        elif operator == "init":
            self.initial[int(words[2])] = int(words[3])
        elif operator in ("input", "state"):
            self.nodes[line] = words[:2]
            name = words[2] if len(words) > 2 else f"n{line}"
            if operator == "input":
                self.inputs[name] = line
            else:
                self.states[name] = line
        else:
            self.nodes[line] = words
            if operator == "uext" and len(words) == 5:
                self._name(words[4], int(words[2]))

    def _name(self, name: str, node: int) -> None:
        """Note another name of a node."""
        self.wires[name] = node
        if self.nodes.get(node, ("",))[0] == "state":
            self.states[name] = node

    def _sort(self, words: Node) -> str:
        if words[0] == "bitvec":
            return f"(_ BitVec {words[1]})"
        return f"(Array {self.sorts[int(words[1])]} {self.sorts[int(words[2])]})"


@dataclass
class Clock:
    """The nodes of a circuit at one clock, as definitions of SMT-LIB.

    Parameters
    ----------
    circuit : Circuit
    prefix : str
        What the names of definitions begin with.
    leaves : mapping of int to str
        Inputs and states, and what stands for each: terms.

    Attributes
    ----------
    lines : list of str
        The definitions.
    operations : Operations
        The multiplications, but for those by a constant, and the divisions among them.
    """

    circuit: Circuit
    prefix: str
    leaves: Mapping[int, str]
    lines: list[str] = field(default_factory=list)
    operations: Operations = field(default_factory=Operations)
    _defined: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._defined.update(self.leaves)

    def values(self, nodes: Sequence[int]) -> list[str]:
        """Return the terms of some nodes, after defining their operands."""
        for node in sorted(self._missing(nodes)):
            text = self._text(node)
            self._defined[node] = f"|{self.prefix}.{node}|"
            self.lines.append(f"(define-fun {self._defined[node]} () {self.circuit.sort_of(node)} {text})")
        return [self._value(node) for node in nodes]

    def after(self) -> dict[int, str]:
        """Return the term of each state after the clock."""
        states = list(self.circuit.successors)
        found = self.values([self.circuit.successors[state] for state in states])
        return dict(zip(states, found, strict=True))

    def _missing(self, nodes: Sequence[int]) -> set[int]:
        """Return the nodes that are still to be defined."""
        found: set[int] = set()
        waiting = [abs(node) for node in nodes]
        while waiting:
            node = waiting.pop()
            if node not in self._defined and node not in found:
                found.add(node)
                waiting += [abs(each) for each in self.circuit.operands(node)]
        return found

    def _value(self, node: int) -> str:
        return self._defined[node] if node >= 0 else f"(bvnot {self._defined[-node]})"

    def _text(self, node: int) -> str:
        operator, _, *words = self.circuit.nodes[node]
        operands = self.circuit.operands(node)
        values = [self._value(each) for each in operands]
        if not operands:
            return _constant(operator, words, width=self.circuit.width_of(node))
        if operator == "mul":
            return self._product(node, operands)
        if operator == "udiv":
            return self._quotient(operands)
        if operator == "slice":
            return f"((_ extract {words[1]} {words[2]}) {values[0]})"
        if operator in ("uext", "sext"):
            return f"((_ {'zero' if operator == 'uext' else 'sign'}_extend {words[1]}) {values[0]})"
        if operator == "ite":
            return f"(ite (= {values[0]} #b1) {values[1]} {values[2]})"
        if operator in RELATIONS:
            return f"(ite ({RELATIONS[operator]} {' '.join(values)}) #b1 #b0)"
        if operator in REDUCTIONS:
            return REDUCTIONS[operator](values[0], self.circuit.width_of(operands[0]))
        if operator == "implies":
            return f"(bvor (bvnot {values[0]}) {values[1]})"
        if operator in OPERATORS:
            return f"({OPERATORS[operator]} {' '.join(values)})"
        raise FormatError(f"line {node} of the circuit has the operation {operator!r}, which is not known here")

    def _product(self, node: int, operands: Sequence[int]) -> str:
        """Return a multiplication; one by a constant is unchanged, because a solver turns it into additions."""
        if any(self.circuit.nodes[abs(each)][0] in CONSTANTS for each in operands):
            return f"(bvmul {' '.join(self._value(each) for each in operands)})"
        left, right = map(self._factor, operands)
        product = Product(left, right, self.circuit.width_of(node))
        self.operations.products.append(product)
        return product.text

    def _quotient(self, operands: Sequence[int]) -> str:
        """Return a division of unsigned numbers."""
        widths = [self.circuit.width_of(each) for each in operands]
        factors = (
            Operand(self._value(each), width, 0, (1 << width) - 1) for each, width in zip(operands, widths, strict=True)
        )
        quotient = Quotient(*factors)
        self.operations.quotients.append(quotient)
        return quotient.text

    def _factor(self, node: int) -> Operand:
        """Return an operand of a multiplication without the bits that only extend it."""
        inner, is_signed = node, True
        operator, _, *words = self.circuit.nodes[abs(node)]
        if node > 0 and operator in ("uext", "sext"):
            inner, is_signed = int(words[0]), operator == "sext"
        elif node > 0 and operator == "concat" and self._is_zero(int(words[0])):
            inner, is_signed = int(words[1]), False
        width = self.circuit.width_of(inner)
        half = 1 << (width - 1)
        low, high = (-half, half - 1) if is_signed else (0, 2 * half - 1)
        return Operand(self._value(inner), width, low, high)

    def _is_zero(self, node: int) -> bool:
        operator, _, *words = self.circuit.nodes[abs(node)]
        return node > 0 and (operator == "zero" or (operator == "const" and set(words[0]) == {"0"}))


CONSTANTS = ("const", "constd", "consth", "zero", "one", "ones")


def _constant(operator: str, words: Sequence[str], *, width: int) -> str:
    bases = {"const": 2, "constd": 10, "consth": 16}
    value = int(words[0], bases[operator]) if operator in bases else {"zero": 0, "one": 1, "ones": -1}[operator]
    return number(value, width)


REDUCTIONS: Mapping[str, Callable[[str, int], str]] = {
    "redor": lambda x, width: f"(ite (= {x} {number(0, width)}) #b0 #b1)",
    "redand": lambda x, width: f"(ite (= {x} {number(-1, width)}) #b1 #b0)",
    "redxor": lambda x, width: f"(bvxor {' '.join(f'((_ extract {bit} {bit}) {x})' for bit in range(width))} #b0)",
    "inc": lambda x, width: f"(bvadd {x} {number(1, width)})",
    "dec": lambda x, width: f"(bvsub {x} {number(1, width)})",
}
"""Operations of one vector that are not in SMT-LIB: of its term and its width."""
