"""A spec from the view of its neurons: their lines, their targets, and the ranges of their unknowns.

Neurons are hidden ones, then outputs; lines are inputs, hidden neurons and, if recurrent, outputs. A hidden neuron's
spikes are given like an output's target: what its integers really do when the lines it listens to do what they are to
do. So exactness of each neuron is exactness of all, by induction over ticks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from snnprog.arrays import Raster
from snnprog.design.box import Box, box_of
from snnprog.design.mapping import potential_map, presynaptic_rasters
from snnprog.design.once import map_of
from snnprog.design.problem import NeuronProblem, neuron_problem
from snnprog.potential import PotentialMap
from snnprog.processes.sharing import Shared
from snnprog.spec import Spec, with_targets


@dataclass(frozen=True, eq=False)
class Task(Shared):
    """The common data of all neurons of a spec, built once by `Task.of`.

    Attributes
    ----------
    spec : Spec
        The specification of the outputs.
    hidden : tuple of (ticks of all patterns,) bool
        What each hidden neuron does.
    mapping : PotentialMap
        The linear map of all lines, as outputs need it.
    box : Box
        The ranges of the unknowns of each neuron .
    """

    spec: Spec
    hidden: tuple[Raster, ...]
    mapping: PotentialMap
    box: Box

    @classmethod
    def of(cls, spec: Spec, hidden: Sequence[Raster] = ()) -> Task:
        """Return the task of a spec, with hidden neurons whose spikes are ``hidden``."""
        mapping = potential_map(spec, hidden)
        return cls(spec, tuple(hidden), mapping, box_of(spec, mapping))

    @property
    def content(self) -> object:
        """See `Shared.content`; names are parts of messages."""
        return self.spec.digest(), self.spec.input_names, self.spec.output_names, self.hidden

    @cached_property
    def hidden_mapping(self) -> PotentialMap:
        """The map of hidden neurons: as all that others receive, they must not spike twice in a tick."""
        linear = self.spec.linear_rule
        if linear.most_spikes == 1 or self.spec.recurrent:
            return self.mapping
        return map_of(self.lines, self.spec.delays, linear, is_heard_often=True)

    def map_of(self, neuron: int) -> PotentialMap:
        """Return the map of one neuron, hidden ones first."""
        return self.hidden_mapping if neuron < self.n_hidden else self.mapping

    @property
    def n_hidden(self) -> int:
        """Number of hidden neurons."""
        return len(self.hidden)

    @property
    def n_neurons(self) -> int:
        """Number of hidden neurons and outputs."""
        return self.n_hidden + self.spec.n_outputs

    @property
    def lines(self) -> list[Raster]:
        """The spikes of each line in each pattern, (ticks, lines)."""
        return presynaptic_rasters(self.spec, self.hidden)

    @cached_property
    def targets(self) -> Raster:
        """(ticks of all patterns, neurons) The targets of each neuron."""
        return np.column_stack([*self.hidden, self.spec.targets])

    @cached_property
    def care(self) -> Raster:
        """(ticks of all patterns, neurons) Which bins count; all of a hidden neuron's."""
        return np.column_stack([*(np.ones_like(raster) for raster in self.hidden), self.spec.care])

    def problem(self, neuron: int, raster: Raster, *, constrained: Raster) -> NeuronProblem:
        """Return the problem of a neuron that must spike at ``raster``, with rows at ``constrained`` (ticks,)."""
        name = self.spec.output_label(neuron)
        return neuron_problem(self.mapping, neuron, raster=raster, constrained=constrained, box=self.box, name=name)

    def with_targets(self, outputs: Iterable[int], raster: Raster) -> Task:
        """Return the task with ``raster`` (ticks of all patterns, outputs) as targets of some outputs.

        Where no neuron listens to an output, the map stays the same.
        """
        spec = with_targets(self.spec, outputs, raster)
        return Task.of(spec, self.hidden) if spec.recurrent else replace(self, spec=spec)
