"""The design of one neuron: choice of the grid and of don't-care bins, and the verdict if it is infeasible.

Decisions
---------
- The finest grid (exponent 0) comes first. A coarser one makes the loss of truncating decays small against its step, so
  the next are tried only while the margin is not rounding-proof.
- A conflict speaks of real weights within the widest box the chip has, under its exact decays without truncation, and
  has prices that contradict one another in fractions (`snnprog.design.proofs`), whatever the solver's tolerance makes
  of a narrow case. An output is refused only once such prices have become a proof about the chip's integers, which
  truncate (`snnprog.design.proofs.substantiating`).
- Spikes that nothing has reached, spikes and silences with the same history, and spikes with a weaker history than a
  silence are searched first: they need no solver.
- Every pattern starts from rest, so a pattern in which no bin counts asks nothing of a neuron that feeds no other
neuron.
- Don't-care bins are first done as the target has them; if that fails, a neuron that feeds no other may do there as it
  likes: its weights decide, the resets follow, and the two are brought to agree by repetition; where that fails, a
  complete search decides (`snnprog.design.freedom`).
- Where outputs feed outputs, a don't-care bin is an input of all. If what the targets say in them cannot be built, one
  search decides over all of them (`snnprog.design.searched`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Floats, Raster
from snnprog.conflict import Conflict
from snnprog.design.conflicts import contradiction, hopeless_spikes, no_filling, unreached
from snnprog.design.freedom import search
from snnprog.design.margins.answer import NEARLY, ROUNDING_PROOF, WidestMargin
from snnprog.design.margins.margin import bound_of, safe_margin, widest_margin
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.certificate import Certificate, Proof, all_leaves, certify
from snnprog.design.proofs.histories import balanced, clashes, fadings
from snnprog.design.proofs.separation import Separation
from snnprog.design.proofs.verdict import judge, minimal_conflict
from snnprog.design.rasters.running import free_run
from snnprog.design.scopes import Alone, under_assumptions
from snnprog.network import Neuron
from snnprog.proof import Node
from snnprog.solver import check_time

# Rounds of repetition before the complete search, which finds the same answer more slowly.
CARE_ROUNDS = 12
# How many conflicts are named that need no solver: the length of a message. × 3 and ÷ 3 of both: no change on 21 specs.
MOST_CLASHES = 20


@dataclass(frozen=True, eq=False)
class NeuronDesign:
    """The result of one output: a neuron, the conflicts that forbid it, or neither if the time ran out.

    Attributes
    ----------
    neuron : Neuron or None
    conflicts : tuple of Conflict
    certificate : proof or None
        The proof behind the conflicts (behind the first of them, where each is one separate).
    proof : node or None
        What proves the first conflict, checked by `snnprog.check_proof`.
    is_out_of_time : bool
        Whether the time limit ended the search.
    found : str
        Of an undecided output, in words, what was found that is not enough; empty if that is nothing.
    work : int
        Ticks and events that were run for the proof, and must be run again to check it.
    """

    neuron: Neuron | None
    conflicts: tuple[Conflict, ...] = ()
    certificate: Proof | None = None
    proof: Node | None = None
    is_out_of_time: bool = False
    found: str = ""
    work: int = 0

    @property
    def is_undecided(self) -> bool:
        """Whether there is neither a neuron nor a proof."""
        return self.neuron is None and not self.conflicts

    def verdict(self) -> str:
        """Return the result in a word."""
        return "designed" if self.neuron is not None else "contradictory" if self.conflicts else "undecided"

    @property
    def n_cases(self) -> int:
        """Number of cases of the proof behind the conflicts."""
        return 0 if self.certificate is None else sum(1 for _ in all_leaves(self.certificate))


UNDECIDED = NeuronDesign(None)
OUT_OF_TIME = NeuronDesign(None, is_out_of_time=True)


def soonest_checked(outcomes: Iterable[NeuronDesign]) -> Node | None:
    """Return the proof that takes least work to check, the first of several; None if nothing is proved."""
    proved = [outcome for outcome in outcomes if outcome.proof is not None]
    return min(proved, key=lambda outcome: outcome.work).proof if proved else None


def design_neuron(problem: NeuronProblem, care: Raster, *, most_steps: int | None = None) -> NeuronDesign:
    """Design one neuron that feeds no other neuron, or say why it cannot be.

    Parameters
    ----------
    problem : NeuronProblem
        Its rows at every tick, with the target as its raster.
    care : (ticks,) bool
        Which ticks count.
    most_steps : int, optional
        As for `snnprog.design.freedom.search`.

    Raises
    ------
    SolverError
        If the solver fails.
    UndecidedError
        If the time allowed or the steps run out.
    """
    design = design_relevant(problem, care)
    if design.neuron is not None or care.all():
        return design
    return _design_with_freedom(problem, care, most_steps)


def design_readily(problem: NeuronProblem, care: Raster) -> NeuronDesign:
    """Return the neuron of `design_neuron` if it is found without a complete search; else undecided."""
    design = design_relevant(problem, care)
    if design.neuron is not None:
        return design
    freer = _settled(problem, care)
    return UNDECIDED if freer is None else NeuronDesign(freer)


def design_given(problem: NeuronProblem) -> NeuronDesign:
    """Design one neuron that follows its raster at every tick, or explain why there is none."""
    return _design_constrained(problem.constrained_to(np.ones_like(problem.raster)))


def design_relevant(problem: NeuronProblem, care: Raster) -> NeuronDesign:
    """Design for known resets in the patterns with bins that count; in the others, the resulting weights decide."""
    relevant = problem.relevant(care)
    design = _design_constrained(problem.constrained_to(problem.potential_map.at_every_look(relevant)))
    if design.neuron is None or relevant.all():
        return design
    neuron = design.neuron
    done = free_run(problem, neuron.weights.ravel(), threshold=neuron.threshold, bias=neuron.bias)
    return replace(design, neuron=replace(neuron, raster=np.where(relevant, problem.spikes, done)))


def _design_constrained(problem: NeuronProblem) -> NeuronDesign:
    """Design for known resets."""
    evident = _evident_conflicts(problem)
    if evident is not None:
        return evident
    answer = safe_margin(problem)
    if answer.is_rounding_proof:
        return NeuronDesign(neuron_of(problem, answer))
    refuting = None if answer.margin > problem.tolerance else _prices_without_weights(problem, answer)
    if refuting is None and not answer.is_wide:
        answer = widest_margin(problem, near=answer)
    best = _on_coarser_grids(problem, answer) if refuting is None else neuron_of(problem, answer)
    if best.margin > 0.0 and best.threshold >= problem.box.least_threshold:
        return NeuronDesign(best)
    verdict = judge(problem, refuting)
    if isinstance(verdict, Certificate):
        return refusal(problem, verdict)
    if best.margin > 0.0:
        return NeuronDesign(best)
    if refuting is None:
        return NeuronDesign(neuron_of(problem, widest_margin(problem.idealised(problem.exponent))))
    return NeuronDesign(_separating(problem, verdict))


def _prices_without_weights(problem: NeuronProblem, near: WidestMargin) -> Floats | None:
    """Return prices (ticks,) under which no real weights have a margin in exact decays; None if some weights have."""
    ideal = widest_margin(problem.idealised(problem.box.widest_exponent), near=near)
    return None if ideal.is_feasible else ideal.prices


def _evident_conflicts(problem: NeuronProblem) -> NeuronDesign | None:
    """Return the conflicts that need no solver, or None if there are none."""
    hopeless = _proved(certify(problem, {tick: 1}) for tick in hopeless_spikes(problem))
    if hopeless:
        return NeuronDesign(None, tuple(unreached(problem, proof) for proof in hopeless), hopeless[0])
    for pairs, refute in ((clashes, _clash), (fadings, _faded)):
        proofs = _proved(refute(problem, *pair) for pair in pairs(problem)[:MOST_CLASHES])
        if proofs:
            conflicts = tuple(contradiction(problem, proof, is_minimal=True) for proof in proofs)
            return NeuronDesign(None, conflicts, proofs[0])
    return None


def _clash(problem: NeuronProblem, spike: int, silence: int) -> Certificate | None:
    """Return the proof against a spike and a silence with the same history, or against one of them alone."""
    return certify(problem, {spike: 1}) or certify(problem, {silence: 1}) or certify(problem, {spike: 1, silence: 1})


def _faded(problem: NeuronProblem, spike: int, silence: int) -> Certificate | None:
    """Return the proof against a spike and a silence with a stronger history, or against the spike alone."""
    return certify(problem, {spike: 1}) or certify(problem, balanced(problem, spike, silence=silence))


def _proved(proofs: Iterable[Certificate | None]) -> list[Certificate]:
    return [proof for proof in proofs if proof is not None]


def refusal(problem: NeuronProblem, certificate: Certificate) -> NeuronDesign:
    """Return the smallest conflict that a proof leads to, if it is requested."""
    if not problem.is_conflict_wanted:
        return NeuronDesign(None, (contradiction(problem, certificate, is_minimal=False),), certificate)
    smallest, is_minimal = minimal_conflict(problem, certificate)
    return NeuronDesign(None, (contradiction(problem, smallest, is_minimal=is_minimal),), smallest)


def _on_coarser_grids(problem: NeuronProblem, finest: WidestMargin) -> Neuron:
    """Return the neuron of widest margin over the grids, the first that is rounding-proof.

    Grids on which none can be, nor one much wider than the widest so far, are skipped.
    """
    best = neuron_of(problem, finest)
    for exponent in problem.box.exponents[1:]:
        coarser = problem.at_exponent(exponent)
        bound = bound_of(coarser, finest.prices)
        if bound < ROUNDING_PROOF and NEARLY**2 * bound <= best.margin:
            continue
        neuron = neuron_of(coarser, widest_margin(coarser, near=finest))
        if neuron.margin > best.margin:
            best = neuron
        if best.margin >= ROUNDING_PROOF:
            break
    return best


def _design_with_freedom(problem: NeuronProblem, care: Raster, most_steps: int | None) -> NeuronDesign:
    """Let the weights decide the don't-care bins: by repetition, and if that fails by a complete search."""
    freer = _settled(problem, care)
    if freer is not None:
        return NeuronDesign(freer)
    evident = _evident_conflicts(under_assumptions(problem, care, assumed={}))
    if evident is not None:
        return evident
    found = search(
        Alone.cared(problem, care),
        lambda candidate: _built(problem, care, raster=candidate.raster[:, 0]),
        most_steps=most_steps,
    )
    if isinstance(found, Neuron):
        return NeuronDesign(found)
    if isinstance(found, Certificate):
        return refusal(under_assumptions(problem, care, assumed={}), found)
    return NeuronDesign(None, (no_filling(problem, care, proof=found),), found)


