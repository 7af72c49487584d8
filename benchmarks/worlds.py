"""The neurons of examples/cartpole.py in the loop with Gymnasium's worlds: steps, loops on other runtimes, replays.

    python benchmarks/worlds.py [--world NAME ...] [--episodes 1000] [--moved 100]
    python benchmarks/worlds.py --loops 100 --loop c --loop reference --replay lava --replay nengo_loihi
    python benchmarks/worlds.py --abreast 1000 --loop c --loop reference

Four tables: how long episodes take with the teacher, with the neuron, and with spikes that are moved at random;
whether a loop that another runtime closes makes the same decisions, episode by episode in a simulator, and for many
episodes abreast, whose trials of one step run together; and whether other runtimes, given all states of some
episodes, answer as the neuron did in the loop. Episode number n begins with seed n.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

import snnprog as sp
from snnprog.report.terminal import print_table
from snnprog.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
import cartpole

NOISE = 1_000_000
"""Added to an episode's number for the seed of its noise, so that it is not that of the world."""

Answer = Callable[[NDArray[Any]], bool]


class Recorder:
    """Keeps each state, and the answer to it."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.states: list[NDArray[Any]] = []
        self.answers: list[bool] = []

    def __call__(self, state: NDArray[Any]) -> bool:
        """Answer as the other does."""
        self.states.append(state)
        self.answers.append(bool(self.answer(state)))
        return self.answers[-1]


class World:
    """A world, and its compiled neuron."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.encoder, self.result = cartpole.compiled(name)

    def teacher(self, state: NDArray[Any]) -> bool:
        """Return what the teacher answers."""
        return bool(np.dot(cartpole.TASKS[self.name][1], state) > 0)

    def neuron(self, simulator: sp.Simulator, noise: np.random.Generator | None = None) -> Answer:
        """Return what asks the neuron on a simulator."""
        return partial(cartpole.answered, simulator, self.encoder, noise=noise)

    def steps(self, answer: Answer, seed: int) -> int:
        """Return the steps of an episode."""
        return cartpole.episode(self.name, answer, seed=seed)


def episodes(world: World, count: int, *, moved: int) -> list[tuple[object, ...]]:
    """Return the rows of a world: how many steps its episodes take."""
    specification = gymnasium.spec(world.name)
    with sp.Simulator(world.result.program) as simulator:
        neuron = world.neuron(simulator)
        found = {
            "teacher": [world.steps(world.teacher, seed) for seed in range(count)],
            "neuron": [world.steps(neuron, seed) for seed in range(count)],
        }
        noises = map(np.random.default_rng, range(NOISE, NOISE + moved))
        found["neuron, spikes moved"] = [
            world.steps(world.neuron(simulator, noise), seed) for seed, noise in enumerate(noises)
        ]
    rows: list[tuple[object, ...]] = []
    for who, steps in ((who, steps) for who, steps in found.items() if steps):
        mean = f"{np.mean(steps):.1f} ± {np.std(steps):.1f}"
        limit = sum(each == specification.max_episode_steps for each in steps)
        rows.append((world.name, who, len(steps), min(steps), mean, max(steps), limit))
    return rows


def recorded(world: World, backend: str, count: int) -> list[Recorder]:
    """Return the states and answers of some episodes in whose loop a backend is."""
    with sp.Simulator(world.result.program, backend) as simulator:
        found = [Recorder(world.neuron(simulator)) for _ in range(count)]
        for seed, recorder in enumerate(found):
            world.steps(recorder, seed)
    return found


def loops(world: World, count: int, backends: Sequence[str]) -> list[tuple[object, ...]]:
    """Return a row for each backend: how many of its decisions differ from the kernel's."""
    usual = [one.answers for one in recorded(world, "kernel", count)]
    rows: list[tuple[object, ...]] = []
    for backend in backends:
        answers = [one.answers for one in recorded(world, backend, count)]
        differ = sum(mine != its for mine, its in zip(usual, answers, strict=True))
        rows.append((world.name, backend, count, sum(map(len, answers)), differ))
    return rows


