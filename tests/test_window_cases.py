"""Proofs by cases of the last input spikes, against exact exploration of the same programs and of faulty ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import snnprog as sp
from snnprog.automata.steps import WindowStep
from snnprog.exploration.exact import Exploration
from snnprog.exploration.ticking import ProgramTicks
from snnprog.exploration.watching import Watching
from snnprog.exploration.windows import windows_of

DETECTORS: dict[str, Callable[[], sp.Spec]] = {
    "delay line": lambda: sp.specs.delay_line([1, 3, 7]),
    "coincidence": lambda: sp.specs.coincidence(4, least=3),
    "coincidence within": lambda: sp.specs.coincidence(2, within=2),
    "sequence": lambda: sp.specs.sequence([0, 1, None, 2]),
    "sequence with tolerance": lambda: sp.specs.sequence([0, None, 1], tolerance=1),
}


def window_step(spec: sp.Spec) -> WindowStep:
    assert spec.automaton is not None
    assert isinstance(spec.automaton.step, WindowStep)
    return spec.automaton.step


def is_proved(program: sp.Program, spec: sp.Spec) -> bool:
    assert spec.automaton is not None
    windows = windows_of(ProgramTicks(program), spec.automaton)
    assert windows is not None
    windows.explore()
    return windows.is_proved


def is_right(program: sp.Program, spec: sp.Spec) -> bool:
    """Return whether exact exploration proves a program."""
    assert spec.automaton is not None
    watching = Watching(spec.automaton, n_inputs=program.n_inputs, n_outputs=program.n_outputs)
    exploration = Exploration(ProgramTicks(program), watching)
    exploration.explore(100_000)
    assert not exploration.is_open
    return exploration.is_closed


@pytest.mark.parametrize("name", DETECTORS)
def test_what_is_proved_is_right(name: str) -> None:
    spec = DETECTORS[name]()
    program = sp.compile(spec).program
    assert is_proved(program, spec)
    rng, wrong = np.random.default_rng(0), 0
    for _ in range(12):
        weight = program.weight.copy()
        synapse = int(rng.integers(program.n_synapses))
        weight[synapse] = rng.choice([0, weight[synapse] // 4, weight[synapse] // 2])
        changed = program.with_synapses(weight=weight)
        wrong += not is_right(changed, spec)
        assert is_proved(changed, spec) <= is_right(changed, spec)
    assert wrong


@pytest.mark.parametrize("name", DETECTORS)
def test_more_input_spikes_silence_no_output(name: str) -> None:
    step, rng = window_step(DETECTORS[name]()), np.random.default_rng(0)
    for share in (0.1, 0.3, 0.6, 0.9):
        few = rng.random((200, len(step.depths))) < share
        more = few | (rng.random(few.shape) < 0.2)
        assert not (step.outputs(few) & ~step.outputs(more)).any()


@pytest.mark.parametrize(
    "build",
    [
        lambda: sp.specs.delay_line(40),
        lambda: sp.specs.delay_line(200),
        lambda: sp.specs.sequence([0, *[None] * 10, 1], tolerance=9),
    ],
    ids=["40 ticks", "200 ticks", "tolerance of 9 ticks"],
)
def test_long_memories_are_proved(build: Callable[[], sp.Spec]) -> None:
    spec = build()
    assert spec.automaton is not None
    program = sp.compile(spec).program
    proof = sp.prove(program, spec.automaton, states=1000)
    assert proof.holds
    assert proof.method.endswith("of the last input spikes were decided")
    assert not sp.prove(program, spec.automaton.delayed(1), states=1000).holds


def test_a_bias_that_fires_alone_is_not_silence() -> None:
    spec = sp.specs.delay_line(2)
    assert is_proved(delay_of_two(bias=0), spec)
    assert not is_proved(delay_of_two(bias=11 << 6), spec)


def delay_of_two(*, bias: int) -> sp.Program:
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=1,
        n_neurons=1,
        pre=[0],
        post=[0],
        delay=[2],
        weight=[100],
        threshold=[10],
        current_decay=[4095],
        potential_decay=[4095],
        bias=[bias],
    )
