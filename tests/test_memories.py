"""Memories: their specs, and what is proved and measured about recall, beside a network in plain Python."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest
from untyped import untyped

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.recall.runs import CueRuns

TICKS, NEURONS, RATE, DELAYS = 14, 12, 0.12, range(1, 5)
FEW, MANY = 1, 8
LONG = 12
"""Periods of the plain network: more than any run here needs to come to its loop."""


def rasters(memories: int, seed: int = 0) -> Raster:
    return np.random.default_rng(seed).random((memories, TICKS, NEURONS)) < RATE


@cache
def compiled(memories: int, seed: int = 0) -> sp.Program:
    return sp.compile(sp.specs.memory(rasters(memories, seed), delays=DELAYS)).program


def plain_spikes(program: sp.Program, cue: Raster, ticks: int) -> Raster:
    """Return the outputs of a program of Loihi's neurons, by sums over spikes in plain integers."""
    weight, spikes = program.effective_weight().tolist(), np.zeros((ticks, program.n_neurons), bool)
    ends = list(zip(program.pre.tolist(), program.post.tolist(), program.delay.tolist(), weight, strict=True))
    arriving = [[0] * program.n_neurons for _ in range(ticks + max(DELAYS) + 1)]
    potential = [0] * program.n_neurons
    outgoing = [[(post, delay, each) for pre, post, delay, each in ends if pre == line] for line in range(2 * NEURONS)]
    for tick in range(ticks):
        for neuron in range(program.n_neurons):
            kept = abs(potential[neuron]) * (4096 - int(program.potential_decay[neuron])) >> 12
            kept = kept if potential[neuron] > 0 else -kept
            potential[neuron] = kept + 64 * arriving[tick][neuron]
            if potential[neuron] > 64 * int(program.threshold[neuron]):
                potential[neuron], spikes[tick, neuron] = 0, True
        heard = np.concatenate([cue[tick] if tick < len(cue) else np.zeros(NEURONS, bool), spikes[tick]])
        for line in np.flatnonzero(heard).tolist():
            for post, delay, each in outgoing[line]:
                arriving[tick + delay][post] += each
    return spikes


def is_right_for_long(program: sp.Program, raster: Raster, cue: Raster) -> bool:
    after = plain_spikes(program, cue, TICKS * (1 + LONG))[TICKS:]
    return np.array_equal(after, np.concatenate([raster] * LONG))


# ------------------------------------------------------------------------------------------------------------ the spec


def test_a_pattern_is_a_cue_and_its_echo() -> None:
    stored = rasters(3)
    spec = sp.specs.memory(stored, delays=DELAYS, lead=5)
    assert (spec.n_inputs, spec.n_outputs, spec.recurrent, spec.delays) == (NEURONS, NEURONS, True, tuple(DELAYS))
    for raster, pattern in zip(stored, spec.patterns, strict=True):
        assert pattern.ticks == 2 * TICKS + 4
        assert pattern.care.all()
        for tick in range(pattern.ticks):
            in_cue, joined = tick < TICKS, tick >= 5
            assert np.array_equal(pattern.inputs[tick], raster[tick % TICKS] & in_cue)
            assert np.array_equal(pattern.targets[tick], raster[tick % TICKS] & joined)


def test_a_lead_is_as_long_as_the_delays_and_rasters_allow() -> None:
    def lead_of(longest: int) -> int:
        ones = np.ones((TICKS, 1), bool)
        return int(sp.specs.memory(ones, delays=[longest]).targets[:, 0].argmax())

    assert [lead_of(longest) for longest in (1, 2, 3, 4, 60)] == [2, 4, 6, 7, 7]


