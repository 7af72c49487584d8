"""Don't-care bins: a complete search for what neurons do in them.

What a neuron does in a bin decides whether it resets there, and where outputs feed outputs, what all others hear. So
the search decides one bin after another, in order of time, and asks at each step only for what the bins decided so far
make sure: the rows of ticks whose last reset is known, and all that has arrived. Weights that meet those are let run
free. Where they do all that counts, they are the answer; where they first fail, the next bin of that pattern is
decided, first as they do it themselves. Where the rows known so far are proved impossible, the search goes back to the
last decision that the proof rests on, and remembers the proof for wherever the same decisions meet again; a decision
that failed both ways is a proof by cases. So it ends with neurons or with a proof, unless a limit of time strikes
first.

The search is the same for one neuron that no other hears (`Alone`) and for all neurons of a loop (`Together`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

import numpy as np

from snnprog.arrays import Floats, Raster
from snnprog.design.margins.margin import widest_margin
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.certificate import Certificate, Proof, Split, certify, recheck
from snnprog.design.proofs.verdict import judge, minimal_conflict
from snnprog.design.rasters.running import closed_loop, free_run
from snnprog.design.task import Task
from snnprog.errors import SolverError
from snnprog.potential import NO_RESET, Ticks
from snnprog.solver import check_time

Built = TypeVar("Built")


@dataclass(frozen=True, eq=False)
class Weights:
    """Real weights, threshold and bias, in weight LSBs."""

    taps: Floats
    threshold: float
    bias: float


Bin: TypeAlias = tuple[int, int]
"""A tick among those of all patterns, and a neuron."""


class Scope(Protocol):
    """The neurons whose don't-care bins are decided together.

    Attributes
    ----------
    care : (ticks, neurons) bool
        Which bins count.
    pattern : (ticks,) int
        Which pattern each tick belongs to.
    """

    care: Raster
    pattern: Ticks

    def known(self, assumed: Mapping[Bin, bool]) -> list[NeuronProblem]:
        """Return each neuron's rows that are sure if don't-care bins are as assumed."""

    def run(self, weights: Sequence[Weights]) -> Raster:
        """Return what neurons of these weights do (ticks, neurons)."""

    def rests_on(self, known: Sequence[NeuronProblem], proof: Certificate, assumed: Mapping[Bin, bool]) -> set[Bin]:
        """Return the assumptions that a proof rests on."""

    def index(self, proof: Certificate) -> int:
        """Return which of the neurons a proof speaks of."""


@dataclass
class _Decision:
    """One decided bin on the way, and what became of the other value."""

    bin: Bin
    value: bool
    refuted: Proof | None = None
    refuted_by: frozenset[Bin] = frozenset()


def search(scope: Scope, build: Callable[[Raster], Built | None]) -> Built | Proof:
    """Return what is built for a raster that keeps the bins that count, or the proof that there is none.

    Parameters
    ----------
    build : callable
        Takes a raster (ticks, neurons); returns None where it has no weights.

    Raises
    ------
    SolverError
        If the solver gives up.
    UndecidedError
        If the time allowed runs out.
    """
    path: list[_Decision] = []
    learned: dict[frozenset[tuple[Bin, bool]], Certificate] = {}
    while True:
        check_time()
        assumed = {decision.bin: decision.value for decision in path}
        known = scope.known(assumed)
        verdict = next((proof for need, proof in learned.items() if need <= assumed.items()), None) or _verdicts(known)
        if isinstance(verdict, Certificate):
            rests_on = frozenset(scope.rests_on(known, verdict, assumed))
            learned[frozenset((each, assumed[each]) for each in rests_on)] = verdict
            proof = _step_back(path, verdict, rests_on=rests_on)
            if proof is not None:
                return proof
            continue
        done, asked = scope.run(verdict), np.stack([problem.spikes for problem in known], axis=1)
        rows = np.stack([problem.constrained[: len(done)] for problem in known], axis=1)
        wrong = np.flatnonzero(((done != asked) & (scope.care | rows)).any(axis=1))
        following = _next_bin(scope, assumed, wrong=int(wrong[0]) if wrong.size else 0)
        if wrong.size == 0 or following is None:
            built = build(done if wrong.size == 0 else asked)
            if built is not None:
                return built
        if following is None:
            raise SolverError(f"output {known[0].neuron}: two verdicts disagree on it; please report the specification")
        path.append(_Decision(following, bool(done[following])))


class Alone:
    """One neuron that no other hears.

    Parameters
    ----------
    problem : NeuronProblem
        The neuron; what its raster says in don't-care bins plays no part.
    care : (ticks,) bool
    """

    def __init__(self, problem: NeuronProblem, care: Raster) -> None:
        self.problem, self.care = problem, care[:, None]
        self.pattern = problem.potential_map.tape.pattern

    def known(self, assumed: Mapping[Bin, bool]) -> list[NeuronProblem]:
        """See `Scope.known`."""
        own = {tick: value for (tick, _), value in assumed.items()}
        return [under_assumptions(self.problem, self.care[:, 0], assumed=own)]

    def run(self, weights: Sequence[Weights]) -> Raster:
        """See `Scope.run`."""
        (own,) = weights
        return free_run(self.problem, own.taps, threshold=own.threshold, bias=own.bias)[:, None]

    def rests_on(self, known: Sequence[NeuronProblem], proof: Certificate, assumed: Mapping[Bin, bool]) -> set[Bin]:
        """See `Scope.rests_on`: those in its rows, or between them and their last resets."""
        (problem,) = known
        since = _since(problem)
        spans = [(since[tick], tick) for tick in proof.prices]
        return {each for each in assumed if any(first <= each[0] <= last for first, last in spans)}

    def index(self, proof: Certificate) -> int:
        """See `Scope.index`."""
        return 0


class Together:
    """All neurons of a spec in which outputs feed outputs.

    Parameters
    ----------
    task : Task
        What its targets say in don't-care bins plays no part.
    """

    def __init__(self, task: Task) -> None:
        self.task, self.mapping = task, task.mapping
        self.care = task.care
        self.tape = self.mapping.played
        self.pattern = self.tape.pattern
        self._fastest = min(task.spec.delays)

    def problems(self, raster: Raster) -> list[NeuronProblem]:
        """Return all neurons' problems, with a row at every tick, if they do ``raster`` (ticks, neurons)."""
        task, everything = self.task.with_targets(range(raster.shape[1]), raster), np.ones(len(raster), dtype=np.bool_)
        return [task.problem(index, raster[:, index], constrained=everything) for index in range(raster.shape[1])]

    def known(self, assumed: Mapping[Bin, bool]) -> list[NeuronProblem]:
        """See `Scope.known`: a row is sure as long as no undecided bin of any neuron can have acted."""
        raster, decided = self.task.targets & self.care, self.care.copy()
        for each, value in assumed.items():
            raster[each], decided[each] = value, True
        sure = self._unaffected(decided)
        known = [
            under_assumptions(problem, decided[:, index], assumed={})
            for index, problem in enumerate(self.problems(raster))
        ]
        rows = self.mapping.at_every_look(sure)
        return [problem.constrained_to(problem.constrained & rows) for problem in known]

    def run(self, weights: Sequence[Weights]) -> Raster:
        """See `Scope.run`: a closed loop."""
        offsets = np.array([(one.threshold, one.bias) for one in weights])
        taps = np.stack([one.taps for one in weights])
        return closed_loop(
            self.mapping, self.task.spec.inputs, weights=taps, thresholds=offsets[:, 0], biases=offsets[:, 1]
        )

    def rests_on(self, known: Sequence[NeuronProblem], proof: Certificate, assumed: Mapping[Bin, bool]) -> set[Bin]:
        """See `Scope.rests_on`: the neuron's own up to its rows, and those that can have acted by then."""
        starts, fastest = self.tape.starts[self.pattern], self._fastest
        found = set()
        for tick in {row % self.tape.ticks for row in proof.prices}:
            for other, neuron in assumed:
                last = tick if neuron == proof.neuron else tick - fastest
                if starts[tick] <= other <= last:
                    found.add((other, neuron))
        return found

    def index(self, proof: Certificate) -> int:
        """See `Scope.index`."""
        return proof.neuron

    def _unaffected(self, decided: Raster) -> Raster:
        """(ticks,) Whether no undecided bin of any neuron has been able to act by then, over a synapse."""
        open_before = np.concatenate([[0], np.cumsum(~decided.all(axis=1))])
        starts = self.tape.starts[self.pattern]
        acted = np.maximum(np.arange(len(decided)) - self._fastest + 1, starts)
        unaffected: Raster = open_before[acted] == open_before[starts]
        return unaffected


