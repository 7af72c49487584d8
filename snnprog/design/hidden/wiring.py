"""A spec with hidden neurons beside its outputs: one wider spec, which design and quantization take like any other.

Hidden neurons come first: neurons are hidden ones, then outputs; lines are inputs, hidden neurons and, if recurrent,
outputs. A hidden neuron's spikes are a target like an output's: what its integers really do when the lines it listens
to do what they are to do. So exactness of each neuron is exactness of all, by induction over ticks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from snnprog.arrays import Raster
from snnprog.chips import Chip
from snnprog.design.box import Box, box_of
from snnprog.network import Neuron
from snnprog.potential import Leaks, PotentialMap
from snnprog.simulate.neuron import NeuronSimulator
from snnprog.spec import Pattern, Spec, presynaptic_raster


class WideSpec(Spec):
    """A spec whose first targets are the spikes of hidden neurons, which all neurons may listen to.

    Parameters
    ----------
    spec : Spec
        What is asked for.
    hidden : sequence of (ticks of all patterns,) bool
        What each hidden neuron does.
    """

    def __init__(self, spec: Spec, hidden: Sequence[Raster]) -> None:
        object.__setattr__(self, "_n_hidden", len(hidden))
        signs = spec.signs
        if signs is not None:
            signs = (*signs[: spec.n_inputs], *[0] * len(hidden), *signs[spec.n_inputs :])
        super().__init__(
            _widened(spec, hidden), spec.delays, recurrent=spec.recurrent, dynamics=spec.dynamics, signs=signs,
            bias=spec.bias, threshold=spec.threshold, chip=spec.chip, hidden=spec.hidden, refractory=spec.refractory,
        )  # fmt: skip

    @property
    def n_hidden(self) -> int:
        """How many of the first targets are spikes of hidden neurons."""
        count: int = self._n_hidden  # type: ignore[attr-defined]
        return count


def _widened(spec: Spec, hidden: Sequence[Raster]) -> list[Pattern]:
    ends = np.cumsum([pattern.ticks for pattern in spec.patterns])[:-1]
    spikes = np.split(np.stack(hidden, axis=1), ends)
    return [
        Pattern(
            pattern.inputs,
            np.concatenate([more, pattern.targets], axis=1),
            np.concatenate([np.ones_like(more), pattern.care], axis=1),
        )
        for pattern, more in zip(spec.patterns, spikes, strict=True)
    ]


@dataclass(frozen=True, eq=False)
class Wiring:
    """What is asked for, and the hidden neurons there are so far.

    Attributes
    ----------
    asked : Spec
        Without hidden neurons.
    leaks : Leaks
        The decays of all neurons, and how long their resets last.
    hidden : tuple of Neuron
        In order; each listens to inputs, to those before it and, if recurrent, to outputs.
    """

    asked: Spec
    leaks: Leaks
    hidden: tuple[Neuron, ...] = ()

    @cached_property
    def spec(self) -> Spec:
        """What is asked for, with the hidden neurons among the targets."""
        return WideSpec(self.asked, [neuron.raster for neuron in self.hidden]) if self.hidden else self.asked

    @cached_property
    def mapping(self) -> PotentialMap:
        """The linear map of all lines there are."""
        rasters = [presynaptic_raster(self.spec, pattern) for pattern in self.spec.patterns]
        return PotentialMap(rasters, self.asked.delays, self.leaks)

    @cached_property
    def box(self) -> Box:
        """Where the unknowns of each neuron may lie."""
        return box_of(self.spec, self.mapping)

    @cached_property
    def simulator(self) -> NeuronSimulator:
        """What runs neurons on these lines in integers."""
        return NeuronSimulator(self.chip, self.asked.dynamics, self.mapping)

    @property
    def chip(self) -> Chip:
        """The chip that is meant."""
        return self.asked.chip

    @cached_property
    def targets(self) -> Raster:
        """(ticks of all patterns, outputs) What is asked of the outputs."""
        return self.asked.targets

    @cached_property
    def care(self) -> Raster:
        """(ticks of all patterns, outputs) Where it counts."""
        return self.asked.care

    def with_neuron(self, neuron: Neuron) -> Wiring:
        """Return the wiring with one more hidden neuron, the last."""
        return replace(self, hidden=(*self.hidden, neuron))

    def without(self, index: int) -> Wiring:
        """Return the wiring without one hidden neuron, which no other hidden neuron may listen to."""
        line = self.asked.n_inputs + index
        after = [replace(later, weights=np.delete(later.weights, line, axis=1)) for later in self.hidden[index + 1 :]]
        return replace(self, hidden=(*self.hidden[:index], *after))

    def fitted(self, neuron: Neuron) -> Neuron:
        """Return a neuron that was designed when there were fewer hidden ones, deaf to those that came later."""
        deaf = np.zeros((neuron.weights.shape[0], self.spec.n_presynaptic - neuron.weights.shape[1]))
        place = neuron.weights.shape[1] - (self.asked.n_presynaptic - self.asked.n_inputs)
        weights = np.concatenate([neuron.weights[:, :place], deaf, neuron.weights[:, place:]], axis=1)
        return replace(neuron, weights=weights)
