"""A trained network and its activity on sample inputs, as plain arrays that do not depend on a file format.

Synapses that share a trained number carry the same ``parameter``: those of a convolution do, those of a dense layer do
not. Neurons that must share their scale, threshold and bias form a ``group``: a channel of a convolution, or one neuron
of a dense layer. Groups are ordered in stages: a neuron is fed by inputs, by earlier stages, and by its own stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.chips import Chip
from snnprog.errors import SpecError
from snnprog.rules.linear import LinearRule


@dataclass(frozen=True, eq=False)
class TrainedLayers:
    """A network of real numbers whose decays are the chip's already.

    Attributes
    ----------
    n_inputs : int
        Input lines.
    outputs : (outputs,) int
        The neurons that are read out.
    pre, post, delay : (synapses,) int
        As in a `Program`: ``pre < n_inputs`` is an input line, any other is neuron ``pre - n_inputs``.
    weight : (synapses,) float
    parameter : (synapses,) int
        Index of the trained number of each synapse; synapses of one parameter have one weight and lead to one
        group.
    threshold, bias : (neurons,) float
        In units of the weights; thresholds are positive.
    current_decay, potential_decay, refractory : (neurons,) int
        Chip integers.
    group, stage : (neurons,) int
        Indices; neurons of one group have equal parameters.

    Raises
    ------
    SpecError
        If the sizes of the arrays do not match.
    """

    n_inputs: int
    outputs: Int64s
    pre: Int64s
    post: Int64s
    delay: Int64s
    weight: Floats
    parameter: Int64s
    threshold: Floats
    bias: Floats
    current_decay: Int64s
    potential_decay: Int64s
    refractory: Int64s
    group: Int64s
    stage: Int64s

    def __post_init__(self) -> None:
        for each in fields(self)[1:]:
            given = np.asarray(getattr(self, each.name))
            array = given.astype(np.float64 if each.name in ("weight", "threshold", "bias") else np.int64)
            array.flags.writeable = False
            object.__setattr__(self, each.name, array)
        self._check_sizes()
        self._check_numbers()
        self._check_ties()

    def _check_sizes(self) -> None:
        for names in (("pre", "post", "delay", "weight", "parameter"), _OF_NEURONS):
            sizes = {name: getattr(self, name).shape for name in names}
            if len(set(sizes.values())) > 1 or len(sizes[names[0]]) != 1:
                listed = ", ".join(f"{name} {shape}" for name, shape in sizes.items())
                raise SpecError(f"arrays of a trained network must be vectors of one length, got {listed}")
        lows = {"pre": self.n_inputs + self.n_neurons, "post": self.n_neurons, "outputs": self.n_neurons}
        for name, end in lows.items():
            values = getattr(self, name)
            if values.size and not 0 <= values.min() <= values.max() < end:
                raise SpecError(f"{name} must lie within 0 to {end - 1}, got {values.min()} to {values.max()}")

    def _check_numbers(self) -> None:
        for name in ("weight", "threshold", "bias"):
            if not np.isfinite(getattr(self, name)).all():
                raise SpecError(f"{name} must be finite, got a NaN or infinity; train the network again")
        if self.threshold.size and self.threshold.min() <= 0:
            raise SpecError(f"threshold must be positive, got {self.threshold.min():g}")
        for name in ("parameter", "group", "stage"):
            values = getattr(self, name)
            if values.size and np.unique(values).size != values.max() + 1:
                raise SpecError(
                    f"{name} must number from 0 without gaps, got {np.unique(values).size} different values"
                )

    def _check_ties(self) -> None:
        first = _first_of(self.parameter)
        tied = {"weights": self.weight, "groups": self.group[self.post]}
        for name, values in tied.items():
            if (values != values[first[self.parameter]]).any():
                raise SpecError(f"synapses of one parameter must agree in their {name}; renumber the parameters")
        first = _first_of(self.group)
        for name in (name for name in _OF_NEURONS if name != "group"):
            values = getattr(self, name)
            if (values != values[first[self.group]]).any():
                raise SpecError(f"neurons of one group must agree in their {name}; renumber the groups")
        inner = np.flatnonzero(self.pre >= self.n_inputs)
        if (self.stage[self.pre[inner] - self.n_inputs] > self.stage[self.post[inner]]).any():
            raise SpecError(
                "a neuron must not be fed by a later stage; put neurons that feed each other into one stage"
            )

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return int(self.threshold.size)

    @property
    def n_parameters(self) -> int:
        """Number of trained weights."""
        return int(self.parameter.max(initial=-1)) + 1

    @property
    def n_stages(self) -> int:
        """Number of stages."""
        return int(self.stage.max(initial=-1)) + 1

    @cached_property
    def first_synapse(self) -> Int64s:
        """(parameters,) The first synapse that carries each parameter."""
        return _first_of(self.parameter)

    @cached_property
    def members(self) -> tuple[Int64s, ...]:
        """The neurons of each group, in rising order."""
        order = np.argsort(self.group, kind="stable")
        return tuple(np.split(order, np.cumsum(np.bincount(self.group))[:-1]))

    @cached_property
    def group_of_parameter(self) -> Int64s:
        """(parameters,) The group that each parameter leads to."""
        groups: Int64s = self.group[self.post[self.first_synapse]]
        return groups

    @cached_property
    def parameters_of(self) -> tuple[Int64s, ...]:
        """The parameters that lead to each group, in rising order."""
        counts = np.bincount(self.group_of_parameter, minlength=len(self.members))
        order = np.argsort(self.group_of_parameter, kind="stable")
        return tuple(np.split(order, np.cumsum(counts)[:-1]))

    @cached_property
    def stage_of_group(self) -> Int64s:
        """(groups,) The stage of each group."""
        return np.array([self.stage[neurons[0]] for neurons in self.members], np.int64)

    @cached_property
    def synapses_into(self) -> tuple[Int64s, ...]:
        """The synapses that lead to each neuron."""
        order = np.argsort(self.post, kind="stable")
        return tuple(np.split(order, np.cumsum(np.bincount(self.post, minlength=self.n_neurons))[:-1]))

    def linear_rule(self, group: int, chip: Chip) -> LinearRule:
        """Return the linear rule of a group's neurons on a chip."""
        first = self.members[group][0]
        decays = int(self.current_decay[first]), int(self.potential_decay[first])
        return chip.linear_rule(*decays, int(self.refractory[first]))