def test_rasters_differ_in_their_periods() -> None:
    rng = np.random.default_rng(3)
    stored = [rng.random((ticks, NEURONS)) < RATE for ticks in (14, 11)]
    program = sp.compile(sp.specs.memory(stored, delays=DELAYS)).program
    for raster in stored:
        inputs = np.zeros((40 * len(raster), NEURONS), bool)
        inputs[: len(raster)] = raster
        for backend in ("kernel", "reference"):
            spikes = sp.run(program, inputs, backend=backend).spikes
            assert np.array_equal(spikes[len(raster) :], np.concatenate([raster] * 39))
    assert sp.measure_recall(program, stored, deleted=0, added=0, trials=2).exact.all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lead": 0}, "lead must be from 1 to 13, less than the shortest raster, got 0"),
        ({"lead": 14}, "lead must be from 1 to 13, less than the shortest raster, got 14"),
        ({"delays": []}, "delays must have at least one entry, got none"),
        ({"delays": [70]}, "memory needs a delay of 70, and loihi1 has 1 to 63: take shorter delays"),
        ({"chip": "xylo"}, "memory needs neurons without memory"),
    ],
)
def test_specs_that_cannot_be(options: dict[str, object], message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        untyped(sp.specs.memory)(rasters(1), **({"delays": [1]} | options))


def test_rasters_that_cannot_be() -> None:
    with pytest.raises(sp.SpecError, match="at least one entry"):
        sp.specs.memory([])
    with pytest.raises(sp.SpecError, match="raster 1 has 3 outputs, raster 0 has 12"):
        sp.specs.memory([rasters(1)[0], np.ones((5, 3), bool)])


def test_rasters_that_agree_for_longer_than_the_delays_are_refused() -> None:
    one = np.zeros((TICKS, 2), bool)
    one[[3, 10], 0] = True
    with pytest.raises(sp.InfeasibleError):
        sp.compile(sp.specs.memory([one, ~one & (np.arange(TICKS)[:, None] == 3) | one], delays=[1, 2]))


# ------------------------------------------------------------------------------------------------------------ the cues


@pytest.mark.parametrize(("deleted", "added"), [(0.2, 0.2), (0.0, 0.5), (1.0, 0.0)])
def test_noise_is_counted(deleted: float, added: float) -> None:
    raster = np.random.default_rng(1).random((50, 40)) < 0.05
    before, cue = raster.copy(), sp.noisy_cue(raster, deleted=deleted, added=added, seed=4)
    assert np.array_equal(raster, before)
    assert np.count_nonzero(raster & ~cue) == round(deleted * raster.sum())
    assert np.count_nonzero(cue & ~raster) == round(added * raster.sum())
    assert np.array_equal(cue, sp.noisy_cue(raster, deleted=deleted, added=added, seed=4))


def test_noise_that_cannot_be() -> None:
    with pytest.raises(sp.SpecError, match=r"deleted must be from 0 to 1, the share of bins that there are, got 1\.5"):
        sp.noisy_cue(rasters(1)[0], deleted=1.5)
    with pytest.raises(sp.SpecError, match=r"added must be from 0 to \d"):
        sp.noisy_cue(rasters(1)[0], added=-0.1)


# ----------------------------------------------------------------------------------------------------- what is recalled


@pytest.mark.parametrize("memories", [FEW, MANY])
def test_the_proof_is_about_every_cue_with_one_changed_bin(memories: int) -> None:
    stored, program = rasters(memories), compiled(memories)
    proof = sp.prove_recall(program, stored)
    assert proof.cues == memories * (1 + TICKS * NEURONS)
    failures = {tuple(place) for place in proof.failures.tolist()}
    assert proof.holds == (not failures)
    assert proof.holds == (memories == FEW), "many memories are meant to fail for some cues"
    assert proof.is_proved.tolist() == [all(place[0] != memory for place in failures) for memory in range(memories)]
    rng = np.random.default_rng(5)
    for memory, tick, line in [*itertools.islice(failures, 20), *rng.integers(0, (memories, TICKS, NEURONS), (30, 3))]:
        cue = stored[memory].copy()
        cue[tick, line] ^= True
        assert is_right_for_long(program, stored[memory], cue) == ((memory, tick, line) not in failures)


@cache
def robust() -> tuple[sp.Program, Raster]:
    """Return a program that withstands a few changes, and its raster."""
    raster = np.random.default_rng(0).random((14, 14)) < 0.2
    return sp.compile(sp.specs.memory(raster, delays=range(1, 7))).program, raster


def is_right_after(program: sp.Program, raster: Raster, cues: Raster) -> list[bool]:
    """Return for each cue (cues, ticks, lines) whether ten periods after it are right."""
    inputs = np.zeros((len(cues), 11 * len(raster), raster.shape[1]), bool)
    inputs[:, : len(raster)] = cues
    after = [trace.spikes[len(raster) :] for trace in sp.run(program, list(inputs))]
    return [np.array_equal(spikes, np.concatenate([raster] * 10)) for spikes in after]


def test_bounds_hold_for_all_cues_with_two_changed_bins() -> None:
    program, raster = robust()
    pairs = np.array(list(itertools.combinations(range(raster.size), 2)))
    proof = sp.prove_recall(program, raster, changes=2)
    assert proof.holds
    assert proof.cues == 1 + raster.size + len(pairs)
    cues = np.repeat(raster[None], len(pairs), axis=0)
    cues.reshape(len(pairs), -1)[np.arange(len(pairs))[:, None], pairs] ^= True
    assert all(is_right_after(program, raster, cues))


def test_bounds_hold_for_as_many_changes_as_are_proved() -> None:
    program, raster = robust()
    proofs = [sp.prove_recall(program, raster, changes=changes) for changes in range(1, 9)]
    most = [proof.holds for proof in proofs].index(False)
    assert most >= 3
    assert [proof.holds for proof in proofs] == [True] * most + [False] * (8 - most)
    assert str(proofs[0]) == "proved: all 197 cues with at most 1 changed bin are recalled exactly, forever"
    assert str(proofs[most]) == (
        f"undecided: proved for 0 of 1 memories, for all cues with at most {most + 1} changed bins"
    )
    rng = np.random.default_rng(6)
    cues = np.repeat(raster[None], 500, axis=0)
    for cue in cues:
        cue.reshape(-1)[rng.choice(raster.size, most, replace=False)] ^= True
    assert all(is_right_after(program, raster, cues))


def test_bounds_are_tight_for_one_neuron() -> None:
    """A neuron that needs two of three spikes on its own line, at delays of 4, 8 and 12, withstands one change."""
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=1,
        n_neurons=1,
        outputs=[0],
        pre=[0, 0, 0, 1, 1, 1],
        post=0,
        delay=[4, 8, 12] * 2,
        weight=10,
        threshold=15,
        current_decay=4095,
        potential_decay=4095,
    )
    raster = np.zeros((12, 1), bool)
    raster[[0, 4, 8]] = True
    assert sp.prove_recall(program, raster, changes=1).verdict == "proved"
    assert sp.prove_recall(program, raster, changes=2).verdict == "undecided"
    two_lost = raster.copy()
    two_lost[[0, 4]] = False
    assert is_right_after(program, raster, np.stack([raster, two_lost])) == [True, False]


