"""The repair of a neuron that plain rounding does not make exact, in order of methods.

1. Rounding that re-optimises the rest (`snnprog.integers.reoptimise`), at every exponent that is worth it.
2. All small integers, and a short fit of others, as they run (`snnprog.integers.fitted`), which alone know of
   truncation, of what a neuron does where nothing counts, and of noise. Where these are all there are, this is the end.
3. A short integer search (`snnprog.integers.search`) from there.
4. For neurons of moderate size, the first again in smaller steps.
5. For small neurons the exhaustive search (`snnprog.integers.exhaustive`): integers, or nothing more to look for.
6. More small integers, a long fit, and a long integer search.

What is handed back has run through the chip's integer rule and was exact there. The work is limited by counts, so the
outcome is the same on every machine; a limit of time ends it sooner, and says so.

Exponents: where the scale is free, the largest at which the design's weights fit the widths, because coarser grids
make truncation small and the threshold's steps fine; an answer that does not fit is tried at those below. Where a
threshold or bias is fixed, each exponent is a problem separate.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.chips import Chip
from snnprog.design.margins.answer import WidestMargin
from snnprog.design.problem import NeuronProblem
from snnprog.errors import UndecidedError
from snnprog.integers.every_weight import every_weight, is_countable
from snnprog.integers.exhaustive import (
    EXPONENTS_EFFORT,
    UNPROVABLE_EFFORT,
    WHOLE_EFFORT,
    Repair,
    is_small,
    relaxed,
    whole,
)
from snnprog.integers.fitted import FEW_RUNS, MANY_RUNS, Swept, Wanted, fitted, swept
from snnprog.integers.integer_problem import IntegerProblem
from snnprog.integers.machine import Machine
from snnprog.integers.reoptimise import MODERATE_ENTRIES, ideal, reoptimised
from snnprog.integers.rounding import FLOAT_SLACK, IntegerNeuron
from snnprog.integers.search import LONG, SHORT, IntegerRows, Schedule, search
from snnprog.integers.widths import widths_for_patterns
from snnprog.network import Neuron
from snnprog.rounding import half_even_integer
from snnprog.solver import Deadline, check_time, one_blas_thread, until

REOPTIMISED, SEARCHED = "re-optimised", "searched"
# The shares of the weights that become integers at a time: the smaller, the better the integers and the longer it
# takes (a linear program each time), so small ones only up to this many entries of all rows. Beyond the last number,
# nothing but the first dive is done. × 3 and ÷ 3 of each (of the odds, for shares): no change on 1 spec that no
# integers solve.
LARGE_SHARE, SMALL_SHARES = 0.5, (0.05, 0.1, 0.03)
MOST_ENTRIES = 50_000_000
# Ticks and events that are run to fit integers: some tenths of a second, and some seconds.
BRIEF_FIT, SHORT_FIT, LONG_FIT = 1e7, 3e7, 3e8


# How much is done: small weights are tried alone; the first two means of the list above are; or all.
SWEEP, BRIEF, FULL = range(3)


@dataclass(frozen=True, eq=False)
class RepairJob:
    """One neuron to repair: its rows at every tick with its designed raster, its real weights, and their ranges.

    ``seed`` is the compilation's, and the neuron's own number; ``is_alone`` tells that there is no other neuron;
    ``wanted`` is where it must do what its raster says; ``effort`` says which means.
    """

    problem: NeuronProblem
    neuron: Neuron
    chip: Chip
    seed: tuple[int, int]
    wanted: Wanted
    deadline: Deadline | None = None
    is_alone: bool = False
    effort: int = FULL


@dataclass(frozen=True, eq=False)
class _Start:
    problem: IntegerProblem
    unknowns: Int64s


@one_blas_thread()
def repair(job: RepairJob) -> Repair:
    """Find integers that make a neuron exact, until the job's deadline.

    Raises
    ------
    SolverError
        If the solver fails.
    """
    try:
        with until(job.deadline):
            check_time()
            return _repair(job)
    except UndecidedError:
        return Repair(None, is_out_of_time=True)


def _repair(job: RepairJob) -> Repair:
    family = _Family(job)
    if job.effort == SWEEP:
        return Repair(family.swept().neuron)
    problems = family.worthwhile()
    starts = [_dive(problem, LARGE_SHARE) for problem in problems]
    neuron = family.first_exact(starts, REOPTIMISED)
    if neuron is None and (job.effort == FULL or len(family.exponents) > 1):
        every = family.swept()
        if every.neuron is not None or every.is_complete:
            return Repair(every.neuron)
    if neuron is not None or family.entries > MOST_ENTRIES:
        return Repair(neuron)
    neuron = family.fitted(starts, BRIEF_FIT if job.effort == BRIEF else SHORT_FIT)
    if job.effort == BRIEF:
        return Repair(neuron)
    neuron = neuron or _search_all(family, starts, schedule=SHORT, bounds=(_sure, _bare))
    for share in SMALL_SHARES if family.entries <= MODERATE_ENTRIES else ():
        if neuron is not None:
            break
        finer = [_dive(problem, share) for problem in problems]
        neuron = family.first_exact(finer, REOPTIMISED)
        starts = [min(pair, key=_shortfall) for pair in zip(starts, finer, strict=True)]
    if neuron is not None:
        return Repair(neuron)
    if is_small(family.at(family.exponents[0])):
        outcome = _exhaust(family)
        if outcome.neuron is not None or (outcome.is_impossible and job.wanted.counts.all()):
            return outcome
    every = family.swept(MANY_RUNS)
    if every.neuron is not None or every.is_complete:
        return Repair(every.neuron)
    neuron = family.fitted(starts, LONG_FIT)
    return Repair(neuron or _search_all(family, starts, schedule=LONG, bounds=(_sure,)))


class _Family:
    """One neuron's integer problems at all exponents of the chip."""

    def __init__(self, job: RepairJob) -> None:
        self.job, self.chip = job, job.chip
        self.machine = Machine(self.chip, job.problem.potential_map, job.problem.raster)
        self.is_scale_free = job.problem.box.is_scale_free
        low, high = self.chip.exponents
        own = job.neuron.exponent
        is_given = self.chip.is_exponent_shared and not job.is_alone
        self.exponents = range(own, own + 1) if is_given else range(low, high + 1)
        self.entries = job.problem.potential_map.n_taps * job.problem.raster.size
        self._known: dict[int, IntegerProblem] = {}
        self._ideals: dict[int, WidestMargin] = {}

    def at(self, exponent: int) -> IntegerProblem:
        if exponent not in self._known:
            problem = self.job.problem.at_exponent(exponent)
            self._known[exponent] = IntegerProblem(problem, self.chip, self.machine)
        return self._known[exponent]

    def worthwhile(self) -> list[IntegerProblem]:
        """Return the problems at exponents at which to look for integers, the most promising first."""
        if self.is_scale_free:
            return [self.at(max(filter(self._fits, self.exponents), default=self.exponents[0]))]
        ideals = [(self._ideal(exponent), exponent) for exponent in self.exponents]
        possible = [(answer.bound, exponent) for answer, exponent in ideals if answer.is_feasible]
        return [self.at(exponent) for _, exponent in sorted(possible, reverse=True)]

    def exact(self, problem: IntegerProblem, unknowns: Int64s, rounding: str) -> IntegerNeuron | None:
        """Return the neuron that is exact here or, if the scale is free, with the same mantissas at a lower one."""
        exponent = problem.problem.exponent
        least = self.exponents[0] if self.is_scale_free else exponent
        for lower in range(exponent, least - 1, -1):
            neuron = self.at(lower).exact_neuron(self._lowered(problem, lower, unknowns=unknowns), rounding)
            if neuron is not None:
                return neuron
        return None

    def first_exact(self, starts: list[_Start], rounding: str) -> IntegerNeuron | None:
        """Return the first of several starts that is exact already."""
        neurons = (self.exact(start.problem, start.unknowns, rounding) for start in starts)
        return next((neuron for neuron in neurons if neuron is not None), None)

    def fitted(self, starts: list[_Start], work: float) -> IntegerNeuron | None:
        """Return integers that are found by running them, near real weights first (`snnprog.integers.fitted`)."""
        grids, is_moderate = [self.at(exponent) for exponent in self.exponents], self.entries <= MODERATE_ENTRIES
        begun = [(one, one.rounded(self._ideal(one.problem.exponent))) for one in grids if is_moderate]
        begun += [(start.problem, start.unknowns) for start in starts]
        few = [one for one in grids if one.problem.exponent in self.chip.design_exponents]
        return fitted(few, self.job.wanted, starts=begun, work=work, seed=self.job.seed)

    def swept(self, runs: int = FEW_RUNS) -> Swept:
        """Return integers found by trying all that are small."""
        return swept([self.at(exponent) for exponent in self.exponents], self.job.wanted, runs)

    def _lowered(self, problem: IntegerProblem, exponent: int, *, unknowns: Int64s) -> Int64s:
        if not problem.problem.box.is_bias_free:
            return unknowns
        lowered, there = unknowns.copy(), self.at(exponent)
        ratio = problem.bias_step / there.bias_step * there.problem.step / problem.problem.step
        lowered[-1] = int(np.clip(half_even_integer(unknowns[-1] * ratio), *self.chip.bias_mantissas))
        return lowered

    def _fits(self, exponent: int) -> bool:
        neuron, problem = self.job.neuron, self.job.problem
        factor = 2.0 ** (exponent - neuron.exponent)
        weights = neuron.weights.ravel() * factor
        step = float(1 << exponent)
        room = widths_for_patterns(
            weights,
            neuron.bias * factor,
            threshold=neuron.threshold * factor,
            step=step,
            mapping=problem.potential_map,
            resets=problem.resets,
        )
        return (
            room.room(problem.potential_map.linear.limits) >= 1.0
            and neuron.threshold * factor <= self.chip.thresholds[1]
        )

    def _ideal(self, exponent: int) -> WidestMargin:
        if exponent not in self._ideals:
            self._ideals[exponent] = ideal(self.job.problem.at_exponent(exponent))
        return self._ideals[exponent]


