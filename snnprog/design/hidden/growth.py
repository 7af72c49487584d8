"""Addition of hidden neurons, one at a time, until each output can reproduce its targets.

First, detectors of weighted counts are tried (`snnprog.design.hidden.counting`), as few as suffice.

Outputs come in order, and each may listen to the hidden neurons that those before it needed. The nearest miss tells
what an output lacks; a detector of what it misses is added, or, where there is none, the candidate that the prices
value most. Each lowers what is lacking. Once nothing is, the output is designed as any other.

At the end every hidden neuron that all outputs can do without is removed again, the last first.
"""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Floats
from snnprog.design.hidden.candidates import Lack, chain, dearest, detector, detector_lack
from snnprog.design.hidden.counting import fewest
from snnprog.design.hidden.draft import Draft, nearest
from snnprog.design.hidden.soft import NearestMiss
from snnprog.design.hidden.sufficing import Goal
from snnprog.design.margins.answer import ROUNDING_PROOF
from snnprog.design.neuron import UNDECIDED, NeuronDesign, design_given, design_neuron
from snnprog.design.sparse import Thrift, thinned
from snnprog.errors import SolverError, UndecidedError
from snnprog.network import Neuron

# From which share of its gap on a row counts as met: the design then decides. × 3 and ÷ 3 of its odds took 1 hidden
# neuron more, of 3, on 1 spec.
MET = 0.3
# Growth is stuck if the last so many hidden neurons have left more than this share of what was lacking.
PATIENCE, PROGRESS = 12, 0.98
# A helper that would take away less than this share does not help. × 3 and ÷ 3 of these three: no change on 1 spec.
HARDLY = 1e-3


def grow(draft: Draft, output: int, limit: int, *, is_proof_needed: bool) -> tuple[Draft, Neuron | None]:
    """Add hidden neurons until an output can be built, or the maximum is reached.

    Parameters
    ----------
    output : int
        Which.
    limit : int
        Maximum number of hidden neurons in total.
    is_proof_needed : bool
        Whether only a rounding-proof neuron will do.

    Returns
    -------
    The draft, and the output's neuron; None if it could not be built.
    """
    counted = _counted(draft, output, limit, is_proof_needed=is_proof_needed)
    if counted is not None:
        return counted
    start: Floats | None = None
    losses: list[float] = []
    while True:
        lack = lack_of(draft, output, start=start)
        neuron = attempt(draft, output, lack.miss)
        if neuron is not None and (neuron.margin >= ROUNDING_PROOF or not is_proof_needed):
            return draft, neuron
        losses.append(float(np.square(lack.miss.prices).sum()))
        is_stuck = len(losses) > PATIENCE and losses[-1] > PROGRESS * losses[-1 - PATIENCE]
        wider = _wider(lack) if len(draft.hidden) < limit and not is_stuck else draft
        if wider is draft:
            return draft, None
        start = _with_lines(lack.miss.unknowns, draft, more=len(wider.hidden) - len(draft.hidden))
        draft = wider


def _counted(draft: Draft, output: int, limit: int, *, is_proof_needed: bool) -> tuple[Draft, Neuron] | None:
    """Return the draft with the fewest counting detectors for an output, and its neuron; None if too few."""
    lack = lack_of(draft, output)
    neuron = attempt(draft, output, lack.miss)
    if neuron is None:
        goal = Goal(output, lack.resets, lack.wanted)
        found = fewest(draft, goal, most=limit - len(draft.hidden), lean=lack.miss.unknowns[:-2])
        if found is None:
            return None
        draft = draft.with_neurons(found)
        neuron = designed(draft, output)
    if neuron is None or (neuron.margin < ROUNDING_PROOF and is_proof_needed):
        return None
    return draft, neuron


def lack_of(draft: Draft, output: int, *, start: Floats | None = None) -> Lack:
    """Return the nearest miss of an output with the existing lines."""
    target, care = draft.targets[:, output], draft.care[:, output]
    resets = draft.mapping.resets(target)
    wanted = np.where(care, np.where(target, 1.0, -1.0), 0.0)
    return Lack(draft, resets, wanted, nearest(draft, resets=resets, wanted=wanted, start=start))


def attempt(draft: Draft, output: int, miss: NearestMiss) -> Neuron | None:
    """Return the output's neuron if the nearest miss is none, and the design agrees."""
    return None if miss.excess.min(initial=np.inf) < MET else designed(draft, output)


def designed(draft: Draft, output: int) -> Neuron | None:
    """Return the neuron of an output with the existing hidden ones, within its number of synapses.

    None if the design finds none.
    """
    target, care = draft.targets[:, output], draft.care[:, output]
    problem = draft.task.problem(output, target, constrained=care)
    try:
        found = design_given(problem) if draft.spec.recurrent else design_neuron(problem, care)
        return thin(draft, output, found, Thrift(is_fewest=False, most=draft.spec.fan_in)).neuron
    except SolverError as error:
        if isinstance(error, UndecidedError) and error.ended_by_time:
            raise
        return None


def thin(draft: Draft, output: int, found: NeuronDesign, thrift: Thrift) -> NeuronDesign:
    """Return the design of an output with as few synapses as requested; undecided if too many are left."""
    target, care = draft.targets[:, output], draft.care[:, output]
    problem = draft.task.problem(output, target, constrained=care)
    thinner = thinned(
        problem, found, thrift, relevant=np.ones_like(care) if draft.spec.recurrent else problem.relevant(care)
    )
    return thinner if thinner.neuron is None or thrift.allows(thinner.neuron) else UNDECIDED


def _wider(lack: Lack) -> Draft:
    """Return the draft with a detector of missed spikes, of the highest-priced rows, or a longer memory."""
    due, excess = lack.wanted > 0.0, lack.miss.excess
    highest_silence = float((-excess[lack.wanted < 0.0]).max(initial=-np.inf))
    missed = due & ((excess < MET) | (excess <= highest_silence))
    if not missed.any():
        missed = due & (excess <= np.quantile(excess[due], 0.1)) if due.any() else due
    found = detector(lack, missed)
    if found is not None:
        return lack.draft.with_neuron(found)
    helpers = [dearest(lack), dearest(detector_lack(lack, missed)) if missed.any() else None]
    best = max(helpers, key=lambda helper: 0.0 if helper is None else helper.worth)
    if missed.any() and (best is None or best.worth < HARDLY):
        chained = chain(lack, missed)
        if chained is not lack.draft:
            return chained
    return lack.draft if best is None else lack.draft.with_neuron(best.neuron)


def _with_lines(unknowns: Floats, draft: Draft, *, more: int) -> Floats:
    """Return the unknowns with weights 0 for some more hidden neurons."""
    weights = unknowns[:-2].reshape(len(draft.spec.delays), -1)
    places = [draft.spec.n_inputs + len(draft.hidden)] * more
    return np.concatenate([np.insert(weights, places, 0.0, axis=1).ravel(), unknowns[-2:]])
