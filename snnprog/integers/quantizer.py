"""Quantization of every neuron: scaling to the widths, rounding, simulation, and repair if the result is not exact.

A neuron's scale is free where its threshold and bias are: weights, bias and threshold may shrink together, and then
take the finest grid that still holds them. The first scale tried fits the widths for any input there can be; it is
taken if the neuron stays certified. The next ones fit them for the spec's patterns, one so that the largest weight is
the largest that its grid has. If the rounded neuron is then not exact in rehearsal, smaller scales, drawn from the
seed, round its weights in other ways. What none of them makes exact is repaired (`snnprog.integers.repair`).

A rehearsal runs a neuron in integers with the target spikes of all others as its input: exact there is exact in the
closed loop, by induction over ticks.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Floats
from snnprog.design.problem import neuron_problem
from snnprog.design.support import restricted_to
from snnprog.design.task import Task
from snnprog.integers.exhaustive import Repair
from snnprog.integers.exponents import networks_at_exponents
from snnprog.integers.fitted import Wanted
from snnprog.integers.readout import with_readouts
from snnprog.integers.rehearsal import Rehearsal, rehearse, relevant_of
from snnprog.integers.repair import BRIEF, FULL, SWEEP, RepairJob, repair
from snnprog.integers.rounding import IntegerNeuron, Rounder
from snnprog.integers.widths import (
    ANY_INPUT,
    NOTHING_SURE,
    SPEC_PATTERNS,
    widths_for_any_input,
    widths_for_patterns,
)
from snnprog.names import name_of, neuron_names, with_name
from snnprog.network import Network, Neuron
from snnprog.program import Program
from snnprog.progress import Progress
from snnprog.solver import is_time_over, present_deadline, run_jobs
from snnprog.trace import Excursion

CERTIFIED, EXACT, INEXACT = "certified", "exact", "inexact"
# How many random scales are tried where plain rounding fails, from this share of the largest on: finer grids begin
# at half of it, so smaller scales are covered. × 3 and ÷ 3: no change on 3 specs.
OTHER_SCALES = 40
LEAST_SCALE = 0.5

Candidate: TypeAlias = "tuple[list[_ScaleSearch], list[Rehearsal]]"


@dataclass(frozen=True)
class NeuronReport:
    """The result of one output, or of one hidden neuron.

    Attributes
    ----------
    output : int
        Its index among the outputs, or among the hidden neurons.
    status : str
        "certified" (exact for every rounding to the nearest, proved), "exact" (as rounded and simulated) or "inexact".
    margin : float
        Distance from the threshold at the worst tick that counts, in weight LSBs.
    design_margin, design_bound : float
        Rounding-proof margin reached and the most there is; 1/2 suffices for "certified".
    synapses, exponent, threshold, bias : int
        The integers, in brief.
    scale : float
        What the designed weights, bias and threshold were multiplied by before they were rounded.
    portable_for : str
        Over which inputs its widths are proved to stay where all runtimes agree.
    wrong_bins : int
        Bins that count and come out wrong in rehearsal.
    noise : float or None
        How much noise it was seen to survive in rehearsal, in weight LSBs, where the spec asks for some.
    excursion : Excursion or None
        Where a state first left the portable range in rehearsal.
    rounding : str
        How its integers were found: "nearest" to the design, "re-optimised", "searched", "solved" exhaustively, or
        "fitted" while they ran.
    is_hidden : bool
        Whether it is not read out.
    label : str or None
        Its name, if it has one.
    """

    output: int
    status: str
    margin: float
    design_margin: float
    design_bound: float
    synapses: int
    exponent: int
    threshold: int
    bias: int
    scale: float
    portable_for: str
    wrong_bins: int
    noise: float | None
    excursion: Excursion | None
    rounding: str
    is_hidden: bool = False
    label: str | None = None

    @property
    def name(self) -> str:
        """Which neuron, in words."""
        return with_name("hidden neuron" if self.is_hidden else "output", self.output, self.label)


@dataclass(frozen=True, eq=False)
class Quantized:
    """A program and the result of each of its neurons.

    Attributes
    ----------
    neurons : tuple of NeuronReport
        One per neuron, hidden ones first.
    out_of_time : tuple of int
        The outputs among the neurons that are not exact because the time ran out.
    """

    program: Program
    neurons: tuple[NeuronReport, ...]
    out_of_time: tuple[int, ...] = ()


def quantize(
    task: Task,
    network: Network,
    *,
    seed: int = 0,
    executor: Executor | None = None,
    progress: Progress | None = None,
    is_brief: bool = False,
) -> Quantized:
    """Turn a designed network into a program for the spec's chip.

    Neurons that are not exact when the time is over stay inexact, and are listed as out of time.

    Parameters
    ----------
    task : Task
        What the neurons must do.
    network : Network
        One neuron for each of the task's, in order.
    seed : int
        Of the scales that are tried where plain rounding is not exact, and of the search after them.
    executor : concurrent.futures.Executor, optional
        Where neurons are repaired in parallel; it does not change the answers.
    progress : callable, optional
        Called with ("repair", done, all) as neurons are repaired.
    is_brief : bool
        Whether repairs are only tried briefly.

    Raises
    ------
    LimitError
        If a fixed bias is beyond the chip.
    SolverError
        If the solver fails.
    """
    scales = LEAST_SCALE + (1.0 - LEAST_SCALE) * np.random.default_rng(seed).random(OTHER_SCALES)
    repairs = _Repairs(task, seed, executor, progress, is_brief)
    searches, outcomes, late = repairs.best(
        lambda: (_rounded(task, one, scales) for one in networks_at_exponents(task.spec, network))
    )
    program = _program(task, [search.best for search in searches], rehearsal=False)
    numbered = [(index, True, name_of(index, program.neuron_names)) for index in range(task.n_hidden)]
    outputs = range(len(searches) - task.n_hidden)
    numbered += [(index, False, name_of(index, program.output_names)) for index in outputs]
    reports = [
        replace(_report(index, search, outcome), is_hidden=is_hidden, label=label)
        for (index, is_hidden, label), search, outcome in zip(numbered, searches, outcomes, strict=True)
    ]
    out_of_time = tuple(index - task.n_hidden for index in late if index >= task.n_hidden)
    return Quantized(program, tuple(reports), out_of_time)


def _rounded(task: Task, network: Network, scales: Floats) -> Candidate:
    """Round all neurons, those that fail at other scales too; return how, and the result of it."""
    searches = [
        _ScaleSearch(neuron, Rounder(task, neuron, mapping.at_every_look(relevant_of(task, index)), mapping))
        for index, (neuron, mapping) in enumerate(
            zip(network.neurons, map(task.map_of, range(task.n_neurons)), strict=True)
        )
    ]
    outcomes = rehearse(task, [search.best for search in searches])
    for scale in scales:
        failing = [
            index for index, outcome in enumerate(outcomes) if outcome.flaws and searches[index].rounding.is_scalable
        ]
        if not failing or is_time_over():
            break
        tried = [searches[index].fitted_round(float(scale)) for index in failing]
        for index, candidate, outcome in zip(failing, tried, rehearse(task, tried, outputs=failing), strict=True):
            if outcome.flaws < outcomes[index].flaws:
                searches[index].best, outcomes[index] = candidate, outcome
    return searches, outcomes


def _best_of(candidates: Iterable[Candidate]) -> Candidate:
    """Return the first candidate with the fewest flaws, then neurons not certified, then not for any input.

    Where all have flaws, and so one will be repaired, it is that of the coarsest grid on which the designs fit, if
    there is one: decays truncate least there.
    """
    best: tuple[tuple[int, int, int], Candidate] | None = None
    roomy: Candidate | None = None
    for searches, outcomes in candidates:
        flaws = sum(outcome.flaws for outcome in outcomes)
        uncertified = sum(not search.best.certified for search in searches)
        narrow = sum(not search.is_for_any_input for search in searches)
        if best is None or (flaws, uncertified, narrow) < best[0]:
            best = (flaws, uncertified, narrow), (searches, outcomes)
        if best[0] == (0, 0, 0):
            break
        if roomy is None and all(search.rounding.is_scalable and search.fit_patterns == 1.0 for search in searches):
            roomy = searches, outcomes
    assert best is not None, "every network has an exponent"
    return best[1] if best[0][0] == 0 or roomy is None else roomy


@dataclass(frozen=True, eq=False)
class _Repairs:
    """Repairs the neurons with flaws.

    Where all neurons have the same exponent, and they have no repair at the one that is best for the others, all others
    are tried, briefly: small weights first, unless all repairs are brief.
    """

    task: Task
    seed: int
    executor: Executor | None
    progress: Progress | None
    is_brief: bool

    def best(
        self, candidates: Callable[[], Iterable[Candidate]]
    ) -> tuple[list[_ScaleSearch], list[Rehearsal], list[int]]:
        """Return the best of several candidates, repaired, and who had no time."""
        best = _best_of(candidates())
        if _flaws(best) and self.task.spec.chip.is_exponent_shared and self.task.n_neurons > 1:
            others = [best, *(one for one in reversed(list(candidates())) if _exponent(one) != _exponent(best))]
            efforts = (BRIEF,) if self.is_brief else (SWEEP, BRIEF)
            for effort, candidate in itertools.product(efforts, others):
                late = self.repair(candidate, effort=effort)
                if late or not _flaws(candidate):
                    return *candidate, late
        return *best, self.repair(best, effort=BRIEF if self.is_brief else FULL)

    def repair(self, candidate: Candidate, *, effort: int = FULL) -> list[int]:
        """Repair the neurons with flaws, in place; return who had no time."""
        searches, outcomes = candidate
        failing = [index for index, outcome in enumerate(outcomes) if outcome.flaws]
        late: list[int] = []
        jobs = (replace(self._job(index, searches[index].neuron), effort=effort) for index in failing)
        repairs = run_jobs(repair, jobs, self.executor, total=len(failing), step="repair", verdict=Repair.verdict)
        self._tell(0, len(failing))
        for done, (index, outcome) in enumerate(zip(failing, repairs, strict=True), start=1):
            self._tell(done, len(failing))
            late += [index] if outcome.is_out_of_time else []
            if outcome.neuron is not None:
                searches[index].best = outcome.neuron
                (outcomes[index],) = rehearse(self.task, [outcome.neuron], outputs=[index])
        return late

    def _tell(self, done: int, of: int) -> None:
        if self.progress is not None and of:
            self.progress("repair", done, of)

    def _job(self, index: int, neuron: Neuron) -> RepairJob:
        """Return the work of repairing a neuron; with limited synapses, it uses only the existing ones."""
        task, spec, relevant = self.task, self.task.spec, relevant_of(self.task, index)
        problem = neuron_problem(
            task.map_of(index), index, raster=neuron.raster, constrained=relevant, box=task.box.without_zero()
        )
        if spec.may_taps_be_absent:
            problem = restricted_to(problem, np.flatnonzero(neuron.weights))
        counts = np.ones_like(relevant) if spec.recurrent or index < task.n_hidden else task.care[:, index]
        return RepairJob(
            problem,
            neuron,
            spec.chip,
            (self.seed, index),
            Wanted(counts, relevant),
            present_deadline(),
            task.n_neurons == 1,
        )


def _exponent(candidate: Candidate) -> int:
    """Return the exponent of all neurons, if it is the same."""
    return candidate[0][0].neuron.exponent


def _flaws(candidate: Candidate) -> int:
    return sum(outcome.flaws for outcome in candidate[1])


class _ScaleSearch:
    """One neuron's search for a scale."""

    def __init__(self, neuron: Neuron, rounding: Rounder) -> None:
        self.neuron, self.rounding = neuron, rounding
        weights, mapping = neuron.weights.ravel(), rounding.mapping
        step = float(1 << neuron.exponent)
        patterns = widths_for_patterns(
            weights, neuron.bias, threshold=neuron.threshold, step=step, mapping=mapping, resets=rounding.resets
        )
        limits = mapping.linear.limits
        anything = widths_for_any_input(
            weights * rounding.loudest, neuron.bias, threshold=neuron.threshold, mapping=mapping
        )
        self.fit_patterns = min(1.0, patterns.room(limits)) if rounding.is_scalable else 1.0
        self.fit_anything = min(1.0, anything.room(limits)) if rounding.is_scalable else 1.0
        scales = (self.fit_anything, rounding.filling(self.fit_patterns), self.fit_patterns)
        self.best = rounding.as_it_is() if neuron.is_integral else rounding.first_certified(scales)

    @property
    def is_for_any_input(self) -> bool:
        """Whether its scale was chosen so that widths fit any input."""
        return self.best.scale <= self.fit_anything

    def fitted_round(self, scale: float) -> IntegerNeuron:
        """Round at a share of the largest scale that fits the spec's patterns."""
        return self.rounding.round(scale * self.fit_patterns)


