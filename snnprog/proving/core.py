"""Proofs that the time-multiplexed core does what the rule says, for arbitrary memories, by induction.

The core's control goes from one cut point to the next: to the reading of a neuron, to its spike, to a synapse of its
line. For each such way a solver shows, from any registers and any contents of all memories, and whatever the inputs do
meanwhile, what the memories hold after it (`prove_core`). The memories are arrays of their full size, so that a write
that comes too late, or a read that comes too soon, is a difference like any other.

From these lemmas follows what a tick does, by induction over neurons, and over the synapses of a neuron that spikes:

- ``neuron``: the registers of the neuron become what the rule says of its registers, its parameters and what has
  arrived; what has arrived is cleared; nothing else changes.
- ``spike`` and ``line``: if it spikes, its output event is offered, and its first synapse is read. Until then nothing
  is written.
- ``synapse``: what arrives at ``post`` in ``delay`` ticks becomes what the rule gathers; nothing else changes; the next
  synapse is read, or the line is at its end.
- ``next``: the next neuron's turn, or the tick is done and the ring of slots goes on by one.
- ``slots``: a delay never leads to the slot of this tick, so that no synapse of this tick changes what it still reads.
- ``event``: an input's spike walks its line likewise. ``start``: a tick begins with the first neuron.

Each of them begins where others end: what it assumes at its cut point is among what they show.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from snnprog.emit.hardware.plan import IS_LAST, IS_OUTPUT, CorePlan, Field, bits_for
from snnprog.errors import SpecError
from snnprog.proving.btor import Circuit, Clock
from snnprog.proving.circuits import circuit_of
from snnprog.proving.lemmas import Lemma, all_of, decided, lemmas_about
from snnprog.rules.bitvectors import gather_formulas, ranges_of, tick_formulas
from snnprog.rules.products import Operations
from snnprog.rules.rule import COUNT, SPIKES, WEIGHT
from snnprog.rules.vectors import Vector, number, resized
from snnprog.solver.formulas import solve_formulas

WORDS, FOUND = "words", "_0_"
"""What the cells of a memory are called in the circuit, and what was read last."""
CONTROL, NEURON, SLOT, AT, IS_TICKING = "fsm_state", "neuron", "slot", "at", "is_ticking"
"""Registers of the core."""


@dataclass
class Way:
    """Some clocks of a core, from any state.

    Attributes
    ----------
    lines : list of str
        Declarations, definitions and assertions.
    states : list of dict
        The term of each register and memory, by name, before the first clock and after each.
    outputs : list of dict
        The term of each output, by name, in each clock.
    operations : Operations
    """

    lines: list[str] = field(default_factory=list)
    states: list[dict[str, str]] = field(default_factory=list)
    outputs: list[dict[str, str]] = field(default_factory=list)
    operations: Operations = field(default_factory=Operations)

    @property
    def before(self) -> Mapping[str, str]:
        """Registers and memories before."""
        return self.states[0]

    @property
    def after(self) -> Mapping[str, str]:
        """Registers and memories after."""
        return self.states[-1]


def way_of(circuit: Circuit, clocks: int, held: Mapping[str, str]) -> Way:
    """Return some clocks of a circuit from any state; inputs that are not held are free in each clock."""
    way = Way()
    states = {node: f"|{name} before|" for name, node in circuit.states.items()}
    way.lines += [f"(declare-fun {text} () {circuit.sort_of(node)})" for node, text in states.items()]
    way.states.append({name: states[node] for name, node in circuit.states.items()})
    for index in range(clocks):
        inputs = {}
        for name, node in circuit.inputs.items():
            inputs[node] = held.get(name, f"|{name} {index}|")
            if name not in held:
                way.lines.append(f"(declare-fun {inputs[node]} () {circuit.sort_of(node)})")
        clock = Clock(circuit, f"clock {index}", inputs | states)
        outputs = clock.values(list(circuit.outputs.values()))
        states |= clock.after()
        way.lines += clock.lines
        way.operations += clock.operations
        way.outputs.append(dict(zip(circuit.outputs, outputs, strict=True)))
        way.states.append({name: states[node] for name, node in circuit.states.items()})
    return way


@dataclass(frozen=True)
class Codes:
    """What the core's control register holds at each cut point, found in the circuit itself."""

    idle: int
    read: int
    spike: int
    line: int
    synapse: int
    next: int
    clear: int

    @classmethod
    def of(cls, circuit: Circuit) -> Codes:
        """Follow the control from the point at which the core is not busy."""
        width = circuit.width_of(_node(circuit, CONTROL))

        def found(way: Way, conditions: Iterable[str], *, at: int) -> int:
            lines = [
                "(set-logic ALL)",
                *way.operations.opened,
                *way.lines,
                *(f"(assert {each})" for each in conditions),
            ]
            term = way.states[at][CONTROL]
            values = solve_formulas("\n".join(lines), [term]).values
            if values is None:
                raise SpecError("the circuit's control does not go the way of a core")
            return values[term]

        def at(way: Way, code: int) -> str:
            return f"(= {way.before[CONTROL]} {number(code, width)})"

        once, twice = way_of(circuit, 1, NOT_RESET), way_of(circuit, 2, NOT_RESET)
        idle = found(once, [f"(= {once.outputs[0]['busy']} #b0)"], at=0)
        spike = found(once, [f"(= {once.outputs[0]['events_out_valid']} #b1)"], at=0)
        start = way_of(circuit, 1, {**NOT_RESET, "clear": "#b0", "tick": "#b1"})
        read = found(start, [at(start, idle)], at=1)
        taken = way_of(circuit, 1, {**NOT_RESET, "events_out_ready": "#b1"})
        line = found(taken, [at(taken, spike)], at=1)
        low, high = _line_ends(twice.before)
        synapse = found(twice, [at(twice, line), f"(= {low} {number(0, 16)})", f"(= {high} {number(1, 16)})"], at=2)
        after = found(twice, [at(twice, line), f"(= {low} {high})"], at=2)
        cleared = way_of(circuit, 1, {**NOT_RESET, "clear": "#b1"})
        return cls(idle, read, spike, line, synapse, after, found(cleared, [at(cleared, idle)], at=1))


