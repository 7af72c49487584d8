"""An associative memory: 100 neurons that store four rhythms, and fall back into one when they hear a part of it.

Each neuron has an input line. A cue plays one period of a rhythm on them, with a fifth of its spikes deleted and
as many false ones added. Then the lines are silent, and the network goes on with the rhythm, without an error.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import snnprog as sp

MEMORIES, TICKS, NEURONS, RATE = 4, 50, 100, 0.05
SHOWN_NEURONS, PERIODS, TRIALS = 8, 1000, 500


def text_of(spikes: NDArray[np.bool_], stored: NDArray[np.bool_]) -> str:
    """Return some neurons' spikes, one line each: | is right, + is false, and o is missing."""
    marks = np.where(spikes, np.where(stored, "|", "+"), np.where(stored, "o", "."))
    return "\n".join(f"  {''.join(train)}" for train in marks.T[:SHOWN_NEURONS])


def main() -> None:
    """Compile the memory, recall each rhythm from a noisy cue, then prove and measure recall."""
    rhythms = np.random.default_rng(0).random((MEMORIES, TICKS, NEURONS)) < RATE
    result = sp.compile(sp.specs.memory(rhythms))
    program = result.program
    print(f"{program.n_neurons} neurons and {program.n_synapses} synapses store {MEMORIES} rhythms of {TICKS} ticks")

    for number, rhythm in enumerate(rhythms):
        inputs = np.zeros((TICKS * (1 + PERIODS), NEURONS), dtype=bool)
        inputs[:TICKS] = sp.noisy_cue(rhythm, deleted=0.2, added=0.2, seed=number)
        answer = sp.run(program, inputs).spikes[TICKS:].reshape(PERIODS, TICKS, NEURONS)
        wrong = int((answer != rhythm).sum())
        print(f"rhythm {number}: {wrong} wrong bins in {PERIODS} periods after a noisy cue")
        if number == 0:
            print(f"its cue, neurons 0 to {SHOWN_NEURONS - 1}:\n{text_of(inputs[:TICKS], rhythm)}")
            print(f"period {PERIODS} after it:\n{text_of(answer[-1], rhythm)}")

    print(sp.prove_recall(program, rhythms))
    for noise in (0.2, 0.3, 0.4):
        recall = sp.measure_recall(program, rhythms, deleted=noise, added=noise, trials=TRIALS)
        print(f"measured: {recall.exact.sum()} of {TRIALS} cues recalled with {noise:.0%} deleted and added")


if __name__ == "__main__":
    main()
