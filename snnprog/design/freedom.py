"""A complete search over open bins and taps: spikes in don't-care bins and windows, and the presence of synapses.

Bins are open where they do not count, and where target spikes have windows; taps are open where the synapses of a
neuron are limited. What a neuron does in a bin decides whether it resets there, and where outputs feed outputs, what
all others receive. So the search decides one bin after another, in order of time, and asks at each step only for what
the bins decided so far make sure: the rows of ticks whose last reset is known, and all that has arrived. Weights that
meet those are let run free. Where they reproduce the targets, they are the answer; where they first fail, the next bin
of that pattern is decided, first as they do it themselves. Weights on too many taps have the heaviest of them decided,
first as absent. What windows and the number of synapses leave no choice about follows from each decision at once.

Where the rows known so far are proved impossible, the search goes back to the last decision that the proof rests on,
and remembers the proof for wherever the same decisions meet again; a decision that failed both ways is a proof by
cases. So it ends with neurons or with a proof, unless a limit strikes first, or a case stays unsettled: one in which
all is decided, but nothing could be built.

The search is the same for one neuron that feeds no other neuron and for all neurons of a loop
(`snnprog.design.scopes`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.design.margins.margin import widest_margin
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.certificate import (
    Case,
    Certificate,
    NoCompletion,
    Proof,
    Split,
    SynapseSplit,
    TooManySynapses,
    Unsettled,
    all_leaves,
    certify,
)
from snnprog.design.proofs.proving import prove_roughly
from snnprog.design.proofs.verdict import judge
from snnprog.design.support import Programs
from snnprog.errors import UndecidedError
from snnprog.solver import check_time

Built = TypeVar("Built")

# Maximum number of steps of a search, each a linear program per neuron: so many entries of all their rows, but no fewer
# and no more steps than these.
EFFORT, LEAST_STEPS, MOST_STEPS = 20_000_000, 100, 4_000
# The share of the room that weights have at their widest that they keep when they are made few: any share below 1
# leaves a choice, and half is the middle.
SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Weights:
    """Real weights, threshold and bias, in weight LSBs."""

    taps: Floats
    threshold: float
    bias: float

    @property
    def support(self) -> Int64s:
        """The taps that have a weight."""
        return np.flatnonzero(self.taps)


Bin: TypeAlias = tuple[int, int]
"""A tick among those of all patterns, and a neuron."""


@dataclass(frozen=True)
class Tap:
    """A tap of a neuron, whose synapse may be there or not."""

    neuron: int
    index: int


Choice: TypeAlias = Bin | Tap
_Need: TypeAlias = frozenset[tuple[Choice, bool]]
Assumed: TypeAlias = Mapping[Choice, bool]


@dataclass
class Decision:
    """One decided bin or tap on the way, and the result of the other value."""

    choice: Choice
    value: bool
    refuted: Case | None = None
    refuted_by: frozenset[Choice] = frozenset()


class Scope(Protocol):
    """The neurons whose open bins and taps are decided together.

    Attributes
    ----------
    open_bins : list of (tick, neuron)
        In order of time.
    pattern : (ticks,) int
        Which pattern each tick belongs to.
    most : int or None
        Maximum number of synapses that each neuron may have.
    """

    open_bins: list[Bin]
    pattern: Int64s
    most: int | None

    def known(self, assumed: Assumed) -> list[NeuronProblem]:
        """Return each neuron's rows that are sure if open bins and taps are as assumed."""

    def implied(self, assumed: Assumed) -> list[Decision]:
        """Return the choices that windows and the number of synapses determine, with the proofs against the others."""

    def run(self, weights: Sequence[Weights]) -> Raster:
        """Return the spikes of neurons with these weights (ticks, neurons)."""

    def wrong(self, done: Raster, known: Sequence[NeuronProblem]) -> int | None:
        """Return the first tick at which a raster (ticks, neurons) does not reproduce the targets, or None."""

    def rests_on(self, known: Sequence[NeuronProblem], proof: Certificate, assumed: Assumed) -> set[Choice]:
        """Return the assumptions that a proof rests on."""

    def index(self, proof: Certificate) -> int:
        """Return which of the neurons a proof speaks of."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A suggestion of the search: a raster (ticks, neurons), and the taps that each neuron may use."""

    raster: Raster
    taps: tuple[Int64s, ...]


