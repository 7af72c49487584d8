"""Bounded model checking: every stream of up to some ticks, by a solver (Biere et al. 1999).

Where too many states can be reached to explore them, the ticks are unrolled as formulas, and Bitwuzla finds an input
stream with wrong outputs or proves that there is none. A stream that is found is run by the reference, and shorter ones
are looked for until there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Raster
from snnprog.automata.automaton import Monitor, Wrong
from snnprog.exploration.ticking import ProgramTicks
from snnprog.exploration.unrolled import Unrolled, cases_of
from snnprog.program import Program
from snnprog.simulate import simulate
from snnprog.solver.formulas import solve_formulas

MOST_TICKS, MOST_UNROLLED = 1 << 12, 1 << 21
"""The most ticks that are unrolled, and the most neurons and synapses of all ticks: formulas of a few 100 MB. A choice:
solvers rarely decide as many."""


@dataclass(frozen=True, eq=False)
class Bounded:
    """What a solver says of all streams of some ticks.

    Attributes
    ----------
    depth : int
        All streams of this many ticks are right.
    counterexample : (ticks, inputs) bool or None
        The shortest stream after which the outputs are wrong.
    """

    depth: int
    counterexample: Raster | None = None


def deepest(program: Program) -> int:
    """Return the most ticks of a program that are unrolled."""
    return min(MOST_TICKS, MOST_UNROLLED // (program.n_neurons + program.n_synapses))


def check_streams(ticks: ProgramTicks, monitor: Monitor, *, known: int, depth: int) -> Bounded | None:
    """Decide about all streams of up to ``depth`` ticks; those of up to ``known`` are right.

    Returns None if the monitor has too many states and rows.

    Raises
    ------
    SpecError
        If Bitwuzla is not installed.
    """
    program = ticks.program
    cases = cases_of(monitor, ticks=depth, n_outputs=program.n_outputs)
    if not cases:
        return None
    unrolled, found, length = Unrolled(ticks, cases), None, depth
    while length > known:
        stream = _wrong_stream(unrolled, length)
        if stream is None:
            return Bounded(length, found)
        wrong = first_wrong(program, monitor, stream)
        assert wrong is not None, "the formulas are those of the reference"
        found, length = stream[: wrong + 1], wrong
    return Bounded(known, found)


def first_wrong(program: Program, monitor: Monitor, stream: Raster) -> int | None:
    """Return the first tick of a stream at which the reference's outputs are wrong, or None."""
    state = monitor.start
    for tick, (row, fired) in enumerate(
        zip(stream.tolist(), simulate(program, [stream])[0].spikes.tolist(), strict=True)
    ):
        after = monitor.after(state, tuple(row), tuple(fired))
        if isinstance(after, Wrong):
            return tick
        state = after
    return None


def _wrong_stream(unrolled: Unrolled, length: int) -> Raster | None:
    script, terms = unrolled.script(length), unrolled.inputs(length)
    values = solve_formulas(script, [term for row in terms for term in row]).values
    if values is None:
        return None
    return np.array([[values[term] for term in row] for row in terms], np.bool_)
