"""`prove`: whether a program meets an automaton or an invariant on every input stream."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from snnprog.arrays import Raster
from snnprog.automata import StreamClaim
from snnprog.checks import as_integer, check_type
from snnprog.errors import SpecError
from snnprog.exploration.exact import Exploration
from snnprog.exploration.merging import MEMORIES, Merged, can_be_merged
from snnprog.exploration.proof import PROVED, REFUTED, UNDECIDED, StreamProof
from snnprog.exploration.ticking import ProgramTicks, States
from snnprog.exploration.watching import Watching
from snnprog.program import Program
from snnprog.wording import counted

FIRST_STATES = 20_000
"""States that are explored before states are merged: a second. A choice."""

STATES = 1_000_000
"""States that are explored by default: some 200 MB and half a minute for ten neurons. A choice."""


def prove(program: Program, claim: StreamClaim, *, states: int = STATES) -> StreamProof:
    """Decide whether a program meets a claim on every input stream of any length, from rest.

    All states that the program and the claim's automaton can reach together are explored, breadth first, in the chip's
    integers. If no more are found, the claim is proved. If an output is wrong, the shortest input stream
    that leads to it is the counterexample.

    Parameters
    ----------
    program : Program
    claim : Automaton, or an invariant of `snnprog.never`, `snnprog.within` or `snnprog.at_most`
        The required or forbidden outputs.
    states : int
        The most states to explore.

    Returns
    -------
    StreamProof
        ``holds`` is True where the claim is proved. ``verdict`` is "proved", "refuted" or "undecided"; ``depth`` says
        for how many ticks all streams were tried.

    Raises
    ------
    SpecError
        If the claim is about programs of another size, or an output of the program is read by its potential.
    """
    check_type("program", program, kind=Program)
    most = as_integer("states", states)
    if most < 1:
        raise SpecError(f"states must be at least 1, got {most}")
    if program.is_read_by_potential.any():
        raise SpecError(
            "outputs must be read by their spikes, because a claim is about output spikes; some are read by potential"
        )
    if not hasattr(claim, "monitor"):
        raise SpecError(f"claim must be an Automaton or an invariant such as sp.never(…), got {type(claim).__name__}")
    watching = Watching(
        claim.monitor(program.n_inputs, program.n_outputs), n_inputs=program.n_inputs, n_outputs=program.n_outputs
    )
    exploration = Exploration(ProgramTicks(program), watching)
    exploration.explore(min(most, FIRST_STATES))
    if exploration.is_open and can_be_merged(exploration.ticks):
        found = _merged(program, watching, most_work=most)
        if found is not None:
            return replace(found, depth=exploration.depth)
    exploration.explore(most)
    return replace(_proof(exploration, program), input_names=program.input_names)


def _merged(program: Program, watching: Watching, *, most_work: int) -> StreamProof | None:
    """Return a proof by merged states, or None where none is found."""
    for memory in MEMORIES:
        merged = Merged(ProgramTicks(program, memory=memory), watching)
        merged.explore(most_work)
        if merged.is_proved:
            remembered = f", which remember the spikes of {memory} ticks" if memory else ""
            method = f"all states lie in {counted(len(merged), 'place')} of merged states{remembered}"
            return StreamProof(PROVED, method, len(merged), 0)
        if merged.work > most_work:
            return None
    return None


def _proof(exploration: Exploration, program: Program) -> StreamProof:
    states, depth = len(exploration), exploration.depth
    if exploration.counterexample is not None:
        expected, found = _at_the_end(exploration, program, exploration.counterexample)
        return StreamProof(
            REFUTED,
            "the shortest such stream",
            states,
            depth,
            counterexample=exploration.counterexample,
            expected=expected,
            found=found,
        )
    if exploration.is_closed:
        return StreamProof(PROVED, f"all {counted(states, 'state')} were explored", states, depth)
    return StreamProof(UNDECIDED, f"{counted(states, 'state')} were explored, and there are more", states, depth)


def _at_the_end(exploration: Exploration, program: Program, stream: Raster) -> tuple[str, str]:
    """Return the required and the actual outputs of the last tick of a stream."""
    ticks, monitor = exploration.ticks, exploration.watching.monitor
    states, at = ticks.rest(), monitor.start
    expected, found = "", ""
    for row in stream:
        symbol = tuple(row.tolist())
        registers, spikes = ticks.tick(states)
        fired = tuple(ticks.outputs(spikes)[0].tolist())
        expected = monitor.expected(at, symbol, program.output_names)
        words = ["spike" if spike else "silence" for spike in fired]
        found = ", ".join(f"{program.output_label(output)}: {word}" for output, word in enumerate(words))
        at = monitor.after(at, symbol, fired)
        history = ticks.remembered(states.history, rows=row[None].astype(np.uint8), spikes=spikes)
        states = States(registers, history)
    return expected, found