def _dive(problem: IntegerProblem, share: float) -> _Start:
    mantissas, answer = reoptimised(problem.problem, share)
    return _Start(problem, problem.unknowns(mantissas, answer.threshold, answer.bias))


def _shortfall(start: _Start) -> float:
    return _rows(start.problem, start.problem.truncation).shortfall(start.unknowns)


def _rows(problem: IntegerProblem, least: Floats) -> IntegerRows:
    step, n_weights = problem.problem.box.weight_step, problem.taps.size
    return IntegerRows(problem.columns, least - problem.given, *problem.ranges, step=step, n_weights=n_weights)


def _search_all(
    family: _Family, starts: list[_Start], *, schedule: Schedule, bounds: Sequence[Callable[[IntegerProblem], Floats]]
) -> IntegerNeuron | None:
    """Search at each exponent, for each kind of row; the work is shared among the exponents."""
    share = replace(schedule, work=schedule.work / max(len(starts), 1))
    for (index, start), (kind, least) in itertools.product(enumerate(starts), enumerate(bounds)):
        seed = int(np.random.default_rng([*family.job.seed, index, kind]).integers(1 << 31))
        unknowns = search(_rows(start.problem, least(start.problem)), start.unknowns, share, seed=seed)
        neuron = None if unknowns is None else family.exact(start.problem, unknowns, SEARCHED)
        if neuron is not None:
            return neuron
    return None


