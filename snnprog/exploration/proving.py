"""`prove`: whether a program meets an automaton or an invariant on every input stream."""

from __future__ import annotations

from dataclasses import replace

from snnprog.arrays import Raster
from snnprog.automata import StreamClaim
from snnprog.automata.automaton import Monitor, check_claim
from snnprog.calls import call_checked
from snnprog.checks import as_integer, check_type
from snnprog.errors import SpecError
from snnprog.exploration.bounded import check_streams, deepest
from snnprog.exploration.exact import Exploration
from snnprog.exploration.merging import MEMORIES, Merged, can_be_merged
from snnprog.exploration.proof import PROVED, REFUTED, UNDECIDED, StreamProof
from snnprog.exploration.ticking import ProgramTicks
from snnprog.exploration.watching import Watching
from snnprog.exploration.windows import windows_of
from snnprog.program import Program
from snnprog.simulate import simulate
from snnprog.wording import counted

FIRST_STATES = 100_000
"""States that are explored before states are merged: a second at 10^7 in a minute. A choice."""

STATES = 1_000_000
"""States that are explored by default: some 100 MB and a few seconds for ten neurons. A choice."""

MOST_STATES = 10**9
"""States have numbers of 31 bits, and a table of twice as many places."""


@call_checked
def prove(program: Program, claim: StreamClaim, *, states: int = STATES, depth: int = 0) -> StreamProof:
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
    depth : int
        If that does not decide the claim, a solver (Bitwuzla, in the extra ``prove``) decides it for all streams of up
        to this many ticks: at most 4096, and fewer for programs with more than 511 neurons and synapses.

    Returns
    -------
    StreamProof
        ``holds`` is True where the claim is proved. ``verdict`` is "proved", "refuted" or "undecided"; ``depth`` says
        for how many ticks all streams were tried.

    Raises
    ------
    SpecError
        If the claim is about programs of another size, an output of the program is read by its potential, or Bitwuzla
        is required and not installed.
    """
    check_type("program", program, kind=Program)
    most = as_integer("states", states)
    if not 1 <= most <= MOST_STATES:
        raise SpecError(f"states must be from 1 to {MOST_STATES:,}, got {most:,}")
    if (wanted := as_integer("depth", depth)) < 0:
        raise SpecError(f"depth must be at least 0, got {wanted}")
    if program.is_read_by_potential.any():
        raise SpecError(
            "outputs must be read by their spikes, because a claim is about output spikes; some are read by potential"
        )
    check_claim(claim)
    watching = Watching(claim.monitor(program), n_inputs=program.n_inputs, n_outputs=program.n_outputs)
    exploration = Exploration(ProgramTicks(program), watching)
    exploration.explore(min(most, FIRST_STATES))
    if exploration.is_open and (by_windows := _by_windows(exploration)) is not None:
        return by_windows
    if exploration.is_open and can_be_merged(exploration.ticks):
        found = _merged(program, watching, most_work=most)
        if found is not None:
            return replace(found, depth=exploration.depth)
    exploration.explore(most)
    if exploration.is_open and wanted > exploration.depth:
        return _bounded(exploration, wanted)
    return _proof(exploration)


def _bounded(exploration: Exploration, depth: int) -> StreamProof:
    """Return what a solver says of all streams of up to ``depth`` ticks."""
    ticks, monitor, open_proof = exploration.ticks, exploration.watching.monitor, _proof(exploration)
    if depth > (most := deepest(ticks.program)):
        refusal = f"the solver was skipped, because depth must be at most {most:,} for this program, got {depth:,}"
        return replace(open_proof, method=f"{open_proof.method}; {refusal}")
    found = check_streams(ticks, monitor, known=exploration.depth, depth=depth)
    if found is None:
        return replace(open_proof, method=f"{open_proof.method}; the claim has too many cases for a solver")
    if found.counterexample is None:
        return replace(open_proof, method=f"{open_proof.method}; a solver decided the rest", depth=found.depth)
    return _refuted(exploration, found.counterexample)


def _by_windows(exploration: Exploration) -> StreamProof | None:
    """Return a proof by cases of the last input spikes, or None where none is found."""
    windows = windows_of(exploration.ticks, exploration.watching.monitor)
    if windows is None:
        return None
    windows.explore()
    method = f"{counted(windows.cases, 'case')} of the last input spikes were decided"
    return StreamProof(PROVED, method, windows.cases, exploration.depth) if windows.is_proved else None


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


def _refuted(exploration: Exploration, stream: Raster) -> StreamProof:
    expected, found = at_the_end(exploration.ticks.program, exploration.watching.monitor, stream)
    return StreamProof(
        REFUTED,
        "the shortest such stream",
        len(exploration),
        len(stream) - 1,
        counterexample=stream,
        expected=expected,
        found=found,
        input_names=exploration.ticks.program.input_names,
    )


def _proof(exploration: Exploration) -> StreamProof:
    states, depth = len(exploration), exploration.depth
    if exploration.counterexample is not None:
        return _refuted(exploration, exploration.counterexample)
    if exploration.is_closed:
        return StreamProof(PROVED, f"all {counted(states, 'state')} were explored", states, depth)
    return StreamProof(UNDECIDED, f"{counted(states, 'state')} were explored, and there are more", states, depth)


def at_the_end(program: Program, monitor: Monitor, stream: Raster) -> tuple[str, str]:
    """Return the required and the actual outputs of the last tick of a stream, as the reference runs it."""
    fired = simulate(program, [stream])[0].spikes
    state = monitor.start
    for row, spikes in zip(stream[:-1].tolist(), fired[:-1].tolist(), strict=True):
        state = monitor.after(state, tuple(row), tuple(spikes))
    words = ["spike" if spike else "silence" for spike in fired[-1].tolist()]
    found = ", ".join(f"{program.output_label(output)}: {word}" for output, word in enumerate(words))
    return monitor.expected(state, tuple(stream[-1].tolist()), program.output_names), found
