"""One neuron's design: which grid, which don't-cares, and the verdict when there is no way.

Decisions
---------
- The finest grid (exponent 0) comes first. A coarser one makes the loss of truncating decays small against its step, so
  the next are tried only while the margin is not rounding-proof.
- *Infeasible* speaks of real weights within the widest box the chip has, under its exact decays without truncation.
- Don't-care bins are first done as the target has them; if that fails, a neuron that feeds no other may do there as it
  likes: its weights decide, the resets follow, and the two are brought to agree by repetition; where that fails, every
  filling of a few bins is tried.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from snnprog.design.answer import ROUNDING_PROOF, WidestMargin
from snnprog.design.conflicts import contradiction, no_filling, unreached_spikes
from snnprog.design.margin import widest_margin
from snnprog.design.problem import NeuronProblem
from snnprog.design.quick import quick_margin
from snnprog.errors import Conflict, SolverError
from snnprog.network import Neuron
from snnprog.potential import NO_RESET
from snnprog.raster import Raster

COARSER_EXPONENTS = (2, 4, 7)
WIDEST_EXPONENT = 7
CARE_ROUNDS = 12
FEW_FREE_BINS = 8


@dataclass(frozen=True, eq=False)
class NeuronDesign:
    """What came of one output: a neuron, or the conflicts that forbid it."""

    neuron: Neuron | None
    conflicts: tuple[Conflict, ...] = ()


def design_neuron(problem: NeuronProblem, care: Raster, *, feeds_others: bool) -> NeuronDesign:
    """Design one neuron, or say why it cannot be.

    Parameters
    ----------
    problem : NeuronProblem
        Its rows at every tick, with the target as its raster.
    care : (ticks,) bool
        Which ticks count.
    feeds_others : bool
        Whether other neurons rely on what it does in don't-care bins.

    Raises
    ------
    SolverError
        If the solver gives up, or don't-care bins leave neither weights nor a proof that there are none.
    """
    everything = problem.constrained_to(np.ones_like(care))
    design = _design_constrained(everything)
    if design.neuron is not None or care.all():
        return design
    if not feeds_others:
        freer = _design_with_freedom(problem, care)
        if freer is not None:
            return NeuronDesign(freer)
        verdict = _design_constrained(problem.constrained_to(care & is_reset_known(problem, care)))
        if verdict.neuron is None:
            return verdict
        if int((~care).sum()) <= FEW_FREE_BINS:
            return _design_any_filling(problem, care)
    raise SolverError(
        f"output {problem.neuron}: no weights were found and no proof that there are none, because of its"
        f" {int((~care).sum())} don't-care bins; change what the target says in them, or make them count"
    )


def _design_constrained(problem: NeuronProblem) -> NeuronDesign:
    """Design for known resets: the case in which every verdict is proved."""
    unreached = unreached_spikes(problem)
    if unreached:
        return NeuronDesign(None, tuple(unreached))
    answer = quick_margin(problem) or widest_margin(problem)
    if answer.is_rounding_proof:
        return NeuronDesign(_neuron(problem, answer))
    ideal = widest_margin(problem.idealised(WIDEST_EXPONENT))
    if not ideal.is_feasible:
        return NeuronDesign(None, (contradiction(problem, ideal.binding),))
    return NeuronDesign(_on_coarser_grids(problem, answer))


def _on_coarser_grids(problem: NeuronProblem, finest: WidestMargin) -> Neuron:
    """Return the neuron of widest margin over the grids, the first that is rounding-proof."""
    best = _neuron(problem, finest)
    for exponent in COARSER_EXPONENTS:
        coarser = problem.at_exponent(exponent)
        neuron = _neuron(coarser, widest_margin(coarser))
        if neuron.margin > best.margin:
            best = neuron
        if best.margin >= ROUNDING_PROOF:
            break
    if best.margin <= 0.0:
        return _neuron(problem, widest_margin(problem.idealised(problem.exponent)))
    return best


def _design_with_freedom(problem: NeuronProblem, care: Raster) -> Neuron | None:
    """Let the weights decide the don't-care bins; return a neuron whose resets are those it was designed for."""
    for _ in range(CARE_ROUNDS):
        freed = problem.constrained_to(care)
        if unreached_spikes(freed):
            return None
        answer = widest_margin(freed)
        if not answer.is_feasible:
            return None
        done = _free_run(problem, answer)
        if bool((done == problem.raster).all()):
            settled = _design_constrained(problem.constrained_to(np.ones_like(care)))
            return settled.neuron
        problem = problem.with_raster(np.where(care, problem.raster, done))
    return None


def _design_any_filling(problem: NeuronProblem, care: Raster) -> NeuronDesign:
    """Try every filling of the don't-care bins; if none can be built, neither can the neuron."""
    free = np.flatnonzero(~care)
    for filling in itertools.product([False, True], repeat=free.size):
        raster = problem.raster.copy()
        raster[free] = filling
        design = _design_constrained(problem.with_raster(raster).constrained_to(np.ones_like(care)))
        if design.neuron is not None:
            return design
    return NeuronDesign(None, (no_filling(problem, care),))


def _free_run(problem: NeuronProblem, answer: WidestMargin) -> Raster:
    """Return the spikes that the weights really give, resets included; one step per spike, none per tick."""
    mapping = problem.potential_map
    potential = problem.with_raster(np.zeros_like(problem.raster)).potential(answer.weights, answer.bias)
    spikes = np.zeros_like(problem.raster)
    for first, length in zip(mapping.tape.starts, mapping.tape.lengths, strict=True):
        rest = potential[first : first + length].copy()
        start = 0
        while (above := np.flatnonzero(rest[start:] > answer.threshold)).size:
            tick = start + int(above[0])
            spikes[first + tick] = True
            rest[tick:] -= rest[tick] * mapping.gamma ** np.arange(length - tick)
            start = tick + 1
    return spikes


def is_reset_known(problem: NeuronProblem, care: Raster) -> Raster:
    """(ticks,) Whether no don't-care bin lies between a tick and its last reset, or the pattern's start."""
    tape = problem.potential_map.tape
    free_before = np.concatenate([[0], np.cumsum(~care)])
    since = np.where(problem.resets.last == NO_RESET, tape.starts[tape.pattern], problem.resets.last)
    known: Raster = free_before[:-1] == free_before[since]
    return known


def _neuron(problem: NeuronProblem, answer: WidestMargin) -> Neuron:
    mapping = problem.potential_map
    return Neuron(
        weights=answer.weights.reshape(mapping.delays.size, mapping.n_lines),
        threshold=answer.threshold,
        bias=answer.bias,
        exponent=problem.exponent,
        margin=answer.margin,
        bound=answer.bound,
        raster=problem.raster,
    )
