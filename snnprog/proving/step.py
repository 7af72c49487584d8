"""Proofs that a step in Verilog equals the rule, for every state and every input within the ranges.

The rule is written as bit-vectors (`snnprog.rules.bitvectors`), the Verilog is read by Yosys (`circuits`), and a solver
shows that no values make their outputs differ. Multipliers of two forms are beyond what solvers decide, so a product is
left open at first, one function for rule and circuit; that it is a multiplication is shown by lemmas of its own
(`lemmas`). Where the outputs then differ, the proof is tried again with the multiplication itself: what differs then
is a counterexample, and what does not was a difference of multipliers alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from snnprog.display.card import BAD, GOOD, Card, Displayed
from snnprog.emit.hardware.step import AFTER, BEFORE, GATHERED, SET
from snnprog.errors import SpecError
from snnprog.proving.btor import Circuit, Clock
from snnprog.proving.circuits import circuit_of
from snnprog.proving.lemmas import Lemma, all_of, decided, lemmas_about
from snnprog.rules.bitvectors import TickFormulas, gather_formulas, ranges_of, tick_formulas
from snnprog.rules.ranges import Reach
from snnprog.rules.rule import COUNT, SPIKES, WEIGHT, Rule
from snnprog.rules.vectors import Range, Vector, integer, resized
from snnprog.table import Table, checked
from snnprog.wording import counted

TOP, CLOCK, RESET = "step", "clk", "rst"
"""The module of the proof, and its control inputs."""


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


@dataclass(frozen=True, repr=False)
class StepProof(Displayed):
    """The result of a proof about a step.

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
        """Seconds of the solver for all lemmas."""
        return sum(lemma.seconds for lemma in self.lemmas)

    def _summary(self) -> str:
        shown = f"{sum(lemma.holds for lemma in self.lemmas)} of {counted(len(self.lemmas), 'lemma')}"
        return f"{'proved' if self.holds else 'refuted'}, {shown} in {self.seconds:.3g} s"

    def _card(self) -> Card:
        rows = [(lemma.name, checked(lemma.holds), lemma.seconds) for lemma in self.lemmas]
        table = Table.plain("", columns=("lemma", "holds", "seconds"), rows=rows)
        return Card(GOOD if self.holds else BAD, table=table)


def prove_step(rule: Rule, reach: Reach, *, verilog: str, clocks: int = 0) -> StepProof:
    """Prove that a step in Verilog equals a rule, or find values for which it does not.

    Parameters
    ----------
    rule : Rule
    reach : Reach
        The ranges of all values, as for `snnprog.emit.hardware.step.NeuronStep`; a lemma says that no tick leaves them.
    verilog : str
        A module ``step`` with the ports of `snnprog.emit.hardware.step`.
    clocks : int
        For how many clocks the inputs hold still before the outputs are right, whatever its registers were before.

    Raises
    ------
    SpecError
        If a package is missing, or the module has other ports.
    BackendError
        If Yosys cannot read the Verilog.
    UndecidedError
        If the time limit runs out first.
    """
    tick = tick_formulas(rule, ranges_of(rule, reach))
    inputs = {name: _input(rule, name) for name in tick.before}
    outputs = {SPIKES: SPIKES, **{name: f"{AFTER}{name}" for name in rule.registers}}
    return _Comparison(tick, circuit_of(verilog, top=TOP), inputs=inputs, outputs=outputs, clocks=clocks).proof()


def prove_gather(rule: Rule, reach: Reach, *, weight: Range, count: Range, verilog: str) -> StepProof:
    """Prove that the gathering of one event in Verilog equals a rule's, or find values for which it does not.

    Parameters
    ----------
    rule, reach, verilog
        As for `prove_step`, with the ports of `snnprog.emit.hardware.step.GatherStep`.
    weight, count : (int, int)
        The least and the greatest weight of a synapse, and how often a line spikes in a tick. The sum of a rule
        that holds nothing is taken to stay within its reach: a program's sums are bounded before it runs.
    """
    target = rule.gather.target
    span = reach.of(rule.gather, rule.gather.expression)
    ranges = {target: (span.least, span.greatest), WEIGHT: weight, COUNT: count}
    inputs, outputs = {target: GATHERED, WEIGHT: WEIGHT, COUNT: COUNT}, {target: f"{AFTER}{GATHERED}"}
    event = gather_formulas(rule, ranges)
    if rule.is_sum:
        event.formulas.assumed.append(event.after[target].is_within(*ranges[target]))
    return _Comparison(event, circuit_of(verilog, top=TOP), inputs=inputs, outputs=outputs).proof()


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
        return integer(value, self.width) if self.is_signed else value


