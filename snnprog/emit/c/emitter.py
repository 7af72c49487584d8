"""Assembly of the exported files P.c and P.h.

The source has, in order: a comment (the program's shape, its rule, the memory that it takes), constant tables, state,
the functions that the rule calls, and those of `snnprog.emit.c.tick`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

import numpy as np

from snnprog.checks import as_path
from snnprog.emit.c.code import Sheet
from snnprog.emit.c.lean import LeanProgram, lean_program
from snnprog.emit.c.names import checked_header, checked_prefix, prefix_of
from snnprog.emit.c.ruletext import step_text
from snnprog.emit.c.tables import WIDTH
from snnprog.emit.c.tick import TickWriter
from snnprog.emit.constants import constants_of, neuron_constants_of
from snnprog.output_files import check_place, write_bytes
from snnprog.program import NEURON_ARRAYS, SYNAPSE_ARRAYS, Program
from snnprog.rules.data import rule_to_data
from snnprog.synapses import SHARED_ARRAYS
from snnprog.version import __version__
from snnprog.wording import counted

DIGEST_DIGITS = 16
"""Hexadecimal digits of the SHA-256 that are shown: 64 bits. A choice, not a measurement."""

ABOUT = """\
/* Made by snnprog {version}: do not edit. C99, no library but stdint.h.

   Program {digest}: {shape}.

   The rule, for each neuron in each tick; step 1 is for each spike that arrives:
{steps}
   Types are as wide as values of this program can get, which is proved for {inputs};
   ends that no value reaches are omitted.

   Memory: {flash} bytes of constant tables in flash, and the code;
   {ram} bytes of RAM, and a stack for two calls:
{state}
*/
"""
STATE = """\
#ifdef {P}_STATE /* the state can be read from outside */
#define {P}_SHOWN
#else
#define {P}_SHOWN static
#endif
"""
HEADER = """\
/* Made by snnprog {version}: do not edit. A spiking neural network; {source} says more. */
#ifndef {P}_H
#define {P}_H

#include <stdint.h>

#define {P}_INPUTS {inputs}
#define {P}_OUTPUTS {outputs}
#define {P}_NEURONS {neurons}
#define {P}_MOST_INPUT {most} /* spikes of an input in one tick; more count as so many */
#define {P}_READOUTS {readouts} /* outputs that are read by their potential */
{names}
#ifdef __cplusplus
extern "C" {{
#endif

/* Back to rest, where the program starts. */
void {p}_reset(void);

/* One tick: how often each input spikes in it, and how often each output does.
   What an input sends at one tick acts at the next one at the earliest. */
void {p}_tick(const uint8_t *inputs, uint8_t *outputs);
{readout}
#ifdef {P}_STATE
/* The state of each neuron after the last tick. */
{shown}
{neurons_named}#endif

#ifdef __cplusplus
}}
#endif

