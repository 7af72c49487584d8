"""``snnprog prove``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnprog.cli.exit_codes import EXACT, NOT_EXACT
from snnprog.cli.numbers import IntegerOption, number_or_found
from snnprog.cli.options import JsonCommand, json_option
from snnprog.cli.output import print_json, tell
from snnprog.cli.outputs import InputFile, OutputFile, ProgramFile
from snnprog.cli.progress import working

if TYPE_CHECKING:
    from snnprog.automata import Automaton, StreamClaim
    from snnprog.exploration import StreamProof
    from snnprog.program import Program

LATENCY = 1  # ticks: the shortest synapse
LATENCY_LIMIT = 10_000
"""Each state of a claim holds the outputs of so many ticks; twenty synapses in a row delay 1,240 on Loihi."""

DEPTH_LIMIT = 1 << 12
"""The most ticks that `snnprog.prove` unrolls, as `snnprog.exploration.bounded` says, whose import takes NumPy."""


HELP = """\
Prove a claim about a program for every input stream.

TABLE.kiss2 is a state table in the KISS2 format: the outputs must answer as it says. The other claims are options; give
one. All states of the program are explored. If there are too many, --depth checks all streams of up to some ticks. The
exit code is 0 if the claim is proved, and 1 if it is refuted or undecided.

\b
snnprog prove P.snnp TABLE.kiss2 --latency 2
snnprog prove P.snnp --fires-when '(a|{ab}) . . (b|{ab})' --for-output 0
snnprog prove P.snnp --within 3 --after 0

In an expression, a is a tick in which only input line 0 spikes, b one in which only line 1 does, {ab} one in which both
do, _ is silence and . any tick.
"""


@click.command("prove", cls=JsonCommand, help=HELP)
@click.argument("program_path", metavar="P.snnp", type=ProgramFile())
@click.argument("table_path", metavar="[TABLE.kiss2]", required=False, type=InputFile(".kiss2", ".kiss"))
@click.option(
    "--latency",
    type=IntegerOption(0, LATENCY_LIMIT),
    default=LATENCY,
    show_default=True,
    help="Ticks from the inputs of TABLE.kiss2 or of --fires-when to the output spikes.",
)
@click.option("--fires-when", metavar="EXPRESSION", help="An output fires exactly where the stream ends with a match.")
@click.option(
    "--for-output",
    "which",
    metavar="NAME",
    help="The output of --fires-when: its number or name. Default: the only one.",
)
@click.option("--never-together", is_flag=True, help="No two outputs spike at the same tick.")
@click.option("--within", type=IntegerOption(1), metavar="TICKS", help="A spike of the line --after is answered.")
@click.option("--after", metavar="LINE", help="The input line of --within: its number or name.")
@click.option(
    "--states", type=IntegerOption(1), default=1_000_000, show_default=True, help="Maximum number of states to explore."
)
@click.option(
    "--depth",
    type=IntegerOption(0, DEPTH_LIMIT),
    default=0,
    metavar="TICKS",
    help="If exploring does not decide, a solver decides all streams of up to TICKS ticks.",
)
@click.option(
    "--counterexample",
    "path",
    type=OutputFile(".csv", ".npz"),
    help="File for the shortest input stream with wrong outputs, if there is one.",
)
@json_option
def prove_command(
    program_path: Path,
    table_path: Path | None,
    latency: int,
    fires_when: str | None,
    which: str | None,
    never_together: bool,
    within: int | None,
    after: str | None,
    states: int,
    depth: int,
    path: Path | None,
    as_json: bool,
) -> int:
    """Prove a claim about a program for every input stream."""
    from snnprog.exploration import prove
    from snnprog.files import write_rasters
    from snnprog.program import load

    program = load(program_path)
    given = [table_path is not None, fires_when is not None, never_together, within is not None]
    if sum(given) != 1:
        raise click.UsageError("Give one claim: TABLE.kiss2, --fires-when, --never-together, or --within with --after.")
    if (within is None) != (after is None):
        raise click.UsageError("--within and --after belong together; give both.")
    if which is not None and fires_when is None:
        raise click.UsageError("--for-output belongs to --fires-when.")
    claim: StreamClaim
    if table_path is not None:
        claim = _read_table(table_path).delayed(latency)
    elif fires_when is not None:
        claim = _expression(program, fires_when, which).delayed(latency)
    else:
        claim = _invariant(program, within, after)
    with working("exploring states", as_json):
        proof = prove(program, claim, states=states, depth=depth)
    if path is not None and proof.counterexample is not None:
        write_rasters(path, [proof.counterexample], names=program.input_names)
    if as_json:
        print_json(proof_data(proof))
    else:
        tell(str(proof)[:1].upper() + str(proof)[1:])
        if path is not None and proof.counterexample is not None:
            tell(f"wrote {path}")
    return EXACT if proof.holds else NOT_EXACT


def _read_table(path: Path) -> Automaton:
    from snnprog.archive import read_bytes
    from snnprog.automata import from_kiss2
    from snnprog.errors import FormatError

    try:
        text = read_bytes(path).decode("ascii")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path} is not a KISS2 table: it must be ASCII text") from error
    return from_kiss2(text, name=str(path))


def _expression(program: Program, expression: str, output: str | None) -> Automaton:
    from snnprog.automata import from_expression

    if output is None and program.n_outputs > 1:
        raise click.UsageError(
            f"--fires-when is about one output, and the program has {program.n_outputs}; name it with --for-output."
        )
    chosen = 0 if output is None else number_or_found(output, program.find_output)
    return from_expression(expression, n_inputs=program.n_inputs).placed(chosen, n_outputs=program.n_outputs)


def _invariant(program: Program, within: int | None, after: str | None) -> StreamClaim:
    from snnprog import automata

    if within is not None and after is not None:
        return automata.within(within, after=number_or_found(after, program.find_input))
    return automata.never(lambda _row, spikes: sum(spikes) > 1, text="no two outputs spike at the same tick")


def proof_data(proof: StreamProof) -> dict[str, object]:
    """Return a proof as plain data."""
    stream = proof.counterexample
    return {
        "verdict": proof.verdict,
        "method": proof.method,
        "states": proof.states,
        "depth": proof.depth,
        "counterexample": None if stream is None else stream.astype(int).tolist(),
        "expected": proof.expected or None,
        "found": proof.found or None,
    }
