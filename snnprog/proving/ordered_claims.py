"""The cut points of the core that gathers events in their order, and what is claimed there, as formulas."""

from __future__ import annotations

from dataclasses import dataclass

from snnprog.emit.hardware.plan import IS_LAST, MOST_COUNT, CorePlan
from snnprog.proving.btor import Circuit
from snnprog.proving.core_claims import IS_TICKING, NEURON, CoreClaims
from snnprog.proving.lemmas import all_of
from snnprog.proving.ways import CONTROL, NOT_RESET, Way, control_of, node_of, way_of
from snnprog.rules.vectors import number

LINE, LEFT, COUNTS = "line", "left", "counts.words"
"""Registers of the core, and the memory of how often lines spiked."""
BITS = MOST_COUNT.bit_length()


@dataclass(frozen=True)
class OrderedCodes:
    """What the core's control register holds at each cut point."""

    idle: int
    scan: int
    synapse: int
    gather: int
    read: int
    tell: int
    clear: int

    @classmethod
    def of(cls, circuit: Circuit, *, neurons: int) -> OrderedCodes:
        """Follow the control from the point at which the core is not busy."""
        width, lines = circuit.width_of(node_of(circuit, CONTROL)), circuit.width_of(node_of(circuit, LINE))

        def at(way: Way, code: int) -> str:
            return f"(= {way.before[CONTROL]} {number(code, width)})"

        once, twice = way_of(circuit, 1, NOT_RESET), way_of(circuit, 2, NOT_RESET)
        idle = control_of(once, [f"(= {once.outputs[0]['busy']} #b0)"], at=0)
        tell = control_of(once, [f"(= {once.outputs[0]['events_out_valid']} #b1)"], at=0)
        start = way_of(circuit, 1, {**NOT_RESET, "clear": "#b0", "tick": "#b1"})
        scan = control_of(start, [at(start, idle)], at=1)
        before = twice.before
        count = f"((_ extract {BITS - 1} 0) (select {before[COUNTS]} {before[LINE]}))"
        low, high = (
            f"((_ extract {end} {end - 15}) (select {before['lines.words']} {before[LINE]}))" for end in (15, 31)
        )
        spiked = [f"(= {count} {number(1, BITS)})", f"(= {low} {number(0, 16)})", f"(= {high} {number(1, 16)})"]
        scanning = [at(twice, scan), f"(= {before[IS_TICKING]} #b1)"]
        synapse = control_of(twice, [*scanning, *spiked], at=2)
        last = [f"(= {before[LINE]} {number(neurons - 1, lines)})", f"(= {count} {number(0, BITS)})"]
        read = control_of(twice, [*scanning, *last], at=2)
        gather = control_of(once, [at(once, synapse)], at=1)
        cleared = way_of(circuit, 1, {**NOT_RESET, "clear": "#b1"})
        return cls(idle, scan, synapse, gather, read, tell, control_of(cleared, [at(cleared, idle)], at=1))


class OrderedClaims(CoreClaims[OrderedCodes]):
    """What is claimed of the core at its cut points; parameters as `CoreClaims` has them."""

    def __init__(self, plan: CorePlan, circuit: Circuit, *, clocks: int) -> None:
        super().__init__(plan, circuit, clocks=clocks, codes=OrderedCodes.of(circuit, neurons=plan.size.neurons))
        self.memories = [*self.memories, COUNTS]

    def turn(self, way: Way, is_over: str) -> list[str]:
        """Return what follows once a neuron's turn is over: the next one's, or the end of the tick."""
        before, after, n = way.before, way.after, self.width(NEURON)
        is_end = f"(and {is_over} {self.is_set(IS_LAST, before)})"
        following = f"(ite {is_end} {number(0, n)} (bvadd {before[NEURON]} {number(1, n)}))"
        return [
            f"(= {after[NEURON]} (ite {is_over} {following} {before[NEURON]}))",
            f"(= {after[IS_TICKING]} (ite {is_end} #b0 #b1))",
            f"(= {way.outputs[-1]['done']} (ite {is_end} #b1 #b0))",
            f"(=> {is_over} (ite {is_end} {self.at(after, self.codes.idle)} {self.at(after, self.codes.read)}))",
        ]

    def follows(self, way: Way) -> str:
        """Return, as a formula, that the next line's turn has come, or the first neuron's."""
        before, after, size, bits = way.before, way.after, self.plan.size, self.width(LINE)
        is_end = f"(= {before[LINE]} {number(size.neurons - 1, bits)})"
        is_top = f"(= {before[LINE]} {number(size.neurons + size.heard - 1, bits)})"
        further = f"(ite {is_top} {number(0, bits)} (bvadd {before[LINE]} {number(1, bits)}))"
        return all_of(
            [
                f"(=> (not {is_end}) (= {after[LINE]} {further}))",
                f"(ite {is_end} {self.at(after, self.codes.read)} {self.at(after, self.codes.scan)})",
            ]
        )

    def count(self, word: str, *, coming: bool = False) -> str:
        """Return how often a line spiked in the last tick, or does in the coming one, of its word."""
        return f"((_ extract {(1 + coming) * BITS - 1} {coming * BITS}) {word})"