def search(scope: Scope, build: Callable[[Candidate], Built | None], *, most_steps: int | None = None) -> Built | Proof:
    """Return the design for a raster that reproduces the targets, or the proof that there is none.

    Parameters
    ----------
    build : callable
        Takes a candidate; returns None if it fails.
    most_steps : int, optional
        After how many steps to stop; as many as the size of the rows allows, by default.

    Raises
    ------
    SolverError
        If the solver fails.
    UndecidedError
        If the time allowed or the steps run out, or a case stays unsettled.
    """
    path: list[Decision] = []
    learned = _Learned()
    tried: set[bytes] = set()
    last: list[Weights] = []
    steps = _steps(scope) if most_steps is None else most_steps
    for _ in range(steps):
        check_time()
        assumed = {decision.choice: decision.value for decision in path}
        for decision in scope.implied(assumed):
            path.append(decision)
            assumed[decision.choice] = decision.value
        known = scope.known(assumed)
        verdict = learned.proof(assumed) or _verdicts(known, last, is_few_sought=scope.most is not None)
        if isinstance(verdict, Certificate):
            rests_on = frozenset(scope.rests_on(known, verdict, assumed))
            learned.add(frozenset((each, assumed[each]) for each in rests_on), verdict)
            proof: Case | None = _step_back(path, verdict, rests_on=rests_on)
        else:
            last = verdict
            following, built = _step(scope, known, assumed, weights=verdict, build=build, tried=tried)
            if built is not None:
                return built
            if following is not None:
                path.append(following)
                continue
            proof = _step_back(path, Unsettled(), rests_on=frozenset(assumed))
        if proof is not None:
            return _settled(proof, known[0])
    outputs = [problem.neuron for problem in known]
    raise UndecidedError(
        f"{known[0].name} is undecided after {steps} steps of the search; simplify the specification", outputs
    )


class _Learned:
    """Proofs, and the decisions that each rests on.

    Those that hold under some decisions are found by what was decided since the last question: none held then.
    """

    def __init__(self) -> None:
        self._proofs: dict[_Need, tuple[int, Certificate]] = {}
        self._needs: dict[tuple[Choice, bool], list[_Need]] = {}
        self._before: Assumed = {}

    def add(self, need: _Need, proof: Certificate) -> None:
        """Keep the proof that some decisions leave nothing."""
        number, _ = self._proofs.get(need, (len(self._proofs), proof))
        for each in need if need not in self._proofs else ():
            self._needs.setdefault(each, []).append(need)
        self._proofs[need] = number, proof

    def proof(self, assumed: Assumed) -> Certificate | None:
        """Return the first proof that rests on these decisions only; None if there is none."""
        fresh = assumed.items() - self._before.items()
        self._before = assumed
        held = [need for each in fresh for need in self._needs.get(each, ()) if need <= assumed.items()]
        return min((self._proofs[need] for need in held), key=lambda found: found[0])[1] if held else None


