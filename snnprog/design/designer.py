"""Design of all neurons of a spec, which are independent for given rasters.

Recurrent ones too: the spikes that feed back are the target's, and if every neuron is exact for them, the closed loop
is exact by induction over ticks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from snnprog.arrays import Raster
from snnprog.conflict import Conflict
from snnprog.design.neuron import OUT_OF_TIME, UNDECIDED, NeuronDesign, design_given, design_neuron, soonest_checked
from snnprog.design.problem import NeuronProblem
from snnprog.design.scopes import Alone, Together
from snnprog.design.searched import design_chosen, design_loop
from snnprog.design.sparse import Thrift, thinned, thrift_of
from snnprog.design.task import Task
from snnprog.errors import SolverError, UndecidedError
from snnprog.network import Network, Neuron
from snnprog.progress import Progress
from snnprog.proof import Node
from snnprog.solver import Deadline, check_time, one_blas_thread, present_deadline, run_jobs, step, until
from snnprog.spec import Spec
from snnprog.spec.options import NO_WINDOW
from snnprog.wording import counted

BRIEF_STEPS = 40
"""Steps of a complete search that is brief, some 5 ms each: most that are refused are refused in fewer."""


@dataclass(frozen=True, eq=False)
class Design:
    """The results of all outputs, in order.

    Attributes
    ----------
    task : Task
        What was designed: the specification for, or beside hidden neurons, or with what outputs that feed others do in
        don't-care bins.
    outcomes : tuple of NeuronDesign
        One per output.
    hidden : tuple of Neuron
        The hidden neurons.
    """

    task: Task
    outcomes: tuple[NeuronDesign, ...]
    hidden: tuple[Neuron, ...] = ()

    @property
    def spec(self) -> Spec:
        """The spec of the outputs."""
        return self.task.spec

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """Why outputs cannot be built; empty if all can."""
        return tuple(dict.fromkeys(conflict for outcome in self.outcomes for conflict in outcome.conflicts))

    def with_outcomes(self, found: Mapping[int, NeuronDesign]) -> Design:
        """Return the design with other outcomes for some outputs."""
        outcomes = tuple(found.get(index, each) for index, each in enumerate(self.outcomes))
        return replace(self, outcomes=outcomes)

    @property
    def proof(self) -> Node | None:
        """The proof that an output cannot be built: of several, the one that is checked fastest."""
        return soonest_checked(self.outcomes)

    @property
    def undecided(self) -> tuple[int, ...]:
        """Outputs with neither weights nor a proof when the time ran out."""
        return tuple(index for index, outcome in enumerate(self.outcomes) if outcome.is_undecided)

    @property
    def out_of_time(self) -> tuple[int, ...]:
        """Outputs whose search was ended by the time limit."""
        return tuple(index for index, outcome in enumerate(self.outcomes) if outcome.is_out_of_time)

    @property
    def unbuilt(self) -> tuple[int, ...]:
        """Outputs that have no neuron."""
        return tuple(index for index, outcome in enumerate(self.outcomes) if outcome.neuron is None)

    @property
    def network(self) -> Network:
        """The network of all hidden neurons, and of all outputs that can be built."""
        neurons: list[Neuron] = [outcome.neuron for outcome in self.outcomes if outcome.neuron is not None]
        return Network(self.spec.delays, (*self.hidden, *neurons))


@dataclass(frozen=True, eq=False)
class _OutputJob:
    """One output of a task; all that is calculated from them is calculated where the job runs."""

    task: Task
    output: int
    deadline: Deadline | None
    may_be_unbuilt: bool
    is_conflict_wanted: bool
    most_steps: int | None

    @cached_property
    def alone(self) -> Alone:
        """The output, as it is designed."""
        alone = Alone.of(self.task, self.output)
        return Alone(replace(alone.problem, is_conflict_wanted=self.is_conflict_wanted), alone.demands)

    @property
    def is_open_loop(self) -> bool:
        """Whether neurons receive the undecided spikes of other neurons."""
        return is_open_loop(self.task.spec)

    @property
    def thrift(self) -> Thrift:
        """How few synapses it is to have."""
        return thrift_of(self.task.spec)

    @property
    def problem(self) -> NeuronProblem:
        """The neuron's rows at every tick that counts, with the target as its raster."""
        return self.alone.problem

    @property
    def care(self) -> Raster:
        """(ticks,) Which ticks count."""
        return self.alone.demands.care[:, 0]


