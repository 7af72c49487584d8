"""Program → P.c and P.h: the two files, put together.

The source has, in order: a comment (the program's shape, its rule, the memory it takes), constant tables, state, the
functions that the rule calls, the delivery of spikes, ``P_reset`` and ``P_tick``. One tick is what the reference's is:
what arrives is gathered, each neuron takes the rule's steps, then the spikes of inputs and neurons set out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snnprog.arrays import Bools
from snnprog.emit.c.code import Sheet, StateArray, branch, counter, indented, loop
from snnprog.emit.c.lean import LeanProgram, lean_program
from snnprog.emit.c.names import checked_header, checked_prefix, prefix_of
from snnprog.emit.c.ordered import OrderedWiring
from snnprog.emit.c.ruletext import step_text
from snnprog.emit.c.step import Registers, StepWriter, needed, neuron_lines, register_type, registers_of
from snnprog.emit.c.texts import NARROW, Piece, variable_of
from snnprog.emit.c.types import BYTE, INT32, INT64, narrowest
from snnprog.emit.c.wiring import Wiring
from snnprog.output_files import check_place, write_bytes
from snnprog.program import NEURON_ARRAYS, SYNAPSE_ARRAYS, Program
from snnprog.rules.data import rule_to_data
from snnprog.rules.rule import CURRENT, POTENTIAL, SPIKES
from snnprog.version import __version__

WORD = 4
"""Neurons whose spikes are looked at together: bytes of a word that every 32-bit machine reads at once."""

SCANNED = 32
"""From so many neurons on, spikes are looked for by words. A choice, not a measurement."""

DIGEST_DIGITS = 16
"""Of SHA-256, as many as tell programs apart."""


@dataclass(frozen=True)
class CSource:
    """A program in C.

    Attributes
    ----------
    prefix : str
        What its names begin with.
    source, header : str
        The two files.
    flash_bytes, ram_bytes : int
        Of constant tables, and of state; the code itself is the compiler's affair.
    """

    prefix: str
    source: str
    header: str
    flash_bytes: int
    ram_bytes: int


def to_c(program: Program, *, prefix: str) -> CSource:
    """Return a program as C99.

    Parameters
    ----------
    program : Program
    prefix : str
        What all names begin with; the source includes ``<prefix>.h``.

    Raises
    ------
    SpecError
        If the prefix is no identifier of C, or a keyword.
    LimitError
        If a value of the program could exceed 64 bits, or an output's spikes in a tick a byte.
    """
    return _Emitter(lean_program(program), checked_prefix(prefix), f"{prefix}.h").emitted()


def write_c(program: Program, path: str | Path, *, prefix: str | None = None) -> CSource:
    """Write a program to ``P.c`` and its header beside it, ``P.h``; return what was written.

    Each file is written whole or not at all.

    Parameters
    ----------
    program : Program
    path : str or Path
        Of the source; its suffix is ``.c``.
    prefix : str, optional
        What all names begin with; by default the file's stem, made an identifier.

    Raises
    ------
    SpecError, LimitError
        As `to_c`.
    FormatError
        If a file cannot be written.
    """
    place = Path(path)
    header = place.with_suffix(".h")
    found = prefix_of(place.stem) if prefix is None else checked_prefix(prefix)
    emitted = _Emitter(lean_program(program), found, checked_header(header.name)).emitted()
    check_place(place)
    write_bytes(header, emitted.header.encode("ascii"))
    write_bytes(place, emitted.source.encode("ascii"))
    return emitted


def program_digest(program: Program) -> str:
    """Return a digest of all that changes what a program does: its rule, its neurons, its synapses, its outputs."""
    digest = hashlib.sha256(json.dumps(rule_to_data(program.chip.rule), sort_keys=True).encode())
    table = program.synapses
    shared = [(repr((each.convolution, each.first_pre, each.first_post)), each) for each in table.shared]
    digest.update(repr((program.n_inputs, program.n_neurons, [text for text, _ in shared])).encode())
    arrays = [program.outputs, program.readout, *(getattr(program, name) for name in NEURON_ARRAYS)]
    arrays += [getattr(table, name) for name in SYNAPSE_ARRAYS]
    arrays += [getattr(each, name) for _, each in shared for name in ("weight", "delay", "exponent")]
    for array in arrays:
        digest.update(repr(array.shape).encode() + np.ascontiguousarray(array, dtype="<i4").tobytes())
    return digest.hexdigest()[:DIGEST_DIGITS]


class _Emitter:
    """Puts the files together."""

    def __init__(self, lean: LeanProgram, prefix: str, header: str) -> None:
        self.lean, self.program, self.header_name = lean, lean.program, header
        self.sheet = Sheet(prefix)
        self.registers: Registers = registers_of(lean)
        read = needed(lean.rule.steps, frozenset({SPIKES, *self.registers.kept, *self.registers.shown}))[1]
        self.is_heard = lean.rule.gather.target in read and lean.has_arrivals
        self.wiring = Wiring(lean, self.sheet) if lean.rule.is_sum and self.is_heard else None
        self.ordered = OrderedWiring(lean, self.sheet) if not lean.rule.is_sum and self.is_heard else None
        self.counts = narrowest(0, max(1, lean.most_spikes))

    # ------------------------------------------------------------------------------------------------------ the files

    def emitted(self) -> CSource:
        """Return both files."""
        self._declare()
        tick, reset = self._tick(), self._reset()
        readout = [self._readout()] if self._n_readouts else []
        sender = self.wiring.sender() if self.wiring else []
        around = self.wiring.around() if self.wiring else []
        parts = [
            self._about(),
            f'#include "{self.header_name}"\n',
            self._state_macro(),
            *self.sheet.tables.lines(),
            *map(self._definition, self.sheet.state),
            "",
            *self.sheet.helpers.texts,
            *(["\n".join(around) + "\n"] if around else []),
            *(["\n".join(sender) + "\n"] if sender else []),
            "\n".join(reset) + "\n",
            *readout,
            "\n".join(tick) + "\n",
        ]
        return CSource(self.sheet.prefix, "\n".join(parts), self._header(), self.sheet.tables.size, self._ram())

    def _header(self) -> str:
        sheet, program, macro = self.sheet, self.program, self.sheet.macro
        shown = "\n".join(f"extern {each.kind.name} {each.name}[{macro('NEURONS')}];" for each in self._shown)
        readout = self._readout_type
        readouts = (
            f"\n/* Potential after the last tick of an output that is read by it; 0 for all others. */\n"
            f"{readout} {sheet.own('readout')}({counter(program.n_outputs)} output);\n"
            if self._n_readouts
            else ""
        )
        most = self.lean.most_of_input
        return f"""/* Made by snnprog {__version__}. A spiking neural network; see {self.header_name.removesuffix(".h")}.c. */
