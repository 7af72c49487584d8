"""Whether a neuron of Xylo that drives a wire may spike twice in a tick, against all streams in plain integers."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import snnprog as sp
from snnprog.linking import once
from snnprog.linking.once import spikes_once


def decayed(value: int, bits: int) -> int:
    """Return what Xylo's decay leaves: at least 1 less in magnitude."""
    taken = value >> bits
    return value - (taken if taken else (value > 0) - (value < 0))


def most_spikes(weights: list[int], threshold: int, decays: tuple[int, int]) -> int:
    """Return the most spikes in a tick of one neuron, not read out, over all streams: of all states it can reach."""
    arrivals = {sum(some) for some in product(*((0, weight) for weight in weights))}
    known, waiting, most = {(0, 0)}, [(0, 0)], 0
    while waiting:
        current, potential = waiting.pop()
        for arriving in arrivals:
            u = decayed(current + arriving, decays[0])
            v = decayed(potential, decays[1]) + u
            count = max(v, 0) // threshold
            most = max(most, count)
            after = u, v - count * threshold
            if after not in known:
                known.add(after)
                waiting.append(after)
    return most


@pytest.mark.parametrize("seed", range(3))
def test_it_is_proved_where_no_stream_has_two(seed: int) -> None:
    generator, answers = np.random.default_rng(seed), []
    for threshold in range(2, 26, 2):
        weights = generator.integers(-3, 9, int(generator.integers(1, 4))).tolist()
        decays = int(generator.integers(1, 4)), int(generator.integers(1, 4))
        program = sp.Program.from_arrays(
            chip="xylo",
            n_inputs=len(weights),
            n_neurons=1,
            pre=range(len(weights)),
            post=0,
            weight=weights,
            threshold=threshold,
            current_decay=decays[0],
            potential_decay=decays[1],
        )
        answers.append(spikes_once(program, [0]))
        assert answers[-1] == (most_spikes(weights, threshold, decays) <= 1), (weights, threshold, decays)
    assert set(answers) == {True, False}


def test_states_are_explored_where_intervals_do_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A neuron that cancels itself: intervals do not know that its spike comes with the current that it cancels."""
    program = sp.Program.from_arrays(
        chip="xylo",
        n_inputs=1,
        n_neurons=2,
        outputs=[1],
        pre=[0, 1, 0],
        post=[0, 0, 1],
        weight=[2, -1, 2],
        threshold=[1, 40],
        current_decay=1,
        potential_decay=1,
    )
    assert spikes_once(program, [0])
    monkeypatch.setattr(once, "explored_once", lambda *_: False)
    assert not spikes_once(program, [0])


def test_a_chip_without_several_spikes_needs_no_proof() -> None:
    program = sp.Program.from_arrays(chip="loihi1", n_inputs=1, n_neurons=1, pre=0, post=0, weight=200, threshold=1)
    assert spikes_once(program, [0])


def test_only_what_reaches_a_neuron_is_explored() -> None:
    """Six neurons that cancel themselves have 4^6 states and more; each alone has a few."""
    program = sp.Program.from_arrays(
        chip="xylo",
        n_inputs=6,
        n_neurons=7,
        outputs=[6],
        pre=range(12),
        post=[*range(6)] * 2,
        weight=[2] * 6 + [-1] * 6,
        threshold=[1] * 6 + [40],
        current_decay=1,
        potential_decay=1,
    )
    assert spikes_once(program, list(range(6)))
    crossed = program.with_synapses(pre=np.array([*range(6), 7, *range(6, 11)], np.int32))
    assert not spikes_once(crossed, list(range(6)))


def test_a_neuron_that_no_input_reaches_is_explored_too() -> None:
    program = sp.Program.from_arrays(
        chip="xylo", n_inputs=1, n_neurons=2, outputs=[1], pre=[1], post=[0], weight=[40], threshold=[2, 9]
    )
    assert spikes_once(program, [0])
