"""The choice of ticks for target spikes within their windows, so that weights exist.

Once the ticks are chosen, the neuron is designed exactly for them; the choice is searched.

Decisions
---------
- The targets' own ticks come first. Then weights and ticks take turns: weights are fitted to the ticks chosen so far,
  and let run; in each window the first spike they give is the new choice, or else the tick at which they come nearest.
- Between these, a choice that no refusal excludes is decided. Here don't-care bins are done as the target has
  them, and a window ends before one.
- Where that finds nothing, or neurons with more synapses than are allowed, a complete search decides over all bins
  that are open (`snnprog.design.searched`): it ends with neurons or with a proof.
- A choice that survives every rounding of the weights is searched once there is any choice.
- Effort is counted in verdicts and steps, fewer for larger problems, and in seconds only if a limit is set. Where it
  ends, the output is undecided.
- Outputs that feed one another are searched together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.design.designer import BRIEF_STEPS, Design
from snnprog.design.margins.answer import ROUNDING_PROOF
from snnprog.design.neuron import OUT_OF_TIME, UNDECIDED, NeuronDesign, design_given, design_readily
from snnprog.design.problem import NeuronProblem
from snnprog.design.rasters.choosing import Apart, Choices, spikes_in
from snnprog.design.rasters.fitting import Fit
from snnprog.design.rasters.judge import Judge
from snnprog.design.rasters.running import windowed_run
from snnprog.design.scopes import Alone, Together
from snnprog.design.searched import design_chosen, design_loop
from snnprog.design.sparse import Thrift, thinned, thrift_of
from snnprog.design.task import Task
from snnprog.errors import SolverError, UndecidedError
from snnprog.progress import Progress
from snnprog.solver import Deadline, check_time, one_blas_thread, present_deadline, run_jobs, step, until
from snnprog.spec import Spec

# How long the search may take: verdicts times the entries of the rows, the fewest and the most verdicts whatever the
# size; and how often weights and ticks take turns, from the targets and from each later choice.
EFFORT, LEAST_VERDICTS, MOST_VERDICTS = 10_000_000, 6, 12
TURNS, MORE_TURNS = 10, 4


@dataclass(frozen=True, eq=False)
class _WindowsJob:
    task: Task
    outputs: tuple[int, ...]
    deadline: Deadline | None
    is_brief: bool
    is_begun: bool


def design_in_windows(
    spec: Spec,
    *,
    known: Design | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    is_brief: bool = False,
) -> Design:
    """Design every output of a spec with windows, each for ticks chosen in its windows (``neuron.raster``).

    Parameters
    ----------
    known : Design, optional
        The result of a brief attempt at outputs that feeds no other neuron: those that it decided are left unchanged.
    is_brief : bool
        Whether the complete search takes a few steps only; outputs that need more stay undecided.
    executor, progress
        As for `snnprog.design.design`; the step is called "windows".

    Returns
    -------
    Design
        Outputs for which nothing was found and nothing proved have neither a neuron nor conflicts.
    """
    task = Task.of(spec)
    outcomes = [UNDECIDED] * spec.n_outputs if known is None else list(known.outcomes)
    left = [output for output, outcome in enumerate(outcomes) if outcome.is_undecided]
    groups = [tuple(range(spec.n_outputs))] if spec.recurrent else [(output,) for output in left]
    jobs = _jobs(task, groups, is_brief=is_brief, is_begun=known is not None, is_shared=executor is None)
    results = run_jobs(_run, jobs, executor, total=len(groups), step="windows", verdict=_verdict)
    for done, (group, designs) in enumerate(zip(groups, results, strict=True), start=1):
        for output, design in zip(group, designs, strict=True):
            outcomes[output] = design
        if progress is not None:
            progress("windows", done, len(groups))
    return Design(task, tuple(outcomes))


def _jobs(
    task: Task, groups: Sequence[tuple[int, ...]], *, is_brief: bool, is_begun: bool, is_shared: bool
) -> Iterator[_WindowsJob]:
    """Yield the work on each group; in turn, each has an equal share of the remaining time."""
    for index, group in enumerate(groups):
        with step("windows", share=1.0 / (len(groups) - index) if is_shared else 1.0):
            deadline = present_deadline()
        yield _WindowsJob(task, group, deadline, is_brief, is_begun)


def windows_of(target: Raster, care: Raster, *, starts: Int64s, window: tuple[int, int], refractory: int = 1) -> Int64s:
    """Return the windows of the spikes of one output, (spikes, 2) first and last ticks, both increasing.

    Windows end at the pattern's ends and at don't-care bins, and leave room for the spikes before and after, which lie
    a refractory period apart at least; where there is not enough, some end before they begin.

    Parameters
    ----------
    target, care : (ticks of all patterns,) bool
    starts : (patterns,) int
        The first tick of each pattern.
    refractory : int
        In ticks.
    """
    before, after = (min(ticks, target.size) for ticks in window)
    ticks = np.arange(target.size)
    first_of_run, last_of_run = np.maximum.accumulate(np.where(_begins(care, starts), ticks, 0)), np.empty_like(ticks)
    last_of_run[::-1] = np.minimum.accumulate(np.where(_ends(care, starts), ticks, target.size)[::-1])
    due = np.flatnonzero(target & care)
    pattern = np.searchsorted(starts, due, side="right")
    number = np.arange(due.size) * refractory - pattern * (refractory - 1)  # patterns stand apart from one another
    first = np.maximum.accumulate(np.maximum(due - before, first_of_run[due]) - number) + number
    last = (np.minimum.accumulate((np.minimum(due + after, last_of_run[due]) - number)[::-1]))[::-1] + number
    return np.stack([first, last], axis=1)


def _begins(care: Raster, starts: Int64s) -> Raster:
    """(ticks,) Whether a pattern starts here, or the bin before does not count."""
    begins: Raster = np.concatenate([[True], ~care[:-1]])
    begins[starts] = True
    return begins


def _ends(care: Raster, starts: Int64s) -> Raster:
    """(ticks,) Whether a pattern ends here, or the bin after does not count."""
    ends: Raster = np.concatenate([~care[1:], [True]])
    ends[starts[1:] - 1] = True
    return ends


@one_blas_thread()
def _run(job: _WindowsJob) -> list[NeuronDesign]:
    with until(job.deadline):
        try:
            check_time()
            return _designed(job)
        except SolverError as error:
            is_late = isinstance(error, UndecidedError) and bool(error.ended_by_time)
            return [OUT_OF_TIME if is_late else UNDECIDED] * len(job.outputs)


def _verdict(designs: Sequence[NeuronDesign]) -> str:
    return ", ".join(dict.fromkeys(design.verdict() for design in designs))


def _designed(job: _WindowsJob) -> list[NeuronDesign]:
    thrift = thrift_of(job.task.spec)
    quick = None if job.is_begun else _quickly(job, thrift)
    if quick is not None:
        return quick
    if job.task.spec.recurrent:
        return design_loop(Together(job.task), thrift)
    steps = BRIEF_STEPS if job.is_brief else None
    return [design_chosen(Alone.of(job.task, *job.outputs), thrift, most_steps=steps)]


def _quickly(job: _WindowsJob, thrift: Thrift) -> list[NeuronDesign] | None:
    """Return designs for ticks that are found quickly, with as few synapses as are allowed, or None."""
    search = _TickSearch(Judge(job.task, job.outputs))
    if not job.task.spec.recurrent and not search.care.all():
        (problem,) = search.judge.problems(search.target)
        own = _thrifty([design_readily(problem, search.care[:, 0])], [problem], thrift)
        if own is not None:
            return own
    chosen = search.run(search.target)
    designs = None if chosen is None else _designed_for(search.judge, chosen, thrift)
    if chosen is None or designs is None or all(_is_safe(design) for design in designs):
        return designs
    safer = _TickSearch(Judge(job.task, job.outputs, rounding_proof=True)).run(chosen)
    return (None if safer is None else _designed_for(search.judge, safer, thrift)) or designs


def _designed_for(judge: Judge, chosen: Raster, thrift: Thrift) -> list[NeuronDesign] | None:
    """Return designs that do ``chosen``, or None if they have too many synapses."""
    problems = judge.problems(chosen)
    return _thrifty([design_given(problem) for problem in problems], problems, thrift)


def _is_safe(design: NeuronDesign) -> bool:
    return design.neuron is not None and design.neuron.margin >= ROUNDING_PROOF


def _thrifty(
    designs: Sequence[NeuronDesign], problems: Sequence[NeuronProblem], thrift: Thrift
) -> list[NeuronDesign] | None:
    """Return designs with as few synapses as are requested, or None if too many are left or one has no neuron."""
    few = []
    for design, problem in zip(designs, problems, strict=True):
        thin = thinned(problem, design, thrift, relevant=np.ones_like(problem.spikes))
        if thin.neuron is None or not thrift.allows(thin.neuron):
            return None
        few.append(thin)
    return few


class _TickSearch:
    """The search for ticks by fitted weights, and by choices that no refusal rules out."""

    def __init__(self, judge: Judge) -> None:
        self.judge, spec, outputs = judge, judge.spec, list(judge.outputs)
        self.target: Raster = spec.targets[:, outputs]
        self.care: Raster = spec.care[:, outputs]
        problems = judge.problems(self.target)
        tape, size = problems[0].potential_map.played, self.target.size * problems[0].potential_map.n_taps
        self.verdicts = int(np.clip(EFFORT // max(size, 1), LEAST_VERDICTS, MOST_VERDICTS))
        self.windows = [
            windows_of(
                self.target[:, index],
                self.care[:, index],
                starts=tape.starts,
                window=spec.window,
                refractory=spec.refractory,
            )
            for index in range(len(outputs))
        ]
        self.fits = [Fit(problem.idealised(0)) for problem in problems]
        self.apart = Apart(tape.pattern, spec.refractory)

    def run(self, start: Raster) -> Raster | None:
        """Return ticks (as a raster) for which there are weights, or None; try a first choice first."""
        if any((windows[:, 0] > windows[:, 1]).any() for windows in self.windows):
            return None
        found = self._take_turns(start, TURNS)
        choices, known = self._choices(), 0
        try:
            while found is None and self.judge.calls < self.verdicts:
                for raster, verdict in self.judge.refusals[known:]:
                    choices.refuse(raster, verdict)
                known = len(self.judge.refusals)
                left = choices.cheapest()
                if left is None:
                    return None
                found = self._take_turns(left[0], MORE_TURNS)
        except UndecidedError:
            raise
        except SolverError:
            return None
        return found

    def _choices(self) -> Choices:
        outputs = [index for index, windows in enumerate(self.windows) for _ in windows]
        return spikes_in(self.target & ~self.care, outputs, windows=np.concatenate(self.windows), apart=self.apart)

    def _take_turns(self, raster: Raster, turns: int) -> Raster | None:
        """Ask about a choice, and those that fitted weights make of it; return the first that can be given."""
        for _ in range(turns):
            if self.judge.verdict(raster).is_feasible:
                return raster
            if self.judge.calls >= self.verdicts:
                return None
            columns = [
                self._chosen_by_fit(index, problem.idealised(0))
                for index, problem in enumerate(self.judge.problems(raster))
            ]
            raster = np.stack(columns, axis=1)
        return None

    def _chosen_by_fit(self, index: int, problem: NeuronProblem) -> Raster:
        """Fit one output's weights to its ticks, and return those that the weights choose, (ticks,)."""
        fit, windows = self.fits[index], self.windows[index]
        for _ in fit.passes(problem, _signs(problem.spikes, self.care[:, index], windows)):
            pass
        done = windowed_run(problem, fit.weights, threshold=fit.threshold, bias=fit.bias, windows=windows)
        return np.where(self.care[:, index], done, self.target[:, index])


def _signs(raster: Raster, care: Raster, windows: Int64s) -> Floats:
    """(ticks,) The target of the fit: the chosen ticks; an earlier spike in its window is allowed."""
    signs = np.where(care, np.where(raster, 1.0, -1.0), 0.0)
    for (first, _), tick in zip(windows.tolist(), np.flatnonzero(raster & care).tolist(), strict=True):
        signs[first:tick] = np.maximum(signs[first:tick], 0.0)
    return signs
