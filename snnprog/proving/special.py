"""Proofs that the Verilog of one program (``P.v``) does what the program does: for every state, and whatever comes in.

The states of the hardware are those of the program: the registers of each neuron, and for each line what it did in the
ticks before. A solver shows, from any of these states within their ranges:

- ``reset``: all of them are at rest after a reset; ``idle``: none changes where there is no tick.
- ``sum`` (parallel form): what is gathered is the sum of the weights of all synapses at which a spike arrives, of each
  table first, and then of tables.
- ``start`` and ``phase`` (serial form): a tick takes the inputs and begins with what the rule begins with; a clock of
  any phase adds what the rule adds for its tap, with the weight that the program has, and changes nothing else.
- ``neuron``: at the end of a tick, registers and spikes become what the rule says of the registers before and of what
  has been gathered; no register leaves its range.
- ``line``: then each line's past goes on by what the input or the neuron did in this tick.
- ``output``: the outputs show spikes, currents and potentials. ``done`` and ``ready`` are among the lemmas above.
- ``plain``: the module without states has the same outputs, by the same registers; those that nothing reads are not in
  it.

``synapses`` is a count, not a formula: which taps a neuron hears, with which weights and in which order, is compared
with the program's synapses; where they are added in another order, their sum must reach no end of the register.

By induction over clocks and ticks, the hardware is the program for all time: the states at rest lie within the ranges,
and each lemma ends in what the next one assumes. In the serial form what has been gathered is compared modulo the width
of its register where it is a sum, and the whole sum fits that width.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from snnprog.emit.hardware.special_file import WITH_STATES
from snnprog.emit.hardware.special_plan import TABLE_TAPS, NeuronPlan, SpecialPlan, Tap
from snnprog.program import Program
from snnprog.proving.btor import Circuit, Clock
from snnprog.proving.circuits import circuits_of
from snnprog.proving.lemmas import Lemma, all_of, until_failure
from snnprog.proving.special_hardware import HardwareCycle, SpecialHardware
from snnprog.proving.special_terms import (
    NeuronTick,
    added,
    by_phase,
    factor_lemma,
    gathered_at_start,
    gathered_range,
    is_same,
    joined,
    tick_of,
    totals,
)
from snnprog.rules.bitvectors import gather_formulas
from snnprog.rules.expressions import Hold
from snnprog.rules.rule import COUNT, CURRENT, POTENTIAL, SPIKES, WEIGHT
from snnprog.rules.vectors import Vector, number, resized, signed_width
from snnprog.simulate.arrivals import Synapses

INSIDE = "program_."
"""What the names of the module with states begin with inside of the one without."""
TICK = {"rst": "#b0", "tick": "#b1"}
"""Inputs of a clock that begins a tick."""


def prove_special(program: Program, *, verilog: str, name: str) -> tuple[Lemma, ...]:
    """Prove the lemmas of this module for the Verilog of a program.

    Parameters
    ----------
    program : Program
    verilog : str
        What `snnprog.export` writes to ``P.v``.
    name : str
        Of its module.

    Returns
    -------
    tuple of Lemma
        The first that does not hold ends it.

    Raises
    ------
    SpecError
        If a package is missing, or the module is none of this program.
    BackendError
        If Yosys cannot read the Verilog.
    UndecidedError
        If the time limit runs out first.
    """
    plan = SpecialPlan.of(program)
    proof = _SpecialProof(plan, *circuits_of(verilog, tops=[f"{name}_{WITH_STATES}", name]))
    gathering = [proof.sums] if plan.is_parallel else [proof.start, proof.phases]
    return until_failure(
        proof.synapses,
        proof.reset,
        proof.idle,
        *gathering,
        proof.neurons,
        proof.lines,
        proof.outputs,
        proof.plain,
    )


class _SpecialProof(SpecialHardware):
    """The lemmas, each as claims about one clock."""

    def __init__(self, plan: SpecialPlan, circuit: Circuit, without_states: Circuit) -> None:
        super().__init__(plan, circuit)
        self.without_states = without_states

    def synapses(self) -> Iterator[Lemma]:
        """Compare what neurons hear with the program's synapses."""
        table = Synapses.of(self.program).in_order()
        columns = (table.pre, table.delay, table.post, table.effective_weight)
        events: list[list[tuple[Tap, int]]] = [[] for _ in self.plan.neurons]
        for line, delay, post, weight in zip(*(column.tolist() for column in columns), strict=True):
            events[post].append(((line, delay), weight))
        holds = all(map(self._hears, self.plan.neurons, events))
        yield Lemma(
            "synapses: each neuron hears those of the program, in order, or adds them without an end", holds, 0.0
        )

    def _hears(self, neuron: NeuronPlan, events: Sequence[tuple[Tap, int]]) -> bool:
        heard = [(each.tap, each.weight) for each in neuron.heard]
        if not neuron.is_sum:
            if heard != list(events):
                return False
            (low, high), (least, greatest) = self.ranges_by_phase(neuron)[-1], gathered_range(self.rule, neuron)
            return least <= low and high <= greatest
        most = {tap: self.most_spikes(tap[0]) for tap, _ in events}
        low, high = gathered_at_start(self.rule, neuron)
        low += sum(min(weight, 0) * most[tap] for tap, weight in events)
        high += sum(max(weight, 0) * most[tap] for tap, weight in events)
        gather = self.rule.gather.expression
        ends = (gather.low, gather.high) if isinstance(gather, Hold) else (low, high)
        span = neuron.reach.of(self.rule.gather, gather)
        fits = ends[0] <= low and high <= ends[1] and span.least <= low and high <= span.greatest
        return fits and totals(heard) == totals(events)

    def reset(self) -> Iterator[Lemma]:
        """Show that a reset brings all to rest."""
        cycle = self.cycle({"rst": "#b1"})
        nodes = self.kept_nodes + ([] if self.plan.is_parallel else [self.wire("is_busy")])
        claims = [f"(= {cycle.successors[node]} {number(0, self.circuit.width_of(node))})" for node in nodes]
        claims.append(self.shown(cycle, "done", value=0))
        yield self.decided("reset: all registers are at rest", cycle, claims=claims)

    def idle(self) -> Iterator[Lemma]:
        """Show that nothing changes without a tick."""
        cycle = self.cycle({"rst": "#b0", "tick": "#b0"})
        nodes, assumed = list(self.kept_nodes), []
        if not self.plan.is_parallel:
            nodes.append(self.wire("is_busy"))
            assumed = [f"(= {cycle.states[self.wire('is_busy')]} #b0)"]
        claims = [*self.kept(cycle, nodes), self.shown(cycle, "done", value=0), self.shown(cycle, "ready", value=1)]
        yield self.decided("idle: nothing changes without a tick", cycle, assumed=assumed, claims=claims)

    def sums(self) -> Iterator[Lemma]:
        """Show what is gathered in one clock, table by table, then all of them."""
        for index, total in self.gathered.items():
            cycle, neuron = self.cycle(TICK), self.plan.neurons[index]
            tables = self._tables(neuron, cycle)
            wires = [self.circuit.wires.get(f"table_{index}_{place}") for place in range(len(tables))]
            named = [(place, node) for place, node in enumerate(wires) if node is not None]
            claims = [self.is_node(tables[place], node, cycle) for place, node in named]
            yield self.decided(f"sum: tables of neuron {index} are sums of weights", cycle, claims=claims)
            found = list(tables)  # one without a name is the whole sum
            for place, _ in named:
                found[place] = replace(tables[place], text=f"|table {place}|")
                cycle.declared.insert(0, f"(declare-fun |table {place}| () (_ BitVec {found[place].width}))")
            parts = [*found, self.started(index, neuron, cycle)]
            assumed = [each.is_within(each.low, each.high) for each in parts]
            assumed += self.counts_within(neuron, cycle)
            assumed += [self.is_node(found[place], node, cycle) for place, node in named]
            is_signed = gathered_range(self.rule, neuron)[0] < 0
            claims = [self.is_node(added(parts), total, cycle, is_signed=is_signed)]
            yield self.decided(f"sum: neuron {index} adds all tables", cycle, assumed=assumed, claims=claims)

    def _tables(self, neuron: NeuronPlan, cycle: HardwareCycle) -> list[Vector]:
        """Return what each table is: the sum of the weights of its bits that are set."""
        bits: list[tuple[str, int]] = []
        for each in neuron.heard:
            text, width = self.tap(cycle, each.tap)
            bits += [(f"((_ extract {place} {place}) {text})", each.weight << place) for place in range(width)]
        tables = []
        for first in range(0, len(bits), TABLE_TAPS):
            terms = [
                Vector(
                    f"(ite (= {bit} #b1) {number(weight, width)} {number(0, width)})", min(weight, 0), max(weight, 0)
                )
                for bit, weight in bits[first : first + TABLE_TAPS]
                for width in [signed_width(min(weight, 0), max(weight, 0))]
            ]
            tables.append(added(terms))
        return tables

    def start(self) -> Iterator[Lemma]:
        """Show how a tick begins that takes a clock for each tap."""
        cycle = self.cycle(TICK)
        phase, busy = self.wire("phase"), self.wire("is_busy")
        begun = [self.started(index, neuron, cycle) for index, neuron in enumerate(self.plan.neurons)]
        claims = [
            f"(= {cycle.successors[busy]} #b1)",
            f"(= {cycle.successors[phase]} {number(0, self.circuit.width_of(phase))})",
            self.shown(cycle, "done", value=0),
            self.shown(cycle, "ready", value=0),
            *self.kept(cycle, self.kept_nodes),
            *(self._is_taken(cycle, line) for line in self.input_lines),
            *(self.has_weight(index, cycle.after, cycle.successors[phase]) for index in self.gathered),
        ]
        for index, node in self.gathered.items():
            is_signed = gathered_range(self.rule, self.plan.neurons[index])[0] < 0
            claims.append(is_same(begun[index], cycle.successors[node], self.circuit.width_of(node), is_signed))
        assumed = [f"(= {cycle.states[busy]} #b0)", *(each.is_within(each.low, each.high) for each in begun)]
        name = "start: a tick takes the inputs, and begins with what neurons hold"
        yield self.decided(name, cycle, assumed=assumed, claims=claims)

    def _is_taken(self, cycle: HardwareCycle, line: int) -> str:
        """Return, as a formula, that an input is kept for the tick."""
        text = cycle.before.values([self.circuit.inputs["inputs"]])[0]
        return f"(= {cycle.successors[self.wire(f'input_{line}')]} ((_ extract {line} {line}) {text}))"

    def phases(self) -> Iterator[Lemma]:
        """Show what a clock of any phase but the last does: to each neuron, then to all else."""
        phase, busy = self.wire("phase"), self.wire("is_busy")
        bits = self.circuit.width_of(phase)
        for index in self.gathered:
            yield self._gathered(index, self.plan.neurons[index])
        cycle = self.cycle({"rst": "#b0"})
        claims = [
            f"(= {cycle.successors[busy]} #b1)",
            f"(= {cycle.successors[phase]} (bvadd {cycle.states[phase]} {number(1, bits)}))",
            self.shown(cycle, "done", value=0),
            self.shown(cycle, "ready", value=0),
            *self.kept(cycle, [*self.kept_nodes, *(self.wire(f"input_{line}") for line in self.input_lines)]),
            *(self.has_weight(index, cycle.after, cycle.successors[phase]) for index in self.gathered),
        ]
        name = "phase: the next weights are read, and nothing else changes"
        yield self.decided(name, cycle, assumed=self.within_phases(cycle), claims=claims)

    def _gathered(self, index: int, neuron: NeuronPlan) -> Lemma:
        """Show that a neuron gathers the tap of a phase."""
        cycle, node, target = self.cycle({"rst": "#b0"}), self.gathered[index], self.rule.gather.target
        width, weights = self.circuit.width_of(node), self.weights_of(neuron)
        low, high = gathered_range(self.rule, neuron)
        phase = cycle.states[self.wire("phase")]
        weight = Vector(self.chosen(weights, phase), min(weights), max(weights))
        most = max((self.plan.count_bits[line] for line, _ in self.plan.taps), default=1)
        counts = [resized(*self.tap(cycle, tap), most, is_signed=False) for tap in self.plan.taps]
        count = by_phase(phase, self.circuit.width_of(self.wire("phase")), [*counts, number(0, most)])
        assumed = [*self.within_phases(cycle), self.has_weight(index, cycle.before, phase)]
        name = f"phase: neuron {index} gathers what each tap brings"
        if neuron.is_sum:
            wide = width + weight.width  # so that neither is cut, before the sum is
            added = f"(bvmul {weight.at(wide)} {resized(count, most, wide, is_signed=False)})"
            claim = f"(= {cycle.successors[node]} (bvadd {cycle.states[node]} {resized(added, wide, width)}))"
            return self.decided(name, cycle, assumed=assumed, claims=[claim])
        event = gather_formulas(
            self.rule, {target: (low, high), WEIGHT: (weight.low, weight.high), COUNT: (0, (1 << most) - 1)}
        )
        before, after, ranges = event.before, event.after, self.ranges_by_phase(neuron)
        assumed += [
            *event.formulas.assumed,
            *self.counts_within(neuron, cycle),
            self.is_within_phase(before[target], phase, ranges[:-1]),
            is_same(before[target], cycle.states[node], width, low < 0),
            is_same(before[WEIGHT], weight.text, weight.width, True),
            is_same(before[COUNT], count, most, False),
        ]
        claims = [*event.formulas.fits, self.is_within_phase(after[target], phase, ranges[1:])]
        claims.append(is_same(after[target], cycle.successors[node], width, low < 0))
        return self.decided(name, cycle, assumed=assumed, claims=claims, formulas=event.formulas)

    def neurons(self) -> Iterator[Lemma]:
        """Show that each neuron does what the rule says at the end of a tick."""
        factors = {each for neuron in self.plan.neurons for each in tick_of(self.rule, neuron).formulas.factors}
        yield from (factor_lemma(factor, width) for factor, width in sorted(factors))
        for index, neuron in enumerate(self.plan.neurons):
            tick = tick_of(self.rule, neuron)
            gathered, target = tick.before[self.rule.gather.target], self.rule.gather.target
            cycle = self.cycle(TICK if self.plan.is_parallel else {"rst": "#b0"})
            assumed = [*tick.formulas.assumed, *self.is_at_end(cycle)]
            if index in self.gathered:
                is_signed = gathered_range(self.rule, neuron)[0] < 0
                assumed.append(self.is_node(gathered, self.gathered[index], cycle, is_signed=is_signed))
            for name, register in self.registers[index].items():
                if name != target:
                    before, width = tick.before[name], self.circuit.width_of(register)
                    assumed.append(is_same(before, cycle.states[register], width, before.low < 0))
            yield from self._steps(index, tick, cycle, assumed)

    def _steps(self, index: int, tick: NeuronTick, cycle: HardwareCycle, assumed: list[str]) -> Iterator[Lemma]:
        """Show that registers and spikes are the rule's; what has been shown of them is given to what comes after."""
        neuron, after, formulas = self.plan.neurons[index], tick.after, tick.formulas
        kept = [after[name].is_within(span.least, span.greatest) for name, span in neuron.reach.registers.items()]
        kept.append(after[SPIKES].is_within(0, self.most_spikes(self.program.n_inputs + index)))
        claims = {"no register leaves its range": all_of(kept)}
        for name, register in self.registers[index].items():
            is_signed = neuron.reach.registers[name].least < 0
            found = cycle.successors[register], self.circuit.width_of(register)
            claims[f"{name} is the same"] = is_same(after[name], *found, is_signed)
        spikes = self.wire(f"neuron_{index}.{SPIKES}")
        claims[f"{SPIKES} is the same"] = self.is_node(after[SPIKES], spikes, cycle, is_signed=False)
        fits = f"neuron: {index}: no definition of the rule loses anything by its width"
        yield self.decided(fits, cycle, assumed=assumed, claims=formulas.fits, formulas=formulas)
        for name, claim in claims.items():
            yield self.decided(f"neuron: {index}: {name}", cycle, assumed=assumed, claims=[claim], formulas=formulas)
            assumed.append(claim)

    def lines(self) -> Iterator[Lemma]:
        """Show that each line's past goes on by what it did in this tick."""
        cycle = self.cycle(TICK if self.plan.is_parallel else {"rst": "#b0"})
        claims = [self.shown(cycle, "done", value=1), self.shown(cycle, "ready", value=1)]
        for neuron in set(self.program.outputs.tolist()):
            spikes = self.latest(cycle, self.program.n_inputs + neuron)
            claims.append(f"(= {cycle.successors[self.wire(f'{SPIKES}_{neuron}')]} {spikes})")
        for line, depth in self.plan.depth.items():
            node, bits = self.wire(f"line_{line}"), self.plan.count_bits[line]
            past = cycle.states[node]
            kept = [f"((_ extract {(depth - 1) * bits - 1} 0) {past})"] if depth > 1 else []
            claims.append(f"(= {cycle.successors[node]} {joined([self.latest(cycle, line), *kept])})")
        name = "line: the past of each goes on, and the tick is done"
        yield self.decided(name, cycle, assumed=self.is_at_end(cycle), claims=claims)

    def outputs(self) -> Iterator[Lemma]:
        """Show that the outputs are the spikes and the potentials."""
        cycle, program, bits = self.cycle({}), self.program, self.plan.output_bits
        counts, readouts = [], []
        for neuron, is_read in zip(program.outputs.tolist(), program.is_read_by_potential.tolist(), strict=True):
            node = self.wire(f"{SPIKES}_{neuron}")
            counts.append(resized(cycle.states[node], self.circuit.width_of(node), bits, is_signed=False))
            readouts += [self.shown_state(cycle, POTENTIAL, neuron)] * is_read
        ports = {"outputs": counts, "readouts": readouts}
        for port, name in (("currents", CURRENT), ("potentials", POTENTIAL)):
            ports[port] = [self.shown_state(cycle, name, index) for index in range(len(self.plan.neurons))]
        claims = [
            f"(= {cycle.before.values([self.circuit.outputs[port]])[0]} {joined(parts)})"
            for port, parts in ports.items()
            if parts
        ]
        yield self.decided("output: spikes, currents and potentials are shown", cycle, claims=claims)

    def plain(self) -> Iterator[Lemma]:
        """Show that the module without states does the same."""
        full, less, cycle = self.circuit, self.without_states, self.cycle({})
        same = _paired(less, full)
        leaves = {}
        for name, node in [*less.inputs.items(), *((f"plain {each}", each) for each in set(less.states.values()))]:
            leaves[node] = f"|{name}|"
            if node in same:
                leaves[node] = cycle.states[same[node]]
            elif name not in full.inputs:  # another register for the weight that was read; what drives nothing
                cycle.declared.append(f"(declare-fun {leaves[node]} () {less.sort_of(node)})")
        contents = Clock(less, "plain contents", leaves)
        memories = [node for node in less.successors if less.sort_of(node).startswith("(Array")]
        leaves |= dict(zip(memories, contents.values([less.initial[node] for node in memories]), strict=True))
        before = Clock(less, "plain", leaves)
        registers = [node for node in less.successors if node not in memories]
        found = dict(zip(registers, before.values([less.successors[node] for node in registers]), strict=True))
        after = Clock(less, "plain next", {**leaves, **found})
        claims = [f"(= {found[node]} {cycle.successors[other]})" for node, other in same.items()]
        shown, expected = (
            clock.values([circuit.outputs[port] for port in less.outputs])
            for clock, circuit in ((before, less), (cycle.before, full))
        )
        claims += [f"(= {one} {other})" for one, other in zip(shown, expected, strict=True)]
        assumed = []
        if not self.plan.is_parallel:
            busy, phase = self.wire("is_busy"), self.wire("phase")
            last = number(self.last, full.width_of(phase))
            assumed.append(f"(bvule {cycle.states[phase]} {last})")
            assumed.append(f"(=> (= {cycle.states[busy]} #b1) {self._same_weights(before, cycle.before)})")
            claims.append(f"(=> (= {cycle.successors[busy]} #b1) {self._same_weights(after, cycle.after)})")
        cycle.after.lines += [*contents.lines, *before.lines, *after.lines]
        cycle.after.operations += before.operations + after.operations
        name = "plain: the module without states has the same outputs"
        yield self.decided(name, cycle, assumed=assumed, claims=claims)

    def _same_weights(self, plain: Clock, full: Clock) -> str:
        """Return, as a formula, that both modules have read the same weights."""
        names = [f"gather_{index}.weight" for index in self.gathered]
        names = [name for name in names if f"{INSIDE}{name}" in self.without_states.wires]
        ours = full.values([self.wire(name) for name in names])
        theirs = plain.values([self.without_states.wires[f"{INSIDE}{name}"] for name in names])
        return all_of(f"(= {one} {other})" for one, other in zip(ours, theirs, strict=True))


def _paired(less: Circuit, full: Circuit) -> dict[int, int]:
    """Return which register of the larger circuit a register of the smaller one is; memories are in neither."""
    names = {name.removeprefix(INSIDE): node for name, node in less.states.items()}
    pairs = {node: full.states[name] for name, node in names.items() if name in full.states}
    pairs[less.outputs["done"]] = full.outputs["done"]
    return {node: other for node, other in pairs.items() if not full.sort_of(other).startswith("(Array")}
