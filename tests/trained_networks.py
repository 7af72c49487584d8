"""Small trained networks and their samples, run by loops over Python's numbers that share no code with the package."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from snnprog.arrays import Floats, Raster
from snnprog.chips import Chip, find_chip
from snnprog.networks.calibration import NetworkIntegers, Samples, TrainedLayers
from snnprog.program import Program


@dataclass(frozen=True, eq=False)
class Example:
    """A network on a chip, and samples of what it does."""

    layers: TrainedLayers
    samples: Samples
    chip: Chip


def dense(
    sizes: tuple[int, ...] = (8, 6, 3),
    *,
    chip: str | Chip = "loihi1",
    seed: int = 0,
    samples: int = 40,
    silent_line: bool = False,
    is_recurrent: bool = False,
    refractory: int = 1,
) -> Example:
    """Return a dense network; the first line may be silent in all samples, the last stage may feed itself."""
    generator, limits = np.random.default_rng(seed), find_chip(chip)
    pre, post, first = [], [], 0
    for below, above in pairwise(sizes):
        for j in range(above):
            pre += list(range(first, first + below))
            post += [first + below - sizes[0] + j] * below
        first += below
    n_neurons, last = sum(sizes[1:]), sizes[-1]
    if is_recurrent:
        for j in range(n_neurons - last, n_neurons):
            pre += [sizes[0] + k for k in range(n_neurons - last, n_neurons)]
            post += [j] * last
    stage = np.repeat(np.arange(len(sizes) - 1), sizes[1:])
    layers = TrainedLayers(
        n_inputs=sizes[0],
        outputs=np.arange(n_neurons - last, n_neurons),
        pre=np.array(pre),
        post=np.array(post),
        delay=generator.integers(1, 4, len(pre)),
        weight=generator.normal(0.25, 0.5, len(pre)),
        parameter=np.arange(len(pre)),
        threshold=np.ones(n_neurons),
        bias=generator.normal(0, 0.01, n_neurons) * bool(limits.bias_limit),
        current_decay=np.full(n_neurons, limits.usual_decays[0]),
        potential_decay=np.full(n_neurons, limits.usual_decays[1]),
        refractory=np.full(n_neurons, refractory),
        group=np.arange(n_neurons),
        stage=stage,
    )
    rasters = [generator.random((15, sizes[0])) < 0.2 for _ in range(samples)]
    if silent_line:
        for raster in rasters:
            raster[:, 0] = False
    return Example(layers, played(layers, rasters, limits), limits)


def convolution(*, channels: int = 3, positions: int = 5, seed: int = 1) -> Example:
    """Return one stage of a one-dimensional convolution with kernels of four weights."""
    generator, limits = np.random.default_rng(seed), find_chip("loihi1")
    kernels, width = generator.normal(0.3, 0.5, (channels, 4)), 4
    synapses = [
        (position + tap, channel * positions + position, channel * width + tap)
        for channel in range(channels)
        for position in range(positions)
        for tap in range(width)
    ]
    pre, post, parameter = np.array(synapses).T
    n_neurons = channels * positions
    layers = TrainedLayers(
        n_inputs=positions + width - 1,
        outputs=np.arange(n_neurons),
        pre=pre,
        post=post,
        delay=np.ones(pre.size),
        weight=kernels.ravel()[parameter],
        parameter=parameter,
        threshold=np.ones(n_neurons),
        bias=np.zeros(n_neurons),
        current_decay=np.full(n_neurons, 4095),
        potential_decay=np.full(n_neurons, 205),
        refractory=np.ones(n_neurons, np.int64),
        group=np.repeat(np.arange(channels), positions),
        stage=np.zeros(n_neurons, np.int64),
    )
    rasters = [generator.random((12, layers.n_inputs)) < 0.3 for _ in range(40)]
    return Example(layers, played(layers, rasters, limits), limits)


def played(layers: TrainedLayers, rasters: list[Raster], chip: Chip) -> Samples:
    """Return what the real network does, one synapse at a time; labels are the outputs with the most spikes."""
    pairs = [_play(layers, raster, chip) for raster in rasters]
    labels = [int(np.argmax(spikes[:, layers.outputs].sum(axis=0))) for spikes, _ in pairs]
    return Samples(
        tuple(rasters),
        tuple(spikes for spikes, _ in pairs),
        tuple(potentials for _, potentials in pairs),
        np.array(labels, np.int64),
    )


def _play(layers: TrainedLayers, raster: Raster, chip: Chip) -> tuple[Raster, Floats]:
    rules = [
        chip.linear_rule(int(current), int(potential))
        for current, potential in zip(layers.current_decay, layers.potential_decay, strict=True)
    ]
    decays = [(float(rule.current), float(rule.gain), float(rule.potential)) for rule in rules]
    synapses = list(
        zip(*(each.tolist() for each in (layers.pre, layers.post, layers.delay, layers.weight)), strict=True)
    )
    spikes = np.zeros((len(raster), layers.n_neurons), np.bool_)
    potentials = np.zeros(spikes.shape)
    current, potential = [0.0] * layers.n_neurons, [0.0] * layers.n_neurons
    held = [0] * layers.n_neurons
    sent: list[list[bool]] = []  # of each tick, inputs and then neurons
    for tick, inputs in enumerate(raster.tolist()):
        arriving = [0.0] * layers.n_neurons
        for pre, post, delay, weight in synapses:
            if tick >= delay and sent[tick - delay][pre]:
                arriving[post] += weight
        for neuron, rule in enumerate(rules):
            of_current, gain, of_potential = decays[neuron]
            current[neuron] = of_current * current[neuron] + gain * arriving[neuron]
            potential[neuron] = of_potential * potential[neuron] + current[neuron] + layers.bias[neuron]
            if held[neuron]:
                held[neuron], potential[neuron] = held[neuron] - 1, 0.0
            potentials[tick, neuron] = potential[neuron]
            over = potential[neuron] - layers.threshold[neuron]
            spikes[tick, neuron] = over >= 0 if rule.is_equal_a_spike else over > 0
            if spikes[tick, neuron]:
                potential[neuron] = 0.0 if rule.is_reset_to_zero else over
                held[neuron] = int(layers.refractory[neuron]) - 1
        sent.append([*inputs, *spikes[tick].tolist()])
    return spikes, potentials


def program_of(network: TrainedLayers, chip: Chip, integers: NetworkIntegers) -> Program:
    """Return the program of a whole network; synapses whose weight is 0 are left out."""
    mantissa = integers.mantissa[network.parameter]
    kept = np.flatnonzero(mantissa)
    kept = kept[np.lexsort((network.post[kept], network.delay[kept], network.pre[kept]))]
    return Program.from_arrays(
        chip=chip,
        n_inputs=network.n_inputs,
        n_neurons=network.n_neurons,
        outputs=network.outputs,
        pre=network.pre[kept],
        post=network.post[kept],
        delay=network.delay[kept],
        weight=mantissa[kept],
        exponent=integers.exponent[network.parameter[kept]],
        threshold=integers.threshold,
        current_decay=network.current_decay,
        potential_decay=network.potential_decay,
        refractory=network.refractory,
        bias=integers.bias,
    )