def under_assumptions(problem: NeuronProblem, care: Raster, *, assumed: Mapping[int, bool]) -> NeuronProblem:
    """Return the problem with the rows that are sure if don't-care bins are as assumed: their last reset is known."""
    raster, decided = problem.spikes.copy(), care.copy()
    for tick, value in assumed.items():
        raster[tick], decided[tick] = value, True
    raster[~decided] = False
    filled = problem.with_raster(raster)
    open_before = np.concatenate([[0], np.cumsum(~(decided | filled.resets.is_held[: decided.size]))])
    sure = decided & (open_before[:-1] == open_before[_since(filled)[: decided.size]])
    return filled.constrained_to(problem.potential_map.at_every_look(sure))


def _since(problem: NeuronProblem) -> Ticks:
    """(ticks,) The last spike before each tick, or the beginning of its pattern."""
    tape = problem.potential_map.tape
    since: Ticks = np.where(problem.resets.spike == NO_RESET, tape.starts[tape.pattern], problem.resets.spike)
    return since


def recheck_proof(scope: Scope, proof: Proof, *, assumed: Mapping[Bin, bool]) -> bool:
    """Tell whether a proof holds, in all its cases, for neurons whose don't-care bins are partly assumed."""
    if isinstance(proof, Split):
        here = (proof.tick, proof.neuron)
        return not scope.care[here] and all(
            recheck_proof(scope, case, assumed={**assumed, here: value})
            for value, case in ((False, proof.if_silent), (True, proof.if_spike))
        )
    return recheck(scope.known(assumed)[scope.index(proof)], proof)


