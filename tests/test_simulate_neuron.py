"""The compiled run of one neuron against the plain model of the chip's rule."""

from __future__ import annotations

import numpy as np
import pytest
from cases import PlainNeuron

from snnprog.chips.loihi1 import LOIHI1
from snnprog.rules.neuron import Events, NeuronRun, run_neuron

LENGTHS = (40, 1, 25)
THRESHOLD = 150
LIMITS = (2**21, 2**23, 2**23)
DECAYS = [(4095, 205), (1500, 400), (0, 0), (4095, 4095), (3000, 0)]


def arrivals_of(seed: int, loudness: int = 1) -> list[list[int]]:
    """Return what arrives at each tick of each pattern, in weight LSBs."""
    generator = np.random.default_rng(seed)
    return [
        (loudness * generator.integers(-200, 260, ticks) * (generator.random(ticks) < 0.4)).tolist()
        for ticks in LENGTHS
    ]


def run_compiled(arrivals: list[list[int]], decays: tuple[int, int], bias: int, told: list[int] | None) -> NeuronRun:
    """Run a neuron to which every tick has a tap of its own, so that any numbers can arrive."""
    weights = np.concatenate([np.array(pattern, np.int64) for pattern in arrivals])
    ends = np.concatenate([np.arange(ticks) == ticks - 1 for ticks in LENGTHS])
    events: Events = np.concatenate([[0], np.cumsum(weights != 0)]), np.flatnonzero(weights)
    values = {"current_decay": decays[0], "potential_decay": decays[1], "bias": bias}
    parameters = values | {"threshold": THRESHOLD, "refractory": 1}
    return run_neuron(
        LOIHI1.rule,
        events,
        weights=weights,
        ends=ends,
        parameters=parameters,
        given=None if told is None else np.array(told),
    )


class PlainRun:
    """The same in plain integers.

    Attributes
    ----------
    compared, left : list of int
        The potential before and after each reset.
    seen : list of (int, int, int)
        What the registers were given to hold at each tick.
    """

    def __init__(
        self, arrivals: list[list[int]], decays: tuple[int, int], bias: int, told: list[int] | None = None
    ) -> None:
        self.compared: list[int] = []
        self.left: list[int] = []
        self.seen: list[tuple[int, int, int]] = []
        for pattern in arrivals:
            neuron = PlainNeuron(current_decay=decays[0], potential_decay=decays[1], bias=bias)
            for arriving in pattern:
                neuron.integrate(64 * arriving)
                self.compared.append(neuron.v)
                self.seen.append((64 * arriving, neuron.unwrapped, neuron.unclipped))
                resets = neuron.v > 64 * THRESHOLD if told is None else told[len(self.left)]
                neuron.v = 0 if resets else neuron.v
                self.left.append(neuron.v)

    @property
    def excursion(self) -> tuple[int, int, int] | None:
        """The first value beyond its limit: tick, which one, and the value."""
        for tick, values in enumerate(self.seen):
            for which, (value, limit) in enumerate(zip(values, LIMITS, strict=True)):
                if abs(value) >= limit:
                    return tick, which, value
        return None


@pytest.mark.parametrize("decays", DECAYS)
@pytest.mark.parametrize("bias", [0, -640, 960])
def test_spikes_and_potentials_are_those_of_plain_integers(decays: tuple[int, int], bias: int) -> None:
    arrivals = arrivals_of(sum(decays) + bias + 10_000)
    run, plain = run_compiled(arrivals, decays, bias, None), PlainRun(arrivals, decays, bias)
    assert run.compared.tolist() == plain.compared
    assert run.left.tolist() == plain.left
    assert run.excursion is None
    assert plain.excursion is None
    assert run.spikes.tolist() == [potential > 64 * THRESHOLD for potential in plain.compared]
    assert run.spikes.any()
    assert not run.spikes.all()


@pytest.mark.parametrize("decays", DECAYS)
@pytest.mark.parametrize("loudness", [40, 120, 400])
def test_registers_that_overflow_and_the_first_excursion_are_those_of_plain_integers(
    decays: tuple[int, int], loudness: int
) -> None:
    arrivals = arrivals_of(sum(decays), loudness)
    run, plain = run_compiled(arrivals, decays, 0, None), PlainRun(arrivals, decays, 0)
    assert run.compared.tolist() == plain.compared
    assert run.left.tolist() == plain.left
    assert run.excursion == plain.excursion
    assert loudness < 400 or run.excursion is not None


@pytest.mark.parametrize("decays", DECAYS)
def test_a_neuron_that_is_told_when_to_spike_resets_then_and_never_else(decays: tuple[int, int]) -> None:
    arrivals, told = arrivals_of(sum(decays)), (np.arange(sum(LENGTHS)) % 7 == 3).astype(int).tolist()
    run, plain = run_compiled(arrivals, decays, 0, told), PlainRun(arrivals, decays, 0, told)
    assert run.compared.tolist() == plain.compared
    assert run.left.tolist() == plain.left
    assert run.spikes.tolist() == [potential > 64 * THRESHOLD for potential in plain.compared]
    assert run.spikes.tolist() != told
