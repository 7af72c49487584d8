"""The closest feasible rasters for infeasible targets, and their neurons.

What is sought is a raster, not weights: a program is then designed that is exact for it, and its difference from the
target is what comes out wrong.

Decisions
---------
- Whatever weights do when they are let run can be done. So one start of the search are weights that do most of what the
  target asks (see `fitting`); the other is the target, without the bins that its refusals price most.
- From the best start, wrong bins are won back, many at once and then one by one, as verdicts allow; in the end also
  two for one.
- Missing and extra spikes have costs, and the nearest raster is the cheapest.
- In smaller problems, some of the effort goes into a proof: the cheapest raster that no refusal rules out is either
  possible, and then none is nearer, or one more refusal. So the answer comes with a cost that no raster undercuts. In
  larger ones, contradictions are counted that have no bin in common (`packing`).
- Effort is counted in verdicts, fewer for larger problems; a limit of time may end it sooner. Silence (what neurons
  without synapses do) is always left. Where too few verdicts would be left, nothing else is looked for here: integers
  are found without them (`snnprog.integers.nearest`).
- Outputs that feed one another are searched together: a raster counts only if all can give theirs when all do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.design.neuron import NeuronDesign
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.certificate import Certificate
from snnprog.design.rasters.choosing import changes_of
from snnprog.design.rasters.fitting import fitted
from snnprog.design.rasters.judge import Judge
from snnprog.design.rasters.packing import packed
from snnprog.design.rasters.running import closed_loop, free_run
from snnprog.design.searched import design_few
from snnprog.design.sparse import thrift_of
from snnprog.design.task import Task
from snnprog.errors import SolverError, UndecidedError
from snnprog.judgement import WrongBinCosts
from snnprog.network import Neuron
from snnprog.progress import Progress
from snnprog.rounding import half_even, half_even_integer
from snnprog.solver import Deadline, is_time_over, one_blas_thread, present_deadline, run_jobs, step, until
from snnprog.spec import Spec
from snnprog.spec.options import NO_WINDOW

# How long the search may take: verdicts times the entries of the rows, the fewest and the most verdicts whatever the
# size, and those for a proof. A third of PROOF_VERDICTS left 2 more wrong bins on 1 of 3 specs, at .66 of the time; the
# others, × 3 and ÷ 3, changed nothing there.
EFFORT, LEAST_VERDICTS, MOST_VERDICTS, PROOF_VERDICTS = 4_000_000, 6, 400, 150
# How many times as long a verdict takes at most where synapses are counted; only the effort depends on it.
SYNAPSES = 4
# The cheapest wrong bin counts as at most so many units: as many as make the others whole units, too. If none does,
# they are rounded down, so that the bound holds.
PRICE_STEPS, CLOSE_TO_INTEGER = 1000, 1e-9
# How many of the dearest bins are tried as the price of another.
TRADES = 2
# The share of a time limit that the search may take; the rest is for building what it finds, one design.
SEARCHING_SHARE = 0.8
# After how many repairs one more bin is changed at a time, so that large rasters come to an end.
STEPS_PER_BIN = 10


@dataclass(frozen=True, eq=False)
class NearestDesign:
    """The closest rasters of some outputs, with their neurons.

    Attributes
    ----------
    outputs : tuple of int
    raster : (ticks of all patterns, outputs) bool
    at_least : float
        No raster that these outputs can give has a lower cost in all.
    designs : tuple of NeuronDesign
        A neuron for each output.
    is_out_of_time : bool
        Whether the time limit ended the search.
    """

    outputs: tuple[int, ...]
    raster: Raster
    at_least: float
    designs: tuple[NeuronDesign, ...]
    is_out_of_time: bool = False

    def verdict(self) -> str:
        """Return the result in a word."""
        return "closest"


@dataclass(frozen=True, eq=False)
class _NearestJob:
    task: Task
    outputs: tuple[int, ...]
    rounding_proof: bool
    costs: WrongBinCosts
    conflict: Certificate | None
    deadline: Deadline | None


def has_free_integers(spec: Spec) -> bool:
    """Return whether integers of each output can be searched alone, and only its bins decide (`snnprog.integers`)."""
    is_fewer_chosen = spec.may_taps_be_absent and spec.mantissas.is_binary
    return not spec.recurrent and spec.window == NO_WINDOW and spec.noise == 0.0 and not is_fewer_chosen


def design_closest(
    spec: Spec,
    outputs: Iterable[int],
    *,
    costs: WrongBinCosts,
    conflicts: Mapping[int, Certificate],
    rounding_proof: bool = False,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> tuple[NearestDesign, ...]:
    """Design outputs for the nearest rasters to their targets that are found; all together if they feed outputs.

    Parameters
    ----------
    outputs : iterable of int
        Those that cannot reproduce the targets.
    costs : WrongBinCosts
    conflicts : mapping of int to Certificate
        What is proved of some outputs already: demands of the target that contradict one another.
    rounding_proof : bool
        Whether only rasters are sought that survive every rounding of the weights.
    executor, progress
        As for `snnprog.design.design`; the step is called "closest".

    Raises
    ------
    SolverError
        If the solver fails.
    """
    groups = [tuple(range(spec.n_outputs))] if spec.recurrent else [(output,) for output in outputs]
    task = Task.of(spec)
    jobs = [
        _NearestJob(task, group, rounding_proof, costs, conflicts.get(group[0]), present_deadline()) for group in groups
    ]
    found = []
    results = run_jobs(_run, jobs, executor, total=len(jobs), step="closest", verdict=NearestDesign.verdict)
    for nearest in results:
        found.append(nearest)
        if progress is not None:
            progress("closest", len(found), len(jobs))
    return tuple(found)


def without_synapses(task: Task, outputs: Iterable[int]) -> NearestDesign:
    """Return neurons without synapses, which follow their bias alone: they fit any chip."""
    judge = Judge(task, outputs)
    everything = task.targets[:, list(judge.outputs)]
    neurons = [_idle(problem) for problem in judge.problems(everything)]
    raster = np.stack([neuron.raster for neuron in neurons], axis=1)
    return NearestDesign(judge.outputs, raster, 0.0, tuple(NeuronDesign(neuron) for neuron in neurons))


@one_blas_thread()
def _run(job: _NearestJob) -> NearestDesign:
    with until(job.deadline):
        if is_time_over():
            return replace(without_synapses(job.task, job.outputs), is_out_of_time=True)
        judge = Judge(job.task, job.outputs, rounding_proof=job.rounding_proof)
        search = Search(judge, job.costs)
        is_out_of_time = _is_cut_short(search, job)
        try:
            designs = [_built(job, problem) for problem in judge.problems(search.best)]
        except UndecidedError:
            idle = without_synapses(job.task, job.outputs)
            return replace(idle, at_least=search.at_least, is_out_of_time=True)
    return NearestDesign(job.outputs, search.best, search.at_least, tuple(designs), is_out_of_time)


def _is_cut_short(search: Search, job: _NearestJob) -> bool:
    """Search within the time limit, less the time to build the result; return whether time ended it."""
    try:
        with step("closest", share=SEARCHING_SHARE):
            if search.is_large and has_free_integers(job.task.spec):
                search.count_contradictions(job.conflict)
            else:
                search.run()
    except UndecidedError:
        return True
    return False


def _built(job: _NearestJob, problem: NeuronProblem) -> NeuronDesign:
    """Design a neuron for the raster that was found, on few taps if requested."""
    design = design_few(problem, thrift_of(job.task.spec))
    return design if design.neuron is not None else NeuronDesign(_idle(problem))


class Search:
    """The search for the raster nearest to a target.

    Attributes
    ----------
    target, care, best : (ticks of all patterns, outputs) bool
        The specification, where it counts, and the nearest raster found.
    costs : (ticks of all patterns, outputs) float
        What each bin costs if it is wrong.
    at_least : float
        A cost that no raster undercuts.
    """

    def __init__(self, judge: Judge, costs: WrongBinCosts) -> None:
        self.judge, spec, chosen = judge, judge.spec, list(judge.outputs)
        self.target: Raster = spec.targets[:, chosen]
        self.care: Raster = spec.care[:, chosen]
        self.costs = costs.of(self.target, self.care)
        problems = judge.problems(self.target)
        size = self.target.size * problems[0].potential_map.n_taps
        verdicts = int(np.clip(EFFORT // max(size, 1), LEAST_VERDICTS, MOST_VERDICTS))
        self.is_small, self.is_large = verdicts == MOST_VERDICTS, verdicts == LEAST_VERDICTS
        self.verdicts = verdicts if spec.fan_in is None else max(verdicts // SYNAPSES, LEAST_VERDICTS)
        self.best: Raster = np.stack([_idle(problem).raster for problem in problems], axis=1)
        self.at_least = 0.0

    def cost(self, raster: Raster) -> float:
        """Return the cost of the bins that differ from the target."""
        return float(self.costs[raster != self.target].sum())

    def run(self) -> None:
        """Find the best raster, and a bound on the cost, within the effort."""
        if self.cost(self.best) == 0.0 or self._keep_if_possible(self.target):
            return
        self.at_least = float(self.costs.min()) if self.care.all() and self.judge.is_sure else 0.0
        self._keep_if_possible(self._fitted())
        self._repair(self.target, self.verdicts // 4)
        self._win_back(3 * self.verdicts // 4)
        if self.is_small:
            self._prove(min(self.verdicts, self.judge.calls + PROOF_VERDICTS))
        self._exchange()

    def count_contradictions(self, known: Certificate | None) -> None:
        """Find a bound on the cost, without any raster."""
        if self.cost(self.best) > 0.0:
            self.at_least = packed(self.judge.problems(self.target)[0], self.costs[:, 0], known)

    def _keep_if_possible(self, raster: Raster) -> bool:
        """Ask about a raster that would be better than the best; return whether it can be given."""
        if self.cost(raster) < self.cost(self.best) and self.judge.verdict(raster).is_feasible:
            self.best = raster
            return True
        return False

    def _repair(self, raster: Raster, verdicts: int) -> None:
        """Change the dearest bin, each at most once, until the raster is possible; more at once if necessary."""
        changed = np.zeros_like(raster)
        step = 0
        while self.judge.calls < verdicts and self.cost(raster) < self.cost(self.best):
            verdict = self.judge.verdict(raster)
            if verdict.is_feasible:
                self.best = raster
                return
            prices = np.where(changed, 0.0, verdict.prices).ravel()
            dearest = np.argsort(-prices, kind="stable")[: 1 + step // STEPS_PER_BIN]
            dearest = dearest[prices[dearest] > 0.0]
            if dearest.size == 0:
                return
            changed.flat[dearest] = True
            raster = raster ^ _bins(raster, dearest)
            step += 1

    def _fitted(self) -> Raster:
        """Return the raster of weights that were fitted to the target."""
        problems = self.judge.problems(self.target)
        looks = [fitted(problem.idealised(0), self.care[:, index]) for index, problem in enumerate(problems)]
        if not self.judge.spec.recurrent:
            return looks[0].raster[:, None]
        inputs = self.judge.spec.inputs
        thresholds, biases = np.array([(look.threshold, look.bias) for look in looks]).T
        weights = np.stack([look.weights for look in looks])
        return closed_loop(problems[0].potential_map, inputs, weights=weights, thresholds=thresholds, biases=biases)

    def _win_back(self, verdicts: int) -> None:
        """Set wrong bins right, neighbours together, in ever smaller groups."""
        size = int((self.costs[self.best != self.target] > 0.0).sum())
        while size > 0 and self.judge.calls < verdicts:
            bins = np.flatnonzero((self.best != self.target) & self.care)
            won = False
            for first in range(0, bins.size, size):
                if self.judge.calls >= verdicts:
                    return
                won |= self._keep_if_possible(self.best ^ _bins(self.best, bins[first : first + size]))
            size = size if won and size == 1 else size // 2

    def _prove(self, verdicts: int) -> None:
        """Ask about the cheapest raster not ruled out yet, until one can be given or the verdicts are spent."""
        step = _common_step(self.costs[self.costs > 0.0])
        choices = changes_of(self.target, np.floor(self.costs / step + CLOSE_TO_INTEGER))
        for raster, verdict in self.judge.refusals:
            choices.refuse(raster, verdict)
        known = len(self.judge.refusals)
        try:
            while self.judge.is_sure and self.at_least < self.cost(self.best) and self.judge.calls < verdicts:
                cheapest = choices.cheapest()
                if cheapest is None:
                    return
                self.at_least = half_even_integer(cheapest[1]) * step
                if self.judge.verdict(cheapest[0]).is_feasible:
                    self._keep_if_possible(cheapest[0])
                    return
                self._repair(cheapest[0], verdicts)
                for raster, verdict in self.judge.refusals[known:]:
                    choices.refuse(raster, verdict)
                known = len(self.judge.refusals)
        except SolverError:
            return

    def _exchange(self) -> None:
        """Set a wrong bin right at the price of another, wherever that lets a third one be set right, too."""
        is_better = self.at_least < self.cost(self.best)
        while is_better:
            is_better = any(self._trade(first) for first in np.flatnonzero((self.best != self.target) & self.care))

    def _trade(self, first: np.int64) -> bool:
        """Look for a better raster among those that have the wrong bin ``first`` right; return whether there is one."""
        wrong = np.flatnonzero((self.best != self.target) & self.care)
        right = ((self.best == self.target) & self.care).ravel()
        one = self.best ^ _bins(self.best, first)
        if self.judge.calls >= self.verdicts:
            return False
        prices = self.judge.verdict(one).prices.ravel() * right
        for price in np.argsort(-prices, kind="stable")[:TRADES]:
            two = one ^ _bins(self.best, price)
            if self.judge.calls < self.verdicts and prices[price] > 0.0 and self.judge.verdict(two).is_feasible:
                for third in wrong[wrong != first]:
                    if self.judge.calls < self.verdicts and self._keep_if_possible(two ^ _bins(two, third)):
                        return True
        return False


def _common_step(prices: Floats) -> float:
    """Return the largest share of the least price, one by an integer, that all prices are multiples of."""
    least = float(prices.min())
    for parts in range(1, PRICE_STEPS):
        multiples = prices * (parts / least)
        if np.abs(multiples - half_even(multiples)).max() < CLOSE_TO_INTEGER:
            return least / parts
    return least / PRICE_STEPS


def _bins(raster: Raster, places: Int64s | np.int64) -> Raster:
    """Return the raster that is true at these places (of the flat raster) only."""
    chosen = np.zeros_like(raster)
    chosen.flat[places] = True
    return chosen


def _idle(problem: NeuronProblem) -> Neuron:
    """Return the neuron without synapses."""
    mapping, box = problem.potential_map, problem.box
    bias = 0.0 if box.is_bias_free else box.bias[0]
    return Neuron(
        weights=np.zeros((mapping.delays.size, mapping.n_lines)),
        threshold=box.threshold[1],
        bias=bias,
        exponent=0,
        margin=0.0,
        bound=0.0,
        raster=free_run(problem, np.zeros(mapping.n_taps), threshold=box.threshold[1], bias=bias),
    )