def design(
    spec: Spec,
    *,
    known: Design | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    may_be_unbuilt: bool = False,
    is_brief: bool = False,
) -> Design:
    """Design every output of a spec; those with neither weights nor a proof at the time limit stay undecided.

    Parameters
    ----------
    known : Design, optional
        The result of a brief attempt: outputs that it decided are left unchanged.
    executor : concurrent.futures.Executor, optional
        Where neurons are designed; here and in turn, by default. The results do not depend on it.
    progress : callable, optional
        Called with ("design", neurons done, neurons in all) as they are done.
    may_be_unbuilt : bool
        Whether an output on which the solver fails is left unbuilt, as those that hidden neurons may help are.
    is_brief : bool
        Whether complete searches take a few steps only, and those of loops none; outputs that need more stay undecided.

    Raises
    ------
    SolverError
        If the solver fails on a neuron that may not be left unbuilt.
    """
    task = Task.of(spec)
    is_last_word = may_be_unbuilt or spec.hidden == 0
    outcomes = [UNDECIDED] * spec.n_outputs if known is None else list(known.outcomes)
    left = [index for index, outcome in enumerate(outcomes) if outcome.is_undecided]
    jobs = _jobs(
        task,
        left,
        may_be_unbuilt=may_be_unbuilt or spec.hidden != 0,
        is_conflict_wanted=is_last_word,
        is_shared=executor is None,
        most_steps=BRIEF_STEPS if is_brief else None,
    )
    results = run_jobs(_run, jobs, executor, total=len(left), step="design", verdict=NeuronDesign.verdict)
    for done, (index, outcome) in enumerate(zip(left, results, strict=True), start=1):
        outcomes[index] = outcome
        if progress is not None:
            progress("design", spec.n_outputs - len(left) + done, spec.n_outputs)
    designed = Design(task, tuple(outcomes))
    is_looped = is_open_loop(spec) and bool(designed.unbuilt) and not is_brief
    return _design_loop(designed) if is_looped else designed


def _late(outcome: NeuronDesign) -> NeuronDesign:
    """Return the result of an output within the time limit."""
    return OUT_OF_TIME if outcome.is_undecided else outcome


def is_open_loop(spec: Spec) -> bool:
    """Return whether undecided bins of some neurons are inputs of others."""
    is_open = spec.window != NO_WINDOW or not all(bool(pattern.care.all()) for pattern in spec.patterns)
    return spec.recurrent and is_open


def has_open_ticks(spec: Spec) -> bool:
    """Return whether it is open when some neurons spike, and rows or lines depend on that: windows, or an open loop."""
    return spec.window != NO_WINDOW or is_open_loop(spec)


def _design_loop(designed: Design) -> Design:
    """Search the spikes of neurons in don't-care bins; neurons of a loop are built together or not at all."""
    task = designed.task
    try:
        outcomes = design_loop(Together(task), thrift_of(task.spec))
    except UndecidedError as error:
        if not error.ended_by_time:
            return designed
        return replace(designed, outcomes=tuple(map(_late, designed.outcomes)))
    neurons = [outcome.neuron for outcome in outcomes if outcome.neuron is not None]
    if len(neurons) < len(outcomes):
        refused = next(outcome for outcome in outcomes if outcome.conflicts)
        kept = [
            other if other.neuron is not None else one if one.conflicts else refused
            for one, other in zip(outcomes, designed.outcomes, strict=True)
        ]
        return Design(task, tuple(kept))
    raster = np.stack([neuron.raster for neuron in neurons], axis=1)
    return Design(task.with_targets(range(task.spec.n_outputs), raster), tuple(outcomes))


def _jobs(
    task: Task,
    outputs: Sequence[int],
    *,
    may_be_unbuilt: bool,
    is_conflict_wanted: bool,
    is_shared: bool,
    most_steps: int | None,
) -> Iterator[_OutputJob]:
    """Yield the work on each output; not all at once, for each will hold arrays as long as all patterns.

    In turn, each has an equal share of the remaining time.
    """
    for number, output in enumerate(outputs):
        with step("design", share=1.0 / (len(outputs) - number) if is_shared else 1.0):
            deadline = present_deadline()
        yield _OutputJob(task, output, deadline, may_be_unbuilt, is_conflict_wanted, most_steps)


def _designed(job: _OutputJob) -> NeuronDesign:
    """Design a neuron; in an open loop as the target says, or not yet."""
    if not job.is_open_loop:
        return design_neuron(job.problem, job.care, most_steps=job.most_steps)
    designed = design_given(job.problem)
    return UNDECIDED if designed.neuron is None else designed


@one_blas_thread()
def _run(job: _OutputJob) -> NeuronDesign:
    with until(job.deadline):
        try:
            check_time()
            return _few(job, _designed(job))
        except SolverError as error:
            if isinstance(error, UndecidedError) and error.ended_by_time:
                return OUT_OF_TIME
            if job.may_be_unbuilt or isinstance(error, UndecidedError):
                return UNDECIDED
            raise


def _few(job: _OutputJob, designed: NeuronDesign) -> NeuronDesign:
    """Return the design with as few synapses as requested; if none is found, the complete search decides."""
    relevant = np.ones_like(job.care) if job.is_open_loop else job.problem.relevant(job.care)
    few = thinned(job.problem, designed, job.thrift, relevant=relevant)
    if few.neuron is None or job.thrift.allows(few.neuron):
        return few
    if job.is_open_loop:
        return UNDECIDED
    try:
        return design_chosen(job.alone, job.thrift, most_steps=job.most_steps)
    except UndecidedError as error:
        if error.ended_by_time:
            raise
    synapses = counted(int(np.count_nonzero(few.neuron.weights)), "synapse")
    found = (
        f"{job.problem.name} has {synapses} at the fewest that were found, and fan_in allows"
        f" {job.thrift.most}; nothing proves that fewer cannot do: allow more, or offer other delays"
    )
    return replace(UNDECIDED, found=found)
