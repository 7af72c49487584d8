"""The compiled run of one neuron against the plain model of the chip's rule."""

from __future__ import annotations

import numpy as np
import pytest
from cases import PlainNeuron

from snnprog.chips import CHIPS
from snnprog.simulate.neuron import run_neuron

LENGTHS = (40, 1, 25)


@pytest.mark.parametrize("decays", [(4095, 205), (1500, 400), (0, 0), (4095, 4095), (3000, 0)])
@pytest.mark.parametrize("bias", [0, -640, 960])
def test_spikes_and_potentials_are_those_of_plain_integers(decays: tuple[int, int], bias: int) -> None:
    generator = np.random.default_rng(sum(decays) + bias + 10_000)
    arrivals = [64 * generator.integers(-200, 260, ticks) * (generator.random(ticks) < 0.4) for ticks in LENGTHS]
    semantics, threshold = CHIPS["loihi1"].semantics, 64 * 150
    factors = np.array([semantics.current_factor(decays[0]), semantics.potential_factor(decays[1])])
    ends = np.concatenate([np.arange(ticks) == ticks - 1 for ticks in LENGTHS])
    spikes, potentials, reached = run_neuron(
        np.concatenate(arrivals), ends, factors, semantics.decay_bits, threshold, bias
    )
    expected = []
    for pattern in arrivals:
        neuron = PlainNeuron(current_decay=decays[0], potential_decay=decays[1], bias=bias)
        for arriving in pattern.tolist():
            neuron.integrate(arriving)
            expected.append(neuron.v)
            neuron.v = 0 if neuron.v > threshold else neuron.v
    assert potentials.tolist() == expected
    assert reached[0] == np.abs(np.concatenate(arrivals)).max()
    assert reached[2] == max(map(abs, expected))
    assert spikes.tolist() == [potential > threshold for potential in expected]
    assert spikes.any()
    assert not spikes.all()
