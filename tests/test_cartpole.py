"""The neuron that acts in Gymnasium's worlds: what it is compiled from, what it does there, and on which runtimes."""

from __future__ import annotations

import importlib
import re
import runpy
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy.linalg import solve_discrete_are

import snnprog as sp

gymnasium = pytest.importorskip("gymnasium", reason="the worlds need the extra gym")
ROOT = Path(__file__).resolve().parents[1]
POLE = "CartPole-v1"


@pytest.fixture(scope="module")
def loop() -> ModuleType:
    """Return the benchmark, which imports the example."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        return importlib.import_module("worlds")


@pytest.fixture(scope="module")
def pole(loop: ModuleType) -> Any:
    """Return the cart-pole with its neuron."""
    return loop.World(POLE)


def test_the_example_prints_what_its_readme_says(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "examples" / "cartpole.py"), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    sizes = [re.search(r"(\d+) inputs, 1 neuron .* (\d+) synapses", line) for line in lines[::3]]
    assert [match and (match[1], match[2]) for match in sizes] == [("5", "5"), ("3", "3"), ("7", "2")]
    assert all("; holds under jitter 1" in line for line in lines[::3])
    assert lines[1:3] == [
        "    as encoded: 500 to 500 steps in 20 episodes",
        "    moved at random: 500 to 500 steps in 20 episodes",
    ]
    most = [int(line.split(" to ")[1].split()[0]) for line in (*lines[4:6], *lines[7:9])]
    assert max(most[:2]) < 200, "the car arrives"
    assert max(most[2:]) < 500, "the acrobot swings up"


def test_the_teacher_is_the_regulator_of_the_linearised_pole(loop: ModuleType) -> None:
    world: Any = gymnasium.make(POLE).unwrapped
    pull, falls = world.polemass_length / world.total_mass, world.length * (4 / 3 - world.masspole / world.total_mass)
    free = np.eye(4, k=1) * [0, 1, 0, 1]
    free[[1, 3], 2] = -pull * world.gravity / falls, world.gravity / falls
    pushed = np.array([[0], [1 + pull / falls], [0], [-1 / falls]]) / [[1], [world.total_mass], [1], [world.total_mass]]
    state, action = np.eye(4) + world.tau * free, world.tau * pushed
    costs = solve_discrete_are(state, action, np.eye(4), np.array([[0.01]]))
    gains = np.linalg.solve(0.01 + action.T @ costs @ action, action.T @ costs @ state)[0]
    assert -gains == pytest.approx(loop.cartpole.TASKS[POLE][1], abs=0.01)


def test_the_neuron_answers_as_its_teacher_unless_moved_spikes_change_it(loop: ModuleType, pole: Any) -> None:
    reach, gains = map(np.array, loop.cartpole.TASKS[POLE][:2])
    states = np.random.default_rng(1).uniform(-reach, reach, (400, 4))
    is_clear = np.abs(states @ gains) > (np.abs(gains) * reach * 2 / loop.cartpole.LAST).sum() * 1.5
    with sp.Simulator(pole.result.program) as simulator:
        neuron = pole.neuron(simulator, np.random.default_rng(2))
        answers = np.array([neuron(state) for state in states])
    assert is_clear.sum() > 100
    assert (answers == (states @ gains > 0)).mean() < 1.0
    assert np.mean((answers == (states @ gains > 0))[is_clear]) == 1.0


@pytest.mark.parametrize("value", [-9.0, 9.0])
def test_moved_spikes_stay_in_the_window(loop: ModuleType, pole: Any, value: float) -> None:
    generator = np.random.default_rng(0)
    windows = [loop.cartpole.window(pole.encoder, np.full(4, value), generator) for _ in range(50)]
    assert all(spikes.sum(axis=0).tolist() == [1] * 5 and not spikes[-1].any() for spikes in windows)
    assert len({spikes.tobytes() for spikes in windows}) > 10


@pytest.mark.parametrize("backend", ["reference", "c"])
def test_another_backend_closes_the_same_loop(loop: ModuleType, pole: Any, backend: str) -> None:
    if backend == "c" and not any(map(shutil.which, ("cc", "gcc", "clang"))):
        pytest.skip("this test needs a C compiler")
    ((_, name, episodes, decisions, differ),) = loop.loops(pole, 1, [backend])
    assert (name, episodes, decisions, differ) == (backend, 1, 500, 0)


def test_episodes_abreast_are_those_of_a_simulator(
    loop: ModuleType, pole: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = [one.answers for one in loop.recorded(pole, "kernel", 2)]
    decisions, decisions_of = {}, loop.decisions_abreast

    def noted(world: Any, count: int, backend: str) -> Any:
        decisions[backend] = decisions_of(world, count, backend)
        return decisions[backend]

    monkeypatch.setattr(loop, "decisions_abreast", noted)
    assert loop.abreast(pole, 2, ["reference"]) == [(POLE, "reference", 2, 1000, 0)]
    assert decisions == {"kernel": alone, "reference": alone}
    monkeypatch.setattr(loop, "decisions_abreast", lambda world, count, backend: [[backend == "kernel"]] * count)
    assert loop.abreast(pole, 2, ["reference"]) == [(POLE, "reference", 2, 2, 2)]


def test_a_replay_is_compared_with_the_loop(loop: ModuleType, pole: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ((*_, distinct, bins, differ),) = loop.replays(pole, 1, ["reference"])
    assert 20 < distinct <= 500
    assert (bins, differ) == (19 * distinct, 0)
    run = sp.run

    def silent(program: sp.Program, inputs: Any, backend: str) -> Any:
        return run(program, [0 * raster for raster in inputs], backend)

    monkeypatch.setattr(loop.sp, "run", silent)
    ((*_, differ),) = loop.replays(pole, 1, ["reference"])
    assert differ > 10
