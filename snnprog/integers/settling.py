"""Outputs of which all integers are looked at: one does what is asked, or it is proved that none does.

`snnprog.design.proofs.exhausting` halves the ranges of the integers until each part fails, and cuts off whole parts by
linear programs (`snnprog.design.proofs.cutting`). It decides what no reasoning about real weights can: decays truncate,
and integers are few. How far that gets depends on how many synapses there are, so its work is limited.
"""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Int64s
from snnprog.design.conflicts import conflict_of
from snnprog.design.neuron import UNDECIDED, NeuronDesign
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.boxes import BIAS, EXPONENT, THRESHOLD, BoxNeuron
from snnprog.design.proofs.cutting import CourseCutter
from snnprog.design.proofs.exhausting import exhausted
from snnprog.design.proofs.orders import course_of
from snnprog.design.proofs.referee import Referee
from snnprog.design.scopes import under_assumptions
from snnprog.design.task import Task
from snnprog.integers.machine import Machine
from snnprog.integers.rounding import FITTED, IntegerNeuron
from snnprog.integers.unbuilt import as_designed
from snnprog.proof import Exhausted

FEW, MANY = 1 << 17, 1 << 20
"""Ticks and events that are run for one output before other searches, and after them: some tenths of a second, and some
seconds; to check what comes of it takes some 20 us for each."""

MOST_ENTRIES = 20_000
"""Ticks times taps up to which all integers are looked at: with more, a linear program takes too long."""


def settled(task: Task, output: int, referee: Referee, *, most_work: int = FEW) -> NeuronDesign:
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
    cutter = None
    if known.constrained.any():
        cutter = CourseCutter(course_of(known, spec), places)
    found = exhausted(neuron, most_work, cutter)
    if found.answer is not None:
        return NeuronDesign(as_designed(*_neuron(problem, task, places=places, answer=found.answer)))
    if not found.is_complete:
        return UNDECIDED
    proof = Exhausted(output, found.cuts)
    return NeuronDesign(None, (conflict_of(problem, care, proof),), proof=proof)


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
