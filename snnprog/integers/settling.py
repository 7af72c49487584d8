"""Outputs of which all integers are looked at: one does what is asked, or it is proved that none does.

`snnprog.design.proofs.exhausting` halves the ranges of the integers until each part fails, and cuts off whole parts by
linear programs (`snnprog.design.proofs.cutting`). It decides what no reasoning about real weights can: decays truncate,
and integers are few. How far that gets depends on how many synapses there are, so its work is limited.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.design.conflicts import conflict_of_integers
from snnprog.design.neuron import UNDECIDED, NeuronDesign
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.boxes import BIAS, EXPONENT, THRESHOLD, BoxNeuron
from snnprog.design.proofs.cutting import CourseCutter
from snnprog.design.proofs.exhausting import Exhaustion, exhausted
from snnprog.design.proofs.orders import course_of
from snnprog.design.proofs.referee import Referee
from snnprog.design.scopes import under_assumptions
from snnprog.design.task import Task
from snnprog.errors import UndecidedError
from snnprog.integers.machine import Machine
from snnprog.integers.rounding import FITTED, IntegerNeuron
from snnprog.integers.unbuilt import as_designed
from snnprog.proof import Exhausted
from snnprog.solver import step
from snnprog.spec import Spec
from snnprog.wording import counted

FEW, MANY = 1 << 17, 1 << 20
"""Ticks and events that are run for one output before other searches, and after them: some tenths of a second, and some
seconds; to check what comes of it takes some 20 us for each."""

NAMING_WORK, NAMING_TRIALS, NAMING_SHARE = 1 << 17, 24, 0.2
"""The same for finding few bins that are to blame; how many choices of bins are tried; and the share of the time."""

MOST_ENTRIES = 20_000
"""Ticks times taps up to which all integers are looked at: with more, a linear program takes too long."""


def settled(task: Task, output: int, referee: Referee, *, most_work: int) -> NeuronDesign:
    """Return a neuron of integers that does what an output is asked, or a proof that there is none.

    Undecided, where the work allowed ends first, or where it is not known what the output hears.

    Raises
    ------
    UndecidedError
        If the time allowed runs out.
    """
    spec, care = task.spec, task.care[:, output]
    is_large = task.mapping.n_taps * care.size > MOST_ENTRIES
    neuron = None if is_large else BoxNeuron.of(spec, output, referee.document)
    if neuron is None:
        return UNDECIDED
    problem = task.problem(output, task.targets[:, output], constrained=care)
    known = under_assumptions(problem, care, assumed={})
    places = np.array([spec.delays.index(delay) * task.mapping.n_lines + line for line, delay in neuron.taps], np.int64)
    search = _AllIntegers(neuron, known, spec, places)
    found = search.exhausted(care, most_work)
    if found.answer is not None:
        return NeuronDesign(as_designed(*_neuron(problem, task, places=places, answer=found.answer)))
    if not found.is_complete:
        return UNDECIDED
    few = "" if spec.fan_in is None else f" with at most {counted(spec.fan_in, 'synapse')}"
    conflict = conflict_of_integers(problem, _few_demands(search, care), reservations=few)
    return NeuronDesign(None, (conflict,), proof=Exhausted(output, found.cuts))


@dataclass(frozen=True, eq=False)
class _AllIntegers:
    """All integers of a neuron, of which more or fewer bins are asked."""

    neuron: BoxNeuron
    known: NeuronProblem
    spec: Spec
    places: Int64s

    def exhausted(self, asked: Raster, most_work: int) -> Exhaustion:
        """Look at all integers, as far as the work goes; where bins are not asked, the neuron does what it is to do."""
        rows = self.known.constrained & self.known.potential_map.at_every_look(asked)
        known = self.known.constrained_to(rows)
        cutter = CourseCutter(course_of(known, self.spec), self.places) if rows.any() else None
        return exhausted(self.neuron.asking(asked), most_work, cutter)


def _few_demands(search: _AllIntegers, care: Raster) -> Raster:
    """Return (ticks,) bins that suffice: no integers do what these ask, where the neuron does all else as asked."""
    kept = care.copy()
    with step("proofs", share=NAMING_SHARE), suppress(UndecidedError):
        _leave_out(search, kept)
    return kept


def _leave_out(search: _AllIntegers, kept: Raster) -> None:
    """Leave out of some bins what is not needed: whole patterns, then fewer bins, as long as the work allowed goes."""
    left, trials = NAMING_WORK, NAMING_TRIALS
    ends = np.cumsum([bins.due.size for bins in search.neuron.patterns]).tolist()
    parts = list(zip([0, *ends[:-1]], ends, strict=True))
    while parts and left > 0 and trials > 0:
        for first, last in parts:
            fewer = kept.copy()
            fewer[first:last] = False
            if left > 0 and trials > 0 and fewer.any() and (fewer != kept).any():
                found = search.exhausted(fewer, min(left, NAMING_WORK // 4))
                left, trials = left - found.work, trials - 1
                kept[:] = fewer if found.is_complete else kept
        halves = [(first, (first + last) // 2, last) for first, last in parts if last - first > 1]
        parts = [pair for first, middle, last in halves for pair in ((first, middle), (middle, last))]


def _neuron(problem: NeuronProblem, task: Task, *, places: Int64s, answer: Int64s) -> tuple[IntegerNeuron, Machine]:
    """Return the neuron of an answer, and what runs it."""
    mantissas = np.zeros(task.mapping.n_taps, np.int64)
    mantissas[places] = answer[:EXPONENT]
    neuron = IntegerNeuron(
        mantissas=mantissas.reshape(task.mapping.delays.size, -1),
        exponent=int(answer[EXPONENT]),
        threshold=int(answer[THRESHOLD]),
        bias=int(answer[BIAS]),
        scale=1.0,
        certified=False,
        margin=0.0,
        rounding=FITTED,
    )
    return neuron, Machine(task.spec.chip, problem.potential_map, problem.raster)