def _verdicts(known: Sequence[NeuronProblem]) -> Certificate | list[Weights]:
    """Return weights that meet the rows of each neuron, or a proof that one of them has none."""
    weights = []
    for problem in known:
        verdict = _verdict(problem)
        if isinstance(verdict, Certificate):
            return verdict
        weights.append(verdict)
    return weights


def _verdict(problem: NeuronProblem) -> Certificate | Weights:
    """Return weights that meet the rows, or a proof that none do, small where that is quick to find."""
    if not problem.constrained.any():
        return Weights(np.zeros(problem.potential_map.n_taps), problem.box.threshold[1], problem.box.bias[0])
    for tick in problem.refractory_spikes.tolist():
        proof = certify(problem, {tick: 1})
        if proof is not None:
            return proof
    answer = widest_margin(problem.idealised(problem.box.widest_exponent))
    if answer.is_feasible:
        return Weights(answer.weights, answer.threshold, answer.bias)
    verdict = judge(problem, answer.prices)
    if isinstance(verdict, Certificate):
        return minimal_conflict(problem, verdict)[0]
    return Weights(verdict.weights, verdict.threshold, verdict.bias)


def _step_back(path: list[_Decision], proof: Proof, *, rests_on: frozenset[Bin]) -> Proof | None:
    """Turn the last decision that matters, and drop all after it; return the proof if none is left to turn."""
    while path:
        last = path[-1]
        if last.bin not in rests_on:
            path.pop()
        elif last.refuted is None:
            last.refuted, last.refuted_by, last.value = proof, rests_on, not last.value
            return None
        else:
            silent, spike = (last.refuted, proof) if last.value else (proof, last.refuted)
            proof, rests_on = Split(*last.bin, silent, spike), (rests_on | last.refuted_by) - {last.bin}
            path.pop()
    return proof


def _next_bin(scope: Scope, assumed: Mapping[Bin, bool], *, wrong: int) -> Bin | None:
    """Return the first undecided bin of the pattern that went wrong, or of all; None if all are decided."""
    undecided = [(tick, neuron) for tick, neuron in np.argwhere(~scope.care).tolist() if (tick, neuron) not in assumed]
    here = (each for each in undecided if scope.pattern[each[0]] == scope.pattern[wrong])
    return next(here, undecided[0] if undecided else None)