#ifndef {macro("H")}
#define {macro("H")}

#include <stdint.h>

#define {macro("INPUTS")} {program.n_inputs}
#define {macro("OUTPUTS")} {program.n_outputs}
#define {macro("NEURONS")} {program.n_neurons}
#define {macro("MOST_INPUT")} {most} /* spikes of an input in one tick; more count as so many */
#define {macro("READOUTS")} {self._n_readouts} /* outputs that are read by their potential */

#ifdef __cplusplus
extern "C" {{
#endif

/* Back to rest, as at the start of the program. */
void {sheet.own("reset")}(void);

/* One tick: how often each of {macro("INPUTS")} inputs spikes in it, and how often each of {macro("OUTPUTS")} outputs did.
   A spike of an input at one tick acts at the next tick at the earliest. */
void {sheet.own("tick")}(const uint8_t *inputs, uint8_t *outputs);
{readouts}
#ifdef {macro("STATE")}
/* The state of each neuron after the last tick. */
{shown}
#endif

#ifdef __cplusplus
}}
#endif

#endif
"""

    def _about(self) -> str:
        program, rule, lean = self.program, self.program.chip.rule, self.lean
        steps = [
            f"     {number}. {step_text(rule, step.name, self.sheet.book)}"
            for number, step in enumerate(rule.all_steps, 1)
        ]
        ram = [f"     {each.n_bytes:8} {each.name}" for each in self.sheet.state if not each.is_extra]
        convolutions = f", {len(program.shared)} convolutions" if program.shared else ""
        ends = "any input" if lean.most_of_input == 1 else f"any input of at most {lean.most_of_input} spikes a tick"
        lines = [
            f"/* Made by snnprog {__version__}: do not edit. C99, no library but stdint.h.",
            "",
            f"   Program {program_digest(program)}: {program.n_inputs} inputs, {program.n_neurons} neurons,"
            f" {program.n_outputs} outputs, {program.n_synapses} synapses{convolutions}.",
            "",
            "   The rule, for each neuron in each tick; step 1 is for each spike that arrives:",
            *steps,
            "   Types are as wide as values of this program can get, which is proved for",
            f"   {ends}; ends that no value reaches are left out.",
            "",
            f"   Memory: {self.sheet.tables.size} bytes of constant tables in flash, and the code;",
            f"   {self._ram()} bytes of RAM, and the stack of two calls:",
            *ram,
            "*/",
        ]
        return "\n".join(lines) + "\n"

    def _state_macro(self) -> str:
        state = self.sheet.macro("STATE")
        return (
            f"#ifdef {state} /* the state can be read from outside */\n#define {self._shared}\n#else\n"
            f"#define {self._shared} static\n#endif\n"
        )

    # ------------------------------------------------------------------------------------------------------ the state

    @property
    def _shared(self) -> str:
        return self.sheet.macro("SHOWN")

    @property
    def _shown(self) -> list[StateArray]:
        return [each for each in self.sheet.state if each.is_shown]

    def _ram(self) -> int:
        return sum(each.n_bytes for each in self.sheet.state if not each.is_extra)

    def _declare(self) -> None:
        neurons, sheet = self.program.n_neurons, self.sheet
        for name in (CURRENT, POTENTIAL, *self.registers.kept):
            word = sheet.book.word(name)
            if sheet.own(word) not in {each.name for each in sheet.state}:
                is_shown, is_kept = name in (CURRENT, POTENTIAL), name in self.registers.kept
                kind = register_type(self.lean, name)
                sheet.keep(word, kind, neurons, about=f"register {word}", is_shown=is_shown, is_extra=not is_kept)
        if self.wiring:
            self.wiring.declare()
        if self.ordered:
            self.ordered.declare()
        else:
            room = -(-neurons // WORD) * WORD if self._is_scanned else neurons
            sheet.keep("fired", self.counts, room, about="how often each neuron spiked in this tick")

    def _definition(self, state: StateArray) -> str:
        if state.name == self.sheet.own("fired") and self._is_scanned:
            text = f"static union {{\n    uint8_t line[{state.size}];\n    uint32_t word[{state.size // WORD}];\n}} {state.name};"
        else:
            size = "" if state.size is None else f"[{state.size}]"
            text = f"{self._shared if state.is_shown else 'static'} {state.kind.name} {state.name}{size};"
        lines = [f"/* {state.about} */", text]
        if state.is_extra:
            lines = [f"#ifdef {self.sheet.macro('STATE')}", *lines, "#endif"]
        return "\n".join(lines)

    def _reset(self) -> list[str]:
        body: list[str] = []
        for size in sorted({each.size for each in self.sheet.state if each.size}):
            arrays = [each for each in self.sheet.state if each.size == size]
            lines: list[str] = []
            for each in arrays:
                line = f"{self._fired('i') if each.name == self.sheet.own('fired') else f'{each.name}[i]'} = 0;"
                lines += [f"#ifdef {self.sheet.macro('STATE')}", line, "#endif"] if each.is_extra else [line]
            body += loop("i", 0, size, lines, most=size)
        body += [f"{each.name} = 0;" for each in self.sheet.state if each.size is None]
        return [f"void {self.sheet.own('reset')}(void)", "{", *indented(body), "}"]

    # ------------------------------------------------------------------------------------------------------- the tick

    @property
    def _is_scanned(self) -> bool:
        """Whether spikes are looked for by words."""
        if self.wiring is None or self.counts is not BYTE:
            return False
        sources = np.flatnonzero(self.wiring.sources()[self.program.n_inputs :])
        return sources.size >= SCANNED

    def _fired(self, index: str) -> str:
        if self.ordered:
            return self.ordered.sent(f"{self.program.n_inputs} + {index}" if self.program.n_inputs else index)
        return f"{self.sheet.own('fired')}{'.line' if self._is_scanned else ''}[{index}]"

    def _tick(self) -> list[str]:
        writer = StepWriter(self.lean, self.sheet)
        body = self.ordered.gather() if self.ordered else []
        gathered = self._gathered(writer)
        step = neuron_lines(writer, gathered=gathered, fired=self._fired("n"))
        body += loop("n", 0, self.program.n_neurons, step, most=self.program.n_neurons)
        inputs = self._inputs()
        body += [*inputs, *self._neurons()]
        outputs = self._outputs()
        body += outputs
        body += self.wiring.advance() if self.wiring else self.ordered.advance() if self.ordered else []
        unused = [f"(void){name};" for name, lines in (("inputs", inputs), ("outputs", outputs)) if not lines]
        return [
            f"void {self.sheet.own('tick')}(const uint8_t *inputs, uint8_t *outputs)",
            "{",
            *indented(unused + body),
            "}",
        ]

    def _gathered(self, writer: StepWriter) -> list[str]:
        """Return the statements for what has arrived at neuron ``n``, and make it known to the steps."""
        gather, registers = self.lean.rule.gather, self.lean.rule.registers
        word = self.sheet.book.word(gather.target)
        is_register = gather.target in registers
        if not self.is_heard:
            if not is_register:
                writer.values[gather.target] = Piece.number(0)
                return []
            writer.values[gather.target] = variable_of(f"was_{word}", self.lean.registers[gather.target])
            return [self._constant(writer.values[gather.target], f"{self.sheet.own(word)}[n]")]
        span = self.lean.spans[gather.name, gather.expression]
        about = f"/* Step 1: {step_text(self.program.chip.rule, gather.name, self.sheet.book)}, for all that arrives */"
        if self.ordered:
            found = variable_of(
                f"{word}_gathered" if is_register else word, span.joined(self.lean.registers.get(gather.target, span))
            )
            writer.values[gather.target] = found
            clear = [] if is_register else [f"{self.ordered.gathered} = 0;"]
            return [about, self._constant(found, self.ordered.gathered), *clear]
        here, shift = self.wiring.here, self.wiring.shift
        low, high = self.lean.arriving.least, self.lean.arriving.greatest
        is_wide = max(-low, high, abs(span.least), abs(span.greatest)) > NARROW
        kind = INT64 if is_wide else INT32
        sum_text = f"({kind.name}){here} * {1 << shift}" if shift else here
        if is_register:
            sum_text = f"{self.sheet.own(word)}[n] + {sum_text}"
        found = Piece(
            f"{word}_gathered" if is_register else word, min(low, span.least), max(high, span.greatest), is_wide=is_wide
        )
        writer.values[gather.target] = found
        return [about, self._constant(found, sum_text), f"{here} = 0;"]

    def _constant(self, piece: Piece, text: str) -> str:
        return f"const {(INT64 if piece.is_wide else INT32).name} {piece.text} = {text};"

    def _inputs(self) -> list[str]:
        """Return the statements that take the spikes of inputs."""
        program, most = self.program, self.lean.most_of_input
        size = program.n_inputs
        if not size or not self.is_heard:
            return []
        read = "inputs[i]"
        count = "inputs[i] != 0" if most == 1 else read if most == BYTE.high else f"{read} < {most} ? {read} : {most}"
        if self.ordered:
            return loop(
                "i", 0, size, [f"{self.ordered.sent('i')} = ({self.ordered.count_type.name})({count});"], most=size
            )
        sources = np.flatnonzero(self.wiring.sources()[:size])
        if not sources.size:
            return []
        call = f"{self.sheet.own('send')}(i{f', {count}' if self.wiring.is_counted else ''});"
        first, end = int(sources[0]), int(sources[-1]) + 1
        return ["/* Spikes set out. */", *loop("i", first, end, branch(f"{read} != 0", [call]), most=size)]

    def _neurons(self) -> list[str]:
        """Return the statements that send the spikes of neurons."""
        program = self.program
        if not self.wiring:
            return []
        sources: Bools = self.wiring.sources()[program.n_inputs :]
        if not sources.any():
            return []
        found = np.flatnonzero(sources)
        first, end = int(found[0]), int(found[-1]) + 1
        line = f"{program.n_inputs} + n" if program.n_inputs else "n"
        count = f", {self._fired('n')}" if self.wiring.is_counted else ""
        send = branch(f"{self._fired('n')} != 0", [f"{self.sheet.own('send')}({line}{count});"])
        if not self._is_scanned:
            return loop("n", first, end, send, most=program.n_neurons)
        word = loop("n", f"{WORD} * w", f"{WORD} * w + {WORD}", send, most=program.n_neurons + WORD)
        words = branch(f"{self.sheet.own('fired')}.word[w] != 0", word)
        return loop("w", first // WORD, -(-end // WORD), words, most=program.n_neurons)

    def _outputs(self) -> list[str]:
        program = self.program
        if not program.n_outputs:
            return []
        which = self.sheet.tables.add("output", program.outputs, about="neurons that are read out")
        fired = self._fired(which.at("i"))
        cast = "" if self.counts is BYTE else "(uint8_t)"
        return loop("i", 0, program.n_outputs, [f"outputs[i] = {cast}{fired};"], most=program.n_outputs)

    # --------------------------------------------------------------------------------------------------- the readout

    @property
    def _n_readouts(self) -> int:
        return int(self.program.is_read_by_potential.sum())

    @property
    def _readout_type(self) -> str:
        return (INT64 if self.lean.registers[POTENTIAL].magnitude > NARROW else INT32).name

    def _readout(self) -> str:
        """Return the function that reads an output's potential."""
        program, potential = self.program, self.sheet.own(POTENTIAL)
        is_read = program.is_read_by_potential
        numbers = np.where(is_read, program.outputs, program.n_neurons).astype(np.int64)
        which = self.sheet.tables.add(
            "readout_neuron", numbers, about="of each output: whose potential is read, if any"
        )
        kind, neuron = counter(program.n_neurons), f"{potential}[n]"
        value = neuron if is_read.all() else f"n < {program.n_neurons} ? {neuron} : 0"
        return (
            f"{self._readout_type} {self.sheet.own('readout')}({counter(program.n_outputs)} output)\n{{\n"
            f"    const {kind} n = {which.at('output')};\n    return {value};\n}}\n"
        )
