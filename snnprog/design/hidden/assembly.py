"""A design whose outputs could not all be built becomes one with hidden neurons, in which they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from snnprog.chips import find_chip
from snnprog.design.designer import Design, Progress, leaks_of
from snnprog.design.hidden.growth import grow
from snnprog.design.hidden.impossible import histories_of, impossibility
from snnprog.design.hidden.pruning import Built, pruned
from snnprog.design.hidden.wiring import Wiring
from snnprog.design.neuron import NeuronDesign
from snnprog.errors import Conflict, SolverError
from snnprog.network import Neuron
from snnprog.solver import check_time
from snnprog.spec import AUTO, Spec

MOST_HIDDEN = 4096  # more than any spec has needed by far; × 3 and ÷ 3: no change on 2 specs


def add_hidden(
    asked: Spec,
    designed: Design,
    outputs: Sequence[int],
    *,
    is_proof_needed: bool = False,
    progress: Progress | None = None,
) -> Design:
    """Add the hidden neurons that some outputs of a design need.

    Parameters
    ----------
    asked : Spec
        What is asked for; its ``hidden`` says how many there may be.
    designed : Design
        What came of every output so far.
    outputs : sequence of int
        Those that need help.
    is_proof_needed : bool
        Whether only rounding-proof neurons will do.
    progress : callable, optional
        Called with ("hidden", outputs done, outputs in all).

    Raises
    ------
    SolverError
        If an output is not built, nothing proves that it cannot be, and ``hidden`` allows as many as there may be.
    UndecidedError
        If the time that `until` allows runs out before every output is built.
    """
    wiring = Wiring(asked, leaks_of(asked.dynamics, find_chip(asked.chip), asked.refractory), designed.hidden)
    outcomes = list(designed.outcomes)
    if not wiring.hidden:
        histories = histories_of(wiring)
        found = [(output, impossibility(wiring, output, histories)) for output in outputs]
        refused = {output: conflict for output, conflict in found if conflict is not None}
        if refused:
            return _refused(designed, refused)
    limit = MOST_HIDDEN if asked.hidden == AUTO else 2 * int(asked.hidden)
    for done, output in enumerate(outputs):
        wiring, neuron = grow(wiring, output, limit, is_proof_needed=is_proof_needed)
        if neuron is None:
            return _failed(asked, designed, output, len(wiring.hidden))
        outcomes[output] = NeuronDesign(neuron)
        if progress is not None:
            progress("hidden", done + 1, len(outputs))
    built = pruned(Built(wiring, _neurons(wiring, outcomes)))
    if asked.hidden != AUTO and len(built.wiring.hidden) > asked.hidden:
        check_time()
        return _failed(asked, designed, outputs[-1], len(built.wiring.hidden))
    for output, neuron in built.outputs.items():
        outcomes[output] = NeuronDesign(neuron)
    hidden = tuple(built.wiring.fitted(neuron) for neuron in built.wiring.hidden)
    return Design(built.wiring.spec, tuple(outcomes), hidden)


def _neurons(wiring: Wiring, outcomes: Sequence[NeuronDesign]) -> dict[int, Neuron]:
    neurons = enumerate(outcome.neuron for outcome in outcomes)
    return {output: wiring.fitted(neuron) for output, neuron in neurons if neuron is not None}


def _refused(designed: Design, refused: Mapping[int, Conflict]) -> Design:
    """Return the design in which only what no network can do is held against its outputs."""
    outcomes = [
        NeuronDesign(None, (refused[output],) if output in refused else ()) if outcome.neuron is None else outcome
        for output, outcome in enumerate(designed.outcomes)
    ]
    return replace(designed, outcomes=tuple(outcomes))


def _failed(asked: Spec, designed: Design, output: int, tried: int) -> Design:
    """Return the design in which one output is held against the number of hidden neurons allowed."""
    if asked.hidden == AUTO:
        raise SolverError(
            f"output {output} is not built with {tried} hidden neurons, and nothing proves that it cannot be;"
            " offer more delays, or a slower potential"
        )
    first = next(iter(designed.outcomes[output].conflicts), None)
    reason = f"no integers found make output {output} exact" if first is None else first.reason
    conflict = Conflict(
        output,
        0 if first is None else first.pattern,
        0 if first is None else first.tick,
        f"{reason}; the hidden neurons allowed are {asked.hidden}, and {tried} were tried: allow more, or 'auto'",
    )
    return _refused(designed, {output: conflict})
