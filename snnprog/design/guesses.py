"""Neurons for undecided outputs: nearly exact real weights, from which integers are searched.

Decays truncate, so integers may do what no real weights do under exact decays. Which ticks, and which synapses, is a
guess: a few choices, the targets' own ticks first, then others that lie in the windows, drawn at random.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.design.completion import Windows
from snnprog.design.designer import Design, is_open_loop
from snnprog.design.margins.margin import widest_margin
from snnprog.design.neuron import NeuronDesign, neuron_of
from snnprog.design.problem import NeuronProblem
from snnprog.design.scopes import Demands
from snnprog.design.support import restricted_to
from snnprog.design.task import Task
from snnprog.network import Neuron
from snnprog.solver import check_time
from snnprog.spec import Spec

# How many rasters are guessed, and how many sets of taps for each.
RASTERS, TAP_SETS, SEED = 6, 4, 0
# What a tap is given that is to have a synapse, and no weight yet, in LSBs: too little to matter
# beside a step of 1.
SOME = 1e-6


def guesses(spec: Spec, designed: Design) -> Iterator[Design]:
    """Yield designs in which all undecided outputs have neurons that may not reproduce the targets."""
    task, outputs = Task.of(spec), designed.undecided
    group = tuple(range(spec.n_outputs)) if is_open_loop(spec) else outputs
    for raster, number in itertools.product(rasters(task, group), range(TAP_SETS if spec.fan_in else 1)):
        check_time()
        outcomes, done = list(designed.outcomes), task.targets.copy()
        done[:, list(group)] = raster[:, list(group)]
        here = task.with_targets(range(spec.n_outputs), done) if is_open_loop(spec) else task
        problems = [here.problem(output, done[:, output], constrained=np.ones(len(done), np.bool_)) for output in group]
        if any(problem.refractory_spikes.size for problem in problems):
            continue
        for output, problem in zip(group, problems, strict=True):
            outcomes[output] = NeuronDesign(_near(problem, spec.fan_in, number))
        yield Design(here, tuple(outcomes))


def rasters(task: Task, outputs: Sequence[int]) -> Iterator[Raster]:
    """Yield different rasters (ticks, outputs) that reproduce the targets, the targets first."""
    starts, seen = task.mapping.played.starts, set()
    demands = Demands.of(task.spec, targets=task.targets, care=task.care, starts=starts)
    generator = np.random.default_rng(SEED)
    for number in range(RASTERS):
        raster = task.targets.copy()
        for (output, pattern), windows in demands.windows.items():
            if number > 0 and output in outputs:
                span = slice(int(starts[pattern]), int(starts[pattern]) + len(windows.care))
                raster[span, output] = _drawn(windows, raster[span, output], generator)
        if raster.tobytes() not in seen:
            seen.add(raster.tobytes())
            yield raster


def _drawn(windows: Windows, target: Raster, generator: np.random.Generator) -> Raster:
    """Return spikes that match the target's, (ticks,); bins that do not count are as the target has them."""
    drawn, rate, choosing = target.copy(), target.mean(), windows.choosing({})
    for tick in generator.permutation(np.flatnonzero(windows.care)).tolist():
        check_time()
        silent, spike = choosing.values(tick)
        drawn[tick] = spike and (not silent or bool(generator.random() < rate))
        choosing.choose(tick, bool(drawn[tick]))
    return drawn


def _near(problem: NeuronProblem, most: int | None, number: int) -> Neuron:
    """Return the neuron of the widest margin, be it negative, on as many taps as are allowed."""
    neuron = neuron_of(problem, widest_margin(problem))
    taps = np.flatnonzero(problem.box.weight_upper > problem.box.weight_lower)
    if most is None or taps.size <= most:
        return neuron
    chosen = _some_taps(neuron.weights.ravel(), taps, most=most, number=number)
    near = neuron_of(problem, widest_margin(restricted_to(problem, chosen)))
    weights = near.weights.ravel().copy()
    weights[chosen] = np.where(weights[chosen] == 0.0, SOME, weights[chosen])
    return replace(near, weights=weights.reshape(near.weights.shape))


def _some_taps(weights: Floats, taps: Int64s, *, most: int, number: int) -> Int64s:
    """Return a set of ``most`` taps: the heaviest for number 0, else a random one."""
    if number == 0:
        return np.sort(taps[np.argsort(-np.abs(weights[taps]), kind="stable")[:most]])
    return np.sort(np.random.default_rng([SEED, number]).choice(taps, most, replace=False))
