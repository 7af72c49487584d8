"""Whether a neuron can be built, and if not, a minimal set of contradictory demands.

A conflict is minimal if all but any one of its demands can be met. One is found by removing demands, many at a time
and then one by one, as long as the rest is still proved impossible (the deletion filter of Chinneck and Dravnieks
1991). A demand that could not be removed once can never be, so one round over single demands settles it; most are
settled by a guess (see `needed` beside this), and only for the others a program is solved.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from snnprog.arrays import Floats
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.certificate import Certificate
from snnprog.design.proofs.needed import needed
from snnprog.design.proofs.proving import prove
from snnprog.design.proofs.separation import CLEARLY_LIFTED, CLEARLY_NOT, Separation, separations
from snnprog.design.proofs.settling import settle
from snnprog.solver import check_time

# Up to this many demands are omitted one by one at once; of more, halves first. × 3 and ÷ 3: no change on 5 specs.
AT_ONCE = 8
# Demands times taps times programs that a conflict is made smaller with: beyond, it is given unchanged, and
# is not called minimal. × 3 and ÷ 3: no change on 5 specs.
FILTER_WORK = 20_000_000


def judge(problem: NeuronProblem, prices: Floats | None = None) -> Certificate | Separation:
    """Return the proof that a neuron cannot be built, or else the weights that lift its spikes most.

    Parameters
    ----------
    prices : (ticks,) float, optional
        A solver's, of a program without an answer; where no proof comes of them, another program is solved.

    Raises
    ------
    SolverError
        If the solver fails.
    """
    proof = None if prices is None else prove(problem, prices)
    if proof is not None:
        return proof
    for separation in separations(problem, prices):
        proof = prove(problem, separation.prices) if separation.lift < CLEARLY_NOT else None
        if proof is not None:
            return proof
    if separation.lift > CLEARLY_LIFTED:
        return separation
    proof = prove(problem, separation.prices) if separation.lift >= CLEARLY_NOT else None
    return proof or settle(problem, separation)


def refute(problem: NeuronProblem, ticks: Sequence[int]) -> Certificate | None:
    """Return the proof that the demands at some ticks contradict one another; None if they can be met."""
    chosen = np.zeros_like(problem.constrained)
    chosen[list(ticks)] = True
    answer = judge(problem.constrained_to(chosen))
    return answer if isinstance(answer, Certificate) else None


def minimal_conflict(problem: NeuronProblem, certificate: Certificate) -> tuple[Certificate, bool]:
    """Return a proof that rests on as few demands as possible, and whether it is minimal."""
    if len(certificate.prices) == 1:
        return certificate, True
    work = len(certificate.prices) * max(1, problem.potential_map.n_taps)
    smaller, is_minimal = _filter(problem, certificate, calls=FILTER_WORK // work)
    if not is_minimal and len(smaller.prices) < len(certificate.prices):
        return minimal_conflict(problem, smaller)
    return smaller, is_minimal


def _filter(problem: NeuronProblem, certificate: Certificate, *, calls: int) -> tuple[Certificate, bool]:
    """Remove all unnecessary bins; False if the allowed number of programs did not suffice."""
    size = 1 if len(certificate.prices) <= AT_ONCE else len(certificate.prices) // 2
    kept = needed(problem, certificate)
    while True:
        position, ticks = 0, list(certificate.prices)
        while position < len(ticks):
            if not kept.isdisjoint(ticks[position : position + size]):
                position += size
                continue
            if calls <= 0:
                return certificate, False
            check_time()
            calls -= 1
            rest = ticks[:position] + ticks[position + size :]
            smaller = refute(problem, rest) if rest else None
            if smaller is None:
                position += size
            else:
                position = sum(tick in smaller.prices for tick in ticks[:position])
                certificate, ticks = smaller, [tick for tick in ticks if tick in smaller.prices]
                kept = needed(problem, smaller)
        if size == 1:
            return certificate, True
        size = max(1, size // 2)
