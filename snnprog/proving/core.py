"""Proofs that the time-multiplexed core follows the rule, for arbitrary memories, by induction.

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

from collections.abc import Iterator

from snnprog.emit.hardware.plan import IS_LAST, IS_OUTPUT, CorePlan
from snnprog.proving.circuits import circuit_of
from snnprog.proving.core_claims import AT, IS_TICKING, NEURON, SLOT, Codes, CoreClaims, bits_of, line_ends
from snnprog.proving.lemmas import Lemma, all_of, decided, lemmas_about, until_failure
from snnprog.proving.ways import FOUND, NOT_RESET, Way, kept, quiet, shown, way_of
from snnprog.rules.bitvectors import gather_formulas, ranges_of, tick_formulas
from snnprog.rules.rule import COUNT, SPIKES, WEIGHT
from snnprog.rules.vectors import number, resized


class _CoreProof(CoreClaims[Codes]):
    """The lemmas, each as a list of claims about some clocks from one cut point."""

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

    def slots(self) -> Iterator[Lemma]:
        """Prove that a delay of at least 1 leads to another slot."""
        bits = self.width(SLOT)
        lines = [f"(declare-fun {name} () (_ BitVec {bits}))" for name in ("slot", "delay")]
        claim = f"(=> (distinct delay {number(0, bits)}) (distinct (bvadd slot delay) slot))"
        yield decided("slots: no delay leads to the slot of this tick", lines, claim=claim)

    def start(self) -> Iterator[Lemma]:
        """Prove the start of a tick."""
        way = way_of(self.circuit, 1, {**NOT_RESET, "clear": "#b0", "tick": "#b1"})
        claims = [
            self.at(way.after, self.codes.read),
            f"(= {way.after[IS_TICKING]} #b1)",
            *kept(way, [*self.memories, NEURON, SLOT]),
            *quiet(way, "busy", "done", "events_out_valid"),
        ]
        yield from shown("start: a tick begins", way, [self.at(way.before, self.codes.idle)], claims)

    def event(self) -> Iterator[Lemma]:
        """Prove the effect of an input spike."""
        held = {**NOT_RESET, "clear": "#b0", "tick": "#b0", "load_valid": "#b0", "events_in_valid": "#b1"}
        way = way_of(self.circuit, 1, {**held, "events_in_payload": "|input|"})
        bits = self.circuit.width_of(self.circuit.inputs["events_in_payload"])
        way.lines.insert(0, f"(declare-fun |input| () (_ BitVec {bits}))")
        index = self.line_index("|input|", bits, first=self.plan.size.neurons)
        claims = [
            self.at(way.after, self.codes.line),
            f"(= {way.outputs[0]['events_in_ready']} #b1)",
            f"(= {way.after[f'lines.{FOUND}']} (select {way.before['lines.words']} {index}))",
            *kept(way, [*self.memories, NEURON, SLOT, IS_TICKING]),
        ]
        assumed = [self.at(way.before, self.codes.idle), f"(= {way.before[IS_TICKING]} #b0)"]
        yield from shown("event: an input's line is read", way, assumed, claims)

    def neuron(self) -> Iterator[Lemma]:
        """Prove the effect of a neuron's turn."""
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
                    given.append(f"(= {self.place(place, columns)} {bits_of(tick.before[name], place.shape.width)})")
        arrived = tick.before[rule.gather.target]
        width = self.width("arriving.words")
        given.append(f"(= (select {before['arriving.words']} {address}) {bits_of(arrived, width)})")
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
                f" {bits_of(tick.after[name], plan.states[name].shape.width)})"
                for name in registers
            },
            "what has arrived is cleared, and nothing else changes": all_of(
                [
                    f"(= {after['arriving.words']} (store {before['arriving.words']} {address} {number(0, width)}))",
                    *(
                        f"(= {after[name]} (store {before[name]} {n} (select {after[name]} {n})))"
                        for name in self.registers
                    ),
                    *kept(way, self.memories_but("arriving.words", *self.registers)),
                ]
            ),
            "no event is offered meanwhile": all_of(
                [
                    *quiet(way, "events_out_valid"),
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
        """Prove the effect of a neuron's spike."""
        way = way_of(self.circuit, 1, {**NOT_RESET, "events_out_ready": "|ready|"})
        way.lines.insert(0, "(declare-fun |ready| () (_ BitVec 1))")
        before, after, outputs = way.before, way.after, way.outputs[0]
        is_output, codes = self.is_set(IS_OUTPUT, before), self.codes
        is_accepted = f"(or (not {is_output}) (= |ready| #b1))"
        index = self.line_index(before[NEURON], self.width(NEURON), first=0)
        claims = [
            f"(= {outputs['events_out_valid']} (ite {is_output} #b1 #b0))",
            f"(= {outputs['events_out_payload']} {before[NEURON]})",
            f"(ite {is_accepted} {self.at(after, codes.line)} {self.at(after, codes.spike)})",
            f"(= {after[f'lines.{FOUND}']} (select {before['lines.words']} {index}))",
            self.are_parameters_read(after),
            *kept(way, [*self.memories, NEURON, SLOT, IS_TICKING]),
            *quiet(way, "done"),
            f"(= {outputs['busy']} #b1)",
        ]
        assumed = [self.at(before, codes.spike), self.are_parameters_read(before), f"(= {before[IS_TICKING]} #b1)"]
        yield from shown("spike: an output event is offered, and the line is read", way, assumed, claims)

    def line(self) -> Iterator[Lemma]:
        """Prove the start of a line."""
        way = way_of(self.circuit, 2, NOT_RESET)
        before, after, codes = way.before, way.after, self.codes
        low, high = line_ends(before)
        bits = self.width(AT)
        first = f"((_ extract {bits - 1} 0) {low})"
        size = number(self.plan.size.synapses, 16)
        assumed = [self.at(before, codes.line), f"(bvule {low} {high})", f"(bvult (bvsub {high} {low}) {size})"]
        claims = [
            f"(ite (= {low} {high}) {self.at(after, codes.next)} {self.at(after, codes.synapse)})",
            f"(= {after[AT]} (bvadd {first} {number(1, bits)}))",
            self.is_synapse_read(after),
            *kept(way, [*self.memories, NEURON, SLOT, IS_TICKING, f"lines.{FOUND}", *self.parameters_read]),
            *quiet(way, "done", "events_out_valid"),
        ]
        yield from shown("line: its first synapse is read, or it has none", way, assumed, claims)

    def synapse(self) -> Iterator[Lemma]:
        """Prove the effect of a synapse."""
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
            f"(= (select {arriving} {address}) {bits_of(event.before[target], bits)})",
            event.after[target].is_within(span.least, span.greatest),
        ]
        end = f"((_ extract {self.width(AT) - 1} 0) {line_ends(before)[1]})"
        claims = [
            *event.formulas.fits,
            f"(= {after['arriving.words']} (store {arriving} {address} {bits_of(event.after[target], bits)}))",
            f"(ite (= {before[AT]} {end}) {self.at(after, codes.next)} {self.at(after, codes.synapse)})",
            f"(= {after[AT]} (bvadd {before[AT]} {number(1, self.width(AT))}))",
            self.is_synapse_read(after),
            *kept(way, self.memories_but("arriving.words")),
            *kept(way, [NEURON, SLOT, IS_TICKING, f"lines.{FOUND}", *self.parameters_read]),
            *quiet(way, "done", "events_out_valid"),
        ]
        way.lines = [*event.formulas.lines, *way.lines]
        way.operations += event.formulas.operations
        yield from shown("synapse: what arrives is gathered, and nothing else changes", way, assumed, claims)

    def next(self) -> Iterator[Lemma]:
        """Prove the step after the end of a line."""
        way = way_of(self.circuit, 1, NOT_RESET)
        before, after, codes = way.before, way.after, self.codes
        is_ticking = f"(= {before[IS_TICKING]} #b1)"
        in_tick = [self.at(before, codes.next), is_ticking, self.are_parameters_read(before)]
        claims = [*self.turn(way, "true"), *kept(way, self.memories), *quiet(way, "events_out_valid")]
        yield from shown("next: the next neuron's turn, or the end of the tick", way, in_tick, claims)
        between = [self.at(before, codes.next), f"(not {is_ticking})"]
        claims = [
            self.at(after, codes.idle),
            *kept(way, [*self.memories, NEURON, SLOT, IS_TICKING]),
            *quiet(way, "done"),
        ]
        yield from shown("next: after an input's line, the core is ready", way, between, claims)

    def clear(self) -> Iterator[Lemma]:
        """Prove that states return to rest, word by word."""
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
            *kept(way, self.memories_but("arriving.words", *self.registers)),
            f"(= {way.outputs[0]['busy']} #b1)",
        ]
        yield from shown("clear: one word goes back to rest", way, [self.at(before, self.codes.clear)], claims)


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
    proof = _CoreProof(plan, circuit, clocks=clocks, codes=Codes.of(circuit))
    return until_failure(
        proof.slots,
        proof.start,
        proof.neuron,
        proof.spike,
        proof.line,
        proof.synapse,
        proof.next,
        proof.event,
        proof.clear,
    )
