"""Don't-care bins: a complete search for what the neuron does in them.

What a neuron does in a bin decides whether it resets there. So the search decides one bin after another, in order of
time, and asks at each step only for what the bins decided so far make sure: the rows of ticks whose last reset is
known. Weights that meet those are let run free. Where they do all that counts, they are the answer; where they first
fail, the next bin of that pattern is decided, first as they do it themselves. Where the rows known so far are proved
impossible, the search goes back to the last decision that the proof rests on, and remembers the proof for wherever the
same decisions meet again; a decision that failed both ways is a proof by cases. So it ends with a neuron or with a
proof, unless a limit of time strikes first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from snnprog.design.margins.margin import widest_margin
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.certificate import Certificate, Proof, Split, recheck
from snnprog.design.proofs.separation import Floats
from snnprog.design.proofs.verdict import judge, minimal_conflict
from snnprog.design.rasters.running import free_run
from snnprog.errors import SolverError
from snnprog.potential import NO_RESET
from snnprog.raster import Raster
from snnprog.solver import check_time

Built = TypeVar("Built")


@dataclass(frozen=True, eq=False)
class Weights:
    """Real weights, threshold and bias, in weight LSBs."""

    taps: Floats
    threshold: float
    bias: float


@dataclass
class _Decision:
    """One decided bin on the way, and what became of the other value."""

    tick: int
    value: bool
    refuted: Proof | None = None
    refuted_by: frozenset[int] = frozenset()


def search(problem: NeuronProblem, care: Raster, build: Callable[[Raster], Built | None]) -> Built | Proof:
    """Return what is built for a raster that keeps the bins that count, or the proof that there is none.

    Parameters
    ----------
    problem : NeuronProblem
        The neuron; what its raster says in don't-care bins plays no part.
    care : (ticks,) bool
        Which ticks count.
    build : callable
        Returns None for a raster that has no weights.

    Raises
    ------
    SolverError
        If the solver gives up.
    UndecidedError
        If the time allowed runs out.
    """
    path: list[_Decision] = []
    learned: dict[frozenset[tuple[int, bool]], Certificate] = {}
    while True:
        check_time()
        assumed = {decision.tick: decision.value for decision in path}
        known = under_assumptions(problem, care, assumed)
        verdict = next((proof for need, proof in learned.items() if need <= assumed.items()), None) or _verdict(known)
        if isinstance(verdict, Certificate):
            rests_on = _rests_on(known, verdict, assumed)
            learned[frozenset((tick, assumed[tick]) for tick in rests_on)] = verdict
            proof = _step_back(path, verdict, rests_on)
            if proof is not None:
                return proof
            continue
        done = free_run(problem, verdict.taps, verdict.threshold, verdict.bias)
        wrong = np.flatnonzero((done != known.raster) & (care | known.constrained))
        tick = _next_bin(known, care, assumed, int(wrong[0]) if wrong.size else 0)
        if wrong.size == 0 or tick is None:
            built = build(done if wrong.size == 0 else known.raster)
            if built is not None:
                return built
        if tick is None:
            raise SolverError(f"output {problem.neuron}: two verdicts disagree on it; please report the specification")
        path.append(_Decision(tick, bool(done[tick])))


def under_assumptions(problem: NeuronProblem, care: Raster, assumed: Mapping[int, bool]) -> NeuronProblem:
    """Return the problem with the rows that are sure if don't-care bins are as assumed: their last reset is known."""
    raster, decided = problem.raster.copy(), care.copy()
    for tick, value in assumed.items():
        raster[tick], decided[tick] = value, True
    raster[~decided] = False
    filled = problem.with_raster(raster)
    tape = problem.potential_map.tape
    open_before = np.concatenate([[0], np.cumsum(~decided)])
    since = np.where(filled.resets.last == NO_RESET, tape.starts[tape.pattern], filled.resets.last)
    return filled.constrained_to(decided & (open_before[:-1] == open_before[since]))


def recheck_proof(problem: NeuronProblem, care: Raster, proof: Proof, assumed: Mapping[int, bool]) -> bool:
    """Tell whether a proof holds, in all its cases, for a neuron whose don't-care bins are partly assumed."""
    if isinstance(proof, Split):
        return not care[proof.tick] and all(
            recheck_proof(problem, care, case, {**assumed, proof.tick: value})
            for value, case in ((False, proof.if_silent), (True, proof.if_spike))
        )
    return recheck(under_assumptions(problem, care, assumed), proof)


def _verdict(problem: NeuronProblem) -> Certificate | Weights:
    """Return weights that meet the rows, or a proof that none do, small where that is quick to find."""
    if not problem.constrained.any():
        return Weights(np.zeros(problem.potential_map.n_taps), problem.box.threshold[1], problem.box.bias[0])
    answer = widest_margin(problem.idealised(problem.box.widest_exponent))
    if answer.is_feasible:
        return Weights(answer.weights, answer.threshold, answer.bias)
    verdict = judge(problem, answer.prices)
    if isinstance(verdict, Certificate):
        return minimal_conflict(problem, verdict)[0]
    return Weights(verdict.weights, verdict.threshold, verdict.bias)


def _rests_on(problem: NeuronProblem, certificate: Certificate, assumed: Mapping[int, bool]) -> frozenset[int]:
    """Return the assumptions that a proof rests on: those in its rows, or between them and their last resets."""
    tape = problem.potential_map.tape
    needed = set()
    for tick in certificate.prices:
        reset = int(problem.resets.last[tick])
        since = int(tape.starts[tape.pattern[tick]]) if reset == NO_RESET else reset
        needed |= {other for other in assumed if since <= other <= tick}
    return frozenset(needed)


def _step_back(path: list[_Decision], proof: Proof, rests_on: frozenset[int]) -> Proof | None:
    """Turn the last decision that matters, and drop all after it; return the proof if none is left to turn."""
    while path:
        last = path[-1]
        if last.tick not in rests_on:
            path.pop()
        elif last.refuted is None:
            last.refuted, last.refuted_by, last.value = proof, rests_on, not last.value
            return None
        else:
            silent, spike = (last.refuted, proof) if last.value else (proof, last.refuted)
            proof, rests_on = Split(last.tick, silent, spike), (rests_on | last.refuted_by) - {last.tick}
            path.pop()
    return proof


def _next_bin(problem: NeuronProblem, care: Raster, assumed: Mapping[int, bool], wrong: int) -> int | None:
    """Return the first undecided bin of the pattern that went wrong, or of all; None if all are decided."""
    undecided = [tick for tick in np.flatnonzero(~care).tolist() if tick not in assumed]
    pattern = problem.potential_map.tape.pattern
    return next((tick for tick in undecided if pattern[tick] == pattern[wrong]), undecided[0] if undecided else None)
