"""Designs with other choices than earlier ones: of ticks in windows, don't-care bins, and synapses."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

from snnprog.design.designer import Design, is_open_loop
from snnprog.design.neuron import NeuronDesign
from snnprog.design.scopes import Alone, Together
from snnprog.design.searched import choice_of, design_chosen, design_loop
from snnprog.design.sparse import thrift_of
from snnprog.design.task import Task
from snnprog.errors import SolverError
from snnprog.spec import Spec


def choices_of(designed: Design, outputs: Iterable[int]) -> set[bytes]:
    """Return the choices that were made for some outputs; those of a loop are one."""
    outcomes = designed.outcomes
    groups = [outcomes] if is_open_loop(designed.spec) else [(outcomes[output],) for output in outputs]
    return {choice_of(group, thrift_of(designed.spec)) for group in groups}


def design_again(spec: Spec, designed: Design, outputs: Iterable[int], refused: Collection[bytes]) -> Design | None:
    """Return a design in which some outputs make other choices than those refused, or None if none is found.

    Parameters
    ----------
    spec : Spec
        The specification.
    designed : Design
        What was designed for it.
    """
    task, thrift, outcomes = Task.of(spec), thrift_of(spec), list(designed.outcomes)
    try:
        if is_open_loop(spec):
            found = design_loop(Together(task), thrift, refused=refused)
            outcomes = found
        else:
            for output in outputs:
                outcomes[output] = design_chosen(Alone.of(task, output), thrift, refused=refused)
    except SolverError:
        return None
    if any(outcome.neuron is None for outcome in outcomes):
        return None
    return Design(_done_by(task, outcomes) if is_open_loop(spec) else designed.task, tuple(outcomes))


def _done_by(task: Task, outcomes: Iterable[NeuronDesign]) -> Task:
    """Return the task of reproducing the spikes of neurons."""
    raster = np.stack([outcome.neuron.raster for outcome in outcomes if outcome.neuron is not None], axis=1)
    return task.with_targets(range(task.spec.n_outputs), raster)
