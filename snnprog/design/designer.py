"""All neurons of a spec: independent once every raster is given, so designed side by side.

Recurrent ones too: the spikes that feed back are the target's, and if every neuron is exact for them, the closed loop
is exact by induction over ticks.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from snnprog.chips import Chip, find_chip
from snnprog.design.neuron import NeuronDesign, design_neuron
from snnprog.design.problem import NeuronProblem, box_of, neuron_problem
from snnprog.errors import Conflict, SolverError
from snnprog.network import Network, Neuron
from snnprog.potential import Leaks, PotentialMap
from snnprog.raster import Raster
from snnprog.spec import Dynamics, Spec, presynaptic_raster

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Design:
    """What came of every output, in order.

    Attributes
    ----------
    spec : Spec
        What was designed: what was asked for, or with hidden neurons among the targets.
    outcomes : tuple of NeuronDesign
        One per output.
    hidden : tuple of Neuron
        The hidden neurons.
    """

    spec: Spec
    outcomes: tuple[NeuronDesign, ...]
    hidden: tuple[Neuron, ...] = ()

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """Why outputs cannot be built; empty where all can."""
        return tuple(conflict for outcome in self.outcomes for conflict in outcome.conflicts)

    @property
    def unbuilt(self) -> tuple[int, ...]:
        """The outputs that have no neuron."""
        return tuple(index for index, outcome in enumerate(self.outcomes) if outcome.neuron is None)

    @property
    def network(self) -> Network:
        """The network of all hidden neurons, and of all outputs that can be built."""
        neurons: list[Neuron] = [outcome.neuron for outcome in self.outcomes if outcome.neuron is not None]
        return Network(self.spec.delays, (*self.hidden, *neurons))


@dataclass(frozen=True, eq=False)
class _Job:
    problem: NeuronProblem
    care: Raster
    feeds_others: bool
    may_be_helped: bool


def design(spec: Spec, *, executor: Executor | None = None, progress: Progress | None = None) -> Design:
    """Design every output of a spec.

    Parameters
    ----------
    executor : concurrent.futures.Executor, optional
        Where neurons are designed; here and one after another, unless given. It does not change the answers.
    progress : callable, optional
        Called with ("design", neurons done, neurons in all) as they are done.

    Raises
    ------
    SolverError
        If the solver gives up on a neuron that no hidden neurons may help; one that they may is left unbuilt.
    """
    chip = find_chip(spec.chip)
    mapping = potential_map(spec, chip)
    box = box_of(spec, chip, mapping)
    targets = np.concatenate([pattern.targets for pattern in spec.patterns])
    care = np.concatenate([pattern.care for pattern in spec.patterns])
    jobs = (
        _Job(
            problem=neuron_problem(mapping, index, targets[:, index], care[:, index], box),
            care=care[:, index],
            feeds_others=spec.recurrent,
            may_be_helped=spec.hidden != 0,
        )
        for index in range(spec.n_outputs)
    )
    outcomes = []
    for outcome in map(_run, jobs) if executor is None else executor.map(_run, jobs):
        outcomes.append(outcome)
        if progress is not None:
            progress("design", len(outcomes), spec.n_outputs)
    return Design(spec, tuple(outcomes))


def potential_map(spec: Spec, chip: Chip) -> PotentialMap:
    """Return the linear map that all neurons of a spec share."""
    rasters = [presynaptic_raster(spec, pattern) for pattern in spec.patterns]
    return PotentialMap(rasters, spec.delays, leaks_of(spec.dynamics, chip))


def leaks_of(dynamics: Dynamics, chip: Chip) -> Leaks:
    """Return the exact leaks that decays mean on a chip."""
    return Leaks(
        current=chip.semantics.current_leak(dynamics.current_decay),
        potential=chip.semantics.potential_leak(dynamics.potential_decay),
        input_shift=chip.semantics.input_shift,
    )


def _run(job: _Job) -> NeuronDesign:
    try:
        return design_neuron(job.problem, job.care, feeds_others=job.feeds_others)
    except SolverError:
        if not job.may_be_helped:
            raise
        return NeuronDesign(None)
