"""Classes by readouts: the output with the highest last potential, in a network and in its programs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from snnprog.arrays import Bools, Floats, Int64s, Raster
from snnprog.networks.calibration import Accuracy, SampleSplit
from snnprog.networks.network import TrainedNetwork
from snnprog.networks.running import batches, run_network
from snnprog.program import Program
from snnprog.simulate import simulate


def readout_accuracy(
    network: TrainedNetwork,
    inputs: Sequence[Raster],
    *,
    result: Program,
    rounded: Program,
    scales: Floats,
    labels: Int64s,
    split: SampleSplit,
) -> Accuracy:
    """Return the shares of right classes of a network whose outputs are all readouts, and of two programs.

    Parameters
    ----------
    result, rounded : Program
    scales : (outputs,) float
        What the programs' potentials have to be divided by to be the network's, but for a factor of all outputs.
    labels : (samples,) int
    split : SampleSplit
    """
    right: list[list[Bools]] = [[], [], []]
    first = 0
    for members in batches(network, inputs):
        own = labels[first : first + len(members)]
        real = [trace.potentials for trace in run_network(network, members, potentials=True)]
        named = [np.array([np.argmax(each[-1, network.outputs]) for each in real if each is not None])]
        named += [_named(program, members, scales) for program in (result, rounded)]
        for kept, each in zip(right, named, strict=True):
            kept.append(each == own)
        first += len(members)
    trained, fitted, plain = (_shares(np.concatenate(each), split) for each in right)
    return Accuracy(trained, fitted, plain)


def _named(program: Program, inputs: Sequence[Raster], scales: Floats) -> Int64s:
    traces = simulate(program, inputs, state=True)
    last = [trace.potentials[-1, program.outputs] for trace in traces if trace.potentials is not None]
    return np.array([int(np.argmax(each / scales)) for each in last], np.int64)


def _shares(is_right: Bools, split: SampleSplit) -> tuple[float, float, float]:
    first, second, third = (float(is_right[part].mean()) for part in (split.fitting, split.choosing, split.held_out))
    return first, second, third