NOT_RESET = {"rst": "#b0"}


def _node(circuit: Circuit, name: str) -> int:
    """Return the node of a register or memory.

    Raises
    ------
    SpecError
        If the circuit has none of that name.
    """
    if name not in circuit.states:
        raise SpecError(f"the circuit has no register {name!r}, so it is not a core of snnprog")
    return circuit.states[name]


def _line_ends(state: Mapping[str, str]) -> tuple[str, str]:
    """Return the first synapse of the line that was read last, and the one after its last."""
    word = state[f"lines.{FOUND}"]
    return f"((_ extract 15 0) {word})", f"((_ extract 31 16) {word})"


class _CoreProof:
    """The lemmas, each as a list of claims about some clocks from one cut point."""

    def __init__(self, plan: CorePlan, circuit: Circuit, codes: Codes, clocks: int) -> None:
        self.plan, self.circuit, self.codes, self.clocks = plan, circuit, codes, clocks
        self.columns = sorted(name for name in circuit.states if re.fullmatch(r"column\d+\.words", name))
        self.registers = sorted(name for name in circuit.states if re.fullmatch(r"state\d+\.words", name))
        self.memories = [*self.columns, *self.registers, "lines.words", "synapses.words", "arriving.words"]

    # ------------------------------------------------------------------------------------------------------ the words

    def width(self, name: str) -> int:
        """Return the bits of a register, or of a memory's words."""
        return self.circuit.width_of(_node(self.circuit, name))

    def place(self, field_: Field, words: Sequence[str]) -> str:
        """Return a field of some words; one without bits is 0."""
        if not field_.shape.width:
            return number(0, 1)
        return f"((_ extract {field_.first + field_.shape.width - 1} {field_.first}) {words[field_.word]})"

    def columns_of(self, state: Mapping[str, str]) -> list[str]:
        """Return the parameters' words of the neuron whose turn it is."""
        return [f"(select {state[name]} {state[NEURON]})" for name in self.columns]

    def is_set(self, flag: str, state: Mapping[str, str]) -> str:
        """Return, as a formula, that a neuron's flag is set."""
        return f"(= {self.place(self.plan.parameters[flag], self.columns_of(state))} #b1)"

    def at(self, state: Mapping[str, str], code: int) -> str:
        """Return, as a formula, that the control is at a cut point."""
        return f"(= {state[CONTROL]} {number(code, self.width(CONTROL))})"

    def are_parameters_read(self, state: Mapping[str, str]) -> str:
        """Return, as a formula, that the memories show the parameters of this neuron: they were read last."""
        names = (name.replace(WORDS, FOUND) for name in self.columns)
        return all_of(f"(= {state[name]} {word})" for name, word in zip(names, self.columns_of(state), strict=True))

    def is_synapse_read(self, state: Mapping[str, str]) -> str:
        """Return, as a formula, that the memory shows the synapse before ``at``."""
        last = f"(bvsub {state[AT]} {number(1, self.width(AT))})"
        return f"(= {state[f'synapses.{FOUND}']} (select {state['synapses.words']} {last}))"

    def kept(self, way: Way, names: Iterable[str]) -> list[str]:
        """Return, as formulas, that registers or memories are what they were."""
        return [f"(= {way.after[name]} {way.before[name]})" for name in names]

    def memories_but(self, *changed: str) -> list[str]:
        return [name for name in self.memories if name not in changed]

    def turn(self, way: Way, is_over: str) -> list[str]:
        """Return what follows once a neuron's turn is over: the next one's, or the end of the tick."""
        before, after = way.before, way.after
        is_end = f"(and {is_over} {self.is_set(IS_LAST, before)})"
        n, slot = self.width(NEURON), self.width(SLOT)
        following = f"(ite {is_end} {number(0, n)} (bvadd {before[NEURON]} {number(1, n)}))"
        return [
            f"(= {after[NEURON]} (ite {is_over} {following} {before[NEURON]}))",
            f"(= {after[SLOT]} (ite {is_end} (bvadd {before[SLOT]} {number(1, slot)}) {before[SLOT]}))",
            f"(= {after[IS_TICKING]} (ite {is_end} #b0 #b1))",
            f"(= {way.outputs[-1]['done']} (ite {is_end} #b1 #b0))",
            f"(=> {is_over} (ite {is_end} {self.at(after, self.codes.idle)} {self.at(after, self.codes.read)}))",
        ]

    def quiet(self, way: Way, *names: str) -> list[str]:
        """Return that some outputs are 0 in all clocks."""
        return [f"(= {outputs[name]} #b0)" for outputs in way.outputs for name in names]

    def shown(self, name: str, way: Way, assumed: Iterable[str], claims: Iterable[str]) -> Iterator[Lemma]:
        """Show claims, with multiplications as they are."""
        lines = [*way.operations.exact, *way.lines, *(f"(assert {each})" for each in assumed)]
        yield decided(name, lines, claim=all_of(claims))

    # ----------------------------------------------------------------------------------------------------- the lemmas

    def slots(self) -> Iterator[Lemma]:
        """Show that a delay of at least 1 leads to another slot."""
        bits = self.width(SLOT)
        lines = [f"(declare-fun {name} () (_ BitVec {bits}))" for name in ("slot", "delay")]
        claim = f"(=> (distinct delay {number(0, bits)}) (distinct (bvadd slot delay) slot))"
        yield decided("slots: no delay leads to the slot of this tick", lines, claim=claim)

    def start(self) -> Iterator[Lemma]:
        """Show how a tick begins."""
        way = way_of(self.circuit, 1, {**NOT_RESET, "clear": "#b0", "tick": "#b1"})
        claims = [
            self.at(way.after, self.codes.read),
            f"(= {way.after[IS_TICKING]} #b1)",
            *self.kept(way, [*self.memories, NEURON, SLOT]),
            *self.quiet(way, "busy", "done", "events_out_valid"),
        ]
        yield from self.shown("start: a tick begins", way, [self.at(way.before, self.codes.idle)], claims)

    def event(self) -> Iterator[Lemma]:
        """Show what an input's spike does."""
        held = {**NOT_RESET, "clear": "#b0", "tick": "#b0", "load_valid": "#b0", "events_in_valid": "#b1"}
        way = way_of(self.circuit, 1, {**held, "events_in_payload": "|input|"})
        bits = self.circuit.width_of(self.circuit.inputs["events_in_payload"])
        way.lines.insert(0, f"(declare-fun |input| () (_ BitVec {bits}))")
        index = self.line_index("|input|", bits, first=self.plan.size.neurons)
        claims = [
            self.at(way.after, self.codes.line),
            f"(= {way.outputs[0]['events_in_ready']} #b1)",
            f"(= {way.after[f'lines.{FOUND}']} (select {way.before['lines.words']} {index}))",
            *self.kept(way, [*self.memories, NEURON, SLOT, IS_TICKING]),
        ]
        assumed = [self.at(way.before, self.codes.idle), f"(= {way.before[IS_TICKING]} #b0)"]
        yield from self.shown("event: an input's line is read", way, assumed, claims)

    def line_index(self, text: str, bits: int, *, first: int) -> str:
        """Return the address of a line."""
        size = self.plan.size
        width = bits_for(size.neurons + size.inputs)
        return f"(bvadd {number(first, width)} {resized(text, bits, width, is_signed=False)})"

    def neuron(self) -> Iterator[Lemma]:
        """Show what the turn of a neuron does."""
        plan, rule = self.plan, self.plan.chip.rule
        way = way_of(self.circuit, self.clocks, NOT_RESET)
        tick = tick_formulas(rule, ranges_of(rule, plan.reach))
        before, after, n = way.before, way.after, way.before[NEURON]
        operations = tick.formulas.operations + way.operations
        words = [f"(select {before[name]} {n})" for name in self.registers]
        address = f"(concat {before[SLOT]} {n})"
        given = [self.at(before, self.codes.read), f"(= {before[IS_TICKING]} #b1)", *tick.formulas.assumed]
        for fields, columns in ((plan.states, words), (plan.parameters, self.columns_of(before))):
            for name, place in fields.items():
                if name in tick.before and name != rule.gather.target:
                    given.append(f"(= {self.place(place, columns)} {_bits(tick.before[name], place.shape.width)})")
        arrived = tick.before[rule.gather.target]
        width = self.width("arriving.words")
        given.append(f"(= (select {before['arriving.words']} {address}) {_bits(arrived, width)})")
        given += operations.bounds
        is_silent = f"(= {tick.after[SPIKES].text} {number(0, tick.after[SPIKES].width)})"
        found = [f"(select {after[name]} {n})" for name in self.registers]
        registers = [name for name in rule.registers if name in plan.states]
        claims = {
            "no definition of the rule loses anything by its width": all_of(tick.formulas.fits),
            "no register leaves its range": all_of(
                tick.after[name].is_within(tick.before[name].low, tick.before[name].high) for name in registers
            ),
            "the neuron spikes as the rule says, and its turn ends so": all_of(
                [
                    *self.turn(way, is_silent),
                    f"(=> (not {is_silent}) {self.at(after, self.codes.spike)})",
                    f"(=> (not {is_silent}) {self.are_parameters_read(after)})",
                ]
            ),
            **{
                f"{name} is the rule's": f"(= {self.place(plan.states[name], found)}"
                f" {_bits(tick.after[name], plan.states[name].shape.width)})"
                for name in registers
            },
            "what has arrived is cleared, and nothing else changes": all_of(
                [
                    f"(= {after['arriving.words']} (store {before['arriving.words']} {address} {number(0, width)}))",
                    *(
                        f"(= {after[name]} (store {before[name]} {n} (select {after[name]} {n})))"
                        for name in self.registers
                    ),
                    *self.kept(way, self.memories_but("arriving.words", *self.registers)),
                ]
            ),
            "no event is offered meanwhile": all_of(
                [
                    *self.quiet(way, "events_out_valid"),
                    *(f"(= {outputs['done']} #b0)" for outputs in way.outputs[:-1]),
                    *(f"(= {outputs['busy']} #b1)" for outputs in way.outputs),
                ]
            ),
        }
        yield from lemmas_about(operations)
        for name, claim in claims.items():
            lines = [*tick.formulas.lines, *way.lines, *(f"(assert {each})" for each in given)]
            lemma = decided(f"neuron: {name}", [*operations.opened, *lines], claim=claim)
            yield lemma if lemma.holds else decided(lemma.name, [*operations.exact, *lines], claim=claim)
            given.append(claim)

    def spike(self) -> Iterator[Lemma]:
        """Show what follows when a neuron spikes."""
        way = way_of(self.circuit, 1, {**NOT_RESET, "events_out_ready": "|ready|"})
        way.lines.insert(0, "(declare-fun |ready| () (_ BitVec 1))")
        before, after, outputs = way.before, way.after, way.outputs[0]
        is_output, codes = self.is_set(IS_OUTPUT, before), self.codes
        is_told = f"(or (not {is_output}) (= |ready| #b1))"
        index = self.line_index(before[NEURON], self.width(NEURON), first=0)
        claims = [
            f"(= {outputs['events_out_valid']} (ite {is_output} #b1 #b0))",
            f"(= {outputs['events_out_payload']} {before[NEURON]})",
            f"(ite {is_told} {self.at(after, codes.line)} {self.at(after, codes.spike)})",
            f"(= {after[f'lines.{FOUND}']} (select {before['lines.words']} {index}))",
            self.are_parameters_read(after),
            *self.kept(way, [*self.memories, NEURON, SLOT, IS_TICKING]),
            *self.quiet(way, "done"),
            f"(= {outputs['busy']} #b1)",
        ]
        assumed = [self.at(before, codes.spike), self.are_parameters_read(before), f"(= {before[IS_TICKING]} #b1)"]
        yield from self.shown("spike: an output event is offered, and the line is read", way, assumed, claims)

    def line(self) -> Iterator[Lemma]:
        """Show how a line is begun."""
        way = way_of(self.circuit, 2, NOT_RESET)
        before, after, codes = way.before, way.after, self.codes
        low, high = _line_ends(before)
        bits = self.width(AT)
        first = f"((_ extract {bits - 1} 0) {low})"
        size = number(self.plan.size.synapses, 16)
        assumed = [self.at(before, codes.line), f"(bvule {low} {high})", f"(bvult (bvsub {high} {low}) {size})"]
        claims = [
            f"(ite (= {low} {high}) {self.at(after, codes.next)} {self.at(after, codes.synapse)})",
            f"(= {after[AT]} (bvadd {first} {number(1, bits)}))",
            self.is_synapse_read(after),
            *self.kept(way, [*self.memories, NEURON, SLOT, IS_TICKING, f"lines.{FOUND}", *self.parameters_read]),
            *self.quiet(way, "done", "events_out_valid"),
        ]
        yield from self.shown("line: its first synapse is read, or it has none", way, assumed, claims)

    @property
    def parameters_read(self) -> list[str]:
        """The registers that hold the parameters that were read last."""
        return [name.replace(WORDS, FOUND) for name in self.columns]

    def synapse(self) -> Iterator[Lemma]:
        """Show what a synapse does."""
        plan, rule, target = self.plan, self.plan.chip.rule, self.plan.chip.rule.gather.target
        way = way_of(self.circuit, 2, NOT_RESET)
        before, after, codes = way.before, way.after, self.codes
        low, high = plan.weights
        most = plan.chip.exponents[1]
        span = plan.reach.of(rule.gather, rule.gather.expression)
        ranges = {target: (span.least, span.greatest), WEIGHT: (low << most, high << most), COUNT: (1, 1)}
        event = gather_formulas(rule, ranges)
        word = before[f"synapses.{FOUND}"]
        fields = {name: (self.place(place, [word]), max(place.shape.width, 1)) for name, place in plan.synapse.items()}
        weight, width = event.before[WEIGHT], event.before[WEIGHT].width
        exponent = resized(*fields["exponent"], width, is_signed=False)
        address = f"(concat (bvadd {before[SLOT]} {fields['delay'][0]}) {fields['post'][0]})"
        arriving, bits = before["arriving.words"], self.width("arriving.words")
        assumed = [
            *event.formulas.assumed,
            self.at(before, codes.synapse),
            self.is_synapse_read(before),
            f"(= {weight.text} (bvshl {resized(*fields['weight'], width)} {exponent}))",
            f"(bvule {fields['exponent'][0]} {number(most, fields['exponent'][1])})",
            f"(= (select {arriving} {address}) {_bits(event.before[target], bits)})",
            event.after[target].is_within(span.least, span.greatest),
        ]
        end = f"((_ extract {self.width(AT) - 1} 0) {_line_ends(before)[1]})"
        claims = [
            *event.formulas.fits,
            f"(= {after['arriving.words']} (store {arriving} {address} {_bits(event.after[target], bits)}))",
            f"(ite (= {before[AT]} {end}) {self.at(after, codes.next)} {self.at(after, codes.synapse)})",
            f"(= {after[AT]} (bvadd {before[AT]} {number(1, self.width(AT))}))",
            self.is_synapse_read(after),
            *self.kept(way, self.memories_but("arriving.words")),
            *self.kept(way, [NEURON, SLOT, IS_TICKING, f"lines.{FOUND}", *self.parameters_read]),
            *self.quiet(way, "done", "events_out_valid"),
        ]
        way.lines = [*event.formulas.lines, *way.lines]
        way.operations += event.formulas.operations
        yield from self.shown("synapse: what arrives is gathered, and nothing else changes", way, assumed, claims)

    def next(self) -> Iterator[Lemma]:
        """Show what follows on the end of a line."""
        way = way_of(self.circuit, 1, NOT_RESET)
        before, after, codes = way.before, way.after, self.codes
        is_ticking = f"(= {before[IS_TICKING]} #b1)"
        in_tick = [self.at(before, codes.next), is_ticking, self.are_parameters_read(before)]
        claims = [*self.turn(way, "true"), *self.kept(way, self.memories), *self.quiet(way, "events_out_valid")]
        yield from self.shown("next: the next neuron's turn, or the end of the tick", way, in_tick, claims)
        between = [self.at(before, codes.next), f"(not {is_ticking})"]
        claims = [
            self.at(after, codes.idle),
            *self.kept(way, [*self.memories, NEURON, SLOT, IS_TICKING]),
            *self.quiet(way, "done"),
        ]
        yield from self.shown("next: after an input's line, the core is ready", way, between, claims)

    def clear(self) -> Iterator[Lemma]:
        """Show that states go back to rest, one word after the other."""
        way = way_of(self.circuit, 1, NOT_RESET)
        before, after = way.before, way.after
        address = f"(concat {before[SLOT]} {before[NEURON]})"
        bits = self.width(SLOT) + self.width(NEURON)
        zeros = [(name, before[NEURON]) for name in self.registers] + [("arriving.words", address)]
        claims = [
            *(
                f"(= {after[name]} (store {before[name]} {place} {number(0, self.width(name))}))"
                for name, place in zeros
            ),
            f"(= (concat {after[SLOT]} {after[NEURON]}) (bvadd {address} {number(1, bits)}))",
            f"(ite (= {address} {number(-1, bits)}) {self.at(after, self.codes.idle)}"
            f" {self.at(after, self.codes.clear)})",
            *self.kept(way, self.memories_but("arriving.words", *self.registers)),
            f"(= {way.outputs[0]['busy']} #b1)",
        ]
        yield from self.shown("clear: one word goes back to rest", way, [self.at(before, self.codes.clear)], claims)


def _bits(vector: Vector, width: int) -> str:
    """Return the bits of a vector in a word of so many bits."""
    return resized(vector.text, vector.width, width)


def prove_core(plan: CorePlan, *, verilog: str, clocks: int) -> tuple[Lemma, ...]:
    """Prove the lemmas of this module for a core in Verilog.

    Parameters
    ----------
    plan : CorePlan
        What the core is made for, and where everything stands in its memories.
    verilog : str
        A module ``core``.
    clocks : int
        How many clocks a neuron takes (`snnprog.emit.hardware.core.clocks_per_neuron`).

    Returns
    -------
    tuple of Lemma
        The first that does not hold ends it.
    """
    circuit = circuit_of(verilog, top="core")
    proof = _CoreProof(plan, circuit, Codes.of(circuit), clocks)
    lemmas: list[Lemma] = []
    for way in (
        proof.slots,
        proof.start,
        proof.neuron,
        proof.spike,
        proof.line,
        proof.synapse,
        proof.next,
        proof.event,
        proof.clear,
    ):
        for lemma in way():
            lemmas.append(lemma)
            if not lemma.holds:
                return tuple(lemmas)
    return tuple(lemmas)