def decisions_abreast(world: World, count: int, backend: str) -> list[list[bool]]:
    """Return the decisions of each episode, where a backend runs one trial of every episode at a time."""
    going = {seed: gymnasium.make(world.name) for seed in range(count)}
    states = {seed: each.reset(seed=seed)[0] for seed, each in going.items()}
    found: list[list[bool]] = [[] for _ in going]
    with sp.Simulator(world.result.program, backend) as simulator:
        while going:
            spikes = np.array(world.encoder.transform([states[seed] for seed in going]))
            rasters = np.pad(spikes, ((0, 0), (1, 2), (0, 1)))
            rasters[:, -2, -1] = True  # as cartpole.window
            for seed, trace in zip(list(going), simulator.trials(list(rasters)), strict=True):
                found[seed].append(bool(trace.spikes[-1, 0]))
                states[seed], _, is_ended, is_cut, _ = going[seed].step(cartpole.TASKS[world.name][2] * found[seed][-1])
                if is_ended or is_cut:
                    going.pop(seed).close()
    return found


def abreast(world: World, count: int, backends: Sequence[str]) -> list[tuple[object, ...]]:
    """Return a row for each backend: how many of its decisions differ from the kernel's in episodes abreast."""
    usual = decisions_abreast(world, count, "kernel")
    rows: list[tuple[object, ...]] = []
    for backend in backends:
        found = decisions_abreast(world, count, backend)
        differ = sum(mine != its for mine, its in zip(usual, found, strict=True))
        rows.append((world.name, backend, count, sum(map(len, found)), differ))
    return rows


def replays(world: World, count: int, backends: Sequence[str]) -> list[tuple[object, ...]]:
    """Return a row for each backend: how many bins of the episodes' distinct trials differ from the loop's."""
    trials: dict[bytes, tuple[NDArray[Any], bool]] = {}
    asked = 0
    for recorder in recorded(world, "kernel", count):
        for state, answer in zip(recorder.states, recorder.answers, strict=True):
            inputs, asked = cartpole.window(world.encoder, state), asked + 1
            trials[inputs.tobytes()] = inputs, answer
    rasters = [inputs for inputs, _ in trials.values()]
    expected = np.zeros((len(rasters), len(rasters[0])), dtype=bool)
    expected[:, -1] = [answer for _, answer in trials.values()]
    rows: list[tuple[object, ...]] = []
    for backend in backends:
        spikes = np.array([trace.spikes[:, 0] for trace in sp.run(world.result.program, rasters, backend)])
        rows.append((world.name, backend, asked, len(rasters), expected.size, int((spikes != expected).sum())))
    return rows


def show(columns: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
    """Print a table."""
    print_table(Console(width=120), Table.plain("", columns=columns, rows=rows), is_whole=True)
    print(flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--world", action="append", choices=cartpole.TASKS)
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--moved", type=int, default=100, help="episodes with spikes that are moved at random")
    parser.add_argument("--loops", type=int, default=20, help="episodes of each loop on another backend")
    parser.add_argument("--loop", action="append", default=[], metavar="BACKEND")
    parser.add_argument("--abreast", type=int, default=0, help="episodes abreast in loops on the other backends")
    parser.add_argument("--replays", type=int, default=100, help="episodes whose states are replayed")
    parser.add_argument("--replay", action="append", default=[], metavar="BACKEND")
    given = parser.parse_args(arguments)
    worlds = [World(name) for name in given.world or cartpole.TASKS]
    for world in worlds:
        result = world.result
        print(
            f"{world.name}: {result.program}; {result.report.neurons[0].status}; {result.report.robustness}", flush=True
        )
    show(
        ("world", "who acts", "episodes", "least steps", "mean", "most", "at the limit"),
        [row for world in worlds for row in episodes(world, given.episodes, moved=given.moved)],
    )
    for count, table in ((given.loops, loops), (given.abreast, abreast)):
        if given.loop and count:
            show(
                ("world", "runs on", "episodes", "decisions", "episodes that differ"),
                [row for world in worlds for row in table(world, count, given.loop)],
            )
    if given.replay:
        show(
            ("world", "runs on", "decisions", "distinct", "bins", "bins that differ"),
            [row for world in worlds for row in replays(world, given.replays, given.replay)],
        )


if __name__ == "__main__":
    main()
