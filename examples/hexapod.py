"""A hexapod's walk, trot and gallop: one network of spiking neurons that never stops and changes gait on a spike.

A spike lifts a leg. As in Rostro-Gonzalez et al., "A CPG system based on spiking neurons for hexapod robot locomotion",
Neurocomputing 170 (2015) 47-54, the gaits are rasters, and the network is found from them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

import snnprog as sp

TICKS = 10_000
LEGS = ("left front", "left middle", "left hind", "right front", "right middle", "right hind")
GAITS = {
    "walk": """
        ....|.......
        ..|.........
        |...........
        ..........|.
        ........|...
        ......|.....""",  # one leg after another, from hind to front, left and then right
    "trot": """
        |...
        ..|.
        |...
        ..|.
        |...
        ..|.""",  # three legs at a time: the others are a tripod
    "gallop": """
        ..|...
        .|....
        |.....
        ..|...
        .|....
        |.....""",  # pairs of legs, from hind to front
}


def raster_of(text: str) -> NDArray[np.bool_]:
    """Return (ticks, legs) of a gait that is written as one line per leg."""
    return np.array([[mark == "|" for mark in line] for line in text.split()]).T


def text_of(raster: NDArray[np.bool_]) -> str:
    """Return a raster (ticks, legs) as one line per leg."""
    lines = ("".join("|" if spike else "." for spike in train) for train in raster.T)
    return "\n".join(f"{leg:>13} {line}" for leg, line in zip(LEGS, lines, strict=True))


def main() -> None:
    """Compile all three gaits into one network, let it run, change the gait twice, and compare it with the rasters."""
    gaits = {name: raster_of(text) for name, text in GAITS.items()}
    spec = replace(sp.specs.pattern_generator(list(gaits.values())), sparse=True)
    program = sp.compile(spec).program
    print(f"{program.n_neurons} neurons and {program.n_synapses} synapses from a spec of {len(spec.inputs)} ticks")
    starts = {name: index * TICKS // 3 for index, name in enumerate(gaits)}
    spikes = np.zeros((TICKS, len(gaits)), dtype=bool)
    for line, start in enumerate(starts.values()):
        spikes[start, line] = True
    legs = sp.run(program, spikes, "kernel").spikes[:, : len(LEGS)]
    wrong = 0
    for name, end in zip(gaits, [*list(starts.values())[1:], TICKS], strict=True):
        begin, period = starts[name] + 2, gaits[name]
        lifted = legs[begin : min(end + 2, TICKS)]
        wrong += int((lifted != np.resize(period, lifted.shape)).sum())
        print(f"{name}, from tick {begin}, period {len(period)}:\n{text_of(lifted[:48])}")
    print(f"{TICKS} ticks, {int(legs.sum())} steps, {wrong} bins differ from the gaits")


if __name__ == "__main__":
    main()
