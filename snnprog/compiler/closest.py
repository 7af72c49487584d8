"""The closest program: the one whose wrong bins cost least of all that are found, and a bound on that cost.

Outputs without weights get the nearest raster that can be designed. Then the integers of each output with wrong bins
are searched, from those that came of it, from a given program, and from silence. In the end the program is compared
with the given one and with silence, so it never costs more than either.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

import numpy as np

from snnprog.arrays import Raster
from snnprog.compiler.built import Built
from snnprog.compiler.refusals import check_limits
from snnprog.compiler.work import PART, Work
from snnprog.design import Design
from snnprog.design.neuron import NeuronDesign
from snnprog.design.rasters.closest import NearestDesign, has_free_integers, without_synapses
from snnprog.design.task import Task
from snnprog.errors import InfeasibleError, LimitError, QuantizationError, SolverError
from snnprog.integers.given import neurons_of
from snnprog.integers.machine import Machine
from snnprog.integers.unbuilt import as_designed
from snnprog.judgement import WrongBin, wrong_bins
from snnprog.program import Program
from snnprog.solver import step
from snnprog.spec.options import NO_WINDOW

SMALLER_WEIGHTS = (8, 64)
"""What the range of weights is divided by until no register overflows: a choice."""

EXPECTED = (InfeasibleError, SolverError, QuantizationError, LimitError)
"""How a search for an exact program ends if it finds none."""


def closest_built(
    work: Work, start: Program | None, exact: Callable[[Work], Built], *, designed: Design | None = None
) -> tuple[Built, float]:
    """Return the program with the cheapest wrong bins found, and a lower bound on their cost.

    The bound holds for real weights under exact decays; integers that exploit truncation may cost less.

    The program has hidden neurons only if they make it exact and fit the chip.

    Parameters
    ----------
    work : Work
    start : Program or None
        A program that the result must not be worse than.
    exact : callable
        Returns the exact program, or raises one of `EXPECTED`.
    designed : Design, optional
        The design of the outputs without hidden neurons, if it is known.
    """
    if work.spec.hidden != 0:
        with suppress(*EXPECTED), step("hidden", share=PART):
            built = exact(work)
            check_limits(work.spec, built)
            return built, 0.0
        return closest_built(replace(work, spec=replace(work.spec, hidden=0)), start, exact)
    designed = _designed(work) if designed is None else designed
    nearest = work.nearest(designed, designed.unbuilt, share=PART) if designed.unbuilt else ()
    built = work.built(_with_nearest(designed, nearest), share=PART)
    flawed = sorted({*built.inexact, *(neuron.output for neuron in built.fragile)})
    if flawed and not work.watch.is_over("closest"):
        safe = work.nearest(built.design, flawed, rounding_proof=True, share=PART)
        safer = work.built(_with_nearest(built.design, safe), share=PART)
        built = min(built, safer, key=partial(_rank, work))
    built = _fitting(work, built)
    if has_free_integers(work.spec) and not (built.wrong and work.watch.is_over("closest")):
        at_least = {found.outputs[0]: found.at_least for found in nearest}
        built = _with_nearer_integers(work, built, at_least, start)
    silent = _silent(built.design.task)
    for other in (silent, *([] if start is None else [_as_designs(work, start)])):
        built = _no_worse(work, built, other)
    bound = sum(found.at_least for found in nearest) if work.spec.window == NO_WINDOW else 0.0
    return built, min(bound, work.costs.total(built.wrong))


def _designed(work: Work) -> Design:
    try:
        return work.designed(share=PART)
    except SolverError:
        return Design(Task.of(work.spec), (NeuronDesign(None),) * work.spec.n_outputs)


def _rank(work: Work, built: Built) -> tuple[int, int, float]:
    """Return what is better the smaller it is: intolerance of noise, states beyond the range, then the cost."""
    return len(built.fragile), len(built.overrunning), work.costs.total(built.wrong)


def _fitting(work: Work, built: Built) -> Built:
    """Return the closest program that fits: outputs that do not fit get smaller weights, finally none."""
    for part in SMALLER_WEIGHTS:
        limit, is_over = work.spec.mantissas.limit // part, bool(built.overrunning) and work.watch.is_over("closest")
        if built.overrunning and not is_over and limit > 0 and not work.spec.mantissas.is_binary:
            smaller = replace(work, spec=replace(work.spec, weight_limit=limit))
            nearest = smaller.nearest(built.design, built.overrunning, share=PART)
            built = work.built(_with_nearest(built.design, nearest))
    if built.overrunning:
        outputs = range(work.spec.n_outputs) if work.spec.recurrent else built.overrunning
        built = work.built(_with_nearest(built.design, (without_synapses(built.design.task, outputs),)))
    return built


def _with_nearest(designed: Design, nearest: tuple[NearestDesign, ...]) -> Design:
    found = {output: outcome for each in nearest for output, outcome in zip(each.outputs, each.designs, strict=True)}
    return designed.with_outcomes(found)


def _with_nearer_integers(work: Work, built: Built, at_least: Mapping[int, float], start: Program | None) -> Built:
    """Return the program with cheaper integers for outputs with wrong bins, if any are found."""
    cost = _cost_of_outputs(work, built.wrong)
    given = [neurons_of(program, work.spec) for program in (built.program, start) if program is not None]
    outputs = [output for output, each in cost.items() if each > at_least.get(output, 0.0)]
    if not outputs:
        return built
    own = given[0]
    exponents = (
        {neuron.exponent for neuron in own if neuron.mantissas.any()} if work.spec.chip.is_exponent_shared else ()
    )
    starts = {
        output: tuple(each[output] for each in given if not exponents or each[output].exponent in exponents)
        for output in outputs
    }
    bounds = {output: at_least.get(output, 0.0) for output in outputs}
    found = work.nearer(built.design.task, starts, bounds, exponents=tuple(exponents), share=PART)
    nearer = {
        output: NeuronDesign(near.neuron)
        for output, near in found.items()
        if near.neuron is not None and near.cost < cost[output]
    }
    again = work.built(built.design.with_outcomes(nearer), is_brief=True) if nearer else built
    return min(built, again, key=partial(_rank, work))


def _cost_of_outputs(work: Work, wrong: Collection[WrongBin]) -> dict[int, float]:
    """Return the cost of each output that has wrong bins."""
    outputs = sorted({found.output for found in wrong})
    return {output: work.costs.total(each for each in wrong if each.output == output) for output in outputs}


def _silent(task: Task) -> dict[int, NeuronDesign]:
    """Return neurons without synapses for all outputs."""
    found = without_synapses(task, range(task.spec.n_outputs))
    return dict(zip(found.outputs, found.designs, strict=True))


def _as_designs(work: Work, start: Program) -> dict[int, NeuronDesign]:
    """Return the neurons of a program as designs that need no rounding."""
    task = Task.of(work.spec)
    neurons = neurons_of(start, work.spec)
    spikes = np.concatenate([trace.spikes for trace in work.simulated(start)])
    machines = (Machine(work.spec.chip, task.mapping, spikes[:, output]) for output in range(len(neurons)))
    designs = zip(neurons, machines, strict=True)
    return {output: NeuronDesign(as_designed(*pair)) for output, pair in enumerate(designs)}


def _no_worse(work: Work, built: Built, others: Mapping[int, NeuronDesign]) -> Built:
    """Return the program with other neurons for the outputs that they make cheaper; all or none in a loop."""
    spikes = np.stack([outcome.neuron.raster for outcome in others.values() if outcome.neuron is not None], axis=1)
    wrong = wrong_bins(work.spec, _by_pattern(work, spikes))
    own, other = _cost_of_outputs(work, built.wrong), _cost_of_outputs(work, wrong)
    if work.spec.recurrent:
        cheaper = others if sum(other.values()) < sum(own.values()) else {}
    else:
        cheaper = {output: others[output] for output, cost in own.items() if other.get(output, 0.0) < cost}
    again = work.built(built.design.with_outcomes(cheaper), is_brief=True) if cheaper else built
    return min(built, again, key=partial(_rank, work))


def _by_pattern(work: Work, raster: Raster) -> list[Raster]:
    """Return a raster of all patterns (ticks, outputs) as one for each."""
    ends = np.cumsum([len(pattern.inputs) for pattern in work.spec.patterns])
    return np.split(raster, ends[:-1])
