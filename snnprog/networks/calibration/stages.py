"""Stages of a network in chip integers, run as separate programs on the spikes of earlier stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.chips import Chip
from snnprog.networks.calibration.fitting import GroupIntegers
from snnprog.networks.calibration.trained import TrainedLayers
from snnprog.program import Program


@dataclass(frozen=True, eq=False)
class NetworkIntegers:
    """A network in chip integers.

    Attributes
    ----------
    mantissa, exponent : (parameters,) int
    threshold, bias : (neurons,) int
    scale : (groups,) float
        Units of the chip's threshold for each unit of a group's trained weights.
    """

    mantissa: Int64s
    exponent: Int64s
    threshold: Int64s
    bias: Int64s
    scale: Floats

    @classmethod
    def of(cls, network: TrainedLayers, groups: Mapping[int, GroupIntegers]) -> NetworkIntegers:
        """Return the integers of some groups as those of a network; all others are 0."""
        mantissa, exponent = np.zeros((2, network.n_parameters), np.int64)
        threshold, bias = np.zeros((2, network.n_neurons), np.int64)
        scale = np.zeros(len(network.members))
        for index, group in groups.items():
            parameters = network.parameters_of[index]
            neurons = network.members[index]
            mantissa[parameters], exponent[parameters] = group.mantissas, group.exponents
            threshold[neurons], bias[neurons], scale[index] = group.threshold, group.bias, group.scale
        return cls(mantissa, exponent, threshold, bias, scale)


def run_stage(
    network: TrainedLayers,
    chip: Chip,
    integers: NetworkIntegers,
    *,
    stage: int,
    lines: Raster,
    lengths: Int64s,
) -> Raster:
    """Return the spikes of one stage's neurons, each sample from rest, in closed loop with themselves only.

    Parameters
    ----------
    lines : (ticks of all samples, inputs + neurons) bool
        Spikes of inputs and earlier stages.
    lengths : (samples,) int
        Ticks of each sample.

    Returns
    -------
    (ticks of all samples, neurons of the stage) bool
    """
    from snnprog.simulate.kernel import simulate  # importing Numba takes long

    neurons = np.flatnonzero(network.stage == stage)
    synapses = np.flatnonzero((network.stage[network.post] == stage) & (integers.mantissa[network.parameter] != 0))
    local = np.searchsorted(neurons, network.post[synapses])
    pre, width = network.pre[synapses].copy(), lines.shape[1]
    inner = np.flatnonzero(pre >= network.n_inputs)
    own = inner[network.stage[pre[inner] - network.n_inputs] == stage]
    pre[own] = width + np.searchsorted(neurons, pre[own] - network.n_inputs)
    order = np.lexsort((local, network.delay[synapses], pre))
    synapses, local, pre = synapses[order], local[order], pre[order]
    program = Program.from_arrays(
        chip=chip,
        n_inputs=width,
        n_neurons=neurons.size,
        pre=pre,
        post=local,
        delay=network.delay[synapses],
        weight=integers.mantissa[network.parameter[synapses]],
        exponent=integers.exponent[network.parameter[synapses]],
        threshold=integers.threshold[neurons],
        current_decay=network.current_decay[neurons],
        potential_decay=network.potential_decay[neurons],
        refractory=network.refractory[neurons],
        bias=integers.bias[neurons],
    )
    parts = np.split(lines, np.cumsum(lengths)[:-1])
    return np.concatenate([trace.spikes for trace in simulate(program, parts)])
