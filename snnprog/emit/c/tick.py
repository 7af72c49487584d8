"""State, ``P_reset``, ``P_tick`` and ``P_readout``: the functions of an emitted program, and their state.

A tick has the same parts as the reference's: arrivals are gathered, each neuron takes the rule's steps, then the spikes
of inputs and neurons are sent.
"""

from __future__ import annotations

import numpy as np

from snnprog.emit.c.code import Sheet, StateArray, branch, counter, indented, loop
from snnprog.emit.c.lean import LeanProgram
from snnprog.emit.c.ordered import OrderedWiring
from snnprog.emit.c.step import StepWriter, for_state, needed, neuron_lines, register_type, registers_of
from snnprog.emit.c.texts import NARROW, Piece, variable_of
from snnprog.emit.c.types import BYTE, INT32, INT64, narrowest
from snnprog.emit.c.wiring import SummedWiring
from snnprog.rules.rule import CURRENT, POTENTIAL, SPIKES

FIRED = "fired"
WORD = 8
"""Neurons whose spikes are examined together: bytes of a word. Measured: a tick of 1000 silent neurons takes 311 ns
with words of 8 bytes and 347 ns with words of 4 (gcc 12, x86-64); 32-bit processors look at a word in two halves."""

SCANNED = 32
"""From a number of neurons that send on, spikes are searched by words. A choice, not a measurement."""