def _settled(problem: NeuronProblem, care: Raster) -> Neuron | None:
    """Return a neuron whose resets are those it was designed for, by repetition."""
    for _ in range(CARE_ROUNDS):
        check_time()
        freed = problem.constrained_to(care)
        if hopeless_spikes(freed):
            return None
        answer = widest_margin(freed)
        if not answer.is_feasible:
            return None
        done = free_run(problem, answer.weights, threshold=answer.threshold, bias=answer.bias)
        if bool((done == problem.raster).all()):
            return _built(problem, care, raster=done)
        problem = problem.with_raster(np.where(care, problem.raster, done))
    return None


def _built(problem: NeuronProblem, care: Raster, *, raster: Raster) -> Neuron | None:
    return design_relevant(problem.with_raster(raster), care).neuron


def _separating(problem: NeuronProblem, separation: Separation) -> Neuron:
    """Return the neuron of weights that reproduce the targets, with hardly any margin."""
    coarsest = problem.at_exponent(problem.box.widest_exponent)
    margins = coarsest.margins(separation.weights, separation.threshold, separation.bias)
    answer = replace(
        widest_margin(coarsest),
        weights=separation.weights,
        threshold=separation.threshold,
        bias=separation.bias,
        margin=float(margins.min(initial=np.inf)),
    )
    return neuron_of(coarsest, answer)


def neuron_of(problem: NeuronProblem, answer: WidestMargin) -> Neuron:
    """Return the neuron of an answer, for the raster of the problem."""
    mapping = problem.potential_map
    return Neuron(
        weights=answer.weights.reshape(mapping.delays.size, mapping.n_lines),
        threshold=answer.threshold,
        bias=answer.bias,
        exponent=problem.exponent,
        margin=answer.margin,
        bound=answer.bound,
        raster=problem.spikes,
    )
