"""A network with hidden neurons under construction: the targets of the output, and the hidden neurons so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.chips import Chip
from snnprog.design.box import Box
from snnprog.design.hidden.soft import NearestMiss, nearest_miss
from snnprog.design.task import Task
from snnprog.network import Neuron
from snnprog.potential import PotentialMap, Resets, Tape
from snnprog.simulate.neuron import NeuronSimulator, SimulatedNeuron
from snnprog.spec import Spec


@dataclass(frozen=True, eq=False)
class Draft:
    """The specification, and the existing hidden neurons so far.

    Attributes
    ----------
    spec : Spec
        What the outputs must do.
    hidden : tuple of Neuron
        In order; each listens to inputs, to those before it and, if recurrent, to outputs.
    """

    spec: Spec
    hidden: tuple[Neuron, ...] = ()

    @cached_property
    def task(self) -> Task:
        """The specification, with the spikes of the hidden neurons."""
        return Task.of(self.spec, [neuron.raster for neuron in self.hidden])

    @cached_property
    def mapping(self) -> PotentialMap:
        """The linear map of all lines there are, which looks at each tick once."""
        mapping = self.task.mapping
        if mapping.played is mapping.tape:
            return mapping
        return PotentialMap(self.task.lines, self.spec.delays, mapping.linear)

    @property
    def box(self) -> Box:
        """The ranges of the unknowns of each neuron ."""
        return self.task.box

    @cached_property
    def _simulator(self) -> NeuronSimulator:
        return NeuronSimulator(self.chip.rule, self.task.hidden_mapping)

    def run(self, weights: Int64s, threshold: int, bias: int) -> SimulatedNeuron:
        """Return the spikes of a hidden neuron on these lines, in integers; see `NeuronSimulator.run`."""
        return self._simulator.run(weights, threshold, bias)

    @property
    def chip(self) -> Chip:
        """The chip that is meant."""
        return self.spec.chip

    @cached_property
    def targets(self) -> Raster:
        """(ticks of all patterns, outputs) The specification of the outputs."""
        return self.spec.targets

    @cached_property
    def care(self) -> Raster:
        """(ticks of all patterns, outputs) Where it counts."""
        return self.spec.care

    def within_fan_in(self, unknowns: Floats) -> Floats:
        """Return unknowns (taps + 2,) with no more weights than a neuron may have synapses: the heaviest."""
        most = self.spec.fan_in
        if most is None or np.count_nonzero(unknowns[:-2]) <= most:
            return unknowns
        light = np.argsort(-np.abs(unknowns[:-2]), kind="stable")[most:]
        few = unknowns.copy()
        few[light] = 0.0
        return few

    def with_neurons(self, neurons: Sequence[Neuron]) -> Draft:
        """Return the draft with more hidden neurons, none of which receives another of them."""
        return reduce(lambda draft, neuron: draft.with_neuron(draft.fitted(neuron)), neurons, self)

    def with_neuron(self, neuron: Neuron) -> Draft:
        """Return the draft with one more hidden neuron, the last."""
        return replace(self, hidden=(*self.hidden, neuron))

    def without(self, index: int) -> Draft:
        """Return the draft without one hidden neuron, which no other hidden neuron may listen to."""
        line = self.spec.n_inputs + index
        after = [replace(later, weights=np.delete(later.weights, line, axis=1)) for later in self.hidden[index + 1 :]]
        return replace(self, hidden=(*self.hidden[:index], *after))

    def fitted(self, neuron: Neuron) -> Neuron:
        """Return a neuron that was designed when there were fewer hidden ones, deaf to those that came later."""
        deaf = np.zeros((neuron.weights.shape[0], self.mapping.n_lines - neuron.weights.shape[1]))
        place = neuron.weights.shape[1] - (self.spec.n_presynaptic - self.spec.n_inputs)
        weights = np.concatenate([neuron.weights[:, :place], deaf, neuron.weights[:, place:]], axis=1)
        return replace(neuron, weights=weights)


def earlier(tape: Tape, values: Floats, ticks: int) -> Floats:
    """Return values ``(ticks,)`` moved some ticks earlier within each pattern, 0 at its end."""
    moved = np.zeros_like(values)
    here = np.flatnonzero(np.arange(tape.ticks) + ticks <= tape.ends[tape.pattern])
    moved[here] = values[here + ticks]
    return moved


def later(tape: Tape, spikes: Raster, ticks: int) -> Raster:
    """Return spikes ``(ticks, …)`` moved some ticks later within each pattern, silence at its start."""
    moved = np.zeros_like(spikes)
    there = np.flatnonzero(np.arange(tape.ticks) - ticks >= tape.starts[tape.pattern])
    moved[there] = spikes[there - ticks]
    return moved


def nearest(draft: Draft, *, resets: Resets, wanted: Floats, start: Floats | None = None) -> NearestMiss:
    """Return the weights that lack least (see `nearest_miss`), on no more taps than a neuron may have synapses."""
    miss = nearest_miss(draft.mapping, draft.box, resets=resets, wanted=wanted, start=start)
    few = draft.within_fan_in(miss.unknowns)
    if few is miss.unknowns:
        return miss
    kept = few[:-2] != 0.0
    box = replace(draft.box, weight_lower=draft.box.weight_lower * kept, weight_upper=draft.box.weight_upper * kept)
    return nearest_miss(draft.mapping, box, resets=resets, wanted=wanted, start=few)


def map_of(draft: Draft, rasters: Raster) -> PotentialMap:
    """Return the map of lines that do ``rasters`` (ticks, lines), beside those of a draft."""
    ends = np.cumsum(draft.mapping.tape.lengths)[:-1]
    return PotentialMap(np.split(rasters, ends), draft.spec.delays, draft.mapping.linear)