_OF_NEURONS = ("threshold", "bias", "current_decay", "potential_decay", "refractory", "group", "stage")


def _first_of(labels: Int64s) -> Int64s:
    return np.unique(labels, return_index=True)[1].astype(np.int64)


@dataclass(frozen=True, eq=False)
class Samples:
    """Sample inputs, with spikes and potentials of the trained network on each of them from rest.

    Attributes
    ----------
    inputs : tuple of (ticks, inputs) bool
    spikes : tuple of (ticks, neurons) bool
        Spikes of all neurons of the trained network.
    potentials : tuple of (ticks, neurons) float
        Potentials before a reset, as compared with the threshold, in units of the weights.
    labels : (samples,) int or None
        The class of each sample, if there are classes.

    Raises
    ------
    SpecError
        If the sizes of the arrays do not match.
    """

    inputs: tuple[Raster, ...]
    spikes: tuple[Raster, ...]
    potentials: tuple[Floats, ...]
    labels: Int64s | None = None

    def __post_init__(self) -> None:
        counts = {len(self.inputs), len(self.spikes), len(self.potentials)}
        counts |= set() if self.labels is None else {len(self.labels)}
        if len(counts) > 1 or not self.inputs:
            raise SpecError(f"samples must have inputs, spikes and potentials each, got {sorted(counts)} of them")
        for index, (raster, spikes, potentials) in enumerate(
            zip(self.inputs, self.spikes, self.potentials, strict=True)
        ):
            if spikes.shape != potentials.shape or len(raster) != len(spikes):
                raise SpecError(
                    f"sample {index} must have one spike and one potential for each tick and neuron, "
                    f"got inputs {raster.shape}, spikes {spikes.shape}, potentials {potentials.shape}"
                )

    def __len__(self) -> int:
        return len(self.inputs)

    def some(self, indices: Sequence[int] | Int64s) -> Samples:
        """Return some of the samples."""
        chosen = [int(index) for index in indices]
        return Samples(
            inputs=tuple(self.inputs[index] for index in chosen),
            spikes=tuple(self.spikes[index] for index in chosen),
            potentials=tuple(self.potentials[index] for index in chosen),
            labels=None if self.labels is None else self.labels[chosen],
        )

    @cached_property
    def reach(self) -> Floats:
        """(neurons,) Maximum magnitude of each potential."""
        reach: Floats = np.max([np.abs(each).max(axis=0, initial=0.0) for each in self.potentials], axis=0)
        return reach

    @cached_property
    def lengths(self) -> Int64s:
        """(samples,) Ticks of each sample."""
        return np.array([len(raster) for raster in self.inputs], np.int64)

    @cached_property
    def age(self) -> Int64s:
        """(ticks of all samples,) Ticks since the start of the sample that a tick belongs to."""
        return np.concatenate([np.arange(length) for length in self.lengths]).astype(np.int64)
