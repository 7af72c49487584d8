"""Random networks for the benchmarks of the simulators: dense feed-forward, sparse recurrent, and of any kind."""

from __future__ import annotations

import numpy as np

import snnprog as sp
from snnprog.arrays import Int64s
from snnprog.program import MIXED

POTENTIAL_DECAY = 400
LONGEST_DELAY = 8
"""In ticks; the recurrent networks of docs/explanation/speed.md have delays of 1 to 8."""


def feed_forward(n_inputs: int, n_neurons: int, *, seed: int = 0) -> sp.Program:
    """Return a layer in which every input reaches every neuron in one tick; no currents, one threshold."""
    generator = np.random.default_rng(seed)
    pre, post = (index.ravel() for index in np.indices((n_inputs, n_neurons)))
    return _program(generator, n_inputs, n_neurons, pre, post, np.ones_like(pre), deviations=1.6)


def recurrent(n_inputs: int, n_neurons: int, connectivity: float, *, seed: int = 0) -> sp.Program:
    """Return a network in which inputs and neurons reach so many of the neurons, with delays of 1 to 8 ticks."""
    generator = np.random.default_rng(seed)
    pre, post = np.nonzero(generator.random((n_inputs + n_neurons, n_neurons), dtype=np.float32) < connectivity)
    delay = generator.integers(1, LONGEST_DELAY + 1, pre.size)
    return _program(generator, n_inputs, n_neurons, pre, post, delay, deviations=1.3)


def _program(
    generator: np.random.Generator,
    n_inputs: int,
    n_neurons: int,
    pre: Int64s,
    post: Int64s,
    delay: Int64s,
    deviations: float,
) -> sp.Program:
    """Return a program with weights around 0, even so that one mixed connection holds them, and no currents.

    The threshold is so many standard deviations of the potential that one fiftieth of all lines would cause.
    """
    weight = 2 * generator.integers(-63, 64, pre.size)
    leak = 1 - POTENTIAL_DECAY / 4096
    spread = float(np.sqrt(0.02 * np.square(weight).sum() / n_neurons / (1 - leak**2)))
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        pre=pre,
        post=post,
        delay=delay,
        weight=weight,
        sign_mode=MIXED,
        threshold=round(deviations * spread),
        potential_decay=POTENTIAL_DECAY,
    )


def anything(seed: int, *, is_loud: bool) -> sp.Program:
    """Return a network of 30 to 1000 neurons with all that the chip has; a loud one wraps and clips."""
    generator = np.random.default_rng(seed)
    n_inputs, n_neurons = int(generator.integers(1, 500)), int(10 ** generator.uniform(1.5, 3))
    connectivity = 10 ** generator.uniform(-2, 0) if n_neurons < 300 else 10 ** generator.uniform(-2.5, -1)
    pre, post = np.nonzero(generator.random((n_inputs + n_neurons, n_neurons)) < connectivity)
    either = np.where(generator.random(pre.size) < 0.5, -1, 1)
    size = generator.integers(1, 256 if is_loud else 32, pre.size)
    decays = np.array([0, 1, 163, 1024, 4094, 4095])
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        outputs=generator.permutation(n_neurons)[: int(generator.integers(1, n_neurons + 1))],
        pre=pre,
        post=post,
        delay=generator.integers(1, generator.choice([2, 9, 64]), pre.size),
        weight=either * size,
        exponent=generator.integers(6 if is_loud else 0, 8 if is_loud else 2, pre.size),
        threshold=generator.integers(1, 131072 if is_loud else 4000, n_neurons),
        current_decay=generator.choice(decays, n_neurons) if generator.random() < 0.7 else np.full(n_neurons, 4095),
        potential_decay=generator.choice(decays, n_neurons),
        bias=generator.integers(-4095, 4096, n_neurons) << generator.integers(0, 8 if is_loud else 2, n_neurons),
    )
