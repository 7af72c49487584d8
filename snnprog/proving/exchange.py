"""Proofs that the exchange sends each spike once to each other core, for any behaviour of the cores.

As for a core (`snnprog.proving.core`), a solver shows what one clock does, from any registers and any contents of the
memories of spikes, with any behaviour of the cores and of the world outside (`prove_exchange`):

- ``kept``: a spike that a core sends is taken at once and kept behind those that it sent before; nothing else changes
  them.
- ``strobe``: all cores are started, or sent to rest, in the same clock, only while none is at work and nothing is under
  way; and with a tick, what was sent before is discarded.
- ``run``: a tick's first part ends when no core is at work.
- ``next`` and ``take``: the numbers of core 0 are taken in the order in which they were sent, then those of core 1, and
  so on; the tick is done after the last one of the last core, once no core is at work.
- ``send``: the number is offered to each other core until it takes it, and outside if it is read out; none takes it
  twice.
- ``event``: an input event is offered likewise, to all cores.
- ``word``: a word goes to the core that its address names, and to no other.
- ``ring``: a spike that is taken a tick later, with a delay that is one less, arrives at the same slot.

A core sends each of its neurons at most once in a tick (lemmas ``neuron`` and ``spike`` of the core), so that no more
is sent than there is room for, and a count never passes its last value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from snnprog.emit.hardware.plan import MEMORY_BITS, OUTPUTS, PLACE_BITS, CoreSize, bits_for
from snnprog.proving.circuits import circuit_of
from snnprog.proving.lemmas import Lemma, all_of, decided, until_failure
from snnprog.proving.ways import CONTROL, FOUND, NOT_RESET, Way, control_of, kept, node_of, shown, way_of
from snnprog.rules.vectors import number, resized

AT, SOURCE, EVENT, WAITING, IS_ENDING = "at", "source", "event", "waiting", "is_ending"
IS_TOLD = "outside__events_out__valid"
"""Registers of the exchange; the last one is identified by its port."""
HELD = {
    "tick": "outside_tick",
    "clear": "outside_clear",
    "load": "outside_load_valid",
    "event": "outside_events_in_valid",
}
"""Inputs that occur in lemmas."""


class _ExchangeProof:
    """The lemmas, each about one clock."""

    def __init__(self, size: CoreSize, verilog: str) -> None:
        self.size = size
        self.circuit = circuit_of(verilog, top="exchange")
        self.cores = range(size.cores)
        self._follow()

    def _follow(self) -> None:
        """Find the value of the control register in each part of a tick."""
        node_of(self.circuit, CONTROL)
        way, idle = self.way(), self.are_idle
        before = way.before
        self.open = control_of(way, [f"(= {way.outputs[0]['outside_busy']} #b0)"], at=0)
        tick = [self.at(way, self.open), *idle, *self.inputs(tick="#b1", clear="#b0")]
        self.run = control_of(way, tick, at=1)
        self.next = control_of(way, [self.at(way, self.run), *idle], at=1)
        first = f"(= {before[SOURCE]} {number(0, self.width(SOURCE))})"
        self.take = control_of(
            way, [self.at(way, self.next), first, f"(distinct {before[AT]} {before['count0']})"], at=1
        )
        self.send = control_of(way, [self.at(way, self.take)], at=1)

    # ------------------------------------------------------------------------------------------------------ the words

    def way(self) -> Way:
        """Return one clock, in which inputs have names that do not depend on it."""
        named = {name: f"|{name}|" for name in self.circuit.inputs if name not in NOT_RESET}
        way = way_of(self.circuit, 1, NOT_RESET | named)
        sorts = {name: self.circuit.sort_of(self.circuit.inputs[name]) for name in named}
        way.lines[:0] = [f"(declare-fun {text} () {sorts[name]})" for name, text in named.items()]
        return way

    def width(self, name: str) -> int:
        """Return the bits of a register."""
        return self.circuit.width_of(node_of(self.circuit, name))

    def at(self, way: Way, code: int) -> str:
        """Return the state of the control before the clock, as a formula."""
        return f"(= {way.before[CONTROL]} {number(code, self.width(CONTROL))})"

    def then(self, way: Way, code: int) -> str:
        """Return the state of the control after the clock, as a formula."""
        return f"(= {way.after[CONTROL]} {number(code, self.width(CONTROL))})"

    def inputs(self, **values: str) -> list[str]:
        """Return the values of external inputs, as formulas."""
        return [f"(= |{HELD[name]}| {value})" for name, value in values.items()]

    @property
    def are_idle(self) -> list[str]:
        """Formulas: no core is working."""
        return [f"(= |cores_{core}_busy| #b0)" for core in self.cores]

    def is_source(self, way: Way, core: int) -> str:
        """Return, as a formula, that the numbers of a core are taken now."""
        return f"(= {way.before[SOURCE]} {number(core, self.width(SOURCE))})"

    def waits(self, text: str, core: int) -> str:
        """Return the bit: whether a core has yet to take the event."""
        return f"((_ extract {core} {core}) {text})"

    def silent(self, way: Way, *names: str) -> list[str]:
        """Return, as formulas, that some outputs to all cores are 0."""
        return [f"(= {way.outputs[0][f'cores_{core}_{name}']} #b0)" for core in self.cores for name in names]

    def is_quiet(self, state: Mapping[str, str]) -> str:
        """Return, as a formula, that no event is under way."""
        return f"(and (= {state[WAITING]} {number(0, self.size.cores)}) (= {state[IS_TOLD]} #b0))"

    def spike(self, way: Way) -> str:
        """Return the number of the spike that is under way: its core, and its neuron there."""
        found = way.before[f"spikes0.{FOUND}"]
        for core in self.cores[1:]:
            found = f"(ite {self.is_source(way, core)} {way.before[f'spikes{core}.{FOUND}']} {found})"
        return f"(concat {way.before[SOURCE]} {found})"

    # ----------------------------------------------------------------------------------------------------- the lemmas

    def tells(self) -> Iterator[Lemma]:
        """Prove which spikes of cores are stored."""
        way = self.way()
        before, after, bits = way.before, way.after, bits_for(self.size.neurons)
        starts = (
            f"(and {self.at(way, self.open)} {all_of(self.are_idle)} {all_of(self.inputs(tick='#b1', clear='#b0'))})"
        )
        claims = []
        for core in self.cores:
            words, count = f"spikes{core}.words", f"count{core}"
            width = self.width(count)
            place = f"((_ extract {bits - 1} 0) {before[count]})"
            put = f"(store {before[words]} {place} |cores_{core}_events_out_payload|)"
            is_sent = f"(= |cores_{core}_events_out_valid| #b1)"
            further = f"(ite {is_sent} (bvadd {before[count]} {number(1, width)}) {before[count]})"
            claims += [
                f"(= {after[words]} (ite {is_sent} {put} {before[words]}))",
                f"(= {after[count]} (ite {starts} {number(0, width)} {further}))",
                f"(= {way.outputs[0][f'cores_{core}_events_out_ready']} #b1)",
            ]
        yield from shown("kept: what a core sends is kept in order", way, [], claims)

    def strobes(self) -> Iterator[Lemma]:
        """Prove when cores are started or reset, and that the host can see when that is allowed."""
        way = self.way()
        outputs = way.outputs[0]
        is_open = self.at(way, self.open)
        claims = [f"(= {outputs['outside_busy']} (ite (and {is_open} {all_of(self.are_idle)}) #b0 #b1))"]
        for core in self.cores:
            for name in ("tick", "clear"):
                claims.append(f"(= {outputs[f'cores_{core}_{name}']} (ite {is_open} |outside_{name}| #b0))")
        yield from shown("strobe: all cores are started together", way, [], claims)
        given = [is_open, self.is_quiet(way.before), *self.are_idle, *self.inputs(tick="#b1", clear="#b0")]
        claims = [
            self.then(way, self.run),
            f"(= {way.after[AT]} {number(0, self.width(AT))})",
            f"(= {way.after[SOURCE]} {number(0, self.width(SOURCE))})",
            f"(= {outputs['outside_done']} #b0)",
            self.is_quiet(way.after),
        ]
        yield from shown("strobe: a tick begins with core 0's first number", way, given, claims)

    def runs(self) -> Iterator[Lemma]:
        """Prove when the first part of a tick ends."""
        way = self.way()
        where = f"(ite {all_of(self.are_idle)} {self.then(way, self.next)} {self.then(way, self.run)})"
        claims = [where, self.is_quiet(way.after), *kept(way, [AT, SOURCE, *self.outputs])]
        claims.append(f"(= {way.outputs[0]['outside_done']} #b0)")
        given = [self.at(way, self.run), self.is_quiet(way.before)]
        yield from shown("run: it ends when no core is at work", way, given, claims)

    @property
    def outputs(self) -> list[str]:
        """The registers with the number of outputs of a core."""
        return [f"outputs{core}" for core in self.cores]

    def nexts(self) -> Iterator[Lemma]:
        """Prove which number is taken next."""
        way, last = self.way(), self.size.cores - 1
        before, after, bits = way.before, way.after, bits_for(self.size.neurons)
        one, start = number(1, self.width(SOURCE)), number(0, self.width(AT))
        for core in self.cores:
            place = f"((_ extract {bits - 1} 0) {before[AT]})"
            is_taken = f"(distinct {before[AT]} {before[f'count{core}']})"
            read = f"(= {after[f'spikes{core}.{FOUND}']} (select {before[f'spikes{core}.words']} {place}))"
            taken = all_of([self.then(way, self.take), read, *kept(way, [AT, SOURCE])])
            to_next = [f"(= {after[SOURCE]} (bvadd {before[SOURCE]} {one}))", f"(= {after[AT]} {start})"]
            further = all_of([self.then(way, self.next), *to_next])
            over = f"(ite {all_of(self.are_idle)} {self.then(way, self.open)} {self.then(way, self.next)})"
            is_done = f"(and (not {is_taken}) {all_of(self.are_idle)})" if core == last else "false"
            claims = [
                f"(ite {is_taken} {taken} {further if core < last else over})",
                f"(= {way.outputs[0]['outside_done']} (ite {is_done} #b1 #b0))",
                f"(= {after[IS_ENDING]} #b1)",
                self.is_quiet(way.after),
                *kept(way, self.outputs),
            ]
            given = [self.at(way, self.next), self.is_quiet(way.before), self.is_source(way, core)]
            yield from shown(f"next: the next number of core {core}, or what follows its last", way, given, claims)

    def takes(self) -> Iterator[Lemma]:
        """Prove the effect of a number that was taken."""
        way = self.way()
        before, after, size = way.before, way.after, self.size
        width, neuron_bits = self.width(EVENT), bits_for(size.neurons)
        spike = resized(self.spike(way), self.width(SOURCE) + neuron_bits, width, is_signed=False)
        for core in self.cores:
            outputs, others = f"outputs{core}", number(~(1 << core), size.cores)
            found = resized(before[f"spikes{core}.{FOUND}"], neuron_bits, self.width(outputs), is_signed=False)
            claims = [
                self.then(way, self.send),
                f"(= {after[EVENT]} (bvadd {number(size.inputs, width)} {spike}))",
                f"(= {after[WAITING]} {others})",
                f"(= {after[IS_TOLD]} (ite (bvult {found} {before[outputs]}) #b1 #b0))",
                f"(= {after[AT]} (bvadd {before[AT]} {number(1, self.width(AT))}))",
                f"(= {way.outputs[0]['outside_done']} #b0)",
                *kept(way, [SOURCE, IS_ENDING, f"spikes{core}.{FOUND}", *self.outputs]),
            ]
            given = [self.at(way, self.take), self.is_source(way, core)]
            yield from shown(f"take: a number of core {core} is an event of all others", way, given, claims)

    def sends(self) -> Iterator[Lemma]:
        """Prove that an event is sent to cores, and to the host."""
        way = self.way()
        before, after, outputs = way.before, way.after, way.outputs[0]
        offered = []
        for core in self.cores:
            ready = f"|cores_{core}_events_in_ready|"
            waits, waited = self.waits(before[WAITING], core), self.waits(after[WAITING], core)
            offered += [
                f"(= {outputs[f'cores_{core}_events_in_valid']} {waits})",
                f"(= {outputs[f'cores_{core}_events_in_payload']} {before[EVENT]})",
                f"(= {waited} (bvand {waits} (bvnot {ready})))",
            ]
        offered += [
            f"(= {outputs['outside_events_out_valid']} {before[IS_TOLD]})",
            f"(= {outputs['outside_events_out_payload']} {self.spike(way)})",
            f"(= {after[IS_TOLD]} (bvand {before[IS_TOLD]} (bvnot |outside_events_out_ready|)))",
        ]
        none = self.is_quiet(before)
        back = f"(ite (= {before[IS_ENDING]} #b1) {self.then(way, self.next)} {self.then(way, self.open)})"
        found = [f"spikes{core}.{FOUND}" for core in self.cores]
        claims = [
            *offered,
            f"(ite {none} {back} {self.then(way, self.send)})",
            f"(= {outputs['outside_done']} #b0)",
            *kept(way, [EVENT, AT, SOURCE, IS_ENDING, *found, *self.outputs]),
        ]
        is_a_core = "(or false " + " ".join(self.is_source(way, core) for core in self.cores) + ")"
        yield from shown("send: each core takes the event once", way, [self.at(way, self.send), is_a_core], claims)

    def events(self) -> Iterator[Lemma]:
        """Prove the effect of an input event, and that nothing else begins while the exchange is open."""
        way = self.way()
        before, after, outputs = way.before, way.after, way.outputs[0]
        is_idle = [self.at(way, self.open), *self.are_idle, self.is_quiet(before)]
        bits = self.circuit.width_of(self.circuit.inputs["outside_events_in_payload"])
        payload = resized("|outside_events_in_payload|", bits, self.width(EVENT), is_signed=False)
        given = [*is_idle, *self.inputs(tick="#b0", clear="#b0", load="#b0", event="#b1")]
        claims = [
            self.then(way, self.send),
            f"(= {after[EVENT]} {payload})",
            f"(= {after[WAITING]} {number(-1, self.size.cores)})",
            f"(= {after[IS_TOLD]} #b0)",
            f"(= {after[IS_ENDING]} #b0)",
            f"(= {outputs['outside_events_in_ready']} #b1)",
            *self.silent(way, "events_in_valid", "load_valid", "peek_address_valid"),
        ]
        yield from shown("event: an input event is for all cores", way, given, claims)
        taken = all_of(self.inputs(tick="#b0", clear="#b0", load="#b0", event="#b1"))
        claims = [
            f"(=> (not {taken}) (= {outputs['outside_events_in_ready']} #b0))",
            f"(=> (and (not {taken}) (= |outside_tick| #b0)) {self.then(way, self.open)})",
        ]
        yield from shown("event: nothing else begins", way, is_idle, claims)

    def words(self) -> Iterator[Lemma]:
        """Prove the destinations of words."""
        way = self.way()
        before, after, outputs = way.before, way.after, way.outputs[0]
        data, first = "|outside_load_payload|", self.address_bits
        top = self.circuit.width_of(self.circuit.inputs["outside_load_payload"]) - first
        address = f"((_ extract {first - 1} 0) {data})"
        memory = f"((_ extract {PLACE_BITS + MEMORY_BITS - 1} {PLACE_BITS}) {address})"
        core_number = f"((_ extract {first - 1} {PLACE_BITS + MEMORY_BITS}) {address})"
        is_output = f"(= {memory} {number(OUTPUTS, MEMORY_BITS)})"
        claims = []
        for core in self.cores:
            is_here = f"(and (= |outside_load_valid| #b1) {self.at(way, self.open)} (= {core_number}"
            is_here += f" {number(core, first - PLACE_BITS - MEMORY_BITS)}))"
            count, width = f"outputs{core}", self.width(f"outputs{core}")
            word = f"((_ extract {first + width - 1} {first}) {data})"
            claims += [
                f"(= {outputs[f'cores_{core}_load_valid']} (ite (and {is_here} (not {is_output})) #b1 #b0))",
                f"(= {outputs[f'cores_{core}_load_payload']} {data})",
                f"(= {after[count]} (ite (and {is_here} {is_output}) {word} {before[count]}))",
                f"(=> {is_here} (= {outputs['outside_load_ready']} (ite {is_output} #b1 |cores_{core}_load_ready|)))",
            ]
        assert top, "there is data behind the address"
        yield from shown("word: it goes to the core that its address names", way, [], claims)

    @property
    def address_bits(self) -> int:
        """The bits of an address."""
        return self.circuit.width_of(self.circuit.inputs["outside_peek_address_payload"])

    def ring(self) -> Iterator[Lemma]:
        """Prove that a delay shorter by one leads, from the next slot, to the same one."""
        bits = (self.size.longest_delay + 1).bit_length() - 1
        lines = [f"(declare-fun {name} () (_ BitVec {bits}))" for name in ("slot", "delay")]
        one = number(1, bits)
        claim = f"(= (bvadd (bvadd slot {one}) (bvsub delay {one})) (bvadd slot delay))"
        yield decided("ring: one tick later and one less is the same slot", lines, claim=claim)


def prove_exchange(size: CoreSize, *, verilog: str) -> tuple[Lemma, ...]:
    """Prove the lemmas of this module for the exchange in Verilog.

    Parameters
    ----------
    size : CoreSize
        Of the cores, and how many there are.
    verilog : str
        A module ``exchange``.

    Returns
    -------
    tuple of Lemma
        The first that does not hold ends it.

    Raises
    ------
    SpecError
        If the circuit is not an exchange that snnprog has written.
    """
    proof = _ExchangeProof(size, verilog)
    return until_failure(
        proof.tells,
        proof.strobes,
        proof.runs,
        proof.nexts,
        proof.takes,
        proof.sends,
        proof.events,
        proof.words,
        proof.ring,
    )