class _Comparison:
    """One tick of a rule and of a circuit with the same inputs."""

    def __init__(
        self,
        tick: TickFormulas,
        circuit: Circuit,
        *,
        inputs: Mapping[str, str],
        outputs: Mapping[str, str],
        clocks: int = 0,
    ) -> None:
        self.tick, self.circuit = tick, circuit
        self.operations, self.lines = tick.formulas.operations, list(tick.formulas.lines)
        given = _given(circuit, {port: tick.before[name] for name, port in inputs.items()})
        states = {node: f"|before {node}|" for node in circuit.states.values()}
        self.lines += [f"(declare-fun {text} () {circuit.sort_of(node)})" for node, text in states.items()]
        for index in range(clocks):
            clock = Clock(circuit, f"clock {index}", given | states)
            states |= clock.after()
            self._add(clock)
        clock = Clock(circuit, "hardware", given | states)
        self.found = {name: self._output(clock, port, tick.after[name]) for name, port in outputs.items()}
        self._add(clock)
        self.lines += [f"(assert {each})" for each in tick.formulas.assumed]

    def _add(self, clock: Clock) -> None:
        self.lines += clock.lines
        self.operations += clock.operations

    def _output(self, clock: Clock, port: str, vector: Vector) -> _Port:
        """Return an output of the circuit; it is two's complement where the rule's value may be negative."""
        node = self.circuit.outputs.get(port)
        if node is None:
            outputs = ", ".join(self.circuit.outputs)
            raise SpecError(f"the module {TOP!r} has no output {port!r}; its outputs are {outputs}")
        return _Port(clock.values([node])[0], self.circuit.width_of(node), is_signed=vector.low < 0)

    def claims(self) -> dict[str, str]:
        """Return the claims about registers and spikes, each as a sentence and its formula."""
        before, after = self.tick.before, self.tick.after
        kept = [each.is_within(before[name].low, before[name].high) for name, each in after.items() if name in before]
        return {
            "no register leaves its range": all_of(kept),
            **{f"{name} is the same": port.equals(after[name]) for name, port in self.found.items()},
        }

    def proof(self) -> StepProof:
        """Prove all claims with uninterpreted products; the others with full multiplication.

        What has been shown of registers is given to the claims after it.
        """
        lemmas = lemmas_about(self.operations)
        given = [f"(assert {each})" for each in self.tick.formulas.operations.bounds]
        fits = {"no definition of the rule loses anything by its width": all_of(self.tick.formulas.fits)}
        for name, claim in {**fits, **self.claims()}.items():
            lemma = decided(name, [*self.operations.opened, *self.lines, *given], claim=claim)
            if not lemma.holds:
                lines = [*self.operations.exact, *self.lines, *given]
                lemma = decided(name, lines, claim=claim, terms=self._terms())
            lemmas.append(lemma)
            if not lemma.holds:
                return StepProof(tuple(lemmas), self._counterexample(lemma))
            given += [] if name in fits else [f"(assert {claim})"]
        return StepProof(tuple(lemmas))

    def _terms(self) -> list[str]:
        return [each.text for values in (self.tick.before, self.tick.after, self.found) for each in values.values()]

    def _counterexample(self, lemma: Lemma) -> Counterexample:
        before, expected = (
            {name: each.integer(lemma.values[each.text]) for name, each in values.items()}
            for values in (self.tick.before, self.tick.after)
        )
        return Counterexample(
            before, expected, {name: port.integer(lemma.values[port.text]) for name, port in self.found.items()}
        )


def _input(rule: Rule, name: str) -> str:
    """Return the input with a name of the rule."""
    if name == rule.gather.target:
        return GATHERED
    return f"{BEFORE if name in rule.registers else SET}{name}"


def _given(circuit: Circuit, values: Mapping[str, Vector]) -> dict[int, str]:
    """Return the value of each input of a circuit; it is not reset.

    Raises
    ------
    SpecError
        If the circuit has other inputs.
    """
    unknown = sorted(set(circuit.inputs) - set(values) - {CLOCK, RESET})
    if unknown:
        raise SpecError(
            f"the module {TOP!r} must have the inputs {', '.join(values)} and no others, got {', '.join(unknown)}"
        )
    given = {}
    for name, node in circuit.inputs.items():
        if name in values:
            given[node] = resized(values[name].text, values[name].width, circuit.width_of(node))
        else:
            given[node] = "#b0"
    return given