def _steps(scope: Scope) -> int:
    entries = sum(problem.raster.size * problem.potential_map.n_taps for problem in scope.known({}))
    return int(np.clip(EFFORT // max(entries, 1), LEAST_STEPS, MOST_STEPS))


def _step(
    scope: Scope,
    known: Sequence[NeuronProblem],
    assumed: Assumed,
    *,
    weights: Sequence[Weights],
    build: Callable[[Candidate], Built | None],
    tried: set[bytes],
) -> tuple[Decision | None, Built | None]:
    """Run weights; return the next decision, or the design, or neither if all is decided."""
    done, targets = scope.run(weights), np.stack([problem.spikes for problem in known], axis=1)
    wrong = scope.wrong(done, known)
    crowded = [index for index, one in enumerate(weights) if scope.most is not None and one.support.size > scope.most]
    following = _next_bin(scope, assumed, wrong=wrong, done=done)
    if crowded and (wrong is None or following is None):
        following = _heaviest(crowded[0], weights[crowded[0]], assumed=assumed) or following
    if wrong is None or following is None:
        raster = done if wrong is None else targets
        is_any = scope.most is None or bool(crowded)
        taps = tuple(_usable(problem) if is_any else one.support for problem, one in zip(known, weights, strict=True))
        key = raster.tobytes() + b"".join(chosen.tobytes() for chosen in taps if not is_any)
        if key not in tried:
            tried.add(key)
            return following, build(Candidate(raster, taps))
    return following, None


def _usable(problem: NeuronProblem) -> Int64s:
    return np.flatnonzero(problem.box.weight_upper > problem.box.weight_lower)


def _heaviest(neuron: int, weights: Weights, *, assumed: Assumed) -> Decision | None:
    """Return the decision to remove the tap with the largest weight, of those that are not decided."""
    undecided = [tap for tap in weights.support.tolist() if Tap(neuron, tap) not in assumed]
    if not undecided:
        return None
    return Decision(Tap(neuron, max(undecided, key=lambda tap: abs(float(weights.taps[tap])))), False)


def _cases(proof: Split | SynapseSplit) -> tuple[Choice, dict[bool, Case]]:
    if isinstance(proof, Split):
        return (proof.tick, proof.neuron), {False: proof.if_silent, True: proof.if_spike}
    return Tap(proof.neuron, proof.tap), {False: proof.if_absent, True: proof.if_present}


def _settled(proof: Case, problem: NeuronProblem) -> Proof:
    """Return a proof, or raise an error if one of its cases is open."""
    assert not isinstance(proof, (NoCompletion, TooManySynapses)), "the targets are one completion"
    if any(isinstance(leaf, Unsettled) for leaf in all_leaves(proof)):
        nothing = f"{problem.name}: real weights exist for some choices, but nothing was built"
        raise UndecidedError(nothing, [problem.neuron])
    assert not isinstance(proof, Unsettled), "an unsettled case is a leaf"
    return proof


def _verdicts(
    known: Sequence[NeuronProblem], last: Sequence[Weights], *, is_few_sought: bool
) -> Certificate | list[Weights]:
    """Return weights that meet the rows of each neuron, or a proof that one of them has none.

    Those that met the last rows are kept where they meet these, too.
    """
    weights = []
    for index, problem in enumerate(known):
        if last and _meets(problem, last[index]):
            weights.append(last[index])
            continue
        verdict = _verdict(problem)
        if isinstance(verdict, Certificate):
            return verdict
        weights.append(_few(problem, verdict) if is_few_sought else verdict)
    return weights


def _verdict(problem: NeuronProblem) -> Certificate | Weights:
    """Return weights that meet the rows, or a proof that none do.

    The solver's prices belong to a corner, so few rows have one. They are taken as they are: to make a conflict
    minimal takes as long as a hundred steps of the search. To give up one decision after another, as long as the other
    rows are proved impossible, takes 3 to 30 steps and leaves 82 to 93 % of the decisions; it decided none of four
    specs of 50 to 150 open bins.
    """
    if not problem.constrained.any():
        return Weights(np.zeros(problem.potential_map.n_taps), problem.box.threshold[1], problem.box.bias[0])
    for tick in problem.refractory_spikes.tolist():
        proof = certify(problem, {tick: 1})
        if proof is not None:
            return proof
    answer = widest_margin(problem.idealised(problem.box.widest_exponent))
    if answer.is_feasible:
        return Weights(answer.weights, answer.threshold, answer.bias)
    verdict = prove_roughly(problem, answer.prices) or judge(problem, answer.prices)
    if isinstance(verdict, Certificate):
        return verdict
    return Weights(verdict.weights, verdict.threshold, verdict.bias)


def _meets(problem: NeuronProblem, weights: Weights) -> bool:
    """Return whether weights meet the rows of a neuron, by more than a solver's tolerance."""
    box, ideal = problem.box, problem.idealised(problem.box.widest_exponent)
    is_absent = (box.weight_lower == 0.0) & (box.weight_upper == 0.0)
    return not weights.taps[is_absent].any() and bool(
        (ideal.margins(weights.taps, weights.threshold, weights.bias) > ideal.tolerance).all()
    )


def _few(problem: NeuronProblem, weights: Weights) -> Weights:
    """Return light weights that meet the rows with few taps; the same weights if there are none."""
    ideal = problem.idealised(problem.box.widest_exponent)
    room = ideal.room(weights.taps, weights.threshold, weights.bias)
    if not 0.0 < room < np.inf:
        return weights
    programs = Programs(ideal)
    light = programs.lightest(programs.usable, np.ones(weights.taps.size), room=SHARE * room)
    found = programs.supported(np.flatnonzero(light), 0.0)
    return weights if found is None else Weights(found.weights, found.threshold, found.bias)


def _step_back(path: list[Decision], proof: Case, *, rests_on: frozenset[Choice]) -> Case | None:
    """Turn the last decision that matters, and drop all after it; return the proof if none is left to turn."""
    while path:
        last = path[-1]
        if last.choice not in rests_on:
            path.pop()
        elif last.refuted is None:
            last.refuted, last.refuted_by, last.value = proof, rests_on, not last.value
            return None
        else:
            without, beside = (last.refuted, proof) if last.value else (proof, last.refuted)
            rests_on = (rests_on | last.refuted_by) - {last.choice}
            proof = (
                SynapseSplit(last.choice.neuron, last.choice.index, without, beside)
                if isinstance(last.choice, Tap)
                else Split(*last.choice, without, beside)
            )
            path.pop()
    return proof


def _next_bin(scope: Scope, assumed: Assumed, *, wrong: int | None, done: Raster) -> Decision | None:
    """Decide the first open bin of the pattern that went wrong, or of all, as it was done; None if all are decided."""
    undecided = [each for each in scope.open_bins if each not in assumed]
    here = (each for each in undecided if wrong is not None and scope.pattern[each[0]] == scope.pattern[wrong])
    chosen = next(here, undecided[0] if undecided else None)
    return None if chosen is None else Decision(chosen, bool(done[chosen]))
