"""Random programs with convolutions, and a plain unrolling of them by loops that shares no code with the package."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

import snnprog as sp
from snnprog.chips import Chip, find_chip
from snnprog.convolution import Convolution, Pair
from snnprog.errors import SpecError
from snnprog.synapses import INHIBITORY, MIXED, SharedSynapses


class PlainSynapse(NamedTuple):
    """One synapse, as six integers."""

    pre: int
    post: int
    delay: int
    weight: int
    exponent: int
    sign_mode: int


def plain_synapses(shared: SharedSynapses) -> list[PlainSynapse]:
    """Return the synapses of a convolution, place by place: those whose weight is not 0."""
    geometry = shared.convolution
    weight, delay, exponent, mode = (
        getattr(shared, name).reshape(geometry.weight_shape) for name in ("weight", "delay", "exponent", "sign_mode")
    )
    outs, ins = geometry.weight_shape[:2]
    found = []
    for out, y, x in product(range(outs), *map(range, geometry.size)):
        post = shared.first_post + (out * geometry.size[0] + y) * geometry.size[1] + x
        for inner, row, column in product(range(ins), *map(range, geometry.kernel)):
            index = out, inner, row, column
            channel = out // (outs // geometry.groups) * ins + inner
            for at in _windows(geometry, (y, x), (row, column)):
                pre = shared.first_pre + (channel * geometry.image[0] + at[0]) * geometry.image[1] + at[1]
                numbers = (int(array[index]) for array in (delay, weight, exponent, mode))
                if weight[index]:
                    found.append(PlainSynapse(pre, post, *numbers))
    return found


def _windows(geometry: Convolution, place: Pair, tap: Pair) -> list[Pair]:
    """Return the source places that a target place reads through one place of the kernel."""
    axes = []
    for axis in (0, 1):
        pooled = place[axis] * geometry.stride[axis] + tap[axis] * geometry.dilation[axis] - geometry.before[axis]
        first = pooled * geometry.pool_stride[axis] - geometry.pool_before[axis]
        is_there = 0 <= pooled < geometry.pooled[axis]
        axes.append(
            [at for at in range(first, first + geometry.pool[axis]) if is_there and 0 <= at < geometry.image[axis]]
        )
    return [(y, x) for y in axes[0] for x in axes[1]]


def random_convolution(generator: np.random.Generator) -> Convolution:
    """Return a small convolution: groups, strides, dilation, padding and pooling among them."""
    while True:
        groups = int(generator.integers(1, 3))

        def pair(low: int, high: int) -> Pair:
            return int(generator.integers(low, high)), int(generator.integers(low, high))

        channels = pair(1, 3)
        pool = pair(1, 3) if generator.random() < 0.4 else (1, 1)
        try:
            return Convolution(
                channels=(channels[0] * groups, channels[1] * groups),
                image=pair(1, 6),
                kernel=pair(1, 4),
                stride=pair(1, 3),
                dilation=pair(1, 3),
                before=pair(0, 2),
                after=pair(0, 2),
                groups=groups,
                pool=pool,
                pool_stride=pool,
                pool_before=pair(0, 2) if pool != (1, 1) else (0, 0),
            )
        except SpecError:
            continue


def random_shared(
    generator: np.random.Generator, geometry: Convolution, chip: Chip, *, first_pre: int, first_post: int
) -> SharedSynapses:
    """Return a convolution with weights of all sorts, a third of them 0."""
    count = geometry.n_weights
    mode = generator.integers(MIXED, INHIBITORY + 1, count)
    lows, highs = np.array(
        [(0, 0), chip.weight_ranges.mixed, chip.weight_ranges.excitatory, chip.weight_ranges.inhibitory]
    ).T
    step = np.where(mode == MIXED, chip.weight_ranges.mixed_step, 1)
    weight = generator.integers(lows[mode] // 8, highs[mode] // 4 + 1) // step * step
    return SharedSynapses.of(
        geometry,
        np.where(generator.random(count) < 0.3, 0, np.clip(weight, lows[mode], highs[mode])),
        first_pre=first_pre,
        first_post=first_post,
        delay=generator.integers(chip.delays[0], min(chip.delays[1], 4) + 1, count),
        exponent=generator.integers(chip.exponents[0], min(chip.exponents[1], 2) + 1, count),
        sign_mode=mode,
    )


def random_program(seed: int, chip: str | Chip = "loihi1") -> sp.Program:
    """Return a program of two convolutions, one after the other, and some listed synapses, also between outputs."""
    generator = np.random.default_rng(seed)
    found = find_chip(chip)
    first, second = (random_convolution(generator) for _ in range(2))
    n_inputs = first.n_sources + int(generator.integers(0, 3))
    n_neurons = max(first.n_targets, second.n_sources) + second.n_targets + int(generator.integers(0, 3))
    listed = int(generator.integers(0, 20))
    return sp.Program.from_arrays(
        chip=found,
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        outputs=generator.permutation(n_neurons)[: int(generator.integers(1, n_neurons + 1))],
        pre=generator.integers(0, n_inputs + n_neurons, listed),
        post=generator.integers(0, n_neurons, listed),
        delay=generator.integers(found.delays[0], min(found.delays[1], 4) + 1, listed),
        weight=generator.integers(0, 8, listed),
        threshold=generator.integers(2, 40, n_neurons),
        shared=[
            random_shared(generator, first, found, first_pre=n_inputs - first.n_sources, first_post=0),
            random_shared(
                generator,
                second,
                found,
                first_pre=n_inputs,
                first_post=n_neurons - second.n_targets,
            ),
        ],
    )
