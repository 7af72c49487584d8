"""Groups of a trained network before rounding, and rounded without a fit."""

from __future__ import annotations

from snnprog.arrays import Floats, Raster
from snnprog.chips import Chip
from snnprog.networks.calibration.grid import GroupGrid, RealGroup
from snnprog.networks.calibration.trained import Samples, TrainedLayers


def real_group(network: TrainedLayers, samples: Samples, *, group: int, chip: Chip) -> RealGroup:
    """Return one group of a network before rounding, with its potentials on samples."""
    neurons = network.members[group]
    first, weight = int(neurons[0]), network.weight[network.first_synapse]
    sums = [0.0]
    for neuron in neurons.tolist():
        each = weight[network.parameter[network.synapses_into[neuron]]]
        sums += [float(each[each > 0].sum()), -float(each[each < 0].sum())]
    return RealGroup(
        name=f"neuron {first}",
        weights=weight[network.parameters_of[group]],
        threshold=float(network.threshold[first]),
        bias=float(network.bias[first]),
        largest_sum=max(sums),
        reach=float(samples.reach[neurons].max()),
        linear=network.linear_rule(group, chip),
    )


def nearest_on(grid: GroupGrid, kept: Raster) -> Floats:
    """Return the rounded trained weights on a grid, with pruned ones set to 0."""
    nearest = grid.start.copy()
    nearest[:-2] *= kept
    return nearest
