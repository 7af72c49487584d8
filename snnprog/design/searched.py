"""The complete search for neurons with windows, limited synapses, or loops with open bins.

What the search suggests is designed for a margin, and thinned where few synapses are requested. What cannot be designed
goes on being searched.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.conflict import Conflict
from snnprog.design.conflicts import no_choice
from snnprog.design.freedom import Candidate, Weights, search
from snnprog.design.margins.margin import widest_margin
from snnprog.design.neuron import UNDECIDED, NeuronDesign, design_given, design_relevant, refusal
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.certificate import Certificate, Proof
from snnprog.design.scopes import Alone, Demands, Together
from snnprog.design.sparse import Thrift, thinned
from snnprog.design.support import restricted_to
from snnprog.solver import check_time
from snnprog.wording import counted

# Rounds in which neurons of a loop settle what they do in don't-care bins: of 17 loops that a circuit is known for, all
# had by the seventh.
ROUNDS = 8


def design_chosen(
    scope: Alone, thrift: Thrift, *, refused: Collection[bytes] = (), most_steps: int | None = None
) -> NeuronDesign:
    """Design one neuron that feeds no other neuron, its open bins and taps being free, or say why it cannot be.

    Parameters
    ----------
    refused : collection of bytes
        Choices (`choice_of`) that are not to be made.
    most_steps : int, optional
        As for `snnprog.design.freedom.search`.

    Raises
    ------
    SolverError
        If the solver fails.
    UndecidedError
        If the search ends without an answer.
    """
    found = search(
        scope,
        lambda candidate: _unless_refused(_built(scope, candidate, thrift), thrift, refused),
        most_steps=most_steps,
    )
    if isinstance(found, list):
        return found[0]
    if isinstance(found, Certificate):
        return refusal(scope.known({})[0], found)
    return NeuronDesign(None, tuple(_conflicts(scope, found)), found)


def design_few(problem: NeuronProblem, thrift: Thrift) -> NeuronDesign:
    """Design one neuron that follows its raster at every tick, within the allowed number of synapses.

    Raises
    ------
    SolverError, UndecidedError
        As in `design_chosen`.
    """
    design, everything = design_given(problem), np.ones_like(problem.spikes)
    few = thinned(problem, design, thrift, relevant=everything)
    if few.neuron is None or thrift.allows(few.neuron):
        return few
    given = problem.constrained_to(problem.potential_map.at_every_look(everything))
    starts = problem.potential_map.played.starts
    return design_chosen(Alone(given, Demands(everything[:, None], starts, {}, thrift.most)), thrift)


def design_loop(scope: Together, thrift: Thrift, *, refused: Collection[bytes] = ()) -> list[NeuronDesign]:
    """Design all neurons of a loop, their open bins and taps being free.

    If it cannot be, some come without a neuron, and at least one of them with the conflict.

    Parameters
    ----------
    refused : collection of bytes
        As for `design_chosen`.

    Raises
    ------
    SolverError, UndecidedError
        As in `design_chosen`.
    """

    def built(candidate: Candidate) -> list[NeuronDesign] | None:
        return _unless_refused(_built_together(scope, candidate, thrift), thrift, refused)

    settled = next(filter(None, map(built, _settled(scope))), None)
    if settled is not None:
        return settled
    found = search(scope, built)
    if isinstance(found, list):
        return found
    unbuilt = [UNDECIDED for _ in range(scope.task.n_neurons)]
    if isinstance(found, Certificate):
        unbuilt[found.neuron] = refusal(scope.known({})[found.neuron], found)
    else:
        for conflict in _conflicts(scope, found):
            unbuilt[conflict.neuron] = NeuronDesign(None, (conflict,), found)
    return unbuilt


def _settled(scope: Together) -> Iterator[Candidate]:
    """Yield the spikes of neurons in don't-care bins by repetition: weights for the bins that count decide them.

    Real weights that survive truncation come first, then any. Nothing comes of it where no round ends in a closed loop
    that reproduces the targets; the complete search tries on.
    """
    care, taps = scope.demands.care, np.arange(scope.mapping.n_taps)
    for is_ideal in (False, True):
        raster = scope.task.targets
        for _ in range(0 if care.all() else ROUNDS):
            check_time()
            weights = []
            for index, problem in enumerate(scope.problems(raster)):
                narrowed = problem.constrained_to(scope.mapping.at_every_look(care[:, index]))
                answer = widest_margin(narrowed.idealised(narrowed.box.widest_exponent) if is_ideal else narrowed)
                weights.append(Weights(answer.weights, answer.threshold, answer.bias))
            done = scope.run(weights)
            if scope.meets_demands(done):
                yield Candidate(done, (taps,) * len(weights))
                break
            raster = np.where(care, raster, done)


def choice_of(designs: Sequence[NeuronDesign], thrift: Thrift) -> bytes:
    """Return the bins with spikes of neurons, and their synapses if these are limited."""
    parts = []
    for design in designs:
        assert design.neuron is not None, "only what was built has made a choice"
        parts.append(np.packbits(design.neuron.raster).tobytes())
        parts += [np.packbits(design.neuron.weights != 0.0).tobytes()] if thrift.most is not None else []
    return b"".join(parts)


def _unless_refused(
    designs: list[NeuronDesign] | None, thrift: Thrift, refused: Collection[bytes]
) -> list[NeuronDesign] | None:
    return None if designs is None or choice_of(designs, thrift) in refused else designs


def _built(scope: Alone, candidate: Candidate, thrift: Thrift) -> list[NeuronDesign] | None:
    care = scope.demands.care[:, 0]
    problem = _on_taps(scope.problem.with_raster(candidate.raster[:, 0]), candidate.taps[0], thrift)
    design = _thrifty(problem, design_relevant(problem, care), thrift, relevant=problem.relevant(care))
    return None if design is None else [design]


def _built_together(scope: Together, candidate: Candidate, thrift: Thrift) -> list[NeuronDesign] | None:
    designs, everything = [], np.ones(len(candidate.raster), dtype=np.bool_)
    for problem, taps in zip(scope.problems(candidate.raster), candidate.taps, strict=True):
        on_taps = _on_taps(problem, taps, thrift)
        design = _thrifty(on_taps, design_given(on_taps), thrift, relevant=everything)
        if design is None:
            return None
        designs.append(design)
    return designs


def _on_taps(problem: NeuronProblem, taps: Int64s, thrift: Thrift) -> NeuronProblem:
    return problem if thrift.most is None else restricted_to(problem, taps)


def _thrifty(problem: NeuronProblem, design: NeuronDesign, thrift: Thrift, *, relevant: Raster) -> NeuronDesign | None:
    """Return the design with as few synapses as are requested, or None."""
    thin = thinned(problem, design, thrift, relevant=relevant)
    return thin if thin.neuron is not None and thrift.allows(thin.neuron) else None


def _conflicts(scope: Alone | Together, proof: Proof) -> list[Conflict]:
    return no_choice(
        scope.known({}),
        scope.demands.given,
        care=scope.demands.care,
        proof=proof,
        reservations=reservations_of(scope.demands),
    )


def reservations_of(demands: Demands) -> str:
    """Return the open choices, in words."""
    parts = []
    if demands.windows:
        spikes = sum(len(windows.due) for windows in demands.windows.values())
        before, after = next(iter(demands.windows.values())).window
        parts.append(
            f"wherever the {counted(spikes, 'target spike')} fall{'s' * (spikes == 1)} in"
            f" {'its window' if spikes == 1 else 'their windows'} of {before} ticks before to {after} after"
        )
    ignored = int((~demands.care).sum())
    if ignored:
        who = "the outputs do in their" if demands.care.shape[1] > 1 else "it does in its"
        noun = "don't-care bin"
        parts.append(f"whatever {who} {counted(ignored, noun)}")
    if demands.most is not None:
        parts.append(f"with at most {counted(demands.most, 'synapse')}")
    return ", " + " and ".join(parts) if parts else ""
