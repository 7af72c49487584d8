"""The cut points of a core in its circuit, and the claims there, as formulas."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from snnprog.emit.hardware.plan import CorePlan, Field, bits_for
from snnprog.proving.btor import Circuit
from snnprog.proving.lemmas import all_of
from snnprog.proving.ways import CONTROL, FOUND, NOT_RESET, WORDS, Way, control_of, node_of, way_of
from snnprog.rules.vectors import Vector, number, resized

NEURON, SLOT, AT, IS_TICKING = "neuron", "slot", "at", "is_ticking"
"""Registers of the core."""


@dataclass(frozen=True)
class Codes:
    """The value of the core's control register at each cut point, found in the circuit itself."""

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
        width = circuit.width_of(node_of(circuit, CONTROL))

        def at(way: Way, code: int) -> str:
            return f"(= {way.before[CONTROL]} {number(code, width)})"

        once, twice = way_of(circuit, 1, NOT_RESET), way_of(circuit, 2, NOT_RESET)
        idle = control_of(once, [f"(= {once.outputs[0]['busy']} #b0)"], at=0)
        spike = control_of(once, [f"(= {once.outputs[0]['events_out_valid']} #b1)"], at=0)
        start = way_of(circuit, 1, {**NOT_RESET, "clear": "#b0", "tick": "#b1"})
        read = control_of(start, [at(start, idle)], at=1)
        taken = way_of(circuit, 1, {**NOT_RESET, "events_out_ready": "#b1"})
        line = control_of(taken, [at(taken, spike)], at=1)
        low, high = line_ends(twice.before)
        synapse = control_of(
            twice, [at(twice, line), f"(= {low} {number(0, 16)})", f"(= {high} {number(1, 16)})"], at=2
        )
        after = control_of(twice, [at(twice, line), f"(= {low} {high})"], at=2)
        cleared = way_of(circuit, 1, {**NOT_RESET, "clear": "#b1"})
        return cls(idle, read, spike, line, synapse, after, control_of(cleared, [at(cleared, idle)], at=1))


def line_ends(state: Mapping[str, str]) -> tuple[str, str]:
    """Return the first synapse of the line that was read last, and the one after its last."""
    word = state[f"lines.{FOUND}"]
    return f"((_ extract 15 0) {word})", f"((_ extract 31 16) {word})"


Points = TypeVar("Points")


class CoreClaims(Generic[Points]):
    """What is claimed of a core at its cut points, as formulas.

    Parameters
    ----------
    plan : CorePlan
    circuit : Circuit
    clocks : int
        How many clocks a neuron takes.
    codes
        What its control register holds at each cut point.
    """

    def __init__(self, plan: CorePlan, circuit: Circuit, *, clocks: int, codes: Points) -> None:
        self.plan, self.circuit, self.clocks, self.codes = plan, circuit, clocks, codes
        self.columns = sorted(name for name in circuit.states if re.fullmatch(r"column\d+\.words", name))
        self.registers = sorted(name for name in circuit.states if re.fullmatch(r"state\d+\.words", name))
        self.memories = [*self.columns, *self.registers, "lines.words", "synapses.words", "arriving.words"]

    # ------------------------------------------------------------------------------------------------------ the words

    def width(self, name: str) -> int:
        """Return the bits of a register, or of a memory's words."""
        return self.circuit.width_of(node_of(self.circuit, name))

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

    def memories_but(self, *changed: str) -> list[str]:
        """Return the names of the other memories."""
        return [name for name in self.memories if name not in changed]

    def line_index(self, text: str, bits: int, *, first: int) -> str:
        """Return the address of a line."""
        size = self.plan.size
        width = bits_for(size.neurons + size.heard)
        return f"(bvadd {number(first, width)} {resized(text, bits, width, is_signed=False)})"

    @property
    def parameters_read(self) -> list[str]:
        """The registers that hold the parameters that were read last."""
        return [name.replace(WORDS, FOUND) for name in self.columns]


def bits_of(vector: Vector, width: int) -> str:
    """Return the bits of a vector in a word of so many bits."""
    return resized(vector.text, vector.width, width)
