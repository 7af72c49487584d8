"""The golden programs, from which their files are written: each named after the row of the rule that it exercises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from cases import random_raster
from numpy.typing import ArrayLike

import snnprog as sp
from snnprog.conformance import Trial
from snnprog.program import EXCITATORY, INHIBITORY, MIXED

TICKS = (70, 25)
"""Most programs have patterns of these lengths, so that they can be run side by side; the longest delay fits in."""

FULL = 4095
BY_SIGN = 0


def network(n_inputs: int, n_neurons: int, synapses: Sequence[tuple[int, ...]], **given: ArrayLike) -> sp.Program:
    """Return a program of synapses (pre, post, delay, weight, exponent, sign mode); modes of 0 go by the weight."""
    pre, post, delay, weight, exponent, mode = np.array(synapses, dtype=int).reshape(-1, 6).T
    neurons: dict[str, Any] = {"threshold": 300, "current_decay": 700, "potential_decay": 150}
    one_sided = np.where(weight < 0, INHIBITORY, EXCITATORY)
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        pre=pre,
        post=post,
        delay=delay,
        weight=weight,
        exponent=exponent,
        sign_mode=np.where(mode == BY_SIGN, one_sided, mode),
        **neurons | given,
    )


def played(program: sp.Program, seed: int, rate: float, ticks: tuple[int, ...] = TICKS) -> Trial:
    """Return the program with random patterns."""
    patterns = [random_raster(seed + index, length, program.n_inputs, rate) for index, length in enumerate(ticks)]
    return Trial(program, tuple(patterns))


def rounding() -> Trial:
    """Decays of all sizes, each on a neuron that is mostly excited and on one that is mostly inhibited."""
    decays = [(1, 1), (37, 5), (1000, 333), (2500, 1234), (4000, 4094), (3, 2048)]
    synapses = []
    for neuron in range(2 * len(decays)):
        sign = 1 if neuron % 2 else -1
        synapses += [(0, neuron, 1, 13 * sign, 0, BY_SIGN), (1, neuron, 1, -5 * sign, 0, BY_SIGN)]
    current, potential = np.repeat(np.array(decays), 2, axis=0).T
    return played(network(2, 12, synapses, current_decay=current, potential_decay=potential), 100, 0.3)


def ends_of_decays() -> Trial:
    """0 and 4095, each with each: a current always leaks by 1/4096, a potential never loses its last 1/4096."""
    current, potential = np.array([(0, 0), (0, FULL), (FULL, 0), (FULL, FULL)] * 2).T
    synapses = [(0, neuron, 1, 90 if neuron < 4 else -90, 2, BY_SIGN) for neuron in range(8)]
    synapses += [(1, neuron, 1, -70 if neuron < 4 else 70, 2, BY_SIGN) for neuron in range(8)]
    given: dict[str, Any] = {"current_decay": current, "potential_decay": potential, "threshold": 900}
    return played(network(2, 8, synapses, **given), 110, 0.15)


def exponents() -> Trial:
    """Every exponent, on weights of both signs, each on a neuron of its own."""
    synapses = []
    for exponent in range(8):
        synapses += [(0, exponent, 1, 101, exponent, BY_SIGN), (1, exponent, 1, -55, exponent, BY_SIGN)]
    given: dict[str, Any] = {"threshold": 150 << np.arange(8), "current_decay": 2000}
    return played(network(2, 8, synapses, **given), 120, 0.2)


def sign_modes() -> Trial:
    """The ends and the smallest steps of the three weight formats."""
    synapses = [
        (0, 0, 1, 255, 0, EXCITATORY),
        (1, 0, 1, 1, 0, EXCITATORY),
        (2, 0, 1, 0, 0, EXCITATORY),
        (0, 1, 1, -255, 0, INHIBITORY),
        (1, 1, 1, -1, 0, INHIBITORY),
        (2, 1, 1, 128, 0, EXCITATORY),
        (0, 2, 1, 254, 0, MIXED),
        (1, 2, 1, 2, 0, MIXED),
        (2, 2, 1, -2, 0, MIXED),
        (0, 3, 1, -256, 0, MIXED),
        (1, 3, 1, 130, 0, MIXED),
        (2, 3, 1, 129, 0, EXCITATORY),
    ]
    return played(network(3, 4, synapses), 130, 0.35)


def input_delays() -> Trial:
    """Delays from inputs, the shortest and the longest among them, also several from one input to one neuron."""
    synapses = [(0, neuron, delay, 60, 1, BY_SIGN) for neuron, delay in enumerate((1, 2, 3, 8, 31, 32, 62, 63))]
    synapses += [(1, neuron, delay, -20, 1, BY_SIGN) for neuron, delay in enumerate((63, 62, 61, 40, 17, 5, 2, 1))]
    synapses += [(2, 0, delay, 3 * delay, 0, BY_SIGN) for delay in (1, 4, 33, 63)]
    return played(network(3, 8, synapses, current_decay=3000), 140, 0.12)


def recurrent_delays() -> Trial:
    """Delays between neurons, the longest among them: a loop that comes back after 63 ticks, and one after 2 + 5."""
    synapses = [
        (0, 0, 1, 250, 2, BY_SIGN),
        (1, 0, 63, 220, 2, BY_SIGN),
        (1, 1, 2, 240, 2, BY_SIGN),
        (2, 2, 5, 230, 2, BY_SIGN),
        (3, 1, 62, -90, 1, BY_SIGN),
        (3, 3, 31, 200, 2, BY_SIGN),
        (4, 3, 3, -250, 2, BY_SIGN),
    ]
    return played(network(1, 4, synapses, current_decay=4000), 150, 0.06)


def recurrence() -> Trial:
    """A self-loop, a pair that inhibit each other, and a ring, with delays of 1."""
    synapses = [
        (0, 0, 1, 180, 1, BY_SIGN),
        (2, 0, 1, -100, 1, BY_SIGN),
        (0, 1, 1, 150, 1, BY_SIGN),
        (1, 2, 1, 150, 1, BY_SIGN),
        (3, 2, 1, -200, 1, MIXED),
        (4, 1, 1, -200, 1, MIXED),
        (1, 3, 1, 120, 2, BY_SIGN),
        (5, 4, 1, 130, 2, BY_SIGN),
        (6, 5, 1, 140, 2, BY_SIGN),
        (7, 3, 1, 150, 2, BY_SIGN),
    ]
    return played(network(2, 6, synapses, current_decay=2500), 160, 0.2)


def several_synapses() -> Trial:
    """Several synapses from one line to one neuron: alike, or apart in weight, delay, exponent or sign mode."""
    synapses = [
        (0, 0, 1, 40, 0, BY_SIGN),
        (0, 0, 1, 40, 0, BY_SIGN),
        (0, 0, 1, 30, 0, BY_SIGN),
        (0, 1, 1, 50, 0, BY_SIGN),
        (0, 1, 2, 60, 0, BY_SIGN),
        (0, 1, 4, -70, 0, BY_SIGN),
        (0, 2, 1, 90, 0, BY_SIGN),
        (0, 2, 1, 11, 2, BY_SIGN),
        (0, 2, 1, -30, 1, BY_SIGN),
        (0, 2, 1, 20, 0, MIXED),
        (1, 3, 1, 60, 0, BY_SIGN),
        (1, 3, 1, 70, 0, BY_SIGN),
        (1, 3, 1, -44, 0, MIXED),
        (1, 0, 1, -9, 0, BY_SIGN),
        (1, 0, 1, -9, 0, BY_SIGN),
    ]
    return played(network(1, 4, synapses, threshold=[90, 90, 90, 60]), 170, 0.3)


def biases() -> Trial:
    """Biases of both signs: the smallest, the largest mantissa, and every exponent."""
    bias = [1, -1, 4095, -4095, *(4001 << exponent for exponent in range(1, 8)), -(3999 << 7)]
    synapses = [(0, neuron, 1, 20, 0, BY_SIGN) for neuron in range(12)]
    given: dict[str, Any] = {"bias": bias, "threshold": 5000, "potential_decay": 900}
    return played(network(1, 12, synapses, **given), 180, 0.2)


def equality() -> Trial:
    """Potentials that reach the threshold and do not exceed it: no spike; by the smallest step above: a spike.

    The current of the last neuron is 128, then 65; its threshold is 64.
    """
    synapses = [(0, neuron, 1, 100, 0, BY_SIGN) for neuron in range(3)] + [(0, 3, 1, 2, 0, BY_SIGN)]
    given: dict[str, Any] = {
        "threshold": [100, 99, 200, 1],
        "current_decay": [FULL, FULL, FULL, 2015],
        "potential_decay": [0, 0, 0, FULL],
    }
    return played(network(1, 4, synapses, **given), 190, 0.3)


def every_tick() -> Trial:
    """Spikes on consecutive ticks: no refractory tick follows one, and the current outlives the reset."""
    synapses = [(0, 0, 1, 200, 3, BY_SIGN), (0, 1, 1, 200, 0, BY_SIGN)]
    given: dict[str, Any] = {"threshold": [50, 100], "current_decay": [5, FULL]}
    return played(network(1, 2, synapses, **given), 200, 0.7)


def refractory() -> Trial:
    """Refractory periods from the shortest to the longest, with currents that outlive the shorter ones."""
    synapses = [(0, neuron, 1, 200, 2, BY_SIGN) for neuron in range(8)]
    synapses += [(2 + neuron, neuron, 1, 90, 2, BY_SIGN) for neuron in (1, 3)]
    periods, decays = [1, 2, 3, 4, 7, 20, 62, 63], [FULL, 300, 300, 90, 2000, 300, 20, 900]
    return played(network(2, 8, synapses, refractory=periods, current_decay=decays), 240, 0.3)


def refractory_biases() -> Trial:
    """Biases of both signs come to nothing while a neuron is refractory, and so does what arrives and does not last."""
    synapses = [(0, neuron, 1, 200, 1, BY_SIGN) for neuron in range(6)]
    given: dict[str, Any] = {
        "refractory": [2, 3, 5, 8, 21, 63],
        "bias": [700, -900, 1500, -400, 3000, 40000],
        "current_decay": [FULL, 300, FULL, 2000, 300, 90],
    }
    return played(network(1, 6, synapses, **given), 250, 0.3)


def wide_states() -> Trial:
    """Currents and potentials close below the ends of their registers, and the highest threshold."""
    synapses = [(0, 0, 1, 255, 6, BY_SIGN), (0, 1, 1, -255, 6, BY_SIGN), (0, 2, 1, 200, 5, BY_SIGN)]
    synapses += [(0, 3, 1, 255, 6, BY_SIGN)]
    given: dict[str, Any] = {
        "threshold": [131071, 131071, 110000, 131071],
        "current_decay": [2047, 2047, 3500, 180],
        "potential_decay": [500, 700, 1, FULL],
    }
    return played(network(1, 4, synapses, **given), 210, 0.22)


def from_rest() -> Trial:
    """Patterns of different lengths, one a single tick, each ending with current, potential and spikes in progress."""
    synapses = [
        (0, 0, 1, 120, 1, BY_SIGN),
        (0, 1, 9, 200, 1, BY_SIGN),
        (1, 0, 3, -60, 1, BY_SIGN),
        (1, 1, 1, 33, 0, BY_SIGN),
        (2, 1, 1, 100, 0, BY_SIGN),
        (3, 0, 1, -41, 0, BY_SIGN),
    ]
    return played(network(2, 2, synapses, current_decay=[3, 5], potential_decay=[1, 2]), 220, 0.5, (11, 1, 6, 1, 30))


def some_outputs() -> Trial:
    """Read out are some of the neurons, not in their order; one has no synapse, and one input none either."""
    synapses = [(0, 0, 1, 200, 1, BY_SIGN), (0, 2, 1, 120, 1, BY_SIGN), (4, 3, 1, 220, 1, BY_SIGN)]
    return played(network(2, 4, synapses, outputs=[3, 0, 1]), 230, 0.4, (20,))


CASES: tuple[Callable[[], Trial], ...] = (
    rounding,
    ends_of_decays,
    exponents,
    sign_modes,
    input_delays,
    recurrent_delays,
    recurrence,
    several_synapses,
    biases,
    equality,
    every_tick,
    refractory,
    refractory_biases,
    wide_states,
    from_rest,
    some_outputs,
)
