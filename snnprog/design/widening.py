"""The widest margins of outputs that are designed, proved to a millionth.

Design ends at a margin that survives rounding. A wider one leaves more room for what a chip does beside its rule; to
prove that it is the widest takes a few times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from snnprog.design.designer import has_open_ticks
from snnprog.design.margins.margin import bound_of, proved_margin
from snnprog.design.neuron import NeuronDesign, neuron_of
from snnprog.design.problem import NeuronProblem
from snnprog.design.sparse import thrift_of
from snnprog.design.support import restricted_to
from snnprog.design.task import Task
from snnprog.network import Neuron
from snnprog.progress import Progress
from snnprog.solver import Deadline, check_time, one_blas_thread, present_deadline, run_jobs, until


@dataclass(frozen=True, eq=False)
class _WideningJob:
    """One output of a task, as it is designed."""

    task: Task
    output: int
    neuron: Neuron
    deadline: Deadline | None


def widened(
    task: Task,
    outcomes: Sequence[NeuronDesign],
    *,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> dict[int, NeuronDesign]:
    """Return the outputs that are built with the widest margin that weights, threshold and bias can have.

    Spikes stay as they are, also in bins that do not count, and so do synapses where they are limited.

    Parameters
    ----------
    task : Task
        What was designed: its targets are what the outputs do.
    outcomes : sequence of NeuronDesign
        One per output.
    executor : concurrent.futures.Executor, optional
        Where neurons are designed; here and in turn, by default. The results do not depend on it.
    progress : callable, optional
        Called with ("widest", neurons done, neurons in all).

    Raises
    ------
    SolverError
        If the solver fails, or UndecidedError if the time is over.
    """
    built = [(index, each.neuron) for index, each in enumerate(outcomes) if each.neuron is not None]
    deadline = present_deadline()
    jobs = (_WideningJob(task, index, neuron, deadline) for index, neuron in built)
    results = run_jobs(_run, jobs, executor, total=len(built), step="widest", verdict=NeuronDesign.verdict)
    found: dict[int, NeuronDesign] = {}
    for (index, _), result in zip(built, results, strict=True):
        found[index] = result
        if progress is not None:
            progress("widest", len(found), len(built))
    return found


@one_blas_thread()
def _run(job: _WideningJob) -> NeuronDesign:
    with until(job.deadline):
        return NeuronDesign(_widest(_settled_problem(job), job.neuron))


def _settled_problem(job: _WideningJob) -> NeuronProblem:
    """Return the problem of the spikes that the neuron has, on its synapses alone if these are limited."""
    task, neuron = job.task, job.neuron
    own = task.n_hidden + job.output
    every = np.ones_like(neuron.raster)
    problem = task.problem(own, neuron.raster, constrained=every)
    if not has_open_ticks(task.spec):
        care = problem.relevant(task.care[:, own])
        problem = problem.constrained_to(problem.potential_map.at_every_look(care))
    if thrift_of(task.spec).is_limited:
        problem = restricted_to(problem, np.flatnonzero(neuron.weights.ravel()))
    return problem


def _widest(problem: NeuronProblem, neuron: Neuron) -> Neuron:
    """Return the neuron of widest margin over the chip's grids, but for those on which none can be wider."""
    grids = [problem.at_exponent(exponent) for exponent in problem.box.exponents]
    answer = proved_margin(grids[0])
    widest = neuron_of(grids[0], answer)
    for grid in grids[1:]:
        check_time()
        if bound_of(grid, answer.prices) <= widest.margin:
            continue
        found = neuron_of(grid, proved_margin(grid))
        if found.margin > widest.margin:
            widest = found
    return replace(widest, raster=neuron.raster)
