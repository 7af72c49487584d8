"""The neurons of a program under perturbations, each designed again for the spikes that it has.

Neurons are independent for given spikes of all lines, also under perturbations: each has the same spikes under all of
them. So the search also covers hidden neurons, outputs that feed outputs, and chosen ticks: their spikes are known.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from snnprog.compiler.built import Built
from snnprog.compiler.robust.neuron import PerturbedNeuron
from snnprog.compiler.robust.separating import RobustSearch, Separated
from snnprog.compiler.work import Work
from snnprog.design import Design
from snnprog.design.problem import neuron_problem
from snnprog.design.task import Task
from snnprog.errors import UndecidedError
from snnprog.network import Neuron
from snnprog.robustness.perturbation import Perturbation
from snnprog.spec import Robust
from snnprog.spec.options import NO_WINDOW


def separated_built(work: Work, built: Built, robust: Robust) -> tuple[Built | None, list[tuple[int, Perturbation]]]:
    """Return a program whose neurons are designed again, or None, and perturbations that exclude one.

    Parameters
    ----------
    work : Work
    built : Built
        An exact program, on the patterns or on them and perturbed ones.
    robust : Robust

    Raises
    ------
    UndecidedError
        If an output has too many worst cases to decide, and the program has no hidden neurons that could be replaced.
    """
    spec = work.spec
    design, count = built.design, len(spec.patterns)
    neurons = [*design.hidden, *(each.neuron for each in design.outcomes if each.neuron is not None)]
    if spec.mantissas.is_binary or len(neurons) != built.program.n_neurons:
        return None, []
    ticks = sum(pattern.ticks for pattern in spec.patterns)
    targets = np.concatenate([trace.spikes for trace in built.traces[:count]])
    plain = replace(spec, robust=None, window=NO_WINDOW)
    hidden = [neuron.raster[:ticks] for neuron in design.hidden]
    task = Task.of(plain, hidden).with_targets(range(spec.n_outputs), targets)
    again = list(neurons)
    for index in range(len(neurons)):
        output = index - task.n_hidden
        if output >= 0 and not (spec.recurrent or spec.care[:, output].any()):
            continue
        result = _separated(task, neurons[index], index, robust)
        if result.is_too_large and spec.hidden == 0:
            raise UndecidedError(
                f"no program was found for {spec.output_label(output)} that is exact under every perturbation, and its"
                f" {result.rows} worst cases take linear programs that are too large;"
                " lower jitter, missing, extra or weights, exempt lines, or offer fewer delays"
            )
        if result.neuron is None:
            return None, list(result.blamed) if index >= task.n_hidden else []
        again[index] = result.neuron
    cut = [replace(neuron, raster=neuron.raster[:ticks]) for neuron in again]
    outcomes = [
        replace(each, neuron=neuron) for each, neuron in zip(design.outcomes, cut[task.n_hidden :], strict=True)
    ]
    whole = Design(task, tuple(outcomes), tuple(cut[: task.n_hidden]))
    other = replace(work, spec=replace(spec, robust=None)).built(whole, is_brief=True)
    return (None if other.flawed else other), []


def _separated(task: Task, neuron: Neuron, index: int, robust: Robust) -> Separated:
    raster = neuron.raster[: task.targets.shape[0]]
    problem = neuron_problem(
        task.map_of(index), index, raster=raster, constrained=np.ones_like(raster), box=task.box.without_zero()
    )
    perturbed = PerturbedNeuron(task, index, raster=raster, robust=robust)
    return RobustSearch(problem, perturbed, neuron).result()
