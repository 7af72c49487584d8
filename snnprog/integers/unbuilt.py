"""Integers for outputs without real weights, which may exist because decays truncate.

Decays truncate: a small current or potential is gone sooner than a share of it would be, so that integers can do what
no real weights under exact decays can. And a search among real weights can end without an answer. In both cases the
integers are fitted as they run (`snnprog.integers.fitted`); what is found becomes a neuron that needs no rounding.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Floats
from snnprog.chips import Chip
from snnprog.design.problem import NeuronProblem, neuron_problem
from snnprog.design.support import restricted_to
from snnprog.design.task import Task
from snnprog.errors import SolverError
from snnprog.integers.fitted import FEW_RUNS, Swept, Wanted, fitted, swept
from snnprog.integers.integer_problem import IntegerProblem
from snnprog.integers.machine import Machine
from snnprog.integers.rehearsal import relevant_of
from snnprog.integers.rounding import IntegerNeuron
from snnprog.integers.starts import reals_with_roundings, starts_of
from snnprog.network import Neuron
from snnprog.solver import Deadline, check_time, one_blas_thread, present_deadline, run_jobs, until
from snnprog.spec.options import NO_WINDOW

# Ticks and events that are run for one output, at all exponents together: a second or two; and before all small weights
# are tried: most that is found is found in a tenth of a second.
WORK, BRIEF_WORK = 3e8, 3e7
# Runs at one exponent and on one choice of taps that are worth it: two weights up to 16, or four up to 2.
LEAST_RUNS = 1000


@dataclass(frozen=True, eq=False)
class _FitJob:
    problem: NeuronProblem
    chip: Chip
    wanted: Wanted
    exponents: tuple[int, ...]
    seed: tuple[int, ...]
    deadline: Deadline | None
    runs: int
    work: float
    reals: Floats


def fit_outputs(
    task: Task,
    outputs: Sequence[int],
    *,
    exponents: Iterable[int] = (),
    seed: int = 0,
    executor: Executor | None = None,
    is_brief: bool = False,
    is_swept: bool = False,
    attempt: int = 0,
) -> dict[int, Neuron]:
    """Return neurons for as many of some outputs as integers are found for.

    Parameters
    ----------
    task : Task
        Their targets. If outputs feed outputs, all others are assumed to produce their targets.
    exponents : iterable of int
        The only ones that the neurons may have, where all must have the same; any, by default. Where only proportions
        count, the finest has what all have.
    is_brief : bool
        Whether to try no more than takes a tenth of a second.
    is_swept : bool
        Whether `sweep_outputs` has tried small weights already.
    attempt : int
        How often the outputs were fitted before: each time, other moves are drawn.
    """
    chip, few = task.spec.chip, 0 if is_swept else FEW_RUNS
    allowed = tuple(range(chip.exponents[0], chip.exponents[1] + 1))
    reals = {} if is_brief else {output: _reals(task, output) for output in outputs}
    if not chip.is_exponent_shared:
        efforts = [(0, BRIEF_WORK)] if is_brief else [(0, BRIEF_WORK), (few, WORK)]
        found: dict[int, Neuron] = {}
        for effort in efforts:
            left = [output for output in outputs if output not in found]
            jobs = [_job(task, output, allowed, draw=(seed, attempt), effort=effort, reals=reals) for output in left]
            found |= _found(left, jobs, executor)
        return found
    tried = tuple(exponents) or (allowed[:1] if task.box.is_scale_free else allowed)
    efforts = [(0, BRIEF_WORK)] if is_brief or few or len(tried) > 1 else []
    efforts += [] if is_brief else [(few, 0.0)] * (few > 0) + [(0, WORK)]
    best: dict[int, Neuron] = {}
    for (runs, work), exponent in itertools.product(efforts, tried):
        effort = runs, work / len(tried)
        jobs = [_job(task, output, (exponent,), draw=(seed, attempt), effort=effort, reals=reals) for output in outputs]
        found = _found(outputs, jobs, executor)
        best = max(best, found, key=len)
        if len(best) == len(outputs):
            break
    return best


def _reals(task: Task, output: int) -> Floats:
    """Return real unknowns to start from, (starts, taps + 2); none if the time does not allow them."""
    try:
        return reals_with_roundings(task, output)
    except SolverError:
        return np.zeros((0, task.mapping.n_taps + 2))


def _found(outputs: Sequence[int], jobs: Sequence[_FitJob], executor: Executor | None) -> dict[int, Neuron]:
    results = run_jobs(_fit, jobs, executor, total=len(jobs), step="fit", verdict=_verdict)
    return {output: neuron for output, neuron in zip(outputs, results, strict=True) if neuron is not None}


def _verdict(neuron: Neuron | None) -> str:
    return "not fitted" if neuron is None else "fitted"


def _job(
    task: Task,
    output: int,
    exponents: tuple[int, ...],
    *,
    draw: tuple[int, int],
    effort: tuple[int, float],
    reals: Mapping[int, Floats],
) -> _FitJob:
    """Return the work on one output.

    Parameters
    ----------
    draw : (int, int)
        The seed, and how often the output was fitted before.
    effort : (int, float)
        How many choices of small weights are tried, and how many ticks and events are run to fit others.
    """
    seed = (draw[0], output, *draw[1:]) if draw[1] else (draw[0], output)
    spec, care, relevant = task.spec, task.care[:, output], relevant_of(task, output)
    problem = neuron_problem(
        task.map_of(output), output, raster=task.targets[:, output], constrained=relevant, box=task.box.without_zero()
    )
    counts = np.ones_like(care) if spec.recurrent else care
    wanted = Wanted(counts, relevant, NO_WINDOW if spec.recurrent else spec.window, spec.fan_in)
    starts = reals.get(output, np.zeros((0, task.mapping.n_taps + 2)))
    return _FitJob(problem, spec.chip, wanted, exponents, seed, present_deadline(), *effort, starts)


def sweep_outputs(
    task: Task, outputs: Sequence[int], *, runs: int = FEW_RUNS, executor: Executor | None = None
) -> dict[int, Neuron]:
    """Return neurons for those of some outputs for which small weights at the chip's first exponent suffice.

    Parameters
    ----------
    runs : int
        How many choices of weights are tried for one output at most, and all or none of each size.
    """
    exponent = task.spec.chip.exponents[0]
    jobs = [_job(task, output, (exponent,), draw=(0, 0), effort=(runs, 0.0), reals={}) for output in outputs]
    return _found(outputs, jobs, executor)


@one_blas_thread()
def _fit(job: _FitJob) -> Neuron | None:
    machine = Machine(job.chip, job.problem.potential_map, job.problem.raster)
    problems = [IntegerProblem(job.problem.at_exponent(exponent), job.chip, machine) for exponent in job.exponents]
    fewer = [problem for problem in problems if problem.problem.exponent in job.chip.design_exponents] or problems
    try:
        with until(job.deadline):
            check_time()
            every = _swept(job, problems) if job.runs > 0 else Swept(None, is_complete=False)
            found = every.neuron
            if found is None and job.work > 0.0 and not every.is_complete:
                starts = starts_of(fewer, job.reals, job.wanted.synapses)
                found = fitted(fewer, job.wanted, starts=starts, work=job.work, seed=job.seed)
    except SolverError:
        return None
    return None if found is None else as_designed(found, machine)


def _swept(job: _FitJob, problems: Sequence[IntegerProblem]) -> Swept:
    """Try all small weights; with few allowed synapses, on every choice of taps, if these are few."""
    most, taps = job.wanted.synapses, problems[0].taps
    if most is None or most >= taps.size:
        return swept(problems, job.wanted, job.runs)
    runs = job.runs // math.comb(taps.size, most)
    if runs < LEAST_RUNS:
        return Swept(None, is_complete=False)
    for chosen in itertools.combinations(taps.tolist(), most):
        own = [replace(each, problem=restricted_to(each.problem, np.array(chosen, np.int64))) for each in problems]
        found = swept(own, job.wanted, runs)
        if found.neuron is not None:
            return found
    return Swept(None, is_complete=False)


def as_designed(found: IntegerNeuron, machine: Machine) -> Neuron:
    """Return integers as a design that needs no rounding."""
    weights = found.mantissas << found.exponent
    run = machine.simulator.run(weights.ravel(), found.threshold, found.bias)
    return Neuron(
        weights=weights.astype(np.float64),
        threshold=float(found.threshold),
        bias=found.bias / machine.unit,
        exponent=found.exponent,
        margin=0.0,
        bound=0.0,
        raster=run.spikes[: machine.fired.size],
        is_integral=True,
    )
