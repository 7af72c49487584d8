"""Find integers for outputs that the design has no weights for, or prove that there are none.

The design finds outputs impossible for real weights under exact decays, which differ from the chip's integers.
So each such output goes through several methods, the cheap ones first, until one decides it: prices that prove it for
integers, too; small weights; other prices that account for rounding, and all integers in boxes, each within a small
budget; more small weights; integers fitted during the run; more boxes; more of other prices, and cases. Where the
design ended without a refusal, there may well be real weights, so integers are fitted early.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial

from snnprog.compiler.stopwatch import Stopwatch
from snnprog.design import Design
from snnprog.design.designer import has_open_ticks
from snnprog.design.hidden import refused_with_cases
from snnprog.design.neuron import OUT_OF_TIME, UNDECIDED, NeuronDesign
from snnprog.design.proofs.referee import Referee
from snnprog.design.proofs.refuting import BRANCHING_WORK, SOON_BRANCHING_WORK
from snnprog.design.proofs.substantiating import last_word, substantiated
from snnprog.design.task import Task
from snnprog.errors import UndecidedError
from snnprog.integers import FEW, MANY, AllIntegers, fit_outputs, sweep_outputs
from snnprog.integers.fitted import FEW_RUNS, MANY_RUNS
from snnprog.network import Neuron
from snnprog.solver import check_time, step
from snnprog.spec import Spec
from snnprog.spec.options import NO_WINDOW

PART = 0.3
"""The share of the remaining time for further outputs, once one is proved to be impossible; that proof is checked
after them, which took .5 s on a Xylo spec of windows, after a second of its search. Without a time limit, it has no
effect."""

DECIDING_PART = 0.85
"""The share for all methods together; the rest is for checking proofs, or for integers. A choice: a
check takes less time than finding the proof."""

ALONE_PART = 0.2
"""The share for each method that tries an output without hidden neurons if they are allowed; the search for hidden
neurons takes the rest. A choice."""

FIT_SHARE = 0.25
"""The share of the remaining time for fitting integers, or trying many small ones: most successes take a
tenth of a second, and proofs that there are none follow. With 0.4, both took 2 s of a limit of 5 s on four Xylo
specs that then ran out of time. Without a time limit, it has no effect."""

SOON_FIT_SHARE = 0.25
"""The same before all integers are searched, which takes 2 s of a limit of 5 s on three Xylo specs whose circuit was
known. With other starts, fits of two of them took .1 to .7 s. Without a time limit, it has no effect."""

SOON_PROOF_SHARE = 0.2
"""The share for proofs from other prices, and of cases of open bins, before integers are fitted. Where they exist, they
took .02 to .8 s on small Xylo specs, and fits took a second before. Without a time limit, it has no effect."""

OPEN_FIT_SHARE = 0.5
"""The same where the design ended without a refusal: three of five such specs whose circuit was known took 1 s or
more. Without a time limit, it has no effect."""

NEAR = 52
"""Maximum size, in bits, of the search space that is searched before integers are fitted. Of the tiny specs in
tests/test_verdicts.py, one of 2^44 choices was decided within `MANY`, and one of 2^51 was not."""

SETTLING_SHARE = 0.7
"""The share for searching all integers; other prices and cases follow. A choice, not a measurement; without a time
limit, it has no effect."""

REFUSED_SHARE = 0.3
"""The part of its share that an output gets once another output is refused, which is enough to refuse the spec. A
choice, not a measurement; without a time limit, it has no effect."""

Outcomes = Mapping[int, NeuronDesign]


@dataclass(frozen=True, eq=False)
class Means:
    """Decides outputs that the design left without weights.

    Attributes
    ----------
    spec : Spec
    seed : int
        Seed of all random choices.
    executor : concurrent.futures.Executor or None
        Executor for parallel work on outputs.
    watch : Stopwatch
        The time of each step.
    is_brief : bool
        Whether outputs stay undecided that are not decided quickly.
    """

    spec: Spec
    seed: int
    executor: Executor | None
    watch: Stopwatch
    is_brief: bool = False

    def decided(self, designed: Design) -> Design:
        """Return the design in which outputs have integers or a proof, or are undecided if neither was found."""
        with step("proofs", share=DECIDING_PART):
            return self._decided(designed)

    def _decided(self, designed: Design) -> Design:
        refused = [index for index in designed.unbuilt if designed.outcomes[index].conflicts]
        conflicting = {index: designed.outcomes[index] for index in refused}
        found = _with(designed, self._substantiated(conflicting, work=0))
        with step("proofs", share=_share_of_others(found)):
            found = self._soon_decided(found, conflicting)
        if self.is_brief:
            return found
        with step("proofs", share=_share_of_others(found)):
            found = _with(found, self._swept(found, MANY_RUNS))
            unlikely = [index for index in found.undecided if index in conflicting]
            found = _with(found, self._fitted(found, unlikely, is_brief=self.spec.hidden != 0, attempt=1))
            found = _with(found, self.settled(found.undecided, MANY, share=SETTLING_SHARE))
            left = {index: conflicting[index] for index in found.undecided if index in conflicting}
            found = _with(found, self._substantiated(left))
            return _with(found, self.last_words(found.undecided))

    def _soon_decided(self, found: Design, conflicting: Outcomes) -> Design:
        """Return the design with what is found quickly for outputs that are undecided; some had conflicts before.

        Those are fitted here only if all their integers are searched afterwards, and otherwise once, later: briefly,
        because hidden neurons are tried then.
        """
        found = _with(found, self._swept(found, FEW_RUNS))
        promising = [index for index in found.undecided if index not in conflicting]
        found = _with(found, self._fitted(found, promising, share=OPEN_FIT_SHARE))
        left = {index: conflicting[index] for index in found.undecided if index in conflicting}
        found = _with(found, self._substantiated(left, work=SOON_BRANCHING_WORK, share=SOON_PROOF_SHARE))
        unlikely = [index for index in found.undecided if index in conflicting] if self.spec.hidden == 0 else []
        found = _with(found, self._fitted(found, unlikely, share=SOON_FIT_SHARE))
        return _with(found, self.soon_settled(found.undecided))

    def briefly_fitted(self, designed: Design) -> Design:
        """Return the design with integers for undecided outputs, if they are found quickly."""
        return _with(designed, self._fitted(designed, designed.undecided, share=FIT_SHARE / 2, is_brief=True))

    def settled(self, outputs: Iterable[int], most_work: int, *, share: float = 1.0) -> Outcomes:
        """Return the results of searching all integers of some outputs, within the allowed work and time.

        Outputs with the fewest remaining integers come first.
        """
        outputs = tuple(outputs) if self.spec.hidden == 0 else ()
        promising = sorted(outputs, key=self._left)
        return self._each(promising, lambda index: self._all_integers(index).settled(most_work), share=share)

    def soon_settled(self, outputs: Iterable[int]) -> Outcomes:
        """Return the results of searching all integers of some outputs, if the work is small or progress is good."""
        found = dict(self.settled(outputs, FEW))
        near = [index for index, each in found.items() if each.is_undecided and self._left(index) <= NEAR]
        return {**found, **self.settled(near, MANY, share=SETTLING_SHARE)}

    def last_words(self, outputs: Iterable[int]) -> Outcomes:
        """Return proofs by cases, or by few synapses, that outputs have no integers."""
        return self._each(outputs, lambda index: last_word(self._task, index, self._referee))

    def refused(self, designed: Design, outputs: Iterable[int]) -> Outcomes:
        """Return proofs that some outputs cannot reproduce their targets with any hidden neurons.

        Proofs for outputs alone may apply unchanged; otherwise the signals of hidden neurons are unknowns of integer
        programs, which are solved as a whole or case by case.
        """
        spec, referee, outputs = self.spec, self._referee, tuple(outputs)
        with suppress(UndecidedError):
            proved = {index: designed.outcomes[index] for index in outputs}
            alike = {index: each for index, each in proved.items() if each.proof and not referee.fault(each.proof)}
            if alike:
                return alike
            found = self._each(outputs, lambda index: last_word(self._task, index, referee), has_hidden=True)
            found = {index: each for index, each in found.items() if each.proof is not None}
            if found or not has_open_ticks(spec):
                return found
            with self.watch.step("proofs"):
                return refused_with_cases(spec, outputs)
        return {}

    def _all_integers(self, output: int) -> AllIntegers:
        """Return the search through all integers of an output, which may have started before."""
        if output not in self._searches:
            self._searches[output] = AllIntegers(self._task, output, self._referee)
        return self._searches[output]

    def _left(self, output: int) -> float:
        """Return the number of remaining integers, in bits; infinity if the time is over."""
        try:
            return self._all_integers(output).left
        except UndecidedError:
            return math.inf

    @cached_property
    def _searches(self) -> dict[int, AllIntegers]:
        """The searches that have started, by output."""
        return {}

    @cached_property
    def _task(self) -> Task:
        """The task that all methods share."""
        return Task.of(self.spec)

    @cached_property
    def _referee(self) -> Referee:
        """The checker of proofs about the spec."""
        return Referee(self.spec)

    @property
    def _share(self) -> float:
        """The share of the time for each method that tries outputs without hidden neurons."""
        return 1.0 if self.spec.hidden == 0 else ALONE_PART

    @property
    def _has_sweeps(self) -> bool:
        """Whether all small weights are tried, before integers are fitted."""
        return self.spec.window == NO_WINDOW and self.spec.fan_in is None and self.spec.hidden == 0

    def _substantiated(self, refused: Outcomes, *, work: int = BRANCHING_WORK, share: float = 1.0) -> Outcomes:
        """Return the refusals that are proved for integers; undecided for the others."""
        referee = self._referee if self.spec.hidden == 0 else Referee(replace(self.spec, hidden=0))
        return self._each(
            sorted(refused, key=lambda index: refused[index].n_cases),
            lambda index: substantiated(refused[index], self._task, referee, output=index, work=work),
            has_hidden=True,
            share=min(self._share, share),
        )

    def _each(
        self,
        outputs: Iterable[int],
        decide: Callable[[int], NeuronDesign],
        *,
        has_hidden: bool = False,
        share: float = 1.0,
    ) -> Outcomes:
        """Return the result of each output, the most promising first, each in twice an equal share of the time.

        One that is proved to be impossible is enough to refuse the spec, so the others then get less. If hidden
        neurons are allowed, refusals of outputs without them do not count, unless requested.
        """
        outputs = tuple(outputs)
        if not outputs or (self.spec.hidden != 0 and not has_hidden):
            return {}
        found: dict[int, NeuronDesign] = {}
        with step("proofs", share=share):
            for number, index in enumerate(outputs):
                part = 2.0 / (len(outputs) - number + 1)
                is_refused = any(each.proof is not None for each in found.values())
                with self.watch.step("proofs", part * REFUSED_SHARE if is_refused else part):
                    found[index] = _in_time(partial(decide, index))
        self.watch.lap("proofs")
        return found

    def _fitted(
        self,
        designed: Design,
        outputs: Sequence[int],
        *,
        share: float = FIT_SHARE,
        is_brief: bool = False,
        attempt: int = 0,
    ) -> Outcomes:
        """Return integer neurons for some outputs without weights, if fitting finds them."""
        fit = partial(fit_outputs, seed=self.seed, is_brief=is_brief, is_swept=self._has_sweeps, attempt=attempt)
        return self._found(designed, outputs, fit, share=min(self._share, share))

    def _swept(self, designed: Design, runs: int) -> Outcomes:
        """Return neurons of small integers for outputs without weights, if there are any."""
        if not self._has_sweeps:
            return {}
        return self._found(designed, designed.undecided, partial(sweep_outputs, runs=runs), share=FIT_SHARE)

    def _found(
        self, designed: Design, outputs: Sequence[int], find: Callable[..., dict[int, Neuron]], *, share: float
    ) -> Outcomes:
        """Return the neurons that are found for some outputs without weights, in a share of the time."""
        if not outputs:
            return {}
        with self.watch.step("fit", share):
            found = find(designed.task, outputs, executor=self.executor)
        self.watch.lap("fit")
        return {output: NeuronDesign(neuron) for output, neuron in found.items()}


def _with(designed: Design, found: Outcomes) -> Design:
    """Return the design with the results of some outputs."""
    return designed.with_outcomes({index: _after(designed.outcomes[index], each) for index, each in found.items()})


def _share_of_others(found: Design) -> float:
    """Return the share of the time for outputs that are undecided: all of it, unless another is proved impossible."""
    return 1.0 if found.proof is None else PART


def _after(before: NeuronDesign, outcome: NeuronDesign) -> NeuronDesign:
    """Return the result of an output; if it is still undecided, with its earlier results."""
    return replace(outcome, found=before.found) if outcome.is_undecided else outcome


def _in_time(decide: Callable[[], NeuronDesign]) -> NeuronDesign:
    """Return the decision, or that the time ran out."""
    try:
        check_time()
        return decide()
    except UndecidedError as error:
        return OUT_OF_TIME if error.ended_by_time else UNDECIDED