def _program(task: Task, neurons: Sequence[IntegerNeuron], *, rehearsal: bool) -> Program:
    """Collect the neurons' synapses, ordered by line, delay and neuron; in a rehearsal every line is an input.

    Outputs that are received stand twice where the chip reads out none that feeds others.
    """
    spec, mapping = task.spec, task.mapping
    mantissas = np.stack([neuron.mantissas for neuron in neurons], axis=-1)
    line, slot, post = np.nonzero(mantissas.transpose(1, 0, 2))
    exponents = np.array([neuron.exponent for neuron in neurons])
    arrays: dict[str, ArrayLike] = {
        "outputs": np.arange(0 if rehearsal else task.n_hidden, len(neurons)),
        "pre": line,
        "post": post,
        "delay": mapping.delays[slot],
        "weight": mantissas[slot, line, post],
        "exponent": exponents[post],
        "threshold": [neuron.threshold for neuron in neurons],
        "current_decay": [spec.dynamics.current_decay] * len(neurons),
        "potential_decay": [spec.dynamics.potential_decay] * len(neurons),
        "bias": [neuron.bias for neuron in neurons],
        "refractory": [spec.refractory] * len(neurons),
    }
    stands_twice = spec.recurrent and not rehearsal and spec.chip.is_readout_apart
    n_feeding, named = spec.n_outputs * stands_twice, None if rehearsal else spec.output_names
    return Program.from_arrays(
        chip=spec.chip,
        n_inputs=mapping.n_lines if rehearsal else spec.n_inputs,
        n_neurons=len(neurons) + n_feeding,
        input_names=None if rehearsal else spec.input_names,
        neuron_names=neuron_names(named, spec.hidden_names, n_hidden=task.n_hidden, n_feeding=n_feeding),
        **(with_readouts(arrays, task.n_hidden) if stands_twice else arrays),  # type: ignore[arg-type]
    )


def _report(index: int, search: _ScaleSearch, outcome: Rehearsal) -> NeuronReport:
    integers, chip, mapping = search.best, search.rounding.chip, search.rounding.mapping
    unit, limits = chip.unit, mapping.linear.limits
    weights = search.rounding.loudest * (integers.mantissas << integers.exponent).ravel()
    room = widths_for_any_input(
        weights, integers.bias / unit, threshold=float(integers.threshold), mapping=mapping
    ).room(limits)
    return NeuronReport(
        output=index,
        status=INEXACT if outcome.wrong_bins else CERTIFIED if integers.certified else EXACT,
        margin=round(float(integers.margin), 6),
        design_margin=round(search.neuron.margin, 6),
        design_bound=round(search.neuron.bound, 6),
        synapses=int(np.count_nonzero(integers.mantissas)),
        exponent=integers.exponent,
        threshold=integers.threshold,
        bias=integers.bias,
        scale=integers.scale,
        portable_for=NOTHING_SURE if outcome.excursion else ANY_INPUT if room > 1.0 else SPEC_PATTERNS,
        wrong_bins=outcome.wrong_bins,
        noise=outcome.noise,
        excursion=outcome.excursion,
        rounding=integers.rounding,
    )
