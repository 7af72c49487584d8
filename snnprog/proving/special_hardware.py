"""The hardware of one program as a circuit: what its registers are called, and what they are after a clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from snnprog.emit.hardware.special import STATE_BITS
from snnprog.emit.hardware.special_plan import NeuronPlan, SpecialPlan, Tap
from snnprog.errors import SpecError
from snnprog.proving.btor import Circuit, Clock
from snnprog.proving.lemmas import Lemma, all_of, decided
from snnprog.proving.special_terms import by_phase, gathered_at_start, is_same
from snnprog.rules.bitvectors import Formulas
from snnprog.rules.expressions import End, Hold
from snnprog.rules.rule import SPIKES, Rule
from snnprog.rules.vectors import Range, Vector, number, resized, signed_width


@dataclass(frozen=True)
class HardwareCycle:
    """A clock of the hardware, from any state, and the next one.

    Attributes
    ----------
    before, after : Clock
    states : mapping of int to str
        The terms of registers before.
    successors : mapping of int to str
        The terms of registers after.
    declared : list of str
        What all of these are made of.
    """

    before: Clock
    after: Clock
    states: Mapping[int, str]
    successors: Mapping[int, str]
    declared: list[str]

    @property
    def lines(self) -> list[str]:
        """Declarations and definitions."""
        return [*self.declared, *self.before.lines, *self.after.lines]


class SpecialHardware:
    """The hardware of one program as a circuit: its registers and wires by name, and a clock of it from any state.

    Parameters
    ----------
    plan : SpecialPlan
    circuit : Circuit
        The module with states.
    """

    def __init__(self, plan: SpecialPlan, circuit: Circuit) -> None:
        self.plan, self.program, self.circuit = plan, plan.program, circuit
        self.rule: Rule = plan.program.chip.rule
        self.last = len(plan.taps)

    # ------------------------------------------------------------------------------------------------- the hardware

    def wire(self, name: str) -> int:
        """Return the node of a wire or register."""
        node = self.circuit.states.get(name, self.circuit.wires.get(name))
        if node is None:
            raise SpecError(f"the circuit has no wire {name!r}, so it is not the hardware of this program")
        return node

    @cached_property
    def gathered(self) -> dict[int, int]:
        """What neurons have gathered, by neuron: only of those whose steps read it."""
        name = "neuron_{}.gathered" if self.plan.is_parallel else "gathered_{}"
        known = self.circuit.wires if self.plan.is_parallel else self.circuit.states
        names = {index: name.format(index) for index in range(len(self.plan.neurons))}
        return {index: known[each] for index, each in names.items() if each in known}

    @cached_property
    def tables(self) -> dict[int, int]:
        """Memories that nothing writes, and what they hold."""
        arrays = [each for each in self.circuit.successors if self.circuit.sort_of(each).startswith("(Array")]
        for each in arrays:
            if self.circuit.successors[each] != each or each not in self.circuit.initial:
                raise SpecError("the circuit has a memory that is written, so it is not the hardware of a program")
        return {each: self.circuit.initial[each] for each in arrays}

    def cycle(self, held: Mapping[str, str]) -> HardwareCycle:
        """Return a clock from any state; inputs that are not held may have any value."""
        circuit = self.circuit
        nodes = dict.fromkeys(circuit.states.values()).keys() - self.tables.keys()
        states = {node: f"|before {node}|" for node in sorted(nodes)}
        declared = [f"(declare-fun {text} () {circuit.sort_of(node)})" for node, text in states.items()]
        contents = Clock(circuit, "contents", states)
        rom = dict(zip(self.tables, contents.values(list(self.tables.values())), strict=True))
        declared += contents.lines
        inputs = {}
        for name, node in circuit.inputs.items():
            inputs[node] = held.get(name, f"|{name}|")
            if name not in held:
                declared.append(f"(declare-fun {inputs[node]} () {circuit.sort_of(node)})")
        before = Clock(circuit, "clock", {**inputs, **states, **rom})
        registers = [node for node in circuit.successors if node not in self.tables]
        found = before.values([circuit.successors[node] for node in registers])
        successors = dict(zip(registers, found, strict=True))
        after = Clock(circuit, "next", {**inputs, **successors, **rom})
        return HardwareCycle(before, after, states, successors, declared)

    @cached_property
    def kept_nodes(self) -> list[int]:
        """The registers in which a program's state is: of neurons, and of lines."""
        registers = [node for each in self.registers for node in each.values()]
        outputs = [self.wire(f"{SPIKES}_{neuron}") for neuron in sorted(set(self.program.outputs.tolist()))]
        return registers + outputs + [self.wire(f"line_{line}") for line in self.plan.depth]

    @cached_property
    def registers(self) -> list[dict[str, int]]:
        """The registers of each neuron, by the rule's names; one that nothing reads is not in the circuit."""
        found = []
        for index, neuron in enumerate(self.plan.neurons):
            moving = [name for name, span in neuron.reach.registers.items() if span.least < span.greatest]
            states = {name: self.circuit.states.get(f"{name}_{index}") for name in moving}
            found.append({name: node for name, node in states.items() if node is not None})
        return found

    def is_at_end(self, cycle: HardwareCycle) -> list[str]:
        """Return that the clock ends a tick, as formulas; in the parallel form the strobe says so."""
        return [] if self.plan.is_parallel else self.is_in_phase(cycle, self.last)

    def is_in_phase(self, cycle: HardwareCycle, phase: int) -> list[str]:
        """Return, as formulas, that a tick is under way, and in which phase."""
        bits = self.circuit.width_of(self.wire("phase"))
        return [
            f"(= {cycle.states[self.wire('is_busy')]} #b1)",
            f"(= {cycle.states[self.wire('phase')]} {number(phase, bits)})",
        ]

    def kept(self, cycle: HardwareCycle, nodes: Iterable[int]) -> list[str]:
        """Return, as formulas, that registers are what they were."""
        return [f"(= {cycle.successors[node]} {cycle.states[node]})" for node in nodes]

    def shown(self, cycle: HardwareCycle, name: str, *, value: int) -> str:
        """Return, as a formula, that an output of one bit has a value in the next clock."""
        return f"(= {cycle.after.values([self.circuit.outputs[name]])[0]} #b{value})"

    def tap(self, cycle: HardwareCycle, tap: Tap) -> tuple[str, int]:
        """Return what a line did a delay ago, and its bits."""
        line, delay = tap
        bits = self.plan.count_bits[line]
        return f"((_ extract {delay * bits - 1} {(delay - 1) * bits}) {cycle.states[self.wire(f'line_{line}')]})", bits

    def most_spikes(self, line: int) -> int:
        """Return how often a line spikes in a tick at most."""
        neuron = line - self.program.n_inputs
        return 1 if neuron < 0 else self.plan.neurons[neuron].spikes(self.rule).greatest

    def counts_within(self, neuron: NeuronPlan, cycle: HardwareCycle) -> list[str]:
        """Return, as formulas, that no line that a neuron hears spiked more often in a tick than it can."""
        taps = [(self.most_spikes(each.tap[0]), *self.tap(cycle, each.tap)) for each in neuron.heard]
        return [f"(bvule {text} {number(most, bits)})" for most, text, bits in taps]

    def decided(
        self,
        name: str,
        cycle: HardwareCycle,
        *,
        claims: Iterable[str],
        assumed: Iterable[str] = (),
        formulas: Formulas | None = None,
    ) -> Lemma:
        """Show claims, with multiplications as they are; formulas of the rule may be among them."""
        operations, rule = cycle.before.operations + cycle.after.operations, []
        if formulas is not None:
            operations, rule = operations + formulas.operations, formulas.lines
        lines = [*operations.exact, *rule, *cycle.lines, *(f"(assert {each})" for each in assumed)]
        return decided(name, lines, claim=all_of(claims))

    def started(self, index: int, neuron: NeuronPlan, cycle: HardwareCycle) -> Vector:
        """Return what a neuron's gathering begins with."""
        target = self.rule.gather.target
        low, high = gathered_at_start(self.rule, neuron)
        width = signed_width(low, high)
        node = self.registers[index].get(target)
        if node is None:
            return Vector(number(low, width), low, high)
        return Vector(resized(cycle.states[node], self.circuit.width_of(node), width, is_signed=low < 0), low, high)

    @property
    def input_lines(self) -> list[int]:
        """The inputs that are heard."""
        return [line for line in self.plan.depth if line < self.program.n_inputs]

    def weights_of(self, neuron: NeuronPlan) -> list[int]:
        """Return a neuron's weight in each phase: of what it hears, in its order, at the first phase of that tap."""
        weights, place = [0] * (self.last + 1), 0
        for each in neuron.heard:
            while place < self.last and self.plan.taps[place] != each.tap:
                place += 1
            if place == self.last:
                raise SpecError("the plan has no phase for a synapse")
            weights[place] = each.weight
            place += 1
        return weights

    def chosen(self, weights: Sequence[int], phase: str) -> str:
        """Return the weight of a phase."""
        width = signed_width(min(weights), max(weights))
        return by_phase(phase, self.circuit.width_of(self.wire("phase")), [number(each, width) for each in weights])

    def has_weight(self, index: int, clock: Clock, phase: str) -> str:
        """Return, as a formula, that the weight of a phase has been read for a neuron."""
        weights, node = self.weights_of(self.plan.neurons[index]), self.wire(f"gather_{index}.weight")
        weight = Vector(self.chosen(weights, phase), min(weights), max(weights))
        return is_same(weight, clock.values([node])[0], self.circuit.width_of(node), weight.low < 0)

    def ranges_by_phase(self, neuron: NeuronPlan) -> list[Range]:
        """Return the range of what a neuron that holds events in order has gathered before each phase, and then."""
        gather = self.rule.gather.expression
        assert isinstance(gather, Hold)  # all others are sums
        low, high = gathered_at_start(self.rule, neuron)
        found = [(low, high)]
        for weight, (line, _) in zip(self.weights_of(neuron), self.plan.taps, strict=False):
            added = weight * self.most_spikes(line)
            low, high = low + min(added, 0), high + max(added, 0)
            if low < gather.low or gather.high < high:
                is_clipped = gather.end is End.CLIP
                low, high = (max(low, gather.low), min(high, gather.high)) if is_clipped else (gather.low, gather.high)
            found.append((low, high))
        return found

    def is_within_phase(self, vector: Vector, phase: str, ranges: Sequence[Range]) -> str:
        """Return, as a formula, that an integer is within the range of a phase."""
        width = max(vector.width, *(signed_width(*each) for each in ranges))
        bits = self.circuit.width_of(self.wire("phase"))
        low, high = (
            by_phase(phase, bits, [number(each, width) for each in ends]) for ends in zip(*ranges, strict=True)
        )
        return f"(and (bvsle {low} {vector.at(width)}) (bvsle {vector.at(width)} {high}))"

    def within_phases(self, cycle: HardwareCycle) -> list[str]:
        """Return, as formulas, that a tick is under way, in any phase but the last."""
        phase = self.wire("phase")
        last = number(self.last, self.circuit.width_of(phase))
        return [f"(= {cycle.states[self.wire('is_busy')]} #b1)", f"(bvult {cycle.states[phase]} {last})"]

    def is_node(self, vector: Vector, node: int, cycle: HardwareCycle, *, is_signed: bool | None = None) -> str:
        """Return, as a formula, that a node of the clock is an integer; it is signed where that may be negative."""
        text, width = cycle.before.values([node])[0], self.circuit.width_of(node)
        return is_same(vector, text, width, vector.low < 0 if is_signed is None else is_signed)

    def latest(self, cycle: HardwareCycle, line: int) -> str:
        """Return what a line does in a tick."""
        if line >= self.program.n_inputs:
            return cycle.before.values([self.wire(f"neuron_{line - self.program.n_inputs}.{SPIKES}")])[0]
        if not self.plan.is_parallel:
            return cycle.states[self.wire(f"input_{line}")]
        return f"((_ extract {line} {line}) {cycle.before.values([self.circuit.inputs['inputs']])[0]})"

    def shown_state(self, cycle: HardwareCycle, name: str, index: int) -> str:
        """Return a register of a neuron as outputs show it; one that the rule does not have is 0."""
        node = self.registers[index].get(name)
        if node is None:
            return number(0, STATE_BITS)
        is_signed = self.plan.neurons[index].reach.registers[name].least < 0
        return resized(cycle.states[node], self.circuit.width_of(node), STATE_BITS, is_signed=is_signed)