def test_the_measurement_is_what_a_plain_network_does() -> None:
    stored, program = rasters(MANY), compiled(MANY)
    found = sp.measure_recall(program, stored, deleted=0.1, added=0.1, trials=40, seed=7)
    rng = np.random.default_rng(7)
    assert found.memory.tolist() == [trial % MANY for trial in range(40)]
    for trial in range(40):
        raster = stored[trial % MANY]
        cue = sp.noisy_cue(raster, deleted=0.1, added=0.1, seed=rng)
        differs = plain_spikes(program, cue, 11 * TICKS)[TICKS:] != np.concatenate([raster] * 10)
        ticks = np.flatnonzero(differs.any(axis=1))
        since = int(ticks[-1]) + 1 if ticks.size else 0
        assert found.outcomes.wrong[trial] == differs.sum()
        assert found.outcomes.settled[trial] == (since if since <= 9 * TICKS else -1)
    assert found.share == found.exact.mean()
    assert 0 < found.share < 1
    assert np.array_equal(found.exact, found.outcomes.wrong == 0)


def ring(decay: int) -> tuple[sp.Program, Raster]:
    """Return a program whose neuron 0 repeats its spike every 4 ticks, and whose neuron 1 sums spikes of line 1."""
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=2,
        n_neurons=2,
        outputs=[0, 1],
        pre=[0, 2, 1],
        post=[0, 0, 1],
        delay=[4, 4, 1],
        weight=[20, 20, 20],
        threshold=[10, 5000],
        current_decay=[4095, 4095],
        potential_decay=[4095, decay],
    )
    raster = np.zeros((4, 2), bool)
    raster[0, 0] = True
    return program, raster


def test_states_that_stay_different_are_no_failure() -> None:
    program, raster = ring(decay=0)  # a spike on line 1 is never forgotten, and never matters
    proof = sp.prove_recall(program, raster)
    assert proof.failures.tolist() == [[0, tick, 0] for tick in range(4)], "the ring repeats what line 0 starts it with"
    assert proof.verdict == "refuted"
    assert str(proof) == (
        "refuted: memory 0 is not recalled exactly from its cue with the bin of line 0 at tick 0 changed; 4 cues"
        " failed; proved for 0 of 1 memories"
    )