def _sure(problem: IntegerProblem) -> Floats:
    """Return the bounds of rows that make truncation irrelevant."""
    return problem.truncation


def _bare(problem: IntegerProblem) -> Floats:
    """Return the bounds of rows without truncation: a spike is a unit of the potential above the threshold."""
    above = 0.5 / (problem.machine.unit * problem.problem.step)
    return np.where(problem.problem.raster, above, -FLOAT_SLACK)


def _exhaust(family: _Family) -> Repair:
    """Ask the relaxed rows first, then the chip's whole rule, at every exponent left open.

    The work is bounded for all exponents together. Once one of them stays open, something is left to look for, and the
    others are requested answers only, briefly. The whole rule is Loihi's: where resets subtract, all weights are tried
    in its place, if they are few.
    """
    if family.chip.is_exponent_shared:
        own = family.at(family.exponents[0])
        if is_countable(own):
            return every_weight([family.at(exponent) for exponent in family.exponents])
        return Repair(relaxed(own, [own]).neuron)
    problems = [family.at(exponent) for exponent in family.exponents]
    groups = [problems] if family.is_scale_free else [[problem] for problem in problems]
    left: list[IntegerProblem] = []
    for group in groups:
        outcome = relaxed(group[0], group)
        if outcome.neuron is not None:
            return outcome
        left += [] if outcome.is_impossible else group
    is_provable, effort = not family.job.problem.box.is_bias_free, EXPONENTS_EFFORT
    for problem in left:
        outcome = whole(problem, min(effort, WHOLE_EFFORT if is_provable else UNPROVABLE_EFFORT))
        if outcome.neuron is not None:
            return outcome
        is_provable, effort = is_provable and outcome.is_impossible, effort - outcome.effort
        if effort <= 0.0:
            return Repair(None)
    return Repair(None, is_impossible=is_provable)
