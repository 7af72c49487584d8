"""Back-engineering: a network nobody can look into is recorded, and weights are found that make the same spikes.

A random recurrent program stands for the network. Weights that explain a short recording need not be the network's; how
well they foretell what it does on other input is measured, for longer and longer recordings.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import snnprog as sp

INPUTS, NEURONS, DELAYS = 6, 10, range(1, 4)
DYNAMICS = sp.Dynamics()


def random_network(seed: int) -> sp.Program:
    """Return neurons that listen to each other and to the inputs, with random weights and delays."""
    rng = np.random.default_rng(seed)
    lines = INPUTS + NEURONS
    pre, post = (axis.ravel() for axis in np.meshgrid(np.arange(lines), np.arange(NEURONS)))
    weight = rng.integers(-100, 128, pre.size) // np.where(pre < INPUTS, 1, 4)  # the inputs count most
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=INPUTS,
        n_neurons=NEURONS,
        pre=pre,
        post=post,
        delay=rng.integers(DELAYS[0], DELAYS[-1] + 1, pre.size),
        weight=weight,
        threshold=200,
        current_decay=DYNAMICS.current_decay,
        potential_decay=DYNAMICS.potential_decay,
    )


def random_input(seed: int, ticks: int) -> NDArray[np.bool_]:
    """Return spikes that are sent to a network."""
    return np.random.default_rng(seed).random((ticks, INPUTS)) < 0.2


def main() -> None:
    """Record, find weights, and compare: on the recording, and on input that neither has seen."""
    network = random_network(0)
    unseen = random_input(1, 2000)
    truth = sp.run(network, unseen).spikes
    print(f"the hidden network: {NEURONS} neurons, which fire at {truth.mean():.0%} of the ticks")
    for ticks in (25, 100, 400, 1600):
        sent = random_input(2, ticks)
        recorded = sp.run(network, sent).spikes
        spec = sp.specs.from_raster(recorded, inputs=sent, delays=DELAYS, given=0, dynamics=DYNAMICS)
        program = sp.compile(spec).program
        wrong = sp.verify(program, spec).backends["kernel"].wrong_bins
        found = sp.run(program, unseen).spikes
        shared = (found & truth).sum() / (found | truth).sum()
        print(f"{ticks:4d} ticks recorded: {wrong} bins wrong; of the spikes on new input {shared:.0%} are the same")


if __name__ == "__main__":
    main()
