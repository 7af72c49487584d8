"""Addition of hidden neurons to a design, for outputs that could not be built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Raster
from snnprog.design.designer import Design
from snnprog.design.guesses import rasters
from snnprog.design.hidden.draft import Draft
from snnprog.design.hidden.growth import grow, thin
from snnprog.design.hidden.impossible import histories_of
from snnprog.design.hidden.pool import Draw, helped_from_pool
from snnprog.design.hidden.pruning import Assembled, pruned
from snnprog.design.hidden.refuting import Refusal, impossibility
from snnprog.design.neuron import UNDECIDED, NeuronDesign
from snnprog.design.rasters.windows import windows_of
from snnprog.design.sparse import Thrift
from snnprog.design.task import Task
from snnprog.errors import SolverError, UndecidedError
from snnprog.network import Neuron
from snnprog.progress import Progress
from snnprog.solver import check_time, step
from snnprog.spec import AUTO, Spec, with_targets
from snnprog.spec.options import NO_WINDOW
from snnprog.wording import counted

MOST_SHIFTS = 5  # by how many numbers of ticks all spikes are moved in their windows, the smallest first
MORE = 1  # extra hidden neurons, beyond those that real weights need, in the first draw; each draw doubles them
# The share of the time for adding hidden neurons one by one; drawing others takes the rest. A choice: half each.
GROWTH_SHARE = 0.5
MOST_HIDDEN = 4096  # more than any spec has needed by far; × 3 and ÷ 3: no change on 2 specs


@dataclass(frozen=True)
class _Manner:
    """How hidden neurons are added; see `add_hidden`."""

    is_proof_needed: bool
    draw: int
    progress: Progress | None


def add_hidden(
    spec: Spec,
    designed: Design,
    outputs: Sequence[int],
    *,
    is_proof_needed: bool = False,
    draw: int = 0,
    progress: Progress | None = None,
) -> Design:
    """Add hidden neurons for some outputs of a design.

    Parameters
    ----------
    spec : Spec
        The specification; its ``hidden`` says how many there may be.
    designed : Design
        The result of every output so far.
    outputs : sequence of int
        Those that need help.
    is_proof_needed : bool
        Whether only rounding-proof neurons will do.
    draw : int
        From 1 on, the hidden neurons are drawn at random, others for each number, and more than outputs need in real
        weights.
    progress : callable, optional
        Called with ("hidden", outputs done, outputs in all).

    Notes
    -----
    With windows, the ticks of spikes are chosen first: the targets' own, then all moved by as much, as far as their
    windows reach.

    Raises
    ------
    UndecidedError
        If an output is not built with as many as there may be, although nothing proves that it cannot be; it names the
        outputs. If the time that `until` allows runs out before every output is built; it names none.
    """
    if not designed.hidden and draw == 0:
        draft = Draft(spec)
        histories = histories_of(draft)
        refused = {output: impossibility(draft, output, histories=histories) for output in outputs}
        if any(refused.values()):
            return _refused(designed, refused)
    manner = _Manner(is_proof_needed, draw, progress)
    if spec.window == NO_WINDOW and (draw == 0 or spec.care.all()):
        return _added(spec, designed, outputs, manner)
    tried = _chosen_ticks(spec, designed, outputs) if draw == 0 else _drawn_ticks(spec, designed, outputs, draw)
    for chosen in tried:
        try:
            fixed = with_targets(replace(spec, window=NO_WINDOW), range(spec.n_outputs), chosen)
            found = _added(fixed, designed, outputs, manner)
        except UndecidedError as error:
            if error.ended_by_time or spec.window == NO_WINDOW:
                raise
        else:
            if not found.unbuilt:
                return found
    raise UndecidedError(
        f"{spec.output_label(outputs[0])}: no hidden neurons were found for any ticks that were tried in the windows"
        f" of {spec.window}, and no proof that none would do; widen the windows, or {_advice(spec)}",
        outputs,
    )


def _chosen_ticks(spec: Spec, designed: Design, outputs: Sequence[int]) -> Iterator[Raster]:
    """Yield (ticks, outputs) possible spikes of outputs within their windows; the actual spikes of built ones."""
    raster, starts = spec.targets.copy(), Task.of(spec).mapping.played.starts
    for output, outcome in enumerate(designed.outcomes):
        if outcome.neuron is not None:
            raster[:, output] = outcome.neuron.raster
    windows = {
        output: windows_of(
            spec.targets[:, output],
            spec.care[:, output],
            starts=starts,
            window=spec.window,
            refractory=spec.refractory,
        )
        for output in outputs
    }
    if any((ends[:, 0] > ends[:, 1]).any() for ends in windows.values()):
        return
    before, after = spec.window
    for shift in sorted(range(-before, after + 1), key=lambda ticks: (abs(ticks), -ticks))[:MOST_SHIFTS]:
        moved = raster.copy()
        for output, ends in windows.items():
            due = spec.targets[:, output] & spec.care[:, output]
            moved[due, output] = False
            moved[np.clip(np.flatnonzero(due) + shift, ends[:, 0], ends[:, 1]), output] = True
        yield moved


def _drawn_ticks(spec: Spec, designed: Design, outputs: Sequence[int], draw: int) -> Iterator[Raster]:
    """Yield (ticks, outputs) possible spikes of outputs, redrawn each time; at first silent in uncounted bins."""
    drawn = list(rasters(Task.of(spec), outputs))
    raster = drawn[draw % len(drawn)].copy()
    for output, outcome in enumerate(designed.outcomes):
        if outcome.neuron is not None and output not in outputs:
            raster[:, output] = outcome.neuron.raster
        elif draw % 2 == 1:
            raster[:, output] &= spec.care[:, output]
    yield raster


def _added(spec: Spec, designed: Design, outputs: Sequence[int], manner: _Manner) -> Design:
    """Add hidden neurons for outputs with known ticks."""
    try:
        with step("hidden", share=GROWTH_SHARE):
            built = _grown(spec, designed, outputs, manner)
    except UndecidedError:
        drawn = _from_pool(spec, designed, outputs, manner)
        if drawn is None:
            raise
        built = drawn
    outcomes = list(designed.outcomes)
    for output, neuron in built.outputs.items():
        thinner = thin(built.draft, output, NeuronDesign(neuron), Thrift(spec.sparse, spec.fan_in))
        outcomes[output] = NeuronDesign(neuron) if thinner.neuron is None else thinner
    hidden = tuple(built.draft.fitted(neuron) for neuron in built.draft.hidden)
    return Design(built.draft.task, tuple(outcomes), hidden)


def _grown(spec: Spec, designed: Design, outputs: Sequence[int], manner: _Manner) -> Assembled:
    """Add hidden neurons in turn, for one output after another."""
    if manner.draw > 0:
        raise UndecidedError(
            f"{counted(len(outputs), 'output')} could not be built with hidden neurons drawn at random, and nothing"
            f" proves that they cannot be; {_advice(spec)}",
            outputs,
        )
    draft = Draft(spec, designed.hidden)
    outcomes = list(designed.outcomes)
    limit = MOST_HIDDEN if spec.hidden == AUTO else 2 * int(spec.hidden)
    for done, output in enumerate(outputs):
        draft, neuron = grow(draft, output, limit, is_proof_needed=manner.is_proof_needed)
        if neuron is None:
            made = "made rounding-proof" if manner.is_proof_needed else "built"
            name, hidden = spec.output_label(output), counted(len(draft.hidden), "hidden neuron")
            raise UndecidedError(
                f"{name} could not be {made} with {hidden}, and nothing proves that it cannot be; {_advice(spec)}",
                outputs[done:],
            )
        outcomes[output] = NeuronDesign(neuron)
        if manner.progress is not None:
            manner.progress("hidden", done + 1, len(outputs))
    built = pruned(Assembled(draft, _neurons(draft, outcomes)))
    if spec.hidden != AUTO and len(built.draft.hidden) > spec.hidden:
        check_time()
        raise UndecidedError(
            f"{counted(len(built.draft.hidden), 'hidden neuron')} are the fewest that were found, and hidden allows"
            f" {spec.hidden}; nothing proves that fewer cannot do: {_advice(spec)}",
            outputs,
        )
    return built


def _from_pool(spec: Spec, designed: Design, outputs: Sequence[int], manner: _Manner) -> Assembled | None:
    """Add random hidden neurons for all outputs together; None if no drawn ones suffice."""
    draft = Draft(spec, designed.hidden)
    most = MOST_HIDDEN if spec.hidden == AUTO else int(spec.hidden) - len(draft.hidden)
    more = 0 if manner.draw == 0 else MORE << manner.draw
    try:
        helped = helped_from_pool(draft, outputs, Draw(most, manner.draw, manner.is_proof_needed, more))
    except SolverError as error:
        if isinstance(error, UndecidedError):
            raise
        return None
    if helped is None:
        return None
    wider, neurons = helped
    outcomes = list(designed.outcomes)
    for output, neuron in neurons.items():
        outcomes[output] = NeuronDesign(neuron)
    built = Assembled(wider, _neurons(wider, outcomes))
    return built if manner.draw else pruned(built)


def _neurons(draft: Draft, outcomes: Sequence[NeuronDesign]) -> dict[int, Neuron]:
    neurons = enumerate(outcome.neuron for outcome in outcomes)
    return {output: draft.fitted(neuron) for output, neuron in neurons if neuron is not None}


def _refused(designed: Design, refused: Mapping[int, Refusal | None]) -> Design:
    """Return the design with conflicts only for targets that no network can reproduce."""
    outcomes = [
        outcome if outcome.neuron is not None else _unbuilt(refused.get(output))
        for output, outcome in enumerate(designed.outcomes)
    ]
    return replace(designed, outcomes=tuple(outcomes))


def _unbuilt(refusal: Refusal | None) -> NeuronDesign:
    return UNDECIDED if refusal is None else NeuronDesign(None, (refusal.conflict,), proof=refusal.proof)


def _advice(spec: Spec) -> str:
    """Return the advice after an unsuccessful search for hidden neurons."""
    nearest, farthest = spec.chip.delays
    slower = "offer more delays, or a slower potential" if nearest < farthest else "offer more inputs, or other decays"
    return slower if spec.hidden == AUTO else f"allow more hidden neurons, or 'auto'; or {slower}"
