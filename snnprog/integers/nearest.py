"""Integers with the cheapest wrong bins that are found, for outputs whose targets are impossible.

What a neuron with these integers does when the chip's own rule runs it freely is what counts, from the first step on.
The search starts from several neurons:

- those that are given: neurons of a program, and the neuron without synapses;
- the weights of a support vector machine (`snnprog.design.rasters.relaxation`), rounded, each with the thresholds that
  cost least; where synapses are limited, only its largest weights.

The cheapest of them are then improved by moves (`snnprog.simulate.descent`). The cheapest neuron that was seen is kept,
so the result is never worse than any start. Where few synapses are requested, weights that cost nothing to miss are
then removed. Effort is counted in ticks that are run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Int64s
from snnprog.design.problem import neuron_problem
from snnprog.design.rasters.relaxation import RelaxedNeuron, relaxations
from snnprog.design.task import Task
from snnprog.errors import UndecidedError
from snnprog.integers.fitted import movable_of
from snnprog.integers.integer_problem import IntegerProblem
from snnprog.integers.machine import Machine
from snnprog.integers.rounding import FITTED, IntegerNeuron
from snnprog.integers.unbuilt import as_designed
from snnprog.judgement import WrongBinCosts
from snnprog.network import Neuron
from snnprog.progress import Progress
from snnprog.simulate.descent import Descent
from snnprog.solver import Deadline, check_time, is_time_over, one_blas_thread, present_deadline, run_jobs, until

# Ticks and entries that are run for one output: some seconds. A third of it costs 2 % more on the retina's impossible
# outputs.
WORK = 3e8
# And the most moves: neurons of a few ticks are done long before.
MOST_MOVES = 20_000
# How many of the starts are improved, beside the cheapest of each exponent; and the share of the work for all of them:
# the rest is for the best alone.
IMPROVED, FIRST_SHARE = 4, 0.5
# How many moves back a neuron may have cost as much; each as often as the next.
MEMORIES = (1, 50, 500)
# Scales at which real weights are rounded, as shares of the chip's largest weight: the first that is portable is kept.
SCALES = (1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125)
# Thresholds that are tried for given weights, by how many spikes they let through, as shares of those that are due.
THROUGH = (0.03, 0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5)
# Ticks and entries that are run between two looks at the clock: some 50 ms.
AT_ONCE = 5_000_000


@dataclass(frozen=True, eq=False)
class Near:
    """A neuron that was found, and the cost of its wrong bins; None if no start is portable.

    Attributes
    ----------
    neuron : Neuron or None
    cost : float
    is_out_of_time : bool
        Whether the time limit ended the search.
    """

    neuron: Neuron | None
    cost: float
    is_out_of_time: bool = False

    def verdict(self) -> str:
        """Return the result in a word."""
        return "closest"


@dataclass(frozen=True, eq=False)
class _NearJob:
    """One output of a task; all that is calculated from them is calculated where the job runs, in its time."""

    task: Task
    output: int
    costs: WrongBinCosts
    given: tuple[IntegerNeuron, ...]
    enough: float
    exponents: tuple[int, ...]
    seed: tuple[int, int]
    deadline: Deadline | None


def nearest_integers(
    task: Task,
    given: Mapping[int, Sequence[IntegerNeuron]],
    *,
    costs: WrongBinCosts,
    at_least: Mapping[int, float],
    exponents: tuple[int, ...] = (),
    seed: int = 0,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> dict[int, Near]:
    """Return the cheapest integers that are found for some outputs that feed no others.

    Parameters
    ----------
    task : Task
    given : mapping of int to sequence of IntegerNeuron
        The outputs, and neurons from which to start.
    costs : WrongBinCosts
    at_least : mapping of int to float
        WrongBinCosts that no neuron of an output undercuts: the search ends there.
    exponents : tuple of int
        The only ones that neurons may have, where all must have the same; any of the chip's, by default.
    seed : int
        Seed of the moves.
    executor, progress
        As for `snnprog.design.design`; the step is called "closest".
    """
    tried, deadline = exponents or _exponents(task), present_deadline()
    jobs = [
        _NearJob(task, output, costs, tuple(neurons), at_least[output], tried, (seed, output), deadline)
        for output, neurons in given.items()
    ]
    found: dict[int, Near] = {}
    results = run_jobs(_run, jobs, executor, total=len(jobs), step="closest", verdict=Near.verdict)
    for output, near in zip(given, results, strict=True):
        found[output] = near
        if progress is not None:
            progress("closest", len(found), len(jobs))
    return found


def _exponents(task: Task) -> tuple[int, ...]:
    """Return the exponents at which to search: the finest where only proportions count, else all."""
    if task.box.is_scale_free:
        return task.box.exponents[:1]
    low, high = task.spec.chip.exponents
    return tuple(range(low, high + 1))


@one_blas_thread()
def _run(job: _NearJob) -> Near:
    with until(job.deadline):
        if is_time_over():
            return Near(None, np.inf, is_out_of_time=True)
        nearing = _Nearing(job)
        try:
            nearing.run()
        except UndecidedError:
            return nearing.found(is_out_of_time=True)
        return nearing.found()


@dataclass(frozen=True, eq=False)
class _NearStart:
    cost: float
    exponent: int
    values: Int64s


class _Nearing:
    """The search for one output."""

    def __init__(self, job: _NearJob) -> None:
        task, output = job.task, job.output
        self.job, self.spec = job, task.spec
        self.due, care = task.targets[:, output], task.care[:, output]
        self.costs, box = job.costs.of(self.due, care), task.box.without_zero()
        self.problem = neuron_problem(
            task.map_of(output), output, raster=self.due, constrained=np.ones_like(care), box=box
        )
        self.machine = Machine(self.spec.chip, self.problem.potential_map, self.problem.raster)
        self.best: _NearStart | None = None
        self._known: dict[int, tuple[IntegerProblem, Descent]] = {}

    def at(self, exponent: int) -> tuple[IntegerProblem, Descent]:
        """Return the problem with a grid, and the search on it."""
        if exponent not in self._known:
            problem = IntegerProblem(self.problem.at_exponent(exponent), self.spec.chip, self.machine)
            unknowns, parameters = movable_of(problem, self.spec.fan_in)
            descent = Descent(
                self.machine.simulator,
                self.due,
                self.costs,
                unknowns=unknowns,
                parameters=parameters,
                enough=self.job.enough,
            )
            self._known[exponent] = problem, descent
        return self._known[exponent]

    def found(self, *, is_out_of_time: bool = False) -> Near:
        """Return the best neuron as a design that needs no rounding."""
        if self.best is None:
            return Near(None, np.inf, is_out_of_time)
        problem, _ = self.at(self.best.exponent)
        counts = self.costs > 0.0
        neuron = problem.run_neuron(self.best.values, FITTED, counts=counts)
        return Near(as_designed(neuron, self.machine), self.best.cost, is_out_of_time)

    def run(self) -> None:
        """Look at all starts, and improve the cheapest of them."""
        starts = [start for start in self._given() if np.isfinite(start.cost)]
        if not self._is_enough():
            starts += list(self._relaxed())
        starts = _promising(starts)
        generator = np.random.default_rng(self.job.seed)
        improved = [self._improved(start, WORK * FIRST_SHARE / len(starts), generator) for start in starts]
        if improved:
            cheapest = min(improved, key=lambda start: start.cost)
            self._improved(cheapest, WORK * (1.0 - FIRST_SHARE), generator)
        if self.best is not None and self.spec.sparse:
            self._thin(self.best)

    def _thin(self, start: _NearStart) -> None:
        """Remove weights that cost nothing to miss, the smallest first."""
        problem, descent = self.at(start.exponent)
        weights = start.values[: problem.taps.size]
        values, removable = start.values.copy(), (problem.ranges[0] <= 0) & (problem.ranges[1] >= 0)
        for index in np.argsort(np.abs(weights), kind="stable"):
            if values[index] == 0 or not removable[index]:
                continue
            check_time()
            fewer = values.copy()
            fewer[index] = 0
            if descent.run(fewer, steps=0, memory=1, seed=1) <= start.cost:
                values = fewer
                self.best = _NearStart(start.cost, start.exponent, values)

    def _is_enough(self) -> bool:
        return self.best is not None and self.best.cost <= self.job.enough

    def _start(self, exponent: int, values: Int64s) -> _NearStart:
        """Return what unknowns cost; keep the cheapest."""
        check_time()
        values = values.copy()
        start = _NearStart(self.at(exponent)[1].run(values, steps=0, memory=1, seed=1), exponent, values)
        if np.isfinite(start.cost) and (self.best is None or start.cost < self.best.cost):
            self.best = start
        return start

    def _given(self) -> Iterator[_NearStart]:
        for neuron in self.job.given:
            problem, _ = self.at(neuron.exponent)
            box, bias = problem.problem.box, neuron.bias / self.machine.unit
            mantissas = box.nearest_weights(neuron.mantissas.ravel().astype(np.float64))
            values = problem.unknowns(mantissas, neuron.threshold, bias)
            yield self._start(neuron.exponent, values)
        for exponent in self.job.exponents:
            problem, _ = self.at(exponent)
            nothing = problem.problem.box.nearest_weights(np.zeros(problem.problem.potential_map.n_taps))
            yield self._start(exponent, problem.unknowns(nothing, self.spec.chip.thresholds[1], 0.0))

    def _relaxed(self) -> Iterator[_NearStart]:
        for exponent in self.job.exponents:
            problem = self.problem.at_exponent(exponent)
            for real in relaxations(problem, self.costs, self.due):
                yield from self._rounded(exponent, _with_largest(real, self.spec.fan_in))

    def _rounded(self, exponent: int, real: RelaxedNeuron) -> Iterator[_NearStart]:
        """Yield the rounded neuron with the thresholds that cost least, at the largest scale that is portable."""
        problem, _ = self.at(exponent)
        box, step = problem.problem.box, problem.problem.step
        top = float(np.abs(real.weights).max(initial=0.0))
        if top == 0.0:
            return
        full = step * float(np.maximum(-box.weight_lower, box.weight_upper).max(initial=1.0)) / top
        for scale in (full * share for share in SCALES) if box.is_scale_free else (1.0,):
            mantissas = box.nearest_weights(real.weights * scale / step)
            values = problem.unknowns(mantissas, scale * real.threshold, scale * real.bias)
            starts = [self._start(exponent, each) for each in self._with_thresholds(problem, values)]
            portable = [start for start in starts if np.isfinite(start.cost)]
            if portable:
                yield min(portable, key=lambda start: start.cost)
                return

    def _with_thresholds(self, problem: IntegerProblem, values: Int64s) -> Iterator[Int64s]:
        yield values
        place = problem.taps.size
        if not problem.problem.box.is_threshold_free:
            return
        weights = np.zeros(problem.problem.potential_map.n_taps, np.int64)
        weights[problem.taps] = values[:place] << problem.problem.exponent
        bias = int(values[-1]) * problem.bias_step if problem.problem.box.is_bias_free else 0
        run = self.machine.simulator.run(weights, int(values[place]), bias, self.due)
        counts = self.costs > 0.0
        falling = np.sort(run.potentials[: counts.size][counts])[::-1] // self.machine.unit
        due = int((self.due & counts).sum())
        lower, upper = (end[place] for end in problem.ranges)
        for share in THROUGH:
            if falling.size:
                threshold = int(falling[min(int(share * due), falling.size - 1)])
                other = values.copy()
                other[place] = min(max(threshold, lower), upper)
                yield other

    def _improved(self, start: _NearStart, work: float, generator: np.random.Generator) -> _NearStart:
        """Improve a neuron by moves, each round with another memory."""
        _, descent = self.at(start.exponent)
        values, cost = start.values.copy(), start.cost
        for memory in MEMORIES:
            moves = min(MOST_MOVES, int(work / len(MEMORIES) / descent.cost))
            while moves > 0 and not self._is_enough():
                check_time()
                steps = min(moves, max(AT_ONCE // descent.cost, memory))
                cost = descent.run(values, steps=steps, memory=memory, seed=int(generator.integers(1, 1 << 62)))
                moves -= steps
                if self.best is None or cost < self.best.cost:
                    self.best = _NearStart(cost, start.exponent, values.copy())
        return _NearStart(cost, start.exponent, values)


def _with_largest(real: RelaxedNeuron, most: int | None) -> RelaxedNeuron:
    """Return the neuron with at most so many weights, the largest."""
    if most is None:
        return real
    weights = np.zeros_like(real.weights)
    largest = np.argsort(-np.abs(real.weights), kind="stable")[:most]
    weights[largest] = real.weights[largest]
    return RelaxedNeuron(weights, real.threshold, real.bias)


def _promising(starts: Iterable[_NearStart]) -> list[_NearStart]:
    """Return the cheapest starts, and the cheapest of each exponent."""
    by_values: dict[tuple[int, bytes], _NearStart] = {}
    for start in sorted(starts, key=lambda start: start.cost):
        by_values.setdefault((start.exponent, start.values.tobytes()), start)
    cheapest = list(by_values.values())
    by_exponent: dict[int, _NearStart] = {}
    for start in cheapest:
        by_exponent.setdefault(start.exponent, start)
    others = [start for start in by_exponent.values() if start not in cheapest[:IMPROVED]]
    return cheapest[:IMPROVED] + others
