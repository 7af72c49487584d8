"""One spiking neuron balances the cart-pole of Gymnasium, drives its mountain car, and swings its acrobot up.

The values of a state are spikes: the greater, the earlier. A linear teacher's answers to random states are the spec,
and the program gives them even if each spike moves by a tick.
"""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import gymnasium  # pip install '.[gym]'
import numpy as np
from numpy.typing import NDArray

import snnprog as sp

LAST, STATES, JITTER, SEEDS = 15, 500, 1, 20
TASKS: dict[str, tuple[tuple[float, ...], tuple[float, ...], int]] = {
    "CartPole-v1": ((1, 1.5, 0.15, 1.5), (7.88, 13.58, 85.45, 23.46), 1),  # a linear-quadratic regulator
    "MountainCar-v0": ((1.2, 0.07), (0, 1), 2),  # push with the velocity
    "Acrobot-v1": ((1, 1, 1, 1, 8, 16), (0, 0, 0, 0, -1, 0), 2),  # turn against the first joint
}
"""Where a state's values are clipped; gains of the teacher, who pushes if ``gains @ state > 0``; the action to push."""


def window(encoder: sp.coding.Latency, state: NDArray[Any], noise: Any = None) -> NDArray[Any]:
    """Return the spikes of a state, each moved by up to a tick if there is noise, the clock's, and a silent tick."""
    ticks, lines = np.nonzero(encoder.transform([state])[0])
    moved = 0 if noise is None else noise.integers(-JITTER, JITTER + 1, ticks.size)
    spikes = np.zeros((encoder.ticks + 3, encoder.n_lines + 1), dtype=bool)
    spikes[1 + ticks + moved, lines] = spikes[-2, -1] = True
    return spikes


def compiled(name: str) -> tuple[sp.coding.Latency, sp.CompileResult]:
    """Compile the teacher's answers to random states, wherever moved spikes do not change them."""
    reach, gains, _ = map(np.array, TASKS[name])
    encoder, patterns = sp.coding.Latency(LAST).fit([-reach, reach]), []
    near = np.array(list(product((-1, 1), repeat=reach.size))) * (JITTER + 0.5) * 2 * reach / LAST
    for state in np.random.default_rng(0).uniform(-reach, reach, (STATES, reach.size)):
        answers = (state + near) @ gains > 0
        if answers.all() or not answers.any():
            targets = [[False]] * (encoder.ticks + 2) + [[answers[0]]]
            patterns.append(sp.Pattern(window(encoder, state), targets))
    robust = sp.Robust(jitter=JITTER, exempt=(reach.size,))  # the last line is the clock; currents never decay
    return encoder, sp.compile(sp.Spec(patterns, delays=[1], dynamics=sp.Dynamics(0, 0), robust=robust))


def answered(simulator: sp.Simulator, encoder: sp.coding.Latency, state: NDArray[Any], *, noise: Any) -> bool:
    """Return whether the neuron spikes for a state, from rest."""
    simulator.reset()
    return bool(simulator.step(window(encoder, state, noise)).spikes[-1, 0])


def episode(name: str, answer: Any, *, seed: int) -> int:
    """Return how many steps an episode takes in which ``answer(state)`` says whether to push forwards."""
    world, steps, is_over = gymnasium.make(name), 0, False
    state, _ = world.reset(seed=seed)
    while not is_over:
        state, _, is_ended, is_cut, _ = world.step(TASKS[name][2] * bool(answer(state)))
        steps, is_over = steps + 1, is_ended or is_cut
    return steps


def main() -> None:
    """Compile a neuron for each world, and let it act, also with noise."""
    for name in TASKS:
        encoder, result = compiled(name)
        print(f"{name}: {result.program}; {result.report.robustness}")
        for title, noise in (("as encoded", None), ("moved at random", np.random.default_rng(0))):
            answer = partial(answered, sp.Simulator(result.program), encoder, noise=noise)
            steps = [episode(name, answer, seed=seed) for seed in range(SEEDS)]
            print(f"    {title}: {min(steps)} to {max(steps)} steps in {SEEDS} episodes")


if __name__ == "__main__":
    main()