class TickWriter:
    """Writes the functions of a program.

    Parameters
    ----------
    lean : LeanProgram
    sheet : Sheet
    """

    def __init__(self, lean: LeanProgram, sheet: Sheet) -> None:
        self.lean, self.sheet, self.program = lean, sheet, lean.program
        self.registers = registers_of(lean)
        kept = frozenset({SPIKES, *self.registers.kept, *self.registers.shown})
        self.is_heard = lean.has_arrivals and lean.rule.gather.target in needed(lean.rule.steps, kept)[1]
        self.wiring = SummedWiring(lean, sheet) if lean.rule.is_sum and self.is_heard else None
        self.ordered = OrderedWiring(lean, sheet) if not lean.rule.is_sum and self.is_heard else None
        self.counts = narrowest(0, max(1, lean.most_spikes))
        self.sources = np.flatnonzero(self.wiring.sources()) if self.wiring else np.zeros(0, np.int64)
        self.senders = self.sources[self.sources >= self.program.n_inputs] - self.program.n_inputs
        self.is_scanned = self.counts is BYTE and self.senders.size >= SCANNED

    def functions(self) -> list[str]:
        """Return all functions, and add the state that they work on."""
        self._declare()
        tick = self._tick()  # asks for helpers and tables
        readout = self._readout() if self.n_readouts else []
        wiring = [*self.wiring.around(), *self.wiring.sender()] if self.wiring and self.sources.size else []
        return [*wiring, *self._reset(), *readout, *tick]

    # ------------------------------------------------------------------------------------------------------ the state

    def _declare(self) -> None:
        neurons, sheet = self.program.n_neurons, self.sheet
        for name in dict.fromkeys((CURRENT, POTENTIAL, *self.registers.kept)):
            word, is_kept = sheet.book.word(name), name in self.registers.kept
            flags = {"is_shown": name in (CURRENT, POTENTIAL), "is_extra": not is_kept}
            sheet.keep(word, register_type(self.lean, name), neurons, about=f"register {word}", **flags)
        if self.ordered:
            self.ordered.declare()
            return
        if self.wiring:
            self.wiring.declare()
        room = -(-neurons // WORD) * WORD if self.is_scanned else neurons
        sheet.keep(
            FIRED, self.counts, room, about="how often each neuron spiked in this tick", is_union=self.is_scanned
        )

    def definition(self, state: StateArray) -> str:
        """Return the definition of a part of the state."""
        storage = self.sheet.macro("SHOWN") if state.is_shown else "static"
        text = f"{storage} {state.kind.name} {state.name}{'' if state.size is None else f'[{state.size}]'};"
        if state.is_union:
            words = (state.size or 0) // WORD
            text = f"static union {{\n    uint8_t line[{state.size}];\n    uint64_t word[{words}];\n}} {state.name};"
        lines = [f"/* {state.about} */", text]
        return "\n".join(for_state(self.sheet, lines) if state.is_extra else lines)

    def _reset(self) -> list[str]:
        body: list[str] = []
        for size in sorted({each.size for each in self.sheet.state if each.size}):
            lines: list[str] = []
            for each in self.sheet.state:
                if each.size == size:
                    line = f"{each.name}{'.line' if each.is_union else ''}[i] = 0;"
                    lines += for_state(self.sheet, [line]) if each.is_extra else [line]
            body += loop("i", 0, size, lines, most=size)
        body += [f"{each.name} = 0;" for each in self.sheet.state if each.size is None]
        return [f"void {self.sheet.own('reset')}(void)", "{", *indented(body), "}", ""]

    # ------------------------------------------------------------------------------------------------------- the tick

    def _tick(self) -> list[str]:
        writer, neurons = StepWriter(self.lean, self.sheet), self.program.n_neurons
        body = self.ordered.gather() if self.ordered else []
        gathered = self._gathered(writer)
        step = neuron_lines(writer, gathered=gathered, fired=self._fired("n"))
        body += loop("n", 0, neurons, step, most=neurons)
        inputs = self._inputs()
        body += [*inputs, *self._neurons(), *self._outputs()]
        body += self.wiring.advance() if self.wiring else self.ordered.advance() if self.ordered else []
        name = self.sheet.own("tick")
        head = [f"void {name}(const uint8_t *inputs, uint8_t *outputs)", "{"]
        return [*head, *indented([] if inputs else ["(void)inputs;"]), *indented(body), "}"]

    def _fired(self, index: str) -> str:
        """Return the place of a neuron's spikes of this tick."""
        if self.ordered:
            return self.ordered.sent(f"{self.program.n_inputs} + {index}" if self.program.n_inputs else index)
        return f"{self.sheet.own(FIRED)}{'.line' if self.is_scanned else ''}[{index}]"

    def _gathered(self, writer: StepWriter) -> list[str]:
        """Return the statements for the arrivals at neuron ``n``, and define them for the steps."""
        gather, lean = self.lean.rule.gather, self.lean
        word = self.sheet.book.word(gather.target)
        is_register = gather.target in lean.rule.registers
        register = f"{self.sheet.own(word)}[n]"
        if not self.is_heard:
            if not is_register:
                writer.values[gather.target] = Piece.number(0)
                return []
            writer.values[gather.target] = variable_of(f"was_{word}", lean.registers[gather.target])
            return [f"const {_type(writer.values[gather.target])} was_{word} = {register};"]
        variable = f"{word}_gathered" if is_register else word
        span = lean.spans[gather.name, gather.expression]
        if self.ordered:
            found = variable_of(variable, span.joined(lean.registers.get(gather.target, span)))
            lines = [
                _constant(found, self.ordered.gathered),
                *([] if is_register else [f"{self.ordered.gathered} = 0;"]),
            ]
        else:
            assert self.wiring is not None, "what is heard is a sum, or ordered"
            found = variable_of(variable, span.joined(lean.arriving))
            here, unit = self.wiring.here, 1 << self.wiring.shift
            text = f"({_type(found)}){here} * {unit}" if unit > 1 else here
            lines = [_constant(found, f"{register} + {text}" if is_register else text), f"{here} = 0;"]
        writer.values[gather.target] = found
        return lines

    def _inputs(self) -> list[str]:
        """Return the statements that take the spikes of inputs."""
        size, most = self.program.n_inputs, self.lean.most_of_input
        read = "inputs[i]"
        count = f"{read} != 0" if most == 1 else read if most == BYTE.high else f"{read} < {most} ? {read} : {most}"
        if self.ordered and size:
            sent = f"{self.ordered.sent('i')} = ({self.ordered.count_type.name})({count});"
            return loop("i", 0, size, [sent], most=size)
        sources = self.sources[self.sources < size]
        if not self.wiring or not sources.size:
            return []
        call = f"{self.sheet.own('send')}(i{f', {count}' if self.wiring.is_counted else ''});"
        body = branch(f"{read} != 0", [call])
        return ["/* Spikes set out. */", *loop("i", int(sources[0]), int(sources[-1]) + 1, body, most=size)]

    def _neurons(self) -> list[str]:
        """Return the statements that send the spikes of neurons."""
        if not self.wiring or not self.senders.size:
            return []
        inputs, neurons = self.program.n_inputs, self.program.n_neurons
        first, end = int(self.senders[0]), int(self.senders[-1]) + 1
        line = f"{inputs} + n" if inputs else "n"
        count = f", {self._fired('n')}" if self.wiring.is_counted else ""
        send = branch(f"{self._fired('n')} != 0", [f"{self.sheet.own('send')}({line}{count});"])
        if not self.is_scanned:
            return loop("n", first, end, send, most=neurons)
        word = loop("n", f"{WORD} * w", f"{WORD} * w + {WORD}", send, most=neurons + WORD)
        words = branch(f"{self.sheet.own(FIRED)}.word[w] != 0", word)
        return loop("w", first // WORD, -(-end // WORD), words, most=neurons)

    def _outputs(self) -> list[str]:
        size = self.program.n_outputs
        which = self.sheet.tables.add("output", self.program.outputs, about="neurons that are read out")
        cast = "" if self.counts is BYTE else "(uint8_t)"
        return loop("i", 0, size, [f"outputs[i] = {cast}{self._fired(which.at('i'))};"], most=size)

    # --------------------------------------------------------------------------------------------------- the readout

    @property
    def n_readouts(self) -> int:
        """Number of outputs that are read by their potential."""
        return int(self.program.is_read_by_potential.sum())

    @property
    def readout_head(self) -> str:
        """The declaration of the function that reads potentials."""
        kind = INT64 if self.lean.registers[POTENTIAL].magnitude > NARROW else INT32
        return f"{kind.name} {self.sheet.own('readout')}({counter(self.program.n_outputs)} output)"

    def _readout(self) -> list[str]:
        """Return the function that reads an output's potential."""
        neurons, is_read = self.program.n_neurons, self.program.is_read_by_potential
        numbers = np.where(is_read, self.program.outputs, neurons).astype(np.int64)
        about = f"neuron of each output that is read by its potential; {neurons} for all others"
        which = self.sheet.tables.add("readout_neuron", numbers, about=about)
        potential = f"{self.sheet.own(POTENTIAL)}[n]"
        value = potential if is_read.all() else f"n < {neurons} ? {potential} : 0"
        body = [f"const {counter(neurons)} n = {which.at('output')};", f"return {value};"]
        return [self.readout_head, "{", *indented(body), "}", ""]


def _type(piece: Piece) -> str:
    return (INT64 if piece.is_wide else INT32).name


def _constant(piece: Piece, text: str) -> str:
    return f"const {_type(piece)} {piece.text} = {text}; /* step 1 */"