def test_a_perfect_cue_can_fail() -> None:
    program, raster = ring(decay=0)
    wrong = np.roll(raster, 1, axis=1)
    for changes in (1, 2):
        proof = sp.prove_recall(program, wrong, changes=changes)
        assert proof.failures.tolist() == [[0, -1, -1]]
        assert "is not recalled exactly from its perfect cue" in str(proof)


def test_a_state_that_still_decays_is_not_recalled_yet() -> None:
    program, raster = ring(decay=100)
    for periods in (2, 200):
        noise = sp.measure_recall(program, raster, deleted=0.0, added=1.0, trials=60, periods=periods)
        calm = noise.outcomes.wrong == 0
        assert 0 < calm.sum() < 60
        assert noise.outcomes.settled.tolist() == np.where(calm & (periods == 200), 0, -1).tolist()


# --------------------------------------------------------------------------------------------- programs of other kinds


def test_programs_that_do_not_fit() -> None:
    program, raster = ring(decay=0)
    with pytest.raises(sp.SpecError, match="the program must have 3 inputs and 3 outputs as the rasters have neurons"):
        sp.prove_recall(program, np.ones((4, 3), bool))
    with pytest.raises(sp.SpecError, match="periods must be at least 2"):
        sp.measure_recall(program, raster, periods=1)
    with pytest.raises(sp.SpecError, match=r"periods must be at most [\d,]+ for this program, got 1,000,000,000,000"):
        sp.measure_recall(program, raster, periods=10**12)
    with pytest.raises(sp.SpecError, match=r"periods must be at most [\d,]+ for this program, got 1,000,000,000,000"):
        sp.prove_recall(program, raster, periods=10**12)
    with pytest.raises(sp.SpecError, match="changes must be from 1 to"):
        sp.prove_recall(program, raster, changes=0)
    with pytest.raises(sp.SpecError, match="trials must be from 1 to 1,048,576, got 0"):
        sp.measure_recall(program, raster, trials=0)
    with pytest.raises(sp.SpecError, match="trials must be from 1 to 1,048,576, got 1000000000000"):
        sp.measure_recall(program, raster, trials=10**12)
    hidden = sp.Program.from_arrays(chip="loihi1", n_inputs=1, n_neurons=2, outputs=[0], threshold=5)
    with pytest.raises(sp.SpecError, match="every neuron of the program must be an output, got 2 neurons and 1 output"):
        sp.prove_recall(hidden, raster[:, :1])


def test_a_state_that_is_not_recorded_is_refused() -> None:
    late = sp.Program.from_arrays(
        chip="loihi1", n_inputs=1, n_neurons=1, pre=[0], post=[0], weight=[9], threshold=5, refractory=3
    )
    with pytest.raises(sp.SpecError, match="no state but a current and a potential"):
        CueRuns(late, [np.ones((4, 1), bool)])


def test_it_reports_progress() -> None:
    program, raster = ring(decay=0)
    said: list[tuple[str, int, int]] = []
    sp.prove_recall(program, raster, progress=lambda *step: said.append(step))
    assert said == [("perfect cues", 1, 1), ("memory 0", 8, 8)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"deleted": "x"}, "deleted must be a number, got 'x'"),
        ({"added": None}, "added must be a number, got None"),
        ({"added": float("nan")}, "added must be a number, got nan"),
        ({"seed": -1}, "seed must be a non-negative integer, got -1"),
        ({"seed": "x"}, "seed must be an integer, got 'x'"),
    ],
)
def test_noise_must_be_numbers(options: dict[str, object], message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        sp.noisy_cue(np.eye(4, dtype=bool), **untyped(options))


@pytest.mark.parametrize("delays", [None, "1-3", [1, "a"], [float("nan")]])
def test_delays_of_a_memory_must_be_integers(delays: object) -> None:
    with pytest.raises(sp.SpecError, match=r"delays? must be "):
        sp.specs.memory([np.eye(4, dtype=bool)], delays=untyped(delays))


def test_a_memory_takes_two_ticks() -> None:
    with pytest.raises(sp.SpecError, match="rasters must have at least 2 ticks each, so that lead is less, got 1"):
        sp.specs.memory([np.ones((1, 4), bool)])


def test_no_more_changes_than_bins() -> None:
    rasters = [np.eye(6, dtype=bool)]
    program = sp.compile(sp.specs.memory(rasters, delays=[1, 2])).program
    with pytest.raises(sp.SpecError, match="changes must be from 1 to 36, the bins of the"):
        sp.prove_recall(program, rasters, changes=10**9)
