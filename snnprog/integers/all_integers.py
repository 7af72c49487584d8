"""Search all integers of an output: find some that reproduce its targets, or prove that there are none.

`snnprog.design.proofs.exhausting` halves the ranges of the integers until each part fails, and cuts off whole parts by
linear programs (`snnprog.design.proofs.cutting`). It decides what no reasoning about real weights can: decays truncate,
and integers are few. How far that gets depends on how many synapses there are, so its work is limited.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.design.conflicts import conflict_of, conflict_of_integers
from snnprog.design.designer import has_open_ticks
from snnprog.design.neuron import UNDECIDED, NeuronDesign
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.boxes import BIAS, EXPONENT, THRESHOLD, BoxNeuron
from snnprog.design.proofs.every_integer import MOST_ENTRIES, places_of, search_of
from snnprog.design.proofs.exhausting import Exhausting
from snnprog.design.proofs.referee import Referee
from snnprog.design.scopes import under_assumptions
from snnprog.design.task import Task
from snnprog.errors import UndecidedError
from snnprog.integers.machine import Machine
from snnprog.integers.rounding import FITTED, IntegerNeuron
from snnprog.integers.unbuilt import as_designed
from snnprog.proof import Exhausted
from snnprog.solver import step
from snnprog.wording import counted

FEW, MANY = 1 << 18, 1 << 22
"""Ticks and events that are run for one output before other searches, and after them: some tenths of a second, and a
second or two; to check the result of it takes some 2 us for each."""

NAMING_WORK, NAMING_TRIALS, NAMING_SHARE = 1 << 17, 24, 0.1
"""The same for finding few bins that are to blame; how many choices of bins are tried; and the share of the time."""

PROGRAM_WORK, SETUP_PROGRAMS = 50, 3
"""What a linear program takes for each tick, and how many of them preparing a search takes, in ticks and events: 12 ms
and 30 ms at 120 ticks, where each of these takes 2 us."""


class AllIntegers:
    """The search through all integers of an output; each call continues the last one.

    Parameters
    ----------
    task : Task
    output : int
    referee : Referee
        Who has the ranges of all integers.
    """

    def __init__(self, task: Task, output: int, referee: Referee) -> None:
        self.task, self.output, self.care = task, output, task.care[:, output]
        is_large = task.mapping.n_taps * self.care.size > MOST_ENTRIES
        self.neuron = None if is_large else BoxNeuron.of(task.spec, output, referee.document)

    def settled(self, most_work: int) -> NeuronDesign:
        """Return a neuron of integers that reproduces the targets, or a proof that there is none.

        Undecided, where the work allowed ends first, or where what the output receives is open.

        Raises
        ------
        UndecidedError
            If the time allowed runs out.
        """
        if self.neuron is None:
            return UNDECIDED
        found = self._search.until(most_work)
        if found.answer is not None:
            return NeuronDesign(as_designed(*self._answered(found.answer)))
        if not found.is_complete:
            return UNDECIDED
        spec, proof = self.task.spec, Exhausted(self.output, found.cuts)
        if has_open_ticks(spec):
            return NeuronDesign(None, (conflict_of(self._problem, self.care, proof),), proof=proof, work=found.work)
        few = "" if spec.fan_in is None else f" with at most {counted(spec.fan_in, 'synapse')}"
        conflict = conflict_of_integers(self._problem, _few_demands(self), reservations=few)
        return NeuronDesign(None, (conflict,), proof=proof, work=found.work)

    @property
    def left(self) -> int:
        """The logarithm (base 2) of the number of remaining choices; 0 if none are examined."""
        return 0 if self.neuron is None else self._search.left

    def restricted_to(self, relevant: Raster) -> Exhausting:
        """Return a new search that checks only some bins; in the others the neuron spikes as its target does."""
        assert self.neuron is not None
        rows = self._known.constrained & self._known.potential_map.at_every_look(relevant)
        return search_of(self.neuron.restricted_to(relevant), self._known.constrained_to(rows), self.task.spec)

    @cached_property
    def _search(self) -> Exhausting:
        return self.restricted_to(self.care)

    @cached_property
    def _problem(self) -> NeuronProblem:
        return self.task.problem(self.output, self.task.targets[:, self.output], constrained=self.care)

    @cached_property
    def _known(self) -> NeuronProblem:
        """The rows of bins with known values and a known last reset."""
        assert self.neuron is not None
        due = np.concatenate([bins.due for bins in self.neuron.patterns])
        problem = self.task.problem(self.output, due == 1, constrained=due >= 0)
        return under_assumptions(problem, due >= 0, assumed={})

    def _answered(self, answer: Int64s) -> tuple[IntegerNeuron, Machine]:
        """Return the neuron of an answer, and its simulator."""
        assert self.neuron is not None
        mapping = self.task.mapping
        mantissas = np.zeros(mapping.n_taps, np.int64)
        mantissas[places_of(self.neuron, mapping)] = answer[:EXPONENT]
        neuron = IntegerNeuron(
            mantissas=mantissas.reshape(mapping.delays.size, -1),
            exponent=int(answer[EXPONENT]),
            threshold=int(answer[THRESHOLD]),
            bias=int(answer[BIAS]),
            scale=1.0,
            certified=False,
            margin=0.0,
            rounding=FITTED,
        )
        return neuron, Machine(self.task.spec.chip, self._problem.potential_map, self._problem.raster)


def _few_demands(search: AllIntegers) -> Raster:
    """Return (ticks,) bins that suffice for the refusal: in all others the neuron spikes as its target does."""
    kept = search.care.copy()
    with step("proofs", share=NAMING_SHARE), suppress(UndecidedError):
        _leave_out(search, kept)
    return kept


def _leave_out(search: AllIntegers, kept: Raster) -> None:
    """Remove unnecessary bins within the work limit: whole patterns, then fewer bins."""
    left, trials = NAMING_WORK, NAMING_TRIALS
    ends = np.cumsum([pattern.ticks for pattern in search.task.spec.patterns]).tolist()
    parts = list(zip([0, *ends[:-1]], ends, strict=True))
    while parts and left > 0 and trials > 0:
        for first, last in parts:
            fewer = kept.copy()
            fewer[first:last] = False
            if left > 0 and trials > 0 and fewer.any() and (fewer != kept).any():
                trial = search.restricted_to(fewer)
                found = trial.until(min(left, NAMING_WORK // 4))
                solved = 0 if trial.cutter is None else trial.cutter.solved
                programs = PROGRAM_WORK * fewer.size * (solved + SETUP_PROGRAMS)
                left, trials = left - found.work - programs, trials - 1
                kept[:] = fewer if found.is_complete else kept
        halves = [(first, (first + last) // 2, last) for first, last in parts if last - first > 1]
        parts = [pair for first, middle, last in halves for pair in ((first, middle), (middle, last))]
