"""Simulation of a quantized neuron with the targets of all others: exact there means exact in the closed loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Raster
from snnprog.design.problem import relevant_ticks
from snnprog.design.task import Task
from snnprog.integers.noise import survived_noise
from snnprog.integers.rounding import IntegerNeuron
from snnprog.simulate.neuron import NeuronSimulator
from snnprog.trace import Excursion


@dataclass(frozen=True)
class Rehearsal:
    """How one neuron did: bins that count and came out wrong, and the first state beyond the portable range.

    Where the spec asks for it, also how much noise the neuron survived, in LSBs, and whether that is too little.
    """

    wrong_bins: int = 0
    excursion: Excursion | None = None
    noise: float | None = None
    is_too_close: bool = False

    @property
    def flaws(self) -> int:
        """Wrong bins; leaving the portable range is one more, coming too close to the threshold another."""
        return self.wrong_bins + (self.excursion is not None) + self.is_too_close


def rehearse(task: Task, neurons: Sequence[IntegerNeuron], *, outputs: Sequence[int] | None = None) -> list[Rehearsal]:
    """Return the run of each neuron with the targets as spikes of all others."""
    rule = task.spec.chip.rule
    simulators = {mapping: NeuronSimulator(rule, mapping) for mapping in {task.mapping, task.hidden_mapping}}
    chosen = range(len(neurons)) if outputs is None else outputs
    return [
        _rehearsal(task, simulators[task.map_of(index)], neuron=neuron, output=index)
        for neuron, index in zip(neurons, chosen, strict=True)
    ]


def _rehearsal(task: Task, simulator: NeuronSimulator, *, neuron: IntegerNeuron, output: int) -> Rehearsal:
    """Run one neuron; the run records where a state leaves the portable range."""
    weights = (neuron.mantissas << neuron.exponent).ravel()
    run, mapping = simulator.run(weights, neuron.threshold, neuron.bias), simulator.mapping
    spikes, excursion = run.spikes, None if run.excursion is None else replace(run.excursion, neuron=output)
    targets, care = mapping.due_of(task.targets[:, output]), mapping.at_every_look(task.care[:, output])
    relevant = mapping.at_every_look(relevant_of(task, output))
    compared = run.potentials[relevant & ~mapping.is_held(spikes)]
    noise = survived_noise(compared, neuron.threshold, rule=task.spec.chip.rule) if task.spec.noise > 0.0 else None
    wrong = int(((spikes != targets) & care).sum())
    return Rehearsal(wrong, excursion, noise, is_too_close=noise is not None and noise < task.spec.noise)


def relevant_of(task: Task, index: int) -> Raster:
    """(ticks played,) The ticks at which a neuron must follow its design; all if others receive its spikes."""
    care = task.care[:, index]
    return np.ones_like(care) if task.spec.recurrent else relevant_ticks(care, task.mapping.played.starts)
