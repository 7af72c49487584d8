"""Proofs that the core that gathers events in their order follows the rule, for arbitrary memories.

As for the other core (`snnprog.proving.core`), a solver shows for each way from one cut point to the next what the
memories hold after it (`prove_ordered_core`). From these lemmas follows what a tick does, by induction over lines, over
the synapses of a line that spiked and over how often it spiked, and then over neurons:

- ``input``: an input event adds 1 to how often that input spikes in the coming tick.
- ``start``: a tick begins with the first input's line.
- ``line``: a line that did not spike in the last tick, or has no synapses, is passed over; any other begins with its
  first synapse. Counts of the coming tick become those of the last one.
- ``synapse``: it is read, and is gathered as often as its line spiked.
- ``event``: what is gathered at ``post`` becomes what the rule gathers of one spike; nothing else changes; it is
  gathered again, or the next synapse is, or the line is at its end. Lines follow each other: inputs, then neurons, each
  in rising order; after the last one comes the first neuron's turn.
- ``fold``: gathering one spike more, after ``count`` of them, is gathering ``count + 1``.
- ``neuron``: its registers become what the rule says of its registers, its parameters and what is gathered, and its
  count how often it spikes; nothing else changes.
- ``tell``: an output event is offered once for each spike. ``clear``: all goes back to rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from snnprog.emit.hardware.plan import IS_OUTPUT, MOST_COUNT, CorePlan
from snnprog.proving.circuits import circuit_of
from snnprog.proving.core_claims import AT, IS_TICKING, NEURON, bits_of, line_ends
from snnprog.proving.lemmas import Lemma, all_of, decided, lemmas_about, until_failure
from snnprog.proving.ordered_claims import BITS, COUNTS, LEFT, LINE, OrderedClaims
from snnprog.proving.ways import FOUND, NOT_RESET, Way, kept, quiet, shown, way_of
from snnprog.rules.bitvectors import TickFormulas, gather_formulas, ranges_of, tick_formulas
from snnprog.rules.expressions import End, Hold
from snnprog.rules.rule import COUNT, SPIKES, WEIGHT
from snnprog.rules.vectors import number, resized

FIELDS = {"clear": "#b0", "tick": "#b0", "load_valid": "#b0", "events_in_valid": "#b1"}
"""The inputs at an event that is taken."""


class _OrderedProof(OrderedClaims):
    """The lemmas, each as a list of claims about some clocks from one cut point."""

    def inputs(self) -> Iterator[Lemma]:
        """Prove the effect of an input event."""
        way = way_of(self.circuit, 2, NOT_RESET)
        for name, value in FIELDS.items():
            way.lines.append(f"(assert (= |{name} 0| {value}))")
        before, after = way.before, way.after
        bits = self.circuit.width_of(self.circuit.inputs["events_in_payload"])
        index = self.line_index("|events_in_payload 0|", bits, first=self.plan.size.neurons)
        word = f"(select {before[COUNTS]} {index})"
        more = f"(concat (bvadd {self.count(word, coming=True)} {number(1, BITS)}) {self.count(word)})"
        claims = [
            self.at(after, self.codes.idle),
            f"(= {way.outputs[0]['events_in_ready']} #b1)",
            f"(= {after[COUNTS]} (store {before[COUNTS]} {index} {more}))",
            *kept(way, [*self.memories_but(COUNTS), NEURON, IS_TICKING]),
        ]
        given = [self.at(before, self.codes.idle), f"(= {before[IS_TICKING]} #b0)"]
        yield from shown("input: it spikes once more in the coming tick", way, given, claims)

    def start(self) -> Iterator[Lemma]:
        """Prove the start of a tick."""
        way = way_of(self.circuit, 1, {**NOT_RESET, "clear": "#b0", "tick": "#b1"})
        claims = [
            self.at(way.after, self.codes.scan),
            f"(= {way.after[IS_TICKING]} #b1)",
            f"(= {way.after[LINE]} {number(self.plan.size.neurons, self.width(LINE))})",
            *kept(way, [*self.memories, NEURON]),
            *quiet(way, "busy", "done", "events_out_valid"),
        ]
        yield from shown("start: a tick begins", way, [self.at(way.before, self.codes.idle)], claims)

    def line(self) -> Iterator[Lemma]:
        """Prove the effect of a line's turn."""
        way = way_of(self.circuit, 2, NOT_RESET)
        before, after, codes = way.before, way.after, self.codes
        word = f"(select {before[COUNTS]} {before[LINE]})"
        ends = f"(select {before['lines.words']} {before[LINE]})"
        low, high = f"((_ extract 15 0) {ends})", f"((_ extract 31 16) {ends})"
        is_over = f"(or (= {self.count(word)} {number(0, BITS)}) (= {low} {high}))"
        begun = all_of(
            [
                self.at(after, codes.synapse),
                f"(= {after[AT]} ((_ extract {self.width(AT) - 1} 0) {low}))",
                f"(= {after[f'counts.{FOUND}']} {word})",
                f"(= {after[f'lines.{FOUND}']} {ends})",
                f"(= {after[LINE]} {before[LINE]})",
            ]
        )
        shifted = resized(self.count(word, coming=True), BITS, 2 * BITS, is_signed=False)
        claims = [
            f"(ite {is_over} {self.follows(way)} {begun})",
            f"(= {after[COUNTS]} (store {before[COUNTS]} {before[LINE]} {shifted}))",
            *kept(way, [*self.memories_but(COUNTS), NEURON, IS_TICKING]),
            *quiet(way, "done", "events_out_valid"),
        ]
        given = [self.at(before, codes.scan), f"(= {before[IS_TICKING]} #b1)"]
        yield from shown("line: it is passed over, or its first synapse comes", way, given, claims)

    def synapse(self) -> Iterator[Lemma]:
        """Prove the start of a synapse."""
        way = way_of(self.circuit, 1, NOT_RESET)
        before, after = way.before, way.after
        claims = [
            self.at(after, self.codes.gather),
            f"(= {after[f'synapses.{FOUND}']} (select {before['synapses.words']} {before[AT]}))",
            f"(= {after[AT]} (bvadd {before[AT]} {number(1, self.width(AT))}))",
            f"(= {after[LEFT]} {self.count(before[f'counts.{FOUND}'])})",
            *kept(way, [*self.memories, NEURON, LINE, IS_TICKING, f"lines.{FOUND}", f"counts.{FOUND}"]),
            *quiet(way, "done", "events_out_valid"),
        ]
        yield from shown("synapse: it is read", way, [self.at(before, self.codes.synapse)], claims)

    def event(self) -> Iterator[Lemma]:
        """Prove the effect of one spike over a synapse."""
        rule, target = self.plan.chip.rule, self.plan.chip.rule.gather.target
        way = way_of(self.circuit, 2, NOT_RESET)
        before, after, codes = way.before, way.after, self.codes
        low, high = self.plan.weights
        most = self.plan.chip.exponents[1]
        span = self.plan.reach.of(rule.gather, rule.gather.expression)
        ranges = {target: (span.least, span.greatest), WEIGHT: (low << most, high << most), COUNT: (1, 1)}
        event = gather_formulas(rule, ranges)
        found = before[f"synapses.{FOUND}"]
        places = self.plan.synapse.items()
        fields = {name: (self.place(place, [found]), max(place.shape.width, 1)) for name, place in places}
        weight, width = event.before[WEIGHT], event.before[WEIGHT].width
        exponent = resized(*fields["exponent"], width, is_signed=False)
        arriving, bits, post = before["arriving.words"], self.width("arriving.words"), fields["post"][0]
        given = [
            *event.formulas.assumed,
            self.at(before, codes.gather),
            f"(= {before[IS_TICKING]} #b1)",
            f"(= {weight.text} (bvshl {resized(*fields['weight'], width)} {exponent}))",
            f"(bvule {fields['exponent'][0]} {number(most, fields['exponent'][1])})",
            f"(= (select {arriving} {post}) {bits_of(event.before[target], bits)})",
            event.after[target].is_within(span.least, span.greatest),
        ]
        end = f"((_ extract {self.width(AT) - 1} 0) {line_ends(before)[1]})"
        is_last = f"(= {before[LEFT]} {number(1, BITS)})"
        next_synapse = f"(and {self.at(after, codes.synapse)} (= {after[LINE]} {before[LINE]}))"
        again = f"(and {self.at(after, codes.gather)} (= {after[LINE]} {before[LINE]}))"
        over = f"(ite (= {before[AT]} {end}) {self.follows(way)} {next_synapse})"
        claims = [
            *event.formulas.fits,
            f"(= {after['arriving.words']} (store {arriving} {post} {bits_of(event.after[target], bits)}))",
            f"(ite {is_last} {over} {again})",
            f"(= {after[LEFT]} (bvsub {before[LEFT]} {number(1, BITS)}))",
            *kept(way, self.memories_but("arriving.words")),
            *kept(way, [NEURON, AT, IS_TICKING, f"lines.{FOUND}", f"counts.{FOUND}", f"synapses.{FOUND}"]),
            *quiet(way, "done", "events_out_valid"),
        ]
        way.lines = [*event.formulas.lines, *way.lines]
        way.operations += event.formulas.operations
        yield from shown("event: it is gathered, and nothing else changes", way, given, claims)

    def fold(self) -> Iterator[Lemma]:
        """Prove that spikes of one line may be gathered one after another.

        ``added`` stands for ``weight * count``, of which no more is used than that it has the weight's sign.
        """
        gather = self.plan.chip.rule.gather.expression
        if not isinstance(gather, Hold):
            return
        low, high = self.plan.weights
        reach = max(-low, high) << self.plan.chip.exponents[1]
        most = MOST_COUNT * reach
        bits = (2 * most + max(-gather.low, gather.high)).bit_length() + 2
        names = {
            "target": (gather.low, gather.high),
            "weight": (-reach, reach),
            "added": (-MOST_COUNT * reach, MOST_COUNT * reach),
        }
        lines = [f"(declare-fun {name} () (_ BitVec {bits}))" for name in names]
        for name, ends in names.items():
            lines.append(
                f"(assert (and (bvsle {number(ends[0], bits)} {name}) (bvsle {name} {number(ends[1], bits)})))"
            )
        zero = number(0, bits)
        lines.append(f"(assert (ite (bvsge weight {zero}) (bvsge added {zero}) (bvsle added {zero})))")
        once = _held(f"(bvadd {_held('(bvadd target added)', gather, bits)} weight)", gather, bits)
        together = _held("(bvadd (bvadd target added) weight)", gather, bits)
        yield decided("fold: one spike more is gathered as if all came at once", lines, claim=f"(= {once} {together})")

    def neuron(self) -> Iterator[Lemma]:
        """Prove the effect of a neuron's turn."""
        plan, rule = self.plan, self.plan.chip.rule
        way = way_of(self.circuit, self.clocks, NOT_RESET)
        tick = tick_formulas(rule, ranges_of(rule, plan.reach))
        before, n = way.before, way.before[NEURON]
        operations = tick.formulas.operations + way.operations
        words = [f"(select {before[name]} {n})" for name in self.registers]
        given = [self.at(before, self.codes.read), f"(= {before[IS_TICKING]} #b1)", *tick.formulas.assumed]
        for fields, columns in ((plan.stored, words), (plan.parameters, self.columns_of(before))):
            for name, place in fields.items():
                if name in tick.before and name != rule.gather.target:
                    given.append(f"(= {self.place(place, columns)} {bits_of(tick.before[name], place.shape.width)})")
        gathered = bits_of(tick.before[rule.gather.target], self.width("arriving.words"))
        given += [f"(= (select {before['arriving.words']} {n}) {gathered})", *operations.bounds]
        yield from lemmas_about(operations)
        for name, claim in self.of_neuron(way, tick).items():
            lines = [*tick.formulas.lines, *way.lines, *(f"(assert {each})" for each in given)]
            lemma = decided(f"neuron: {name}", [*operations.opened, *lines], claim=claim)
            yield lemma if lemma.holds else decided(lemma.name, [*operations.exact, *lines], claim=claim)
            given.append(claim)

    def of_neuron(self, way: Way, tick: TickFormulas) -> Mapping[str, str]:
        """Return the claims about a neuron's turn, by name."""
        plan, before, after, n = self.plan, way.before, way.after, way.before[NEURON]
        spikes, bits = tick.after[SPIKES], self.width("arriving.words")
        noted = resized(spikes.text, spikes.width, 2 * BITS, is_signed=False)
        is_silent = f"(or (= {spikes.text} {number(0, spikes.width)}) (not {self.is_set(IS_OUTPUT, before)}))"
        found = [f"(select {after[name]} {n})" for name in self.registers]
        left = number(0, bits) if plan.gathering is None else bits_of(tick.after[plan.gathering], bits)
        ranged = [name for name in plan.chip.rule.registers if name in plan.states]
        return {
            "no definition of the rule loses anything by its width": all_of(tick.formulas.fits),
            "no register leaves its range": all_of(
                tick.after[name].is_within(tick.before[name].low, tick.before[name].high) for name in ranged
            ),
            "it spikes as often as the rule says": f"(= {after[COUNTS]} (store {before[COUNTS]} "
            f"{resized(n, self.width(NEURON), self.width(LINE), is_signed=False)} {noted}))",
            "its turn ends, or its spikes are sent": all_of(
                [
                    *self.turn(way, is_silent),
                    f"(=> (not {is_silent}) {self.at(after, self.codes.tell)})",
                    f"(=> (not {is_silent}) {self.are_parameters_read(after)})",
                    f"(= {after[LEFT]} {self.count(noted)})",
                ]
            ),
            **{
                f"{name} is the rule's": f"(= {self.place(place, found)}"
                f" {bits_of(tick.after[name], place.shape.width)})"
                for name, place in plan.stored.items()
            },
            "what is gathered in goes back, and nothing else changes": all_of(
                [
                    f"(= {after['arriving.words']} (store {before['arriving.words']} {n} {left}))",
                    *(
                        f"(= {after[name]} (store {before[name]} {n} (select {after[name]} {n})))"
                        for name in self.registers
                    ),
                    *kept(way, self.memories_but("arriving.words", COUNTS, *self.registers)),
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

    def tell(self) -> Iterator[Lemma]:
        """Prove that an output's spikes are sent."""
        way = way_of(self.circuit, 1, {**NOT_RESET, "events_out_ready": "|ready|"})
        way.lines.insert(0, "(declare-fun |ready| () (_ BitVec 1))")
        before, after, outputs = way.before, way.after, way.outputs[0]
        fewer = f"(bvsub {before[LEFT]} {number(1, BITS)})"
        is_over = f"(and (= |ready| #b1) (= {before[LEFT]} {number(1, BITS)}))"
        claims = [
            f"(= {outputs['events_out_valid']} #b1)",
            f"(= {outputs['events_out_payload']} {before[NEURON]})",
            f"(= {after[LEFT]} (ite (= |ready| #b1) {fewer} {before[LEFT]}))",
            *self.turn(way, is_over),
            f"(=> (not {is_over}) (and {self.at(after, self.codes.tell)} {self.are_parameters_read(after)}))",
            *kept(way, self.memories),
        ]
        given = [self.at(before, self.codes.tell), self.are_parameters_read(before), f"(= {before[IS_TICKING]} #b1)"]
        yield from shown("tell: an output event is offered for each spike", way, given, claims)

    def clear(self) -> Iterator[Lemma]:
        """Prove that all memories return to rest, word by word."""
        way = way_of(self.circuit, 1, NOT_RESET)
        before, after, size, bits = way.before, way.after, self.plan.size, self.width(LINE)
        neuron = f"((_ extract {self.width(NEURON) - 1} 0) {before[LINE]})"
        places = dict.fromkeys((*self.registers, "arriving.words"), neuron) | {COUNTS: before[LINE]}
        is_end = f"(= {before[LINE]} {number(size.neurons + size.heard - 1, bits)})"
        claims = [
            *(
                f"(= {after[name]} (store {before[name]} {place} {number(0, self.width(name))}))"
                for name, place in places.items()
            ),
            f"(= {after[LINE]} (ite {is_end} {number(0, bits)} (bvadd {before[LINE]} {number(1, bits)})))",
            f"(ite {is_end} {self.at(after, self.codes.idle)} {self.at(after, self.codes.clear)})",
            *kept(way, self.memories_but(*places)),
            f"(= {way.outputs[0]['busy']} #b1)",
        ]
        yield from shown("clear: one word goes back to rest", way, [self.at(before, self.codes.clear)], claims)


def _held(text: str, hold: Hold, bits: int) -> str:
    """Return the value of a register after an assignment."""
    low, high = number(hold.low, bits), number(hold.high, bits)
    if hold.end is End.CLIP:
        return f"(ite (bvsgt {text} {high}) {high} (ite (bvslt {text} {low}) {low} {text}))"
    span = number(hold.span, bits)
    return f"(bvadd (bvsmod (bvsub {text} {low}) {span}) {low})"


def prove_ordered_core(plan: CorePlan, *, verilog: str, clocks: int) -> tuple[Lemma, ...]:
    """Prove the lemmas of this module for a core in Verilog; parameters and result are those of `prove_core`."""
    proof = _OrderedProof(plan, circuit_of(verilog, top="core"), clocks=clocks)
    return until_failure(
        proof.inputs,
        proof.start,
        proof.line,
        proof.synapse,
        proof.event,
        proof.fold,
        proof.neuron,
        proof.tell,
        proof.clear,
    )
