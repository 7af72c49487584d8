"""Proofs that a step in Verilog does what the rule says, for every state and every input within the ranges.

The rule is written as bit-vectors (`snnprog.rules.bitvectors`), the Verilog is read by Yosys (`circuits`), and a solver
shows that no values make their outputs differ. Multipliers of two forms are beyond what solvers decide, so a product is
left open at first, one function for rule and circuit; that it is a multiplication is shown by lemmas of its own
(`lemmas`). Where the outputs then differ, the proof is tried again with the multiplication itself: what differs then
is a counterexample, and what does not was a difference of multipliers alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from snnprog.emit.hardware.step import AFTER, BEFORE, GATHERED, SET
from snnprog.errors import SpecError
from snnprog.proving.btor import Circuit, Clock
from snnprog.proving.circuits import circuit_of
from snnprog.proving.lemmas import Lemma, all_of, decided, product_lemmas
from snnprog.rules.bitvectors import (
    Range,
    TickFormulas,
    Vector,
    exact_product,
    open_products,
    ranges_of,
    resized,
    tick_formulas,
)
from snnprog.rules.ranges import Reach
from snnprog.rules.rule import SPIKES, Rule

TOP = "step"
"""The module that is proved."""


@dataclass(frozen=True)
class Counterexample:
    """Values for which rule and circuit differ.

    Attributes
    ----------
    before : mapping of str to int
        Registers, parameters, constants and what was gathered, by the rule's names.
    expected, found : mapping of str to int
        The registers after the tick, and ``spikes``: those of the rule, and those of the circuit.
    """

    before: Mapping[str, int]
    expected: Mapping[str, int]
    found: Mapping[str, int]


@dataclass(frozen=True)
class StepProof:
    """What was shown of a step.

    Attributes
    ----------
    lemmas : tuple of Lemma
        What was shown, and how long each took.
    counterexample : Counterexample or None
    """

    lemmas: tuple[Lemma, ...]
    counterexample: Counterexample | None = None

    @property
    def holds(self) -> bool:
        """Whether the circuit equals the rule."""
        return all(lemma.holds for lemma in self.lemmas)

    @property
    def seconds(self) -> float:
        """How long the solver took for all lemmas."""
        return sum(lemma.seconds for lemma in self.lemmas)


def prove_step(rule: Rule, reach: Reach, *, verilog: str) -> StepProof:
    """Prove that a combinational step in Verilog equals a rule, or find values for which it does not.

    Parameters
    ----------
    rule : Rule
    reach : Reach
        The ranges of all values, as for `snnprog.emit.hardware.step.NeuronStep`; a lemma says that no tick leaves them.
    verilog : str
        A module ``step`` with the ports of `snnprog.emit.hardware.step`.

    Raises
    ------
    SpecError
        If a package is missing, or the module has other ports.
    BackendError
        If Yosys cannot read the Verilog.
    UndecidedError
        If the time limit runs out first.
    """
    comparison = _Comparison(rule, tick_formulas(rule, ranges_of(rule, reach)), circuit_of(verilog, top=TOP))
    return comparison.proof()


@dataclass(frozen=True)
class _Port:
    """An output of a circuit: a term, its bits, and whether they are two's complement."""

    text: str
    width: int
    is_signed: bool

    def equals(self, vector: Vector) -> str:
        """Return, as a formula, that it is the same integer as a vector."""
        width = max(self.width + 1, vector.width)
        return f"(= {resized(self.text, self.width, width, is_signed=self.is_signed)} {vector.at(width)})"

    def integer(self, value: int) -> int:
        """Return the integer of its bits."""
        return _integer(value, self.width, is_signed=self.is_signed)


class _Comparison:
    """One tick of a rule and of a circuit that are given the same values."""

    def __init__(self, rule: Rule, tick: TickFormulas, circuit: Circuit) -> None:
        self.tick, self.ranges = tick, {name: (each.low, each.high) for name, each in tick.before.items()}
        self.clock = Clock(circuit, "hardware", _leaves(circuit, {_port(rule, name): each for name, each in tick.before.items()}))
        self.found = self._outputs(circuit)
        formulas = tick.formulas
        assumed = [f"(assert {each})" for each in formulas.assumed]
        self.lines = [*formulas.lines, *assumed, *self.clock.lines]
        self.products = [*formulas.products, *self.clock.products]

    def _outputs(self, circuit: Circuit) -> dict[str, _Port]:
        """Return what the circuit has after the tick, by the rule's names."""
        found = {}
        for name, vector in self.tick.after.items():
            port = SPIKES if name == SPIKES else f"{AFTER}{name}"
            if port not in circuit.outputs:
                raise SpecError(f"the module {TOP!r} has no output {port!r}; its outputs are {', '.join(circuit.outputs)}")
            node = circuit.outputs[port]
            found[name] = _Port(self.clock.values([node])[0], circuit.width_of(node), is_signed=vector.low < 0)
        return found

    def claims(self) -> dict[str, str]:
        """Return what is to be shown: a sentence, and its formula."""
        kept = [each.is_within(*self.ranges[name]) for name, each in self.tick.after.items() if name in self.ranges]
        return {
            "no definition of the rule loses anything by its width": all_of(self.tick.formulas.fits),
            "no register leaves its range": all_of(kept),
            **{f"{name} is the same": port.equals(self.tick.after[name]) for name, port in self.found.items()},
        }

    def proof(self) -> StepProof:
        """Show all claims, with products left open; what is not shown so, with the multiplication itself."""
        lemmas, bounds = product_lemmas(self.products), [f"(assert {each.is_bounded})" for each in self.tick.formulas.products]
        widths = {each.widths for each in self.products}
        for name, claim in self.claims().items():
            lemma = decided(name, [*open_products(widths), *self.lines, *bounds], claim=claim)
            if not lemma.holds:
                lemma = decided(name, [*(exact_product(*each) for each in sorted(widths)), *self.lines], claim=claim, terms=self._terms())
            lemmas.append(lemma)
            if not lemma.holds and lemma.values:
                return StepProof(tuple(lemmas), self._counterexample(lemma))
        return StepProof(tuple(lemmas))

    def _terms(self) -> list[str]:
        return [each.text for values in (self.tick.before, self.tick.after, self.found) for each in values.values()]

    def _counterexample(self, lemma: Lemma) -> Counterexample:
        before, expected = (
            {name: _integer(lemma.values[each.text], each.width, is_signed=True) for name, each in values.items()}
            for values in (self.tick.before, self.tick.after)
        )
        return Counterexample(before, expected, {name: port.integer(lemma.values[port.text]) for name, port in self.found.items()})


def _integer(value: int, width: int, *, is_signed: bool) -> int:
    """Return the integer that bits stand for."""
    return value - (1 << width) if is_signed and value >> (width - 1) else value


def _port(rule: Rule, name: str) -> str:
    """Return the input that has a name of the rule."""
    if name == rule.gather.target:
        return GATHERED
    return f"{BEFORE if name in rule.registers else SET}{name}"


def _leaves(circuit: Circuit, given: Mapping[str, Vector]) -> dict[int, str]:
    """Return what each input of a circuit is given.

    Raises
    ------
    SpecError
        If the circuit has other inputs, or registers.
    """
    unknown = sorted(set(circuit.inputs) - set(given))
    if unknown or circuit.states:
        raise SpecError(
            f"the module {TOP!r} must be combinational with the inputs {', '.join(given)}, got also"
            f" {', '.join([*unknown, *circuit.states.values()])}"
        )
    return {
        node: resized(given[name].text, given[name].width, circuit.width_of(node))
        for name, node in circuit.inputs.items()
    }
