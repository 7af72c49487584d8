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
    """One output of a task; all that is calculated from them is calculated where the job runs, in its time.

    ``runs`` says how many choices of small weights are tried, and ``work`` how many ticks and events are run to fit
    others.
    """

    task: Task
    output: int
    exponents: tuple[int, ...]
    seed: tuple[int, ...]
    deadline: Deadline | None
    runs: int
    work: float
    reals: Floats

    @property
    def problem(self) -> NeuronProblem:
        """The neuron's rows at every relevant tick, with the target as its raster."""
        task, output = self.task, self.output
        return neuron_problem(
            task.map_of(output),
            output,
            raster=task.targets[:, output],
            constrained=relevant_of(task, output),
            box=task.box.without_zero(),
        )

    @property
    def wanted(self) -> Wanted:
        """What the neuron must do."""
        spec, care, relevant = self.task.spec, self.task.care[:, self.output], relevant_of(self.task, self.output)
        counts = np.ones_like(care) if spec.recurrent else care
        return Wanted(counts, relevant, NO_WINDOW if spec.recurrent else spec.window, spec.fan_in)


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
        How often the outputs were fitted before: each time, other moves are drawn; small weights are tried once.
    """
    chip, few = task.spec.chip, 0 if is_swept or attempt else FEW_RUNS
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
    starts = reals.get(output, np.zeros((0, task.mapping.n_taps + 2)))
    return _FitJob(task, output, exponents, seed, present_deadline(), *effort, starts)


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
    try:
        with until(job.deadline):
            check_time()
            return _fitted(job)
    except SolverError:
        return None


def _fitted(job: _FitJob) -> Neuron | None:
    chip, problem, wanted = job.task.spec.chip, job.problem, job.wanted
    machine = Machine(chip, problem.potential_map, problem.raster)
    problems = [IntegerProblem(problem.at_exponent(exponent), chip, machine) for exponent in job.exponents]
    fewer = [each for each in problems if each.problem.exponent in chip.design_exponents] or problems
    every = _swept(problems, wanted, job.runs) if job.runs > 0 else Swept(None, is_complete=False)
    found = every.neuron
    if found is None and job.work > 0.0 and not every.is_complete:
        starts = starts_of(fewer, job.reals, wanted.synapses)
        found = fitted(fewer, wanted, starts=starts, work=job.work, seed=job.seed)
    return None if found is None else as_designed(found, machine)


def _swept(problems: Sequence[IntegerProblem], wanted: Wanted, most_runs: int) -> Swept:
    """Try all small weights; with few allowed synapses, on every choice of taps, if these are few."""
    most, taps = wanted.synapses, problems[0].taps
    if most is None or most >= taps.size:
        return swept(problems, wanted, most_runs)
    runs = most_runs // math.comb(taps.size, most)
    if runs < LEAST_RUNS:
        return Swept(None, is_complete=False)
    for chosen in itertools.combinations(taps.tolist(), most):
        own = [replace(each, problem=restricted_to(each.problem, np.array(chosen, np.int64))) for each in problems]
        found = swept(own, wanted, runs)
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