#endif
"""
NAMES = """
/* The numbers of inputs and outputs, by name. */
{lines}
"""
READOUT = """
/* The potential of an output that is read by it, after the last tick; 0 of any other. */
{head};
"""


@dataclass(frozen=True)
class CSource:
    """A program in C.

    Attributes
    ----------
    prefix : str
        The prefix of all its names.
    source, header : str
        The two files.
    flash_bytes, ram_bytes : int
        Size of the constant tables, and of the state. The size of the code depends on the compiler.
    """

    prefix: str
    source: str
    header: str
    flash_bytes: int
    ram_bytes: int


def to_c(program: Program, *, prefix: str, header_name: str | None = None) -> CSource:
    """Return a program as C99.

    Parameters
    ----------
    program : Program
    prefix : str
        Prefix of all names.
    header_name : str, optional
        Name of the header that the source includes: ``<prefix>.h`` by default.

    Raises
    ------
    SpecError
        If the prefix is not an identifier of C, or a keyword.
    LimitError
        If a value of the program could exceed 64 bits, or an output's spikes in a tick a byte.
    """
    sheet = Sheet(checked_prefix(prefix))
    header = checked_header(f"{prefix}.h" if header_name is None else header_name)
    lean = lean_program(program)
    writer = TickWriter(lean, sheet)
    functions = writer.functions()
    parts = [
        _about(lean, sheet),
        f'#include "{header}"\n',
        STATE.format(P=prefix.upper()),
        *sheet.tables.lines(),
        *map(writer.definition, sheet.state),
        "",
        *sheet.helpers.texts,
        *functions,
    ]
    return CSource(
        prefix=prefix,
        source="\n".join(parts) + "\n",
        header=_header(writer, source=f"{Path(header).stem}.c"),
        flash_bytes=sheet.tables.size,
        ram_bytes=sheet.ram_bytes,
    )


def write_c(program: Program, path: str | Path, *, prefix: str | None = None) -> CSource:
    """Write a program to ``P.c`` and its header beside it, ``P.h``; return the written files.

    Each file is written whole or not at all.

    Parameters
    ----------
    program : Program
    path : str or Path
        Path of the source; its suffix is ``.c``.
    prefix : str, optional
        Prefix of all names; by default the file's stem, made an identifier.

    Raises
    ------
    SpecError, LimitError
        As `to_c`; also if C could not include the header by the file's name.
    FormatError
        If a file cannot be written.
    """
    place = as_path("path", path)
    header = place.with_suffix(".h")
    found = prefix_of(place.stem) if prefix is None else prefix
    emitted = to_c(program, prefix=found, header_name=header.name)
    check_place(place)
    write_bytes(header, emitted.header.encode("ascii"))
    write_bytes(place, emitted.source.encode("ascii"))
    return emitted


def program_digest(program: Program) -> str:
    """Return a digest of all that affects the results of a program: its rule, neurons, synapses and outputs."""
    digest = hashlib.sha256(json.dumps(rule_to_data(program.chip.rule), sort_keys=True).encode())
    table = program.synapses
    arrays = [program.outputs, program.readout, *(getattr(program, name) for name in NEURON_ARRAYS)]
    arrays += [getattr(table, name) for name in SYNAPSE_ARRAYS]
    digest.update(repr((program.n_inputs, program.n_neurons)).encode())
    for each in table.shared:
        digest.update(repr((each.convolution, each.first_pre, each.first_post)).encode())
        arrays += [getattr(each, name) for name in SHARED_ARRAYS]
    for array in arrays:
        digest.update(repr(array.shape).encode() + np.ascontiguousarray(array, dtype="<i4").tobytes())
    return digest.hexdigest()[:DIGEST_DIGITS]


def _about(lean: LeanProgram, sheet: Sheet) -> str:
    """Return the comment at the head of the source."""
    program, rule = lean.program, lean.program.chip.rule
    sizes = [
        counted(program.n_inputs, "input"),
        counted(program.n_neurons, "neuron"),
        counted(program.n_outputs, "output"),
        counted(program.n_synapses, "synapse"),
        *([counted(len(program.shared), "convolution")] if program.shared else []),
    ]
    texts = [f"{number}. {step_text(rule, step.name, sheet.book)}" for number, step in enumerate(rule.all_steps, 1)]
    steps = [fill(text, WIDTH, initial_indent=" " * 5, subsequent_indent=" " * 9) for text in texts]
    most = lean.most_of_input
    return ABOUT.format(
        version=__version__,
        digest=program_digest(program),
        shape=", ".join(sizes),
        steps="\n".join(steps),
        inputs="any input" if most == 1 else f"any input of up to {most} spikes a tick",
        flash=sheet.tables.size,
        ram=sheet.ram_bytes,
        state="\n".join(f"     {each.n_bytes:8} {each.name}" for each in sheet.state if not each.is_extra),
    )


def _header(writer: TickWriter, *, source: str) -> str:
    """Return the header."""
    sheet, program = writer.sheet, writer.program
    constants = constants_of(program)
    shown = [f"extern {each.kind.name} {each.name}[{each.size}];" for each in sheet.state if each.is_shown]
    return HEADER.format(
        version=__version__,
        source=source,
        p=sheet.prefix,
        P=sheet.prefix.upper(),
        inputs=program.n_inputs,
        outputs=program.n_outputs,
        neurons=program.n_neurons,
        most=writer.lean.most_of_input,
        readouts=writer.n_readouts,
        readout=READOUT.format(head=writer.readout_head) if writer.n_readouts else "",
        shown="\n".join(shown),
        names=NAMES.format(lines="\n".join(_defines(sheet, constants))) if constants else "",
        neurons_named="".join(f"{line}\n" for line in _defines(sheet, neuron_constants_of(program))),
    )


def _defines(sheet: Sheet, constants: Mapping[str, int]) -> list[str]:
    """Return the lines that define constants."""
    return [f"#define {sheet.prefix.upper()}_{name} {number}" for name, number in constants.items()]
